"""A layer whose result others read in parts (docs/rules.md, F16): as attention it runs in INT8, what is warned of does
not."""

import json

import numpy as np
import pytest
import torch
from torch import nn


def heads(part):
    return part.reshape(2, 50, 4, 16).transpose(1, 2)


def attention(q, k, v):
    return (((q * 0.25) @ k.transpose(-2, -1)).softmax(-1) @ v).transpose(1, 2).reshape(2, 50, 64)


def linear_attention(q, k, v):
    return (q @ (k.transpose(-2, -1) @ v) / 50).transpose(1, 2).reshape(2, 50, 64)


class Packed(nn.Module):
    """Something that reads the parts of one layer's result, and a layer behind it."""

    def __init__(self, layer, read):
        super().__init__()
        self.packed, self.own, self.out = layer, nn.Linear(64, 64), nn.Linear(64, 64)
        self.read = read

    def forward(self, x):
        return self.read(self, self.packed(x), x)


def unbound(y, count):
    return y.reshape(2, 50, count, 4, 16).permute(2, 0, 3, 1, 4).unbind(0)


def gated(net, y, x):
    value, gate = y.chunk(2, -1)
    return net.out(value * torch.sigmoid(gate))


def of_layers(net, y, x):
    first, second = y.chunk(2, -1)
    return net.out(first) + net.own(second)


def of_pictures(net, y, x):
    q, k, v = y.view(2, 4, 48, 64).chunk(3, 2)
    return ((q.transpose(-2, -1) * 0.25) @ k).softmax(-1) @ v.transpose(-2, -1)


def linear(parts, bias=True):
    return lambda: nn.Linear(64, 64 * parts, bias=bias)


TOKENS, PICTURE = (2, 50, 64), (2, 64, 8, 8)
RAISED = {
    "chunks": (linear(3), lambda net, y, x: net.out(attention(*map(heads, y.chunk(3, -1)))), TOKENS),
    "unbound": (linear(3), lambda net, y, x: net.out(attention(*unbound(y, 3))), TOKENS),
    "without bias": (linear(3, bias=False), lambda net, y, x: net.out(attention(*unbound(y, 3))), TOKENS),
    "slices": (
        linear(3),
        lambda net, y, x: net.out(attention(*(heads(y[..., i : i + 64]) for i in (0, 64, 128)))),
        TOKENS,
    ),
    "products without a softmax": (
        linear(3),
        lambda net, y, x: net.out(linear_attention(*unbound(y, 3))),
        TOKENS,
    ),
    "keys and values": (
        linear(2),
        lambda net, y, x: net.out(attention(heads(net.own(x)), *unbound(y, 2))),
        TOKENS,
    ),
}
LOST = {
    "keys and values without a softmax": (
        linear(2),
        lambda net, y, x: net.out(linear_attention(heads(net.own(x)), *unbound(y, 2))),
        TOKENS,
    ),
}
KEPT = {
    "a gated unit": (linear(2), gated, TOKENS),
    "parts that layers read": (linear(2), of_layers, TOKENS),
    "a convolution": (lambda: nn.Conv2d(64, 192, 1), of_pictures, PICTURE),
    "parts that are results": (linear(3), lambda net, y, x: y.chunk(3, -1), TOKENS),
    "read whole": (linear(1), lambda net, y, x: net.out(attention(heads(y), heads(x), heads(x))), TOKENS),
}


def quantize(graftwork, folder, case):
    """The warnings of the report."""
    torch.manual_seed(0)
    make, read, shape = case
    model, x = Packed(make(), read).eval(), torch.randn(shape)
    torch.export.save(torch.export.export(model, (x,)), folder / "m.pt2")
    np.save(folder / "x.npy", np.repeat(x.numpy(), 4, axis=0))
    arguments = ("quantize", "m.pt2", "--calibrate", "x.npy", "--report", "r.json", "-o", "m.onnx")
    done = graftwork(*arguments, cwd=folder)
    warnings = json.loads((folder / "r.json").read_text())["warnings"]
    assert all(f"warning: {warning}" in done.stdout for warning in warnings)
    return warnings


@pytest.mark.parametrize("name", LOST)
def test_a_layer_that_products_read_in_parts_is_warned_of(graftwork, tmp_path, name):
    (warning,) = quantize(graftwork, tmp_path, LOST[name])
    assert warning.startswith("packed: products read its result in parts")
    assert "(rule F16)" in warning


@pytest.mark.parametrize("name", [*RAISED, *KEPT])
def test_others_are_not(graftwork, tmp_path, name):
    assert quantize(graftwork, tmp_path, {**RAISED, **KEPT}[name]) == []


def test_one_that_is_not_quantized_is_not(graftwork, tmp_path):
    quantize(graftwork, tmp_path, LOST["keys and values without a softmax"])
    arguments = ("quantize", "m.pt2", "--calibrate", "x.npy", "--skip", "packed", "--report", "r.json", "-o", "m.onnx")
    graftwork(*arguments, cwd=tmp_path)
    assert json.loads((tmp_path / "r.json").read_text())["warnings"] == []


@pytest.mark.rtx
@pytest.mark.parametrize("name", [*RAISED, *LOST, *KEPT])
def test_the_compiler_loses_what_is_warned_of(graftwork, rtx, tmp_path, name):
    quantize(graftwork, tmp_path, {**RAISED, **LOST, **KEPT}[name])
    report = rtx.compile_apart(str(tmp_path / "m.onnx"), 89, {}, None, 300)
    assert report["accepted"], report["parser"] + report["builder"]
    lost = report["summary"]["quantized_but_float"]
    print(f"{name}: {len(lost)} quantized and run in floating point")
    assert lost == (["packed"] if name in LOST else [])
