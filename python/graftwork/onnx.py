"""ONNX files with explicit Q/DQ."""

from __future__ import annotations

import os
import warnings

from torch import nn

from graftwork import _C
from graftwork.errors import Error
from graftwork.graph_module import TransformedModel
from graftwork.quantize.quantized_model import QuantizedModel

__all__ = ["export_onnx"]


def export_onnx(
    model: nn.Module,
    path: str | os.PathLike[str],
    *,
    float_type: str | None = None,
    opset: int = 0,
    weights: str = "int8",
    attention_operator: bool = False,
    keep_batch_norm: bool | None = None,
) -> None:
    """Writes the model, transformed or quantized, as it is now; trained weights and scales are rounded as the file
    holds them. The same bytes as the command's for the same network, recipe and data. The file appears whole or not at
    all.

    Args:
        model: of ``quantize``, or of ``transform`` for a file in floating point.
        path: of the file; weights beyond 1 GB go into ``<path>.<16 digits>.data``.
        float_type: "fp16", "fp32" or "bf16", of the float regions; as the model was quantized for unless given, and
            "fp16" for one that was not. Inputs and outputs keep their types.
        opset: raises the opset above what the network needs.
        weights: "int8": codes and DequantizeLinear; "float": float, QuantizeLinear and DequantizeLinear (TensorRT 8).
        attention_operator: attention that stays in FP16 as ONNX's Attention (opset 23).
        keep_batch_norm: batch norms stay nodes of their own; as the model was quantized for unless given.

    Raises ``graftwork.Error``: "export.*" for what has no form in a file, "config.export" for recipes that no engine
    takes, "model.changed" for a model that is no longer what was transformed, "file.unwritable".
    """
    quantized = model.quantized if isinstance(model, QuantizedModel) else None
    if not isinstance(model, TransformedModel):
        raise Error(
            "export.model", f"{type(model).__name__} is no transformed model", "transform(...).model, or quantize"
        )
    model.check_unchanged()
    if float_type is None:
        float_type = "fp16" if quantized is None else quantized.form.float_type
    if keep_batch_norm is None:
        keep_batch_norm = False if quantized is None else quantized.form.keep_batch_norm
    form = _C.FileForm(float_type, keep_batch_norm)
    if isinstance(model, QuantizedModel):
        network = model.network_now(form)
    else:
        types = [model.info.declared[name][0] for name in model.info.network.names]
        tensors = [t.detach().to("cpu", dtype) for dtype, t in zip(types, model.tensors(), strict=True)]
        network = _C.with_tensors(model.info.network, tensors)
    for warning in _C.export_onnx(network, os.fsencode(path), form, weights, opset, attention_operator, quantized):
        warnings.warn(warning, stacklevel=2)
