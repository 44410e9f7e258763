"""The ONNX file: legal, near the float network, and written by the rules that keep TensorRT's kernels whole."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto

import support
import zoo
from export import save_pt2

FP32 = ("--float", "fp32")
# Measured with MINMAX and 8 samples of noise, less a margin; a scale that is wrong somewhere costs far more.
LEAST_SQNR_DB = {"digits": 25, "resnet18": 25, "resnet50": 25, "mobilenet_v2": 20, "vgg16_bn": 20, "encoder": 33}


def rule_violations(model, region):
    """What in an onnx.ModelProto breaks the rules for explicit Q/DQ; `region` is the type of the float regions."""
    graph, found = support.QdqGraph(model), []
    scale_types = {TensorProto.FLOAT, region}

    def expect(condition, node, what):
        if not condition:
            found.append(f"{node.op_type} {node.name}: {what}")

    for node in graph.nodes("QuantizeLinear", "DequantizeLinear"):
        expect(graph.attribute(node, "axis") is not None, node, "axis not written")
        if len(node.input) < 3 or not all(graph.is_constant(name) for name in node.input[1:]):
            expect(False, node, "scale or zero point is not stored")
            continue
        scale, zero = graph.array(node.input[1]), graph.array(node.input[2])
        expect(graph.initializers[node.input[1]].data_type in scale_types, node, "scale in a foreign type")
        expect(scale.ndim == 0 or (scale.ndim == 1 and scale.size > 1), node, f"scale of shape {list(scale.shape)}")
        expect(np.isfinite(scale).all() and (scale > 0).all(), node, "scale not positive and finite")
        expect(zero.dtype == np.int8 and not zero.any(), node, "zero point is not int8 zero")
        expect(zero.shape == scale.shape, node, "zero point and scale differ in shape")
    weights = {node.output[0]: node for node in graph.weight_dequantizers()}
    for node in graph.activation_quantizers():
        expect(graph.array(node.input[1]).ndim == 0, node, "activation scale is not 0-D")
    for name, node in weights.items():
        codes = node.input[0]
        if graph.is_constant(codes):
            expect(graph.array(codes).dtype == np.int8, node, "weight codes are not int8")
            expect(np.abs(graph.array(codes).astype(int)).max() <= 127, node, "weight code -128")
            axis, shape = graph.attribute(node, "axis"), graph.array(codes).shape
            scale = graph.array(node.input[1])
            expect(scale.ndim == 0 or shape[axis] == scale.size, node, "scale does not fit its axis")
        expect(len(graph.consumers[name]) >= 1, node, f"{name} is not used")
    for node in graph.nodes("Conv", "Gemm"):
        if len(node.input) > 2:
            expect(graph.is_constant(node.input[2]), node, "bias is not stored")
            expect(graph.initializers[node.input[2]].data_type == region, node, "bias not in the region's type")
    return found


def onnx_opset(model):
    return next(entry.version for entry in model.opset_import if entry.domain == "")


@pytest.mark.parametrize("name", zoo.ZOO)
def test_fp32_file_is_legal_and_near_the_float_network(exported, quantized, name):
    file = quantized(name, *FP32).path
    onnx.checker.check_model(str(file), full_check=True)
    sqnr = support.sqnr_db(exported(name).reference(), support.only(support.run_onnx(file, exported(name).x)))
    print(f"{name}: {sqnr:.1f} dB")
    assert sqnr >= LEAST_SQNR_DB[name]


# Without the encoder: its norms take away what a bias would put right.
@pytest.mark.parametrize("name", [name for name in zoo.ZOO if name != "encoder"])
def test_corrected_biases_bring_it_nearer(exported, quantized, tmp_path, name):
    (tmp_path / "plain.json").write_text('{"weight": {"bias_correction": false}}')
    samples = np.load(exported(name).calibration)
    with torch.no_grad():
        expected = exported(name).model(torch.from_numpy(samples)).numpy()
    mean_error, sqnr = {}, {}
    for key, options in (("corrected", ()), ("plain", ("--config", tmp_path / "plain.json"))):
        file = quantized(name, *FP32, *options)
        got = support.only(support.run_onnx(file.path, samples))
        mean_error[key] = np.abs((got - expected).mean(0)).mean()
        sqnr[key] = support.sqnr_db(expected, got)
        assert (file.report["calibration"]["corrected_biases"] > 0) == (key == "corrected")
    print(f"{name}: {sqnr}, mean error {mean_error}")
    assert mean_error["corrected"] < 0.85 * mean_error["plain"]
    assert sqnr["corrected"] > sqnr["plain"] + 0.5


@pytest.mark.parametrize("name", zoo.ZOO)
def test_fp16_file_is_legal_and_near_the_float_network(exported, quantized, name):
    file = quantized(name).path
    onnx.checker.check_model(str(file), full_check=True)
    sqnr = support.sqnr_db(exported(name).reference(), support.only(support.run_onnx(file, exported(name).x)))
    print(f"{name}: {sqnr:.1f} dB")
    assert sqnr >= LEAST_SQNR_DB[name] - 1


@pytest.mark.parametrize("name", zoo.ZOO)
@pytest.mark.parametrize("region", ["fp32", "fp16"])
def test_file_keeps_the_rules(quantized, name, region):
    model = onnx.load(quantized(name, *(FP32 if region == "fp32" else ())).path)
    assert rule_violations(model, TensorProto.FLOAT if region == "fp32" else TensorProto.FLOAT16) == []
    assert onnx_opset(model) >= 19


@pytest.mark.parametrize("name", zoo.ZOO)
def test_every_convolution_and_product_reads_codes(exported, quantized, name):
    graph = support.QdqGraph(quantized(name, *FP32).path)
    weights = {node.output[0] for node in graph.weight_dequantizers()}
    activations = {graph.stub_of(node) for node in graph.activation_quantizers()}
    layers = graph.nodes("Conv", "Gemm", "MatMul")
    assert len(layers) == zoo.products(exported(name).model)
    assert sum(layer.input[1] in weights for layer in layers) == zoo.weighted_layers(exported(name).model)
    for layer in layers:
        for operand in layer.input[:2]:
            is_quantized = operand in weights or graph.behind_copies(operand) in activations
            assert is_quantized, f"{layer.name} reads {operand}"


def test_rules_notice_a_scale_of_shape_one(quantized):
    model = onnx.load(quantized("digits", *FP32).path)
    scale = support.QdqGraph(model).activation_quantizers()[0].input[1]
    next(tensor for tensor in model.graph.initializer if tensor.name == scale).dims.append(1)
    assert any("scale of shape [1]" in text for text in rule_violations(model, TensorProto.FLOAT))


def test_weights_are_stored_as_codes(quantized):
    graph = support.QdqGraph(quantized("digits", *FP32).path)
    assert graph.weight_dequantizers()
    assert all(graph.is_constant(node.input[0]) for node in graph.weight_dequantizers())


def test_weights_float_stores_floats_and_gives_the_same_result(exported, quantized):
    codes, floats = quantized("digits", *FP32), quantized("digits", *FP32, "--weights", "float")
    graph = support.QdqGraph(floats.path)
    assert len(graph.weight_dequantizers()) == len(support.QdqGraph(codes.path).weight_dequantizers())
    for node in graph.weight_dequantizers():
        quantizer = graph.producer[node.input[0]]
        assert quantizer.op_type == "QuantizeLinear"
        assert graph.initializers[quantizer.input[0]].data_type == TensorProto.FLOAT
    onnx.checker.check_model(str(floats.path), full_check=True)
    x = exported("digits").x
    expected = support.only(support.run_onnx(codes.path, x))
    assert support.relative_error(support.only(support.run_onnx(floats.path, x)), expected) <= 1e-5


def test_opset_can_be_raised(exported, quantized):
    lowest, raised = quantized("digits", *FP32).path, quantized("digits", *FP32, "--opset", 21).path
    assert onnx_opset(onnx.load(lowest)) < 21
    assert onnx_opset(onnx.load(raised)) == 21
    onnx.checker.check_model(str(raised), full_check=True)
    x = exported("digits").x
    np.testing.assert_array_equal(support.only(support.run_onnx(raised, x)), support.only(support.run_onnx(lowest, x)))


def test_batch_stays_dynamic(exported, quantized):
    model = onnx.load(quantized("digits").path)
    assert model.graph.input[0].name == "x"
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param != ""
    x = zoo.samples("digits", 3).numpy()
    assert support.only(support.run_onnx(model, x)).shape == (3, 10)


def test_file_names_no_path_of_this_machine(exported, quantized):
    data = quantized("digits").path.read_bytes()
    for path in (exported("digits").path.parent, support.ROOT):
        assert str(path).encode() not in data


def test_skipped_layer_stays_float(quantized):
    whole = support.QdqGraph(quantized("digits", *FP32).path)
    less = support.QdqGraph(quantized("digits", *FP32, "--skip", "classifier").path)
    assert len(less.weight_dequantizers()) == len(whole.weight_dequantizers()) - 1
    assert len(less.nodes("Conv", "Gemm", "MatMul")) == len(whole.nodes("Conv", "Gemm", "MatMul"))


class MixedTypes(torch.nn.Module):
    """Operators whose operands differ in type, and reductions over everything."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.register_buffer("steps", torch.arange(1, 5).reshape(4, 1, 1))

    def forward(self, x):
        y = self.conv(x)
        positive = (y * self.steps) / (self.steps * 2) + self.steps / 3
        counts = (self.steps * 3 - 1).clamp(max=8) * 1.5
        return positive * torch.sigmoid(self.steps) + counts - y.mean(dim=[], keepdim=True) + (self.steps + 1).sum()


