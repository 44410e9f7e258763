"""Small networks after public bug reports: the file computes what the network computes, or is refused."""

import json

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import support


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
        self.lstm = nn.LSTM(24, 8, proj_size=4)
        nn.init.zeros_(self.lstm.weight_hr_l0)  # no hidden state has the given one as its projection
        self.pool = nn.AvgPool2d(3, 3, 1, ceil_mode=True)

    def forward(self, x):
        steps = x.flatten(2).transpose(1, 2).flatten(1).view(2, -1, 24)
        begin = torch.ones(1, steps.shape[1], 4), torch.zeros(1, steps.shape[1], 8)
        return self.lstm(steps, begin)[0], self.pool(x)


def test_what_cannot_be_written_is_refused_before_the_calibration(graftwork, tmp_path):
    x = torch.randn(2, 3, 30, 32)
    torch.export.save(torch.export.export(Awkward().eval(), (x,)), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", x.numpy())
    done = graftwork.fails("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "m.onnx", cwd=tmp_path)
    assert "calibrat" not in done.stdout + done.stderr
    assert "error[export.unsupported]: 2 operators of the network cannot be written" in done.stderr
    assert "aten.lstm.input in lstm" in done.stderr
    assert "nn.AvgPool2d in pool" in done.stderr


class Mixed(nn.Module):
    """A convolution's floats and given integers meet in one operator."""

    def __init__(self, meet):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.table = nn.Embedding(9, 8)
        self.meet = meet

    def forward(self, x, numbers):
        return self.meet(self, self.conv(x), numbers)

    def rows(self, numbers):
        return self.table(numbers).permute(0, 3, 1, 2)


@pytest.mark.parametrize(
    "meet",
    {
        "cat": lambda net, y, i: torch.cat([y, i[:, None]], 1),
        "stack": lambda net, y, i: torch.stack([y[:, 0], i]),
        "tensors compared": lambda net, y, i: y * (y.mean(1, keepdim=True) < i[:, None]),
        "pad": lambda net, y, i: y + net.rows(F.pad(i, (1, -1), value=1)),
        "masked fill": lambda net, y, i: y + net.rows(i.masked_fill(i > 2, 0)),
        "at least a fraction": lambda net, y, i: y * (i >= 0.5)[:, None],
        "equal to a fraction": lambda net, y, i: y * (1 - (i == 0.5)[:, None].float()),
        "less than a fraction": lambda net, y, i: y * (i < 1.5)[:, None],
        "a truth compared": lambda net, y, i: y * ((i > 1) == 1)[:, None],
        "large integers": lambda net, y, i: y * (i * 100_000 > 99_999.5)[:, None],
    }.items(),
    ids=lambda case: case[0],
)
def test_types_that_meet_are_promoted_as_torch_does(small, meet):
    model, x, numbers = Mixed(meet[1]), torch.randn(2, 3, 16, 16), torch.randint(0, 4, (2, 16, 16))
    (value,) = small.quantize(model, (x, numbers))
    assert support.sqnr_db(model(x, numbers).detach().numpy(), value) > 30


def dead_filter():
    """Weight decay on weights and on gamma."""
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 1))
    with torch.no_grad():
        model[0].weight[3] *= 1e-23
        model[0].bias[3] = 0
        model[1].weight[3] = 1e-23
        model[1].running_var[3] = 0
    return model


def vanishing_filter():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1))
    with torch.no_grad():
        model[0].weight[3] = 1e-44
    return model


def vanishing_gamma():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 1))
    with torch.no_grad():
        model[1].weight[3] = 1e-44
        model[1].running_var[3] = 1e6
    return model


