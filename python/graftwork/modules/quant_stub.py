"""Q and DQ on a tensor between kernels."""

from __future__ import annotations

from torch import Tensor

from graftwork.errors import Error
from graftwork.fake_quant import fake_quantize
from graftwork.modules.quantizer import Quantizer

__all__ = ["QuantStub", "UnplacedStub"]


class QuantStub(Quantizer):
    """Fake-quantizes an activation by one scale for the tensor; the identity until it is enabled."""

    def forward(self, x: Tensor) -> Tensor:
        scale = self.current_scale()
        if scale is None:
            return x
        return fake_quantize(x, scale, self.zero_point, 0, self.quant_min, self.quant_max, self.precision)


class UnplacedStub(QuantStub):
    """Of an input in front of which no stub stands: the identity, for good."""

    def enable(self, scale: Tensor, zero_point: Tensor | None = None) -> None:
        raise Error(
            "quantize.stub",
            "this stub stands in no graph: enabled, it would change nothing",
            "quantize(), whose recipe and plan say where stubs stand",
        )
