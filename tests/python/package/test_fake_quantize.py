"""The operator graftwork::fake_quantize: numbers, gradients, and what graphs and files make of it."""

import io
import math

import numpy as np
import pytest
import torch
from graftwork import Error
from graftwork.fake_quant import fake_quantize
from torch import nn

PER_TENSOR, PER_CHANNEL, BLOCKS = (), (6,), (6, 4)
RANGES = {"int8": (-128, 127), "int4": (-7, 7), "int16": (-32768, 32767), "fp8": (-448, 448)}


def reference(x, scale, zero_point, quant_min, quant_max, precision):
    """Catalogue arithmetic, element by element; scales already broadcast."""
    if precision == "fp8":
        clipped = (x / scale).clamp(quant_min, quant_max)
        return clipped.to(torch.float8_e4m3fn).to(x.dtype) * scale
    return ((x / scale).round().add(zero_point).clamp(quant_min, quant_max) - zero_point) * scale


def spread(scale, x):
    """A scale for each element of x."""
    if scale.dim() == 0:
        return scale.expand(x.shape)
    return scale.reshape(*scale.shape, 1).expand(*scale.shape, x.numel() // scale.numel()).reshape(x.shape)


def numbers(scale, seed=0):
    """Inside of the range, beyond its ends, and on the halves between two codes."""
    x = torch.randn(6, 8, generator=torch.Generator().manual_seed(seed)) * 80 * spread(scale, torch.empty(6, 8))
    x[:, :2] = torch.arange(-6, 6).reshape(6, 2).add(0.5) * spread(scale, x)[:, :2]
    return x


@pytest.mark.parametrize("precision", RANGES)
@pytest.mark.parametrize("shape", [PER_TENSOR, PER_CHANNEL, BLOCKS])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_values(precision, shape, dtype):
    scale = torch.rand(shape, generator=torch.Generator().manual_seed(1)) + 0.1
    x = numbers(scale).to(dtype)
    found = fake_quantize(x, scale, None, 0, *RANGES[precision], precision)
    wide = x if dtype == torch.float64 else x.float()
    assert found.dtype == dtype
    assert torch.equal(found, reference(wide, spread(scale, x), 0, *RANGES[precision], precision).to(dtype))


def test_what_cannot_be_quantized():
    scale = torch.tensor(0.1)
    with pytest.raises(ValueError, match="int9"):
        fake_quantize(torch.randn(3), scale, precision="int9")
    with pytest.raises(TypeError, match="int32"):
        fake_quantize(torch.zeros(3, dtype=torch.int32), scale)


@pytest.mark.parametrize("shape", [PER_TENSOR, PER_CHANNEL])
def test_zero_point(shape):
    scale, zero_point = torch.rand(shape) + 0.1, torch.randint(-100, 100, shape).float()
    x = numbers(scale)
    wanted = reference(x, spread(scale, x), spread(zero_point, x), -128, 127, "int8")
    assert torch.equal(fake_quantize(x, scale, zero_point), wanted)


def test_scale_along_another_axis_is_that_of_the_transposed():
    scale = torch.rand(8) + 0.1
    x = torch.randn(6, 8) * 50
    assert torch.equal(fake_quantize(x, scale, None, 1), fake_quantize(x.T.contiguous(), scale, None, 0).T)


def test_it_divides_where_torch_multiplies_by_the_reciprocal():
    scale = torch.tensor(0.0123).half().float()
    halves = (torch.arange(-254, 254) / 2 + 0.5) * scale
    assert torch.equal(fake_quantize(halves, scale), (halves / scale).round().clamp(-128, 127) * scale)


@pytest.mark.parametrize("precision", RANGES)
@pytest.mark.parametrize("shape", [PER_TENSOR, PER_CHANNEL])
def test_gradients_of_the_kernel_are_those_of_any_device(precision, shape):
    """CUDA takes the operators that this takes for float64."""
    low, high = RANGES[precision]
    scale = torch.rand(shape) + 0.1
    x = torch.randn(6, 8, generator=torch.Generator().manual_seed(0)) * high / 3  # no halves, which types round apart
    gradient = torch.randn_like(x)
    found = {}
    for dtype in (torch.float32, torch.float64):
        leaves = [tensor.detach().to(dtype, copy=True).requires_grad_() for tensor in (x, scale)]
        fake_quantize(*leaves, None, 0, low, high, precision).backward(gradient.to(dtype))
        found[dtype] = [leaf.grad.float() for leaf in leaves]
    for kernel, general in zip(*found.values(), strict=True):
        torch.testing.assert_close(kernel, general, rtol=1e-3, atol=1e-4 * high)


def test_gradient_passes_inside_the_range_alone():
    x = torch.tensor([-200.0, -128.0, 0.3, 127.0, 128.0], requires_grad=True)
    fake_quantize(x, torch.tensor(1.0)).sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 0]


def test_gradient_of_a_learned_scale():
    x, scale = torch.tensor([0.3, 0.6, 500.0, -500.0]), torch.tensor(1.0, requires_grad=True)
    fake_quantize(x, scale).sum().backward()
    wanted = (0 - 0.3) + (1 - 0.6) + 127 - 128
    assert scale.grad.item() == pytest.approx(wanted / math.sqrt(127), rel=1e-4)  # N: one element of a sample


def test_scale_without_gradient_gets_none():
    x, scale = torch.randn(4, requires_grad=True), torch.tensor(0.1)
    fake_quantize(x, scale).sum().backward()
    assert scale.grad is None


class Quantized(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 6)
        self.register_buffer("scale", torch.tensor(0.05))
        self.register_buffer("weight_scale", self.layer.weight.detach().abs().amax(1) / 150)

    def forward(self, x):
        weight = fake_quantize(self.layer.weight, self.weight_scale, None, 0, -127, 127)
        return nn.functional.linear(fake_quantize(x, self.scale), weight, self.layer.bias)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Quantized().eval(), torch.randn(3, 8) * 2


def test_export_keeps_it_whole(network):
    model, x = network
    program = torch.export.export(model, (x,))
    calls = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert calls == ["graftwork.fake_quantize.default"] * 2 + ["aten.linear.default"]
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    assert torch.equal(torch.export.load(file).module()(x), model(x))


def test_compiles_without_a_break(network):
    model, x = network
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    assert torch.equal(compiled(x), model(x))


def test_torch_onnx_writes_pairs(network, tmp_path):
    pytest.importorskip("onnxscript")
    import onnx
    import onnxruntime

    model, x = network
    path = tmp_path / "model.onnx"
    torch.onnx.export(model, (x,), path, dynamo=True, verbose=False)
    operators = [node.op_type for node in onnx.load(path).graph.node]
    assert operators.count("QuantizeLinear") == operators.count("DequantizeLinear") == 2
    session = onnxruntime.InferenceSession(path)
    value = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    np.testing.assert_allclose(value, model(x).detach().numpy(), atol=1e-5)


def test_torch_onnx_refuses_what_it_has_no_types_for(monkeypatch):
    monkeypatch.setattr(torch.onnx, "is_in_onnx_export", lambda: True)
    with pytest.raises(Error) as caught:
        fake_quantize(torch.randn(4, 8), torch.rand(4, 2), None, 0, -7, 7, "int4")
    assert caught.value.code == "onnx.precision"
    assert "graftwork.onnx.export_onnx" in caught.value.hint
