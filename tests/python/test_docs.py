"""What the pages show: sessions are run again, line by line, in a folder of their own; no block goes unchecked."""

import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

import pages
import support
import zoo

# page: the file that a ```gir or ```python block without a name is
SESSIONS = {
    "docs/plans.md": "net.gir",
    "docs/data.md": "make.py",
    "docs/recipe.md": "make.py",
    "docs/quantization.md": "make.py",
    "docs/report.md": "make.py",
    "docs/scales.md": "make.py",
    "docs/patterns.md": "",
    "docs/kernels.md": "make.py",
    "docs/attention.md": "make.py",
    "docs/accuracy-tools.md": "make.py",
    "docs/capture.md": "make.py",
}
# Every other block, by page and by how the paragraph in front of it begins, and what holds it.
ELSEWHERE = {
    "README.md": {
        "Takes a trained PyTorch network": "a picture",
        "## Two commands": "test_readme_names_targets_of_make",
        "From the end of the demo:": "tests/python/test_demo.py",
        "**Python**": "tests/python/package/test_readme.py",
        "**C++**": "tests/python/test_cpp_page.py",
        "**The command**": "test_readme_commands_run",
        "Then, without Python:": "test_readme_commands_run",
    },
    "ARCHITECTURE.md": {
        "Data flows one way": "tests/structure/test_pages.py",
        "**After import**": "tests/python/test_architecture.py",
        "**Prepared**": "tests/python/test_architecture.py",
        "**Converted**": "tests/python/test_architecture.py",
        "**Fused**": "tests/python/test_architecture.py",
        "**Placed**": "tests/python/test_architecture.py",
        "**Exported**": "tests/python/test_architecture.py",
    },
    "docs/ir.md": {
        "What `graftwork inspect` shows": "test_printed_form_is_printed_so",
        "## Grammar": "a grammar; tests/unit/ir/text_test.cpp has its cases",
    },
    "tests/zoo/README.md": {
        "`make zoo-full` builds": "figures of one run; the rows of small networks are tests",
        "`make zoo-trained` takes": "tests/python/test_trained_encoder.py",
    },
    "tests/operators/README.md": {"| file | holds |": "tests/python/test_operators.py runs a tenth of them"},
    "docs/qat.md": {
        "The float network": "tests/python/test_qat.py",
        "A step is what": "tests/python/test_qat.py",
        "`train()` and `eval()`": "tests/python/test_qat.py",
        "## Stopping and going on": "tests/python/test_qat.py",
        "A checkpoint holds": "tests/python/test_qat.py",
        "## The file": "tests/python/test_qat.py",
        "`freeze` gives": "tests/python/test_qat.py",
        "Both are told": "tests/python/test_qat.py",
        "The whole of it takes": "tests/python/test_qat.py",
    },
    "docs/install.md": {
        "Everything below is run": "tests/python/test_install.py",
        "## A C++ project": "tests/python/test_install.py",
        "Without CMake, by pkg-config": "tests/python/test_install.py",
        "## As a part of another build": "tests/python/test_install.py",
        "On a machine where the link": "tests/python/test_install.py",
        "`.gir` files need no torch": "tests/python/test_install.py",
    },
    "docs/cpp.md": {
        lead: "tests/python/test_cpp_page.py"
        for lead in (
            "One library",
            "`capture` runs",
            "A network is a value",
            "## Kernels",
            "The result computes",
            "Patterns are lists",
            "A file of a stranger",
            "A plan has",
            "Data that lie",
            "A calibration may stop",
            "The recipe is",
            "The quantized network",
            "## The file",
            "Every failure",
        )
    },
    "docs/python.md": {
        "": "tests/python/package/test_python_page.py",
    },
    "docs/patterns.md": {"## The grammar": "a grammar; tests/unit/patterns/text_test.cpp has its cases"},
}


def lead_of(block):
    return block.lead or f"## {block.heading}"


