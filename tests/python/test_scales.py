"""Scale tables and recipes: written, read back, edited; what the file says of where it comes from; what it holds."""

import json
import shutil

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from export import save_pt2
from support import QdqGraph, only, run_onnx, waste


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def quantize(graftwork, exported, tmp_path):
    """quantize(NAME, output, *options): in a folder of its own; without --calibrate unless it is among the options."""

    def run(name, output, *options):
        graftwork("quantize", exported(name).path, *options, "--quiet", "-o", output, cwd=tmp_path)
        return (tmp_path / output).read_bytes()

    return run


def calibrate(exported, name):
    return ("--calibrate", exported(name).calibration)


@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
@pytest.mark.parametrize("name", ["digits", "resnet18", "encoder"])
def test_table_gives_the_same_file_without_data(quantize, exported, tmp_path, name, float_type):
    kind = ("--float", float_type)
    first = quantize(name, "a.onnx", *kind, *calibrate(exported, name), "--scales-out", "a.jsonl")
    again = quantize(name, "b.onnx", *kind, "--scales", "a.jsonl", "--scales-out", "b.jsonl")
    assert again == first
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "a.jsonl").read_bytes()
    with_data = quantize(name, "c.onnx", *kind, *calibrate(exported, name), "--scales", "a.jsonl")
    assert with_data == first


@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
def test_table_has_the_numbers_of_the_file(quantize, exported, tmp_path, float_type):
    quantize("resnet18", "a.onnx", "--float", float_type, *calibrate(exported, "resnet18"), "--scales-out", "a.jsonl")
    head, *lines = lines_of(tmp_path / "a.jsonl")
    assert head == {"format": 1, "samples": 8, "float": float_type}
    graph = QdqGraph(tmp_path / "a.onnx")
    stubs = {line["stub"]: line for line in lines if "stub" in line}
    assert len(stubs) == len(graph.activation_quantizers())
    for quantizer in graph.activation_quantizers():
        line = stubs[graph.stub_of(quantizer)]
        assert np.float32(line["scale"]) == np.float32(graph.array(quantizer.input[1]))
        assert line["min"] <= line["max"]
        assert line["method"] == "mse"
        assert 0 <= line["clipped"] < 0.01
    weights = {line["weight"]: line for line in lines if "weight" in line}
    assert len(weights) == len(graph.weight_dequantizers())
    for dequantizer in graph.weight_dequantizers():
        line = weights[dequantizer.output[0].removesuffix(".weight")]
        stored = graph.array(dequantizer.input[1]).astype(np.float32)
        np.testing.assert_allclose(np.float32(line["scales"]), stored, rtol=0 if float_type == "fp16" else 3e-7)
        assert line["method"] == "minmax"


def test_summary_says_whose_scales_they_are(graftwork, quantize, exported, tmp_path):
    quantize("digits", "a.onnx", *calibrate(exported, "digits"), "--scales-out", "a.jsonl")
    said = graftwork("quantize", exported("digits").path, "--scales", "a.jsonl", "-o", "b.onnx", cwd=tmp_path).stdout
    assert "scales of a.jsonl" in said
    assert "calibrated on       8 samples" in said
    assert "SQNR" not in said, "without data nothing is measured"


def test_edits_take_effect(quantize, exported, tmp_path):
    quantize("digits", "a.onnx", *calibrate(exported, "digits"), "--scales-out", "a.jsonl")
    lines = lines_of(tmp_path / "a.jsonl")
    stub = next(line for line in lines if "stub" in line)
    weight = next(line for line in lines if "weight" in line)
    stub["scale"], weight["scales"][0] = 0.5, 0.25
    write_lines(tmp_path / "b.jsonl", lines)
    quantize("digits", "b.onnx", "--scales", "b.jsonl")
    graph = QdqGraph(tmp_path / "b.onnx")
    by_stub = {graph.stub_of(node): graph.array(node.input[1]) for node in graph.activation_quantizers()}
    assert by_stub.pop(stub["stub"]) == 0.5
    others = {line["stub"]: line["scale"] for line in lines if "stub" in line and line is not stub}
    assert {name: float(np.float32(scale)) for name, scale in by_stub.items()} == pytest.approx(others)
    (changed,) = [d for d in graph.weight_dequantizers() if d.output[0] == weight["weight"] + ".weight"]
    assert graph.array(changed.input[1])[0] == 0.25


