"""What we infer of types and shapes is what ONNX infers: operator by operator, and for whole files."""

import json

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import inference
import support
import zoo

F32, F16, I64, I32, BOOL, U8, I8 = (
    getattr(TensorProto, name) for name in ("FLOAT", "FLOAT16", "INT64", "INT32", "BOOL", "UINT8", "INT8")
)
LAST = 2**63 - 1


def x(*extents, of=F32):
    """An operand of the graph."""
    return of, extents


def ints(*values):
    return np.array(values, np.int64)


def floats(*extents):
    return np.ones(extents, np.float32)


def number(value, kind=np.float32):
    return np.array(value, kind)


def single(op, *operands, results=1, opset=21, **attributes):
    """A model of one node. An operand is x(...), an array that it reads as an initializer, or None."""
    names, inputs, initializers = [], [], []
    for i, operand in enumerate(operands):
        names.append("" if operand is None else f"x{i}")
        if isinstance(operand, np.ndarray):
            initializers.append(numpy_helper.from_array(operand, f"x{i}"))
        elif operand is not None:
            inputs.append(helper.make_tensor_value_info(f"x{i}", operand[0], operand[1]))
    node = helper.make_node(op, names, [f"y{i}" for i in range(results)], name="node", **attributes)
    graph = helper.make_graph([node], "graph", inputs, [], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


UNARY = [
    *("Abs", "Ceil", "Cos", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu"),
    *("Log", "LogSoftmax", "Mish", "Neg", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Softmax"),
    *("Softplus", "Sqrt", "Tanh", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cosh", "Sinh", "Tan"),
    *("IsInf", "IsNaN", "BitwiseNot"),
]


def elementwise():
    shapes = [((2, 3), (3,)), (("N", 3), (1, 3)), (("N", 3), (2, 1)), (("N", 3), ("M", 3)), ((1,), ("N",)), ((), (3,))]
    for a, b in [*shapes, ((2, 1, 4), (3, 1)), ((2, 3), (2,))]:
        for op in ("Add", "Mul", "Max", "Pow", "Greater", "Equal"):
            yield single(op, x(*a), x(*b))
        yield single("Where", x(*a, of=BOOL), x(*b), x(1))
    for op in UNARY:
        for kind in (F32, F16, I32, BOOL):
            yield single(op, x("N", 3, of=kind))
    for kind in (F16, I64, BOOL, U8, F32):
        yield single("Cast", x("N", 3), to=kind)
    yield single("Not", x(2, of=BOOL))
    yield single("Not", x(2))
    yield single("And", x(2, 1, of=BOOL), x(3, of=BOOL))
    for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
        yield single(op, x(2, 1, of=I32), x(3, of=I32))
    yield single("CumSum", x("N", 3), number(1, np.int64))
    yield single("Trilu", x(2, "N", 3), number(0, np.int64))
    yield single("ScatterElements", x(2, 3), x(1, 3, of=I64), x(1, 3), axis=0)
    yield single("GatherElements", x(2, "N"), x(1, 3, of=I64), axis=0)
    yield single("GatherND", x(2, 3, "N"), x(4, 2, of=I64))
    yield single("GridSample", x("N", 3, 8, 8), x("N", 4, 5, 2), opset=20)
    yield single("TopK", x(2, 7, "N"), ints(3), results=2, axis=1)
    yield single("TopK", x(2, 7, "N"), x(1, of=I64), results=2, axis=1)
    yield single("ScatterND", x(2, 3), x(4, 1, of=I64), x(4, 3))
    yield single("Clip", x(2, "K"), None, number(6))
    yield single("PRelu", x(2, 3, 4), floats(3, 1))


def mixed_types():
    for op in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Less", "MatMul", "Concat"):
        attributes = {"axis": 0} if op == "Concat" else {}
        yield single(op, x(2, 2), x(2, 2, of=F16), **attributes)
    yield single("Pow", x(2), x(2, of=I64))
    yield single("Where", x(2, of=BOOL), x(2), x(2, of=F16))
    yield single("Where", x(2), x(2), x(2))
    yield single("Conv", x(1, 2, 8), floats(4, 2, 3).astype(np.float16))
    yield single("Gemm", x(2, 2), floats(2, 2), floats(2).astype(np.float16))
    yield single("Clip", x(2), number(0, np.float16))
    yield single("Gather", x(2, 2), x(1))
    yield single("Reshape", x(2, 2), np.array([4], np.int32))
    yield single("QuantizeLinear", x(2), number(0.1), number(0, np.int8))
    for opset in (21, 23):
        yield single("QuantizeLinear", x(2, of=F16), number(0.1), number(0, np.int8), opset=opset)
    yield single("LayerNormalization", x(2, 3), floats(3).astype(np.float16))
    yield single("Resize", x(1, 1, 4), None, None, np.array([1, 1, 8], np.int32))
    yield single("Pad", x(2, 2), ints(0, 0, 0, 1), number(0, np.float16))


def windows():
    for kernel, stride, dilation in [(k, s, d) for k in (1, 2, 3, 5) for s in (1, 2, 3) for d in (1, 2)]:
        for begin, end in [(0, 0), (1, 1), (0, 1), (2, 1)]:
            common = {"strides": [stride], "pads": [begin, end]}
            for ceil_mode in (0, 1):
                if begin < kernel:
                    pool = {"kernel_shape": [kernel], "ceil_mode": ceil_mode, **common}
                    yield single("MaxPool", x("N", 3, 13), dilations=[dilation], **pool)
                    yield single("AveragePool", x(2, 3, 14), **pool)
            step = {"dilations": [dilation], "group": 2, **common}
            yield single("Conv", x(2, 4, 13), x(6, 2, kernel), **step)
            yield single("ConvTranspose", x(2, 4, 13), x(4, 3, kernel), output_padding=[stride - 1], **step)
    for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        for stride in (1, 2, 3):
            yield single("Conv", x(2, 4, 13), x(6, 4, 3), strides=[stride], auto_pad=auto_pad)
            yield single("MaxPool", x(2, 4, 13), kernel_shape=[3], strides=[stride], auto_pad=auto_pad)
    yield single("Conv", x(2, 4, 13, "W"), x("O", 4, 3, 3), x(6), kernel_shape=[3, 3])
    yield single("Conv", x(2, 4, 13), x(6, 4, 3, 3))
    yield single("MaxPool", x(2, 3, 8, 8), results=2, kernel_shape=[2, 2])
    for op in ("GlobalAveragePool", "GlobalMaxPool"):
        yield single(op, x("N", 3, 4, 5))
    for factor in (1.15, 1.3, 2, 0.5, 0.7):
        yield single("Resize", x("N", 3, 20), None, np.array([1, 1, factor], np.float32))
    yield single("Resize", x("N", 3, 20), None, None, ints(2, 3, 23))
    yield single("Resize", x("N", 3, 20), None, None, ints(23), axes=[2])


def layers():
    products = [((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((5, 2, 3), (3, 4)), (("N", 2, 3), (1, 3, 4))]
    for a, b in [*products, ((3,), (3,)), (("N", "K"), ("K", 4)), ((2, 1, 2, 3), (5, 3, 4)), ((2, 3), (4, 3))]:
        yield single("MatMul", x(*a), x(*b))
    yield single("Gemm", x("N", 3), x(4, 3), x(4), transB=1)
    yield single("Gemm", x(3, 2), x(3, 4), transA=1)
    yield single("Gemm", x(2, 3), x(4, 3))
    for direction, count in (("forward", 1), ("bidirectional", 2)):
        weights = {gates: (floats(count, gates * 4, 5), floats(count, gates * 4, 4)) for gates in (1, 3, 4)}
        state, common = x(count, 2, 4), {"hidden_size": 4, "direction": direction}
        yield single("LSTM", x("S", 2, 5), *weights[4], floats(count, 32), None, state, state, results=3, **common)
        yield single("GRU", x(7, "N", 5), *weights[3], floats(count, 24), None, state, results=2, **common)
        yield single("RNN", x(7, 2, 5), *weights[1], results=2, **common)
    yield single("BatchNormalization", x("N", 4, 5), *[x(4)] * 4)
    yield single("InstanceNormalization", x("N", 4, 5), x(4), x(4))
    yield single("GroupNormalization", x("N", 4, 5), x(4), x(4), num_groups=2)
    yield single("LayerNormalization", x("N", 4, 5), x(5), x(5))
    yield single("RMSNormalization", x("N", 4, 5), x(5), opset=23)
    for mask in ((), (x(4, 6),)):
        yield single("Attention", x("N", 2, 4, 8), x("N", 2, 6, 8), x("N", 2, 6, 3), *mask, opset=23, scale=0.5)
    yield single("QuantizeLinear", x(2, 3), number(0.1), number(0, np.int8))
    yield single("DequantizeLinear", x(2, 3, of=I8), floats(2), np.zeros(2, np.int8), axis=0)
    yield single("DequantizeLinear", x(2, 3, of=I8), number(1, np.float16), number(0, np.int8))
    for op in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2"):
        for keepdims in (0, 1):
            yield single(op, x("N", 3, 4), ints(0, -1), keepdims=keepdims)
            yield single(op, x(2, 3), keepdims=keepdims)
            yield single(op, x(2, 3), x(1, of=I64), keepdims=keepdims)
    yield single("ReduceSum", x(2, 3), ints(), noop_with_empty_axes=1)
    yield single("ArgMax", x("N", 3, 4), axis=1, keepdims=0)


def movement():
    targets = [((2, 3, 4), (0, -1)), (("N", 3, 4), (0, -1)), (("N", 3, 4), (-1, 12)), (("N", 3, 4), (0, 0, 2, 2))]
    for extents, target in [*targets, ((2, 12), (2, 3, -1)), ((2, "K", 4), (0, -1)), ((1,), ()), ((2, 3), (-1, 4))]:
        yield single("Reshape", x(*extents), ints(*target))
    for axis in (0, 1, 2, -1):
        yield single("Flatten", x("N", 3, 4), axis=axis)
    yield single("Transpose", x("N", 3, 4))
    yield single("Transpose", x("N", 3, 4), perm=[1, 2, 0])
    yield single("Squeeze", x(1, 3, 1))
    yield single("Squeeze", x(1, 3, 1), ints(-1))
    yield single("Squeeze", x(1, 3, 1), ints(1))
    yield single("Unsqueeze", x("N", 3), ints(0, -1))
    yield single("DepthToSpace", x("N", 8, "H", 4), blocksize=2)
    yield single("Expand", x(3, 1), ints(2, 1, 6))
    yield single("Expand", x("N", 1), ints(1, 6))
    yield single("Tile", x("N", 3), ints(2, 2))
    for limits in ({}, {"start": 1}, {"end": -1}, {"start": -2, "end": 3}, {"start": 2, "end": 1}):
        yield single("Shape", x("N", 3, 4), **limits)
    for start, limit, step in [(0, 5, 1), (1, 8, 3), (5, 0, -2), (3, 1, 1)]:
        yield single("Range", *(np.array(n, np.int64) for n in (start, limit, step)))
    yield single("Range", number(0, np.int64), x(of=I64), number(1, np.int64))
    yield single("Range", number(0), number(4), number(1))


def parts():
    yield single("Concat", x("N", 3), x(2, 4), axis=1)
    yield single("Concat", x("N", 3), x(2, 3), axis=0)
    yield single("Concat", x(2, 3), x(2, 3), axis=-1)
    yield single("Concat", x(2, 3), x(3, 4), axis=1)
    yield single("Split", x(2, 7), ints(3, 4), results=2, axis=1)
    yield single("Split", x(2, 7), ints(3, 3), results=2, axis=1)
    yield single("Split", x(2, 7), results=3, axis=1, num_outputs=3)
    yield single("Split", x("N", 8), results=2, axis=0, num_outputs=2)
    cuts = [(1, 3, 0, 1), (0, LAST, 1, 2), (-1, -LAST - 1, 1, -1), (-3, LAST, 1, 1), (5, 2, 1, -1), (20, -20, 1, -2)]
    for cut in [*cuts, (2, 1, 1, 1), (-20, 4, 1, 1), (-20, -30, 1, -1), (3, -5, 1, -1), (3, -8, 1, -1), (0, -7, 1, 1)]:
        for extents in [("N", 7), (9, 7)]:
            yield single("Slice", x(*extents), *(ints(number) for number in cut))
    yield single("Slice", x(9, 7), ints(1), ints(3))
    yield single("Slice", x(9, 7), x(1, of=I64), ints(3))
    for axis in (0, 1, -1):
        yield single("Gather", x("N", 3, 4), np.array(1, np.int64), axis=axis)
        yield single("Gather", x("N", 3, 4), x(2, "K", of=I64), axis=axis)
    yield single("Pad", x("N", 3, 4), ints(0, 1, 2, 0, -1, 3))
    yield single("Pad", x("N", 3), ints(1, 0, 0, 0), number(0))
    yield single("Pad", x(2, 3), x(4, of=I64))


@pytest.mark.parametrize("family", [elementwise, mixed_types, windows, layers, movement, parts])
def test_an_operator_has_onnxs_types_and_is_refused_where_onnx_refuses(graftwork, tmp_path, family):
    wrong = []
    for model in family():
        path = tmp_path / "m.onnx"
        onnx.save(model, path)
        ours = inference.infer_by_us(graftwork, path)
        try:
            theirs = inference.infer_by_onnx(model)
        except onnx.shape_inference.InferenceError as why:
            theirs = str(why).strip().splitlines()[-1]
        if isinstance(ours, str) or isinstance(theirs, str):
            found = "" if isinstance(ours, str) and isinstance(theirs, str) else f"{ours}, by ONNX {theirs}"
        else:
            found = inference.difference(ours, theirs)
        if found:
            wrong.append(f"{helper.printable_node(model.graph.node[0])}: {found}")
    assert wrong == []


@pytest.mark.parametrize("options", [(), ("--float", "fp32"), ("--weights", "float")], ids=" ".join)
@pytest.mark.parametrize("name", zoo.ZOO)
def test_a_written_file_has_onnxs_types(graftwork, quantized, name, options):
    assert inference.file_difference(graftwork, quantized(name, *options).path) == ""


class Branches(nn.Module):
    """Values of several types, in kernels and outside."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.norm, self.classify = nn.BatchNorm2d(8), nn.Linear(8, 5)

    def forward(self, x):
        y = torch.relu(self.norm(self.first(x)))
        y = torch.relu(self.second(y) + y)
        y = y * (y > 0.1)
        return self.classify(y.mean((2, 3))), y.amax((2, 3)).long()


@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
def test_every_value_of_ours_is_listed_with_its_type(graftwork, tmp_path, float_type):
    example = torch.randn(2, 3, 16, 16)
    program = torch.export.export(Branches().eval(), (example,))
    torch.export.save(program, tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", example.numpy())
    arguments = ("--calibrate", "x.npy", "--float", float_type, "--quiet", "-o", "m.onnx", "--report", "report.json")
    graftwork("quantize", "m.pt2", *arguments, cwd=tmp_path)
    model = onnx.load(tmp_path / "m.onnx")
    listed = {value.name: inference.onnx_types(model)[value.name] for value in model.graph.value_info}
    made = {name for node in model.graph.node for name in node.output}
    results = {value.name for value in model.graph.output}
    # What lies inside the form of an operator is ONNX's affair: codes, casts, steps of a formula.
    for value in ("fused_conv_bn_act_0", "fused_conv_bn_add_act_0", "gt", "mul", "amax", "fused_conv_bn_0"):
        assert value in listed, sorted(listed)
    assert set(listed) <= made - results
    stubs = {stub["name"] for stub in json.loads((tmp_path / "report.json").read_text())["stubs"]}
    assert stubs <= set(listed)
    wanted = F16 if float_type == "fp16" else F32
    kinds = {name: kind for name, (kind, _) in listed.items()}
    assert kinds["gt"] == BOOL
    assert {kinds[name] for name in ("fused_conv_bn_act_0", "mul", "amax", *stubs)} == {wanted}
    assert listed["amax"][1] == [2, 8]
    assert listed["fused_conv_bn_0"][1] == [2, 5]  # a classifier is written as a product, without its two axes of 1
    support.run_onnx(model, example.numpy())
