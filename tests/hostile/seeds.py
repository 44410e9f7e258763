"""The honest files that the hostile ones are made from: standard library only, the same bytes each time."""

import json
import struct

from hostile.zips import Part, zip_bytes

CHANNELS, SIZE = 4, 8

#: y = relu(conv(x)), as `graftwork transform` reads it.
GRAPH = """graph(%x: f32[N, 3, 8, 8]) {
  %c = nn.Conv2d @conv(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3], padding=[1, 1]}
  %r = nn.ReLU @relu(%c)
  return output=%r
}
"""

PLAN = {
    "format": 1,
    "transformation": {
        "graph": "",
        "rounds": [{"phase": "fusions", "matches": [{"node": "r", "pattern": "ConvBNActPattern", "apply": True}]}],
    },
    "stubs": {
        "graph": "",
        "stubs": [
            {
                "name": "quant_stub_0",
                "tensor": "x",
                "apply": True,
                "readers": [{"module": "FusedConvAct_0", "input": 0}],
                "reason": "",
            }
        ],
        "missing": [],
        "weights": [{"module": "FusedConvAct_0", "layer": "conv", "quantized": True, "reason": ""}],
    },
}

RECIPE = {
    "activation": {"precision": "int8", "calibration_method": "minmax"},
    "weight": {"precision": "int8", "per_channel": True},
    "skip": {"stub": [], "weight": []},
}


def tensor(name):
    return {"as_tensor": {"name": name}}


def argument(name, value, kind=1):
    return {"name": name, "arg": value, "kind": kind}


def node(target, name, *inputs):
    return {
        "target": f"torch.ops.aten.{target}",
        "inputs": list(inputs),
        "outputs": [tensor(name)],
        "metadata": {},
        "is_hop_single_tensor_return": None,
        "name": name,
    }


def meta(sizes, dtype=7, strides=None, offset=0):
    """Numbers stay, texts are symbolic."""

    def number(value):
        return {"as_int": value} if isinstance(value, int) else {"as_expr": {"expr_str": value, "hint": None}}

    if strides is None:
        strides, step = [], 1
        for size in reversed(sizes):
            strides.insert(0, step)
            step *= size if isinstance(size, int) else 1
    return {
        "dtype": dtype,
        "sizes": [number(size) for size in sizes],
        "requires_grad": False,
        "device": {"type": "cpu", "index": None},
        "strides": [number(stride) for stride in strides],
        "storage_offset": number(offset),
        "layout": 7,
    }


BATCH = "Symbol('s77', positive=True, integer=True)"

_PROGRAM = {
    "graph_module": {
        "graph": {
            "inputs": [tensor("p_weight"), tensor("p_bias"), tensor("x")],
            "outputs": [tensor("relu")],
            "nodes": [
                node(
                    "conv2d.default",
                    "conv2d",
                    argument("input", tensor("x")),
                    argument("weight", tensor("p_weight")),
                    argument("bias", tensor("p_bias")),
                    argument("stride", {"as_ints": [1, 1]}),
                    argument("padding", {"as_ints": [1, 1]}),
                ),
                node("relu.default", "relu", argument("self", tensor("conv2d"))),
            ],
            "tensor_values": {
                "x": meta([BATCH, 3, SIZE, SIZE]),
                "p_weight": meta([CHANNELS, 3, 3, 3]),
                "p_bias": meta([CHANNELS]),
                "conv2d": meta([BATCH, CHANNELS, SIZE, SIZE]),
                "relu": meta([BATCH, CHANNELS, SIZE, SIZE]),
            },
            "sym_int_values": {},
            "sym_bool_values": {},
            "sym_float_values": {},
            "custom_obj_values": {},
            "is_single_tensor_return": True,
        },
        "signature": {
            "input_specs": [
                {"parameter": {"arg": {"name": "p_weight"}, "parameter_name": "conv.weight"}},
                {"parameter": {"arg": {"name": "p_bias"}, "parameter_name": "conv.bias"}},
                {"user_input": {"arg": tensor("x")}},
            ],
            "output_specs": [{"user_output": {"arg": tensor("relu")}}],
        },
        "module_call_graph": [],
        "metadata": {},
        "treespec_namedtuple_fields": {},
    },
    "opset_version": {"aten": 10},
    "range_constraints": {"s77": {"min_val": 1, "max_val": None}},
    "schema_version": {"major": 8, "minor": 20},
    "verifiers": ["TRAINING"],
    "torch_version": "2.13.0",
    "guards_code": [],
}

_WEIGHTS = {
    "config": {
        "conv.weight": {
            "path_name": "weight_0",
            "is_param": True,
            "use_pickle": False,
            "tensor_meta": meta([CHANNELS, 3, 3, 3]),
        },
        "conv.bias": {
            "path_name": "weight_1",
            "is_param": True,
            "use_pickle": False,
            "tensor_meta": meta([CHANNELS]),
        },
    }
}


_PROGRAM_TEXT, _WEIGHTS_TEXT = json.dumps(_PROGRAM), json.dumps(_WEIGHTS)


def program():
    """A fresh copy of the program's JSON."""
    return json.loads(_PROGRAM_TEXT)


def weights():
    """A fresh copy of the JSON that says where the weights lie."""
    return json.loads(_WEIGHTS_TEXT)


def floats(count):
    return struct.pack(f"<{count}f", *((i % 7 - 3) / 8 for i in range(count)))


def as_bytes(document):
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def parts(model=None, config=None, **records):
    """Entries of a .pt2 archive. `model` and `config` are JSON or bytes; `records` replace or add raw weights."""
    stored = {"weight_0": floats(CHANNELS * 27), "weight_1": floats(CHANNELS), **records}
    return [
        Part("m/archive_format", b"pt2"),
        Part("m/byteorder", b"little"),
        Part("m/models/model.json", as_bytes(program() if model is None else model)),
        Part("m/data/weights/model_weights_config.json", as_bytes(weights() if config is None else config)),
        *(Part(f"m/data/weights/{name}", body) for name, body in stored.items() if body is not None),
        Part("m/archive_version", b"0"),
    ]


def archive(model=None, config=None, **records):
    """A whole .pt2 file."""
    return zip_bytes(parts(model, config, **records))


def npy(shape, descr="<f4", body=None, fortran=False):
    """A .npy file; the shape may be any text."""
    shape_text = shape if isinstance(shape, str) else repr(tuple(shape))
    header = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape_text}, }}"
    if body is None:
        count = 1
        for size in shape:
            count *= size
        body = floats(count)
    return npy_with_header(header, body)


def npy_with_header(header, body=b"", version=(1, 0), length=None):
    """A .npy file around the header's text or bytes; `length` instead of the header's own."""
    header = header.encode("latin1") if isinstance(header, str) else header
    field = "<H" if version[0] == 1 else "<I"
    prefix = 8 + struct.calcsize(field)
    header += b" " * (-(prefix + len(header) + 1) % 64) + b"\n"
    size = len(header) if length is None else length
    return b"\x93NUMPY" + bytes(version) + struct.pack(field, size) + header + body


def samples(count=2):
    """Calibration data for the program."""
    return npy([count, 3, SIZE, SIZE])
