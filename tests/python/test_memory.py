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
        r"error\[memory.limit\]: (running|measuring) .* takes about [\d.]+ [MG]B of memory at %\w+, which is",
        done.stderr,
    )
    assert "there are 300.0 MB" in done.stderr
    assert "--memory-limit" in done.stderr
    assert not (wide / RUNS[command][-1]).exists() or command in ("compare", "sensitivity")


def most_resident(graftwork, folder, *command):
    """Bytes that the command had at most; whether it was refused or not."""
    # A process of its own to ask: the memory of whoever forks counts until the command has begun.
    done = subprocess.run(
        (sys.executable, "-c", MOST_RESIDENT, graftwork.path, *command, "--quiet", "--no-isolation"),
        cwd=folder,
        capture_output=True,
        check=True,
    )
    return 1024 * int(done.stdout)


def taken_on_top(graftwork, folder, command, limit):
    """Bytes at most, without those that opening the network takes."""
    refused, done = (most_resident(graftwork, folder, *command, "--memory-limit", size) for size in ("1kB", limit))
    return done - refused


class Product(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, 16, 256, 256))

    def forward(self, x):
        return x @ self.weight


class Attention(nn.Module):
    def forward(self, x):
        return torch.softmax(x @ x.transpose(-1, -2) / 8, -1) @ x


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


NETWORKS = {
    "convolution": (lambda: nn.Conv2d(3, 64, 3, padding=1), (4, 3, 256, 256)),
    "convolution_in_double": (lambda: nn.Conv2d(16, 16, 3, padding=1).double(), (2, 16, 256, 256)),
    "transposed": (lambda: nn.ConvTranspose2d(8, 64, 4, stride=4), (4, 8, 64, 64)),
    "lstm": (lambda: Recurrent(nn.LSTM(64, 256, 2, batch_first=True)), (512, 100, 64)),
    "gru": (lambda: Recurrent(nn.GRU(64, 256, batch_first=True)), (256, 100, 64)),
    "product": (Product, (8, 1, 256, 256)),
    "attention": (Attention, (2, 8, 1024, 64)),
    "upsample": (lambda: nn.Sequential(nn.Upsample(scale_factor=32), nn.Conv2d(1, 64, 1), nn.ReLU()), (1, 1, 16, 16)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_the_refusal_says_is_near_to_what_the_run_takes(graftwork, tmp_path, name):
    make, shape = NETWORKS[name]
    model = make().eval()
    x = torch.zeros(shape, dtype=next(model.parameters(), torch.zeros(1)).dtype)
    torch.export.save(torch.export.export(model, (x,)), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", x.numpy())
    refusal = graftwork.fails(*RUNS["run"], "--memory-limit", "1MB", cwd=tmp_path)
    number, unit = re.search(r"about ([\d.]+) ([MG]B)", refusal.stderr).groups()
    predicted = float(number) * {"MB": 1e6, "GB": 1e9}[unit]
    assert 0.6 < predicted / taken_on_top(graftwork, tmp_path, RUNS["run"], "8GB") < 1.5


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """A network of many values, of which few live at once."""
    folder = tmp_path_factory.mktemp("deep")
    x = torch.randn(2, 3, 256, 256)
    layers = [layer for _ in range(12) for layer in (nn.Conv2d(64, 64, 1), nn.ReLU())]
    model = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), *layers).eval()
    torch.export.save(torch.export.export(model, (x,), dynamic_shapes=({0: torch.export.Dim("n")},)), folder / "m.pt2")
    np.save(folder / "x.npy", x.repeat(2, 1, 1, 1).numpy())
    return folder


@pytest.mark.parametrize("command", ["quantize", "compare", "sensitivity"])
def test_the_limit_holds(graftwork, deep, command):
    """What is measured beside the calibration, on values of two networks, counts too."""
    limit = 200e6
    assert taken_on_top(graftwork, deep, RUNS[command], f"{limit / 1e6:.0f}MB") <= 1.3 * limit


def test_losses_that_do_not_fit_can_be_left_out(graftwork, deep):
    command = (*RUNS["quantize"], "--quiet", "--memory-limit", "75MB")
    done = graftwork.fails(*command, codes=(1,), cwd=deep)
    assert "error[memory.losses]: measuring what quantization loses takes about" in done.stderr
    assert "--no-losses" in done.stderr
    graftwork(*command, "--no-losses", cwd=deep)


def test_calibration_takes_fewer_threads_before_it_is_refused(graftwork, wide):
    """One micro-batch fits, and the file is the same as with all threads."""
    files = []
    for limit in ("600MB", "8GB"):
        command = (*RUNS["quantize"][:-1], f"{limit}.onnx", "--no-losses")
        taken = taken_on_top(graftwork, wide, command, limit)
        assert limit == "8GB" or taken <= 1.3 * 600e6
        files.append((wide / f"{limit}.onnx").read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize("size", ["", "x", "-1GB", "0", "8XB", "1e999", "GB", "8GBB", "1e30"])
def test_a_limit_is_a_size(graftwork, wide, size):
    done = graftwork.fails(*RUNS["run"], f"--memory-limit={size}", codes=(2,), cwd=wide)
    assert "error[usage]" in done.stderr


def test_a_picture_that_unpacks_to_a_gigabyte_is_refused(graftwork, wide):
    (wide / "bomb.png").write_bytes(bounds.grey_png(16_384, 16_384))
    done = graftwork.fails("run", "m.pt2", "--input", "bomb.png", "-o", "y.npz", codes=(1,), cwd=wide)
    assert "error[data.image]" in done.stderr
    assert "too much for a file of" in done.stderr