def test_lines_that_are_missing_are_calibrated(quantize, exported, tmp_path):
    whole = quantize("digits", "a.onnx", *calibrate(exported, "digits"), "--scales-out", "a.jsonl")
    lines = lines_of(tmp_path / "a.jsonl")
    kept = [line for i, line in enumerate(lines) if i == 0 or ("stub" in line and i % 2 == 0)]
    assert 1 < len(kept) < sum("stub" in line for line in lines)
    write_lines(tmp_path / "b.jsonl", kept)
    assert quantize("digits", "b.onnx", "--scales", "b.jsonl", *calibrate(exported, "digits")) == whole


@pytest.mark.parametrize("with_data", [False, True], ids=["alone", "with data"])
def test_names_that_do_not_fit_are_errors(graftwork, quantize, exported, tmp_path, with_data):
    quantize("digits", "a.onnx", *calibrate(exported, "digits"), "--scales-out", "a.jsonl")
    command = ("quantize", exported("digits").path, "--scales", "b.jsonl", "-o", "b.onnx")
    command += calibrate(exported, "digits") if with_data else ()
    lines = lines_of(tmp_path / "a.jsonl")
    stub = next(line for line in lines if "stub" in line)
    write_lines(tmp_path / "b.jsonl", [*lines, stub | {"stub": "quant_stub_77"}])
    done = graftwork.fails(*command, cwd=tmp_path)
    assert "error[scales.unknown]" in done.stderr
    assert f"quant_stub_77 on %{stub['tensor']}" in done.stderr
    assert "b.jsonl" in done.stderr
    write_lines(tmp_path / "b.jsonl", [line for line in lines if line is not stub])
    if with_data:
        graftwork(*command, "--quiet", cwd=tmp_path)
        return
    done = graftwork.fails(*command, cwd=tmp_path)
    assert "error[scales.missing]" in done.stderr
    assert f"{stub['stub']} on %{stub['tensor']}" in done.stderr
    assert not (tmp_path / "b.onnx").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [("nonsense", "is not JSON"), ('{"stub": "a", "tensor": "x", "scale": 0}', '"scale"'), ('{"stab": 1}', "none of")],
)
def test_bad_lines_are_named(graftwork, exported, tmp_path, line, said):
    (tmp_path / "s.jsonl").write_text(f'{{"format": 1, "samples": 1, "float": "fp16"}}\n{line}\n')
    command = ("quantize", exported("digits").path, "--scales", "s.jsonl", "-o", "o.onnx")
    done = graftwork.fails(*command, cwd=tmp_path)
    assert "s.jsonl" in done.stderr
    assert "line 2" in done.stderr
    assert said in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--calibrate DATA or --scales FILE"),
        (("--scales", "s.jsonl", "--limit", "4"), "--limit belongs to --calibrate"),
        (("--scales", "s.jsonl", "--mean", "0.5"), "belong to --calibrate"),
        (("--scales", "s.jsonl"), "there is no file s.jsonl"),
    ],
)
def test_options_that_want_others(graftwork, exported, tmp_path, options, said):
    done = graftwork.fails("quantize", exported("digits").path, *options, "-o", "o.onnx", cwd=tmp_path)
    assert said in done.stderr


def test_run_takes_a_table_too(graftwork, quantize, exported, tmp_path):
    network = exported("digits")
    quantize("digits", "a.onnx", "--float", "fp32", *calibrate(exported, "digits"), "--scales-out", "a.jsonl")
    command = ("run", network.path, "--input", network.input, "--stage", "quantized", "--float", "fp32", "--quiet")
    graftwork(*command, "--scales", "a.jsonl", "-o", "a.npz", cwd=tmp_path)
    graftwork(*command, *calibrate(exported, "digits"), "-o", "b.npz", cwd=tmp_path)
    np.testing.assert_array_equal(only(np.load(tmp_path / "a.npz")), only(np.load(tmp_path / "b.npz")))


def test_table_replaces_no_input(graftwork, quantize, exported, tmp_path):
    quantize("digits", "a.onnx", *calibrate(exported, "digits"), "--scales-out", "a.jsonl")
    for option in ("--scales-out", "--config-out", "--html"):
        command = ("quantize", exported("digits").path, "--scales", "a.jsonl", option, "a.jsonl", "-o", "b.onnx")
        assert "error[file.same]" in graftwork.fails(*command, cwd=tmp_path).stderr


