"""What tensors are quantized to, and how ranges are found."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["CalibrationMethod", "Precision"]


class Precision(StrEnum):
    """Codes of a quantized tensor. Symmetric integers; weights have one code less at the lower end."""

    INT8 = "int8"
    #: Weights in blocks; activations for study.
    INT4 = "int4"
    #: For study: no engine takes it.
    INT16 = "int16"
    #: E4M3, numbers up to 448.
    FP8 = "fp8"

    @property
    def quant_max(self) -> int:
        """The largest code; of FP8 the largest number."""
        return {"int8": 127, "int4": 7, "int16": 32767, "fp8": 448}[self.value]

    @property
    def quant_min(self) -> int:
        """The least code of an activation."""
        return -self.quant_max if self is Precision.FP8 else -self.quant_max - 1


class CalibrationMethod(StrEnum):
    """How a range is found in calibration data, or in a weight (MINMAX, PERCENTILE and MSE)."""

    #: All values.
    MINMAX = "minmax"
    #: The ends of each sample, each new one with a weight of 0.01: depends on the samples' order.
    MOVING_AVERAGE_MINMAX = "moving_average_minmax"
    #: Narrowed as long as that makes the expected squared error less.
    HISTOGRAM = "histogram"
    #: All but a share of the largest (TensorQuantConfig.percentile).
    PERCENTILE = "percentile"
    #: What keeps the distribution: least Kullback-Leibler divergence.
    ENTROPY = "entropy"
    #: What makes the expected squared error of quantization least.
    MSE = "mse"
