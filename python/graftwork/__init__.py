"""Graftwork takes PyTorch networks to ONNX with explicit Q/DQ for TensorRT."""

import importlib
from typing import TYPE_CHECKING, Any

import torch  # noqa: F401  (libtorch, which _C is linked against)

from graftwork._C import version as __version__
from graftwork.errors import Error

if TYPE_CHECKING:
    from graftwork.explanation import Explanation
    from graftwork.fast import FastModel, fast_eval
    from graftwork.graph_module import TransformedModel
    from graftwork.match import Match, Report
    from graftwork.modules import ConvertedModule, FusedModule, QuantStub, WeightFakeQuantize
    from graftwork.pattern_list import PatternList, pattern, patterns
    from graftwork.plans import TransformationPlan, apply_transformation_plan, get_transformation_plan
    from graftwork.python_pattern import Pattern
    from graftwork.stage import Parameter, Stage, Value
    from graftwork.trace import Trace
    from graftwork.transformation import TransformationResult, prepare_graph, transform

# What is imported when it is first asked for: importing the package must cost little.
_HOMES = {
    "ConvertedModule": "graftwork.modules",
    "Explanation": "graftwork.explanation",
    "FastModel": "graftwork.fast",
    "FusedModule": "graftwork.modules",
    "Match": "graftwork.match",
    "Parameter": "graftwork.stage",
    "Pattern": "graftwork.python_pattern",
    "PatternList": "graftwork.pattern_list",
    "QuantStub": "graftwork.modules",
    "Report": "graftwork.match",
    "Stage": "graftwork.stage",
    "Trace": "graftwork.trace",
    "TransformationPlan": "graftwork.plans",
    "TransformationResult": "graftwork.transformation",
    "TransformedModel": "graftwork.graph_module",
    "Value": "graftwork.stage",
    "WeightFakeQuantize": "graftwork.modules",
    "apply_transformation_plan": "graftwork.plans",
    "fast_eval": "graftwork.fast",
    "get_transformation_plan": "graftwork.plans",
    "pattern": "graftwork.pattern_list",
    "patterns": "graftwork.pattern_list",
    "prepare_graph": "graftwork.transformation",
    "transform": "graftwork.transformation",
}

__all__ = [
    "ConvertedModule",
    "Error",
    "Explanation",
    "FastModel",
    "FusedModule",
    "Match",
    "Parameter",
    "Pattern",
    "PatternList",
    "QuantStub",
    "Report",
    "Stage",
    "Trace",
    "TransformationPlan",
    "TransformationResult",
    "TransformedModel",
    "Value",
    "WeightFakeQuantize",
    "__version__",
    "apply_transformation_plan",
    "fast_eval",
    "get_transformation_plan",
    "pattern",
    "patterns",
    "prepare_graph",
    "transform",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
