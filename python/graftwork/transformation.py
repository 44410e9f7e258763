"""Prepare, convert, fuse."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from torch import nn

from graftwork import _C
from graftwork.explanation import Explanation, explain
from graftwork.graph_module import TransformedModel
from graftwork.html import table
from graftwork.match import Match, Report
from graftwork.ordinary_tensors import ordinary_tensors
from graftwork.python_pattern import handles_of, kernels_of
from graftwork.records import Captured
from graftwork.trace import Trace, capturing


@dataclasses.dataclass(frozen=True)
class Source:
    """A captured model with the patterns that transform it."""

    model: nn.Module
    captured: Captured
    patterns: list[Any]
    """As `_C` takes them."""
    kernels: dict[str, Any]
    """Classes of kernels that are written in Python, by name."""


@dataclasses.dataclass(frozen=True)
class TransformationResult:
    """What `transform` gives."""

    model: TransformedModel
    """The transformed model, which shares its parameters with the original."""
    matches: tuple[Match, ...]
    """Matches that were carried out, in order."""
    report: Report
    source: Source = dataclasses.field(repr=False)

    def explain(self, node: str) -> list[Explanation]:
        """Why the value `node` of the captured model, or each value of the module at that path, became what it became.

        Raises graftwork.Error "explain.node" where there is none, with names that are like it.
        """
        return explain(self.source.captured.network, node, self.source.patterns)

    def _repr_html_(self) -> str:
        rows = ((match.pattern, ", ".join(match.replaced), match.result) for match in self.matches)
        return table(("pattern", "replaced", "by"), rows)


def source_of(
    model: nn.Module,
    args: tuple[Any, ...],
    patterns: Sequence[Any] | None,
    trace: Trace,
    kwargs: dict[str, Any] | None,
    dynamic_shapes: Any,
) -> Source:
    """Captures the model; `patterns` are those of the active backend unless given."""
    from graftwork import records
    from graftwork.trace import export

    if patterns is None:
        backend = _C.get_backend()
        patterns = _C.backend_patterns(backend, "conversion") + _C.backend_patterns(backend, "fusion")
    handles = handles_of(patterns)
    captured = records.capture(export(model, args, kwargs, dynamic_shapes, trace))
    return Source(model, captured, handles, kernels_of(patterns))


def result_of(network: Any, report: dict[str, Any], source: Source) -> TransformationResult:
    """A transformed network over the modules of the model that it was captured of."""
    from graftwork.build_model import build_model

    made = Report.of(report)
    with capturing:  # modes of modules are their own again
        model = build_model(network, source.model, source.captured, source.kernels)
    return TransformationResult(model, made.applied, made, source)


@ordinary_tensors()
def transform(
    model: nn.Module,
    args: tuple[Any, ...],
    patterns: Sequence[Any] | None = None,
    trace: Trace = Trace.EXPORT,
    *,
    kwargs: dict[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> TransformationResult:
    """Prepares, converts to a fix-point, fuses once.

    `args` and `kwargs` are example inputs, as `torch.export.export` takes them, and `dynamic_shapes` says which of
    their sizes may differ later. `patterns` are conversions and fusions; those of the active backend unless given.
    The model is not changed. It is captured in evaluation, and the result computes the same function, in evaluation
    and in training; dropout, which evaluation does not see, is gone. Arguments that are no tensors keep the values of
    the examples. Threads may transform at once, and wait for each other while models are captured; a model that another
    thread trains meanwhile is in evaluation for that long.

    Raises graftwork.Error: "pt2.*" for what a network cannot have, "backend.*" when it is not clear which backend is
    used, "patterns.*" for lists that do not go together; and what torch.export raises.
    """
    source = source_of(model, args, patterns, trace, kwargs, dynamic_shapes)
    return result_of(*_C.transform(source.captured.network, source.patterns), source)


@ordinary_tensors()
def prepare_graph(
    model: nn.Module,
    args: tuple[Any, ...],
    trace: Trace = Trace.EXPORT,
    *,
    kwargs: dict[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> TransformationResult:
    """The front half of `transform`: operators become modules again. Arguments and errors as there."""
    source = source_of(model, args, [], trace, kwargs, dynamic_shapes)
    return result_of(*_C.prepare_graph(source.captured.network, []), source)
