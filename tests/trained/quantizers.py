"""The quantizers that are compared: the command with each recipe, and ONNX Runtime's, on the same samples."""

import json
import logging
import time
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from export import save_pt2

OPSET = 18
PRODUCTS = ["Conv", "ConvTranspose", "Gemm", "MatMul"]


@dataclass(frozen=True)
class Quantized:
    path: object
    seconds: float  # the command from start to file; ONNX Runtime's two calls, without exporting and importing


def recipe(weights, activations):
    return {"weight": {"calibration_method": weights}, "activation": {"calibration_method": activations}}


RECIPES = {
    "default": {},
    "minmax": recipe("minmax", "minmax"),
    "mse weights": recipe("mse", "minmax"),
    "mse activations": recipe("minmax", "mse"),
    "mse": recipe("mse", "mse"),
}
ONNX_RUNTIME = {"ORT": None, "ORT products": PRODUCTS}
NAMES = (*RECIPES, *ONNX_RUNTIME)


class Samples(CalibrationDataReader):
    """Arrays by the inputs' names: one sample a call, as ONNX Runtime's examples do, or as many as the graph takes."""

    def __init__(self, arrays, batch):
        count = len(next(iter(arrays.values())))
        self.given = iter(
            [{name: samples[i : i + batch] for name, samples in arrays.items()} for i in range(0, count, batch)]
        )

    def get_next(self):
        return next(self.given, None)


def by_onnx_runtime(given, written, samples, kinds):
    """Symmetric INT8, weights per channel, MINMAX, biases in float: the settings that TensorRT takes."""
    prepared = written.with_name("prepared.onnx")
    logging.disable(logging.WARNING)
    try:
        try:
            quant_pre_process(given, prepared)
        except TypeError:  # its symbolic shapes stumble over a norm; this is what its documentation advises then
            quant_pre_process(given, prepared, skip_symbolic_shape=True)
        quantize_static(
            *(prepared, written, samples),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=kinds,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False},
        )
    finally:
        logging.disable(logging.NOTSET)


class Source:
    """A network with its calibration samples in a folder, for every quantizer in the form that it reads."""

    def __init__(self, model, calibration, batch, folder):
        self.folder, self.calibration, self.batch = folder, np.ascontiguousarray(calibration), batch
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "calibration.npy", self.calibration)
        example = torch.from_numpy(self.calibration[: batch or 2])
        save_pt2(model, folder / "model.pt2", example, dynamic_batch=not batch)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                *(model, (example,), folder / "model.onnx"),
                dynamo=False,
                opset_version=OPSET,
                input_names=["x"],
                dynamic_axes=None if batch else {"x": {0: "batch"}},
            )

    def quantize(self, graftwork, name):
        return self.by_onnx_runtime(name) if name in ONNX_RUNTIME else self.by_command(graftwork, name)

    def by_command(self, graftwork, name):
        """FP32 around INT8, as ONNX Runtime's file has it: what differs is quantization alone."""
        config, onnx = self.folder / "recipe.json", self.folder / f"{name}.onnx"
        config.write_text(json.dumps(RECIPES[name]))
        arguments = ("--calibrate", self.folder / "calibration.npy", "--config", config, "--float", "fp32", "--quiet")
        began = time.monotonic()
        graftwork("quantize", self.folder / "model.pt2", *arguments, "-o", onnx)
        return Quantized(onnx, time.monotonic() - began)

    def by_onnx_runtime(self, name):
        onnx, samples = self.folder / f"{name}.onnx", Samples({"x": self.calibration}, self.batch or 1)
        began = time.monotonic()
        by_onnx_runtime(self.folder / "model.onnx", onnx, samples, ONNX_RUNTIME[name])
        return Quantized(onnx, time.monotonic() - began)
