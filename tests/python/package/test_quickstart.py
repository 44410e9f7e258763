"""The quick start, as users paste it from README.md."""

import pytest
import small_networks as networks
import torch

import pages

QUICK_START = pages.block("README.md", "Or in Python, on the live model").body


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
