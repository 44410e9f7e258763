"""Training with quantization wins back what calibration loses, and its file computes what was trained (docs/qat.md)."""

import re
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch

import pages
import support

EXAMPLE = support.ROOT / "examples" / "qat_digits"
PAGE = "docs/qat.md"
SEED = 7  # of a network that four bits cost several points


def run(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=support.TIMEOUT, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("qat_digits")
    done = run(sys.executable, EXAMPLE / "prepare.py", "--seed", SEED, "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def program(graftwork):
    return graftwork.path.parent / "qat_digits"


@pytest.fixture(scope="module")
def table(program, folder):
    done = run(program, folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def accuracies(table):
    """Float, calibrated and trained, in percent, by the precisions of weights and activations."""
    rows = re.findall(r"^(int\d) +(int\d) +([\d.]+) +([\d.]+) +([\d.]+)$", table, re.M)
    return {(weights, activations): tuple(map(float, row)) for weights, activations, *row in rows}


def test_training_wins_back_half_of_what_calibration_loses(table):
    found = accuracies(table)
    assert list(found) == [("int8", "int8"), ("int4", "int8"), ("int4", "int4")]
    exact, calibrated, trained = found["int8", "int8"]
    assert exact > 95
    assert exact - max(calibrated, trained) < 0.8
    for activations, share in (("int8", 0.5), ("int4", 0.25)):
        exact, calibrated, trained = found["int4", activations]
        assert exact - calibrated > 1, "there is nothing to win back"
        assert trained - calibrated >= share * (exact - calibrated), activations


@pytest.mark.parametrize(("name", "batch_norms"), [("qat_int8", 0), ("qat_int8_bn", 5)])
def test_the_file_computes_what_was_trained(table, folder, name, batch_norms):
    model = onnx.load(folder / f"{name}.onnx")
    assert sum(node.op_type == "BatchNormalization" for node in model.graph.node) == batch_norms
    fake = support.only(support.load_npz(folder / f"{name}.npz"))
    with np.load(folder / "heldout.npz") as heldout:
        file = support.only(support.run_onnx(folder / f"{name}.onnx", heldout["images"]))
    # Where a sum lies between two codes, one rounding more or less decides; elsewhere all is the same.
    assert support.sqnr_db(fake, file) > 40
    assert np.mean(np.abs(fake - file) < 1e-4) > 0.9
    assert np.mean(fake.argmax(1) == file.argmax(1)) > 0.995


def test_a_second_run_goes_on_from_the_checkpoints(table, program, folder):
    names = ["qat_int8.onnx", "qat_int8_bn.onnx", "qat_int8int8.npz", "qat_int4int8.npz", "qat_int4int4.npz"]
    before = {name: (folder / name).read_bytes() for name in names}
    again = run(program, folder)
    assert again.stdout == table
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_training_that_stops_and_goes_on_ends_in_the_same_bytes(program, folder, tmp_path):
    for name in ("digits.pt2", "training.npz", "heldout.npz"):
        for run_folder in ("whole", "parts"):
            (tmp_path / run_folder).mkdir(exist_ok=True)
            (tmp_path / run_folder / name).symlink_to(folder / name)
    assert run(program, tmp_path / "whole", 4).returncode == 0
    checkpoint = tmp_path / "parts" / "qat_int8int8.npz"
    with subprocess.Popen([program, tmp_path / "parts", "4"], stdout=subprocess.DEVNULL) as stopped:
        while not checkpoint.exists() and stopped.poll() is None:
            pass
        stopped.kill()
    assert checkpoint.exists()
    assert run(program, tmp_path / "parts", 4).returncode == 0
    for name in ("qat_int8int8.npz", "qat_int4int4.npz", "qat_int8.onnx"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_the_parameters_are_those_of_the_model(table, folder):
    program = torch.export.load(folder / "digits.pt2")
    own = set(program.graph_signature.parameters)
    with np.load(folder / "qat_int4int8.npz") as checkpoint:
        trained = {name.removeprefix("parameter/") for name in checkpoint.files if name.startswith("parameter/")}
        buffers = {name.removeprefix("buffer/") for name in checkpoint.files if name.startswith("buffer/")}
    scales = {name for name in trained if name.endswith(".log_scale")}
    assert len(scales) == 7 + 6, "stubs and weights"
    # What corrected the bias of the last layer has taken its place.
    assert trained - scales - own == {"classifier.conv1x1.corrected_bias"}
    assert own - trained == {"classifier.bias"}
    assert {f"{norm}.running_var" for norm in ("stem.1", "block.bn1", "block.bn2", "separable.bn1")} < buffers


@pytest.mark.parametrize("arguments", [(), ("nowhere", "2", "3"), ("nowhere",)])
def test_wrong_calls_are_told_so(program, arguments):
    done = run(program, *arguments)
    assert done.returncode in (1, 2)
    assert len(done.stderr.strip().splitlines()) <= 3
    assert "usage" in done.stderr or "error[file.missing]" in done.stderr


def test_the_page_shows_the_lines_of_the_example(table, excerpt):
    code = (EXAMPLE / "main.cpp").read_text()
    blocks = pages.blocks(PAGE)
    assert sum(block.language == "cpp" for block in blocks) >= 6
    for block in blocks:
        if block.language == "cpp":
            assert block.body in code, block
    # Another machine trains a little differently.
    excerpt(PAGE, "The whole of it takes", table, lambda text: re.sub(r"[\d.]+\d\b", "…", text))
