"""Fake quantization as an operator of torch: what a value becomes after Q and DQ.

``graftwork::fake_quantize`` is one operator wherever a graph is looked at: ``torch.export`` keeps it whole, and
``torch.onnx.export`` writes it as QuantizeLinear and DequantizeLinear. It divides by the scale, as engines and ONNX
Runtime do; torch's own ``fake_quantize_per_tensor_affine`` multiplies by 1/scale, which gives another code where a
quotient lies at a half, and knows neither FP8 nor blocks.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from graftwork import _C
from graftwork.errors import Error

__all__ = ["fake_quantize"]

_SCHEMA = "(Tensor x, Tensor scale, Tensor? zero_point, int axis, int quant_min, int quant_max, str precision)"

_PRECISIONS = ("int8", "int4", "int16", "fp8")

#: The type of a code in ONNX, its least value, and the first opset whose QuantizeLinear writes it.
_ONNX_CODES = {
    "int8": (torch.int8, -128, 19),
    "fp8": (torch.float8_e4m3fn, -448, 19),
    "int16": (torch.int16, -32768, 21),
}


def fake_quantize(
    x: Tensor,
    scale: Tensor,
    zero_point: Tensor | None = None,
    axis: int = 0,
    quant_min: int = -128,
    quant_max: int = 127,
    precision: str = "int8",
) -> Tensor:
    """Return what ``x`` is after quantization: ``(clamp(round(x / scale) + zero_point, quant_min, quant_max) -
    zero_point) * scale``.

    Args:
        x: any shape; floating point. Of float16 and bfloat16 the result is computed in float32; it has the type of
            ``x``.
        scale: float32, positive: 0-D, or ``[channels]`` along ``axis``, or of blocks: of the rank of ``x``, so many
            along the last axis as there are blocks of equal length.
        zero_point: of the shape of ``scale``, in codes; without one codes are symmetric.
        quant_min, quant_max: the least code and the largest.
        precision: "int8", "int4", "int16": codes are whole numbers, halves rounded to even; "fp8": they are the
            numbers of E4M3.

    Gradients pass where ``x`` is inside the range and are zero outside (Jacob et al. 2018). A scale that requires a
    gradient is learned: that is q - x/s inside and q at the ends, times 1/sqrt(N * quant_max) for the N elements of
    one sample that share it (LSQ, Esser et al. 2020). Scales beside a zero point are not learned.
    """
    if not x.is_floating_point():
        raise TypeError(f"x is {x.dtype}: what is quantized is floating point")
    if precision not in _PRECISIONS:
        raise ValueError(f"{precision!r} is none of {', '.join(_PRECISIONS)}")
    return torch.ops.graftwork.fake_quantize(x, scale, zero_point, axis, quant_min, quant_max, precision)


def _fake_quantize(
    x: Tensor, scale: Tensor, zero_point: Tensor | None, axis: int, quant_min: int, quant_max: int, precision: str
) -> Tensor:
    if torch.onnx.is_in_onnx_export():
        return _as_onnx(x, scale, zero_point, axis, quant_min, precision)
    if x.dtype in (torch.float16, torch.bfloat16):
        wide = _fake_quantize(x.float(), scale, zero_point, axis, quant_min, quant_max, precision)
        return wide.to(x.dtype)
    if scale.dim() > 1:
        rows = x.reshape(scale.numel(), -1)
        zeros = None if zero_point is None else zero_point.flatten()
        return _along_axis(rows, scale.flatten(), zeros, 0, quant_min, quant_max, precision).view_as(x)
    return _along_axis(x, scale, zero_point, axis, quant_min, quant_max, precision)


def _as_onnx(x: Tensor, scale: Tensor, zero_point: Tensor | None, axis: int, quant_min: int, precision: str) -> Tensor:
    if precision not in _ONNX_CODES or scale.dim() > 1:
        what = "scales of blocks" if precision in _ONNX_CODES else f"codes of {precision}"
        raise Error("onnx.precision", f"torch.onnx cannot write {what}", "graftwork.onnx.export_onnx")
    dtype, least, version = _ONNX_CODES[precision]
    scale = scale.to(x.dtype)
    if quant_min > least and zero_point is None:  # QuantizeLinear knows the ends of the type alone
        x = torch.maximum(x, _broadcast(scale * quant_min, axis, x.dim()))
    zero = torch.zeros_like(scale).to(dtype) if zero_point is None else zero_point.to(dtype)
    attributes: dict[str, Any] = {"axis": axis} if scale.dim() == 1 else {}
    codes = torch.onnx.ops.symbolic(
        "QuantizeLinear", [x, scale, zero], attributes, dtype=dtype, shape=x.shape, version=version
    )
    return torch.onnx.ops.symbolic(
        "DequantizeLinear", [codes, scale, zero], attributes, dtype=x.dtype, shape=x.shape, version=version
    )


def _broadcast(scale: Tensor, axis: int, rank: int) -> Tensor:
    """The scale shaped so that it broadcasts along ``axis``."""
    if scale.dim() == 0:
        return scale
    shape = [1] * rank
    shape[axis] = scale.numel()
    return scale.view(shape)


def _rounded(codes: Tensor, precision: str) -> Tensor:
    return codes.to(torch.float8_e4m3fn).to(codes.dtype) if precision == "fp8" else codes.round()


def _on_any_device(
    x: Tensor, scale: Tensor, zero_point: Tensor | None, axis: int, quant_min: int, quant_max: int, precision: str
) -> Tensor:
    step = _broadcast(scale, axis, x.dim())
    if zero_point is None:
        codes = _rounded(torch.div(x, step).clamp_(quant_min, quant_max), precision)
        return codes.mul_(step).to(x.dtype)
    zero = _broadcast(zero_point.to(step.dtype), axis, x.dim())
    codes = torch.div(x, step).round_().add_(zero).clamp_(quant_min, quant_max)
    return codes.sub_(zero).mul_(step).to(x.dtype)


def _on_cpu(
    x: Tensor, scale: Tensor, zero_point: Tensor | None, axis: int, quant_min: int, quant_max: int, precision: str
) -> Tensor:
    return _C.fake_quantize(x, scale, zero_point, axis, quant_min, quant_max, precision == "fp8")


def _shape_of_result(
    x: Tensor, scale: Tensor, zero_point: Tensor | None, axis: int, quant_min: int, quant_max: int, precision: str
) -> Tensor:
    return torch.empty_like(x)


def _gradients_on_any_device(
    grad: Tensor, x: Tensor, scale: Tensor, zero_point: Tensor | None, axis: int, quant_min: int, quant_max: int,
    precision: str, learned: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    codes = torch.div(x, _broadcast(scale, axis, x.dim()))
    if zero_point is not None:
        codes = codes + _broadcast(zero_point.to(scale.dtype), axis, x.dim())
    clipped = codes.clamp(quant_min, quant_max)
    inside = codes == clipped
    x_grad = torch.where(inside, grad, 0)
    if not learned:
        return x_grad, torch.zeros_like(scale)
    of_elements = grad * (_rounded(clipped, precision) - torch.where(inside, clipped, 0))
    others = [i for i in range(x.dim()) if scale.dim() == 0 or i != axis % x.dim()]
    scale_grad = of_elements.sum(others) if others else of_elements
    shared = scale.numel() if scale.dim() > 0 else x.size(0) if x.dim() > 0 else 1
    elements = max(1, x.numel() // max(1, shared))
    return x_grad, scale_grad.to(scale.dtype) / math.sqrt(elements * quant_max)


def _gradients_on_cpu(
    grad: Tensor, x: Tensor, scale: Tensor, zero_point: Tensor | None, axis: int, quant_min: int, quant_max: int,
    precision: str, learned: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    if zero_point is None and precision != "fp8":
        found = _C.fake_quantize_gradients(grad, x, scale, axis, quant_min, quant_max, learned)
        if found is not None:
            return found
    return _gradients_on_any_device(grad, x, scale, zero_point, axis, quant_min, quant_max, precision, learned)


def _shape_of_gradients(
    grad: Tensor, x: Tensor, scale: Tensor, zero_point: Tensor | None, axis: int, quant_min: int, quant_max: int,
    precision: str, learned: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    return torch.empty_like(x), torch.empty_like(scale)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, scale, zero_point, *ctx.codes = inputs
    ctx.save_for_backward(x, scale, zero_point)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    x, scale, zero_point = ctx.saved_tensors
    learned = ctx.needs_input_grad[1] and zero_point is None
    x_grad, scale_grad = torch.ops.graftwork.fake_quantize_gradients(grad, x, scale, zero_point, *ctx.codes, learned)
    return x_grad, scale_grad if learned else None, None, None, None, None, None


# The composite is what graphs show; what it is made of once they are taken apart stays two operators, with and without
# the gradient, so that each has a kernel of one pass on the CPU.
_LIBRARY = torch.library.Library("graftwork", "DEF")
_LIBRARY.define(f"fake_quantize{_SCHEMA} -> Tensor")
_LIBRARY.impl("fake_quantize", _fake_quantize, "CompositeImplicitAutograd")
_along_axis = torch.library.custom_op(
    "graftwork::fake_quantize_along_axis", _on_any_device, mutates_args=(), schema=f"{_SCHEMA} -> Tensor"
)
_along_axis.register_kernel("cpu", _on_cpu)
_along_axis.register_fake(_shape_of_result)
_along_axis.register_autograd(_backward, setup_context=_save)
_gradients = torch.library.custom_op(
    "graftwork::fake_quantize_gradients",
    _gradients_on_any_device,
    mutates_args=(),
    schema=f"(Tensor grad, {_SCHEMA[1:-1]}, bool learned) -> (Tensor, Tensor)",
)
_gradients.register_kernel("cpu", _gradients_on_cpu)
_gradients.register_fake(_shape_of_gradients)
