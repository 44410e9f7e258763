"""The demo runs from training to the table, its figures hold, and README.md shows that table."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import onnx
import pytest

import pages
import rtx_compile
import support

LEAD = "From the end of the demo:"
DIGITS = 540


def has_rtx():
    try:
        rtx_compile.load()
    except rtx_compile.Unavailable:
        return False
    return True


def structure(table):
    """The table without what depends on the weights, which another machine trains a little differently."""
    table = re.sub(r"\d+\.\d+ %", "…", table)
    table = re.sub(r"[+-]\d+\.\d+ points", "…", table)
    table = re.sub(r"\d+ (of \d+ as fake-quantized.*around INT8).*", r"… \1", table)
    return table if has_rtx() else re.sub(r"  NVIDIA's compiler .*\n", "", table)


def accuracies(table):
    return [float(figure) for figure in re.findall(r"(\d+\.\d+) %", table)]


def test_demo_ends_with_its_table(graftwork, tmp_path, excerpt):
    done = subprocess.run(
        [support.ROOT / "examples" / "digits" / "demo.sh", "--out", tmp_path],
        env={**os.environ, "GRAFTWORK_COMMAND": str(graftwork.path), "WITH_RTX": str(int(has_rtx()))},
        capture_output=True,
        text=True,
        timeout=support.TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout[done.stdout.rindex(f"{tmp_path}/digits_int8.onnx,") :].replace(str(tmp_path), "out/digits")
    excerpt("README.md", LEAD, table, structure)
    shown = pages.block("README.md", LEAD).body
    for figures in (table, shown):
        exact, *quantized = accuracies(figures)
        assert exact > 98
        assert all(abs(exact - accuracy) <= 1 for accuracy in quantized), figures
        # What differs is a tie: the demo's own check fails otherwise.
        same = [int(count) for count in re.findall(rf"(\d+) of {DIGITS} as fake-quantized", figures)]
        assert len(same) == 2
        assert min(same) >= DIGITS - 3
    assert accuracies(table) == pytest.approx(accuracies(shown), abs=1)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["qdq_pairs"]["weights"] == 6
    onnx.checker.check_model(str(tmp_path / "digits_int8.onnx"), full_check=True)

    # The closing check must notice one digit that the file reads differently without its being close.
    logits = support.only(support.load_npz(tmp_path / "quantized.npz"))
    logits[0, (logits[0].argmax() + 1) % 10] = logits[0].max() + 10
    np.savez(tmp_path / "quantized.npz", output=logits)
    evaluate = support.ROOT / "examples" / "digits" / "evaluate.py"
    spoiled = subprocess.run(
        [sys.executable, evaluate, tmp_path, "--check"], capture_output=True, text=True, check=False
    )
    assert spoiled.returncode == 1
    assert "1 predictions differ beyond a tie" in spoiled.stderr
