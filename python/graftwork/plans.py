"""Transformation plans: every match, before anything is done."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from torch import nn

from graftwork import _C
from graftwork.explanation import Explanation, explain
from graftwork.html import table
from graftwork.ordinary_tensors import ordinary_tensors
from graftwork.trace import Trace
from graftwork.transformation import Source, TransformationResult, result_of, source_of


class PlannedMatch:
    """A match that was found. `apply` says whether it is carried out, and can be set."""

    __slots__ = ("_index", "_plan", "_round", "node", "nodes", "pattern", "winner")

    def __init__(self, plan: _C.TransformationPlan, round_: int, index: int, match: dict[str, Any]) -> None:
        self._plan, self._round, self._index = plan, round_, index
        self.pattern: str = match["pattern"]
        self.node: str = match["node"]
        """Where the tree is anchored; named as it is after the round before."""
        self.nodes: tuple[str, ...] = tuple(match["nodes"])
        """What it consumes, in dataflow order; empty for one that lost a node to another."""
        self.winner: str = match["winner"]
        """The pattern that took a node of it. It comes back when that one is switched off."""

    @property
    def apply(self) -> bool:
        return self._plan.is_on(self._round, self._index)

    @apply.setter
    def apply(self, on: bool) -> None:
        if not isinstance(on, bool):
            raise TypeError(f"apply is True or False, not {on!r}")
        self._plan.switch(self._round, self._index, on)

    def __repr__(self) -> str:
        state = "apply" if self.apply else "skip"
        loses = f", loses to {self.winner}" if self.winner else ""
        return f"<{state} {self.pattern} %{self.node}{loses}>"


class TransformationPlan:
    """Rounds of matches: conversions, one round after the other, then fusions. Printed, it is one match a line."""

    def __init__(self, plan: _C.TransformationPlan, source: Source) -> None:
        self.source = source
        self.data = plan
        self.rounds: list[tuple[str, list[PlannedMatch]]] = [
            (phase, [PlannedMatch(plan, number, i, match) for i, match in enumerate(matches)])
            for number, (phase, matches) in enumerate(plan.rounds)
        ]
        """Phase, "conversions" or "fusions", and matches of each round."""
        self.matches: dict[str, dict[str, PlannedMatch]] = {}
        """Node → pattern → match, that of the first round that has one."""
        for _, matches in self.rounds:
            for match in matches:
                self.matches.setdefault(match.node, {}).setdefault(match.pattern, match)

    def to_json(self) -> str:
        """The plan as the command's plan files have it; the same text for the same plan."""
        return self.data.to_json()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes `to_json` to a file, which appears whole or not at all. Raises graftwork.Error "file.unwritable"."""
        self.data.save(os.fsencode(path))

    def load(self, source: str | os.PathLike[str]) -> TransformationPlan:
        """A plan for the same network, as it was saved: a path, or JSON.

        Raises graftwork.Error "plan.*" where it is none, "file.*" where it cannot be read.
        """
        is_text = isinstance(source, str) and source.lstrip().startswith("{")
        plan = _C.parse_plan(str(source)) if is_text else _C.read_plan(os.fsencode(source))
        return TransformationPlan(plan, self.source)

    def explain(self, node: str) -> list[Explanation]:
        """As `TransformationResult.explain`."""
        return explain(self.source.captured.network, node, self.source.patterns)

    def __str__(self) -> str:
        return self.data.text()

    def _repr_html_(self) -> str:
        rows = [(phase, m.pattern, m.node, m.apply, m.winner) for phase, round_ in self.rounds for m in round_]
        return table(("phase", "pattern", "node", "apply", "loses to"), rows)


@ordinary_tensors()
def get_transformation_plan(
    model: nn.Module,
    args: tuple[Any, ...],
    patterns: Sequence[Any] | None = None,
    trace: Trace = Trace.EXPORT,
    *,
    kwargs: dict[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> TransformationPlan:
    """Every match that `transform` would carry out, and those that lose a node to one.

    Arguments and errors as there.
    """
    source = source_of(model, args, patterns, trace, kwargs, dynamic_shapes)
    return TransformationPlan(_C.get_transformation_plan(source.captured.network, source.patterns), source)


@ordinary_tensors()
def apply_transformation_plan(plan: TransformationPlan) -> TransformationResult:
    """Carries out what is switched on. A match that an edit has made impossible is reported as skipped.

    Raises graftwork.Error "plan.graph" when the plan was made for another network, "plan.pattern" when it names a
    pattern that the lists have not.
    """
    source = plan.source
    return result_of(*_C.apply_transformation_plan(source.captured.network, plan.data, source.patterns), source)
