"""Quantization: recipes, calibration, fake-quantized networks that train, and what becomes of them."""

from graftwork.modules.smooth_quant_observer import SmoothQuantObserver
from graftwork.precision import CalibrationMethod, Precision
from graftwork.quantize.config import (
    ActivationQuantConfig,
    QuantConfig,
    QuantPolicy,
    SmoothQuantConfig,
    TensorQuantConfig,
    WeightQuantConfig,
)
from graftwork.quantize.modules_to_skip import ModulesToSkip
from graftwork.quantize.quantization import quantize
from graftwork.quantize.quantized_model import QuantizedModel
from graftwork.quantize.report import QuantizationPlan, QuantizationReport
from graftwork.quantize.training import freeze_weights, learn_scales

__all__ = [
    "ActivationQuantConfig",
    "CalibrationMethod",
    "ModulesToSkip",
    "Precision",
    "QuantConfig",
    "QuantPolicy",
    "QuantizationPlan",
    "QuantizationReport",
    "QuantizedModel",
    "SmoothQuantConfig",
    "SmoothQuantObserver",
    "TensorQuantConfig",
    "WeightQuantConfig",
    "freeze_weights",
    "learn_scales",
    "quantize",
]
