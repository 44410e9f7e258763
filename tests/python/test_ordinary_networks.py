"""Operators as networks write them, a dozen in each: the file is PyTorch's function, and NVIDIA's compiler takes it.

What is quantized is turned off: that a number is right shows here to FP32's last digits.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import support


class Part(nn.Module):
    """A function of a layer's result and its input, with modules and tensors of its own."""

    def __init__(self, function, *modules, **tensors):
        super().__init__()
        self.function = function
        self.own = nn.ModuleList(modules)
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor)

    def forward(self, y, x):
        return self.function(self, y, x)


class Parts(nn.Module):
    """One layer that many parts read, a result for each."""

    def __init__(self, layer, parts):
        super().__init__()
        self.layer = layer
        self.parts = nn.ModuleList(parts)

    def forward(self, x):
        y = self.layer(x)
        return tuple(part(y, x) for part in self.parts)


def of(function):
    return Part(lambda part, y, x: function(y))


def module(*layers):
    return Part(lambda part, y, x: nn.Sequential(*part.own)(y), *layers)


def standardized(weight):
    centred = weight - weight.mean((1, 2, 3), keepdim=True)
    return centred / (weight.std((1, 2, 3), keepdim=True) + 1e-5)


def scaled_standardized(weight, gain):
    rows = weight.reshape(1, weight.shape[0], -1)
    return F.batch_norm(rows, None, None, weight=gain.view(-1), training=True, momentum=0.0, eps=1e-6).view_as(weight)


