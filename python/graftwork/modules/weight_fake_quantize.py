"""Q and DQ on the weight of a fused module."""

from __future__ import annotations

from torch import Tensor

from graftwork.fake_quant import fake_quantize
from graftwork.modules.quantizer import Quantizer
from graftwork.modules.weight_scales import weight_scales

__all__ = ["WeightFakeQuantize"]


class WeightFakeQuantize(Quantizer):
    """Fake-quantizes a weight by a scale for each output channel, for the whole, or for blocks of input channels.

    Scales follow the weight: each forward takes them anew from the weight as it is, until they are frozen or learned.
    The identity until it is enabled.
    """

    def __init__(
        self,
        precision: str = "int8",
        axis: int = 0,
        quant_min: int | None = None,
        block_size: int = 0,
    ) -> None:
        super().__init__(precision)
        self.axis = axis
        self.block_size = block_size
        self.per_channel = True
        self.method = "minmax"
        self.percentile = 99.99
        #: Scales are what they are, whatever becomes of the weight.
        self.frozen = False
        self._quant_min = quant_min

    @property
    def quant_min(self) -> int:
        return -self.quant_max if self._quant_min is None else self._quant_min

    def freeze(self, scale: Tensor | None = None) -> None:
        """Scales are constants from now on: ``scale``, or what they are."""
        if scale is None:
            scale = self.current_scale()
        if scale is not None:
            self.enable(scale, self.zero_point)
        self.frozen = True

    def forward(self, weight: Tensor) -> Tensor:
        scale = self.current_scale()
        if scale is None:
            return weight
        if not (self.frozen or self.log_scale is not None or self.zero_point is not None):
            scale = weight_scales(
                weight, self.quant_max, self.axis, self.per_channel, self.block_size, self.method, self.percentile
            )
        return fake_quantize(weight, scale, self.zero_point, self.axis, self.quant_min, self.quant_max, self.precision)

    def extra_repr(self) -> str:
        follows = self.enabled and not self.frozen and self.log_scale is None
        return super().extra_repr() + (", follows the weight" if follows else "")
