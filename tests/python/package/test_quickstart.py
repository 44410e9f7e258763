"""The quick start, as users paste it."""

import pytest
import small_networks as networks
import torch

QUICK_START = """
from graftwork import transform
from graftwork.tensorrt import TENSORRT_PATTERNS
from graftwork.quantize import quantize, QuantConfig, TensorQuantConfig, ModulesToSkip, Precision, CalibrationMethod

res = transform(model, (example_input,), patterns=TENSORRT_PATTERNS)
print(res.model.print_readable()); print(*res.matches, sep="\\n")
first_conv = res.model.FusedConvBNActMaxPool_0.conv           # a child, taken from the fused graph
config = QuantConfig(skip=ModulesToSkip(stub={first_conv}, weight={first_conv}))
q = quantize(res.model, (example_input,), config, forward_loop=lambda m: [m(x) for x in data], freeze_weights=True)
"""


@pytest.fixture(scope="module")
def names():
    """What the quick start leaves behind."""
    given = {"model": networks.residual(), "example_input": networks.images(4), "data": networks.images(16).split(4)}
    exec(QUICK_START, given)
    return given


def test_first_convolution_stays_float_and_all_others_do_not(names):
    q = names["q"]
    assert names["first_conv"] is names["model"].stem
    assert q.FusedConvBNActMaxPool_0.weight_fake_quant is None
    weights = [path for path, _ in q.quantizers() if "weight_fake_quant" in path]
    assert len(weights) == 3
    assert all(quantizer.frozen for path, quantizer in q.quantizers() if path in weights)


def test_it_computes_what_the_model_computes(names):
    x = names["example_input"]
    wanted, found = names["model"](x), names["q"](x)
    assert 10 * torch.log10(wanted.square().sum() / (wanted - found).square().sum()) > 25


def test_it_prints_what_was_done(names, capsys):
    exec(QUICK_START, {key: names[key] for key in ("model", "example_input", "data")})
    printed = capsys.readouterr().out
    assert "FusedConvBNAddAct @FusedConvBNAddAct_0" in printed
    assert "ConvBNAddActPattern" in printed
