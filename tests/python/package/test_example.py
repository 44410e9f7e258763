"""examples/python_quickstart: trained, quantized, trained on, exported, and as accurate as it was."""

import os
import re
import subprocess
import sys

import support


def test_digits_survive_quantization(tmp_path):
    done = subprocess.run(
        [sys.executable, support.ROOT / "examples" / "python_quickstart" / "quickstart.py", tmp_path],
        env={**os.environ, "PYTHONPATH": str(support.ROOT / "build" / "python")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ConvBNAddActPattern" in done.stdout
    accuracies = [float(number) for number in re.findall(r"^ *([\d.]+) %", done.stdout, re.M)]
    assert len(accuracies) == 4
    assert accuracies[0] > 85
    assert min(accuracies) > accuracies[0] - 2
    assert (tmp_path / "digits_int8.onnx").exists()
