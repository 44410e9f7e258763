"""Composites, computed parameters and what cannot be written, from the file to the file."""

import json

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, prune


def decibels(reference, value):
    error = np.square(reference - value).sum()
    return 10 * np.log10(np.square(reference).sum() / max(error, 1e-30))


class StandardizedConv(nn.Conv2d):
    def forward(self, x):
        mean = self.weight.mean((1, 2, 3), keepdim=True)
        deviation = self.weight.std((1, 2, 3), keepdim=True)
        return F.conv2d(x, (self.weight - mean) / (deviation + 1e-5), self.bias, padding=1)


class PositionBias(nn.Module):
    """A bias that a table and a small network of parameters alone give, as vision transformers have them."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(9, 4))
        self.register_buffer("index", torch.arange(9).flip(0))
        self.mlp = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 16))
        self.layer = nn.Conv2d(3, 16, 3, padding=1)

    def forward(self, x):
        bias = self.mlp(self.table)[self.index].view(3, 3, 16).permute(2, 0, 1).contiguous()
        return self.layer(x) + F.pad(16 * torch.sigmoid(bias), (1, 4, 2, 3))[None]


def pruned():
    layer = nn.Conv2d(3, 8, 3, padding=1)
    prune.l1_unstructured(layer, "weight", 0.5)
    return layer


WEIGHTS = {
    "weight_norm": lambda: parametrizations.weight_norm(nn.Conv2d(3, 8, 3, padding=1)),
    "spectral_norm": lambda: parametrizations.spectral_norm(nn.Conv2d(3, 8, 3, padding=1)),
    "standardized": lambda: StandardizedConv(3, 8, 3),
    "pruned": pruned,
}


@pytest.mark.filterwarnings("ignore:The tensor attribute")
@pytest.mark.parametrize("name", WEIGHTS)
def test_computed_weights_are_weights(small, name):
    model = nn.Sequential(WEIGHTS[name](), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3)).eval()
    x = torch.randn(4, 3, 16, 16)
    (result,) = small.quantize(model, (x,))
    assert decibels(model(x).detach().numpy(), result) > 25
    graph = small.graftwork("transform", "m.pt2", cwd=small.folder).stdout
    assert graph.count("nn.Conv2d") == 2
    assert "aten.conv2d" not in graph


def test_all_of_many_large_computed_weights_are_weights(small):
    layers = [StandardizedConv(512, 512, 1) for _ in range(20)]
    small.quantize(nn.Sequential(*layers), (torch.randn(2, 512, 2, 2),), "--report", "r.json")
    report = json.loads((small.folder / "r.json").read_text())
    assert len(report["weights"]) == len(layers)
    assert report["operators_left"] == {}


def test_a_computed_bias_table_is_folded(small):
    model, x = PositionBias().eval(), torch.randn(2, 3, 8, 8)
    (result,) = small.quantize(model, (x,))
    assert decibels(model(x).detach().numpy(), result) > 25
    graph = small.graftwork("inspect", "m.pt2", cwd=small.folder).stdout
    assert "aten.linear" not in graph.split("graph(")[0]


class Says(nn.Module):
    """One operator that ONNX has no form for, behind a layer."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return torch.lgamma(self.layer(x))


def test_what_cannot_be_written_is_said_by_inspect_and_transform(graftwork, tmp_path):
    torch.export.save(torch.export.export(Says().eval(), (torch.randn(1, 3, 8, 8),)), tmp_path / "m.pt2")
    told = json.loads(graftwork("inspect", "m.pt2", "--json", cwd=tmp_path).stdout)
    assert len(told["unsupported"]) == 1
    assert "aten.lgamma.default" in told["unsupported"][0]
    assert "aten.lgamma.default" in graftwork("transform", "m.pt2", cwd=tmp_path).stderr


class Of(nn.Module):
    """A function of tensors, and of a table that the network has."""

    def __init__(self, function, rows=10):
        super().__init__()
        self.table = nn.Parameter(torch.rand(rows, 2), requires_grad=False)
        self.function = function

    def forward(self, x, y):
        return self.function(self.table, x, y)


REPEATS = torch.tensor([1, 2, 0, 5])


@pytest.mark.parametrize("given", [8, None], ids=["given", "of a size"])
def test_a_given_size_of_repeats_is_that_of_the_file(small, given):
    """Engines know a shape from the sizes of inputs, not from what is summed."""
    model = Of(lambda _, x, n: 2 * torch.repeat_interleave(x, n, dim=1, output_size=given or 2 * x.shape[1]))
    x = torch.randn(3, 4)
    small.quantize(model, (x, REPEATS), "--float", "fp32")
    if not given:
        places = torch.export.Dim("places", min=2, max=64)
        program = torch.export.export(model, (x, REPEATS), dynamic_shapes=({1: places}, {0: places}))
        torch.export.save(program, small.folder / "m.pt2")
        small.graftwork(
            "quantize", "m.pt2", "--calibrate", "c.npz", "--float", "fp32", "-o", "m.onnx", cwd=small.folder
        )
    graph = onnx.load(small.folder / "m.onnx").graph
    made = {output: node for node in graph.node for output in node.output}
    (places,) = (node for node in graph.node if node.op_type == "Range")
    behind, todo = set(), list(places.input)
    while todo:
        if node := made.get(todo.pop()):
            behind.add(node.op_type)
            todo += node.input
    assert not behind & {"ReduceSum", "CumSum"}
    (got,) = small.session().run(None, {"x": x.numpy(), "y": REPEATS.numpy()})
    np.testing.assert_array_equal(got, model(x, REPEATS).numpy())


