"""Graftwork takes PyTorch networks to ONNX with explicit Q/DQ for TensorRT."""

import importlib
from typing import TYPE_CHECKING, Any

import torch  # noqa: F401  (libtorch, which _C is linked against)

from graftwork._C import Error
from graftwork._C import version as __version__

if TYPE_CHECKING:
    from graftwork.fast import FastModel, fast_eval
    from graftwork.modules import ConvertedModule, FusedModule, QuantStub, WeightFakeQuantize
    from graftwork.trace import Trace
    from graftwork.transformation import Report, TransformationResult, prepare_graph, transform

# What is imported when it is first asked for: importing the package must cost little.
_HOMES = {
    "ConvertedModule": "graftwork.modules",
    "FusedModule": "graftwork.modules",
    "QuantStub": "graftwork.modules",
    "FastModel": "graftwork.fast",
    "Report": "graftwork.transformation",
    "Trace": "graftwork.trace",
    "TransformationResult": "graftwork.transformation",
    "WeightFakeQuantize": "graftwork.modules",
    "fast_eval": "graftwork.fast",
    "prepare_graph": "graftwork.transformation",
    "transform": "graftwork.transformation",
}

__all__ = ["Error", "__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
