"""What commands need at their peak: a few times a layer's weights, and no more than they say before they run."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from hostile import bounds

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


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A network that takes little to store and half a gigabyte to run."""
    folder = tmp_path_factory.mktemp("wide")
    x = torch.zeros(2, 1, 16, 16)
    model = nn.Sequential(nn.Upsample(scale_factor=64), nn.Conv2d(1, 64, 1), nn.ReLU()).eval()
    torch.export.save(torch.export.export(model, (x,), dynamic_shapes=({0: torch.export.Dim("n")},)), folder / "m.pt2")
    np.save(folder / "x.npy", np.zeros((4, 1, 16, 16), np.float32))
    np.save(folder / "one.npy", np.zeros((1, 1, 16, 16), np.float32))
    return folder


MOST_RESIDENT = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""

RUNS = {
    "run": ("run", "m.pt2", "--input", "x.npy", "-o", "y.npz"),
    "quantize": ("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "y.onnx"),
    "compare": ("compare", "m.pt2", "--data", "x.npy"),
    "sensitivity": ("sensitivity", "m.pt2", "--data", "x.npy"),
}


@pytest.mark.parametrize("command", RUNS)
def test_a_run_that_does_not_fit_is_refused_first(graftwork, wide, command):
    done = graftwork.fails(*RUNS[command], "--memory-limit", "300MB", "--quiet", codes=(1,), cwd=wide)
    assert re.search(
        r"error\[memory.limit\]: running .* takes about [\d.]+ [MG]B of memory at %\w+, which is", done.stderr
    )
    assert "there are 300.0 MB" in done.stderr
    assert "--memory-limit" in done.stderr
    assert not (wide / RUNS[command][-1]).exists() or command in ("compare", "sensitivity")


def test_a_smaller_batch_fits(graftwork, wide):
    """What the refusal says is near to what the run takes."""
    refusal = graftwork.fails("run", "m.pt2", "--input", "one.npy", "-o", "y.npz", "--memory-limit", "1MB", cwd=wide)
    number, unit = re.search(r"about ([\d.]+) ([MG]B)", refusal.stderr).groups()
    predicted = float(number) * {"MB": 1e6, "GB": 1e9}[unit]
    run = (graftwork.path, "run", "m.pt2", "--input", "one.npy", "-o", "y.npz", "--quiet", "--no-isolation")
    taken = []
    for limit in ("1MB", "2GB"):
        # A process of its own to ask: the memory of whoever forks counts until the command has begun.
        done = subprocess.run(
            (sys.executable, "-c", MOST_RESIDENT, *run, "--memory-limit", limit),
            cwd=wide,
            capture_output=True,
            check=True,
        )
        taken.append(1024 * int(done.stdout))
    assert 0.5 < (taken[1] - taken[0]) / predicted < 1.5


def test_calibration_takes_fewer_threads_before_it_is_refused(graftwork, wide):
    """One micro-batch fits, and the file is the same as with all threads."""
    files = []
    for limit in ("600MB", "8GB"):
        graftwork(*RUNS["quantize"][:-1], f"{limit}.onnx", "--memory-limit", limit, "--quiet", cwd=wide)
        files.append((wide / f"{limit}.onnx").read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize("size", ["x", "-1GB", "0", "8XB", "1e999", "GB", "8GBB", "1e30", "8  GB", "8 ", " 8GB"])
def test_a_limit_is_a_size(graftwork, wide, size):
    done = graftwork.fails(*RUNS["run"], f"--memory-limit={size}", codes=(2,), cwd=wide)
    assert "error[usage]" in done.stderr
    assert "is no size: a number of bytes, or one of KB, MB, GB or TB, as in 500MB or 8 GiB" in done.stderr


@pytest.mark.parametrize("size", ["8GB", "8 GB", "8 gib", "8 G", "8000000000"])
def test_a_size_may_have_a_blank(graftwork, wide, size):
    graftwork(*RUNS["run"], f"--memory-limit={size}", "--quiet", cwd=wide)


def test_a_picture_that_unpacks_to_a_gigabyte_is_refused(graftwork, wide):
    (wide / "bomb.png").write_bytes(bounds.grey_png(16_384, 16_384))
    done = graftwork.fails("run", "m.pt2", "--input", "bomb.png", "-o", "y.npz", codes=(1,), cwd=wide)
    assert "error[data.image]" in done.stderr
    assert "too much for a file of" in done.stderr
