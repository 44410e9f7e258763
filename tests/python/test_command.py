"""The command as its users meet it: what each subcommand prints, and how it fails on bad input."""

import json
import re
import zipfile

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import support
import zoo
from export import save_pt2

SUBCOMMANDS = ("quantize", "transform", "plan", "explain", "inspect", "run", "compare", "sensitivity")


@pytest.fixture(scope="module")
def graftwork(started):
    return started


@pytest.fixture
def folder(exported, tmp_path):
    """A working folder with digits.pt2, data.npy and x.npy: what is printed then names no path of this machine."""
    source = exported("digits")
    for file, original in (("digits.pt2", source.path), ("data.npy", source.calibration), ("x.npy", source.input)):
        (tmp_path / file).write_bytes(original.read_bytes())
    return tmp_path


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# What works.


def test_version_is_the_projects(graftwork):
    version = re.search(r"project\(graftwork VERSION (\S+)", (support.ROOT / "CMakeLists.txt").read_text())[1]
    assert graftwork("--version").stdout.strip() == f"graftwork {version}"


def test_help_lists_the_subcommands(graftwork):
    text = graftwork("--help").stdout
    assert all(subcommand in text for subcommand in SUBCOMMANDS)


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_help_has_an_example(graftwork, subcommand):
    text = graftwork(subcommand, "--help").stdout
    assert re.search(rf"^ *(\$ )?graftwork {subcommand} \S+", text, re.M), text


def test_inspect_prints_the_graph(graftwork, folder, golden):
    golden("inspect.txt", graftwork("inspect", "digits.pt2", cwd=folder).stdout)


def test_inspect_json_is_json(graftwork, folder):
    assert json.loads(graftwork("inspect", "digits.pt2", "--json", cwd=folder).stdout)


def test_transform_writes_the_fused_graph(graftwork, folder, golden):
    graftwork("transform", "digits.pt2", "-o", "digits.gir", "--report", "report.json", cwd=folder)
    golden("transform.gir", (folder / "digits.gir").read_text())
    assert json.loads((folder / "report.json").read_text())["fused"]


def test_quantize_writes_file_and_report(graftwork, folder):
    before = listing(folder)
    graftwork(
        "quantize", "digits.pt2", "--calibrate", "data.npy", "--report", "report.json", "-o", "out.onnx", cwd=folder
    )
    assert listing(folder) == sorted([*before, "out.onnx", "report.json"])
    report = json.loads((folder / "report.json").read_text())
    assert report["fused"]
    assert report["qdq_pairs"]["weights"] == 6
    assert all(stub["name"] and stub["scale"] > 0 for stub in report["stubs"])


def test_quiet_prints_nothing(graftwork, folder):
    done = graftwork("quantize", "digits.pt2", "--calibrate", "data.npy", "--quiet", "-o", "out.onnx", cwd=folder)
    assert done.stdout == ""
    assert done.stderr == ""


def test_a_pipe_gets_no_control_characters(graftwork, folder):
    done = graftwork("quantize", "digits.pt2", "--calibrate", "data.npy", "-o", "out.onnx", cwd=folder)
    assert not re.search(r"[\r\x1b]", done.stdout + done.stderr)


def test_run_writes_the_outputs(graftwork, folder):
    for stage in ("float", "transformed"):
        graftwork("run", "digits.pt2", "--input", "x=x.npy", "--stage", stage, "-o", f"{stage}.npz", cwd=folder)
    graftwork(
        *("run", "digits.pt2", "--input", "x=x.npy", "--stage", "quantized", "--calibrate", "data.npy"),
        *("-o", "quantized.npz"),
        cwd=folder,
    )
    exact, quantized = (support.only(support.load_npz(folder / f"{stage}.npz")) for stage in ("float", "quantized"))
    assert exact.shape == quantized.shape == (4, 10)
    assert 20 < support.sqnr_db(exact, quantized) < 80, "quantized is the float output, or far from it"


def test_an_output_is_replaced_whole(graftwork, folder):
    (folder / "out.onnx").write_bytes(b"old" * 10_000_000)
    graftwork("quantize", "digits.pt2", "--calibrate", "data.npy", "-o", "out.onnx", cwd=folder)
    assert (folder / "out.onnx").stat().st_size < 1_000_000


