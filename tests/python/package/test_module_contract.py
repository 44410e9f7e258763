"""What fused modules promise: stubs, quantizers of weights, types, and how they print."""

import graftwork
import pytest
import torch
from graftwork import ConvertedModule, FusedModule, QuantStub, WeightFakeQuantize, modules
from package_networks import Encoder, ResidualNet
from torch import nn

KINDS = {
    "FusedConvBN": (0,),
    "FusedConvBNAct": (0,),
    "FusedConvBNActMaxPool": (0,),
    "FusedConvBNAddAct": (0, 1),
    "FusedLinear": (0,),
    "FusedLinearAct": (0,),
    "FusedLayerNorm": (),
    "FusedMHAInProjection": (0,),
    "FusedScaledDotProductAttention": (),
    "FusedSwinAttention": (),
    "FusedActAdd": (0, 1),
    "FusedAdaptiveAvgPool2d": (),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_type_declares_what_is_quantized(name):
    kind = getattr(modules, name)
    assert issubclass(kind, FusedModule)
    assert kind.inputs_to_quantize == KINDS[name]
    assert kind.prefers_fp_input == (name == "FusedLayerNorm")
    assert kind.__doc__.startswith(f"kernel {name}(")


def test_types_are_those_of_the_instances(residual):
    assert isinstance(residual.made.FusedConvBNAct_0, modules.FusedConvBNAct)
    assert issubclass(modules.MHAInProjection, ConvertedModule)
    assert not issubclass(modules.MHAInProjection, FusedModule)
    with pytest.raises(AttributeError):
        modules.NoSuchKernel  # noqa: B018


def test_stubs_are_there_and_disabled(residual):
    kernel = residual.made.FusedConvBNAddAct_0
    assert sorted(kernel.input_quant_stubs) == [0, 1]
    for stub in kernel.input_quant_stubs.values():
        assert isinstance(stub, QuantStub)
        assert not stub.enabled
        assert stub(residual.x) is residual.x
    assert kernel.surrounded is False


def test_a_weight_has_its_quantizer(residual):
    kernel = residual.made.FusedConvBNAct_0
    assert isinstance(kernel.weight_fake_quant, WeightFakeQuantize)
    assert not kernel.weight_fake_quant.enabled
    assert kernel.quantized_weight is residual.model.layer1.conv1.weight


def test_a_grouped_convolution_without_a_kernel_stays_float():
    model = nn.Sequential(nn.Conv2d(6, 6, 3, groups=3), nn.ReLU())
    kernel = graftwork.transform(model, (torch.randn(1, 6, 8, 8),)).model.FusedConvBNAct_0
    assert kernel.input_quant_stubs == {}
    assert kernel.weight_fake_quant is None
    assert kernel.quantized_weight is None


def test_modules_print_their_parts(residual):
    text = repr(residual.made)
    assert "track_running_stats=True) (foldable)\n" in text
    assert text.startswith(
        "TransformedModel(\n  (FusedConvBNActMaxPool_0): FusedConvBNActMaxPool(\n    (conv): Conv2d("
    )
    assert "(weight_fake_quant): WeightFakeQuantize(int8, disabled)" in text


def test_the_network_prints_as_the_command_prints_it(residual, capsys):
    text = residual.made.print_readable()
    assert capsys.readouterr().out == ""
    assert "FusedConvBNAct @FusedConvBNAct_0(%fused_conv_bn_act_max_pool_0) {stubs=[0]} [conv=nn.Conv2d" in text
    residual.made.print_readable(print_output=True)
    assert capsys.readouterr().out == text + "\n"


def test_attention_has_torch_compute_it_at_once():
    torch.manual_seed(0)
    model, x = Encoder().eval(), torch.randn(2, 8, 32)
    made = graftwork.transform(model, (x,)).model
    attention = made.FusedScaledDotProductAttention_0
    program = torch.export.export(made, (x,))
    called = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert called.count("aten.scaled_dot_product_attention.default") == 2
    wanted = made(x)
    attention.softmax_quant = QuantStub()
    attention.softmax_quant.enable(torch.tensor(1 / 32767))
    attention.softmax_quant.precision = "int16"  # so fine that only the path differs
    program = torch.export.export(made, (x,))
    called = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert called.count("aten.scaled_dot_product_attention.default") == 1
    torch.testing.assert_close(made(x), wanted, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("masked", ["float", "bool", "causal"])
def test_attention_with_masks(masked):
    class Attention(nn.Module):
        def forward(self, q, mask):
            mask = mask > 0 if masked == "bool" else mask
            if masked == "causal":
                return nn.functional.scaled_dot_product_attention(q, q, q, is_causal=True, scale=0.3)
            return nn.functional.scaled_dot_product_attention(q, q, q, attn_mask=mask)

    torch.manual_seed(0)
    q, mask = torch.randn(2, 2, 6, 16), torch.randn(6, 6) + 1
    made = graftwork.transform(Attention(), (q, mask)).model
    assert isinstance(made.FusedScaledDotProductAttention_0, modules.FusedScaledDotProductAttention)
    torch.testing.assert_close(made(q, mask), Attention()(q, mask), atol=1e-5, rtol=1e-4)


def test_prepared_networks_have_modules_and_no_kernels():
    model = ResidualNet().eval()
    result = graftwork.prepare_graph(model, (torch.randn(2, 3, 32, 32),))
    assert result.model.layer1.conv1 is model.layer1.conv1
    assert not any(isinstance(module, FusedModule) for module in result.model.modules())
    assert result.report.counts["RaiseConvPattern"] == 6


def test_a_kernel_may_call_its_values_as_python_calls_its_words():
    text = """
    fusion LambdaPattern {
      %lambda = nn.ReLU(%self)
      %torch = nn.Tanh(%lambda)
      => %torch = kernel FusedWords(%self) [lambda, torch] quantize %self
    }
    """
    model, x = nn.Sequential(nn.ReLU(), nn.Tanh()), torch.randn(2, 3)
    made = graftwork.transform(model, (x,), graftwork.patterns(text)).model
    assert isinstance(made.FusedWords_0, FusedModule)
    assert torch.equal(made(x), model(x))
