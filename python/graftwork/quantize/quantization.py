"""Place stubs, calibrate, freeze."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from graftwork import _C
from graftwork.errors import Error
from graftwork.graph_module import TransformedModel
from graftwork.modules.smooth_quant_observer import SmoothQuantObserver
from graftwork.modules.weight_fake_quantize import WeightFakeQuantize
from graftwork.ordinary_tensors import ordinary_tensors
from graftwork.quantize.calibrating import CalibratingModel, progress_bar
from graftwork.quantize.config import QuantConfig
from graftwork.quantize.quantized_model import QuantizedModel, build_quantized
from graftwork.quantize.report import QuantizationPlan, report_of
from graftwork.transformation import TransformationResult

__all__ = ["quantize"]


@ordinary_tensors()
def quantize(
    model: nn.Module,
    args: tuple[Any, ...],
    config: QuantConfig | None = None,
    forward_loop: Callable[[nn.Module], Any] | None = None,
    freeze_weights: bool = False,
    *,
    kwargs: dict[str, Any] | None = None,
    plan: QuantizationPlan | None = None,
    float_type: str = "fp16",
    keep_batch_norm: bool = False,
    progress: Callable[[int], None] | None = None,
    memory_limit: int = 0,
) -> QuantizedModel:
    """Places Q/DQ, takes ranges, and returns the fake-quantized model, which computes in float what the file will
    compute in low precision.

    Args:
        model: what ``transform`` returned (``res.model``). It is not changed, but the result shares its parameters:
            training that trains the model too, unless it is a ``copy.deepcopy``. Of the result alone are the tensors
            that quantization must change, which the report lists, the scales, and the statistics of norms.
        args: example inputs; what is calibrated on, with ``kwargs``, where there is no ``forward_loop``.
        config: the recipe; all defaults without one.
        forward_loop: called once with a model to be called with batches of calibration data, of any size:
            ``lambda m: [m(x) for x in data]``. Some hundreds of samples are enough. No batch is kept, but for the first
            64 samples where the recipe's methods look at data twice. The order of samples and the size of batches have
            no influence on the result (but on moving averages). Recipe and plan are checked before.
        freeze_weights: scales of weights are constants from now on; otherwise each forward takes them from the weight
            as it is, for training (``freeze_weights(model)`` later).
        kwargs: inputs by name.
        plan: where Q/DQ go, in the place of what the recipe says.
        float_type: type of the file's float regions, "fp16", "fp32" or "bf16": scales are rounded to it.
        keep_batch_norm: the file leaves batch norms to the engine.
        progress: called with the number of samples seen so far. Without one, a bar of tqdm where that is installed and
            standard error is a terminal.
        memory_limit: bytes that running a batch may take on top of what the process has; 0: what the machine has left.

    Calibration runs in float32 on the CPU, whatever device the model is on; results go back to where inputs were.

    Raises ``graftwork.Error``: "config.*" for the recipe, "data.*" for inputs, "quant.*" for weights that are not
    finite, "plan.*", "quantize.model" for a model that is not transformed, "model.changed" for one that was changed
    afterwards (``TransformedModel.check_unchanged``), "quantize.pruned" for one that was pruned afterwards,
    "memory.limit" for a batch that does not fit, "quantize.args" for arguments that are no tuple, "quantize.type" for a
    model whose parameters are not float32; what the loop raises passes through.
    """
    if not isinstance(model, TransformedModel) or isinstance(model, QuantizedModel):
        raise _no_model(model)
    if not isinstance(args, tuple):
        raise Error("quantize.args", f"args is a {type(args).__name__}, not a tuple", "quantize(model, (x,), ...)")
    model.check_unchanged()
    config = QuantConfig() if config is None else config
    recipe = config.to_json(model)
    form = _C.FileForm(float_type, keep_batch_norm)
    given = _given(model)
    calibration = _C.Calibration(
        model.info.network, list(given.values()), recipe, form, None if plan is None else plan.to_json(), memory_limit
    )
    observed, done = (progress, lambda: None) if progress is not None else progress_bar()
    try:
        calibrating = CalibratingModel(model, calibration, observed).eval()
        if forward_loop is None:
            calibrating(*args, **(kwargs or {}))
        else:
            _check_called(calibration, forward_loop(calibrating))
        quantized, facts = calibration.finish()
    finally:
        done()
    made, changed = build_quantized(model, quantized, facts, given)
    made.report = report_of(facts, changed)
    _fill_observers(made, facts["channel_amax"])
    _set_methods(made, json.loads(recipe)["weight"], freeze_weights)
    for warning in made.report.warnings:
        warnings.warn(warning, stacklevel=3)
    return made


def _no_model(model: Any) -> Error:
    if isinstance(model, QuantizedModel):
        what, hint = "the model is quantized already", "the transformed model that it was made of"
    elif isinstance(model, TransformationResult):
        what, hint = "the result of transform is no model", "its model: quantize(res.model, ...)"
    else:
        what, hint = f"{type(model).__name__} is no transformed model", "quantize(transform(...).model, ...)"
    return Error("quantize.model", what, hint)


def _check_called(calibration: _C.Calibration, result: Any) -> None:
    """After the loop, which has returned `result`."""
    if calibration.samples > 0:
        return
    hint = "a loop that calls its argument: lambda m: [m(x) for x in data]"
    if isinstance(result, Iterator):
        hint = "[m(x) for x in data]: the loop has returned an iterator, which calls nothing before it is asked"
    raise Error("data.empty", "forward_loop never called the model that it was given", hint)


def _given(model: TransformedModel) -> dict[str, torch.Tensor]:
    """The stored tensors for calibration."""
    tensors = {}
    for name, tensor in zip(model.info.network.names, model.tensors(), strict=True):
        folder, _, leaf = model.info.stored[name].rpartition(".")
        module = model.get_submodule(folder)
        if leaf not in module._parameters and leaf not in module._buffers:
            raise Error(
                "quantize.pruned",
                f"{model.info.stored[name]} is no longer a parameter: it was pruned or parametrized after transform",
                "pruning the model first, and transform then",
            )
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            raise Error(
                "quantize.type",
                f"{name} is {tensor.dtype}: ranges and scales are of float32 networks",
                "transform(model.float(), ...); the file's float regions are FP16 or BF16 all the same",
            )
        tensors[name] = tensor.detach().cpu()
    return tensors


def _fill_observers(model: QuantizedModel, measured: dict[str, torch.Tensor]) -> None:
    """``measured``: by the path of a norm."""
    for path, channel_amax in measured.items():
        kernel = model.get_submodule(model.info.paths[path].rpartition(".")[0])
        observer = getattr(kernel, "smooth_quant_observer", None)
        if isinstance(observer, SmoothQuantObserver):
            observer.fill(channel_amax)


def _set_methods(model: QuantizedModel, weight: dict[str, Any], freeze: bool) -> None:
    """How scales of weights follow the weights (``weight`` of the recipe); codes that were chosen by data follow
    nothing."""
    for _, quantizer in model.quantizers():
        if not isinstance(quantizer, WeightFakeQuantize):
            continue
        quantizer.per_channel = weight["per_channel"]
        quantizer.method = "minmax" if quantizer.precision == "fp8" else weight["calibration_method"]
        quantizer.percentile = weight["percentile"]
        if freeze or weight["rounding"] != "nearest" or quantizer.frozen:
            quantizer.freeze()
