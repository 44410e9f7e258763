"""Modules that a recipe leaves in floating point."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from torch import nn

from graftwork.errors import Error
from graftwork.modules.fused import FusedModule

__all__ = ["ModulesToSkip"]


@dataclass
class ModulesToSkip:
    """Modules without Q/DQ on their inputs (``stub``), on their weights (``weight``), or in no pair of SmoothQuant
    (``smooth``).

    An entry is a module of the transformed network or of the model it was made from (a fused module, one of its
    children, or one that holds several), a class (of children too), or a name: a path ("layer1.0.conv1",
    "FusedConvBN_3", "layer4"), a kind ("nn.Linear"), or a pattern of paths with ``*``. An entry that is nowhere in the
    network is a ``graftwork.Error`` "config.skip".
    """

    stub: Collection[nn.Module | type | str] = field(default_factory=set)
    weight: Collection[nn.Module | type | str] = field(default_factory=set)
    smooth: Collection[nn.Module | type | str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for purpose in ("stub", "weight", "smooth"):
            entries = getattr(self, purpose)
            if isinstance(entries, str | nn.Module | type):
                raise Error("config.skip", f"skip.{purpose} is one entry, not several", f"{purpose}={{...}}, a set")
            for entry in entries:
                if not isinstance(entry, str | nn.Module | type):
                    raise Error(
                        "config.skip",
                        f"{entry!r} of skip.{purpose} is no module, class or name",
                        "a module of res.model, a class, a path, or a kind",
                    )

    def names(self, model: nn.Module | None = None) -> dict[str, list[str]]:
        """Every entry by name, in the order of the alphabet: what a recipe's file has."""
        found = {purpose: _names(purpose, getattr(self, purpose), model) for purpose in ("stub", "weight", "smooth")}
        if not found["smooth"]:
            del found["smooth"]
        return found


def _names(purpose: str, entries: Collection[nn.Module | type | str], model: nn.Module | None) -> list[str]:
    found: set[str] = set()
    for entry in entries:
        if isinstance(entry, str):
            found.add(entry)
            continue
        names = set() if model is None else set(_kernels_of(entry, model))
        if not names:
            what = entry.__name__ if isinstance(entry, type) else f"the module {type(entry).__name__}"
            raise Error(
                "config.skip",
                f"{what} of skip.{purpose} is in no fused module of this network, which are what is quantized",
                "print(res.model) to see the modules",
            )
        found |= names
    return sorted(found)


def _kernels_of(entry: nn.Module | type, model: nn.Module) -> Iterator[str]:
    """Names of those modules of the graph which are, or have inside, what the entry is or holds."""
    wanted = set() if isinstance(entry, type) else set(entry.modules())
    for name, child in model.named_children():
        if not isinstance(child, FusedModule):
            continue
        for part in child.modules():
            if isinstance(part, entry) if isinstance(entry, type) else part in wanted:
                yield name
                break
