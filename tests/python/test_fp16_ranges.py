"""Ranges of FP16: what it cannot hold stays in FP32, that region alone; masks are no numbers that have to fit."""

import json

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import support
from test_numbers import FilterBank


def summary_of(small):
    """What `quantize` prints for the network and the data that lie in the folder."""
    done = small.graftwork(
        "quantize", "m.pt2", "--calibrate", "c.npz", "--report", "r.json", "-o", "m.onnx", cwd=small.folder
    )
    return done.stdout


def regions_of(small):
    """Names of the nodes of each region."""
    summary_of(small)
    return [region["nodes"] for region in json.loads((small.folder / "r.json").read_text())["fp32_regions"]]


def run_quantized(small, *options):
    arguments = ("--stage", "quantized", "--calibrate", "c.npz", *options, "--quiet", "-o", "y.npz")
    small.graftwork("run", "m.pt2", "--input", "c.npz", *arguments, cwd=small.folder)
    return list(support.load_npz(small.folder / "y.npz").values())


def quantized_layers(path):
    """Convolutions and products that read both operands behind DQ, with no Cast to a wider type between (rule W15)."""
    graph = onnx.load(path).graph
    producer = {output: node for node in graph.node for output in node.output}
    stored = {tensor.name: tensor for tensor in graph.initializer}

    def is_dequantized(value):
        node = producer.get(value)
        if node is not None and node.op_type == "Cast":
            assert node.attribute[0].i == onnx.TensorProto.FLOAT16
            node = producer.get(node.input[0])
        return node is not None and node.op_type == "DequantizeLinear" and node.input[1] in stored

    layers = [node for node in graph.node if node.op_type in ("Conv", "Gemm", "MatMul")]
    return sum(all(is_dequantized(value) for value in layer.input[:2]) for layer in layers)


class Between(nn.Module):
    """Something between two convolutions."""

    def __init__(self, compute):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 8, 3, padding=1)
        nn.init.constant_(self.first.bias, -0.05)
        self.compute = compute

    def forward(self, x):
        return self.last(self.compute(F.relu(self.first(x))))


def scaled_down(y):
    small = y * 1e-4
    return y * torch.rsqrt((small * small).mean(1, keepdim=True) + 1e-8)


def soft_maximum(y):
    powers = (y * 14).exp()
    return powers / (powers.sum(1, keepdim=True) + 1)


REGIONS = {
    "an epsilon at a norm": lambda y: y / (y.pow(2).sum(1, keepdim=True).sqrt() + 1e-10),
    "an epsilon under a root": scaled_down,
    "a logarithm of a bounded value": lambda y: torch.log(torch.clamp(y * y * 1e-3, min=1e-10)),
    "a negative power": lambda y: y * (y.pow(2).sum(1, keepdim=True) * 1e-6 + 1e-9).pow(-0.5),
    "a reciprocal": lambda y: y * 1e-7 * torch.reciprocal(y.amax(1, keepdim=True) * 1e-7 + 1e-8),
    "large values": lambda y: (y * 3e5) / 2e5,
    "exponentials": soft_maximum,
    "a large constant": lambda y: (y + 1e6) - 1e6,
    "a small factor": lambda y: y * 1e-7,
}


