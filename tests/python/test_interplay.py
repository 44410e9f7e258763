"""Recipes, rules, tables and methods of ranges together: what one part decides, no other may undo in silence."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from support import load_npz, only, run_onnx, sqnr_db


class Branches(nn.Module):
    """A concatenation whose branches share a scale."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 8, 1), nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(16, 4, 1)
        self.d = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        a, b = torch.relu(self.a(x)), torch.relu(self.b(x))
        return self.c(torch.cat([a, b], 1)) + self.d(a)


class Attended(nn.Module):
    """A norm that two layers read."""

    def __init__(self):
        super().__init__()
        self.norm, self.q, self.k = nn.LayerNorm(64), nn.Linear(64, 64), nn.Linear(64, 64)
        with torch.no_grad():
            self.norm.weight[5] = 80

    def forward(self, x):
        x = self.norm(x)
        return self.q(x) + torch.tanh(self.k(x))


class Classes(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(16, 8)

    def forward(self, x):
        return self.layer(x).argmax(1)


@pytest.fixture
def case(graftwork, tmp_path):
    """case(network, samples): quantize(recipe, *options) gives the SQNR of the file; the report lies in report.json."""

    def make(network, samples, dynamic=None):
        network = network.eval()
        x = torch.as_tensor(samples)
        dynamic = {0: torch.export.Dim("n"), **(dynamic or {})}
        program = torch.export.export(network, (x[:2],), dynamic_shapes=(dynamic,))
        torch.export.save(program, tmp_path / "net.pt2")
        np.save(tmp_path / "x.npy", x.numpy())
        with torch.no_grad():
            expected = network(x).numpy()

        def quantize(recipe, *options, samples="x.npy"):
            (tmp_path / "recipe.json").write_text(json.dumps(recipe))
            command = ("quantize", "net.pt2", "--calibrate", samples, "--config", "recipe.json", "--float", "fp32")
            graftwork(*command, *options, "--quiet", "--report", "report.json", "-o", "net.onnx", cwd=tmp_path)
            return sqnr_db(expected, only(run_onnx(tmp_path / "net.onnx", x.numpy())))

        quantize.fails = lambda *command: graftwork.fails(*command, cwd=tmp_path).stderr
        quantize.folder = tmp_path
        return quantize

    torch.manual_seed(0)
    return make


METHODS = ["minmax", "moving_average_minmax", "histogram", "percentile", "entropy", "mse"]


@pytest.mark.parametrize("method", METHODS)
def test_branches_that_share_a_scale_have_one_by_every_method(case, method):
    quantize = case(Branches(), torch.randn(16, 3, 12, 12))
    reached = quantize({"activation": {"calibration_method": method}})
    stubs = json.loads((quantize.folder / "report.json").read_text())["stubs"]
    assert len({stub["scale"] for stub in stubs}) < len(stubs), "none is shared"
    assert reached > 20


def test_a_dynamic_second_axis_has_no_channels(case, graftwork):
    quantize = case(nn.Linear(128, 8), torch.randn(4, 3, 128), dynamic={1: torch.export.Dim("t", max=64)})
    folder = quantize.folder / "samples"
    folder.mkdir()
    for i, tokens in enumerate((3, 9, 4, 40)):
        np.save(folder / f"{i}.npy", np.random.default_rng(i).standard_normal((1, tokens, 128)).astype(np.float32))
    facts = []
    for threads in ("1", "2"):
        command = ("quantize", "net.pt2", "--calibrate", folder, "--report", "r.json", "--quiet", "-o", "n.onnx")
        graftwork(*command, cwd=quantize.folder, env={"OMP_NUM_THREADS": threads})
        facts.append(json.loads((quantize.folder / "r.json").read_text())["inputs"])
    assert facts[0] == facts[1]
    assert len(facts[0][0]["mean"]) == 1


def test_a_source_with_readers_of_two_precisions_is_divided_once_or_not_at_all(case, graftwork):
    quantize = case(Attended(), torch.randn(16, 9, 64))

    def fake_quantized(recipe):
        (quantize.folder / "r.json").write_text(json.dumps(recipe))
        command = ("run", "net.pt2", "--input", "x.npy", "--quiet", "-o", "y.npz")
        graftwork(*command, cwd=quantize.folder)
        expected = only(load_npz(quantize.folder / "y.npz"))
        options = ("--stage", "quantized", "--calibrate", "x.npy", "--config", "r.json", "--float", "fp32")
        graftwork(*command, *options, cwd=quantize.folder)
        return sqnr_db(expected, only(load_npz(quantize.folder / "y.npz")))

    rules = {"policy": {"rules": [{"match": {"name": "q"}, "precision": "fp8"}]}}
    assert fake_quantized({**rules, "activation": {"outlier_channels": "divide"}}) > fake_quantized(rules) - 0.5


def test_ranges_of_fp8_end_at_the_largest_value_whoever_asks_for_it(case):
    quantize = case(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64)), torch.randn(32, 64))
    quantize({"policy": {"rules": [{"match": {"type": "nn.Linear"}, "precision": "fp8"}]}})
    report = json.loads((quantize.folder / "report.json").read_text())
    assert {stub["method"] for stub in report["stubs"]} == {"minmax"}
    assert all(stub["clipped"] == 0 for stub in report["stubs"])


