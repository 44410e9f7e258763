"""examples/cpp_perception: a detector of C++, from its own training loop to an ONNX file."""

import subprocess
from collections import Counter

import onnx
import onnxruntime
import pytest

import support


@pytest.fixture(scope="module")
def detector(graftwork, tmp_path_factory):
    program = graftwork.path.parent / "cpp_perception"
    path = tmp_path_factory.mktemp("perception") / "detector.onnx"
    done = subprocess.run([program, path, "250"], capture_output=True, text=True, timeout=support.TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    return path, done.stdout


def test_training_keeps_what_the_float_detector_finds(detector):
    lines = [line for line in detector[1].splitlines() if line.startswith("INT8")]
    assert len(lines) == 2
    for line in lines:
        plain, calibrated, trained = (float(number) for number in line.split()[-3:])
        assert plain > 30, "it was not trained"
        assert abs(calibrated - plain) < 8
        assert trained > plain - 4


def test_every_convolution_is_one_kernel(detector):
    assert "ConvBNActPattern 7  ConvBNAddActPattern 2  ConvBNPattern 2" in detector[1]


def test_the_file_is_in_order(detector):
    model = onnx.load(detector[0])
    onnx.checker.check_model(model, full_check=True)
    operators = Counter(node.op_type for node in model.graph.node)
    assert operators["Conv"] == 11
    assert operators["QuantizeLinear"] >= 8
    session = onnxruntime.InferenceSession(detector[0])
    assert [value.name for value in session.get_inputs()] == ["images"]
    assert [value.name for value in session.get_outputs()] == ["heat", "extent"]
