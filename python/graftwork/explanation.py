"""Why a node became what it became, or did not fuse."""

import dataclasses
from typing import Any

from graftwork import _C
from graftwork.match import Match


@dataclasses.dataclass(frozen=True)
class Miss:
    """A pattern that could have taken the node."""

    pattern: str
    anchor: str
    """Where its tree was tried."""
    reason: str
    """What was in the way there, at the deepest point that any attempt reached."""


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What became of one node; printed, it is a few lines for people."""

    node: str
    history: tuple[Match, ...]
    """What was done with it, in order."""
    outcome: str
    misses: tuple[Miss, ...]
    text: str

    def to_dict(self) -> dict[str, Any]:
        """As plain lists and dicts, which JSON can hold."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        return self.text


def explain(network: Any, name: str, patterns: list[Any]) -> list[Explanation]:
    """Follows the value `name`, or all values of the module at the path `name`, through a transformation."""
    return [
        Explanation(
            found["node"],
            tuple(Match.of(match) for match in found["history"]),
            found["outcome"],
            tuple(Miss(**miss) for miss in found["misses"]),
            found["text"],
        )
        for found in _C.explain(network, name, patterns)
    ]
