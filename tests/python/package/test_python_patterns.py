"""Patterns and kernels that are written in Python."""

import copy
import io

import graftwork
import pytest
import torch
from graftwork import FusedModule, Pattern
from graftwork.tensorrt import TENSORRT_PATTERNS
from torch import nn


class FusedDoubleAct(FusedModule):
    """2 · act(x)."""

    inputs_to_quantize = (0,)
    calls = 0

    def forward(self, x):
        type(self).calls += 1
        return 2 * self.part("act", x)


class DoubleActPattern(Pattern):
    tree = """
      %act = nn.ReLU(%x)
      %sum = aten.add.Tensor(%act, %act)
    """
    inputs = ("x",)
    parts = ("act",)
    result = "sum"
    kernel = FusedDoubleAct


class Doubled(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 4, 3), nn.ReLU()

    def forward(self, x):
        y = self.relu(self.conv(x))
        return y + y


@pytest.fixture
def doubled():
    torch.manual_seed(0)
    model, x = Doubled().eval(), torch.randn(2, 3, 6, 6)
    patterns = [DoubleActPattern, *TENSORRT_PATTERNS.without("ConvBNActPattern")]
    return model, x, graftwork.transform(model, (x,), patterns)


def test_a_kernel_of_ones_own_runs(doubled):
    model, x, result = doubled
    kernel = result.model.FusedDoubleAct_0
    assert isinstance(kernel, FusedDoubleAct)
    assert kernel.act is model.relu
    assert sorted(kernel.input_quant_stubs) == [0]
    torch.testing.assert_close(result.model(x), model(x))
    assert type(kernel).calls == 1
    assert result.report.counts["DoubleActPattern"] == 1


def test_its_body_is_what_was_found(doubled):
    model, x, result = doubled
    info = result.model.info
    assert "FusedDoubleAct @FusedDoubleAct_0(%fused_conv_bn_0) {stubs=[0]} [act=nn.ReLU @relu]" in info.network.text()
    torch.testing.assert_close(info.network.run(result.model.tensors(), [x])[0], model(x))
    (explanation,) = result.explain("relu")
    assert "DoubleActPattern took %relu, %add" in str(explanation)


def test_it_trains_copies_pickles_and_compiles(doubled):
    model, x, result = doubled
    result.model(x).sum().backward()
    assert model.conv.weight.grad.any()
    wanted = model(x)
    torch.testing.assert_close(copy.deepcopy(result.model)(x), wanted)
    file = io.BytesIO()
    torch.save(result.model, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    assert isinstance(loaded.FusedDoubleAct_0, FusedDoubleAct)
    torch.testing.assert_close(loaded(x), wanted)
    torch.testing.assert_close(torch.export.export(result.model, (x,)).module()(x), wanted)


def test_an_instance_stands_in_lists_and_plans(doubled):
    model, x, _ = doubled
    patterns = [DoubleActPattern(), *TENSORRT_PATTERNS.without("ConvBNActPattern")]
    plan = graftwork.get_transformation_plan(model, (x,), patterns)
    assert plan.matches["add"]["DoubleActPattern"].apply
    made = graftwork.apply_transformation_plan(plan).model
    assert isinstance(made.FusedDoubleAct_0, FusedDoubleAct)
    assert repr(patterns[0]) == "<fusion DoubleActPattern>"


def test_what_is_no_pattern_is_refused(doubled):
    model, x, _ = doubled
    with pytest.raises(TypeError, match="42 is no pattern"):
        graftwork.transform(model, (x,), [42])

    class BrokenPattern(DoubleActPattern):
        tree = "%act = nonsense("

    with pytest.raises(graftwork.Error) as caught:
        graftwork.transform(model, (x,), [BrokenPattern])
    assert caught.value.code == "gpat.syntax"
    assert caught.value.context[0].startswith("BrokenPattern:")
