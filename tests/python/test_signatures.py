"""What networks take and give: several inputs and results, nested ones, integers, numbers, none at all.

Each network goes through inspect, transform, run and quantize; the results are eager PyTorch's, and ONNX Runtime's
on the quantized file."""

import collections
import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

import support

DYNAMIC = torch.export.Dim.DYNAMIC
Point = collections.namedtuple("Point", ["left", "right"])
torch.utils._pytree._register_namedtuple(Point, serialized_type_name="test_signatures.Point")


class Net(nn.Module):
    """Two layers that quantize, whatever else a network below does."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.fc = nn.Linear(8, 8)
        self.head = nn.Linear(8, 8)
        self.table = nn.Embedding(10, 8)
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.deep = nn.Conv2d(8, 8, 3, padding=1)
        self.register_buffer("anchors", torch.arange(4.0))

    def body(self, x):
        return self.head(torch.relu(self.fc(x)))


def network(forward):
    return type(forward.__name__, (Net,), {"forward": forward})()


def two_floats(self, x, y):
    return self.body(x) + self.body(y)


def dict_of_inputs(self, inputs):
    return self.body(inputs["image"]) * 2 + inputs["state"]


def lists_and_tuples(self, xs, pair):
    (left, right), offset = pair
    return self.body(xs[0]) + self.body(xs[1]) * left - right + offset["o"]


def keywords(self, x, *, scale, bias=None):
    return self.body(x) * scale if bias is None else self.body(x) * scale + bias


def integers(self, x, tokens, mask, steps):
    return self.body(x) + self.table(tokens) * mask.unsqueeze(-1) + steps.unsqueeze(-1)


def number(self, x, scale):
    return self.body(x) * scale


def shared(self, x, weight):
    return self.body(x) * weight


def specialised(self, x, power, factor, name, flag, nothing):
    y = self.body(x) * factor
    return (y**power if flag and name == "go" else y) + (0 if nothing is None else nothing)


def tuple_of_results(self, x):
    y = self.fc(x)
    return y, self.head(torch.relu(y))


def dict_of_results(self, x):
    return {"logits": self.body(x), "features": self.fc(x)}


def nested_results(self, x):
    y = self.fc(x)
    return {"a": y, "b": (self.head(y), [torch.relu(y)]), "c": {"d": y + 1}}


def none_among_results(self, x):
    return {"loss": None, "logits": self.body(x)}


def named_tuple(self, x):
    return Point(self.fc(x), self.body(x))


def unused_input(self, x, unused):
    return self.body(x)


def unused_results(self, x):
    left, _, _, right = self.body(x).chunk(4, dim=1)
    return left + right


def constant_result(self, x):
    return self.body(x), self.anchors


def input_as_result(self, x, y):
    return self.body(x), y, x


def twice(self, x):
    y = self.body(x)
    return y, y


def batch(self, x):
    return self.body(x).relu()


def image(self, x):
    return torch.relu(self.deep(torch.relu(self.conv(x)))).mean((2, 3))


def across_samples(self, x):
    return torch.softmax(torch.relu(self.conv(x)).mean((2, 3)), 0)


def pixels(self, x):
    return self.conv(x)


def vec(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


class Case:
    def __init__(self, forward, args, inputs, outputs=("output",), dynamic=None, kwargs=None):
        self.model = network(forward).eval()
        self.args, self.kwargs = args, kwargs or {}
        self.inputs, self.outputs, self.dynamic = list(inputs), list(outputs), dynamic

    def flat(self):
        leaves = torch.utils._pytree.tree_leaves((self.args, self.kwargs))
        return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]

    def expected(self):
        with torch.no_grad():
            results = torch.utils._pytree.tree_leaves(self.model(*self.args, **self.kwargs))
        return [result.numpy() for result in results if result is not None]

    def save(self, path):
        program = torch.export.export(self.model, self.args, self.kwargs, dynamic_shapes=self.dynamic)
        torch.export.save(program, path)


X = vec(2, 8)
CASES = {
    "two inputs": Case(two_floats, (X, vec(2, 8) + 1), ["x", "y"]),
    "a dict": Case(dict_of_inputs, ({"image": X, "state": vec(2, 8)},), ["inputs_image", "inputs_state"]),
    "a dict in another order": Case(
        dict_of_inputs, ({"state": vec(2, 8), "image": X},), ["inputs_state", "inputs_image"]
    ),
    "lists and tuples": Case(
        lists_and_tuples,
        ([X, X + 1], ((vec(2, 8), vec(2, 1)), {"o": vec(2, 8)})),
        ["xs_0", "xs_1", "pair_0_0", "pair_0_1", "pair_1_o"],
    ),
    "keywords": Case(keywords, (X,), ["x", "scale", "bias"], kwargs={"scale": vec(2, 8), "bias": vec(2, 1)}),
    "a keyword left out": Case(keywords, (X,), ["x", "scale"], kwargs={"scale": vec(2, 8)}),
    "integers": Case(
        integers,
        (X, torch.tensor([3, 9]), torch.tensor([True, False]), torch.tensor([4, -2], dtype=torch.int32)),
        ["x", "tokens", "mask", "steps"],
    ),
    "a number": Case(number, (X, torch.tensor(1.5)), ["x", "scale"]),
    "an integer number": Case(number, (X, torch.tensor(3)), ["x", "scale"]),
    "a vector without samples": Case(shared, (X, vec(8)), ["x", "weight"]),
    "numbers fixed by the export": Case(specialised, (X, 2, 0.5, "go", True, None), ["x"]),
    "a tuple of results": Case(tuple_of_results, (X,), ["x"], ["output_0", "output_1"]),
    "a dict of results": Case(dict_of_results, (X,), ["x"], ["logits", "features"]),
    "nested results": Case(nested_results, (X,), ["x"], ["a", "b_0", "b_1_0", "c_d"]),
    "none among the results": Case(none_among_results, (X,), ["x"], ["logits"]),
    "a named tuple": Case(named_tuple, (X,), ["x"], ["left", "right"]),
    "an unused input": Case(unused_input, (X, vec(2, 3)), ["x", "unused"]),
    "unused results inside": Case(unused_results, (X,), ["x"]),
    "a constant as result": Case(constant_result, (X,), ["x"], ["output_0", "output_1"]),
    "inputs as results": Case(input_as_result, (X, vec(2, 8)), ["x", "y"], ["output_0", "output_1", "output_2"]),
    "one value twice": Case(twice, (X,), ["x"], ["output_0", "output_1"]),
    "a dynamic batch": Case(batch, (X,), ["x"], dynamic=({0: DYNAMIC},)),
    "a dynamic size": Case(image, (vec(2, 3, 6, 7),), ["x"], dynamic=({0: DYNAMIC, 2: DYNAMIC, 3: DYNAMIC},)),
    "a dynamic size, a batch of one": Case(pixels, (vec(1, 3, 6, 7),), ["x"], dynamic=({2: DYNAMIC, 3: DYNAMIC},)),
}


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    chosen = CASES[request.param]
    chosen.save(tmp_path / "net.pt2")
    np.savez(tmp_path / "x.npz", **dict(zip(chosen.inputs, (leaf.numpy() for leaf in chosen.flat()), strict=True)))
    return chosen


def outputs_of(path, names):
    arrays = support.load_npz(path)
    assert sorted(arrays) == sorted(names)
    return [arrays[name] for name in names]


def test_inspect_names_inputs_and_outputs(graftwork, tmp_path, case):
    facts = json.loads(graftwork("inspect", tmp_path / "net.pt2", "--json").stdout)
    assert [port["name"] for port in facts["inputs"]] == case.inputs
    assert [port["name"] for port in facts["outputs"]] == case.outputs
    for port, leaf in zip(facts["inputs"], case.flat(), strict=True):
        assert len(port["type"]["shape"]) == leaf.dim()


@pytest.mark.parametrize("stage", ["float", "transformed"])
def test_run_is_pytorch(graftwork, tmp_path, case, stage):
    graftwork("run", tmp_path / "net.pt2", "--input", tmp_path / "x.npz", "--stage", stage, "-o", tmp_path / "y.npz")
    for got, wanted in zip(outputs_of(tmp_path / "y.npz", case.outputs), case.expected(), strict=True):
        assert got.dtype == wanted.dtype
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def test_run_takes_one_file_for_each_input(graftwork, tmp_path, case):
    inputs = []
    for name, leaf in zip(case.inputs, case.flat(), strict=True):
        np.save(tmp_path / f"{name}.npy", leaf.numpy())
        inputs += ["--input", f"{name}={tmp_path / name}.npy"]
    graftwork("run", tmp_path / "net.pt2", *inputs, "-o", tmp_path / "y.npz")
    for got, wanted in zip(outputs_of(tmp_path / "y.npz", case.outputs), case.expected(), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def test_the_quantized_file_is_the_quantized_network(graftwork, tmp_path, case):
    how = ("--calibrate", tmp_path / "x.npz", "--float", "fp32", "--quiet")
    graftwork("quantize", tmp_path / "net.pt2", *how, "-o", tmp_path / "net.onnx")
    graftwork(
        *("run", tmp_path / "net.pt2", "--input", tmp_path / "x.npz", "--stage", "quantized", *how),
        *("-o", tmp_path / "y.npz"),
    )
    quantized = outputs_of(tmp_path / "y.npz", case.outputs)

    model = onnx.load(tmp_path / "net.onnx")
    assert [value.name for value in model.graph.input] == case.inputs
    names = [value.name for value in model.graph.output]
    assert len(names) == len(case.outputs)
    assert not set(names) & set(case.inputs)
    assert names == case.outputs
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feeds = dict(zip(case.inputs, (leaf.numpy() for leaf in case.flat()), strict=True))
    for got, wanted, exact in zip(session.run(names, feeds), quantized, case.expected(), strict=True):
        assert got.dtype == wanted.dtype == exact.dtype
        assert got.shape == wanted.shape == exact.shape
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4)
        assert support.sqnr_db(exact, got) > 20, "INT8 of these layers keeps two digits"


def test_half_precision_files_take_and_give_the_same_types(graftwork, tmp_path, case):
    graftwork("quantize", tmp_path / "net.pt2", "--calibrate", tmp_path / "x.npz", "--quiet", "-o", tmp_path / "n.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "n.onnx", providers=["CPUExecutionProvider"])
    feeds = dict(zip(case.inputs, (leaf.numpy() for leaf in case.flat()), strict=True))
    for got, exact in zip(session.run(case.outputs, feeds), case.expected(), strict=True):
        assert got.dtype == exact.dtype
        assert support.sqnr_db(exact, got) > 20


# Forms of the data.


def quantize(graftwork, tmp_path, data):
    output = tmp_path / "out.onnx"
    graftwork("quantize", tmp_path / "net.pt2", "--calibrate", data, "--quiet", "-o", output)
    return output.read_bytes()


def test_one_file_a_sample_is_as_good_as_one_file(graftwork, tmp_path):
    CASES["integers"].save(tmp_path / "net.pt2")
    rng = np.random.default_rng(1)
    data = {
        "x": rng.normal(size=(6, 8)).astype(np.float32),
        "tokens": rng.integers(0, 10, 6),
        "mask": rng.integers(0, 2, 6).astype(bool),
        "steps": rng.integers(-5, 5, 6).astype(np.int32),
    }
    np.savez(tmp_path / "all.npz", **data)
    wanted = quantize(graftwork, tmp_path, tmp_path / "all.npz")
    for folder, cut in {"with_axis": lambda i: slice(i, i + 1), "without_axis": lambda i: i}.items():
        (tmp_path / folder).mkdir()
        for i in range(6):
            np.savez(tmp_path / folder / f"{i}.npz", **{name: array[cut(i)] for name, array in data.items()})
        assert quantize(graftwork, tmp_path, tmp_path / folder) == wanted, folder


def test_a_number_is_one_for_all_or_one_for_each(graftwork, tmp_path):
    CASES["a number"].save(tmp_path / "net.pt2")
    x = np.random.default_rng(1).normal(size=(6, 8)).astype(np.float32)
    np.savez(tmp_path / "all.npz", x=x, scale=np.float32(2))
    np.savez(tmp_path / "each.npz", x=x, scale=np.full(6, 2, np.float32))
    np.savez(tmp_path / "other.npz", x=x, scale=np.array([2, 2, 2, 2, 2, 9], np.float32))
    wanted = quantize(graftwork, tmp_path, tmp_path / "all.npz")
    assert quantize(graftwork, tmp_path, tmp_path / "each.npz") == wanted
    graftwork.fails("quantize", "net.pt2", "--calibrate", "nothing.npz", "-o", "o.onnx", cwd=tmp_path)
    (tmp_path / "files").mkdir()
    for i in range(6):
        np.savez(tmp_path / "files" / f"{i}.npz", x=x[i], scale=np.float32(2))
    assert quantize(graftwork, tmp_path, tmp_path / "files") == wanted


def test_samples_of_many_sizes(graftwork, tmp_path):
    """Ranges are those over all sizes, of the inputs and of what lies deeper."""
    case = CASES["a dynamic size"]
    case.save(tmp_path / "net.pt2")
    rng = np.random.default_rng(2)
    (tmp_path / "sizes").mkdir()
    samples = [rng.normal(size=(3, 5 + i, 9 - i)).astype(np.float32) * (1 + i % 3) for i in range(5)]
    for i, sample in enumerate(samples):
        np.save(tmp_path / "sizes" / f"{i}.npy", sample)
    report, minmax = tmp_path / "report.json", ("--calibration-method", "minmax")
    graftwork(
        *("quantize", tmp_path / "net.pt2", "--calibrate", tmp_path / "sizes", "--float", "fp32", "--quiet", *minmax),
        *("--report", report, "-o", tmp_path / "out.onnx"),
    )
    first, second = (stub["scale"] for stub in json.loads(report.read_text())["stubs"][:2])
    with torch.no_grad():
        deep = [torch.relu(case.model.conv(torch.from_numpy(sample[None]))).max().item() for sample in samples]
    assert first == pytest.approx(max(np.abs(sample).max() for sample in samples) / 127, rel=1e-6)
    assert second == pytest.approx(max(deep) / 127, rel=1e-4)


def test_a_network_of_a_fixed_batch_takes_samples_of_one_size_at_once(graftwork, tmp_path):
    Case(across_samples, (vec(2, 3, 6, 7),), ["x"], dynamic=({2: DYNAMIC, 3: DYNAMIC},)).save(tmp_path / "net.pt2")
    (tmp_path / "sizes").mkdir()
    for i in range(2):
        np.save(tmp_path / "sizes" / f"{i}.npy", np.ones((3, 5 + i, 9), np.float32))
    how = ("quantize", "net.pt2", "--calibrate", "sizes", "-o", "out.onnx")
    done = graftwork.fails(*how, cwd=tmp_path, codes=(1,))
    assert "samples 0 and 1 have shapes [3, 5, 9] and [3, 6, 9]" in done.stderr, done.stderr
    assert "sizes/1.npy" in done.stderr
    for i in range(2):
        np.save(tmp_path / "sizes" / f"{i}.npy", np.ones((2, 3, 5 + i, 9), np.float32))
    graftwork(*how, cwd=tmp_path)


# Data that do not fit.


def arrays(**changes):
    data = {
        "x": np.zeros((4, 8), np.float32),
        "tokens": np.zeros(4, np.int64),
        "mask": np.zeros(4, bool),
        "steps": np.zeros(4, np.int32),
    }
    data.update(changes)
    return {name: array for name, array in data.items() if array is not None}


def nan():
    x = np.zeros((4, 8), np.float32)
    x[2, 5] = np.nan
    return x


BAD = {
    "a missing input": (arrays(mask=None), "data.names", "input mask"),
    "an array too many": (arrays(labels=np.zeros(4)), "data.names", '"labels"'),
    "integers of another width": (arrays(tokens=np.zeros(4, np.int32)), "data.dtype", "input tokens"),
    "floats for integers": (arrays(tokens=np.zeros(4, np.float32)), "data.dtype", "input tokens"),
    "integers for booleans": (arrays(mask=np.zeros(4, np.int64)), "data.dtype", "input mask"),
    "doubles": (arrays(x=np.zeros((4, 8))), "data.dtype", "input x"),
    "an axis too many": (arrays(x=np.zeros((4, 8, 1), np.float32)), "data.shape", "input x"),
    "another size": (arrays(x=np.zeros((4, 9), np.float32)), "data.shape", "input x"),
    "fewer samples of one": (arrays(steps=np.zeros(3, np.int32)), "data.lengths", '"steps"'),
    "no samples": (
        {name: array[:0] for name, array in arrays().items()}, "data.empty", "holds no samples",
    ),
    "NaN": (arrays(x=nan()), "data.value", "sample 2 of input x"),
}  # fmt: skip


@pytest.mark.parametrize("form", ["file", "folder"])
@pytest.mark.parametrize("bad", BAD)
def test_data_that_do_not_fit_are_one_error(graftwork, tmp_path, bad, form):
    CASES["integers"].save(tmp_path / "net.pt2")
    data, code, words = BAD[bad]
    (tmp_path / "data").mkdir()
    path = tmp_path / ("data.npz" if form == "file" else "data/b.npz")
    np.savez(path, **data)
    if form == "folder" and bad != "no samples":
        np.savez(tmp_path / "data" / "a.npz", **({name: array[:1] for name, array in data.items()}))
    done = graftwork.fails(
        *("quantize", "net.pt2", "--calibrate", "data.npz" if form == "file" else "data", "-o", "out.onnx"),
        cwd=tmp_path,
        codes=(1,),
    )
    assert f"error[{code}]" in done.stderr, done.stderr
    assert words.replace("sample 2", "sample 3" if form == "folder" else "sample 2") in done.stderr, done.stderr
    assert ("data.npz" if form == "file" else "data") in done.stderr, done.stderr
    assert not (tmp_path / "out.onnx").exists()


def test_the_file_of_a_folder_that_does_not_fit_is_named(graftwork, tmp_path):
    CASES["two inputs"].save(tmp_path / "net.pt2")
    (tmp_path / "data").mkdir()
    good = {"x": np.zeros((2, 8), np.float32), "y": np.zeros((2, 8), np.float32)}
    np.savez(tmp_path / "data" / "a.npz", **good)
    bad = {
        "size": {**good, "y": np.zeros((2, 7), np.float32)},
        "nan": {**good, "y": np.full((2, 8), np.inf, np.float32)},
        "names": {"x": good["x"]},
        "type": {**good, "x": np.zeros((2, 8))},
    }
    for arrays_of_file in bad.values():
        np.savez(tmp_path / "data" / "b.npz", **arrays_of_file)
        done = graftwork.fails("quantize", "net.pt2", "--calibrate", "data", "-o", "out.onnx", cwd=tmp_path)
        assert "data/b.npz" in done.stderr, done.stderr


BAD_INPUTS = {
    "a missing input": (("x=x.npy",), "input y is not given"),
    "an unknown input": (("x=x.npy", "z=x.npy"), '"z"'),
    "no name": (("x.npy",), "x, y"),
    "another type": (("x=d.npy", "y=x.npy"), "input x"),
    "another size": (("x=x.npy", "y=s.npy"), "input y"),
    "an array too many": (("all.npz",), '"labels"'),
    "one of an npz again": (("x=x.npy", "two.npz"), "input x is given twice"),
    "a name for an npz": (("x=two.npz",), "names its inputs itself"),
    "a missing file": (("x=x.npy", "y=nowhere.npy"), "nowhere.npy"),
    "a file of another kind": (("x=x.npy", "y=t.txt"), "t.txt"),
    "a picture for a vector": (("x=x.npy", "y=p.png"), "input y"),
}


@pytest.mark.parametrize("bad", BAD_INPUTS)
def test_inputs_of_run_that_do_not_fit_are_one_error(graftwork, tmp_path, bad):
    CASES["two inputs"].save(tmp_path / "net.pt2")
    np.save(tmp_path / "x.npy", np.zeros((2, 8), np.float32))
    np.save(tmp_path / "d.npy", np.zeros((2, 8)))
    np.save(tmp_path / "s.npy", np.zeros((2, 7), np.float32))
    np.savez(tmp_path / "two.npz", x=np.zeros((2, 8), np.float32), y=np.zeros((2, 8), np.float32))
    np.savez(tmp_path / "all.npz", **{name: np.zeros((2, 8), np.float32) for name in ("x", "y", "labels")})
    (tmp_path / "t.txt").write_text("1 2 3")
    (tmp_path / "p.png").write_bytes(b"")
    files, words = BAD_INPUTS[bad]
    options = [word for file in files for word in ("--input", file)]
    done = graftwork.fails("run", "net.pt2", *options, "-o", "y.npz", cwd=tmp_path)
    assert words in done.stderr, done.stderr
    assert not (tmp_path / "y.npz").exists()
