"""Sizes that are known at run time only: one file, calibrated at one size, is right at others and accepted."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import support

AUTO = torch.export.Dim.AUTO
CALIBRATED = (2, 3, 32, 48)
# Multiples of that, odd sizes, and one whose nearest pixels a Resize would round otherwise.
OTHERS = [(2, 3, 40, 56), (2, 3, 25, 31), (2, 3, 61, 20)]


class TwoScales(nn.Module):
    """A function of a picture's features and of those of half its size."""

    def __init__(self, function):
        super().__init__()
        self.large, self.small = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, 2, 1)
        self.function = function

    def forward(self, x):
        y = self.large(x)
        return self.function(y, self.small(y))


def resize(mode, size=None, **how):
    return lambda y, z: F.interpolate(y, size=size and size(y), mode=mode, **how)


MODES = ["nearest", "nearest-exact", "bilinear", "bicubic"]
RESIZES = {}
for mode in MODES:
    RESIZES |= {
        f"{mode} to another's": lambda y, z, mode=mode: y + F.interpolate(z, size=y.shape[2:], mode=mode),
        f"{mode} to fixed": resize(mode, lambda y: (21, 17)),
        f"{mode} twice": resize(mode, lambda y: (y.shape[2] * 2, y.shape[3] * 2)),
        f"{mode} half": resize(mode, lambda y: (y.shape[2] // 2, y.shape[3] // 2)),
        f"{mode} odd": resize(mode, lambda y: (y.shape[2] * 3 // 2, y.shape[3] + 5)),
        f"{mode} by 1.3": resize(mode, scale_factor=1.3, recompute_scale_factor=True),
    }
RESIZES |= {
    "corners": resize("bilinear", lambda y: (y.shape[2] + 3, y.shape[3]), align_corners=True),
    "volumes": lambda y, z: F.interpolate(y[None], size=(4, *z.shape[2:]), mode="trilinear")[0],
    "lines": lambda y, z: F.interpolate(y.flatten(2), size=z.shape[2] * z.shape[3], mode="linear"),
    "area": resize("area", scale_factor=0.5),
    # 1 / 41 is the first whose multiples FP32 rounds down below a whole number.
    **{
        f"lines by {factor}": lambda y, z, factor=factor: F.interpolate(
            y.mean((1, 2))[:, None], size=y.shape[3] * factor, mode="nearest"
        )
        for factor in (40, 41, 61)
    },
}

POOLS = {
    "rows": lambda y, z: F.adaptive_avg_pool2d(y, (1, None)),
    "columns": lambda y, z: F.adaptive_avg_pool2d(y, (None, 1)),
    "seven": lambda y, z: F.adaptive_avg_pool2d(y, 7),
    "four rows": lambda y, z: F.adaptive_avg_pool2d(y, (4, None)),
    "to another's": lambda y, z: z + F.adaptive_avg_pool2d(y, z.shape[2:]),
    "largest of seven": lambda y, z: F.adaptive_max_pool2d(y, 7),
    "largest of all": lambda y, z: F.adaptive_max_pool2d(y, 1),
    "lines": lambda y, z: F.adaptive_avg_pool1d(y.flatten(2), 5) + F.adaptive_max_pool1d(y.flatten(2), 5),
    "volumes": lambda y, z: F.adaptive_avg_pool3d(y[None], (2, 3, z.shape[3])),
}

NUMBERS = {
    "positions": lambda y, z: y + 0.01 * torch.arange(y.shape[3]),
    "positions in steps": lambda y, z: y[..., ::2] + 0.01 * torch.arange(1, y.shape[3] + 1, 2),
    "positions as shares": lambda y, z: y + torch.arange(y.shape[3], dtype=torch.float32) / y.shape[3],
    "a power": lambda y, z: y / y.shape[2] ** 0.5,
    "a comparison": lambda y, z: y * (torch.arange(y.shape[3]) < y.shape[3] // 2),
    "a remainder": lambda y, z: y * (1 + torch.arange(y.shape[3]) % (y.shape[3] // 3)),
    "a size to a power": lambda y, z: y.shape[3] ** torch.sigmoid(y),
    "what is left of a size": lambda y, z: y + y.shape[3] % (1 + torch.arange(y.shape[3])),
    "what a size leaves": lambda y, z: y * (1 + 1000 % y.shape[3]),
    "a half": lambda y, z: y[:, :, : y.shape[2] // 2],
    "the last": lambda y, z: y[..., y.shape[3] - 5 :],
    "padding to a multiple": lambda y, z: F.pad(y, (0, -y.shape[3] % 8, 0, (8 - y.shape[2] % 8) % 8)),
    "windows": lambda y, z: (
        y[:, :, : y.shape[2] // 4 * 4, : y.shape[3] // 4 * 4]
        .reshape(2, 8, y.shape[2] // 4, 4, y.shape[3] // 4, 4)
        .permute(0, 2, 4, 3, 5, 1)
        .reshape(-1, 16, 8)
    ),
    "larger of two": lambda y, z: F.interpolate(y, size=(max(y.shape[2], 40), min(y.shape[3], 40))),
}


SIGNALS = {
    "ends in zeros": lambda y, z: torch.view_as_real(torch.fft.rfft(y, n=128)),
    "is cut": lambda y, z: torch.view_as_real(torch.fft.fft(y, n=16)),
    "differences": lambda y, z: torch.diff(y, n=2),
    "differences and the first": lambda y, z: torch.diff(y, dim=2, prepend=y[:, :, :1]),
}


def export(graftwork, folder, model):
    """The printed graph of the network with sizes that are known at run time only."""
    x = torch.randn(CALIBRATED)
    program = torch.export.export(model.eval(), (x,), dynamic_shapes=({2: AUTO, 3: AUTO},))
    torch.export.save(program, folder / "m.pt2")
    np.save(folder / "x.npy", x.numpy())
    return graftwork("inspect", "m.pt2", cwd=folder).stdout


QUANTIZE = ("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "m.onnx")


@pytest.mark.parametrize("compiler", [None, pytest.param("rtx", marks=pytest.mark.rtx)])
@pytest.mark.parametrize(
    "function",
    [
        pytest.param(function, id=f"{kind} {name}")
        for kind, table in {"resize": RESIZES, "pool": POOLS, "number": NUMBERS, "signal": SIGNALS}.items()
        for name, function in table.items()
    ],
)
def test_a_file_is_right_at_other_sizes(graftwork, tmp_path, request, function, compiler):
    torch.manual_seed(0)
    model = TwoScales(function)
    assert "[2, 3, s" in export(graftwork, tmp_path, model)
    graftwork(*QUANTIZE, "--float", "fp32", "--skip", "*", cwd=tmp_path)
    for shape in [CALIBRATED, *OTHERS]:
        x = torch.randn(shape)
        expected = model(x).detach().numpy()
        value = support.only(support.run_onnx(tmp_path / "m.onnx", x.numpy()))
        assert value.shape == expected.shape
        assert support.sqnr_db(expected, value) > 90
    if compiler:
        report = request.getfixturevalue(compiler).compile_apart(
            str(tmp_path / "m.onnx"), 89, {"x": OTHERS[0]}, None, 300
        )
        assert report["accepted"], report["parser"] + report["builder"]


REFUSED = {
    "antialiased": (
        lambda y, z: F.interpolate(y, size=z.shape[2:], mode="bilinear", antialias=True),
        "it is antialiased, and a size of it is known at run time only",
        "try fixed sizes when the network is exported",
    ),
    "by a fraction that rounds otherwise": (
        lambda y, z: F.interpolate(y, scale_factor=0.29, recompute_scale_factor=True),
        "a size of it is rounded from a fraction that files do not compute as torch does",
        "try sizes that are whole numbers",
    ),
    "by a step that is a fraction": (
        lambda y, z: y + torch.arange(0.0, y.shape[3] / 2, 0.5),
        "and its length is known at run time only",
        "try whole numbers, scaled afterwards",
    ),
}


@pytest.mark.parametrize(("function", "message", "way_out"), REFUSED.values(), ids=REFUSED)
def test_what_no_file_can_say_is_refused_before_the_calibration(graftwork, tmp_path, function, message, way_out):
    export(graftwork, tmp_path, TwoScales(function))
    done = graftwork.fails(*QUANTIZE, cwd=tmp_path)
    assert "calibrat" not in done.stdout + done.stderr
    assert message in done.stderr
    assert way_out in done.stderr
    assert "test_run_time_sizes.py" in done.stderr
