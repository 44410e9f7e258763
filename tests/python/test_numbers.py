"""Small networks after public bug reports: the file computes what the network computes, or is refused."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import support


class Small:
    """A network with inputs, as files in a folder of its own."""

    def __init__(self, graftwork, folder):
        self.graftwork = graftwork
        self.folder = folder

    def quantize(self, model, inputs, *options, calibration=None):
        """The file's outputs for the inputs, by ONNX Runtime without its optimizations."""
        program = torch.export.export(model.eval(), inputs)
        torch.export.save(program, self.folder / "m.pt2")
        names = program.graph_signature.user_inputs
        data = [value.numpy() for value in inputs] if calibration is None else calibration
        np.savez(self.folder / "c.npz", **dict(zip(names, data, strict=True)))
        arguments = ("quantize", "m.pt2", "--calibrate", "c.npz", *options, "--quiet", "-o", "m.onnx")
        self.graftwork(*arguments, cwd=self.folder)
        onnx.checker.check_model(onnx.load(self.folder / "m.onnx"), full_check=True)
        settings = onnxruntime.SessionOptions()
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(self.folder / "m.onnx", settings, providers=["CPUExecutionProvider"])
        feed = {one.name: value.numpy() for one, value in zip(session.get_inputs(), inputs, strict=True)}
        return session.run(None, feed)


@pytest.fixture
def small(graftwork, tmp_path):
    torch.manual_seed(0)
    return Small(graftwork, tmp_path)


class FilterBank(nn.Module):
    """Speech features: a bias-free convolution, power, mel bands, their logarithm; then layers."""

    def __init__(self):
        super().__init__()
        self.register_buffer("filters", torch.randn(32, 1, 64) * torch.hann_window(64))
        self.register_buffer("mel", torch.rand(1, 16, 16) * 0.1)
        self.classify = nn.Sequential(
            nn.Conv1d(16, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, 5)
        )

    def forward(self, x):
        real, imaginary = F.conv1d(x[:, None], self.filters, stride=32).chunk(2, 1)
        power = self.mel @ (real * real + imaginary * imaginary)
        return self.classify(torch.log(torch.clamp(power, min=1e-10)))


def test_silence_stays_silence_when_biases_are_corrected(small):
    data = torch.randn(9, 1024) * 0.1
    data[:, :256] = 0
    model, x = FilterBank(), data[:1]
    (small.folder / "off.json").write_text(json.dumps({"weight": {"bias_correction": False}}))
    arguments = {"calibration": [data[1:].numpy()]}
    (corrected,) = small.quantize(model, (x,), "--float", "fp32", **arguments)
    (plain,) = small.quantize(model, (x,), "--float", "fp32", "--config", "off.json", **arguments)
    reference = model(x).detach().numpy()
    assert support.sqnr_db(reference, corrected) > max(38, support.sqnr_db(reference, plain) - 1)


class Awkward(nn.Module):
    """Layers that have a form in ONNX, with arguments that it does not take."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, padding_mode="circular")
        self.pool = nn.AdaptiveMaxPool2d(3)

    def forward(self, x):
        return self.conv(x).mean((2, 3)), self.pool(x)


def test_what_cannot_be_written_is_refused_before_the_calibration(graftwork, tmp_path):
    x = torch.randn(2, 3, 8, 8)
    torch.export.save(torch.export.export(Awkward().eval(), (x,)), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", x.numpy())
    done = graftwork.fails("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "m.onnx", cwd=tmp_path)
    assert "calibrat" not in done.stdout + done.stderr
    assert "error[export.unsupported]: 2 operators of the network cannot be written" in done.stderr
    assert "aten.pad.default in conv" in done.stderr
    assert "nn.AdaptiveMaxPool2d in pool" in done.stderr
