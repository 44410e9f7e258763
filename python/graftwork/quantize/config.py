"""The recipe: what is quantized and how. The same keys, defaults and errors as the recipes of the command."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from os import PathLike, fsencode
from typing import Any, TypeVar

from torch import nn

from graftwork import _C
from graftwork.errors import Error
from graftwork.precision import CalibrationMethod, Precision
from graftwork.quantize.modules_to_skip import ModulesToSkip

__all__ = [
    "ActivationQuantConfig",
    "QuantConfig",
    "QuantPolicy",
    "SmoothQuantConfig",
    "TensorQuantConfig",
    "WeightQuantConfig",
]


@dataclass
class TensorQuantConfig:
    """How tensors are quantized. What is None is as its place has it: the range of an activation by MSE, of a weight
    by MINMAX with a scale for each output channel; FP8 and affine ranges always by MINMAX."""

    precision: Precision | str = Precision.INT8
    #: Without, codes have a zero point. For study: export refuses it.
    symmetric: bool = True
    #: A scale for each output channel of a weight. Activations have one for the tensor.
    per_channel: bool | None = None
    calibration_method: CalibrationMethod | str | None = None
    #: Share of the values that PERCENTILE keeps, above 0 and up to 100.
    percentile: float = 99.99

    @property
    def quant_max(self) -> int:
        """The largest code."""
        return Precision(self.precision).quant_max

    @property
    def quant_min(self) -> int:
        """The least code."""
        return Precision(self.precision).quant_min


@dataclass
class ActivationQuantConfig(TensorQuantConfig):
    """How activations are quantized."""

    #: Where the scale of attention's weights comes from: "calibrated" (never above 1/127), or "fixed" at that.
    softmax_scale: str = "calibrated"
    #: What becomes of a tensor of which few channels are much larger than all others: "keep", "divide_linear" (in
    #: front of linear layers they are divided and the weights multiplied, where that wins enough), "divide".
    outlier_channels: str = "divide_linear"


@dataclass
class WeightQuantConfig(TensorQuantConfig):
    """How weights are quantized."""

    #: Input channels of linear layers that share a scale, 64 or 128, of INT4. None: a scale for each output channel.
    block_size: int | None = None
    #: How codes are chosen: "nearest", "gptq" or "adaround", the last in rounding_iterations (300) steps of training.
    rounding: str = "nearest"
    rounding_iterations: int | None = None
    #: Whether biases make up for what rounding does to the mean of each output channel.
    bias_correction: bool = True
    #: Whether layers and those that read them share the differences between channels.
    cross_layer_equalization: bool = False

    @property
    def quant_min(self) -> int:
        return -self.quant_max


@dataclass
class QuantPolicy:
    """What stays in floating point by its kind, "int8" or "float" each, and rules, which come first: ``{"match":
    {"name": "layer4.*", "type": "nn.Conv2d", "scope": "layer4"}, "precision": "float"}``."""

    depthwise: str = "int8"
    squeeze_excite: str = "int8"
    first_and_last: str = "int8"
    tiny_products: str = "int8"
    global_pooling: str = "int8"
    rules: Sequence[Mapping[str, Any]] = ()


@dataclass
class SmoothQuantConfig:
    """How much of the difference between channels goes from an activation into the weights behind it, 0 to 1, or
    "search" for the best of each pair; ``pairs`` says so for those whose path fits a pattern."""

    alpha: float | str = 0.5
    pairs: Mapping[str, float | str] = field(default_factory=dict)


@dataclass
class QuantConfig:
    """The whole recipe. Values are not checked before it is used: then a key or value that cannot be is a
    ``graftwork.Error`` "config.key" or "config.value", as the command says it."""

    activation: TensorQuantConfig = field(default_factory=ActivationQuantConfig)
    weight: TensorQuantConfig = field(default_factory=WeightQuantConfig)
    skip: ModulesToSkip = field(default_factory=ModulesToSkip)
    smooth_quant: SmoothQuantConfig | bool | None = None
    policy: QuantPolicy = field(default_factory=QuantPolicy)

    def __post_init__(self) -> None:
        kinds = {
            "activation": TensorQuantConfig,
            "weight": TensorQuantConfig,
            "skip": ModulesToSkip,
            "policy": QuantPolicy,
        }
        for key, kind in kinds.items():
            given = getattr(self, key)
            if not isinstance(given, kind):
                raise Error(
                    "config.type",
                    f"{key} is a {type(given).__name__}, not a {kind.__name__}",
                    f"{kind.__name__}(...); QuantConfig.from_json reads a recipe as text",
                )

    @classmethod
    def from_json(cls, text: str) -> QuantConfig:
        """A recipe of the command. Throws ``graftwork.Error`` "config.*" that names the key."""
        return cls._of_text(_C.recipe_text(text))

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> QuantConfig:
        """``from_json`` of a file; ``graftwork.Error`` "file.*" where it cannot be read."""
        return cls._of_text(_C.recipe_text_of_file(fsencode(path)))

    @classmethod
    def _of_text(cls, text: str) -> QuantConfig:
        """Of a text with every key."""
        given = json.loads(text)
        smooth = given.get("smooth_quant")
        return cls(
            activation=_filled(ActivationQuantConfig, given["activation"]),
            weight=_filled(WeightQuantConfig, given["weight"]),
            skip=ModulesToSkip(**{purpose: set(names) for purpose, names in given["skip"].items()}),
            smooth_quant=None if smooth is None else SmoothQuantConfig(**smooth),
            policy=QuantPolicy(**given["policy"]),
        )

    def to_json(self, model: nn.Module | None = None) -> str:
        """The recipe as the command reads it, with every key. ``model`` is the transformed one that modules and types
        of ``skip`` are looked for in; names need none. Throws ``graftwork.Error`` "config.*"."""
        return _C.recipe_text(json.dumps(self._keys(model)))

    def _keys(self, model: nn.Module | None) -> dict[str, Any]:
        keys: dict[str, Any] = {
            "activation": _keys_of(self.activation),
            "weight": _keys_of(self.weight),
            "policy": {**dataclasses.asdict(self.policy), "rules": list(self.policy.rules)},
            "skip": self.skip.names(model),
        }
        smooth = SmoothQuantConfig() if self.smooth_quant is True else self.smooth_quant
        if smooth:
            keys["smooth_quant"] = {"alpha": smooth.alpha, "pairs": dict(smooth.pairs)}
        return keys


_Config = TypeVar("_Config", bound=TensorQuantConfig)


def _filled(kind: type[_Config], keys: dict[str, Any]) -> _Config:
    method = CalibrationMethod(keys["calibration_method"])
    return kind(**{**keys, "precision": Precision(keys["precision"]), "calibration_method": method})


def _keys_of(config: TensorQuantConfig) -> dict[str, Any]:
    keys = {name: value for name, value in dataclasses.asdict(config).items() if value is not None}
    return {name: value.value if isinstance(value, Enum) else value for name, value in keys.items()}