class Decibels(nn.Module):
    """A convolution, and beside it the logarithm of what may be 0."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        return self.conv(x), torch.log(F.relu(x))


def test_what_is_infinite_in_float_already_is_written_and_warned_about(small):
    model, x = Decibels(), torch.randn(4, 3, 8, 8)
    reference = [value.detach().numpy() for value in model(x)]
    got = small.quantize(model, (x,))
    assert support.sqnr_db(reference[0], got[0]) > 25
    infinite = np.isinf(reference[1])
    assert infinite.any()
    assert np.array_equal(np.isneginf(got[1]), infinite)
    assert np.allclose(got[1][~infinite], reference[1][~infinite], atol=2e-2)
    warning = "warning: %log becomes NaN or infinite on the calibration data, in float already"
    assert warning in summary_of(small)


@pytest.mark.parametrize("compute", REGIONS.values(), ids=REGIONS)
def test_what_fp16_cannot_hold_stays_in_fp32(small, compute):
    model, x = Between(compute), torch.randn(4, 3, 32, 32)
    x[:, :, :12, :12] = 0
    reference = model(x).detach().numpy()
    (wide,) = small.quantize(model, (x,), "--float", "fp32")
    (value,) = small.quantize(model, (x,))
    assert support.sqnr_db(reference, value) > support.sqnr_db(reference, wide) - 1
    (region,) = regions_of(small)
    assert "fused_conv_bn_act_0" not in region, "what makes the values fits"
    assert "in FP32             %" in summary_of(small)
    assert quantized_layers(small.folder / "m.onnx") == 2
    (ours,) = run_quantized(small)
    assert support.sqnr_db(value, ours) > 43


@pytest.mark.parametrize(
    "compute",
    {
        "an epsilon that nothing meets": lambda y: (y + 1) / ((y + 1).pow(2).sum(1, keepdim=True).sqrt() + 1e-10),
        "a branch that hardly counts": lambda y: y + 1e-6 * torch.tanh(y),
        "bounds beyond every number": lambda y: y.clamp(torch.finfo(y.dtype).min, torch.finfo(y.dtype).max),
    }.items(),
    ids=lambda item: item[0],
)
def test_what_does_not_matter_makes_no_region(small, compute):
    model, x = Between(compute[1]), torch.randn(4, 3, 32, 32)
    (value,) = small.quantize(model, (x,))
    assert support.sqnr_db(model(x).detach().numpy(), value) > 30
    assert regions_of(small) == []
    assert "in FP32" not in summary_of(small)


def test_kernels_of_int8_keep_their_form_in_a_region(small):
    layers = [nn.Conv2d(channels, 8, 3, padding=1) for channels in (3, 8, 8)]
    with torch.no_grad():
        layers[0].weight.mul_(2e5)
        layers[1].weight.mul_(1e-5)
    model = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
    x = torch.randn(4, 3, 16, 16)
    (value,) = small.quantize(model, (x,))
    assert support.sqnr_db(model(x).detach().numpy(), value) > 30
    assert quantized_layers(small.folder / "m.onnx") == 3
    (region,) = regions_of(small)
    assert "fused_conv_bn_act_0" in region
    assert "fused_conv_bn_0" not in region, "the last layer's values fit"


class BothTypes(nn.Module):
    """Two layers read one tensor, and the values of one of them do not fit."""

    def __init__(self):
        super().__init__()
        self.first, self.large, self.small = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 32)
        with torch.no_grad():
            self.large.weight.mul_(1e6)

    def forward(self, x):
        y = self.first(x)
        return self.small(y), torch.log(self.large(y).abs().sum(-1))


def is_wide(model, value):
    """Whether the value behind DQ is FP32: DQ has the type of its scale."""
    (node,) = [node for node in model.graph.node if value in node.output]
    assert node.op_type == "DequantizeLinear"
    return next(t.data_type for t in model.graph.initializer if t.name == node.input[1]) == onnx.TensorProto.FLOAT


def test_a_tensor_that_is_read_in_both_types_has_codes_for_each(small):
    model, x = BothTypes(), torch.randn(2, 8, 32)
    values = small.quantize(model, (x,))
    for value, reference in zip(values, model(x), strict=True):
        assert support.sqnr_db(reference.detach().numpy(), value) > 30
    (region,) = regions_of(small)
    assert "fused_linear_1" in region
    assert "fused_linear_2" not in region
    written = onnx.load(small.folder / "m.onnx")
    products = {node.name: node for node in written.graph.node if node.op_type == "MatMul"}
    for name in ("large", "small"):
        assert {is_wide(written, value) for value in products[name].input} == {name == "large"}


@pytest.mark.rtx
def test_nvidias_compiler_takes_codes_of_both_types(small, rtx):
    small.quantize(BothTypes(), (torch.randn(2, 8, 32),))
    report = rtx.compile_apart(str(small.folder / "m.onnx"), 89, {}, None, 300)
    assert report["accepted"], report["parser"] + report["builder"]
    assert report["summary"]["low_precision"] == {"Int8": 3}


class Scaled(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


@pytest.mark.parametrize("factor", [1e6, 1e-9])
def test_results_need_not_fit(small, factor):
    model, x = nn.Sequential(nn.Conv2d(3, 8, 3), Scaled(factor)), torch.randn(2, 3, 8, 8)
    (value,) = small.quantize(model, (x,))
    assert value.dtype == np.float32
    assert support.sqnr_db(model(x).detach().numpy(), value) > 30


def test_inputs_need_not_fit(small):
    model, x = nn.Conv2d(3, 8, 3), torch.randn(2, 3, 8, 8) * 1e5
    (value,) = small.quantize(model, (x,))
    assert support.sqnr_db(model(x).detach().numpy(), value) > 30
    assert quantized_layers(small.folder / "m.onnx") == 1


def test_a_filter_bank_keeps_its_silence(small):
    data = torch.randn(9, 1024) * 0.1
    data[:, :256] = 0
    model = FilterBank()
    (value,) = small.quantize(model, (data[:1],), calibration=[data[1:].numpy()])
    (wide,) = small.quantize(model, (data[:1],), "--float", "fp32", calibration=[data[1:].numpy()])
    reference = model(data[:1]).detach().numpy()
    assert support.sqnr_db(reference, value) > support.sqnr_db(reference, wide) - 1


def test_a_region_is_the_same_for_any_number_of_threads(small):
    x = torch.randn(8, 3, 16, 16)
    x[3] = 0
    small.quantize(Between(REGIONS["an epsilon at a norm"]), (x,))
    files = set()
    for threads in ("1", "2", "5"):
        arguments = ("quantize", "m.pt2", "--calibrate", "c.npz", "--quiet", "-o", "t.onnx")
        small.graftwork(*arguments, cwd=small.folder, env={"OMP_NUM_THREADS": threads})
        files.add((small.folder / "t.onnx").read_bytes())
    assert len(files) == 1


def test_a_plan_that_is_replayed_has_the_same_regions(small):
    small.quantize(Between(REGIONS["large values"]), (torch.randn(2, 3, 16, 16),))
    small.graftwork("plan", "m.pt2", "--quantize", "-o", "plan.json", cwd=small.folder)
    arguments = ("quantize", "m.pt2", "--calibrate", "c.npz", "--plan", "plan.json", "--quiet", "-o", "p.onnx")
    small.graftwork(*arguments, cwd=small.folder)
    assert (small.folder / "p.onnx").read_bytes() == (small.folder / "m.onnx").read_bytes()


class Attention(nn.Module):
    """Attention with a mask of its own kind."""

    def __init__(self, mask):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(32, 32) for _ in range(4))
        self.register_buffer("infinite", torch.full((12, 12), float("-inf")).triu(1))
        self.register_buffer("least", torch.full((12, 12), torch.finfo(torch.float32).min).triu(1))
        self.mask = mask

    def forward(self, x, attended):
        scores = self.q(x) @ self.k(x).transpose(1, 2) / 32**0.5
        return self.o(self.mask(self, scores, attended[:, None]).softmax(-1) @ self.v(x))


LEAST = torch.finfo(torch.float32).min
MASKS = {
    "a constant of -inf": lambda net, s, m: s + net.infinite,
    "a constant of the least number": lambda net, s, m: s + net.least,
    "filled with -inf": lambda net, s, m: s.masked_fill(m == 0, float("-inf")),
    "filled with the least number": lambda net, s, m: s.masked_fill(m == 0, LEAST),
    "the least number times a mask": lambda net, s, m: s + (1.0 - m.float()) * LEAST,
    "-1e9 times a mask": lambda net, s, m: s + (1.0 - m.float()) * -1e9,
    "a mask less 1 times 1e9": lambda net, s, m: s + (m.float() - 1) * 1e9,
    "chosen": lambda net, s, m: torch.where(m > 0, s, torch.full_like(s, float("-inf"))),
    "a logarithm": lambda net, s, m: s + torch.log(m.float()),
    "scaled behind the mask": lambda net, s, m: s.masked_fill(m == 0, LEAST) * 0.5,
}


@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_masks_make_no_region(small, mask, float_type):
    model, x = Attention(mask), torch.randn(2, 12, 32)
    attended = torch.ones(2, 12, dtype=torch.int64)
    attended[1, 8:] = 0
    (value,) = small.quantize(model, (x, attended), "--float", float_type)
    assert support.sqnr_db(model(x, attended).detach().numpy(), value) > 30
    assert regions_of(small) == []
    (ours,) = run_quantized(small, "--float", float_type)
    assert support.sqnr_db(value, ours) > 43


@pytest.mark.parametrize("kind", ["filled with the least number", "the least number times a mask", "-1e9 times a mask"])
def test_a_row_that_is_masked_throughout_is_uniform(small, kind):
    model, x = Attention(MASKS[kind]), torch.randn(2, 12, 32) * 3
    attended = torch.ones(2, 12, dtype=torch.int64)
    attended[1] = 0
    (value,) = small.quantize(model, (x, attended))
    assert support.sqnr_db(model(x, attended)[1].detach().numpy(), value[1]) > 28
    (ours,) = run_quantized(small)
    # Weights of attention that lie between two codes fall to either side in FP16; without the mask it is 0.5 dB.
    assert support.sqnr_db(value, ours) > 36


class Weights(nn.Module):
    """The weights of attention, as a result."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(32, 12)

    def forward(self, x, attended):
        return self.layer(x).masked_fill(attended == 0, float("-inf")).softmax(-1)


