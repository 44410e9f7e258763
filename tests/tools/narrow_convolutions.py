"""What NVIDIA's compiler makes of quantized convolutions of few channels: the table of
docs/decisions/narrow-convolutions.md.

    python tests/tools/narrow_convolutions.py
"""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import rtx_compile

CHANNELS = (1, 3, 4, 5, 8)
# Sizes of the picture and of the kernel, as the network has them and with a further axis of one element.
FORMS = {
    "a sequence": (((64,), (3,)), ((1, 64), (1, 3))),
    "a column": (((64, 1), (3, 1)), ((1, 64, 1), (1, 3, 1))),
    "one pixel": (((1, 1), (1, 1)), ((1, 1, 1), (1, 1, 1))),
    "a row": (((1, 64), (1, 3)), ((1, 1, 64), (1, 1, 3))),
    "a picture": (((16, 16), (3, 3)), ((1, 16, 16), (1, 3, 3))),
}


def pair(name, value, scale, axis=None):
    """Q and DQ behind `value`, or DQ behind codes: nodes and initializers."""
    shape = () if axis is None else (value.shape[axis],)
    constants = {f"{name}_scale": np.full(shape, scale, np.float16), f"{name}_zero": np.zeros(shape, np.int8)}
    described = [f"{name}_scale", f"{name}_zero"]
    if axis is None:
        nodes = [helper.make_node("QuantizeLinear", [value, *described], [f"{name}_codes"])]
    else:
        nodes, constants[f"{name}_codes"] = [], value
    options = {} if axis is None else {"axis": axis}
    nodes.append(helper.make_node("DequantizeLinear", [f"{name}_codes", *described], [name], **options))
    return nodes, constants


def convolution(channels, size, kernel, batch=1):
    """x → Q, DQ → Conv with 32 channels of output, bias, ReLU, the regions around it in FP16: at most ten nodes."""
    codes = np.random.default_rng(0).integers(-127, 128, (32, channels, *kernel)).astype(np.int8)
    nodes, constants = pair("given", "x", 0.02)
    more_nodes, more_constants = pair("weight", codes, 0.01, axis=0)
    pads = [extent // 2 for extent in kernel] * 2
    nodes += more_nodes
    nodes.append(helper.make_node("Conv", ["given", "weight", "bias"], ["sum"], name="conv", pads=pads))
    nodes.append(helper.make_node("Relu", ["sum"], ["y"]))
    constants |= {**more_constants, "bias": np.ones(32, np.float16)}
    half = TensorProto.FLOAT16
    ends = [
        [helper.make_tensor_value_info(name, half, [batch, width, *size])]
        for name, width in (("x", channels), ("y", 32))
    ]
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "narrow", *ends, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def runs(model):
    """How the compiler runs the convolution ("Int8", or "float" and why), and its kernels in all."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.onnx"
        onnx.save(model, path)
        report = rtx_compile.compile_apart(str(path), 89, {}, None, 300)
    if not report["accepted"]:
        raise ValueError(f"refused: {report['parser'] + report['builder']}")
    (product,) = report["summary"]["weighted_nodes"]
    return product["runs"], report["summary"]["kernels"]


def main():
    print(f"{'':12} {'channels':>8}  {'as it is':8} kernels  {'a further axis':14} kernels  {'two samples':11}")
    for name, (plain, further) in FORMS.items():
        for channels in CHANNELS:
            found = [runs(convolution(channels, *form)) for form in (plain, further)]
            found.append(runs(convolution(channels, *plain, batch=2)))
            (a, n), (b, m), (c, _) = ((text.split()[0], kernels) for text, kernels in found)
            print(f"{name:12} {channels:8}  {a:8} {n:7}  {b:14} {m:7}  {c:11}", flush=True)


if __name__ == "__main__":
    main()
