"""Python code that is written once and runs as any other: compilers see through it, errors show its lines."""

import keyword
import linecache
import operator
import re
from typing import Any

import torch


class Name(str):
    """A name, or an expression, in the code."""

    def __repr__(self) -> str:
        return str(self)


def code_name(name: str) -> str:
    """A name that code can have, of one that a network has."""
    made = re.sub(r"\W", "_", name)
    is_taken = keyword.iskeyword(made) or made in ("self", "torch", "inf", "nan")
    return f"_{made}" if is_taken or not made.isidentifier() else made


def call_source(function: Any, *args: Any, **kwargs: Any) -> Name:
    """The call of an operator, or the element of a tuple; arguments are Names and constants."""
    if function is operator.getitem:
        return Name(f"{args[0]}[{args[1]}]")
    given = [repr(arg) for arg in args] + [f"{name}={value!r}" for name, value in kwargs.items()]
    return Name(f"torch.ops.{function}({', '.join(given)})")


def compile_function(source: str, title: str) -> Any:
    """The function that the source, "def NAME(...): ...", defines."""
    file = f"<{title} {abs(hash(source)):x}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {"torch": torch, "inf": float("inf"), "nan": float("nan")}
    exec(compile(source, file, "exec"), names)
    return names[source[len("def ") : source.index("(")]]