MANY = torch.arange(70_000)
COMPARED = {
    "repeats": (Of(lambda _, x, n: x.repeat_interleave(n, output_size=140_000)), torch.rand(70_000), MANY * 0 + 2),
    "bags": (Of(lambda table, i, begin: F.embedding_bag(i, table, begin)), MANY % 10, MANY),
    "rows": (Of(lambda table, i, _: F.embedding(i, table * 1, max_norm=1.0), 70_000), MANY, MANY),
}


@pytest.mark.parametrize("name", COMPARED)
def test_what_compares_too_much_is_refused_before_the_calibration(small, name):
    model, x, y = COMPARED[name]
    torch.export.save(torch.export.export(model, (x, y)), small.folder / "m.pt2")
    np.savez(small.folder / "c.npz", x=x.numpy(), y=y.numpy())
    done = small.graftwork.fails("quantize", "m.pt2", "--calibrate", "c.npz", "-o", "m.onnx", cwd=small.folder)
    assert "error[export.shape]" in done.stderr
    assert "calibrat" not in done.stderr


def written(index, *shape):
    """A picture and values that are put where `index` says."""
    return index, torch.rand(shape)


FIRST, SECOND = torch.tensor([2, 0, 1, 3]), torch.tensor([1, -1, 3, 0])
WRITTEN = {
    "a number in the middle": written((slice(None), FIRST)),
    "a row in the middle": written((slice(None), slice(None), FIRST), 4),
    "columns in the middle": written((slice(None), FIRST), 4, 4),
    "all in the middle": written((slice(None), FIRST), 4, 4, 4),
    "pairs behind": written((slice(None), FIRST, SECOND), 4),
    "pairs behind, for each": written((slice(None), FIRST, SECOND), 4, 4),
    "a table of pairs behind": written((slice(None), FIRST[:, None], SECOND), 4, 4),
    "pairs in front": written((FIRST, SECOND), 4),
    "pairs apart": written((FIRST, slice(None), SECOND), 4, 4),
    "pairs apart, a row": written((FIRST, slice(None), SECOND), 4),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_values_are_put_where_torch_puts_them(small, name):
    """Extents are all 4: whatever is turned still fits."""
    index, values = WRITTEN[name]

    def put(_, x, values):
        y = x.clone()
        y[index] = values
        return 2 * y

    x = torch.rand(4, 4, 4)
    (got,) = small.quantize(Of(put), (x, values), "--float", "fp32")
    np.testing.assert_array_equal(got, put(None, x, values).numpy())


def test_places_that_are_filled_are_counted_from_either_end(small):
    model, x = Of(lambda _, x, i: x.index_fill(1, i, 7.0)), torch.rand(4, 5)
    for index in (torch.tensor([-1, 2, -5]), torch.tensor([0, 1])):
        (got,) = small.quantize(model, (x, index), "--float", "fp32")
        np.testing.assert_array_equal(got, model(x, index).numpy())


def test_groups_that_are_known_at_run_time_only(small):
    model = Of(lambda _, x, weight: F.conv2d(x, weight, groups=weight.shape[0]))
    channels = torch.export.Dim("channels", min=2, max=64)
    inputs = torch.rand(1, 4, 8, 8), torch.rand(4, 1, 3, 3)
    program = torch.export.export(model, inputs, dynamic_shapes=({1: channels}, {0: channels}))
    torch.export.save(program, small.folder / "m.pt2")
    np.savez(small.folder / "c.npz", **dict(zip("xy", (value.numpy() for value in inputs), strict=True)))
    done = small.graftwork.fails("quantize", "m.pt2", "--calibrate", "c.npz", "-o", "m.onnx", cwd=small.folder)
    assert "groups is known at run time only" in done.stderr
    assert "try a fixed number there when the network is exported" in done.stderr


class Ordinary(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 3, padding=1)
        self.function = function

    def forward(self, x):
        return self.function(self.layer(x))


ORDINARY = {
    "expand_as": lambda x: x.mean((2, 3), keepdim=True).expand_as(x) * x,
    "einsum": lambda x: torch.einsum("bchw,bdhw->bcd", x, x),
    "roll": lambda x: torch.roll(x, (2, -3), (2, 3)),
    "topk": lambda x: x.flatten(1).topk(5)[0],
    "max": lambda x: x.max(1)[0],
    "std": lambda x: x.std(1),
    "unfold": lambda x: F.unfold(x, 3, padding=1, stride=2),
    "fold": lambda x: F.fold(x.flatten(2)[:, :, :49].repeat(1, 9, 1)[:, :72], (15, 15), 3, stride=2),
    "grid_sample": lambda x: F.grid_sample(x, torch.tanh(x[:, :2]).permute(0, 2, 3, 1), align_corners=False),
    "bicubic": lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"),
    "antialias": lambda x: F.interpolate(x, size=(7, 9), mode="bilinear", antialias=True),
    "circular": lambda x: F.pad(x, (2, 1, 1, 2), mode="circular"),
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True),
    "index": lambda x: x[:, torch.tensor([3, 1])][..., torch.tensor([[0, 2], [1, 1]])],
    "live_batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
    "adaptive": lambda x: F.adaptive_avg_pool2d(x, (5, 3)) + F.adaptive_max_pool2d(x, (5, 3)),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_operators_are_written(small, name):
    model, x = Ordinary(ORDINARY[name]).eval(), torch.randn(2, 3, 16, 16)
    (result,) = small.quantize(model, (x,), "--float", "fp32", "--skip", "layer")
    np.testing.assert_allclose(result, model(x).detach().numpy(), rtol=1e-3, atol=1e-4)