@pytest.mark.parametrize(
    ("rule", "recipe"),
    [
        ({"weight": "int4", "block_size": 64}, {"weight": {"symmetric": False}}),
        ("fp8", {"activation": {"symmetric": False}}),
        ("fp8", {"weight": {"symmetric": False}}),
    ],
)
def test_rules_have_no_zero_points(case, rule, recipe):
    quantize = case(nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 64)), torch.randn(16, 128))
    recipe = {**recipe, "policy": {"rules": [{"match": {"type": "nn.Linear"}, "precision": rule}]}}
    (quantize.folder / "r.json").write_text(json.dumps(recipe))
    command = ("run", "net.pt2", "--input", "x.npy", "--stage", "quantized", "--calibrate", "x.npy")
    told = quantize.fails(*command, "--config", "r.json", "-o", "y.npz")
    assert "error[config.value]" in told
    assert "has no zero points (rule V1)" in told


class Outlying(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.fc = nn.LayerNorm(64), nn.Linear(64, 64)
        with torch.no_grad():
            self.norm.weight[5] = 60

    def forward(self, x):
        return self.fc(self.norm(x))


SMOOTH = {"smooth_quant": {"alpha": 0.5}}


@pytest.mark.parametrize(
    ("made_with", "used_with", "says"),
    [
        ({"activation": {"precision": "fp8"}, "weight": {"precision": "fp8"}}, {}, "is of FP8, and INT8 is asked for"),
        ({}, {"activation": {"precision": "fp8"}, "weight": {"precision": "fp8"}}, "is of INT8, and FP8 is asked for"),
        (SMOOTH, {}, "rescaled in another way"),
        ({}, SMOOTH, "rescaled in another way"),
        ({}, {"weight": {"rounding": "gptq"}}, "chosen together by the data"),
    ],
)
def test_a_scale_table_of_something_else_is_refused(case, made_with, used_with, says):
    quantize = case(Outlying(), torch.randn(16, 9, 64))
    quantize(made_with, "--scales-out", "scales.jsonl")
    (quantize.folder / "other.json").write_text(json.dumps(used_with))
    command = ("quantize", "net.pt2", "--calibrate", "x.npy", "--float", "fp32", "--config", "other.json")
    told = quantize.fails(*command, "--scales", "scales.jsonl", "-o", "n.onnx")
    assert "error[scales.other]" in told
    assert says in told


def test_a_scale_table_of_other_factors_is_refused(case):
    quantize = case(Outlying(), torch.randn(16, 9, 64))
    quantize(SMOOTH, "--scales-out", "scales.jsonl")
    np.save(quantize.folder / "other.npy", np.random.default_rng(9).standard_normal((16, 9, 64)).astype(np.float32) * 3)
    command = ("quantize", "net.pt2", "--float", "fp32", "--config", "recipe.json", "--scales", "scales.jsonl")
    assert "error[scales.other]" in quantize.fails(*command, "--calibrate", "other.npy", "-o", "n.onnx")
    reached = quantize(SMOOTH)
    first = (quantize.folder / "net.onnx").read_bytes()
    assert quantize(SMOOTH, "--scales", "scales.jsonl") == reached
    assert (quantize.folder / "net.onnx").read_bytes() == first, "the same data have the same factors"


def test_a_scale_table_in_front_of_batch_norms_is_refused_behind_them(case):
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3))
    net[1].running_var.fill_(4)
    quantize = case(net, torch.randn(16, 3, 12, 12))
    quantize({}, "--keep-bn", "--scales-out", "scales.jsonl")
    command = ("quantize", "net.pt2", "--calibrate", "x.npy", "--float", "fp32", "--scales", "scales.jsonl")
    told = quantize.fails(*command, "-o", "n.onnx")
    assert "whose batch norms stay" in told
    assert "(--keep-bn)" in told


def test_channels_of_bias_alone_are_not_equalized(case):
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1))
    with torch.no_grad():
        net[0].weight[2] *= 1e-9
        net[0].bias[2] = 0.3
    quantize = case(net, torch.randn(16, 3, 12, 12))
    plain = quantize({})
    assert quantize({"weight": {"cross_layer_equalization": True}}) > plain - 2


def test_sensitivity_of_a_network_that_ends_in_a_choice(case):
    quantize = case(Classes(), torch.randn(16, 16))
    told = quantize.fails("sensitivity", "net.pt2", "--calibrate", "x.npy", "--data", "x.npy")
    assert "error[data.outputs]: no output of the network is of floating point" in told
