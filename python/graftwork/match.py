"""Matches that were carried out, matches that were not, and the report of both."""

import dataclasses
from typing import Any

from graftwork.html import table


@dataclasses.dataclass(frozen=True)
class Match:
    """A match that was carried out."""

    pattern: str
    result: str
    """Name of the node that took the place; empty where none did."""
    replaced: tuple[str, ...]
    """Names of the nodes that went, in dataflow order."""

    @classmethod
    def of(cls, match: dict[str, Any]) -> "Match":
        """Of what `_C` says of it."""
        return cls(match["pattern"], match["result"], tuple(match["replaced"]))

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

    @classmethod
    def of(cls, report: dict[str, Any]) -> "Report":
        """Of what `_C` says of it."""
        skipped = tuple(Skip(**skip) for skip in report["skipped"])
        return cls(tuple(map(Match.of, report["applied"])), skipped, report["counts"])

    def to_dict(self) -> dict[str, Any]:
        """As plain lists and dicts, which JSON can hold."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        return "\n".join(f"{count:5}  {pattern}" for pattern, count in self.counts.items())

    def _repr_html_(self) -> str:
        return table(("pattern", "matches"), self.counts.items())
