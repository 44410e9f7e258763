"""Modules of torch.nn for what a network says of them: the original where it is that, else a new one."""

import functools
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from graftwork.modules import extra
from graftwork.modules.computed import make_computed, store
from graftwork.modules.hooks import has_hook
from graftwork.modules.quantizers import is_quantizer, new_quantizer

Record = dict[str, Any]

_AFFINE = {"nn.BatchNorm", "nn.InstanceNorm", "nn.GroupNorm"}


def class_of(kind: str) -> type[nn.Module]:
    """nn.Conv2d of "nn.Conv2d"."""
    return getattr(nn, kind.removeprefix("nn.")) if kind.startswith("nn.") else getattr(extra, kind)


def _constructor_arguments(record: Record) -> dict[str, Any]:
    kind, params = record["kind"], record["params"]
    arguments = {name: tuple(value) if isinstance(value, list) else value for name, value in record["attrs"].items()}
    if kind.startswith("nn.Conv") or kind == "nn.Linear":
        arguments["bias"] = "bias" in params
    elif kind.rstrip("123d") in _AFFINE:
        arguments["affine"] = "weight" in params or "bias" in params
    elif kind == "nn.LayerNorm":
        arguments |= {"elementwise_affine": "weight" in params or "bias" in params, "bias": "bias" in params}
    elif kind == "nn.RMSNorm":
        arguments["elementwise_affine"] = "weight" in params
    elif kind == "nn.Upsample":
        arguments["size"] = arguments["size"] or None
        arguments["scale_factor"] = arguments["scale_factor"] or None
        if str(arguments["mode"]).startswith("nearest"):
            del arguments["align_corners"]
    return arguments


@functools.cache
def _without_start(kind: Any) -> type[nn.Module]:
    """The class without the random numbers that its parameters start from, which take most of the time."""
    return type(kind.__name__, (kind,), {"reset_parameters": lambda self: None})


def new_module(
    record: Record, tensors: dict[str, torch.Tensor], persistent: set[str]
) -> tuple[nn.Module, dict[str, str]]:
    """A new module around the very tensors, of which state_dict has those that are `persistent`. Returns it and what
    it calls them."""
    if is_quantizer(record["kind"]):
        return new_quantizer(record, tensors)
    kind: Any = class_of(record["kind"])
    with torch.device("meta"):
        module = _without_start(kind)(**_constructor_arguments(record))
    module.__class__ = kind
    stored: dict[str, str] = {}
    expressions = {}
    for name in [*module._parameters, *module._buffers]:
        expr = record["params"].get(name)
        if expr is None:  # the one of weight and bias that there is not, the counter of batch norm
            module.register_buffer(name, None) if name in module._buffers else module.register_parameter(name, None)
        elif expr[0] != "leaf":
            expressions[name] = expr
        else:
            module._parameters.pop(name, None)
            store(module, name, tensors[expr[1]], expr[1] in persistent)
            stored.setdefault(expr[1], name)
    if expressions:
        stored = make_computed(module, expressions, tensors, persistent) | stored
    return module, stored


def carry_statistics(original: nn.Module | None, module: nn.Module) -> None:
    """How the statistics of a norm move in training, which no network says: its momentum, none for a cumulative
    average, and how many batches it has seen, the very counter where it shares the statistics."""
    if not isinstance(original, _NormBase) or not isinstance(module, _NormBase):
        return
    module.momentum = original.momentum
    counter = original.num_batches_tracked
    if counter is not None and module.running_mean is not None:
        is_shared = module.running_mean is original.running_mean
        module._buffers["num_batches_tracked"] = counter if is_shared else counter.clone()


def is_original(module: nn.Module | None, record: Record, tensors: dict[str, torch.Tensor], may_write: bool) -> bool:
    """Whether the module is what the record says: of that class, with those attributes and the very tensors, and with
    no hook, whose effect the network has already. `may_write`: whether it may compute in place."""
    if is_quantizer(record["kind"]):  # every kernel has its own
        return False
    if module is None or type(module) is not class_of(record["kind"]) or "forward" in module.__dict__:
        return False
    if has_hook(module) or (module.__dict__.get("inplace", False) and not may_write):
        return False
    own = {name: tensor for name, tensor in {**module._parameters, **module._buffers}.items() if tensor is not None}
    own.pop("num_batches_tracked", None)
    params = record["params"]
    if own.keys() != params.keys():
        return False
    for name, expr in params.items():
        if expr[0] != "leaf" or not _is_same(own[name], tensors.get(expr[1])):
            return False
    return has_attributes(module, record)


def _is_same(a: torch.Tensor, b: torch.Tensor | None) -> bool:
    return a is b or (
        b is not None and a.data_ptr() == b.data_ptr() and a.shape == b.shape and a.stride() == b.stride()
    )


def has_attributes(module: nn.Module, record: Record) -> bool:
    """Whether the module, which is of the record's class, has the attributes that the record says."""
    if getattr(module, "padding_mode", "zeros") != "zeros" or getattr(module, "return_indices", False):
        return False
    if getattr(module, "divisor_override", None) is not None or getattr(module, "recompute_scale_factor", None):
        return False
    for name, wanted in record["attrs"].items():
        found: Any = getattr(module, name, None)
        if name == "padding" and isinstance(found, str):
            found = _padding(module)
        if name == "momentum":  # says how statistics move, not what is computed: it stays the module's own
            continue
        if isinstance(wanted, list) and not isinstance(found, tuple | list):
            found = (found,) * len(wanted) if found is not None else ()
        if name == "align_corners":
            found = bool(found)
        if (list(found) if isinstance(wanted, list) else found) != wanted:
            return False
    return True


def _padding(module: nn.Module) -> tuple[int, ...]:
    """Of a convolution whose padding is a word: the numbers, or none where the sides differ."""
    if module.padding == "valid":
        return (0,) * len(module.kernel_size)
    totals = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
    return () if any(total % 2 for total in totals) else tuple(total // 2 for total in totals)
