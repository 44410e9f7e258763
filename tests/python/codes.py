"""Codes, not only values: does Graftwork quantize every tensor to the integers that ONNX Runtime computes?

Comparing outputs end to end is blunt: differences of one code early on spread. So each layer is compared on ONNX
Runtime's own inputs. The file runs with every activation's codes as an output; the dequantized codes then replace the
outputs of Graftwork's stubs (`graftwork run --override`), so that each module computes on ONNX Runtime's inputs; the
value in front of each stub, divided by Graftwork's own scale, gives the codes to compare.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import support

LEAST_EQUAL = 0.999
OUTPUT_TOLERANCE = 1e-4


@dataclass
class Verdict:
    failures: list = field(default_factory=list)
    compared: int = 0
    equal: int = 0

    @property
    def passed(self):
        return not self.failures

    def fail(self, text):
        self.failures.append(text)


def expected_scales(report):
    """Stub name to scale, as Graftwork decided them."""
    return {stub["name"]: np.float32(stub["scale"]) for stub in report["stubs"]}


def runtime_codes(model, x):
    """Stub name to (name of the value in front, codes, dequantized codes) of every activation, and the outputs."""
    graph = support.QdqGraph(model)
    quantizers = graph.activation_quantizers()
    results = support.run_onnx(graph.model, x, [node.output[0] for node in quantizers])
    stubs = {}
    for node in quantizers:
        codes = results[node.output[0]]
        stubs[graph.stub_of(node)] = (node.input[0], codes, codes.astype(np.float32) * graph.array(node.input[1]))
    outputs = {value.name: results[value.name] for value in graph.model.graph.output}
    return stubs, outputs


def value_inside(stub):
    """Name of the value inside a module that the stub is on; None where it is on a value of the graph."""
    return stub.removesuffix("_quant") if "." in stub and stub.endswith("_quant") else None


def graftwork_values(graftwork, source, overrides):
    """Every value of the quantized stage by name, with the stubs' outputs replaced: those inside of modules in front of
    the stub, which then gives what it gets."""
    inside = [name for name in map(value_inside, overrides) if name]
    overrides = {value_inside(stub) or stub: value for stub, value in overrides.items()}
    with tempfile.TemporaryDirectory() as folder:
        override, output = Path(folder) / "override.npz", Path(folder) / "values.npz"
        np.savez(override, **overrides)
        values = [word for name in ("all", *inside) for word in ("--values", name)]
        graftwork(
            *("run", source.path, "--input", f"x={source.input}", "--stage", "quantized", "--float", "fp32"),
            *("--calibrate", source.calibration, "--override", override, *values, "-o", output),
        )
        return {"x": source.x, **support.load_npz(output)}


def compare_codes(graftwork, source, model, scales):
    """The check: `model` (onnx.ModelProto, FP32 regions) against Graftwork on `source`, whose stubs have `scales`."""
    verdict = Verdict()
    stubs, outputs = runtime_codes(model, source.x)
    for name in sorted(scales.keys() ^ stubs.keys()):
        verdict.fail(f"{name}: " + ("not in the file" if name in scales else "not a stub of Graftwork's"))
    shared = [name for name in stubs if name in scales]
    values = graftwork_values(graftwork, source, {name: stubs[name][2] for name in shared})
    for name in shared:
        front, codes, _ = stubs[name]
        front = value_inside(name) or front
        mine = np.clip(np.round(values[front] / scales[name]), -128, 127).astype(np.int32)
        distance = np.abs(mine - codes)
        verdict.compared += codes.size
        verdict.equal += int((distance == 0).sum())
        equal = (distance == 0).mean()
        if equal < LEAST_EQUAL or distance.max() > 1:
            verdict.fail(f"{name}: {equal:.3%} of {codes.size} codes equal, largest distance {distance.max()}")
    for name, value in outputs.items():
        error = support.relative_error(values[name], value)
        if not error <= OUTPUT_TOLERANCE:
            verdict.fail(f"{name}: output differs by {error:.1e} of its largest value")
    return verdict