@pytest.mark.parametrize("make", [dead_filter, vanishing_filter, vanishing_gamma])
@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
def test_every_scale_is_positive_and_finite(small, make, float_type):
    model, x = make(), torch.randn(4, 3, 16, 16)
    (value,) = small.quantize(model, (x,), "--float", float_type)
    graph = onnx.load(small.folder / "m.onnx").graph
    scales = [onnx.numpy_helper.to_array(t) for t in graph.initializer if t.name.endswith("_scale")]
    assert scales
    for scale in scales:
        assert (scale > 0).all()
        assert np.isfinite(scale).all()
    assert support.sqnr_db(model(x).detach().numpy(), value) > 30
    arguments = ("--stage", "quantized", "--calibrate", "c.npz", "--float", float_type, "--quiet", "-o", "y.npz")
    small.graftwork("run", "m.pt2", "--input", "c.npz", *arguments, cwd=small.folder)
    (ours,) = support.load_npz(small.folder / "y.npz").values()
    assert np.isfinite(ours).all()


@pytest.mark.parametrize("height", [30, 31, 32, 33])
@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(3, 3, 1, ceil_mode=True),
        nn.MaxPool2d(2, 2, 1, ceil_mode=True),
        nn.MaxPool2d(3, 2, 1, dilation=2, ceil_mode=True),
        nn.AvgPool2d(3, 3, 1, ceil_mode=True),
        nn.AvgPool2d(3, 3, 1, ceil_mode=True, count_include_pad=False),
    ],
    ids=str,
)
def test_a_last_window_in_the_padding_is_none(small, pool, height):
    model, x = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), pool), torch.randn(1, 3, height, 32)
    reference = model(x).detach().numpy()
    cut_off = isinstance(pool, nn.AvgPool2d) and pool.count_include_pad and height in (30, 33)
    if cut_off:
        with pytest.raises(
            AssertionError, match="one axis ends with a window in the padding, another with one behind it"
        ):
            small.quantize(model, (x,), "--float", "fp32")
        return
    (value,) = small.quantize(model, (x,), "--float", "fp32")
    assert value.shape == reference.shape
    assert support.sqnr_db(reference, value) > 30


class Uneven(nn.Module):
    def forward(self, x):
        return F.avg_pool2d(x, 3, 3, 1, ceil_mode=True), F.avg_pool2d(x.relu(), 3, 3, 1, ceil_mode=True)


def test_several_reasons_of_one_kind_keep_their_way_out(graftwork, tmp_path):
    x = torch.randn(2, 3, 30, 32)
    torch.export.save(torch.export.export(Uneven().eval(), (x,)), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", x.numpy())
    done = graftwork.fails("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "m.onnx", cwd=tmp_path)
    assert "error[export.pool]: 2 operators of the network cannot be written" in done.stderr
    assert "try count_include_pad=False" in done.stderr


def test_comparisons_in_a_kernel_compare_what_has_no_type_there(small):
    (small.folder / "p.gpat").write_text(
        "conversion FloorGate {\n  %m = aten.floor.default(%x)\n  %g = aten.gt.Scalar(%m) {other=0.0}\n"
        "  => %g = kernel FloorGate(%x)\n}\n"
    )

    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, 8)

        def forward(self, x):
            return self.layer(x) * (torch.floor(x) > 0.0)

    model, x = Gated(), torch.randn(4, 8)
    (value,) = small.quantize(model, (x,), "--patterns", "p.gpat")
    assert support.sqnr_db(model(x).detach().numpy(), value) > 30


class PowerBank(FilterBank):
    """The same with a power that divides."""

    def forward(self, x):
        real, imaginary = F.conv1d(x[:, None], self.filters, stride=32).chunk(2, 1)
        power = self.mel @ (real * real + imaginary * imaginary)
        return self.classify(torch.log1p((power + 1e-10) ** -0.5))


def test_silence_stays_silence_behind_a_negative_power(small):
    data = torch.randn(9, 1024) * 0.1
    data[:, :256] = 0
    model, x = PowerBank(), data[:1]
    (value,) = small.quantize(model, (x,), "--float", "fp32", calibration=[data[1:].numpy()])
    assert support.sqnr_db(model(x).detach().numpy(), value) > 30
