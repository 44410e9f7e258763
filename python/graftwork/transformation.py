"""Prepare, convert, fuse."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from torch import nn

from graftwork import _C
from graftwork.trace import Trace


@dataclasses.dataclass(frozen=True)
class Match:
    """A match that was carried out."""

    pattern: str
    result: str
    """Name of the node that took the place; empty where none did."""
    replaced: tuple[str, ...]
    """Names of the nodes that went, in dataflow order."""

    def __str__(self) -> str:
        nodes = ", ".join(f"%{name}" for name in self.replaced)
        return f"{self.pattern}  {nodes}" + (f" → %{self.result}" if self.result else "")


@dataclasses.dataclass(frozen=True)
class Skip:
    """A match that was not carried out."""

    pattern: str
    node: str
    """Name of the node where its tree is anchored."""
    reason: str
    winner: str
    """The pattern that took a node of this match; empty for other reasons."""

    def __str__(self) -> str:
        return f"{self.pattern}  %{self.node}: {self.reason}"


@dataclasses.dataclass(frozen=True)
class Report:
    """What was done, and what was not."""

    applied: tuple[Match, ...]
    skipped: tuple[Skip, ...]
    counts: dict[str, int]
    """Matches carried out for each pattern."""

    def to_dict(self) -> dict[str, Any]:
        """As plain lists and dicts, which JSON can hold."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        return "\n".join(f"{count:5}  {pattern}" for pattern, count in self.counts.items())

    def _repr_html_(self) -> str:
        from graftwork.html import table

        return table(("pattern", "matches"), self.counts.items())


@dataclasses.dataclass(frozen=True)
class TransformationResult:
    """What `transform` gives."""

    model: Any
    """The transformed model, a torch.nn.Module that shares its parameters with the original."""
    matches: tuple[Match, ...]
    """Matches that were carried out, in order."""
    report: Report

    def _repr_html_(self) -> str:
        from graftwork.html import table

        rows = ((m.pattern, ", ".join(m.replaced), m.result) for m in self.matches)
        return table(("pattern", "replaced", "by"), rows)


def report_of(report: dict[str, Any]) -> Report:
    """The report of `_C`."""
    applied = tuple(Match(m["pattern"], m["result"], tuple(m["replaced"])) for m in report["applied"])
    return Report(applied, tuple(Skip(**skip) for skip in report["skipped"]), report["counts"])


def result_of(network: Any, report: dict[str, Any], model: nn.Module, captured: Any) -> TransformationResult:
    """A transformed network over the modules of the model that it was captured of."""
    from graftwork.build_model import build_model

    made = report_of(report)
    return TransformationResult(build_model(network, model, captured), made.applied, made)


def capture(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    dynamic_shapes: Any = None,
    trace: Trace = Trace.EXPORT,
) -> Any:
    """The network of a model, see `transform`."""
    from graftwork import records
    from graftwork.trace import export

    return records.capture(export(model, args, kwargs, dynamic_shapes, trace))


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
    and in training; dropout, which evaluation does not see, is gone.

    Raises graftwork.Error: "pt2.*" for what a network cannot have, "backend.*" when it is not clear which backend is
    used, "patterns.*" for lists that do not go together; and what torch.export raises.
    """
    captured = capture(model, args, kwargs, dynamic_shapes, trace)
    network, report = _C.transform(captured.network, handles(patterns))
    return result_of(network, report, model, captured)


def prepare_graph(
    model: nn.Module,
    args: tuple[Any, ...],
    trace: Trace = Trace.EXPORT,
    *,
    kwargs: dict[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> TransformationResult:
    """The front half of `transform`: operators become modules again."""
    captured = capture(model, args, kwargs, dynamic_shapes, trace)
    network, report = _C.prepare_graph(captured.network, [])
    return result_of(network, report, model, captured)


def handles(patterns: Sequence[Any] | None) -> list[Any]:
    """The patterns, or those of the active backend."""
    if patterns is not None:
        return list(patterns)
    backend = _C.get_backend()
    return _C.backend_patterns(backend, "conversion") + _C.backend_patterns(backend, "fusion")
