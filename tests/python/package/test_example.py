"""The examples in Python: what they quantize is as good as it was."""

import importlib.util
import re
import sys

import pytest
from PIL import Image

import installation
import support


def run(example, *arguments):
    variables = {"PYTHONPATH": str(support.ROOT / "build" / "python"), "OMP_NUM_THREADS": "1"}
    return installation.run(sys.executable, support.ROOT / "examples" / example, *arguments, env=variables)


def test_digits_survive_quantization(tmp_path):
    printed = run("python_quickstart/quickstart.py", tmp_path)
    assert "ConvBNAddActPattern" in printed
    accuracies = [float(number) for number in re.findall(r"^ *([\d.]+) %", printed, re.M)]
    assert len(accuracies) == 4
    assert accuracies[0] > 85
    assert min(accuracies) > accuracies[0] - 2
    assert (tmp_path / "digits_int8.onnx").exists()


def test_faces_are_found_again(tmp_path):
    if not all(importlib.util.find_spec(package) for package in ("facenet_pytorch", "skimage")):
        pytest.skip("scripts/setup.sh trained")
    printed = run("face_detector/detect.py", tmp_path)
    shares = [float(share) for share in re.findall(r"a face at .*, ([\d.]+) of it found again", printed)]
    assert len(shares) == 1
    assert shares[0] > 0.8
    assert Image.open(tmp_path / "faces.png").size == (512, 512)
    assert {path.name for path in tmp_path.glob("*.onnx")} == {"pnet_int8.onnx", "rnet_int8.onnx", "onet_int8.onnx"}
