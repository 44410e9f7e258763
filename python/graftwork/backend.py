"""Backends: what is known of an engine, under a name. The only one that there is is chosen by itself."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from graftwork import _C
from graftwork.pattern_list import backend_list
from graftwork.python_pattern import handles_of


@dataclasses.dataclass(frozen=True)
class Backend:
    """A named set of lists. `base` names the backend whose kernels and whose rules about placement and files hold."""

    name: str
    conversions: Sequence[Any] = ()
    fusions: Sequence[Any] = ()
    smoothings: Sequence[Any] = ()
    quantizations: Sequence[Any] = ()
    base: str = "tensorrt"


def set_backend(backend: str | Backend) -> None:
    """Chooses the backend that is used; one that is not known yet becomes so.

    Raises graftwork.Error "backend.unknown" with the names of those that there are, "backend.name" where another one
    has the name.
    """
    if isinstance(backend, Backend):
        lists = [*backend.conversions, *backend.fusions, *backend.smoothings, *backend.quantizations]
        _C.add_backend(backend.name, backend.base, handles_of(lists))
        backend = backend.name
    _C.set_backend(backend)


def get_backend() -> Backend:
    """The backend that is used. Raises graftwork.Error "backend.none", "backend.choice" where several are known and
    none is chosen."""
    name = _C.get_backend()
    conversions, fusions, smoothings, quantizations = (
        backend_list(name, section) for section in ("conversion", "fusion", "smoothing", "quantization")
    )
    return Backend(name, conversions, fusions, smoothings, quantizations)


def discover_backends() -> list[str]:
    """Names of the backends, in alphabetical order."""
    return _C.discover_backends()


def reset_backends() -> None:
    """Back to the start: what was added is gone, nothing is chosen."""
    _C.reset_backends()


__all__ = ["Backend", "discover_backends", "get_backend", "reset_backends", "set_backend"]
