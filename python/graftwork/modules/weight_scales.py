"""Scales of a weight as it is now."""

from __future__ import annotations

import torch
from torch import Tensor

from graftwork import _C
from graftwork.errors import Error

__all__ = ["weight_scales"]

_LEAST_SCALE = torch.finfo(torch.float32).tiny


def weight_scales(
    weight: Tensor, quant_max: int, axis: int, per_channel: bool, block_size: int, method: str, percentile: float
) -> Tensor:
    """float32: for each extent of ``axis``, for the whole (0-D) where not ``per_channel``, or for each block
    ``[channels, blocks]``. A dead channel gets the tensor's smallest scale, 1 when all are dead. Without a gradient.

    Throws ``graftwork.Error`` "quant.weight" for a weight that is not finite, unless the method is "minmax", which
    reads no values and so can be traced; "quantize.tracing" for another while it is."""
    weight = weight.detach()
    if method != "minmax":
        if torch.compiler.is_compiling():
            raise Error("quantize.tracing", f"scales by {method} cannot be traced", "freeze_weights first")
        on_cpu = weight.to("cpu", torch.float32)
        return _C.weight_scales(on_cpu, quant_max, axis, per_channel, block_size, method, percentile).to(weight.device)
    if not per_channel and block_size == 0:
        return _without_zeros(weight.abs().flatten().amax(0).double() / quant_max)
    rows = weight.transpose(0, axis).reshape(weight.size(axis), -1)
    if block_size > 0:
        rows = rows.reshape(weight.size(axis), -1, block_size)
    return _without_zeros(rows.abs().amax(-1).float().double() / quant_max)


def _without_zeros(scales: Tensor) -> Tensor:
    alive = scales >= _LEAST_SCALE
    smallest = torch.where(alive, scales, torch.inf).flatten().amin(0)
    return torch.where(alive, scales, torch.where(alive.any(), smallest, 1.0)).float()
