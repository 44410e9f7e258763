"""What docs/decisions/angles-in-float.md says: Fourier features of points, in and out of INT8."""

import json
import math

import numpy as np
import pytest
import torch

from support import only, run_onnx, sqnr_db

POINTS = torch.rand(64, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1


class FourierFeatures(torch.nn.Module):
    """Of points between −1 and 1, as Segment Anything embeds its prompts (Tancik and others 2020)."""

    def __init__(self, scale):
        super().__init__()
        self.angles = torch.nn.Linear(2, 32, bias=False)
        self.angles.weight.data = torch.randn(32, 2, generator=torch.Generator().manual_seed(1)) * scale
        self.mix = torch.nn.Linear(64, 16)

    def forward(self, points):
        turned = self.angles(points) * (2 * math.pi)
        return self.mix(torch.cat([turned.sin(), turned.cos()], -1))


def rounded(x, steps=127):
    scale = x.abs().amax(-1, keepdim=True) / steps
    return (x / scale).round() * scale


@pytest.mark.parametrize("scale", [1, 4])
def test_a_layer_that_gives_angles_stays_float(graftwork, tmp_path, scale):
    torch.manual_seed(2)
    model = FourierFeatures(scale).eval()
    torch.export.save(torch.export.export(model, (POINTS,)), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", POINTS.numpy())
    graftwork("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "m.onnx", "--report", "report.json", cwd=tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    reasons = [entry["reason"] for entry in report["missing"]]
    assert any("its result is an angle" in reason for reason in reasons), reasons
    with torch.no_grad():
        expected = model(POINTS).numpy()
        model.angles.weight.data = rounded(model.angles.weight.data)
        in_int8 = model(rounded(POINTS.flatten(), 127).view_as(POINTS)).numpy()
    kept, lost = sqnr_db(expected, only(run_onnx(tmp_path / "m.onnx", POINTS.numpy()))), sqnr_db(expected, in_int8)
    print(f"scale {scale}: file {kept:.1f} dB, angles of INT8 alone {lost:.1f} dB")
    assert kept > lost + 10
