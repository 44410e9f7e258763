"""Quantizers of activations and of weights. Until `quantize` enables them they pass on what they get."""

import torch
from torch import nn


class QuantStub(nn.Module):
    """Quantizes and dequantizes an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.enabled = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def extra_repr(self) -> str:
        return "" if self.enabled else "disabled"


class WeightFakeQuantize(nn.Module):
    """Quantizes and dequantizes a weight, along the axis of its output channels."""

    def __init__(self, axis: int = 0) -> None:
        super().__init__()
        self.axis = axis
        self.enabled = False

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight

    def run_layer(self, layer: nn.Module, *inputs: torch.Tensor) -> torch.Tensor:
        """The layer's result with its weight through this quantizer."""
        return layer(*inputs) if not self.enabled else run_with_weight(layer, self(layer.weight), *inputs)

    def extra_repr(self) -> str:
        return f"axis={self.axis}" + ("" if self.enabled else ", disabled")


def run_with_weight(layer: nn.Module, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
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
