"""NVIDIA TensorRT: its lists of patterns, in order. A subset of a list, or one with further patterns, is a list too."""

from graftwork.pattern_list import backend_list

TENSORRT_CONVERSIONS = backend_list("tensorrt", "conversion")
"""Structures that TensorRT does not understand, into ones that it does; run to a fix-point."""
TENSORRT_FUSIONS = backend_list("tensorrt", "fusion")
"""What TensorRT runs as one kernel; run once."""
TENSORRT_PATTERNS = TENSORRT_CONVERSIONS + TENSORRT_FUSIONS
"""What `transform` works through."""
TENSORRT_SMOOTHINGS = backend_list("tensorrt", "smoothing")
"""Where range moves from activations to weights."""
TENSORRT_QUANTIZATIONS = backend_list("tensorrt", "quantization")
"""What adds or removes stubs around kernels."""

__all__ = [
    "TENSORRT_CONVERSIONS",
    "TENSORRT_FUSIONS",
    "TENSORRT_PATTERNS",
    "TENSORRT_QUANTIZATIONS",
    "TENSORRT_SMOOTHINGS",
]