def test_what_fp16_cannot_hold_is_in_the_table(graftwork, tmp_path):
    class Wide(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = torch.nn.Conv2d(3, 4, 1), torch.nn.Conv2d(4, 2, 1)

        def forward(self, x):
            return self.b(torch.sqrt((self.a(x) * 1e6).abs() + 1))

    torch.manual_seed(0)
    torch.export.save(torch.export.export(Wide().eval(), (torch.randn(1, 3, 8, 8),)), tmp_path / "w.pt2")
    np.save(tmp_path / "c.npy", torch.randn(4, 3, 8, 8).numpy())
    command = ("quantize", "w.pt2", "--quiet")
    graftwork(*command, "--calibrate", "c.npy", "--scales-out", "a.jsonl", "-o", "a.onnx", cwd=tmp_path)
    wide = {line["fp32"]: line["reason"] for line in lines_of(tmp_path / "a.jsonl") if "fp32" in line}
    assert wide
    assert all("65504" in reason or "reaches" in reason for reason in list(wide.values())[:1])
    graftwork(*command, "--scales", "a.jsonl", "-o", "b.onnx", cwd=tmp_path)
    assert (tmp_path / "b.onnx").read_bytes() == (tmp_path / "a.onnx").read_bytes()


# ---- recipes --------------------------------------------------------------------------------------------


def test_recipe_that_was_followed_is_written(quantize, exported, tmp_path):
    data = calibrate(exported, "digits")
    options = ("--calibration-method", "percentile", "--skip", "separable.pointwise")
    first = quantize("digits", "a.onnx", *data, *options, "--config-out", "a.json")
    recipe = json.loads((tmp_path / "a.json").read_text())
    assert recipe["activation"]["calibration_method"] == "percentile"
    assert recipe["skip"]["stub"] == ["separable.pointwise"]
    again = quantize("digits", "b.onnx", *data, "--config", "a.json", "--config-out", "b.json")
    assert again == first
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()


# ---- provenance -----------------------------------------------------------------------------------------


def told(data):
    return {entry.key: entry.value for entry in onnx.load_model_from_string(data).metadata_props}


def test_file_says_where_it_comes_from(quantize, exported, tmp_path):
    data = calibrate(exported, "digits")
    first = told(quantize("digits", "a.onnx", *data))
    assert first == {
        "graftwork.samples": "8",
        "graftwork.activations": "mse",
        "graftwork.weights": "minmax",
        "graftwork.recipe": first["graftwork.recipe"],
        "graftwork.quantized": first["graftwork.quantized"],
    }
    assert onnx.load(tmp_path / "a.onnx").producer_name == "graftwork"
    fewer = told(quantize("digits", "b.onnx", *data, "--limit", "4"))
    assert fewer == first | {"graftwork.samples": "4"}
    minmax = told(quantize("digits", "c.onnx", *data, "--calibration-method", "minmax"))
    assert minmax["graftwork.activations"] == "minmax"
    assert minmax["graftwork.recipe"] != first["graftwork.recipe"]
    assert minmax["graftwork.quantized"] == first["graftwork.quantized"]
    skipped = told(quantize("digits", "d.onnx", *data, "--skip", "nn.Conv2d"))
    assert skipped["graftwork.quantized"] != first["graftwork.quantized"]
    assert skipped["graftwork.recipe"] == first["graftwork.recipe"]


def test_methods_are_those_of_the_scales(quantize, exported, tmp_path):
    options = ("--calibration-method", "minmax", "--scales-out", "a.jsonl")
    quantize("digits", "a.onnx", *calibrate(exported, "digits"), *options)
    first = told(quantize("digits", "b.onnx", "--scales", "a.jsonl", "--report", "b.json"))
    assert first["graftwork.activations"] == "minmax"
    assert json.loads((tmp_path / "b.json").read_text())["calibration"]["method"] == "minmax"
    lines = lines_of(tmp_path / "a.jsonl")
    next(line for line in lines if "stub" in line)["method"] = "by hand"
    write_lines(tmp_path / "c.jsonl", lines)
    mixed = told(quantize("digits", "c.onnx", "--scales", "c.jsonl"))
    assert mixed["graftwork.activations"] == "by hand, minmax"


def test_provenance_knows_no_place_and_no_time(quantize, exported, graftwork, tmp_path):
    first = quantize("digits", "a.onnx", *calibrate(exported, "digits"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(exported("digits").path, elsewhere / "other.pt2")
    shutil.copy(exported("digits").calibration, elsewhere / "data.npy")
    graftwork("quantize", "other.pt2", "--calibrate", "data.npy", "--quiet", "-o", "o.onnx", cwd=elsewhere)
    assert (elsewhere / "o.onnx").read_bytes() == first


# ---- what a file holds ----------------------------------------------------------------------------------


@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
@pytest.mark.parametrize("name", ["digits", "resnet18", "mobilenet_v2", "encoder"])
def test_file_holds_what_its_results_need_once(quantized, name, float_type):
    assert waste(onnx.load(quantized(name, "--float", float_type).path)) == []


@pytest.mark.parametrize("make", [torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN])
@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
def test_recurrent_weights_are_there_once(graftwork, tmp_path, make, float_type):
    torch.manual_seed(0)
    network = make(16, 32, num_layers=2, bidirectional=True, batch_first=True).eval()
    x = torch.randn(2, 9, 16)
    with torch.no_grad():
        save_pt2(network, tmp_path / "m.pt2", x)
        expected = network(x)[0].numpy()
    np.save(tmp_path / "c.npy", torch.randn(4, 9, 16).numpy())
    options = ("--float", float_type, "--quiet", "-o", "m.onnx")
    graftwork("quantize", "m.pt2", "--calibrate", "c.npy", *options, cwd=tmp_path)
    model = onnx.load(tmp_path / "m.onnx")
    assert waste(model) == []
    numbers = sum(parameter.numel() for parameter in network.parameters())
    stored = sum(numpy_helper.to_array(tensor).size for tensor in model.graph.initializer)
    assert numbers <= stored < 1.05 * numbers, "states and shapes are little"
    np.testing.assert_allclose(next(iter(run_onnx(model, x.numpy()).values())), expected, atol=2e-3)


class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = torch.nn.Linear(48, 48), torch.nn.Linear(48, 48)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(self.a(x).relu())


@pytest.fixture
def tied(graftwork, tmp_path):
    """A network of two layers with one weight, its input, and its file."""
    torch.manual_seed(0)
    network, x = Tied().eval(), torch.randn(2, 48)
    torch.export.save(torch.export.export(network, (x,)), tmp_path / "m.pt2")
    np.save(tmp_path / "c.npy", torch.randn(64, 48).numpy())
    graftwork("quantize", "m.pt2", "--calibrate", "c.npy", "--quiet", "-o", "m.onnx", cwd=tmp_path)
    return network, x, tmp_path / "m.onnx"


def test_tied_weights_are_there_once(tied):
    network, x, path = tied
    model = onnx.load(path)
    assert waste(model) == []
    codes = [tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.INT8 and tensor.dims]
    assert sum(np.prod(tensor.dims) >= 48 * 48 for tensor in codes) == 1
    with torch.no_grad():
        reference = network(x).numpy()
    np.testing.assert_allclose(only(run_onnx(model, x.numpy())), reference, atol=0.1)


@pytest.mark.rtx
def test_tied_weights_run_in_int8(rtx, tied):
    report = rtx.compile_apart(str(tied[2]), 89, {}, None, 300)
    assert report["accepted"], report
    assert report["summary"]["low_precision"] == {"Int8": 2}


def test_waste_is_found():
    """The measure of the tests above: of each kind one."""
    helper, weight = onnx.helper, np.arange(256, dtype=np.float32)
    nodes = [helper.make_node("Add", ["x", "a"], ["s"], "first"), helper.make_node("Add", ["s", "b"], ["y"], "second")]
    nodes.append(helper.make_node("Relu", ["x"], ["idle"], "third"))
    tensors = [numpy_helper.from_array(weight, name) for name in ("a", "b")]
    tensors.append(numpy_helper.from_array(weight[:3], "unread"))
    ports = [[helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [256])] for name in "xy"]
    model = helper.make_model(helper.make_graph(nodes, "g", *ports, tensors))
    assert waste(model) == ["node third is idle", "tensor b is a again", "tensor unread is not read"]
