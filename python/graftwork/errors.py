"""Failures that the user can mend."""

from __future__ import annotations

from graftwork._C import Error

__all__ = ["Error", "error"]


def error(code: str, message: str, hint: str = "") -> Error:
    """An ``Error`` as those of the library are: ``code`` is a stable dotted name, ``hint`` says what to try."""
    made = Error(f"error[{code}]: {message}" + (f"\n  try {hint}" if hint else ""))
    made.code, made.message, made.hint, made.context = code, message, hint, []
    return made
