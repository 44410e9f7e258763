"""Attention in every spelling: raised, equal to the network, and one INT8 kernel for NVIDIA's compiler."""

import json
import math

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import support

B, S, H, D = 2, 24, 2, 32
E = H * D


def heads(x):
    return x.unflatten(-1, (H, D)).transpose(1, 2)


def merged(y):
    return y.transpose(1, 2).flatten(2)


class Attention(nn.Module):
    """Three layers, attention as `attend` spells it, a layer."""

    def __init__(self, attend, bias=(True, True, True)):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(E, E, bias=b) for b in bias)
        self.out = nn.Linear(E, E)
        self.register_buffer("causal", torch.full((S, S), float("-inf")).triu(1))
        self.register_buffer("seen", torch.ones(S, S, dtype=torch.bool).tril())
        self.register_buffer("all", torch.ones(S, S, dtype=torch.bool))
        self.table = nn.Parameter(torch.randn(1, H, S, S))
        self.scales = nn.Parameter(torch.rand(H, 1, 1))
        self.attend = attend

    def forward(self, x):
        return self.out(self.attend(self, heads(self.q(x)), heads(self.k(x)), heads(self.v(x))))


def scores(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(D)


def rows(x):
    """[B·H, S, D]"""
    return x.reshape(B * H, S, D)


def by_rows(net, q, k, v):
    weights = torch.bmm(rows(q), rows(k).transpose(1, 2)) * D**-0.5
    weights = (weights.view(B, H, S, S) + net.causal).view(B * H, S, S).softmax(-1)
    return merged(torch.bmm(weights, rows(v)).view(B, H, S, D))


def with_baddbmm(net, q, k, v):
    bias = net.table.expand(B, H, S, S).reshape(B * H, S, S)
    weights = torch.baddbmm(bias, rows(q), rows(k).transpose(1, 2), beta=0.5, alpha=D**-0.5).softmax(-1)
    return merged(torch.bmm(weights, rows(v)).view(B, H, S, D))


def in_einsum(net, q, k, v):
    weights = torch.einsum("bhqd,bhkd->bhqk", q, k).mul(D**-0.5).softmax(-1)
    return merged(torch.einsum("bhqk,bhkd->bhqd", weights, v))


def cosine(net, q, k, v):
    weights = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * net.scales.exp()
    return merged((weights + net.table).softmax(-1) @ v)


def rotated(x):
    angles = torch.arange(S)[:, None] / 100 ** (torch.arange(D) / D)
    turned = torch.cat((-x[..., D // 2 :], x[..., : D // 2]), -1)
    return x * angles.cos() + turned * angles.sin()


def sdpa(**options):
    return lambda net, q, k, v: merged(F.scaled_dot_product_attention(q, k, v, **options))


SPELLINGS = {
    "sdpa": sdpa(),
    "sdpa with a scale": sdpa(scale=0.3),
    "sdpa, causal": sdpa(is_causal=True),
    "sdpa, bool mask": lambda net, q, k, v: merged(F.scaled_dot_product_attention(q, k, v, net.seen)),
    "sdpa, float mask": lambda net, q, k, v: merged(F.scaled_dot_product_attention(q, k, v, net.causal)),
    "sdpa, mask of nothing": lambda net, q, k, v: merged(F.scaled_dot_product_attention(q, k, v, net.all)),
    "sdpa, position bias": lambda net, q, k, v: merged(F.scaled_dot_product_attention(q, k, v, net.table)),
    "sdpa, bias of the queries": lambda net, q, k, v: merged(
        F.scaled_dot_product_attention(q, k, v, net.table * q.mean(-1, keepdim=True).sigmoid())
    ),
    "products": lambda net, q, k, v: merged(scores(q, k).softmax(-1) @ v),
    "scaled queries": lambda net, q, k, v: merged((q * 0.2 @ k.transpose(-2, -1)).softmax(-1) @ v),
    "scaled on both": lambda net, q, k, v: merged((q * 0.4 @ (k * 0.4).transpose(-2, -1)).softmax(-1) @ v),
    "a mask that is added": lambda net, q, k, v: merged((scores(q, k) + net.causal).softmax(-1) @ v),
    "a mask in front of the scale": lambda net, q, k, v: merged(
        ((q @ k.transpose(-2, -1) + net.table) * 0.2).softmax(-1) @ v
    ),
    "a mask that is filled in": lambda net, q, k, v: merged(
        scores(q, k).masked_fill(~net.seen, float("-inf")).softmax(-1) @ v
    ),
    "a mask that chooses": lambda net, q, k, v: merged(
        torch.where(net.seen, scores(q, k), torch.finfo(torch.float32).min).softmax(-1) @ v
    ),
    "bias and mask": lambda net, q, k, v: merged((scores(q, k) + net.table + net.causal).softmax(-1) @ v),
    "bias, then filled in": lambda net, q, k, v: merged(
        (scores(q, k) + net.table).masked_fill(~net.seen, -1e9).softmax(-1) @ v
    ),
    "rows": by_rows,
    "baddbmm": with_baddbmm,
    "einsum": in_einsum,
    "values first": lambda net, q, k, v: merged(
        (v.transpose(-2, -1) @ scores(q, k).softmax(-1).transpose(-2, -1)).transpose(-2, -1)
    ),
    "cosine": cosine,
    "rotary": lambda net, q, k, v: merged(F.scaled_dot_product_attention(rotated(q), rotated(k), v)),
}


class Packed(nn.Module):
    """One layer, whose result `part` parts into queries, keys and values."""

    def __init__(self, part):
        super().__init__()
        self.qkv, self.out = nn.Linear(E, 3 * E), nn.Linear(E, E)
        self.part = part

    def forward(self, x):
        q, k, v = self.part(self.qkv(x))
        return self.out(merged(F.scaled_dot_product_attention(q, k, v)))


PARTS = {
    "unbind": lambda y: y.reshape(B, S, 3, H, D).permute(2, 0, 3, 1, 4).unbind(0),
    "chunk": lambda y: map(heads, y.chunk(3, -1)),
    "split": lambda y: map(heads, y.split(E, -1)),
    "slices": lambda y: (heads(y[..., i * E : (i + 1) * E]) for i in range(3)),
    "heads first": lambda y: y.view(B, S, H, 3, D).permute(3, 0, 2, 1, 4).unbind(0),
    "parts of each head": lambda y: y.view(B, S, H, 3 * D).transpose(1, 2).chunk(3, -1),
}


class Multihead(nn.Module):
    def __init__(self, cross=False, **options):
        super().__init__()
        self.attention = nn.MultiheadAttention(E, H, **options)
        if self.attention.out_proj.bias is not None:
            nn.init.normal_(self.attention.out_proj.bias)
        self.cross = cross

    def forward(self, x):
        memory = x.flip(0) if self.cross else x
        return self.attention(x, memory, memory, need_weights=False)[0]


MULTIHEAD = {
    "batch first": lambda: Multihead(batch_first=True),
    "batch second": lambda: Multihead(),
    "without bias": lambda: Multihead(bias=False, batch_first=True),
    "cross": lambda: Multihead(cross=True, batch_first=True),
}


class Repeated(nn.Module):
    """Fewer heads of keys and values than of queries."""

    def __init__(self, key_heads):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(E, E), nn.Linear(E, key_heads * D), nn.Linear(E, key_heads * D)
        self.out = nn.Linear(E, E)
        self.key_heads = key_heads

    def forward(self, x):
        k, v = (layer(x).unflatten(-1, (self.key_heads, D)).transpose(1, 2) for layer in (self.k, self.v))
        return self.out(merged(F.scaled_dot_product_attention(heads(self.q(x)), k, v, enable_gqa=True)))


NETWORKS = {
    **{name: (lambda attend=attend: Attention(attend)) for name, attend in SPELLINGS.items()},
    **{f"packed, {name}": (lambda part=part: Packed(part)) for name, part in PARTS.items()},
    **{f"multihead, {name}": make for name, make in MULTIHEAD.items()},
    "keys without bias": lambda: Attention(SPELLINGS["sdpa"], (True, False, True)),
    "no bias": lambda: Attention(SPELLINGS["sdpa"], (False, False, False)),
    "one head of keys": lambda: Repeated(1),
}


def export(model, x, folder, core=False):
    program = torch.export.export(model, (x,))
    torch.export.save(program.run_decompositions() if core else program, folder / "m.pt2")
    np.save(folder / "x.npy", x.numpy())


def kinds(graftwork, folder):
    """How often the transformed network calls each kind."""
    graftwork("transform", "m.pt2", "-o", "m.gir", cwd=folder)
    text = (folder / "m.gir").read_text()
    calls = [line.split(" = ")[1].split(" ")[0].split("(")[0] for line in text.splitlines() if " = " in line]
    return {kind: calls.count(kind) for kind in calls}


@pytest.mark.parametrize("core", [False, True], ids=["training IR", "core ATen"])
@pytest.mark.parametrize("name", NETWORKS)
def test_attention_is_raised_and_equal(graftwork, small, name, core):
    model, x = NETWORKS[name]().eval(), torch.randn(B, S, E)
    if name == "multihead, batch second":
        x = x.transpose(0, 1).contiguous()
    export(model, x, small.folder, core)
    found = kinds(graftwork, small.folder)
    assert found.get("FusedScaledDotProductAttention") == 1
    assert not {kind for kind in found if "softmax" in kind}
    names = {"--input": "x.npy", "-o": "y.npz", "--stage": "transformed"}
    graftwork("run", "m.pt2", *(word for pair in names.items() for word in pair), "--quiet", cwd=small.folder)
    value = np.load(small.folder / "y.npz")["output"]
    np.testing.assert_allclose(value, model(x).detach().numpy(), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_attention_is_quantized_and_near(graftwork, small, name):
    model, x = NETWORKS[name]().eval(), torch.randn(B, S, E)
    if name == "multihead, batch second":
        x = x.transpose(0, 1).contiguous()
    (value,) = small.quantize(model, (x,), "--report", "r.json")
    assert support.sqnr_db(model(x).detach().numpy(), value) > 30
    stubs = json.loads((small.folder / "r.json").read_text())["stubs"]
    assert sum(stub["name"].endswith((".softmax_quant", ".scaled_quant")) for stub in stubs) == 2


@pytest.mark.rtx
@pytest.mark.parametrize("name", NETWORKS)
def test_attention_is_one_int8_kernel(graftwork, small, rtx, name):
    model, x = NETWORKS[name]().eval(), torch.randn(B, S, E)
    if name == "multihead, batch second":
        x = x.transpose(0, 1).contiguous()
    small.quantize(model, (x,))
    report = rtx.compile_apart(str(small.folder / "m.onnx"), 89, {}, None, 300)
    assert report["accepted"], report["parser"] + report["builder"]
    summary = report["summary"]
    print(name, {key: summary[key] for key in summary if key != "quantized_but_float"})
    assert summary["quantized_but_float"] == []
    assert [block["low_precision"] for block in summary["attention"]] == [True]


class Sized(nn.Module):
    def __init__(self, size, tokens, behind=True, count=H):
        super().__init__()
        self.qkv, self.out = nn.Linear(64, 3 * count * size), nn.Linear(count * size, 64)
        self.size, self.tokens, self.behind, self.count = size, tokens, behind, count

    def forward(self, x):
        q, k, v = self.qkv(x).reshape(1, self.tokens, 3, self.count, self.size).permute(2, 0, 3, 1, 4).unbind(0)
        y = merged(F.scaled_dot_product_attention(q, k, v))
        return self.out(y) if self.behind else torch.tanh(y)


class Shaped(nn.Module):
    """Attention of `heads` heads on one sample, keys and values of different widths, with a mask or without."""

    def __init__(self, heads, width, value_width, mask=None, keys=12):
        super().__init__()
        self.q, self.k = nn.Linear(E, heads * width), nn.Linear(E, heads * width)
        self.v, self.out = nn.Linear(E, heads * value_width), nn.Linear(heads * value_width, E)
        self.heads, self.keys = heads, keys
        if mask is not None:
            self.register_buffer("mask", mask)
        else:
            self.mask = None

    def forward(self, x):
        memory = x[:, : self.keys].flip(1)
        parts = (self.q(x), self.k(memory), self.v(memory))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        return self.out(merged(F.scaled_dot_product_attention(q, k, v, self.mask)))


def random_mask(*sizes):
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(3))


# What is one kernel in another shape than the network's: (module, the shape of its queries there).
RESHAPED = {
    "values wider": (lambda: Shaped(2, 16, 32), (1, 2, S, 32)),
    "values wider, a mask": (lambda: Shaped(2, 16, 64, random_mask(2, S, 12)), (1, 2, S, 64)),
    "values narrower": (lambda: Shaped(2, 64, 32), (1, 2, S, 64)),
    "a single head": (lambda: Shaped(1, 32, 32), (1, 2, S // 2, 32)),
    "a single head, a bias": (lambda: Shaped(1, 32, 32, random_mask(1, 1, S, 12)), (1, 2, S // 2, 32)),
    "a single head, a bool mask": (lambda: Shaped(1, 32, 32, random_mask(S, 12) > -1), (1, 2, S // 2, 32)),
    "a single head, a mask of keys": (lambda: Shaped(1, 32, 32, random_mask(1, 1, 1, 12) > -1), (1, 2, S // 2, 32)),
    "a single head, values wider": (lambda: Shaped(1, 16, 32), (1, 2, S // 2, 32)),
}


@pytest.mark.parametrize("name", RESHAPED)
def test_attention_that_is_one_kernel_in_another_shape(graftwork, small, name):
    make, shape = RESHAPED[name]
    model, x = make().eval(), torch.randn(1, S, E)
    export(model, x, small.folder)
    graftwork("run", "m.pt2", "--input", "x.npy", "-o", "y.npz", "--stage", "transformed", "--quiet", cwd=small.folder)
    expected = model(x).detach().numpy()
    np.testing.assert_allclose(np.load(small.folder / "y.npz")["output"], expected, rtol=2e-5, atol=2e-6)
    (value,) = small.quantize(model, (x,), "--report", "r.json")
    assert support.sqnr_db(expected, value) > 30
    file = onnx.shape_inference.infer_shapes(onnx.load(small.folder / "m.onnx"))
    (softmax,) = [node for node in file.graph.node if node.op_type == "Softmax"]
    (weights,) = [v for v in file.graph.value_info if v.name == softmax.output[0]]
    assert tuple(d.dim_value for d in weights.type.tensor_type.shape.dim) == (*shape[:-1], 12)
    stubs = [stub["name"] for stub in json.loads((small.folder / "r.json").read_text())["stubs"]]
    assert sum(stub.endswith((".softmax_quant", ".scaled_quant")) for stub in stubs) == 2


@pytest.mark.rtx
@pytest.mark.parametrize("name", RESHAPED)
def test_attention_of_another_shape_is_one_int8_kernel(small, rtx, name):
    small.quantize(RESHAPED[name][0]().eval(), (torch.randn(1, S, E),))
    report = rtx.compile_apart(str(small.folder / "m.onnx"), 89, {}, None, 300)
    assert report["accepted"], report["parser"] + report["builder"]
    assert [block["low_precision"] for block in report["summary"]["attention"]] == [True]
    assert report["summary"]["quantized_but_float"] == []


FLOAT = {
    "heads of 24": (24, 16, True, "its heads have 24 numbers"),
    "513 keys": (32, 513, True, "it has 513 keys"),
    "one key": (32, 1, True, "it has one key"),
    "a single head, queries that do not halve": (32, 9, True, "it is a single head of a single sample", 1),
    "a result that is read in floating point": (32, 16, False, "what it gives is read in floating point"),
}


@pytest.mark.parametrize("name", FLOAT)
def test_what_has_no_int8_kernel_has_no_stubs_and_says_why(graftwork, small, name):
    size, tokens, behind, reason, *count = FLOAT[name]
    model, x = Sized(size, tokens, behind, *count), torch.randn(1, tokens, 64)
    small.quantize(model.eval(), (x,), "--report", "r.json")
    report = json.loads((small.folder / "r.json").read_text())
    assert not [stub for stub in report["stubs"] if stub["name"].endswith(".softmax_quant")]
    assert reason in json.dumps(report, ensure_ascii=False)


def test_values_too_wide_for_a_kernel_stay_float_and_say_why(small):
    small.quantize(Shaped(2, 32, 264).eval(), (torch.randn(1, S, E),), "--report", "r.json")
    report = json.loads((small.folder / "r.json").read_text())
    assert not [stub for stub in report["stubs"] if stub["name"].endswith(".softmax_quant")]
    reasons = {missing["reason"] for missing in report["missing"]}
    assert "its values have 264 numbers and its keys 32 (rule M2)" in reasons


class Sizes(nn.Module):
    """Attention of any number of samples and tokens, with what `attend` adds to the scores."""

    def __init__(self, packed, attend):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(E, 3 * E)] if packed else [nn.Linear(E, E) for _ in range(3)])
        self.norm, self.out = nn.LayerNorm(E), nn.Linear(E, E)
        self.attend = attend

    def forward(self, x):
        y = self.norm(x)
        results = [layer(y) for layer in self.layers]
        q, k, v = (heads(part) for part in (results if len(results) == 3 else results[0].chunk(3, -1)))
        return x + self.out(merged(self.attend(q, k, v)))


def seen(q):
    """Causal, made of sizes that are known at run time."""
    tokens = torch.arange(q.shape[-2])
    return tokens[:, None] >= tokens[None, :]


def eager(q, k, v):
    hidden = torch.full((q.shape[-2], k.shape[-2]), float("-inf")).triu(1)
    return (scores(q, k) + hidden).softmax(-1) @ v


ANY_SIZE = {
    "packed": lambda: Sizes(True, F.scaled_dot_product_attention),
    "separate": lambda: Sizes(False, F.scaled_dot_product_attention),
    "causal": lambda: Sizes(True, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)),
    "bool mask": lambda: Sizes(False, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=seen(q))),
    "eager": lambda: Sizes(True, eager),
}


@pytest.mark.parametrize("core", [False, True], ids=["training IR", "core ATen"])
@pytest.mark.parametrize("free", ["batch", "batch and tokens"])
@pytest.mark.parametrize("name", ANY_SIZE)
def test_attention_of_any_size(graftwork, small, name, free, core):
    model, x = ANY_SIZE[name]().eval(), torch.randn(2, 24, E)
    dims = {0: torch.export.Dim("batch", min=1, max=64)}
    other = torch.randn(5, 24, E)
    if free == "batch and tokens":
        dims[1] = torch.export.Dim("tokens", min=2, max=64)
        other = torch.randn(3, 17, E)
    program = torch.export.export(model, (x,), dynamic_shapes=(dims,))
    torch.export.save(program.run_decompositions() if core else program, small.folder / "m.pt2")
    found = kinds(graftwork, small.folder)
    assert (found.get("FusedScaledDotProductAttention"), found.get("FusedMHAInProjection")) == (1, 1), found
    np.save(small.folder / "x.npy", other.numpy())
    np.save(small.folder / "c.npy", x.numpy())
    graftwork("run", "m.pt2", "--input", "x.npy", "-o", "y.npz", "--stage", "transformed", "--quiet", cwd=small.folder)
    expected = model(other).detach().numpy()
    np.testing.assert_allclose(np.load(small.folder / "y.npz")["output"], expected, rtol=2e-5, atol=2e-6)
    graftwork(
        "quantize", "m.pt2", "--calibrate", "c.npy", "--report", "r.json", "--quiet", "-o", "m.onnx", cwd=small.folder
    )
    session = small.session()
    (value,) = session.run(None, {session.get_inputs()[0].name: other.numpy()})
    assert support.sqnr_db(expected, value) > 25
    stubs = [stub["name"] for stub in json.loads((small.folder / "r.json").read_text())["stubs"]]
    assert any(name.endswith(".softmax_quant") for name in stubs) == (free == "batch")


def scale_of_weights(small, model, x, *options):
    small.quantize(model, (x,), "--report", "r.json", "--float", "fp32", *options)
    stubs = json.loads((small.folder / "r.json").read_text())["stubs"]
    (scale,) = [stub["scale"] for stub in stubs if stub["name"].endswith(".softmax_quant")]
    return scale


def test_scale_of_the_weights_is_calibrated_or_fixed(small):
    model, x = Attention(SPELLINGS["sdpa"]).eval(), torch.randn(B, S, E)
    (small.folder / "fixed.json").write_text('{"activation": {"softmax_scale": "fixed"}}')
    assert scale_of_weights(small, model, x, "--config", "fixed.json") == pytest.approx(1 / 127, rel=1e-6)
    with torch.no_grad():
        weights = scores(heads(model.q(x)), heads(model.k(x))).softmax(-1)
    assert scale_of_weights(small, model, x, "--calibration-method", "minmax") == pytest.approx(
        weights.max().item() / 127, rel=1e-4
    )
    assert weights.max() < 0.9


class SharedMask(nn.Module):
    """Two layers of one additive mask, which is computed of an all-true one and one of padding."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(Attention(None) for _ in range(2))
        self.register_buffer("rows", torch.ones(1, 1, S, 1, dtype=torch.bool))

    def forward(self, x, seen):
        mask = torch.where(self.rows & seen[:, None, None, :], torch.tensor(0.0), torch.finfo(torch.float32).min)
        for layer in self.layers:
            q, k, v = (heads(part(x)) for part in (layer.q, layer.k, layer.v))
            x = layer.out(merged((scores(q, k) + mask).softmax(-1) @ v))
        return x


@pytest.mark.rtx
def test_an_all_true_mask_that_broadcasts_goes(graftwork, small, rtx):
    """With it, NVIDIA's compiler crashes."""
    model, x = SharedMask().eval(), torch.randn(B, S, E)
    seen = torch.arange(S) < torch.tensor([[S], [S - 6]])
    (value,) = small.quantize(model, (x, seen))
    assert support.sqnr_db(model(x, seen).detach().numpy(), value) > 25
    assert "bitwise_and" not in graftwork("inspect", "m.pt2", cwd=small.folder).stdout
    report = rtx.compile_apart(str(small.folder / "m.onnx"), 89, {}, None, 300)
    assert report["accepted"], report["parser"] + report["builder"]
    assert report["summary"]["quantized_but_float"] == []


OPERATOR = {
    "no mask": lambda: Sized(24, 16),
    "a bias": lambda: Attention(SPELLINGS["sdpa, position bias"]),
    "a bool mask": lambda: Attention(SPELLINGS["sdpa, bool mask"]),
    "filled in with the least number": lambda: Attention(SPELLINGS["a mask that chooses"]),
}


def written_as_operator(small, name, *options):
    """(node types of the file, what the network gives, what the file gives), attention in floating point."""
    model = OPERATOR[name]().eval()
    x = torch.randn(1, 16, 64) if isinstance(model, Sized) else torch.randn(B, S, E)
    skip = ("--skip", "FusedScaledDotProductAttention", "--skip", "FusedMHAInProjection")
    (value,) = small.quantize(model, (x,), "--attention-operator", *skip, *options)
    kinds = [node.op_type for node in onnx.load(small.folder / "m.onnx").graph.node]
    return kinds, model(x).detach().numpy(), value


@pytest.mark.parametrize("name", OPERATOR)
def test_float_attention_is_written_as_the_operator_on_request(small, name):
    kinds, expected, value = written_as_operator(small, name)
    assert support.sqnr_db(expected, value) > 30
    # A mask that is a number would not make rows uniform that are masked throughout.
    is_operator = name != "filled in with the least number"
    assert (kinds.count("Attention"), kinds.count("Softmax")) == ((1, 0) if is_operator else (0, 1))
    onnx.checker.check_model(onnx.load(small.folder / "m.onnx"), full_check=True)


def test_attention_in_fp32_has_no_kernel_as_the_operator(small):
    kinds, *_ = written_as_operator(small, "a bias", "--float", "fp32")
    assert "Attention" not in kinds


def test_quantized_attention_is_never_the_operator(small):
    model, x = Attention(SPELLINGS["sdpa"]).eval(), torch.randn(B, S, E)
    small.quantize(model, (x,), "--attention-operator")
    assert "Attention" not in [node.op_type for node in onnx.load(small.folder / "m.onnx").graph.node]


@pytest.mark.rtx
@pytest.mark.parametrize("name", ["no mask", "a bias", "a bool mask"])
def test_the_operator_is_one_kernel(small, rtx, name):
    written_as_operator(small, name)
    report = rtx.compile_apart(str(small.folder / "m.onnx"), 89, {}, None, 300)
    assert report["accepted"], report["parser"] + report["builder"]
    (attention,) = report["summary"]["attention"]
    assert attention["fused"]


@pytest.mark.rtx
def test_rms_norm_is_its_operator_where_the_opset_has_it(small, rtx):
    model, x = nn.Sequential(nn.Linear(E, E), nn.RMSNorm(E), nn.Linear(E, E)).eval(), torch.randn(B, S, E) * 300
    with torch.no_grad():
        model[1].weight.normal_()
    kinds = {}
    for opset in ("20", "23"):
        (value,) = small.quantize(model, (x,), "--opset", opset)
        assert support.sqnr_db(model(x).detach().numpy(), value) > 30
        kinds[opset] = [node.op_type for node in onnx.load(small.folder / "m.onnx").graph.node]
        report = rtx.compile_apart(str(small.folder / "m.onnx"), 89, {}, None, 300)
        assert report["accepted"], report["parser"] + report["builder"]
    assert "RMSNormalization" in kinds["23"]
    assert "RMSNormalization" not in kinds["20"]