def computed_weights():
    kernel, gain, table = torch.randn(8, 8, 3, 3), torch.rand(8, 1, 1, 1), torch.randn(19, 1)
    return {
        "standardized": Part(lambda p, y, x: F.conv2d(y, standardized(p.w), padding=1), w=kernel),
        "scaled standardized": Part(
            lambda p, y, x: F.conv2d(y, scaled_standardized(p.w, p.g), padding=1), w=kernel, g=gain
        ),
        "a gain": Part(lambda p, y, x: F.conv2d(y, p.w * p.g, padding=1), w=kernel, g=gain),
        "of the input": of(lambda y: F.conv2d(y, y.mean((2, 3)).view(1, 8, 1, 1))),
        "weight norm": module(nn.utils.parametrizations.weight_norm(nn.Conv2d(8, 8, 3))),
        "spectral norm": module(nn.utils.parametrizations.spectral_norm(nn.Conv2d(8, 8, 3))),
        "a table of positions": Part(
            lambda p, y, x: y.flatten(2) + p.table[p.index].view(16, 16).mean(1).repeat(16),
            table=table,
            index=torch.randint(0, 19, (256,)),
        ),
        "a computed bias": Part(
            lambda p, y, x: F.linear(y, p.w, torch.cat((p.q, torch.zeros_like(p.q), p.v))),
            w=torch.randn(48, 16),
            q=torch.randn(16),
            v=torch.randn(16),
        ),
        "around": module(nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular")),
    }


IMAGES = {
    "weights": computed_weights,
    "reductions": lambda: {
        "max": of(lambda y: y.max(1, keepdim=True)[0]),
        "argmax": of(lambda y: y.argmax(1)),
        "std": of(lambda y: y / (y.std((2, 3), keepdim=True) + 1e-5)),
        "var": of(lambda y: y / torch.sqrt(y.var((2, 3), keepdim=True, unbiased=False) + 1e-5)),
        "std_mean": of(lambda y: torch.std_mean(y, (2, 3))[0]),
        "cumsum": of(lambda y: y.cumsum(2)),
        "prod": of(lambda y: y[:, :, :4].prod(1)),
        "logsumexp": of(lambda y: y.logsumexp(1)),
        "any": of(lambda y: (y > 1).any(1).float()),
        "norm": of(lambda y: y.sum((2, 3), keepdim=True) / 256 + y.norm(dim=1, keepdim=True)),
        "normalize": of(lambda y: F.normalize(y, dim=1)),
        "cosine similarity": of(lambda y: F.cosine_similarity(y[:, :4], y[:, 4:])),
        "sum of parts": of(lambda y: torch.stack(y.split([2, 3, 3], 1)[1:]).sum(0)),
    },
    "indices": lambda: {
        "constant": of(lambda y: y[:, [0, 3, 5]]),
        "topk": of(lambda y: y.flatten(1).topk(5)[0]),
        "sort": of(lambda y: y.sort(1)[0]),
        "gather": Part(lambda p, y, x: y.flatten(2).gather(2, p.i), i=torch.randint(0, 256, (1, 8, 4))),
        "index_select": Part(lambda p, y, x: y.index_select(1, p.i), i=torch.tensor([0, 3, 5])),
        "scatter": of(lambda y: torch.zeros(1, 8, 16, 16).scatter(1, y.argmax(1, keepdim=True), 1.0)),
        "one_hot": of(lambda y: F.one_hot(y.argmax(1), 8).float()),
        "repeat_interleave": of(lambda y: y.repeat_interleave(2, dim=2)),
        "diagonal": of(lambda y: y.diagonal(dim1=2, dim2=3)),
        "narrow": of(lambda y: y.narrow(1, 0, 4)),
        "tile": of(lambda y: y.tile(1, 2, 1, 1)),
        "movedim": of(lambda y: y.movedim(1, -1)),
        "roll": of(lambda y: torch.roll(y, (-2, 3), (2, 3))),
        "expand_as": Part(lambda p, y, x: y.mean((2, 3), keepdim=True).expand_as(x[:, :1].expand(1, 8, 16, 16)) * y),
        "places of maxima": of(lambda y: F.max_pool2d(y, 3, 2, 1, return_indices=True)[1]),
        "unpooling": of(lambda y: F.max_unpool2d(*F.max_pool2d(y, 2, return_indices=True), 2)),
        "unpooling of windows in the padding": of(
            lambda y: F.max_unpool2d(*F.max_pool2d(y, 3, 3, 1, return_indices=True, ceil_mode=True), 3, 3, 1, (16, 16))
        ),
    },
    "functions": lambda: {
        "log10": of(lambda y: torch.log10(y.clamp(min=1e-5))),
        "asin and atan": of(lambda y: torch.atan(y) + torch.tan(y * 0.1) + torch.asin(y.tanh())),
        "powers of two": of(lambda y: torch.exp2(y) + torch.log2(y.abs() + 1)),
        "expm1": of(torch.expm1),
        "trunc": of(lambda y: torch.trunc(y * 3)),
        "nan_to_num": of(torch.nan_to_num),
        "floor_divide": of(lambda y: y // 0.5),
        "remainder": of(lambda y: y % 0.5),
        "where": of(lambda y: torch.where(y > 0, y, 0.1)),
        "type_as": of(lambda y: (y > 0).type_as(y)),
        "lerp": of(lambda y: torch.lerp(y, y.relu(), 0.3)),
        "addcmul": Part(
            lambda p, y, x: torch.addcmul(p.b, p.w, y), b=torch.randn(1, 8, 1, 1), w=torch.randn(1, 8, 1, 1)
        ),
        "clamped by tensors": of(lambda y: torch.clamp(y, torch.tensor(-1.0), torch.tensor(1.0))),
        "shrinks": module(nn.Softsign(), nn.Tanhshrink(), nn.Softshrink(0.01), nn.Hardshrink(0.01)),
        "thresholds": module(nn.Threshold(0.1, 0.0), nn.RReLU(), nn.Hardtanh(-2, 2)),
        "gated": module(nn.GLU(1)),
        "dropped": of(lambda y: F.dropout(y, 0.1, training=False) + F.alpha_dropout(y.sum(), 0.1, False)),
    },
    "pictures": lambda: {
        "unfold": of(lambda y: F.unfold(y, 3, padding=1)),
        "windows": of(lambda y: y.unfold(2, 4, 4)),
        "fold": of(lambda y: F.fold(F.unfold(y, 2, stride=2), (16, 16), 2, stride=2)),
        "grid_sample": Part(lambda p, y, x: F.grid_sample(y, p.g, align_corners=False), g=torch.rand(1, 8, 8, 2)),
        "affine_grid": Part(
            lambda p, y, x: F.affine_grid(p.own[0](y.mean((2, 3))).view(-1, 2, 3), (1, 1, 8, 8), align_corners=False),
            nn.Linear(8, 6),
        ),
        "bicubic": of(lambda y: F.interpolate(y, scale_factor=2, mode="bicubic")),
        "area": of(lambda y: F.interpolate(y, size=5, mode="area")),
        "antialiased": of(lambda y: F.interpolate(y, size=5, mode="bilinear", antialias=True)),
        "nearest-exact": of(lambda y: F.interpolate(y, scale_factor=2, mode="nearest-exact")),
        "pixel_unshuffle": of(lambda y: F.pixel_unshuffle(y, 2)),
        "channel_shuffle": module(nn.ChannelShuffle(2)),
        "a grid": of(lambda y: y + torch.stack(torch.meshgrid(*[torch.linspace(0, 1, 16)] * 2, indexing="ij")).sum(0)),
    },
    "norms": lambda: {
        "of neighbours": module(nn.LocalResponseNorm(5)),
        "of a pool": module(nn.LPPool2d(2, 2)),
        "instances, tracked": module(nn.InstanceNorm2d(8, affine=True, track_running_stats=True)),
        "batch, without weights": module(nn.BatchNorm2d(8, affine=False)),
        "batch, without statistics": module(nn.BatchNorm2d(8, track_running_stats=False)),
        "groups of one pixel": module(nn.AdaptiveAvgPool2d(1), nn.GroupNorm(4, 8)),
        "one group": module(nn.GroupNorm(1, 8)),
    },
}

TOKENS = {
    "products": lambda: {
        "einsum": of(lambda t: torch.einsum("bnc,bmc->bnm", t, t)),
        "baddbmm": Part(lambda p, y, x: torch.baddbmm(x @ x.transpose(1, 2), y, y.transpose(1, 2))),
        "outer": of(lambda t: torch.outer(t[0, 0], t[0, 1])),
        "cdist": Part(lambda p, y, x: torch.cdist(y, x)),
        "bilinear": Part(lambda p, y, x: p.own[0](y, y), nn.Bilinear(16, 16, 4)),
        "transposed": of(lambda t: t.mT),
        "positions": Part(lambda p, y, x: y + p.own[0](torch.arange(10)), nn.Embedding(10, 16)),
        "norm without weights": of(lambda t: F.layer_norm(t, (16,))),
        "LSTM cell": Part(lambda p, y, x: p.own[0](y[:, 0])[0], nn.LSTMCell(16, 8)),
        "GRU cell": Part(lambda p, y, x: p.own[0](y[:, 0]), nn.GRUCell(16, 8)),
    },
    "attention": lambda: {
        "packed": Part(
            lambda p, y, x: F.scaled_dot_product_attention(
                *[v.reshape(1, 10, 2, 8).transpose(1, 2) for v in p.own[0](y).chunk(3, -1)]
            ),
            nn.Linear(16, 48),
        ),
        "a triangle of -inf": Part(
            lambda p, y, x: (
                (y @ x.transpose(1, 2)).masked_fill(torch.ones(10, 10).triu(1).bool(), float("-inf")).softmax(-1)
            )
        ),
        "a module": Part(lambda p, y, x: p.own[0](y, y, y)[0], nn.MultiheadAttention(16, 2, batch_first=True)),
        "a module without weights": Part(
            lambda p, y, x: p.own[0](y, y, y, need_weights=False)[0], nn.MultiheadAttention(16, 2, batch_first=True)
        ),
    },
}

NETWORKS = {
    **{name: (lambda: nn.Conv2d(3, 8, 3, padding=1), (1, 3, 16, 16), parts) for name, parts in IMAGES.items()},
    **{name: (lambda: nn.Linear(16, 16), (1, 10, 16), parts) for name, parts in TOKENS.items()},
}


@pytest.mark.parametrize("compiler", [None, pytest.param("rtx", marks=pytest.mark.rtx)])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_file_is_pytorchs_function(graftwork, tmp_path, request, name, compiler):
    torch.manual_seed(0)
    layer, shape, parts = NETWORKS[name]
    named = parts()
    model, x = Parts(layer(), named.values()).eval(), torch.randn(shape)
    with torch.no_grad():
        references = model(x)
    values = support.Small(graftwork, tmp_path).quantize(model, (x,), "--float", "fp32", "--skip", "*")
    for part, value, reference in zip(named, values, references, strict=True):
        assert value.shape == tuple(reference.shape), part
        assert value.dtype == reference.numpy().dtype, part
        np.testing.assert_allclose(value, reference.numpy(), rtol=1e-3, atol=1e-4, err_msg=part)
    if compiler:
        report = request.getfixturevalue(compiler).compile_apart(str(tmp_path / "m.onnx"), 89, {}, None, 300)
        assert report["accepted"], report["parser"] + report["builder"]
        assert [tuple(dims) for dims in report["outputs"].values()] == [tuple(r.shape) for r in references]


class Autocast(nn.Module):
    """Part of the network computes in bfloat16."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1))

    def forward(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.layers(x).float()


def test_what_autocast_computes_is_fused_and_quantized(graftwork, tmp_path):
    torch.manual_seed(0)
    small, model, x = support.Small(graftwork, tmp_path), Autocast(), torch.randn(2, 3, 16, 16)
    (value,) = small.quantize(model, (x,))
    # bfloat16 keeps eight bits.
    assert support.sqnr_db(model(x).detach().numpy(), value) > 30
    assert graftwork("transform", "m.pt2", cwd=tmp_path).stdout.count("= FusedConvBN") == 2
    assert "aten.conv2d" not in graftwork("transform", "m.pt2", cwd=tmp_path).stdout


def test_bfloat16_takes_data_of_fp32(graftwork, tmp_path):
    """numpy has no bfloat16."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1)).bfloat16().eval()
    x = torch.randn(4, 3, 16, 16)
    torch.export.save(torch.export.export(model, (x.bfloat16(),)), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", x.numpy())
    graftwork("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "m.onnx", cwd=tmp_path)
    quantized = ("--stage", "quantized", "--calibrate", "x.npy", "-o", "y.npz")
    graftwork("run", "m.pt2", "--input", "x.npy", *quantized, cwd=tmp_path)
    (value,) = support.load_npz(tmp_path / "y.npz").values()
    assert support.sqnr_db(model(x.bfloat16()).detach().float().numpy(), value.astype(np.float32)) > 25


@pytest.mark.parametrize("decompose", [False, True], ids=["training", "core"])
def test_a_network_in_channels_last(graftwork, tmp_path, decompose):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    model = model.to(memory_format=torch.channels_last).eval()
    x = torch.randn(2, 3, 16, 16).contiguous(memory_format=torch.channels_last)
    program = torch.export.export(model, (x,))
    torch.export.save(program.run_decompositions() if decompose else program, tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", x.numpy())
    graftwork("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "m.onnx", cwd=tmp_path)
    value = support.only(support.run_onnx(tmp_path / "m.onnx", x.numpy()))
    assert support.sqnr_db(model(x).detach().numpy(), value) > 30
