"""The command `graftwork`, from a Python that has the package. A package of its own: importing `graftwork` imports
torch, which the command opens by itself, where it needs it."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import NoReturn

__all__ = ["command", "main"]


def _folder_of(package: str) -> Path:
    """Where a package lies, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"graftwork: the package {package} is not installed")
    return Path(spec.origin).parent


def command() -> Path:
    """The program: in the installed package, or in the build that the package is part of."""
    package = _folder_of("graftwork")
    places = [package / "bin" / "graftwork", package.parent.parent / "bin" / "graftwork"]
    for place in places:
        if place.exists():
            return place
    raise SystemExit(f"graftwork: there is no {places[0]}: install the package again")


def main() -> NoReturn:
    """Becomes the command, with the torch that this Python has."""
    os.environ.setdefault("GRAFTWORK_TORCH", str(_folder_of("torch")))
    program = command()
    os.execv(program, [str(program), *sys.argv[1:]])
