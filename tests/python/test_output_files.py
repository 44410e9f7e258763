"""No output replaces what the command reads, or another output, whatever name leads to it."""

import json
import os
import re
import subprocess

import numpy as np
import pytest
import torch

from attack import same_paths

GRAPH = "graph(%x: f32[1, 4]) {\n  %y = nn.ReLU @r(%x)\n  return %y\n}\n"
QUANTIZE = ["quantize", "m.pt2", "--calibrate", "x.npy"]


@pytest.fixture(scope="module")
def graftwork(started):
    return started


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU()).eval()
    torch.export.save(torch.export.export(model, (torch.randn(1, 4),)), folder / "m.pt2")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def folder(sources, tmp_path):
    for name, content in sources.items():
        (tmp_path / name).write_bytes(content)
    np.save(tmp_path / "x.npy", np.ones((1, 4), np.float32))
    (tmp_path / "samples").mkdir()
    np.save(tmp_path / "samples" / "a.npy", np.ones((1, 4), np.float32))
    (tmp_path / "g.gir").write_text(GRAPH)
    (tmp_path / "recipe.json").write_text(json.dumps({"weight": {"per_channel": True}}))
    (tmp_path / "p.gpat").write_text("fusion F {\n  %a = nn.Tanh(%x)\n  => %a = kernel F(%x) [act=%a] quantize %x\n}\n")
    (tmp_path / "link.pt2").symlink_to("m.pt2")
    (tmp_path / "nowhere").symlink_to("o.onnx")
    (tmp_path / "link.npz").symlink_to("x.npy")
    (tmp_path / "twin.npy").hardlink_to(tmp_path / "x.npy")
    return tmp_path


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("arguments", "replaced"),
    [
        ([*QUANTIZE, "-o", "m.pt2"], "what is read from m.pt2"),
        ([*QUANTIZE, "-o", "./samples/../m.pt2"], "what is read from m.pt2"),
        ([*QUANTIZE, "-o", "link.pt2"], "what is read from m.pt2"),
        ([*QUANTIZE, "-o", "x.npy"], "what is read from x.npy"),
        ([*QUANTIZE, "-o", "twin.npy"], "what is read from x.npy"),
        ([*QUANTIZE, "-o", "o.onnx", "--report", "m.pt2"], "what is read from m.pt2"),
        ([*QUANTIZE, "-o", "o.onnx", "--report", "o.onnx"], "the other output o.onnx"),
        ([*QUANTIZE, "-o", "o.onnx", "--report", "samples/../o.onnx"], "the other output o.onnx"),
        ([*QUANTIZE, "-o", "o.onnx", "--report", "o.onnx.data"], "the weights beside o.onnx"),
        ([*QUANTIZE, "-o", "o.onnx", "--report", "o.onnx.0123456789abcdef.data"], "the weights beside o.onnx"),
        ([*QUANTIZE, "-o", "o.onnx", "--report", "O.ONNX"], "the other output o.onnx where names are told apart"),
        ([*QUANTIZE, "-o", "o.onnx", "--report", "nowhere"], "the other output o.onnx"),
        ([*QUANTIZE, "--config", "recipe.json", "-o", "recipe.json"], "what is read from recipe.json"),
        ([*QUANTIZE, "--patterns", "p.gpat", "-o", "p.gpat"], "what is read from p.gpat"),
        (["quantize", "m.pt2", "--calibrate", "samples", "-o", "samples/a.npy"], "what is read from samples"),
        (["run", "m.pt2", "--input", "x.npy", "-o", "link.npz"], "what is read from x.npy"),
        (["run", "m.pt2", "--input", "x.npy", "-o", "m.pt2"], "what is read from m.pt2"),
        (["transform", "g.gir", "-o", "g.gir"], "what is read from g.gir"),
        (["transform", "g.gir", "-o", "o.gir", "--report", "o.gir"], "the other output o.gir"),
        (["transform", "g.gir", "--report", "g.gir"], "what is read from g.gir"),
        (["plan", "m.pt2", "-o", "m.pt2"], "what is read from m.pt2"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_nothing_that_is_read_is_replaced(graftwork, folder, arguments, replaced):
    before = content(folder)
    done = graftwork.fails(*arguments, cwd=folder)
    assert "error[file.same]: writing " in done.stderr
    assert f"would replace {replaced}" in done.stderr
    assert content(folder) == before


def test_results_of_a_run_get_no_name_of_another_format(graftwork, folder):
    done = graftwork.fails("run", "m.pt2", "--input", "x.npy", "-o", "y.npy", cwd=folder, codes=(2,))
    assert "-o y.npy: results are written as .npz" in done.stderr
    assert not (folder / "y.npy").exists()


def test_a_plan_is_not_replaced_by_the_one_made_of_it(graftwork, folder):
    graftwork("plan", "m.pt2", "-o", "plan.json", cwd=folder)
    before = content(folder)
    assert (
        "error[file.same]"
        in graftwork.fails("plan", "m.pt2", "--plan", "plan.json", "-o", "plan.json", cwd=folder).stderr
    )
    assert content(folder) == before


def test_other_files_beside_the_samples_may_be_written(graftwork, folder):
    for _ in range(2):
        graftwork("quantize", "m.pt2", "--calibrate", "samples", "-o", "samples/o.onnx", cwd=folder)


def test_no_output_becomes_a_sample(graftwork, folder):
    (folder / "samples" / "deep").mkdir()
    for name in ("samples/y.npz", "samples/deep/y.npz", "./samples/../samples/y.npz"):
        report = graftwork.fails("run", "m.pt2", "--input", "samples", "-o", name, cwd=folder).stderr
        assert f"error[file.same]: writing {name} would add it to the samples of samples" in report
    graftwork("run", "m.pt2", "--input", "samples", "-o", "samples/.y.npz", cwd=folder)


def in_a_mount(graftwork, folder, source, target, *arguments):
    """The command where `source` is at `target` too, which this process alone sees."""
    apart = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    mount = [*apart, "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', source, target]
    try:
        subprocess.run([*mount, "true"], cwd=folder, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nothing may be mounted here")
    return subprocess.run([*mount, graftwork.path, *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*QUANTIZE, "-o", "A/o.onnx", "--report", "B/o.onnx"], "would replace the other output A/o.onnx"),
        ([*QUANTIZE, "-o", "A/o.onnx", "--report", "B/O.onnx"], "would replace the other output A/o.onnx where names"),
        ([*QUANTIZE, "-o", "A/o.onnx", "--report", "B/o.onnx.data"], "would replace the weights beside A/o.onnx"),
        (["run", "m.pt2", "--input", "A/s", "-o", "B/s/y.npz"], "would add it to the samples of A/s"),
        (["run", "m.pt2", "--input", "A", "-o", "B/s/y.npz"], "would add it to the samples of A"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_folder_that_is_mounted_twice_is_one(graftwork, folder, arguments, said):
    (folder / "B").mkdir()
    (folder / "A" / "s").mkdir(parents=True)
    (folder / "A" / "s" / "a.npy").write_bytes((folder / "x.npy").read_bytes())
    before = content(folder)
    done = in_a_mount(graftwork, folder, "A", "B", *arguments)
    assert done.returncode == 1
    assert "error[file.same]: writing " in done.stderr
    assert said in done.stderr
    assert content(folder) == before


def test_a_mount_point_is_refused_before_the_work(graftwork, folder):
    (folder / "o.onnx").write_text("mounted")
    done = in_a_mount(graftwork, folder, "g.gir", "o.onnx", *QUANTIZE, "-o", "o.onnx")
    assert done.returncode == 1
    assert "error[file.unwritable]: cannot write o.onnx: it is a mount point\n  try " in done.stderr
    assert "calibrating" not in done.stderr


def test_the_weights_of_an_onnx_file_that_is_read_are_not_replaced(graftwork, folder):
    entries = b"".join(b"\x0a\x08location\x12" + bytes([len(name)]) + name for name in (b"e.onnx.data", b"w/part"))
    (folder / "e.onnx").write_bytes(b"\x08\x0a" + entries)
    (folder / "w").mkdir()
    for name in ("e.onnx.data", "w/part"):
        (folder / name).write_bytes(b"weights")
        before = content(folder)
        report = graftwork.fails("compare", "m.pt2", "e.onnx", "--data", "x.npy", "--report", name, cwd=folder).stderr
        assert f"error[file.same]: writing {name} would replace what is read from {name}" in report
        assert content(folder) == before


def with_streams(graftwork, folder, arguments, **files):
    """The command with standard output or error at the end of a file."""
    streams = {stream: (folder / name).open("ab") for stream, name in files.items()}
    done = subprocess.run(
        [graftwork.path, *arguments],
        cwd=folder,
        check=False,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
    )
    for stream in streams.values():
        stream.close()
    return done


@pytest.mark.parametrize(
    ("arguments", "file", "said"),
    [
        (["inspect", "g.gir"], "g.gir", "is g.gir, which is read"),
        (["inspect", "link.pt2"], "m.pt2", "is link.pt2, which is read"),
        ([*QUANTIZE, "--config", "recipe.json", "-o", "o.onnx"], "recipe.json", "is recipe.json, which is read"),
        (["quantize", "m.pt2", "--calibrate", "samples", "-o", "o.onnx"], "samples/a.npy", "is samples, which is read"),
        (["transform", "g.gir", "--report", "r.txt"], "r.txt", "is r.txt, which is written by its name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_nothing_is_printed_into_a_file_of_the_line(graftwork, folder, arguments, file, said):
    (folder / file).touch()
    before = content(folder)
    done = with_streams(graftwork, folder, arguments, stdout=file)
    assert done.returncode == 1
    assert f"error[file.same]: standard output {said}\n  try another file for it" in done.stderr.decode()
    assert content(folder) == before
    done = with_streams(graftwork, folder, arguments, stderr=file)
    assert done.returncode == 1
    assert f"error[file.same]: standard error {said}\n" in done.stdout.decode(), "a message where it does no harm"
    assert content(folder) == before
    assert with_streams(graftwork, folder, arguments, stdout=file, stderr=file).returncode == 1
    assert content(folder) == before


def test_other_files_may_be_printed_into(graftwork, folder):
    assert with_streams(graftwork, folder, ["inspect", "g.gir"], stdout="log", stderr="log").returncode == 0
    assert (folder / "log").read_text()


def test_files_of_somebody_else_are_left_alone(graftwork, folder):
    names = ("o.onnx.graftwork-part", "o.onnx.graftwork-part2", "o.onnx.data", "o.onnx.0123456789abcdef.data")
    for name in names:
        (folder / name).write_text("somebody's")
    for _ in range(2):
        graftwork(*QUANTIZE, "-o", "o.onnx", cwd=folder)
    assert [(folder / name).read_text() for name in names] == ["somebody's"] * len(names)
    recipe = ("--report", "o.onnx.graftwork-part")
    graftwork(*QUANTIZE, "-o", "o.onnx", *recipe, cwd=folder)
    assert json.loads((folder / "o.onnx.graftwork-part").read_text())


#: What options show for a value that is no file.
NO_FILES = {"A", "BY", "DB", "FORM", "HOW", "METHOD", "N", "NAME", "ORDER", "SIZE", "STAGE", "TEXT", "TYPE"}


@pytest.mark.parametrize("subcommand", same_paths.SUBCOMMANDS)
def test_every_option_that_takes_a_file_is_attacked(graftwork, subcommand):
    """A new one belongs into tests/attack/same_paths.py, and option_files.cpp says what becomes of its file."""
    inputs, outputs, _ = same_paths.SUBCOMMANDS[subcommand]
    text = graftwork(subcommand, "--help").stdout
    found = re.findall(r"^  (?:-\w,)?(--[a-z-]+|[A-Z]+) (?:FILE|DATA|NAME=FILE)\b", text, re.M)
    assert sorted(found) == sorted((*inputs, *outputs))
    values = set(re.findall(r"^  (?:-\w,)?(?:--[a-z-]+|[A-Z]+) ([A-Z]+(?:=FILE)?)(?![A-Za-z])", text, re.M))
    assert values <= {"FILE", "DATA", "NAME=FILE"} | NO_FILES


@pytest.mark.parametrize("subcommand", same_paths.SUBCOMMANDS)
def test_no_option_takes_an_empty_name(graftwork, folder, subcommand):
    """As if it were not given, it would give another result than was asked for."""
    inputs, outputs, _ = same_paths.SUBCOMMANDS[subcommand]
    for option in (*inputs, *outputs):
        positional = option in ("MODEL", "FILE")
        line = [] if option == "MODEL" else ["g.gir"]
        line += [""] if positional else [option, ""]
        line += {"explain": ["y"], "plan": ["--quantize"]}.get(subcommand, [])
        for required in ("--output", "--calibrate", "--data", "--input"):
            if required in (*inputs, *outputs) and required != option:
                line += [required, "x"]
        done = graftwork.fails(subcommand, *line, codes=(2,), cwd=folder)
        assert f"{option}: it takes the name of a file, not an empty one" in done.stderr, line
    if "--input" in inputs:
        done = graftwork.fails(subcommand, "g.gir", "--input", "x=", "-o", "y", codes=(2,), cwd=folder)
        assert "--input: it takes the name of a file" in done.stderr
