"""Quantization-aware training: what of the quantizers trains, and when it ends."""

from __future__ import annotations

import torch
from torch import nn

from graftwork.errors import Error
from graftwork.modules.weight_fake_quantize import WeightFakeQuantize
from graftwork.quantize.quantized_model import QuantizedModel

__all__ = ["freeze_weights", "learn_scales"]


def learn_scales(model: QuantizedModel, activations: bool = True, weights: bool = True) -> list[nn.Parameter]:
    """Makes scales parameters (``log_scale``, see ``QuantStub``), and returns them: best given a learning rate of their
    own. Stubs that share a scale share the parameter. Those that are learned already go on; frozen ones of weights are
    learned from now on. Scales of attention's weights, which an engine may fix, and scales beside a zero point stay
    what they are. Throws ``graftwork.Error`` "quantize.model" for what ``quantize`` has not made."""
    _check(model, "learn_scales")
    parameters: dict[str, nn.Parameter] = {}
    groups = model.quantized.learnable_stubs
    for path, quantizer in model.quantizers():
        if isinstance(quantizer, WeightFakeQuantize):
            if weights and quantizer.zero_point is None:
                parameters[path] = quantizer.learn()
        elif activations and path in groups:
            group = groups[path]
            parameters[group] = quantizer.learn(parameters.get(group))
    return list(parameters.values())


@torch.no_grad()
def freeze_weights(model: QuantizedModel) -> QuantizedModel:
    """Makes the scales of weights constants, as the file will hold them, and returns the model. For the end of
    training: batch norms and weights that change afterwards no longer change them. Throws ``graftwork.Error``
    "quantize.model" for what ``quantize`` has not made, "quantize.disabled"."""
    _check(model, "freeze_weights")
    network = model.network_now(model.quantized.form)
    scales = model.quantized.weight_scales(network)
    for path, quantizer in model.quantizers():
        if isinstance(quantizer, WeightFakeQuantize) and path in scales and not quantizer.frozen:
            assert quantizer.scale is not None
            quantizer.freeze(scales[path].to(quantizer.scale.device))
    return model


def _check(model: nn.Module, function: str) -> None:
    if not isinstance(model, QuantizedModel):
        raise Error("quantize.model", f"{type(model).__name__} is no quantized model", f"{function}(quantize(...))")
