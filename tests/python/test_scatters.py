"""Scatters that reduce, without a scatter: what an engine takes, and what PyTorch computes."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import support
from test_engine_shapes import Function, both, engine  # noqa: F401

GENERATOR = torch.Generator().manual_seed(0)


def floats(*shape):
    return torch.randn(*shape, generator=GENERATOR)


def indices(places, *shape):
    return torch.randint(places, shape, generator=GENERATOR)


def row(index, rank, axis):
    """One index for all other dimensions, as an operand of `rank` dimensions."""
    return index.view([-1 if i == axis else 1 for i in range(rank)])


def add_along(axis):
    return lambda x, index, source: x.index_add(axis, index, source, alpha=0.5)


def add_expanded(x, index, source):
    return x.scatter_add(0, index.unsqueeze(-1).expand_as(source), source)


def add_repeated(x, index, source):
    return x.scatter_add(0, index.unsqueeze(-1).repeat(1, source.shape[1]), source)


def add_by_constant(x, source):
    return x.index_add(1, torch.tensor([0, 3, 3, 1, 4, 0, 3]), source)


def put(x, index, source):
    return x.index_put((index,), source, accumulate=True)


def put_from_the_end(x, index, source):
    return x.index_put((index - 5, index), source, accumulate=True)


def put_along_the_second(x, index):
    return torch.ops.aten.index_put(x, [None, index], torch.tensor(0.5), accumulate=True)


def put_by_mask(x, source):
    return x.index_put((x > 0,), source, accumulate=True)


def put_flat(x, index, source):
    return x.put(index - 20, source, accumulate=True)


def put_row_by_mask(x, source):
    return torch.ops.aten.index_put(x, [None, x[0] > 0], source)


def segment_softmax(x, index):
    """Over the rows of one segment, as graph attention has it."""
    places = index.unsqueeze(-1).expand_as(x)
    greatest = torch.full((5, x.shape[1]), -torch.inf).scatter_reduce(0, places, x, "amax")
    powers = torch.exp(x - greatest[index])
    sums = torch.zeros(5, x.shape[1]).index_add(0, index, powers)
    return powers / sums[index]


def segment_mean(x, index):
    return torch.zeros(5, x.shape[1]).index_reduce(0, index, x, "mean", include_self=False)


SUMS = {
    "of rows": (add_along(0), floats(5, 8), indices(5, 7), floats(7, 8)),
    "in the middle": (add_along(1), floats(2, 5, 8), indices(5, 7), floats(2, 7, 8)),
    "far in front": (add_along(0), floats(5, 2, 3, 4), indices(5, 7), floats(7, 2, 3, 4)),
    "at the end": (add_along(2), floats(2, 8, 5), indices(5, 7), floats(2, 8, 7)),
    "of numbers": (add_along(0), floats(5), indices(5, 7), floats(7)),
    "by one expanded index": (add_expanded, floats(5, 8), indices(5, 7), floats(7, 8)),
    "by one repeated index": (add_repeated, floats(5, 8), indices(5, 7), floats(7, 8)),
    "by one index of a part": (add_expanded, floats(5, 8), indices(5, 7), floats(7, 6)),
    "by a constant index": (add_by_constant, floats(2, 5, 8), floats(2, 7, 8)),
    "by an index of each": (
        lambda x, index, source: x.scatter_add(1, index, source),
        floats(2, 5, 3),
        indices(5, 2, 7, 3),
        floats(2, 7, 3),
    ),
    "of a part": (
        lambda x, index, source: x.scatter_add(1, index, source),
        floats(4, 5, 6),
        indices(5, 2, 7, 3),
        floats(3, 8, 4),
    ),
    "of one number": (lambda x, index: x.scatter(1, index, 1.5, reduce="add"), floats(4, 5), indices(5, 4, 7)),
    "put": (put, floats(5, 8), indices(5, 7), floats(7, 8)),
    "put by a table": (put, floats(5, 8), indices(5, 3, 2), floats(3, 2, 8)),
    "put from the end": (put_from_the_end, floats(5, 5, 4), indices(5, 7), floats(7, 4)),
    "put along the second": (put_along_the_second, floats(3, 5, 4), indices(5, 7)),
    "put by a mask": (put_by_mask, floats(5, 8), torch.tensor(0.5)),
    "put by a mask, a row": (put_row_by_mask, floats(5, 8), floats(5, 1)),
    "put as if flat": (put_flat, floats(5, 8), indices(40, 7), floats(7)),
    "mean of segments": (segment_mean, floats(9, 8), indices(4, 9)),
    "softmax of segments": (segment_softmax, floats(9, 8), indices(4, 9)),
}


@both
@pytest.mark.parametrize("float_type", ["fp32", "fp16"])
@pytest.mark.parametrize("name", SUMS)
def test_sums(engine, name, float_type):  # noqa: F811
    function, *inputs = SUMS[name]
    floor = 100 if float_type == "fp32" else 45
    engine.check(Function(function), *inputs, options=("--float", float_type), floor=floor)


@both
@pytest.mark.parametrize("float_type", ["fp32", "fp16"])
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("expanded", [True, False])
def test_reductions(engine, reduce, include_self, float_type, expanded):  # noqa: F811
    def function(x, index, source):
        places = row(index, 3, 1).expand_as(source) if expanded else index
        return x.scatter_reduce(1, places, source, reduce, include_self=include_self)

    index = indices(4, 7) if expanded else indices(5, 2, 7, 3)  # the last place stays what it was
    inputs = floats(2, 5, 3), index, floats(2, 7, 3)
    floor = 100 if float_type == "fp32" else 45
    engine.check(Function(function), *inputs, options=("--float", float_type), floor=floor)


@both
@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
def test_integers_are_exact(engine, reduce, include_self):  # noqa: F811
    def function(x, index, source):
        return x.index_add(0, index[0], source.T), x.T.scatter_reduce(
            1, index, source, reduce, include_self=include_self
        )

    inputs = indices(9, 5, 3) + 2**24, indices(5, 3, 7), indices(9, 3, 7) - 4
    engine.check(Function(function), *inputs, options=("--float", "fp16"), floor=250)


@both
def test_segments_without_rows_keep_their_infinity(engine):  # noqa: F811
    def function(x, index):
        start = torch.full((5, 8), -torch.inf)
        greatest = start.scatter_reduce(0, index.unsqueeze(-1).expand_as(x), x, "amax")
        return torch.isinf(greatest).float(), torch.exp(greatest)

    engine.check(Function(function), floats(9, 8), indices(4, 9), options=("--float", "fp16"), floor=45)


def with_gaps(x):
    return x.masked_fill(x > 8, torch.nan)


GAPS = torch.tensor([[0.5, 9.0, -1.5, 2.0], [-3.0, 9.0, 9.0, -4.0], [0.25, 1.0, 3.0, 2.0]])
SHARES = torch.tensor([0.1, 0.5, 0.75])
STATISTICS = {
    "quantile": (lambda x: x.quantile(0.3, 1), floats(4, 11)),
    "quantile of all": (lambda x: x.quantile(0.3, keepdim=True), floats(4, 11)),
    "quantiles": (lambda x: x.quantile(SHARES, 1, keepdim=True), floats(3, 11, 2)),
    "a share that is computed": (lambda x, q: x.quantile(q, 0), floats(11, 3), torch.tensor([0.2, 0.8])),
    **{
        f"quantile, {how}": (lambda x, how=how: x.quantile(SHARES, 1, interpolation=how), floats(4, 10))
        for how in ["lower", "higher", "nearest", "midpoint"]
    },
    "nanquantile": (lambda x: with_gaps(x).nanquantile(0.3, 1), GAPS),
    "nanquantiles": (lambda x: with_gaps(x).nanquantile(SHARES, 0, keepdim=True), GAPS.T),
    **{
        f"nanquantile, {how}": (lambda x, how=how: with_gaps(x).nanquantile(SHARES, 1, interpolation=how), GAPS)
        for how in ["lower", "higher", "nearest", "midpoint"]
    },
    "histogram of all": (lambda x: x.histc(8), floats(50)),
    "histogram": (lambda x: x.histc(8, -1.0, 1.5), torch.cat([floats(50), torch.tensor([-1.0, 1.5, 1.6])])),
    "counts": (lambda x: F.one_hot(x, 9).sum(0), indices(6, 40)),
}


@both
@pytest.mark.parametrize("float_type", ["fp32", "fp16"])
@pytest.mark.parametrize("name", STATISTICS)
def test_order_statistics_and_counts(engine, name, float_type):  # noqa: F811
    function, *inputs = STATISTICS[name]
    options = "--float", float_type
    engine.check(Function(function), *inputs, options=options, floor=100 if float_type == "fp32" else 45)


def check_at_other_sizes(engine, function, inputs, dims, *others):  # noqa: F811
    """One file is right for all of the inputs; `dims` are those known at run time only, of each input."""

    class Network(nn.Module):
        def forward(self, x, index, source):
            return function(x, index, source)

    program = torch.export.export(Network(), inputs, dynamic_shapes=dims)
    torch.export.save(program, engine.folder / "m.pt2")
    names = program.graph_signature.user_inputs
    feeds = [{n: v.numpy() for n, v in zip(names, given, strict=True)} for given in (inputs, *others)]
    np.savez(engine.folder / "c.npz", **feeds[0])
    options = "--calibrate", "c.npz", "--float", "fp32", "-o", "m.onnx"
    engine.graftwork("quantize", "m.pt2", *options, cwd=engine.folder)
    session = engine.session()
    for feed, given in zip(feeds, (inputs, *others), strict=True):
        (value,) = session.run(None, feed)
        np.testing.assert_allclose(value, function(*given).numpy(), rtol=1e-5, atol=1e-6)


NARROW = {
    "sum": lambda x, index, source: x.scatter_add(0, index, source),
    "sum, replaced": lambda x, index, source: x.scatter_reduce(0, index, source, "sum", include_self=False),
    "greatest": lambda x, index, source: x.scatter_reduce(0, index, source, "amax"),
    "sum by a row": lambda x, index, source: x.scatter_add(0, index[:, :1].expand(-1, source.shape[1]), source),
    "least by a row": lambda x, index, source: x.scatter_reduce(
        0, index[:, :1].expand(-1, source.shape[1]), source, "amin", include_self=False
    ),
}


@pytest.mark.parametrize("engine", ["onnx"], indirect=True)
@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("name", NARROW)
def test_an_index_narrower_than_what_it_writes_to_leaves_the_rest(engine, name, width):  # noqa: F811
    rest = indices(5, 4, width), floats(4, width)
    dims = {1: torch.export.Dim("n", min=2, max=64)}, None, None
    check_at_other_sizes(engine, NARROW[name], (floats(5, 6), *rest), dims, (floats(5, 9), *rest))


@pytest.mark.parametrize("engine", ["onnx"], indirect=True)
@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
def test_no_index_at_run_time_leaves_everything(engine, reduce):  # noqa: F811
    def function(x, index, source):
        return x.scatter_reduce(0, index.unsqueeze(-1).expand(-1, 3), source, reduce, include_self=False)

    count = {0: torch.export.Dim("k", min=0, max=9)}
    none = floats(5, 3), indices(5, 0), floats(0, 3)
    check_at_other_sizes(engine, function, (floats(5, 3), indices(5, 2), floats(2, 3)), (None, count, count), none)


@pytest.mark.parametrize("engine", ["onnx"], indirect=True)
@pytest.mark.parametrize("axis", [0, 1])
def test_sums_are_put_along_a_dimension_that_is_known_at_run_time_only(engine, axis):  # noqa: F811
    def function(x, index, source):
        places = [index] if axis == 0 else [index, index - 2]
        return torch.ops.aten.index_put(x, places, source, accumulate=True)

    def inputs(size):
        extents = (size, 4, 3) if axis == 0 else (4, size, 3)
        return floats(*extents), torch.tensor([0, 1, 1, 0]), floats(4, *extents[axis + 1 :])

    dims = {axis: torch.export.Dim("n", min=2, max=64)}, None, None
    check_at_other_sizes(engine, function, inputs(6), dims, inputs(9))


@both
@pytest.mark.parametrize("float_type", ["fp32", "fp16"])
def test_what_is_no_number_stays_in_its_place(engine, float_type):  # noqa: F811
    def function(x, index, source):
        source = with_gaps(source)
        return tuple(x.scatter_reduce(0, index, source, how, include_self=False) for how in ["amax", "amin"])

    source = floats(4, 3)
    source[0, 1] = 9
    inputs = floats(5, 3), torch.tensor([[0, 0, 1], [2, 2, 2], [2, 3, 2], [1, 4, 2]]), source
    values = engine.quantize(Function(function), inputs, "--float", float_type)
    for expected, value in zip(function(*inputs), values, strict=True):
        np.testing.assert_allclose(value, expected.numpy(), rtol=2e-3, atol=1e-3)
    engine.check_engine([(5, 3), (5, 3)])


SPECIAL = torch.tensor(
    [
        [0.5, 9, -1.5, 2, 1, 0],
        [7, -7, 0.25, 1, 3, 2],
        [7, 7, -7, -7, 1, 0],
        [7, 7, 7, 2, 1, 0],
        [0.5, 1, -1, 2, 1, 0],
    ]
)


@both
@pytest.mark.parametrize("float_type", ["fp32", "fp16"])
@pytest.mark.parametrize("how", ["linear", "midpoint", "lower", "higher", "nearest", "median"])
def test_order_statistics_of_rows_with_nan_and_infinities(engine, how, float_type):  # noqa: F811
    def function(x):
        x = with_gaps(x)
        x = x.masked_fill(x == 7, torch.inf).masked_fill(x == -7, -torch.inf)
        return x.median(1)[0] if how == "median" else x.quantile(torch.tensor([0.1, 0.3, 0.5]), 1, interpolation=how)

    (value,) = engine.quantize(Function(function), (SPECIAL,), "--float", float_type)
    np.testing.assert_allclose(value, function(SPECIAL).numpy(), rtol=2e-3, atol=1e-3)
    engine.check_engine([value.shape])


TRUTHS = {
    "a mask that clears": lambda x, m: torch.ops.aten.index_put(x, [m], torch.tensor(False)),
    "filled with no": lambda x, m: x.masked_fill(m, False),
    "filled with yes": lambda x, m: x.masked_fill(m, True),
    "a choice": lambda x, m: torch.where(m, x, ~x & m.flip(0)),
}


@both
@pytest.mark.parametrize("name", TRUTHS)
def test_choices_of_truth_values(engine, name):  # noqa: F811
    inputs = torch.tensor([True, False, True, False]), torch.tensor([True, True, False, False])
    (value,) = engine.quantize(Function(TRUTHS[name]), inputs, "--float", "fp32")
    np.testing.assert_array_equal(value, TRUTHS[name](*inputs).numpy())
    engine.check_engine([(4,)])


@both
def test_values_by_a_mask_may_have_dimensions_of_one_in_front(engine):  # noqa: F811
    def function(x, mask, values):
        return torch.ops.aten.index_put(x, [mask], values)  # torch.export lets pass what torch does not run

    inputs = floats(5, 3), torch.tensor([True, False, True, False, True]), floats(1, 1, 3)
    (value,) = engine.quantize(Function(function), inputs, "--float", "fp32")
    np.testing.assert_allclose(value, torch.where(inputs[1][:, None], inputs[2][0], inputs[0]).numpy())
    engine.check_engine([(5, 3)])


@pytest.mark.parametrize("function", [lambda x: x.quantile(0.5, 1), lambda x: x.median(1)[0]])
def test_rows_of_a_size_known_at_run_time_only_are_not_sorted(graftwork, tmp_path, function):
    class Network(nn.Module):
        def forward(self, x):
            return function(x)

    x = floats(2, 11)
    program = torch.export.export(Network(), (x,), dynamic_shapes=({1: torch.export.Dim("n", min=2, max=64)},))
    torch.export.save(program, tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", x.numpy())
    said = graftwork.fails("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "q.onnx", cwd=tmp_path).stderr
    assert "known at run time only" in said
    assert "calibrating" not in said


@pytest.mark.parametrize("engine", ["onnx"], indirect=True)
def test_rows_of_nothing_have_no_quantile(engine):  # noqa: F811
    x = torch.stack([floats(5), torch.full((5,), 9.0)])
    (value,) = engine.quantize(Function(lambda x: with_gaps(x).nanquantile(0.5, 1)), (x,), "--float", "fp32")
    np.testing.assert_array_equal(np.isnan(value), [False, True])


def test_counts_of_no_known_size_are_refused_with_the_way_out(graftwork, tmp_path):
    model = Function(lambda x: torch.bincount(x, minlength=9))
    torch.export.save(torch.export.export(model, (indices(6, 40),)), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", indices(6, 40).numpy())
    said = graftwork.fails("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "q.onnx", cwd=tmp_path).stderr
    assert "one_hot" in said
    assert "calibrating" not in said


class GraphConvolution(nn.Module):
    """Each node takes in the mean of its neighbours, by a list of edges."""

    def __init__(self, edges):
        super().__init__()
        self.register_buffer("edges", edges)
        self.own, self.others = nn.Linear(16, 32), nn.Linear(16, 32)
        self.last = nn.Linear(32, 4)

    def forward(self, x):
        source, target = self.edges
        sums = torch.zeros_like(x).index_add(0, target, x[source])
        counts = torch.zeros(x.shape[0]).index_add(0, target, torch.ones(target.shape[0]))
        mean = sums / counts.clamp(min=1).unsqueeze(-1)
        return self.last(torch.relu(self.own(x) + self.others(mean)))


@both
@pytest.mark.parametrize("float_type", ["fp32", "fp16"])
def test_a_graph_convolution_is_quantized(engine, float_type):  # noqa: F811
    model = GraphConvolution(indices(40, 2, 160))
    engine.check(model, floats(40, 16), options=("--float", float_type, "--report", "r.json"), floor=25)
    assert len(json.loads((engine.folder / "r.json").read_text())["weights"]) == 3


@pytest.mark.parametrize("engine", ["onnx"], indirect=True)
@pytest.mark.parametrize("float_type", ["fp32", "fp16"])
@pytest.mark.parametrize("include_self", [True, False])
def test_what_compares_too_much_is_a_scatter_and_said_beforehand(engine, float_type, include_self):  # noqa: F811
    def function(x, index, source):
        sums = x.index_add(0, index, source)
        places = index.unsqueeze(-1).expand_as(source)
        return sums, x.scatter_reduce(0, places, source, "amax", include_self=include_self)

    inputs = floats(2**14, 1), indices(2**14, 2**13), floats(2**13, 1)
    program = torch.export.export(Function(function), inputs)
    torch.export.save(program, engine.folder / "m.pt2")
    data = {name: value.numpy() for name, value in zip(program.graph_signature.user_inputs, inputs, strict=True)}
    np.savez(engine.folder / "c.npz", **data)
    options = "--calibrate", "c.npz", "--float", float_type, "--report", "r.json", "-o", "m.onnx"
    said = engine.graftwork("quantize", "m.pt2", *options, cwd=engine.folder).stderr
    lines = [line for line in said.splitlines() if line.startswith("warning: ")]
    assert len(lines) == 2
    assert "aten.scatter_add.default" in lines[0]
    assert all("tensorrt has no form for" in line for line in lines)
    assert said.index("warning") < said.index("calibrating")
    assert len(json.loads((engine.folder / "r.json").read_text())["warnings"]) == 2
    for expected, value in zip(function(*inputs), engine.session().run(None, data), strict=True):
        assert support.sqnr_db(expected.numpy(), value) > (100 if float_type == "fp32" else 45)
