"""Patterns and kernels that are written in Python."""

import copy
import io

import graftwork
import pytest
import torch
from graftwork import FusedModule, Pattern
from graftwork.tensorrt import TENSORRT_PATTERNS
from package_networks import Doubled
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


class ScaledTwicePattern(Pattern):
    """Two factors become one."""

    section = "conversion"
    tree = """
      %a = aten.mul.Tensor(%x)
      %b = aten.mul.Tensor(%a)
    """
    seen = None

    def replace(self, match, stage):
        factors = [match[name].attributes["other"] for name in ("a", "b")]
        if 0 in factors:
            return "a factor is zero"
        type(self).seen = match["b"]
        assert match["b"].op == "aten.mul.Tensor"
        assert match["b"].inputs[0].name == match["a"].name == "mul"
        assert match["x"].shape == (2, 3)
        assert match["x"].dtype == torch.float32
        assert match["a"].users == 1
        stage.replace(match["b"], stage.call("aten.mul.Tensor", [match["x"]], {"other": factors[0] * factors[1]}))
        return None


class Scaled(nn.Module):
    def __init__(self, *factors):
        super().__init__()
        self.factors = factors

    def forward(self, x):
        for factor in self.factors:
            x = x * factor
        return torch.tanh(x)


def test_a_replacement_in_python():
    model, x = Scaled(2.0, 3.0), torch.randn(2, 3)
    result = graftwork.transform(model, (x,), [ScaledTwicePattern])
    assert "aten.mul.Tensor(%x) {other=6.0}" in result.model.print_readable()
    assert result.report.counts["ScaledTwicePattern"] == 1
    torch.testing.assert_close(result.model(x), model(x))
    with pytest.raises(graftwork.Error) as caught:
        ScaledTwicePattern.seen.name  # noqa: B018
    assert caught.value.code == "pattern.over"


def test_a_replacement_that_declines_says_why():
    model, x = Scaled(2.0, 0.0), torch.randn(2, 3)
    result = graftwork.transform(model, (x,), [ScaledTwicePattern()])
    (skip,) = [skip for skip in result.report.skipped if skip.pattern == "ScaledTwicePattern"]
    assert skip.reason == "a factor is zero"
    torch.testing.assert_close(result.model(x), model(x))


def turned(match, stage):
    return stage.call("aten.transpose.int", [match["x"]], {"dim0": 0, "dim1": 1})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda match, stage: stage.replace(
                match["b"], stage.call("aten.transpose.int", [match["x"]], {"dim0": 0, "dim1": 1})
            ),
            "[3, 2]",
        ),
        (lambda match, stage: stage.replace(match["x"], match["b"]), "before it is ready"),
    ],
)
def test_a_replacement_that_cannot_be_leaves_the_network_as_it_was(change, reason):
    class BadPattern(ScaledTwicePattern):
        def replace(self, match, stage):
            return change(match, stage)

    model, x = Scaled(2.0, 3.0), torch.randn(2, 3)
    result = graftwork.transform(model, (x,), [BadPattern])
    (skip,) = [skip for skip in result.report.skipped if skip.pattern == "BadPattern"]
    assert reason in skip.reason
    torch.testing.assert_close(result.model(x), model(x))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda match, stage: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda match, stage: match["y"], "KeyError: 'y'"),
        (lambda match, stage: stage.call("nonsense", [match["x"]], {"a": object()}), "an attribute cannot be"),
    ],
)
def test_a_mistake_in_a_replacement_is_a_warning(change, reason):
    class WrongPattern(ScaledTwicePattern):
        def replace(self, match, stage):
            return change(match, stage)

    model, x = Scaled(2.0, 3.0), torch.randn(2, 3)
    with pytest.warns(RuntimeWarning, match="WrongPattern.replace"):
        result = graftwork.transform(model, (x,), [WrongPattern])
    (skip,) = [skip for skip in result.report.skipped if skip.pattern == "WrongPattern"]
    assert reason in skip.reason
    assert "\n" not in skip.reason
    torch.testing.assert_close(result.model(x), model(x))


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_replacement_may_be_interrupted(stop):
    class EndlessPattern(ScaledTwicePattern):
        def replace(self, match, stage):
            raise stop

    with pytest.raises(stop):
        graftwork.transform(Scaled(2.0, 3.0), (torch.randn(2, 3),), [EndlessPattern])


def test_a_pattern_that_does_nothing_is_refused():
    class EmptyPattern(Pattern):
        tree = "%a = nn.ReLU(%x)"

    with pytest.raises(graftwork.Error, match="neither a kernel nor replace") as caught:
        graftwork.transform(nn.ReLU(), (torch.randn(2),), [EmptyPattern])
    assert caught.value.code == "pattern.class"


def test_a_replacement_makes_modules_of_parameters():
    class SplitLinearPattern(Pattern):
        section = "conversion"
        tree = """
          %linear = nn.Linear(%x)
          %act = nn.Tanh(%linear)
        """

        def replace(self, match, stage):
            linear = match["linear"]
            weight, bias = linear.parameter("weight"), linear.parameter("bias")
            rows = weight.shape[0] // 2
            halves = []
            for k in range(2):
                begin, end = k * rows, (k + 1) * rows
                attributes = linear.attributes | {"out_features": rows}
                parameters = {"weight": weight.slice(0, begin, end), "bias": bias.slice(0, begin, end)}
                path = f"{linear.path}.half{k}"
                halves.append(stage.call_module("nn.Linear", [match["x"]], attributes, parameters, path=path))
            joined = stage.call("aten.cat.default", halves, {"dim": -1})
            stage.replace(match["act"], stage.call_module("nn.Tanh", [joined], {}, {}, path=f"{match['act'].path}.all"))

    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(4, 6), nn.Tanh()), torch.randn(2, 4)
    result = graftwork.transform(model, (x,), [SplitLinearPattern])
    torch.testing.assert_close(result.model(x), model(x))
    assert {id(p) for p in result.model.parameters()} == {id(p) for p in model.parameters()}
    result.model(x).sum().backward()
    assert model[0].weight.grad.all()
