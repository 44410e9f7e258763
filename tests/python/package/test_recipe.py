"""Recipes in Python are those of the command: keys, defaults, errors."""

import json
from typing import ClassVar

import pytest
import torch
from graftwork import Error
from graftwork.modules.fused import FusedModule
from graftwork.quantize import (
    ActivationQuantConfig,
    CalibrationMethod,
    ModulesToSkip,
    Precision,
    QuantConfig,
    QuantPolicy,
    SmoothQuantConfig,
    TensorQuantConfig,
    WeightQuantConfig,
)
from torch import nn

FULL = QuantConfig(
    activation=ActivationQuantConfig(
        calibration_method=CalibrationMethod.PERCENTILE,
        percentile=99.9,
        softmax_scale="fixed",
        outlier_channels="keep",
    ),
    weight=WeightQuantConfig(
        Precision.INT8,
        per_channel=False,
        calibration_method="mse",
        percentile=98.0,
        rounding="adaround",
        rounding_iterations=7,
        bias_correction=False,
        cross_layer_equalization=True,
    ),
    skip=ModulesToSkip(stub={"head.*"}, weight={"b", "a"}, smooth={"norm"}),
    smooth_quant=SmoothQuantConfig(0.75, {"encoder.*": "search"}),
    policy=QuantPolicy(
        depthwise="float",
        squeeze_excite="float",
        first_and_last="float",
        tiny_products="float",
        global_pooling="float",
        rules=[{"match": {"name": "layer4.*"}, "precision": "float"}],
    ),
)


def test_defaults_are_those_of_the_command():
    recipe = json.loads(QuantConfig().to_json())
    assert json.loads(QuantConfig.from_json("{}").to_json()) == recipe
    assert (recipe["activation"]["calibration_method"], recipe["weight"]["calibration_method"]) == ("mse", "minmax")
    assert (recipe["activation"]["per_channel"], recipe["weight"]["per_channel"]) == (False, True)


def test_every_key_reaches_the_recipe():
    default, full = json.loads(QuantConfig().to_json()), json.loads(FULL.to_json())
    for part in ("activation", "weight", "policy"):
        for key in default[part]:
            same = key in ("precision", "symmetric") or (part, key) == ("activation", "per_channel")
            assert (full[part][key] == default[part][key]) == same, key
    assert full["skip"] == {"stub": ["head.*"], "weight": ["a", "b"], "smooth": ["norm"]}
    assert full["smooth_quant"] == {"alpha": 0.75, "pairs": {"encoder.*": "search"}}
    assert full["weight"]["rounding_iterations"] == 7


def test_recipe_reads_what_it_writes(tmp_path):
    path = tmp_path / "recipe.json"
    path.write_text(FULL.to_json())
    assert QuantConfig.from_file(path).to_json() == FULL.to_json()


def test_int4_blocks():
    recipe = json.loads(QuantConfig(weight=WeightQuantConfig(Precision.INT4, block_size=64)).to_json())
    assert (recipe["weight"]["precision"], recipe["weight"]["block_size"]) == ("int4", 64)


def test_smooth_quant_may_be_a_switch():
    assert json.loads(QuantConfig(smooth_quant=True).to_json())["smooth_quant"]["alpha"] == 0.5
    assert "smooth_quant" not in json.loads(QuantConfig(smooth_quant=False).to_json())


@pytest.mark.parametrize(
    ("config", "code", "words"),
    [
        (QuantConfig(activation=TensorQuantConfig(precision="int9")), "config.value", "int9"),
        (QuantConfig(activation=TensorQuantConfig(per_channel=True)), "config.value", "rule V11"),
        (QuantConfig(activation=TensorQuantConfig(calibration_method="guess")), "config.value", "guess"),
        (QuantConfig(weight=TensorQuantConfig(calibration_method="entropy")), "config.value", "entropy"),
        (QuantConfig(weight=ActivationQuantConfig()), "config.key", "softmax_scale"),
        (QuantConfig(policy=QuantPolicy(depthwise="fp4")), "config.value", "depthwise"),
        (QuantConfig(skip=ModulesToSkip(smooth={"norm"})), "config.value", "smooth_quant"),
    ],
)
def test_errors_are_those_of_the_command(config, code, words):
    with pytest.raises(Error) as caught:
        config.to_json()
    assert caught.value.code == code
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("precision", "activation", "weight"),
    [
        (Precision.INT8, (-128, 127), (-127, 127)),
        (Precision.INT4, (-8, 7), (-7, 7)),
        (Precision.INT16, (-32768, 32767), (-32767, 32767)),
        (Precision.FP8, (-448, 448), (-448, 448)),
    ],
)
def test_ends_of_the_range_follow_from_the_precision(precision, activation, weight):
    config = TensorQuantConfig(precision)
    assert (config.quant_min, config.quant_max) == activation
    assert (WeightQuantConfig(precision).quant_min, WeightQuantConfig(precision).quant_max) == weight


class Kernel(FusedModule):
    kernel: ClassVar = {"body": [], "inner_values": []}


@pytest.fixture
def kernels():
    """As a transformed network has its modules: kernels around the modules of the original."""
    conv, head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)
    network = nn.Module()
    network.FusedConvBN_0 = Kernel({"conv": conv, "bn": nn.BatchNorm2d(4)}, {})
    network.FusedLinear_0 = Kernel({"linear": head}, {})
    network.original = [nn.Sequential(conv), head]
    return network


def test_modules_and_types_are_named_by_their_kernels(kernels):
    block, head = kernels.original
    skip = ModulesToSkip(stub={block}, weight={head, nn.Conv2d, "layer*"})
    assert skip.names(kernels) == {"stub": ["FusedConvBN_0"], "weight": ["FusedConvBN_0", "FusedLinear_0", "layer*"]}


@pytest.mark.parametrize(("entry", "name"), [(nn.GELU, "GELU"), (nn.Linear(1, 1), "Linear")])
def test_what_is_nowhere_is_an_error(kernels, entry, name):
    with pytest.raises(Error) as caught:
        QuantConfig(skip=ModulesToSkip(weight={entry})).to_json(kernels)
    assert caught.value.code == "config.skip"
    assert name in caught.value.message
    assert "skip.weight" in caught.value.message


@pytest.mark.parametrize(
    ("entries", "words"),
    [("FusedConvBN_0", "one entry"), (nn.Linear, "one entry"), ([42], "42 of skip.stub is no module, class or name")],
)
def test_entries_that_are_none(entries, words):
    with pytest.raises(Error, match=words) as caught:
        ModulesToSkip(stub=entries)
    assert caught.value.code == "config.skip"


@pytest.mark.parametrize("key", ["activation", "weight", "skip", "policy"])
def test_parts_of_another_type(key):
    with pytest.raises(Error, match=f"{key} is a dict") as caught:
        QuantConfig(**{key: {}})
    assert caught.value.code == "config.type"


def test_cast_network_keeps_wide_scales():
    from graftwork.modules.quant_stub import QuantStub

    stub = QuantStub()
    stub.enable(torch.tensor(0.1))
    stub.learn()
    assert stub.half().scale.dtype == stub.bfloat16().log_scale.dtype == torch.float32
    assert stub.scale.item() == torch.tensor(0.1).item()
    assert stub(torch.randn(3).half()).dtype == torch.float16
