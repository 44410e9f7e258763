"""Networks that were trained with fake-quantize operators on their weights."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from export import save_pt2
from support import load_npz, only, relative_error, run_onnx

COARSE = 0.05  # a step that no float arithmetic can be mistaken for


def fake_quantized(weight, per_channel, axis=0):
    """The weight in steps of COARSE; per channel the scales are all the same."""
    if not per_channel:
        return torch.fake_quantize_per_tensor_affine(weight, COARSE, 0, -127, 127)
    channels = weight.shape[axis]
    zero_point = torch.zeros(channels, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, torch.full((channels,), COARSE), zero_point, axis, -127, 127)


class TrainedConv(nn.Module):
    def __init__(self, per_channel):
        super().__init__()
        self.conv, self.per_channel = nn.Conv2d(3, 8, 3), per_channel

    def forward(self, x):
        return F.relu(F.conv2d(x, fake_quantized(self.conv.weight, self.per_channel), self.conv.bias))


class TrainedConvTranspose(nn.Module):
    def __init__(self, per_channel):
        super().__init__()
        self.conv, self.per_channel = nn.ConvTranspose2d(3, 8, 3, stride=2), per_channel

    def forward(self, x):
        weight = fake_quantized(self.conv.weight, self.per_channel, axis=1)
        return F.relu(F.conv_transpose2d(x, weight, self.conv.bias, stride=2))


class Network(nn.Module):
    """A trained layer in front of a plain one."""

    def __init__(self, trained):
        super().__init__()
        self.trained, self.plain = trained, nn.Conv2d(8, 8, 3)

    def forward(self, x):
        return self.plain(self.trained(x))


class Saved:
    def __init__(self, folder, layer, per_channel):
        torch.manual_seed(0)
        self.model = Network(layer(per_channel)).eval()
        self.path, self.data = folder / "model.pt2", folder / "x.npy"
        folder.mkdir(parents=True, exist_ok=True)
        x = torch.randn(4, 3, 12, 12, generator=torch.Generator().manual_seed(1))
        save_pt2(self.model, self.path, x, dynamic_batch=True)
        np.save(self.data, x.numpy())
        with torch.no_grad():
            self.reference = self.model(x).numpy()

    def run(self, graftwork, *options):
        output = self.path.with_suffix(".npz")
        graftwork("run", self.path, "--input", self.data, *options, "-o", output)
        return only(load_npz(output))


@pytest.mark.parametrize("per_channel", [True, False], ids=["per_channel", "per_tensor"])
def test_a_trained_weight_that_is_skipped_runs_as_it_is_exported(graftwork, tmp_path, per_channel):
    saved, onnx = Saved(tmp_path, TrainedConv, per_channel), tmp_path / "model.onnx"
    how = ("--calibrate", saved.data, "--float", "fp32", "--skip", "trained")
    graftwork("quantize", saved.path, *how, "-o", onnx)
    here = saved.run(graftwork, "--stage", "quantized", *how)
    there = only(run_onnx(onnx, np.load(saved.data)))
    assert relative_error(here, there) < 1e-5


def test_trained_weights_calibrate_alike_in_both_forms(graftwork, tmp_path):
    """One scale for the whole tensor, and the same scale for each channel: one network, one set of ranges."""
    ranges = []
    for per_channel in (True, False):
        saved = Saved(tmp_path / str(per_channel), TrainedConv, per_channel)
        report = saved.path.with_suffix(".json")
        graftwork(
            "quantize", saved.path, "--calibrate", saved.data, "--report", report, "-o", saved.path.with_suffix(".onnx")
        )
        ranges.append(json.loads(report.read_text())["stubs"])
    assert ranges[0] == ranges[1]


@pytest.mark.parametrize("per_channel", [True, False], ids=["per_channel", "per_tensor"])
def test_a_trained_convolution_is_transformed_as_it_is(graftwork, tmp_path, per_channel):
    saved = Saved(tmp_path, TrainedConv, per_channel)
    assert relative_error(saved.run(graftwork, "--stage", "transformed"), saved.reference) < 1e-5


@pytest.mark.parametrize("per_channel", [True, False], ids=["per_channel", "per_tensor"])
def test_a_trained_transposed_convolution_is_transformed_as_it_is(graftwork, tmp_path, per_channel):
    saved = Saved(tmp_path, TrainedConvTranspose, per_channel)
    assert relative_error(saved.run(graftwork, "--stage", "transformed"), saved.reference) < 1e-5
