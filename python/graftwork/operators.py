"""How the operators of a network are called in Python."""

import operator
from collections.abc import Sequence
from typing import Any

import torch

from graftwork.references import InputRef

_MEMORY_FORMATS = {
    "channels_last": torch.channels_last,
    "channels_last_3d": torch.channels_last_3d,
    "preserve": torch.preserve_format,
}


def is_size_operator(name: str) -> bool:
    """Whether it is arithmetic on sizes: "sym.add"."""
    return name.startswith("sym.")


def size_operator(name: str) -> Any:
    """The Python function of "sym.mul"."""
    import math

    short = name.removeprefix("sym.")
    for source, key in ((operator, short), (torch, f"sym_{short}"), (math, short)):
        if hasattr(source, key):
            return getattr(source, key)
    raise AttributeError(f"there is no arithmetic {name}")


def find_operator(name: str) -> torch._ops.OpOverload:
    """The overload of "aten.conv2d.default"."""
    library, operation, overload = name.split(".")
    return getattr(getattr(getattr(torch.ops, library), operation), overload)


def callee_of(overload: torch._ops.OpOverload, args: Sequence[Any]) -> torch._ops.OpOverload:
    """What to call for the operator, with the same arguments in the same positions.

    A view needs its operand in memory as it was at capture; after a rewrite, or in another format, it may lie
    otherwise. A number in a tensor's place is for the overload that takes one.
    """
    aten = torch.ops.aten
    if overload in (aten.view.default, aten._unsafe_view.default):
        return aten.reshape.default
    tensors = [_is_tensor(argument.type) for argument in overload._schema.arguments]
    numbers = [isinstance(arg, int | float) for arg in args]
    if not any(is_number and is_tensor for is_number, is_tensor in zip(numbers, tensors, strict=False)):
        return overload
    wanted = [is_tensor and not is_number for is_number, is_tensor in zip(numbers, tensors, strict=False)]
    packet = overload._overloadpacket
    for other in (getattr(packet, name) for name in packet.overloads()):
        arguments = other._schema.arguments
        if len(arguments) == len(tensors) and [_is_tensor(a.type) for a in arguments][: len(wanted)] == wanted:
            return other
    return overload


def _references(value: Any) -> set[int]:
    if isinstance(value, InputRef):
        return {value.slot}
    return set().union(*map(_references, value)) if isinstance(value, list) else set()


def _resolve(value: Any, inputs: Sequence[Any]) -> Any:
    if isinstance(value, InputRef):
        return inputs[value.slot]
    return [_resolve(element, inputs) for element in value] if isinstance(value, list) else value


def _is_tensor(type_: Any) -> bool:
    if isinstance(type_, torch.OptionalType):
        type_ = type_.getElementType()
    return isinstance(type_, torch.TensorType)


def _is_tensor_list(type_: Any) -> bool:
    if isinstance(type_, torch.OptionalType):
        type_ = type_.getElementType()
    return isinstance(type_, torch.ListType) and _is_tensor(type_.getElementType())


def size_arguments(attrs: dict[str, Any], inputs: Sequence[Any]) -> tuple[Any, ...]:
    """The operands of arithmetic on sizes, in the order of their names."""
    return tuple(_resolve(attrs[name], inputs) for name in sorted(attrs))


def call_arguments(
    overload: torch._ops.OpOverload, attrs: dict[str, Any], inputs: Sequence[Any], device: Any = None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments: tensor arguments take the inputs in order, except those that an attribute
    names; a list of tensors without an attribute takes all that are left. `device` is for operators that must be told
    where their result lies."""
    referenced = set().union(*map(_references, attrs.values()))
    left = [value for slot, value in enumerate(inputs) if slot not in referenced]
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for position, argument in enumerate(overload._schema.arguments):
        name = argument.name
        if name in attrs:
            value = _resolve(attrs[name], inputs)
            if name == "memory_format" and isinstance(value, str):
                value = _MEMORY_FORMATS.get(value, torch.contiguous_format)
        elif name == "device" and device is not None:
            value = device
        elif _is_tensor(argument.type) and left:
            value = left.pop(0)
        elif _is_tensor_list(argument.type) and left:
            value, left = left, []
        elif argument.has_default_value():
            continue
        elif isinstance(argument.type, torch.OptionalType):
            value = None
        else:
            raise TypeError(f"{overload}: its argument {name} is missing")
        if len(args) == position and not argument.kwarg_only:
            args.append(value)
        else:
            kwargs[name] = value
    return tuple(args), kwargs


def needs_device(overload: torch._ops.OpOverload) -> bool:
    """Whether the operator must be told where its result lies: it makes a tensor of numbers, or moves one."""
    arguments = overload._schema.arguments
    devices = [argument for argument in arguments if argument.name == "device"]
    is_required = any(isinstance(argument.type, torch.DeviceObjType) for argument in devices)
    return is_required or (bool(devices) and not any(_is_tensor(a.type) or _is_tensor_list(a.type) for a in arguments))