# What does not.


def write_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "hello")


BAD_MODELS = {
    "missing": lambda path, good: None,
    "empty": lambda path, good: path.write_bytes(b""),
    "text": lambda path, good: path.write_text("this is not an archive\n"),
    "a folder": lambda path, good: path.mkdir(),
    "another archive": lambda path, good: write_zip(path),
    **{
        f"truncated to {percent} %": lambda path, good, percent=percent: path.write_bytes(
            good[: len(good) * percent // 100]
        )
        for percent in (1, 10, 50, 90, 99)
    },
    "one byte short": lambda path, good: path.write_bytes(good[:-1]),
}


@pytest.mark.parametrize("case", BAD_MODELS)
def test_bad_model(graftwork, folder, case):
    BAD_MODELS[case](folder / "bad.pt2", (folder / "digits.pt2").read_bytes())
    before = listing(folder)
    done = graftwork.fails("quantize", "bad.pt2", "--calibrate", "data.npy", "-o", "out.onnx", cwd=folder)
    assert "bad.pt2" in done.stderr
    graftwork.fails("inspect", "bad.pt2", cwd=folder)
    assert listing(folder) == before


def npy(array):
    return lambda path: np.save(path, array)


def spoiled(value):
    samples = zoo.samples("digits", 8).numpy()
    samples[3, 0, 2, 2] = value
    return samples


def truncate(path):
    np.save(path, zoo.samples("digits", 8).numpy())
    path.write_bytes(path.read_bytes()[:-100])


BAD_DATA = {
    "missing": ("bad.npy", lambda path: None),
    "a file of zero bytes": ("bad.npy", lambda path: path.write_bytes(b"")),
    "text": ("bad.npy", lambda path: path.write_text("1 2 3\n")),
    "truncated": ("bad.npy", truncate),
    "no samples": ("bad.npy", npy(np.zeros((0, 1, 8, 8), np.float32))),
    "too many channels": ("bad.npy", npy(np.zeros((8, 3, 8, 8), np.float32))),
    "one axis too few": ("bad.npy", npy(np.zeros((8, 8, 8), np.float32))),
    "other size": ("bad.npy", npy(np.zeros((8, 1, 9, 9), np.float32))),
    "a scalar": ("bad.npy", npy(np.float32(1))),
    "strings": ("bad.npy", npy(np.array([["a"]]))),
    "pickled objects": ("bad.npy", npy(np.array([{}], dtype=object))),
    "NaN": ("bad.npy", npy(spoiled(np.nan))),
    "infinity": ("bad.npy", npy(spoiled(np.inf))),
    "another input's name": ("bad.npz", lambda path: np.savez(path, y=zoo.samples("digits", 8).numpy())),
    "an empty folder": ("bad", lambda path: path.mkdir()),
    "an unknown suffix": ("bad.bin", lambda path: path.write_bytes(b"\0" * 64)),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_calibration_data(graftwork, folder, case):
    name, make = BAD_DATA[case]
    make(folder / name)
    before = listing(folder)
    done = graftwork.fails("quantize", "digits.pt2", "--calibrate", name, "-o", "out.onnx", cwd=folder)
    assert name in done.stderr
    assert listing(folder) == before


QUANTIZE = ("quantize", "digits.pt2", "--calibrate", "data.npy")
BAD_USAGE = {
    "nothing at all": (),
    "unknown subcommand": ("quantise", "digits.pt2"),
    "no model": ("quantize", "--calibrate", "data.npy", "-o", "out.onnx"),
    "no output": QUANTIZE,
    "no calibration": ("quantize", "digits.pt2", "-o", "out.onnx"),
    "unknown option": (*QUANTIZE, "-o", "out.onnx", "--frobnicate"),
    "limit 0": (*QUANTIZE, "-o", "out.onnx", "--limit", "0"),
    "limit -1": (*QUANTIZE, "-o", "out.onnx", "--limit", "-1"),
    "limit of letters": (*QUANTIZE, "-o", "out.onnx", "--limit", "many"),
    "limit beyond 64 bits": (*QUANTIZE, "-o", "out.onnx", "--limit", "99999999999999999999"),
    "opset 18": (*QUANTIZE, "-o", "out.onnx", "--opset", "18"),
    "opset 26": (*QUANTIZE, "-o", "out.onnx", "--opset", "26"),
    "unknown float type": (*QUANTIZE, "-o", "out.onnx", "--float", "fp12"),
    "unknown weights": (*QUANTIZE, "-o", "out.onnx", "--weights", "int3"),
    "unknown stage": ("run", "digits.pt2", "--input", "x=x.npy", "--stage", "later", "-o", "out.onnx"),
    "a file and a stage": ("compare", "digits.pt2", "x.npy", "--stage", "transformed", "--data", "data.npy"),
    "compare without data": ("compare", "digits.pt2"),
    "ranges for a float stage": (
        *("compare", "digits.pt2", "--stage", "transformed", "--data", "data.npy", "--calibration-method", "mse"),
    ),
    "a target without a recipe": ("sensitivity", "digits.pt2", "--data", "data.npy", "--target-sqnr", "30"),
    "a recipe without a target": ("sensitivity", "digits.pt2", "--data", "data.npy", "-o", "out.json"),
    "a recipe of scales": (
        *("sensitivity", "digits.pt2", "--data", "data.npy", "--scales", "s.jsonl", "--budget", "1", "-o", "out.json"),
    ),
    "a target and a budget": (
        *("sensitivity", "digits.pt2", "--data", "data.npy", "--target-sqnr", "30", "--budget", "1", "-o", "out.json"),
    ),
    "a target of nothing": (
        *("sensitivity", "digits.pt2", "--data", "data.npy", "--target-sqnr", "nan", "-o", "out.json"),
    ),
    "a rank that needs labels": ("sensitivity", "digits.pt2", "--data", "data.npy", "--rank", "top1"),
    "quantized without data": ("run", "digits.pt2", "--input", "x=x.npy", "--stage", "quantized", "-o", "out.onnx"),
}


@pytest.mark.parametrize("case", BAD_USAGE)
def test_bad_usage(graftwork, folder, case):
    before = listing(folder)
    graftwork.fails(*BAD_USAGE[case], codes=(2,), cwd=folder)
    assert listing(folder) == before


def test_opset_is_checked_before_anything_is_calibrated(graftwork, folder):
    """Calibration would find the bad sample and say so: with an opset that can be written it does."""
    np.save(folder / "bad.npy", spoiled(np.nan))
    command = ("quantize", "digits.pt2", "--calibrate", "bad.npy", "-o", "out.onnx", "--opset")
    for opset in ("18", "26"):
        done = graftwork.fails(*command, opset, codes=(2,), cwd=folder)
        assert "--opset" in done.stderr
        assert "19 to 25" in done.stderr
        assert "NaN" not in done.stderr
    for opset in ("19", "25"):
        assert "sample 3 of input x holds NaN" in graftwork.fails(*command, opset, codes=(1,), cwd=folder).stderr
    assert "--opset N:19 to 25 " in graftwork("quantize", "--help").stdout


INT8, INT4, FP8 = {}, {"precision": "int4", "block_size": 64}, {"precision": "fp8"}


@pytest.mark.parametrize(
    ("weight", "options", "said"),
    [
        (INT8, ("--opset", 21, "--float", "bf16"), "opset 21 is asked for, and BF16 needs 22"),
        (INT8, ("--opset", 22, "--attention-operator"), "opset 22 is asked for, and the operator Attention needs 23"),
        (INT4, ("--opset", 20), "opset 20 is asked for, and INT4 needs 21"),
        (INT4, ("--weights", "float"), "TensorRT 8, which float weights are for, lacks INT4"),
        (FP8, ("--weights", "float"), "TensorRT 8, which float weights are for, lacks FP8"),
    ],
)
@pytest.mark.parametrize("by", ["config", "plan"])
def test_what_the_file_cannot_hold_is_told_before_anything_is_calibrated(graftwork, folder, weight, options, said, by):
    np.save(folder / "bad.npy", spoiled(np.nan))
    if by == "plan":
        graftwork("plan", "digits.pt2", "--quantize", "-o", "how.json", cwd=folder)
        how = json.loads((folder / "how.json").read_text())
        for planned in how["stubs"]["weights"]:
            planned |= weight
    else:
        how = {"weight": weight, "activation": FP8 if weight is FP8 else {}}
    (folder / "how.json").write_text(json.dumps(how))
    command = ("quantize", "digits.pt2", "--calibrate", "bad.npy", f"--{by}", "how.json", *options, "-o", "out.onnx")
    done = graftwork.fails(*command, codes=(1,), cwd=folder)
    assert said in done.stderr
    assert "NaN" not in done.stderr


def test_an_operator_may_need_a_higher_opset(graftwork, tmp_path):
    net = nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 8)).eval()
    save_pt2(net, tmp_path / "net.pt2", torch.zeros(2, 8), dynamic_batch=True)
    np.save(tmp_path / "x.npy", np.full((2, 8), np.nan, np.float32))
    command = ("quantize", "net.pt2", "--calibrate", "x.npy", "-o", "out.onnx", "--opset")
    told = graftwork.fails(*command, 19, codes=(1,), cwd=tmp_path).stderr
    assert "opset 19 is asked for, and its operator needs 20" in told
    assert "at  %fused_linear_act_0 = FusedLinearAct" in told
    assert "holds NaN" in graftwork.fails(*command, 20, codes=(1,), cwd=tmp_path).stderr


