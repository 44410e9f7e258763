"""Precisions beside INT8: FP8, INT4 weights in blocks, BF16 regions; and what runs in fake quantization alone."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx.reference import ReferenceEvaluator
from torch import nn

import support

INT4, FP8 = {"precision": "int4", "block_size": 64}, {"precision": "fp8"}
ALL_FP8 = {"activation": FP8, "weight": FP8}


def mlp():
    return nn.Sequential(nn.Linear(256, 512), nn.GELU(), nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 10)).eval()


def correlated(*shape):
    """Channels of different sizes that go together, as those of trained networks do."""
    mixed = torch.randn(*shape, 256) @ (torch.randn(256, 256) / 16)
    return mixed * torch.linspace(0.1, 3, 256)


def convolutions():
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1, groups=32),
        nn.ReLU(),
        nn.Conv2d(32, 32, 7, padding=3),
        nn.ReLU(),
        nn.Conv2d(32, 24, 1),
    )


def with_statistics(net):
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.bias)
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return net.eval()


class Attention(nn.Module):
    def __init__(self, heads, size, keys=40):
        super().__init__()
        self.heads, self.keys = heads, keys
        width = heads * size
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        q, k, v = (layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


@dataclass
class Case:
    """A network on disk with its data, and what the command makes of it."""

    graftwork: support.Graftwork
    folder: Path
    x: np.ndarray
    net: nn.Module

    def recipe(self, content):
        (self.folder / "recipe.json").write_text(json.dumps(content))
        return ("--config", "recipe.json")

    def quantize(self, recipe, *options):
        self.graftwork(
            *("quantize", "net.pt2", "--calibrate", "x.npy", *self.recipe(recipe), *options),
            *("--quiet", "--report", "report.json", "-o", "net.onnx"),
            cwd=self.folder,
        )
        return support.QdqGraph(self.folder / "net.onnx")

    def report(self):
        return json.loads((self.folder / "report.json").read_text())

    def fake_quantized(self, recipe, *options):
        self.graftwork(
            *("run", "net.pt2", "--input", "x.npy", "--stage", "quantized", "--calibrate", "x.npy"),
            *(*self.recipe(recipe), *options, "--quiet", "-o", "y.npz"),
            cwd=self.folder,
        )
        return support.only(support.load_npz(self.folder / "y.npz"))

    def refused(self, recipe):
        command = ("quantize", "net.pt2", "--calibrate", "x.npy", *self.recipe(recipe), "--quiet", "-o", "net.onnx")
        text = self.graftwork.fails(*command, cwd=self.folder).stderr
        assert not (self.folder / "net.onnx").exists()
        return text

    def exact(self):
        with torch.no_grad():
            return self.net(torch.from_numpy(self.x)).numpy()


@pytest.fixture
def case(graftwork, tmp_path):
    torch.manual_seed(0)

    def make(net, x):
        torch.export.save(torch.export.export(net, (x,)), tmp_path / "net.pt2")
        np.save(tmp_path / "x.npy", x.numpy())
        return Case(graftwork, tmp_path, x.numpy(), net)

    return make


def run_file(graph, x):
    return support.only(support.run_onnx(graph.model, x))


# ---- INT4 weights ----------------------------------------------------------------------------------


def test_int4_weights_are_stored_in_blocks(case, golden):
    graph = case(mlp(), correlated(8, 16)).quantize({"weight": INT4})
    assert graph.model.opset_import[0].version == 21
    assert not graph.activation_quantizers()
    lines = []
    for node in graph.model.graph.node:
        lines.append(f"{node.op_type} {node.name}({', '.join(node.input)})")
        if node.op_type == "DequantizeLinear":
            stored = [graph.initializers[name] for name in node.input]
            shapes = ", ".join(f"{onnx.TensorProto.DataType.Name(t.data_type)}{list(t.dims)}" for t in stored)
            axis, block = (graph.attribute(node, name) for name in ("axis", "block_size"))
            lines.append(f"  {shapes}, axis={axis}, block_size={block}")
    golden("int4_weights.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("rounding", ["nearest", "gptq"])
@pytest.mark.parametrize("method", ["minmax", "mse"])
def test_file_with_int4_weights_is_the_fake_quantized_network(case, rank, size, rounding, method):
    made = case(mlp(), correlated(16, *(5,) * (rank - 2)))
    recipe = {"weight": {**INT4, "block_size": size, "rounding": rounding, "calibration_method": method}}
    options = ("--float", "fp32")
    wanted = made.fake_quantized(recipe, *options)
    assert support.relative_error(run_file(made.quantize(recipe, *options), made.x), wanted) < 1e-5
    assert 20 < support.sqnr_db(made.exact(), wanted) < 45


@pytest.mark.parametrize("rounding", ["nearest", "gptq"])
def test_packed_layers_of_attention_have_int4_weights_too(case, rounding):
    made = case(Attention(2, 64).eval(), torch.randn(4, 16, 128))
    recipe = {"weight": {**INT4, "rounding": rounding}}
    graph = made.quantize(recipe, "--float", "fp32")
    assert len(graph.weight_dequantizers()) == 2  # one for queries, keys and values
    assert support.relative_error(run_file(graph, made.x), made.fake_quantized(recipe, "--float", "fp32")) < 1e-5


def test_gptq_is_better_than_the_nearest_codes(case):
    made = case(mlp(), correlated(64, 16))
    quality = {}
    for rounding in ("nearest", "gptq"):
        value = made.fake_quantized({"weight": {**INT4, "rounding": rounding}}, "--float", "fp32")
        quality[rounding] = support.sqnr_db(made.exact(), value)
    assert quality["gptq"] > quality["nearest"] + 1


@pytest.mark.parametrize("precision", ["int8", "fp8"])
def test_gptq_rounds_weights_of_a_scale_for_each_channel_too(case, precision):
    made = case(mlp(), correlated(64, 16))
    recipe = {"weight": {"precision": precision, "rounding": "gptq"}, "activation": {"precision": precision}}
    value = made.fake_quantized(recipe, "--float", "fp32")
    assert support.relative_error(run_file(made.quantize(recipe, "--float", "fp32"), made.x), value) < 1e-2
    assert made.report()["calibration"]["rounded_weights"] == 3


def test_gptq_gives_the_same_bytes_for_any_threads_and_order(case, monkeypatch):
    made = case(mlp(), correlated(12, 16))
    recipe = {"weight": {**INT4, "rounding": "gptq"}}
    torch.export.save(
        torch.export.export(made.net, (torch.from_numpy(made.x),), dynamic_shapes=({0: torch.export.Dim("n")},)),
        made.folder / "net.pt2",
    )
    files = set()
    for threads, order in ((1, 1), (2, 1), (2, -1)):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        np.save(made.folder / "x.npy", made.x[::order])
        made.quantize(recipe)
        files.add((made.folder / "net.onnx").read_bytes())
    assert len(files) == 1


def test_what_cannot_be_in_blocks_stays_in_floating_point(case):
    net = nn.Sequential(nn.Linear(256, 100), nn.Linear(100, 64), nn.Linear(64, 128), nn.Linear(128, 7)).eval()
    made = case(net, correlated(4, 3))
    made.quantize({"weight": INT4})
    reasons = {weight["layer"]: weight["reason"] for weight in made.report()["weights"]}
    assert reasons == {
        "0": "INT4 in blocks of 64 input channels (rule Q1)",
        "1": "its 100 input channels are no multiple of blocks of 64 (rule V8)",
        "2": "its 64 input channels are a single block, which takes a kernel of its own (rule Q1)",
        "3": "its 7 output channels are an odd number (rule V14)",
    }
    made = case(with_statistics(convolutions()), torch.randn(2, 3, 8, 8))
    made.quantize({"weight": INT4})
    assert {w["reason"] for w in made.report()["weights"]} == {"only linear layers have weights in blocks (rule Q1)"}


def test_int4_weights_in_a_plan_are_what_the_recipe_said(case):
    made = case(mlp(), correlated(4, 3))
    plain = made.quantize({"weight": INT4}).model
    made.graftwork("plan", "net.pt2", "--quantize", *made.recipe({"weight": INT4}), "-o", "plan.json", cwd=made.folder)
    made.graftwork(
        *("quantize", "net.pt2", "--plan", "plan.json", "--calibrate", "x.npy", "--quiet", "-o", "p.onnx"),
        cwd=made.folder,
    )
    assert onnx.load(made.folder / "p.onnx").graph == plain.graph


@pytest.mark.parametrize(
    ("recipe", "precision", "weights"),
    [({}, "int8", "int8"), (ALL_FP8, "fp8", "fp8"), ({"weight": INT4}, "int4", "int4")],
    ids=["int8", "fp8", "int4"],
)
def test_the_report_names_the_precision_of_kernels(case, recipe, precision, weights):
    made = case(mlp(), correlated(4, 3))
    made.quantize(recipe, "--float", "bf16")
    report = made.report()
    assert report["export"]["weights"] == weights
    quantized = {weight["module"] for weight in report["weights"] if weight["quantized"]}
    found = {node["module"]: node["precision"] for node in report["network"] if node["kind"] == "kernel"}
    assert {found[module] for module in quantized} == {precision}
    assert {found[module] for module in found.keys() - quantized} <= {"bf16"}


# ---- FP8 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("net", [mlp, lambda: with_statistics(convolutions())], ids=["linear", "convolutions"])
@pytest.mark.parametrize("keep", [(), ("--keep-bn",)], ids=["folded", "kept"])
def test_file_in_fp8_is_the_fake_quantized_network(case, net, keep):
    network = net()
    made = case(network, correlated(4, 3) if isinstance(network[0], nn.Linear) else torch.randn(4, 3, 12, 12))
    options = ("--float", "fp32", *keep)
    wanted = made.fake_quantized(ALL_FP8, *options)
    graph = made.quantize(ALL_FP8, *options)
    types = {t.data_type for t in graph.initializers.values() if t.name.endswith(("_codes", "_zero_point"))}
    assert types == {onnx.TensorProto.FLOAT8E4M3FN}
    # A number on the border between two of E4M3 may fall to either side.
    assert support.relative_error(run_file(graph, made.x), wanted) < 0.02
    assert support.sqnr_db(wanted, run_file(graph, made.x)) > 35
    assert support.sqnr_db(made.exact(), wanted) > 20


def test_fp8_leaves_float_what_has_no_kernel(case):
    made = case(with_statistics(convolutions()), torch.randn(4, 3, 12, 12))
    made.quantize(ALL_FP8)
    reasons = {missing["reason"] for missing in made.report()["missing"]}
    assert reasons == {
        "it has 3 input channels, not more than 16, and falls back from FP8 (rule W23)",
        "grouped convolutions have no FP8 kernel (rule W23)",
        "its kernel has 49 taps, more than 32 (rule W23)",
    }


def test_fp8_ranges_reach_to_the_largest_value(case):
    made = case(mlp(), correlated(4, 3))
    made.quantize(ALL_FP8, "--float", "fp32")
    for stub in made.report()["stubs"]:
        assert stub["precision"] == "fp8"
        assert stub["scale"] == pytest.approx(max(-stub["min"], stub["max"]) / 448, rel=1e-6)
        assert stub["clipped"] == 0
        assert stub["reason"].endswith("reads FP8 (rule W1)")


ATTENTIONS = {
    (8, 32): True,
    (16, 40): True,
    (20, 64): True,
    (64, 600): True,
    (256, 32): True,
    (64, 31): "it has 31 keys, fewer than 32 (rule M3)",
    (264, 32): "its heads have 264 numbers, not 8 to 256 (rule M3)",
    (4, 64): "its heads have 4 numbers, not 8 to 256 (rule M3)",
}


@pytest.mark.parametrize(("size", "keys"), ATTENTIONS)
def test_attention_in_fp8(case, size, keys):
    made = case(Attention(2, size).eval(), torch.randn(2, keys, 2 * size))
    graph = made.quantize(ALL_FP8)
    softmax = [stub["scale"] for stub in made.report()["stubs"] if stub.get("value") == "softmax"]
    if ATTENTIONS[size, keys] is True:
        assert softmax == [pytest.approx(np.float32(np.float16(1 / 448)))]
        assert len(graph.activation_quantizers()) == 6
    else:
        assert softmax == []
        assert ATTENTIONS[size, keys] in {missing["reason"] for missing in made.report()["missing"]}


def test_attention_in_fp8_as_a_graph(case, golden):
    graph = case(Attention(2, 16).eval(), torch.randn(2, 40, 32)).quantize(ALL_FP8)
    lines = [f"{node.op_type} {node.name}({', '.join(node.input)})" for node in graph.model.graph.node]
    golden("fp8_attention.txt", "\n".join(lines) + "\n")


# ---- BF16, batch norms -----------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", [{}, ALL_FP8, {"weight": INT4}], ids=["int8", "fp8", "int4"])
def test_regions_in_bf16(case, recipe):
    made = case(mlp(), correlated(8, 16))
    graph = made.quantize(recipe, "--float", "bf16")
    assert graph.model.opset_import[0].version == 22
    types = {graph.initializers[node.input[1]].data_type for node in graph.nodes("DequantizeLinear")}
    assert types == {onnx.TensorProto.BFLOAT16}
    assert made.report()["export"]["float"] == "bf16"
    # ONNX Runtime has no BF16 on the CPU.
    (value,) = ReferenceEvaluator(graph.model).run(None, {graph.model.graph.input[0].name: made.x})
    assert support.sqnr_db(made.fake_quantized(recipe, "--float", "bf16"), value.astype(np.float32)) > 25
    scales = [np.float32(stub["scale"]) for stub in made.report()["stubs"]]
    assert all(scale.view(np.uint32) & 0xFFFF == 0 for scale in scales)


def test_masks_fit_bf16(case):
    class Masked(nn.Module):
        def forward(self, x):
            return (x + torch.full((4,), torch.finfo(torch.float32).min)).softmax(-1)

    graph = case(nn.Sequential(nn.Linear(4, 4), Masked()).eval(), torch.randn(3, 4)).quantize({}, "--float", "bf16")
    stored = [
        onnx.numpy_helper.to_array(t).astype(np.float32) for t in graph.initializers.values() if t.data_type == 16
    ]
    assert min(value.min() for value in stored) < -1e38
    assert all(np.isfinite(value).all() for value in stored)


def test_batch_norms_may_be_kept(case):
    made = case(with_statistics(convolutions()), torch.randn(4, 3, 12, 12))
    options = ("--float", "fp32", "--keep-bn")
    wanted = made.fake_quantized({}, *options)
    graph = made.quantize({}, *options)
    assert len(graph.nodes("BatchNormalization")) == 2
    (behind,) = graph.consumers[graph.nodes("Conv")[0].output[0]]
    assert behind.op_type == "BatchNormalization"
    assert support.sqnr_db(wanted, run_file(graph, made.x)) > 50
    assert not made.quantize({}).nodes("BatchNormalization")


# ---- what runs in fake quantization alone ----------------------------------------------------------

STUDIED = {
    "int16": (
        {"activation": {"precision": "int16"}, "weight": {"precision": "int16"}},
        "TensorRT has no type for INT16 (rule E02)",
        80,
    ),
    "int4": (
        {"activation": {"precision": "int4"}, "weight": {"precision": "int4"}},
        "TensorRT has no INT4 activations: the type is for weights alone (rule Q1)",
        8,
    ),
    "int4 weights": (
        {"weight": {"precision": "int4"}},
        "TensorRT takes INT4 weights in blocks, read by activations in floating point (rule Q1)",
        12,
    ),
    "two types": (
        {"weight": FP8},
        "weight and activation of a product are quantized to one type, or both are not (rule W1)",
        25,
    ),
    "affine activations": (
        {"activation": {"symmetric": False}},
        "activations are affine, and TensorRT takes zero points of 0 only (rule V1)",
        30,
    ),
    "affine weights": (
        {"weight": {"symmetric": False}},
        "weights are affine, and TensorRT takes zero points of 0 only (rule V1)",
        30,
    ),
}


@pytest.mark.parametrize("name", STUDIED)
def test_what_no_engine_takes_runs_in_fake_quantization(case, name):
    recipe, why, least = STUDIED[name]
    made = case(mlp(), correlated(16, 16))
    assert why in made.refused(recipe)
    value = made.fake_quantized(recipe, "--float", "fp32")
    assert least < support.sqnr_db(made.exact(), value) < least + 40


def test_affine_activations_use_all_codes(case):
    """Behind ReLU half of the symmetric codes are idle: 6 dB."""
    net = nn.Sequential(nn.ReLU(), nn.Linear(64, 64)).eval()
    made = case(net, torch.rand(64, 4, 64) * 3)
    quality = {}
    for symmetric in (True, False):
        recipe = {
            "activation": {"symmetric": symmetric, "calibration_method": "minmax"},
            "weight": {"precision": "int16"},
        }
        quality[symmetric] = support.sqnr_db(made.exact(), made.fake_quantized(recipe, "--float", "fp32"))
    assert 5 < quality[False] - quality[True] < 7


def test_one_scale_for_a_whole_weight(case):
    made = case(with_statistics(convolutions())[3:4], torch.randn(4, 32, 9, 9))
    recipe = {"weight": {"per_channel": False}}
    graph = made.quantize(recipe, "--float", "fp32")
    (weight,) = graph.weight_dequantizers()
    assert graph.array(weight.input[1]).shape == ()
    value = run_file(graph, made.x)
    assert support.relative_error(value, made.fake_quantized(recipe, "--float", "fp32")) < 1e-2


REFUSED = {
    "precision": ({"weight": {"precision": "int7"}}, '"precision" is "int7"; int8, fp8, int4 and int16 are supported'),
    "block": ({"weight": {**INT4, "block_size": 32}}, '"block_size" is 32; 64 and 128 are supported (rule Q1)'),
    "block of int8": (
        {"weight": {"block_size": 64}},
        '"block_size" is for int4; weights of int8 have a scale for each output channel (rule V11)',
    ),
    "rounding": ({"weight": {"rounding": "up"}}, '"rounding" is "up"; nearest, gptq and adaround are supported'),
    "gptq with a zero point": (
        {"weight": {"rounding": "gptq", "symmetric": False}},
        '"symmetric" is false; gptq rounds to symmetric codes',
    ),
    "mse of fp8": (
        {"activation": {"precision": "fp8", "calibration_method": "mse"}},
        "the steps of FP8 grow with the numbers, so that clipping gains nothing: minmax is supported",
    ),
    "entropy of affine": (
        {"activation": {"symmetric": False, "calibration_method": "entropy"}},
        "affine ranges reach from the least value to the largest: minmax is supported",
    ),
    "affine fp8": (
        {"activation": {"precision": "fp8", "symmetric": False}},
        '"symmetric" is false; numbers of FP8 have a sign and no zero point (rule V1)',
    ),
    "affine blocks": (
        {"weight": {**INT4, "symmetric": False}},
        '"symmetric" is false; codes of INT4 in blocks are symmetric (rule V1)',
    ),
    "blocks of a tensor": (
        {"weight": {**INT4, "per_channel": False}},
        '"per_channel" is false; blocks are parts of an output channel (rule Q1)',
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_together_is_refused(case, name):
    recipe, why = REFUSED[name]
    assert why in case(mlp(), correlated(1, 1)).refused(recipe)


def test_a_method_on_the_command_line_has_to_fit_fp8(case):
    made = case(mlp(), correlated(1, 1))
    command = ("quantize", "net.pt2", "--calibrate", "x.npy", *made.recipe(ALL_FP8), "--calibration-method", "mse")
    assert "clipping gains nothing" in made.graftwork.fails(*command, "-o", "net.onnx", cwd=made.folder).stderr


# ---- NVIDIA's compiler -----------------------------------------------------------------------------

COMPILED = {
    "int4": ({"weight": INT4}, mlp, lambda: correlated(8, 16), "float, Int4 dequantized inside the kernel"),
    "int4 in rows": ({"weight": INT4}, mlp, lambda: correlated(8), "float, Int4 dequantized inside the kernel"),
    "int4 of 128": (
        {"weight": {**INT4, "block_size": 128}},
        lambda: mlp()[:3],
        lambda: correlated(8, 16),
        "float, Int4 dequantized inside the kernel",
    ),
    "fp8": (ALL_FP8, mlp, lambda: correlated(8, 16), "FP8"),
    "fp8 convolutions": (
        ALL_FP8,
        lambda: with_statistics(convolutions())[3:6],
        lambda: torch.randn(2, 32, 12, 12),
        "FP8",
    ),
    "fp8 attention": (ALL_FP8, lambda: Attention(2, 64).eval(), lambda: torch.randn(2, 64, 128), "FP8"),
    "fp8 attention of the smallest heads": (
        ALL_FP8,
        lambda: Attention(4, 8).eval(),
        lambda: torch.randn(2, 32, 32),
        "FP8",
    ),
    "fp8 attention of the largest heads": (
        ALL_FP8,
        lambda: Attention(2, 256).eval(),
        lambda: torch.randn(2, 600, 512),
        "FP8",
    ),
    "int8": ({}, mlp, lambda: correlated(8, 16), "Int8"),
}


@pytest.mark.rtx
@pytest.mark.parametrize("floats", ["fp16", "bf16"])
@pytest.mark.parametrize("name", COMPILED)
def test_accepted_by_nvidias_compiler(rtx, case, name, floats):
    recipe, net, x, wanted = COMPILED[name]
    made = case(net(), x())
    made.quantize(recipe, "--float", floats)
    report = rtx.compile_apart(str(made.folder / "net.onnx"), 89, {}, None, 300)
    messages = [m["text"] for m in report["parser"] + report["builder"] if m["level"] != "warning"]
    assert report["accepted"], "\n".join(messages)
    runs = {node["node"]: node["runs"] for node in report["summary"]["weighted_nodes"]}
    assert runs
    assert all(found.startswith(wanted) for found in runs.values()), runs
    assert len(report["summary"]["attention"]) == (1 if "attention" in name else 0)


@pytest.mark.rtx
def test_nvidias_compiler_takes_batch_norms_that_were_kept(rtx, case):
    made = case(with_statistics(convolutions()), torch.randn(4, 3, 12, 12))
    made.quantize({}, "--keep-bn")
    report = rtx.compile_apart(str(made.folder / "net.onnx"), 89, {}, None, 300)
    assert report["accepted"]
    assert report["summary"]["low_precision"] == {"Int8": 5}