def test_every_block_is_held_by_something():
    unheld, used = [], set()
    for page in pages.pages():
        for block in pages.blocks(page):
            leads = [lead for lead in ELSEWHERE.get(page, {}) if lead_of(block).startswith(lead)]
            used.update((page, lead) for lead in leads)
            run_here = page in SESSIONS and block.language in ("gir", "gpat", "python", "console", "cpp")
            if not run_here and not leads:
                unheld.append(str(block))
    assert unheld == [], "run these blocks in a test, or name here what holds them"
    for held in [by for leads in ELSEWHERE.values() for by in leads.values()]:
        for name in re.findall(r"tests/\S+|test_\w+$", held):
            assert name in globals() or (support.ROOT / name).is_file(), name
    stale = {(page, lead) for page, leads in ELSEWHERE.items() for lead in leads} - used
    assert stale == set(), "no page has such blocks"


def path_with(graftwork):
    return f"{graftwork.path.parent}{os.pathsep}{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("page", SESSIONS)
def test_sessions_print_what_the_page_shows(graftwork, tmp_path, page):
    commands = 0
    for block in pages.blocks(page):
        if block.language in ("gir", "gpat", "python"):
            (tmp_path / (block.file or SESSIONS[page])).write_text(block.body)
        if block.language == "cpp":
            assert block.body in (support.ROOT / "examples" / "backend" / "main.cpp").read_text()
        if block.language != "console":
            continue
        for session in re.split(r"^\$ ", block.body, flags=re.M)[1:]:
            command, _, shown = session.partition("\n")
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=tmp_path,
                env={**os.environ, "PATH": path_with(graftwork)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=support.TIMEOUT,
                check=False,
            )
            assert done.stdout == shown, f"$ {command}"
            commands += 1
    assert commands >= 5


def test_readme_commands_run(graftwork, tmp_path, monkeypatch):
    """On a network of the zoo, with the files that the lines name."""
    monkeypatch.chdir(tmp_path)
    images = zoo.samples("resnet18", 6).numpy()
    names = {"torch": torch, "numpy": np, "model": zoo.build("resnet18"), "images": images}
    names["example"] = torch.from_numpy(images[:1])
    exec(pages.block("README.md", "**The command**").body, names)
    np.save("image.npy", images[:1])
    (tmp_path / "photos").mkdir()
    for i in range(3):
        pixels = np.random.default_rng(i).integers(0, 256, (40, 50, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{i}.jpg")
    (pattern, *_) = [b for b in pages.blocks("docs/patterns.md") if b.language == "gpat"]
    (tmp_path / "mine.gpat").write_text(pattern.body)
    lines = pages.block("README.md", "Then, without Python:").body.splitlines()
    assert len(lines) >= 8
    for line in lines:
        program, *arguments = shlex.split(line, comments=True)
        assert program == "build/bin/graftwork", line
        graftwork(*arguments)
        for option in ("-o", "--report", "--html"):
            for written in [arguments[i + 1] for i, word in enumerate(arguments) if word == option]:
                assert os.path.getsize(written) > 0, line


def test_readme_names_targets_of_make():
    targets = set(re.findall(r"^([a-z-]+):.*## ", (support.ROOT / "Makefile").read_text(), re.M))
    text = (support.ROOT / "README.md").read_text()
    named = re.findall(r"\bmake ([a-z-]+)", text)
    assert len(named) >= 4
    assert set(named) <= targets


def test_printed_form_is_printed_so(graftwork, tmp_path):
    """docs/ir.md's network is what the program prints for it where no pattern changes it."""
    block = pages.block("docs/ir.md", "What `graftwork inspect` shows")
    (tmp_path / "net.gir").write_text(block.body)
    graftwork("plan", "net.gir", "-o", "plan.json", cwd=tmp_path)
    plan = re.sub(r'"rounds": \[.*\]', '"rounds": []', (tmp_path / "plan.json").read_text(), flags=re.S)
    (tmp_path / "nothing.json").write_text(plan)
    assert graftwork("transform", "net.gir", "--plan", "nothing.json", cwd=tmp_path).stdout == block.body