@pytest.mark.parametrize("opset", [19, 25])
def test_both_ends_of_the_opset_range_are_written(graftwork, folder, opset):
    graftwork(*QUANTIZE, "-o", "out.onnx", "--opset", opset, cwd=folder)
    model = onnx.load(folder / "out.onnx")
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": opset}
    onnx.checker.check_model(model, full_check=True)


FAILURES = {
    "a folder that does not exist": (*QUANTIZE, "-o", "nowhere/out.onnx"),
    "a folder as output": (*QUANTIZE, "-o", "."),
    "a report that cannot be written": (*QUANTIZE, "-o", "out.onnx", "--report", "nowhere/report.json"),
    "a config that does not exist": (*QUANTIZE, "-o", "out.onnx", "--config", "none.json"),
    "a name to skip that is not there": (*QUANTIZE, "-o", "out.onnx", "--skip", "no_such_layer"),
    "a stub to skip that is not there": (*QUANTIZE, "-o", "out.onnx", "--skip-stub", "no_such_layer"),
    "a weight to skip that is not there": (*QUANTIZE, "-o", "out.onnx", "--skip-weight", "no_such_layer"),
    "an input that the model lacks": ("run", "digits.pt2", "--input", "y=x.npy", "-o", "out.onnx"),
    "an input that is not given": ("run", "digits.pt2", "-o", "out.onnx"),
    "an input of another shape": ("run", "digits.pt2", "--input", "x=wrong.npy", "-o", "out.onnx"),
    "an input file that is missing": ("run", "digits.pt2", "--input", "x=none.npy", "-o", "out.onnx"),
    "a report of compare that cannot be written": (
        *("compare", "digits.pt2", "--data", "data.npy", "--report", "nowhere/report.json"),
    ),
    "a file to compare that is missing": ("compare", "digits.pt2", "none.onnx", "--data", "data.npy"),
    "labels that are no whole numbers": ("sensitivity", "digits.pt2", "--data", "data.npy", "--labels", "x.npy"),
    "a recipe over the model": (
        *("sensitivity", "digits.pt2", "--data", "data.npy", "--budget", "1", "-o", "digits.pt2"),
    ),
    "a checkpoint over the data": ("sensitivity", "digits.pt2", "--data", "data.npy", "--checkpoint", "data.npy"),
    "a graph to a folder that does not exist": ("transform", "digits.pt2", "-o", "nowhere/out.gir"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_failure_leaves_nothing_behind(graftwork, folder, case):
    np.save(folder / "wrong.npy", np.zeros((4, 3, 8, 8), np.float32))
    before = listing(folder)
    graftwork.fails(*FAILURES[case], cwd=folder)
    assert listing(folder) == before


def test_failure_leaves_an_older_output_alone(graftwork, folder):
    (folder / "out.onnx").write_text("older")
    np.save(folder / "bad.npy", spoiled(np.nan))
    graftwork.fails("quantize", "digits.pt2", "--calibrate", "bad.npy", "-o", "out.onnx", cwd=folder)
    assert (folder / "out.onnx").read_text() == "older"
