"""`compare`: distances are those of the outputs, and a spoiled file is found out at the value where it was spoiled."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

import support
import zoo
from export import save_pt2

FLOATS = ("fp16", "fp32")


def with_python(graftwork, *arguments, **how):
    """With the tests' own python3 in front, which has ONNX Runtime."""
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    return graftwork(*arguments, env={"PATH": path}, **how)


def rungs_of(graftwork, folder, *arguments, **how):
    done = with_python(graftwork, "compare", *arguments, "--report", folder / "report.json", **how)
    report = json.loads((folder / "report.json").read_text())
    return {rung["rung"]: rung for rung in report["rungs"]}, done


@pytest.fixture(scope="module")
def files(graftwork, exported, tmp_path_factory):
    """files(NAME, TYPE): the quantized file of a network."""
    folder, made = tmp_path_factory.mktemp("files"), {}

    def get(name, float_type="fp16"):
        if (name, float_type) not in made:
            source, path = exported(name), folder / f"{name}_{float_type}.onnx"
            graftwork(
                *("quantize", source.path, "--calibrate", source.calibration, "--float", float_type),
                *("--no-losses", "--quiet", "-o", path),
            )
            made[name, float_type] = path
        return made[name, float_type]

    return get


@pytest.mark.parametrize("float_type", FLOATS)
@pytest.mark.parametrize("name", ["digits", "resnet18", "encoder"])
def test_a_good_file_parts_nowhere(graftwork, exported, files, tmp_path, name, float_type):
    source = exported(name)
    command = (source.path, files(name, float_type), "--data", source.input, "--calibrate", source.calibration)
    rungs, done = rungs_of(graftwork, tmp_path, *command, "--float", float_type, "--samples", 4)
    assert list(rungs) == ["transformed", "quantized", "file"]
    assert rungs["transformed"]["first_divergence"] is None
    assert rungs["quantized"]["first_divergence"]["layer"]
    assert rungs["file"]["first_divergence"] is None
    expected, found = source.reference(), support.only(support.run_onnx(files(name, float_type), source.x))
    (output,) = rungs["file"]["outputs"]
    assert output["against_float"]["sqnr_db"] == pytest.approx(support.sqnr_db(expected, found), abs=0.1)
    largest = np.abs(expected - found.astype(np.float32)).max()
    assert output["against_float"]["largest_difference"] == pytest.approx(largest, rel=1e-2)
    if float_type == "fp32" and name != "encoder":  # whose exponentials are rounded otherwise, and turn codes over
        quantized = ("--stage", "quantized", "--calibrate", source.calibration, "--float", float_type)
        graftwork("run", source.path, "--input", source.input, *quantized, "--quiet", "-o", tmp_path / "q.npz")
        off = np.abs(found - support.only(support.load_npz(tmp_path / "q.npz"))).max(axis=1)
        assert (off > 1e-5 * np.abs(found).max()).sum() <= len(off) / 2, "but for values that lie between two codes"
    assert "none beyond rounding" in done.stdout


def scale_of_weight(model):
    (_, second, *_) = support.QdqGraph(model).weight_dequantizers()
    return second.input[1]


def scale_of_stub(model):
    quantizers = support.QdqGraph(model).activation_quantizers()
    return quantizers[len(quantizers) // 2].input[1]


def spoil(source, target, name, factor):
    model = onnx.load(source)
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array((numpy_helper.to_array(tensor) * factor).astype(np.float32), name))
    onnx.save(model, target)
    return model


@pytest.mark.parametrize("which", [scale_of_weight, scale_of_stub])
def test_a_spoiled_value_is_named(graftwork, exported, files, tmp_path, which):
    """A scale that is a twentieth too large: the value that it makes is the first that parts."""
    source, good = exported("digits"), files("digits", "fp32")
    name = which(onnx.load(good))
    model = spoil(good, tmp_path / "bad.onnx", name, 1.05)
    command = (source.path, tmp_path / "bad.onnx", "--data", source.input, "--calibrate", source.calibration)
    rungs, done = rungs_of(graftwork, tmp_path, *command, "--float", "fp32")
    first = rungs["file"]["first_divergence"]
    graph = support.QdqGraph(model)
    if which is scale_of_stub:
        quantizer = next(node for node in graph.nodes("QuantizeLinear") if node.input[1] == name)
        assert first["value"] == graph.stub_of(quantizer)
        assert "a scale differs" in done.stdout
    else:
        (reader,) = graph.consumers[next(n for n in graph.weight_dequantizers() if n.input[1] == name).output[0]]
        behind = graph.consumers[reader.output[0]][0]
        assert first["value"] in (reader.output[0], behind.output[0], graph.consumers[behind.output[0]][0].output[0])
        assert first["module"].startswith("Fused")
    assert first["value"] in done.stdout
    assert first["difference"]["largest_difference"] > first["explained_by_rounding"] > 0


