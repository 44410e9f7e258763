"""SmoothQuant and outlying channels by the command: factors as numpy has them, reasons, the report, the same bytes."""

import json

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional as F

from support import load_npz, only, relative_error, run_onnx, sqnr_db

WIDTH, HEADS = 64, 2


class Block(nn.Module):
    """A block of a vision transformer whose channels differ widely, as those of trained ones do."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.fc1, self.fc2 = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        with torch.no_grad():
            self.norm1.weight[3] = 30
            self.norm2.weight[7] = 50
            self.qkv.weight[2 * WIDTH + 5] *= 20
            self.fc1.weight[11] *= 5

    def attended(self, x):
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, HEADS, WIDTH // HEADS)).permute(2, 0, 3, 1, 4).unbind(0)
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)

    def hidden(self, x):
        return F.gelu(self.fc1(self.norm2(x)))

    def forward(self, x):
        x = x + self.proj(self.attended(x))
        return x + self.fc2(self.hidden(x))


@pytest.fixture(scope="module")
def block(tmp_path_factory):
    folder = tmp_path_factory.mktemp("block")
    model = Block().eval()
    batch = {"x": {0: torch.export.Dim("batch", max=1024)}}
    torch.export.save(torch.export.export(model, (torch.rand(2, 17, WIDTH),), dynamic_shapes=batch), folder / "m.pt2")
    np.save(folder / "x.npy", np.random.default_rng(0).standard_normal((32, 17, WIDTH)).astype(np.float32))
    return model, folder


@pytest.fixture
def quantize(graftwork, block, tmp_path):
    """Writes the file by a recipe; what was said, the report, the file."""
    _, folder = block

    def run(recipe, samples="x.npy", env=None):
        (tmp_path / "recipe.json").write_text(json.dumps(recipe))
        given = ("--calibrate", folder / samples, "--config", tmp_path / "recipe.json", "--float", "fp32")
        written = ("--report", tmp_path / "report.json", "-o", tmp_path / "m.onnx")
        done = graftwork("quantize", folder / "m.pt2", *given, *written, env=env)
        return done.stdout, json.loads((tmp_path / "report.json").read_text()), tmp_path / "m.onnx"

    return run


def tensor(file, name):
    (found,) = [value for value in onnx.load(file).graph.initializer if value.name == name]
    return numpy_helper.to_array(found)


def amax(values):
    return values.detach().abs().amax((0, 1)).numpy()


def formula(activations, weights, alpha):
    return activations**alpha / weights ** (1 - alpha)


def recipe(**smooth_quant):
    return {"smooth_quant": smooth_quant}


@pytest.mark.parametrize("alpha", [0.5, 0.8])
def test_factors_are_those_of_the_formula(block, quantize, alpha):
    model, folder = block
    _, report, file = quantize(recipe(alpha=alpha))
    x = torch.from_numpy(np.load(folder / "x.npy"))
    of_norm = formula(amax(model.norm1(x)), amax(model.qkv.weight[None]), alpha)
    np.testing.assert_allclose(tensor(file, "norm1.weight"), model.norm1.weight.detach().numpy() / of_norm, rtol=1e-4)
    of_values = formula(amax(model.attended(x)), amax(model.proj.weight[None]), alpha)
    bias = model.qkv.bias.detach().numpy().copy()
    bias[2 * WIDTH :] /= of_values
    # Bias correction moves the bias of a quantized layer; by little.
    assert relative_error(tensor(file, "qkv.bias"), bias) < 0.05
    pairs = {pair["source"]: pair for pair in report["smoothing"]}
    assert {name: pair["readers"] for name, pair in pairs.items()} == {
        "norm1": ["qkv"],
        "qkv": ["proj"],
        "norm2": ["fc1"],
    }
    assert pairs["qkv"]["largest_factor"] == pytest.approx(max(of_values.max(), 1), rel=1e-4)
    assert pairs["norm1"]["smallest_factor"] == pytest.approx(of_norm.min(), rel=1e-4)
    assert {pair["alpha"] for pair in pairs.values()} == {alpha}


def test_it_wins_what_it_is_for(block, quantize, graftwork, tmp_path):
    _, folder = block
    graftwork("run", folder / "m.pt2", "--input", folder / "x.npy", "-o", tmp_path / "float.npz")
    expected = only(load_npz(tmp_path / "float.npz"))

    def quality(given):
        _, _, file = quantize(given)
        return sqnr_db(expected, only(run_onnx(file, np.load(folder / "x.npy"))))

    kept = {"activation": {"outlier_channels": "keep"}}
    plain, half, searched = (quality(given) for given in (kept, kept | recipe(), kept | recipe(alpha="search")))
    assert half > plain + 5
    assert searched > half - 0.5


def test_without_a_word_nothing_is_smoothed(quantize):
    said, report, _ = quantize({})
    assert "smoothing" not in report
    assert "smoothed" not in said
    said, _, _ = quantize(recipe())
    assert "smoothed            3 of 3 pairs, factors " in said


@pytest.mark.parametrize(
    ("entry", "skipped"),
    [("nn.LayerNorm", {"norm1", "norm2"}), ("norm*", {"norm1", "norm2"}), ("fc1", {"norm2"}), ("proj", {"qkv"})],
)
def test_what_is_skipped_stays(quantize, entry, skipped):
    _, report, _ = quantize({**recipe(), "skip": {"smooth": [entry]}})
    refused = {pair["source"]: pair.get("refused") for pair in report["smoothing"]}
    assert refused == {name: "skipped by the recipe" if name in skipped else None for name in ("norm1", "qkv", "norm2")}


def test_pairs_have_strengths_of_their_own(quantize):
    _, report, _ = quantize(recipe(alpha=0.5, pairs={"norm1": 0.25, "FusedScaledDotProductAttention_*": "search"}))
    found = {pair["source"]: pair.get("alpha", pair.get("limit")) for pair in report["smoothing"]}
    assert found["norm1"] == 0.25
    assert found["norm2"] == 0.5
    assert found["qkv"] != 0.5


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (recipe(alpha=1.5), "config.value", '"alpha" is not between 0 and 1'),
        (recipe(alpha="best"), "config.value", '"alpha" is neither a number nor "search"'),
        (recipe(beta=1), "config.key", '"smooth_quant" has no key "beta"'),
        (recipe(pairs=[]), "config.value", '"pairs" is not an object'),
        (
            recipe(pairs={"head": 0.5}),
            "config.smooth_quant",
            '"head" of smooth_quant.pairs fits no pair of this network',
        ),
        (
            {**recipe(), "skip": {"smooth": ["head"]}},
            "config.skip",
            'the entry "head" of skip.smooth matches no',
        ),
        ({"skip": {"smooth": ["norm1"]}}, "config.value", '"smooth" needs smooth_quant'),
        ({"activation": {"outlier_channels": "cut"}}, "config.value", '"outlier_channels" is "cut"'),
    ],
)
def test_what_makes_no_sense_is_refused(graftwork, block, tmp_path, given, code, message):
    _, folder = block
    (tmp_path / "recipe.json").write_text(json.dumps(given))
    options = ("--calibrate", folder / "x.npy", "--config", tmp_path / "recipe.json", "--quiet")
    done = graftwork.fails("quantize", folder / "m.pt2", *options, "-o", tmp_path / "m.onnx")
    assert f"error[{code}]: {message}" in done.stderr
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize(
    "given", [recipe(), recipe(alpha="search"), {"activation": {"outlier_channels": "divide"}}], ids=str
)
def test_threads_and_order_do_not_show(block, quantize, given):
    _, folder = block
    np.save(folder / "reversed.npy", np.load(folder / "x.npy")[::-1])
    one, two = (quantize(given, env={"OMP_NUM_THREADS": threads})[2].read_bytes() for threads in "12")
    assert one == two
    assert quantize(given, "reversed.npy")[2].read_bytes() == one


def test_scale_table_has_the_factors(graftwork, block, tmp_path):
    _, folder = block
    made = ("--calibrate", folder / "x.npy", "--scales-out", tmp_path / "s.jsonl", "--quiet", "-o", tmp_path / "a.onnx")
    graftwork("quantize", folder / "m.pt2", *made)
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    (divided,) = [line for line in lines if line.get("of") == 2 * WIDTH]
    assert len(divided["channels"]) == len(divided["by"])
    assert 11 in divided["channels"]
    assert min(divided["by"]) > 1
    taken = ("--scales", tmp_path / "s.jsonl", "--no-losses", "-o", tmp_path / "b.onnx")
    done = graftwork("quantize", folder / "m.pt2", *taken)
    assert f"%{divided['divided']}: by up to {max(divided['by']):.2g}, as the scale table has it" in done.stdout
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


@pytest.mark.parametrize(
    ("edit", "code", "message"),
    [
        ({"divided": "nobody"}, "unknown", "the channels of %nobody cannot be divided here"),
        ({"of": 8, "channels": [1], "by": [2]}, "value", "channels, not 8"),
        ({"of": 0}, "value", '"of" is no number of channels'),
        ({"of": 1 << 40}, "value", '"of" is no number of channels'),
        ({"channels": [1, 2], "by": [2]}, "value", '"by" is not as long'),
        ({"channels": [1 << 62], "by": [2]}, "value", '"channels" is not a list of numbers from 0 to'),
        ({"channels": [1], "by": [0.5]}, "value", '"by" is not a list of numbers from 1 on'),
        ({"channels": [1], "by": [1e300]}, "value", '"by" is not a list of numbers from 1 on'),
        ({"channels": [1], "by": [2]}, "other", "rescaled in another way"),
    ],
)
def test_factors_that_do_not_fit_are_errors(graftwork, block, tmp_path, edit, code, message):
    _, folder = block
    made = ("--calibrate", folder / "x.npy", "--scales-out", tmp_path / "s.jsonl", "--quiet", "-o", tmp_path / "a.onnx")
    graftwork("quantize", folder / "m.pt2", *made)
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    next(line for line in lines if "divided" in line).update(edit)
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    taken = ("--scales", tmp_path / "s.jsonl", "--quiet", "-o", tmp_path / "b.onnx")
    done = graftwork.fails("quantize", folder / "m.pt2", *taken)
    assert f"error[scales.{code}]" in done.stderr
    assert message in done.stderr
    assert not (tmp_path / "b.onnx").exists()


def test_tables_of_divided_channels_need_a_recipe_that_divides(graftwork, block, tmp_path):
    _, folder = block
    made = ("--calibrate", folder / "x.npy", "--scales-out", tmp_path / "s.jsonl", "--quiet", "-o", tmp_path / "a.onnx")
    graftwork("quantize", folder / "m.pt2", *made)
    (tmp_path / "keep.json").write_text('{"activation": {"outlier_channels": "keep"}}')
    taken = ("--scales", tmp_path / "s.jsonl", "--config", tmp_path / "keep.json", "-o", tmp_path / "b.onnx")
    done = graftwork.fails("quantize", folder / "m.pt2", *taken)
    assert "error[scales." in done.stderr


def kinds_in_front_of_q(file):
    graph = onnx.load(file).graph
    makers = {output: node for node in graph.node for output in node.output}
    return [
        makers[node.input[0]].op_type
        for node in graph.node
        if node.op_type == "QuantizeLinear" and node.input[0] in makers
    ]


def test_outlying_channels_are_divided_in_front_of_q(block, quantize):
    model, folder = block
    _, kept, file = quantize({"activation": {"outlier_channels": "keep"}})
    assert "outlier_channels" not in kept
    assert "Gelu" in kinds_in_front_of_q(file)
    said, report, file = quantize({"activation": {"outlier_channels": "divide"}})
    divided = {entry["readers"][0]: entry for entry in report["outlier_channels"]}
    assert "fc2" in divided
    entry = divided["fc2"]
    assert entry["gained_db"] > 3
    assert f"%{entry['tensor']}: by up to" in said
    factors = tensor(file, f"{entry['tensor']}.channel_scale.weight").ravel()
    assert factors.max() == 1
    assert factors.min() == pytest.approx(1 / entry["largest_factor"], rel=1e-5)
    assert "Gelu" not in kinds_in_front_of_q(file)
    x = np.load(folder / "x.npy")
    with torch.no_grad():
        wanted = model(torch.from_numpy(x)).numpy()
    better = sqnr_db(wanted, only(run_onnx(file, x)))
    assert quantize({})[2].read_bytes() == file.read_bytes(), "as it is by default"
    _, _, file = quantize({"activation": {"outlier_channels": "keep"}})
    assert better > sqnr_db(wanted, only(run_onnx(file, x))) + 1


@pytest.fixture(scope="module")
def convolutions(tmp_path_factory):
    """Convolutions with ReLU between them, of which one has a channel a hundred times the others."""
    folder = tmp_path_factory.mktemp("convolutions")
    torch.manual_seed(1)
    layers = [nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU6(), nn.Conv2d(16, 4, 1)]
    model = nn.Sequential(*layers).eval()
    with torch.no_grad():
        model[1].weight[5] = 100
    batch = {"input": {0: torch.export.Dim("batch", max=1024)}}
    torch.export.save(torch.export.export(model, (torch.rand(2, 3, 12, 12),), dynamic_shapes=batch), folder / "m.pt2")
    np.save(folder / "x.npy", np.random.default_rng(0).standard_normal((16, 3, 12, 12)).astype(np.float32))
    return model, folder


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"weight": {"cross_layer_equalization": True}}, "equalization"),
        ({"activation": {"outlier_channels": "divide"}}, "outlier_channels"),
    ],
)
def test_factors_go_into_layers_with_relu_between_them(graftwork, convolutions, tmp_path, given, key):
    model, folder = convolutions
    x = np.load(folder / "x.npy")
    with torch.no_grad():
        wanted = model(torch.from_numpy(x)).numpy()

    def quantized(recipe):
        (tmp_path / "recipe.json").write_text(json.dumps(recipe))
        options = ("--calibrate", folder / "x.npy", "--config", tmp_path / "recipe.json", "--float", "fp32")
        written = ("--report", tmp_path / "report.json", "-o", tmp_path / "m.onnx")
        graftwork("quantize", folder / "m.pt2", *options, *written)
        file = tmp_path / "m.onnx"
        nodes = [node.op_type for node in onnx.load(file).graph.node]
        return json.loads((tmp_path / "report.json").read_text()), nodes, sqnr_db(wanted, only(run_onnx(file, x)))

    plain, nodes, before = quantized({})
    assert key not in plain
    report, same_nodes, after = quantized(given)
    assert same_nodes == nodes
    assert after > before + 3
    first = report[key][0]
    assert first["source"] == ("0" if key == "equalization" else "1")
    assert first["readers"] == ["3"]
    assert first["largest_factor"] > 5
    if key == "equalization":
        refused = {pair["source"]: pair.get("refused", "") for pair in report[key]}
        assert "nn.ReLU6 reads it" in refused["3"]
        assert refused["5"] == "it is a result of the network"