def test_operands_of_different_types_are_promoted_as_pytorch_does(graftwork, tmp_path):
    model, x = MixedTypes().eval(), torch.randn(2, 3, 8, 8)
    save_pt2(model, tmp_path / "mixed.pt2", x, dynamic_batch=False)
    np.save(tmp_path / "x.npy", x.numpy())
    out = tmp_path / "mixed.onnx"
    graftwork("quantize", tmp_path / "mixed.pt2", "--calibrate", tmp_path / "x.npy", *FP32, "--skip", "conv", "-o", out)
    onnx.checker.check_model(str(out), full_check=True)
    with torch.no_grad():
        assert support.relative_error(support.only(support.run_onnx(out, x.numpy())), model(x).numpy()) <= 1e-5


def test_two_even_windows_with_same_padding(graftwork, tmp_path):
    """What they add on one side alone is a Pad of its own for each."""
    layers = [torch.nn.Conv1d(4, 8, 4, padding="same"), torch.nn.ReLU(), torch.nn.Conv1d(8, 8, 4, padding="same")]
    model, x = torch.nn.Sequential(*layers).eval(), torch.randn(2, 4, 32, generator=torch.Generator().manual_seed(5))
    save_pt2(model, tmp_path / "same.pt2", x, dynamic_batch=False)
    np.save(tmp_path / "x.npy", x.numpy())
    out = tmp_path / "same.onnx"
    graftwork("quantize", tmp_path / "same.pt2", "--calibrate", tmp_path / "x.npy", *FP32, "-o", out)
    onnx.checker.check_model(str(out), full_check=True)
    graph = support.QdqGraph(out)
    assert [node.name for node in graph.nodes("Pad")] == ["pad", "pad_1"]
    assert len(graph.activation_quantizers()) == 2
    with torch.no_grad():
        assert support.sqnr_db(model(x).numpy(), support.only(support.run_onnx(out, x.numpy()))) >= 25