def test_other_calibration_data_show_in_a_scale(graftwork, exported, tmp_path):
    source = exported("digits")
    np.save(tmp_path / "other.npy", zoo.samples("digits", 8, seed=9).numpy() * 1.5)
    graftwork("quantize", source.path, "--calibrate", tmp_path / "other.npy", "--quiet", "-o", tmp_path / "o.onnx")
    rungs, _ = rungs_of(graftwork, tmp_path, source.path, tmp_path / "o.onnx", "--data", source.calibration)
    assert rungs["file"]["first_divergence"]["value"] == "quant_stub_0"
    assert "other calibration data" in rungs["file"]["note"]


RECIPES = {
    "fp8": {part: {"precision": "fp8"} for part in ("activation", "weight")},
    "int4": {"weight": {"precision": "int4", "block_size": 64}},
}


@pytest.fixture
def mlp(tmp_path):
    """A network of linear layers, with its samples; blocks of 64 fit into it."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 10)).eval()
    save_pt2(net, tmp_path / "mlp.pt2", torch.zeros(2, 256), dynamic_batch=True)
    np.save(tmp_path / "x.npy", torch.randn(32, 256).numpy())
    return tmp_path


@pytest.mark.parametrize("float_type", FLOATS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_good_files_of_other_codes_part_nowhere(graftwork, mlp, recipe, float_type):
    (mlp / "recipe.json").write_text(json.dumps(RECIPES[recipe]))
    how = ("--config", mlp / "recipe.json", "--float", float_type)
    graftwork("quantize", mlp / "mlp.pt2", "--calibrate", mlp / "x.npy", *how, "--quiet", "-o", mlp / "n.onnx")
    command = (mlp / "mlp.pt2", mlp / "n.onnx", "--data", mlp / "x.npy", *how)
    rungs, _ = rungs_of(graftwork, mlp, *command)
    assert rungs["file"]["first_divergence"] is None
    # Ranges of a few samples: another scale, which shows in its stub.
    if recipe == "fp8":
        rungs, done = rungs_of(graftwork, mlp, *command, "--limit", 3)
        assert rungs["file"]["first_divergence"]["value"].startswith("quant_stub")
        assert "a scale differs" in done.stdout


def test_a_limit_holds_for_the_data_alone(graftwork, exported, tmp_path):
    source = exported("digits")
    _, done = rungs_of(graftwork, tmp_path, source.path, "--data", source.calibration, "--limit", 3, "--samples", 8)
    assert ", on 3 samples" in done.stdout


def test_a_file_that_onnx_runtime_has_no_kernels_for_is_left_out(graftwork, exported, files, tmp_path):
    source = exported("digits")
    command = (source.path, files("digits", "bf16"), "--data", source.input, "--calibrate", source.calibration)
    rungs, done = rungs_of(graftwork, tmp_path, *command, "--float", "bf16")
    assert list(rungs) == ["transformed", "quantized", "file"]
    assert "left out: python3: ONNX Runtime lacks an operator of the file" in done.stdout


@pytest.mark.parametrize(
    ("script", "said"),
    [("kill -9 $$", "python3 was ended by signal 9"), ("exit 7", "python3 ended with exit code 7 and said nothing")],
)
def test_how_a_silent_child_ended_is_told(graftwork, exported, files, tmp_path, script, said):
    source = exported("digits")
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    done = graftwork.run("compare", source.path, files("digits"), "--data", source.input, env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert said in done.stderr


def test_a_caller_that_ignores_its_children_compares_the_file(graftwork, exported, files, tmp_path):
    """The system keeps no child's end then, unless the command asks for it."""
    source = exported("digits")
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nexit 7\n")
    python.chmod(0o755)
    done = subprocess.run(
        [graftwork.path, "compare", source.path, files("digits"), "--data", source.input, "--no-isolation"],
        env={**os.environ, "PATH": str(tmp_path)},
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "python3 ended with exit code 7" in done.stderr


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


@pytest.mark.parametrize(
    ("send", "number"),
    [
        (os.kill, signal.SIGTERM),
        (os.kill, signal.SIGKILL),
        (os.killpg, signal.SIGINT),  # as a terminal sends it; SIGKILL to all would leave nobody to clear up
        (os.killpg, signal.SIGHUP),
    ],
)
def test_what_runs_the_file_ends_with_the_command(graftwork, exported, files, tmp_path, send, number):
    """And so do the samples that it was given."""
    source, started, temporary = exported("digits"), tmp_path / "started", tmp_path / "temporary"
    temporary.mkdir()
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (tmp_path / "onnxruntime.py").write_text(
        f"import os, time\nopen({str(started)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)\n"
    )
    process = subprocess.Popen(
        [graftwork.path, "compare", source.path, files("digits"), "--data", source.input],
        env={
            **os.environ,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "PYTHONPATH": str(tmp_path),
            "TMPDIR": str(temporary),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not (started.exists() and started.read_text()) and process.poll() is None:
        time.sleep(0.01)
    assert list(temporary.iterdir())
    send(process.pid, number)
    process.wait(timeout=60)
    for _ in range(200):
        left = list(temporary.iterdir()), is_running(started.read_text())
        if left == ([], False):
            return
        time.sleep(0.05)
    pytest.fail(f"left behind: {left}")


def test_ctrl_c_while_the_file_runs_is_no_fault_of_the_file(graftwork, exported, files, tmp_path):
    """It reaches all of a terminal's processes, the child first."""
    source, started = exported("digits"), tmp_path / "started"
    python = tmp_path / "python3"
    python.write_text(f"#!{sys.executable}\nimport time\nopen({str(started)!r}, 'w').close()\ntime.sleep(60)\n")
    python.chmod(0o755)
    process = subprocess.Popen(
        [graftwork.path, "compare", source.path, files("digits"), "--data", source.input],
        env={**os.environ, "PATH": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not started.exists() and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert "error[interrupted]" in told


@pytest.mark.parametrize(("path", "reason"), [("", "there is no python3"), ("bin", "No module named")])
def test_the_file_is_left_out_without_onnx_runtime(graftwork, exported, files, tmp_path, path, reason):
    """A python3 without packages stands in for a machine that lacks them."""
    source = exported("digits")
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python3"
    python.write_text("#!/bin/sh\necho \"No module named 'onnxruntime'\"\nexit 3\n")
    python.chmod(0o755)
    command = ("compare", source.path, files("digits"), "--data", source.input, "--report", tmp_path / "r.json")
    done = graftwork(*command, env={"PATH": str(tmp_path / path) if path else str(tmp_path / "nowhere")})
    assert f"left out: {'python3: ' if path else ''}{reason}" in done.stdout
    (*_, last) = json.loads((tmp_path / "r.json").read_text())["rungs"]
    assert last["rung"] == "file"
    assert reason in last["left_out"]


def test_names_with_spaces_and_quotes_are_names(graftwork, exported, files, tmp_path):
    source = exported("digits")
    folder = tmp_path / 'it\'s "a" $HOME; folder'
    folder.mkdir()
    (folder / "net;.onnx").write_bytes(files("digits").read_bytes())
    rungs, _ = rungs_of(
        graftwork,
        tmp_path,
        source.path,
        folder / "net;.onnx",
        "--data",
        source.input,
        "--calibrate",
        source.calibration,
    )
    assert rungs["file"]["first_divergence"] is None


def test_weights_beside_the_file_are_found(graftwork, exported, files, tmp_path):
    source = exported("digits")
    model = onnx.load(files("digits"))
    onnx.save(model, tmp_path / "n.onnx", save_as_external_data=True, size_threshold=0, location="n.data")
    command = (source.path, tmp_path / "n.onnx", "--data", source.input, "--calibrate", source.calibration)
    rungs, _ = rungs_of(graftwork, tmp_path, *command)
    assert rungs["file"]["first_divergence"] is None


def test_stages_end_where_they_are_told_to(graftwork, exported, tmp_path):
    source = exported("digits")
    for stage, expected in {
        "float": [],
        "transformed": ["transformed"],
        "quantized": ["transformed", "quantized"],
    }.items():
        rungs, done = rungs_of(graftwork, tmp_path, source.path, "--stage", stage, "--data", source.input)
        assert list(rungs) == expected
        assert done.stdout.startswith(f"{source.path}: {' -> '.join(['float', *expected])}, on 1 sample")


@pytest.mark.parametrize("what", ["text", "another network"])
def test_a_file_that_cannot_be_compared_is_one_error(graftwork, exported, files, tmp_path, what):
    source, path = exported("digits"), tmp_path / "bad.onnx"
    if what == "text":
        path.write_text("no model")
    else:
        path = files("encoder")
    env = {"PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"}
    done = graftwork.run("compare", source.path, path, "--data", source.input, env=env)
    assert done.returncode == 1
    assert "error[compare.file]" in done.stderr
    assert path.name in done.stderr
