"""Parameters that are computed from stored tensors whenever they are read, so that gradients reach those."""

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import torch
from torch import nn

from graftwork.modules.code import Name, call_source, code_name, compile_function
from graftwork.operators import call_arguments, callee_of, find_operator

Expr = tuple[Any, ...]
"""("leaf", name), or (operation, operands, numbers); of operators ("operator", operands, numbers, name, attributes)."""


def leaves_of(expr: Expr) -> list[str]:
    """Names of the stored tensors, left to right, each once."""
    names = [expr[1]] if expr[0] == "leaf" else [name for operand in expr[1] for name in leaves_of(operand)]
    return list(dict.fromkeys(names))


def evaluate(expr: Expr, leaf: Callable[[str], Any], call: Callable[..., Any] = lambda f, *a, **k: f(*a, **k)) -> Any:
    """The value of the expression; `leaf` gives stored tensors, `call` calls functions."""
    if expr[0] == "leaf":
        return leaf(expr[1])
    operands = [evaluate(operand, leaf, call) for operand in expr[1]]
    return _apply(expr, operands, call)


def _apply(expr: Expr, operands: list[Any], call: Callable[..., Any]) -> Any:
    operation, numbers = expr[0], list(expr[2])
    aten = torch.ops.aten
    if operation == "view":
        return call(aten.reshape.default, operands[0], numbers)
    if operation == "permute":
        return call(aten.permute.default, operands[0], numbers)
    if operation == "slice":
        return call(aten.slice.Tensor, operands[0], *numbers)
    if operation == "concat":
        return call(aten.cat.default, operands, numbers[0])
    if operation == "multiply":
        return call(aten.mul.Tensor, *operands)
    overload = find_operator(expr[3])
    args, kwargs = call_arguments(overload, expr[4], operands)
    result = call(callee_of(overload, args), *args, **kwargs)
    returns = overload._schema.returns
    is_single = len(returns) == 1 and not isinstance(returns[0].type, torch.ListType)
    return result if is_single else call(operator.getitem, result, numbers[0])


class ComputedParameters:
    """In front of a class of torch.nn: some parameters are expressions over tensors that the module stores."""

    computed: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Name of each such parameter, and the code of its expression."""

    def __reduce__(self) -> tuple[Any, ...]:
        base = type(self).__mro__[2]
        return new_computed_module, (base, type(self).computed), self.__dict__


@functools.cache
def _computed_class(base: Any, computed: tuple[tuple[str, str], ...]) -> type[nn.Module]:
    members: dict[str, Any] = {"computed": computed, "__module__": base.__module__, "__doc__": base.__doc__}
    for name, expression in computed:
        source = f"def {name}(self):\n    return {expression}\n"
        members[name] = property(compile_function(source, f"parameter {name}"))
    return type(base.__name__, (ComputedParameters, base), members)


def new_computed_module(base: Any, computed: tuple[tuple[str, str], ...]) -> nn.Module:
    """For unpickling: a module that has no state yet."""
    kind: Any = _computed_class(base, computed)
    return kind.__new__(kind)


def make_computed(
    module: nn.Module, expressions: dict[str, Expr], tensors: dict[str, torch.Tensor], persistent: set[str]
) -> dict[str, str]:
    """Turns parameters of a new module into expressions over `tensors`. Returns the names of those in the module."""
    for name in expressions:
        del (module._parameters if name in module._parameters else module._buffers)[name]
    stored: dict[str, str] = {}
    for expr in expressions.values():
        for leaf in leaves_of(expr):
            if leaf not in stored:
                stored[leaf] = _free_name(module, leaf, expressions.keys())
                store(module, stored[leaf], tensors[leaf], leaf in persistent)
    sources = {name: _source(expr, stored) for name, expr in expressions.items()}
    base: Any = type(module)
    module.__class__ = _computed_class(base, tuple(sources.items()))
    return stored


def store(module: nn.Module, name: str, tensor: torch.Tensor, persistent: bool = True) -> None:
    """Registers the very tensor, as a parameter or a buffer."""
    if isinstance(tensor, nn.Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor, persistent)


def _free_name(module: nn.Module, leaf: str, taken: Iterable[str]) -> str:
    name = code_name(leaf)
    while name in taken or hasattr(module, name):
        name += "_"
    return name


def _source(expr: Expr, names: dict[str, str]) -> str:
    return evaluate(expr, lambda leaf: Name(f"self.{names[leaf]}"), call_source)
