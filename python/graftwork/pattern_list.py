"""Ordered lists of patterns, and patterns from text."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graftwork import _C
from graftwork.errors import Error


class PatternList(tuple):
    """An ordered list of patterns, each with a `name`. Adding any other list gives a list again; a name is an index."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            for pattern in self:
                if pattern.name == key:
                    return pattern
            raise KeyError(key)
        found = super().__getitem__(key)
        return PatternList(found) if isinstance(key, slice) else found

    def __add__(self, other: Iterable[Any]) -> PatternList:
        return PatternList([*self, *other])

    def __radd__(self, other: Iterable[Any]) -> PatternList:
        return PatternList([*other, *self])

    def without(self, *names: str) -> PatternList:
        """The list without these patterns. Raises KeyError when it has none of a name."""
        for name in names:
            self[name]
        return PatternList(pattern for pattern in self if pattern.name not in names)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(pattern.name for pattern in self)

    def __repr__(self) -> str:
        return f"[{', '.join(self.names)}]"


def backend_list(backend: str, *sections: str) -> PatternList:
    """The patterns of a backend's sections: "conversion", "fusion", "smoothing", "quantization"."""
    return PatternList(pattern for section in sections for pattern in _C.backend_patterns(backend, section))


def patterns(source: str | os.PathLike[str]) -> PatternList:
    """The patterns of a text in the pattern language, or of a *.gpat file whose path is given.

    A text that defines kernels brings their kinds along. Raises graftwork.Error "gpat.syntax" with line and column,
    "file.*".
    """
    if isinstance(source, Path) or (isinstance(source, str) and source.endswith(".gpat") and "\n" not in source):
        return PatternList(_C.read_patterns(os.fsencode(source)))
    return PatternList(_C.parse_patterns(os.fspath(source), "text"))


def pattern(text: str) -> Any:
    """The one pattern of a text. Raises graftwork.Error "gpat.syntax" with line and column, "patterns.count"."""
    found = patterns(text)
    if len(found) != 1:
        raise Error("patterns.count", f"the text has {len(found)} patterns, not one", "patterns(), which gives a list")
    return found[0]