def test_a_row_of_minus_infinities_is_no_number(small):
    model, x = Weights(), torch.randn(2, 32)
    attended = torch.ones(2, 12, dtype=torch.int64)
    small.quantize(model, (x, attended))
    attended[1] = 0
    (value,) = small.session().run(None, {"x": x.numpy(), "attended": attended.numpy()})
    assert np.array_equal(np.isnan(value), np.isnan(model(x, attended).detach().numpy()))


class SamePool(nn.Module):
    def __init__(self, padding):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.padding = padding

    def forward(self, x):
        return self.last(F.max_pool2d(F.pad(self.first(x), (0, 1, 0, 1), value=self.padding), 3, 2))


@pytest.mark.parametrize("padding", [float("-inf"), LEAST, -1e9])
@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
def test_padding_in_front_of_a_max_pool_is_a_mask(small, padding, float_type):
    model, x = SamePool(padding), torch.randn(2, 3, 16, 16)
    (value,) = small.quantize(model, (x,), "--float", float_type)
    assert support.sqnr_db(model(x).detach().numpy(), value) > 30
    assert regions_of(small) == []


class NotAMask(nn.Module):
    """−1e9 that is looked at."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x):
        return self.layer(x).masked_fill(x > 0, -1e9)


def test_a_number_that_is_a_result_is_none(small):
    model, x = NotAMask(), torch.randn(4, 8)
    (value,) = small.quantize(model, (x,))
    assert (value == np.float32(-1e9)).sum() == int((x > 0).sum())
    assert regions_of(small) == [["masked_fill"]]


class Concatenated(nn.Module):
    """A small branch that is read by itself too, beside one whose range is `factor` times as large."""

    def __init__(self, factor):
        super().__init__()
        self.a, self.b, self.c, self.d = (
            nn.Conv2d(i, o, 3, padding=1) for i, o in ((3, 16), (3, 16), (16, 8), (32, 8))
        )
        self.factor = factor

    def forward(self, x):
        a, b = F.relu(self.a(x)), F.relu(self.b(x)) * self.factor
        return self.c(a), self.d(torch.cat([a, b], 1))


def test_a_small_branch_of_a_concatenation_keeps_its_bits(small):
    model, x = Concatenated(60), torch.randn(8, 3, 32, 32)
    alone, joined = small.quantize(model, (x,))
    assert support.sqnr_db(model(x)[0].detach().numpy(), alone) > 34
    assert support.sqnr_db(model(x)[1].detach().numpy(), joined) > 30
    assert quantized_layers(small.folder / "m.onnx") == 4
    summary = summary_of(small)
    assert "warning: %cat joins %fused_conv_bn_act_0" in summary
    reasons = [stub["reason"] for stub in json.loads((small.folder / "r.json").read_text())["stubs"]]
    assert sum("apart from the scale around %cat" in reason for reason in reasons) == 1


def test_branches_of_one_range_share_a_scale(small):
    small.quantize(Concatenated(2), (torch.randn(8, 3, 32, 32),))
    assert "warning" not in summary_of(small)
    stubs = json.loads((small.folder / "r.json").read_text())["stubs"]
    scales = {stub["tensor"]: stub["scale"] for stub in stubs}
    assert scales["fused_conv_bn_act_0"] == scales["cat"]


class Empty(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        y = self.layer(x)
        return torch.cat([y, y[:, :0] * 2], 1)


@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
def test_empty_tensors_have_no_range(small, float_type):
    model, x = Empty(), torch.randn(2, 3, 8, 8)
    (value,) = small.quantize(model, (x,), "--float", float_type)
    assert support.sqnr_db(model(x).detach().numpy(), value) > 30


def test_a_network_in_half_precision_runs_quantized(small):
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1)).half()
    x = torch.randn(4, 3, 16, 16).half()
    (value,) = small.quantize(model, (x,))
    assert support.sqnr_db(model(x).detach().numpy(), value) > 35
    (ours,) = run_quantized(small)
    assert ours.dtype == np.float16
    assert support.sqnr_db(value, ours) > 50
