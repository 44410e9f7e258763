"""Q and DQ on the weight of a fused module."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor, nn

from graftwork.errors import Error
from graftwork.fake_quant import fake_quantize
from graftwork.modules.hooks import has_hook
from graftwork.modules.quantizer import Quantizer
from graftwork.modules.weight_scales import weight_scales

__all__ = ["QuantizedLayer", "WeightFakeQuantize", "run_with_weight"]


_EXTRA_STATE = "_extra_state"
_SETTINGS = ("frozen", "per_channel", "method", "percentile")


class WeightFakeQuantize(Quantizer):
    """Fake-quantizes a weight by a scale for each output channel, for the whole, or for blocks of input channels.

    Scales follow the weight: each forward takes them anew from the weight as it is, until they are frozen or learned.
    The identity until it is enabled. ``state_dict`` of an enabled one says how they follow and whether they are frozen,
    in ``_extra_state``: JSON as a tensor of bytes.
    """

    axis: int
    block_size: int
    per_channel: bool
    method: str
    percentile: float
    #: Scales are what they are, whatever becomes of the weight.
    frozen: bool

    def __init__(
        self,
        precision: str = "int8",
        axis: int = 0,
        quant_min: int | None = None,
        block_size: int = 0,
    ) -> None:
        super().__init__(precision)
        self.__dict__.update(
            axis=axis,
            block_size=block_size,
            per_channel=True,
            method="minmax",
            percentile=99.99,
            frozen=False,
            _quant_min=quant_min,
        )

    @property
    def quant_min(self) -> int:
        # Weights that came with INT8 scales of their own may have one code more; others are symmetric.
        return self._quant_min if self._quant_min is not None and self.precision == "int8" else -self.quant_max

    @property
    def follows(self) -> bool:
        """Whether each forward takes the scales from the weight as it is."""
        fixed = self.frozen or self.log_scale is not None or self.zero_point is not None
        return self.enabled and not fixed

    def freeze(self, scale: Tensor | None = None) -> None:
        """Scales are constants from now on: ``scale``, or what they are."""
        if scale is None:
            scale = self.current_scale()
        if scale is not None:
            self.enable(scale, self.zero_point)
        self.frozen = True

    def learn(self, log_scale: nn.Parameter | None = None) -> nn.Parameter:
        learned = super().learn(log_scale)
        self.frozen = False
        return learned

    def forward(self, weight: Tensor) -> Tensor:
        scale = self.current_scale()
        if scale is None:
            return weight
        if self.follows:
            scale = weight_scales(
                weight, self.quant_max, self.axis, self.per_channel, self.block_size, self.method, self.percentile
            )
        return fake_quantize(weight, scale, self.zero_point, self.axis, self.quant_min, self.quant_max, self.precision)

    def run_layer(self, layer: nn.Module, *inputs: Tensor) -> Tensor:
        """The layer's result with its weight through this quantizer.

        Its hooks run, and see that weight, which the layer has for the time of the call, in all threads; but not where
        the weight is computed from others whenever it is read. Throws ``graftwork.Error`` "quantize.pruned" where a
        hook computes it, as those of torch.nn.utils.prune do."""
        if not self.enabled:
            return layer(*inputs)
        if "weight" in layer.__dict__:
            raise Error(
                "quantize.pruned",
                f"the weight of a {type(layer).__name__} is written by a hook, which would undo its quantization",
                "pruning the model before transform, or torch.nn.utils.prune.remove",
            )
        weight = self(layer.weight)
        if has_hook(layer) and "weight" in layer._parameters:
            return torch.func.functional_call(layer, {"weight": weight}, inputs)
        return run_with_weight(layer, weight, *inputs)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.enabled:
            settings = {name: getattr(self, name) for name in _SETTINGS}
            text = json.dumps(settings).encode()
            destination[prefix + _EXTRA_STATE] = torch.tensor(list(text), dtype=torch.uint8, device="cpu")

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        *others: Any,
    ) -> None:
        given = dict(state_dict)
        settings = given.pop(prefix + _EXTRA_STATE, None)
        if settings is not None:
            said = json.loads(bytes(settings.to("cpu", torch.uint8).tolist()))
            self.__dict__.update((name, said[name]) for name in _SETTINGS)  # and nothing else that a file may say
        elif strict and prefix + "scale" in given:
            missing_keys.append(prefix + _EXTRA_STATE)
        super()._load_from_state_dict(given, prefix, local_metadata, strict, missing_keys, *others)

    def extra_repr(self) -> str:
        return super().extra_repr() + (", follows the weight" if self.follows else "")


class QuantizedLayer(nn.Module):
    """A layer that is in no kernel, with its weight through a quantizer."""

    def __init__(self, layer: nn.Module, weight_fake_quant: WeightFakeQuantize) -> None:
        super().__init__()
        self.layer = layer
        self.weight_fake_quant = weight_fake_quant
        self.training = layer.training

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.weight_fake_quant.run_layer(self.layer, *inputs)


def run_with_weight(layer: nn.Module, weight: Tensor, x: Tensor) -> Tensor:
    """What a convolution or linear layer gives with another weight in the place of its own."""
    if isinstance(layer, nn.Linear):
        return nn.functional.linear(x, weight, layer.bias)
    if isinstance(layer, nn.modules.conv._ConvTransposeNd):
        return torch.ops.aten.convolution.default(
            x,
            weight,
            layer.bias,
            layer.stride,
            layer.padding,
            layer.dilation,
            True,
            layer.output_padding,
            layer.groups,
        )
    return layer._conv_forward(x, weight, layer.bias)
