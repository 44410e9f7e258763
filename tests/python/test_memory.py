"""What `quantize` needs at its peak for a layer of many weights: a few times these, whatever is done with them."""

import os
import subprocess

import numpy as np
import torch
from torch import nn

FEATURES, UNITS = 12544, 4096
WEIGHTS = 4 * FEATURES * UNITS


def peak(graftwork, folder, model, x):
    """Bytes that the process had at most."""
    torch.export.save(torch.export.export(model.eval(), (x,)), folder / "m.pt2")
    np.savez(folder / "c.npz", input=x.numpy())
    command = [graftwork.path, "quantize", "m.pt2", "--calibrate", "c.npz", "--quiet", "-o", "m.onnx"]
    with subprocess.Popen(command, cwd=folder) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return 1024 * usage.ru_maxrss


def test_a_large_layer_takes_a_few_times_its_weights(graftwork, tmp_path):
    small = peak(graftwork, tmp_path, nn.Linear(16, 16), torch.randn(2, 16))
    large = peak(graftwork, tmp_path, nn.Linear(FEATURES, UNITS), torch.randn(2, FEATURES))
    assert (large - small) / WEIGHTS < 4
