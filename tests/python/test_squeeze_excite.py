"""What docs/decisions/squeeze_excite.md says of NVIDIA's compiler, on a network of three blocks."""

import json

import numpy as np
import pytest
import torch

# The decision that was not taken: Q/DQ on both operands of the multiply.
GATE = """
fusion GatePattern {
  %y = aten.mul.Tensor(%x, %gate)
  => %y = kernel FusedGate(%x, %gate) quantize %x, %gate
}
"""
RECIPES = {
    "default": [],
    "multiply": ["--patterns", "gate.gpat"],
    "float": ["--config", "recipe.json"],
}


class Block(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, channels, 3, padding=1)
        self.squeeze = torch.nn.Conv2d(channels, channels // 4, 1)
        self.excite = torch.nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x):
        x = torch.relu(self.conv(x))
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(x.mean((2, 3), keepdim=True)))))
        return x * gate


@pytest.fixture
def summaries(graftwork, rtx, tmp_path):
    torch.manual_seed(0)
    model = torch.nn.Sequential(Block(32), Block(32), Block(32), torch.nn.Conv2d(32, 8, 1)).eval()
    example = torch.randn(2, 32, 16, 16)
    torch.export.save(torch.export.export(model, (example,)), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", example.numpy())
    (tmp_path / "gate.gpat").write_text(GATE)
    (tmp_path / "recipe.json").write_text(json.dumps({"policy": {"squeeze_excite": "float"}}))
    found = {}
    for name, options in RECIPES.items():
        file = f"{name}.onnx"
        graftwork("quantize", "m.pt2", "--calibrate", "x.npy", *options, "-o", file, cwd=tmp_path)
        report = rtx.compile_apart(str(tmp_path / file), 89, {}, None, 300)
        assert report["accepted"], report["parser"] + report["builder"]
        found[name] = report["summary"]
    return found


@pytest.mark.rtx
def test_a_float_branch_has_fewer_kernels_and_a_quantized_multiply_the_same(summaries):
    default, multiply, float_branch = (summaries[name] for name in RECIPES)
    assert default["low_precision"] == {"Int8": 10}
    assert multiply["quantize_nodes"] > default["quantize_nodes"], "the multiply has Q/DQ"
    assert multiply["kernels"] == default["kernels"]
    assert multiply["activation_bytes"] == default["activation_bytes"]
    assert float_branch["low_precision"] == {"Int8": 4}, "the convolutions beside the branches"
    assert float_branch["kernels"] < default["kernels"]
    assert float_branch["activation_bytes"] <= default["activation_bytes"]
