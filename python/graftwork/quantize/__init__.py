"""Quantization: recipes, calibration, fake-quantized networks that train, and what becomes of them."""

from graftwork.quantize.config import (
    ActivationQuantConfig,
    QuantConfig,
    QuantPolicy,
    SmoothQuantConfig,
    TensorQuantConfig,
    WeightQuantConfig,
)
from graftwork.quantize.modules_to_skip import ModulesToSkip
from graftwork.precision import CalibrationMethod, Precision

__all__ = [
    "ActivationQuantConfig",
    "CalibrationMethod",
    "ModulesToSkip",
    "Precision",
    "QuantConfig",
    "QuantPolicy",
    "SmoothQuantConfig",
    "TensorQuantConfig",
    "WeightQuantConfig",
]
