"""What the tests share: running the command, the exported networks with their data, reading the ONNX files."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper

import zoo
from export import save_pt2

ROOT = Path(__file__).parents[2]
TIMEOUT = 300


class Call(torch.nn.Module):
    """A function of one tensor as a network."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def environment():
    """What processes inherit, but for what pytest writes into it."""
    return {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}


class Graftwork:
    """The command. Calling it asserts success, and that what it quantized is legal; `fails` asserts a clean failure.

    A `server` (command_server.py) runs what it can, which saves the start: most of the time of a small network.
    """

    def __init__(self, path, server=None):
        self.path, self.server, self._environment = Path(path), server, environment()

    def run(self, *arguments, cwd=None, env=None):
        words = [str(argument) for argument in arguments]
        fits = not any("\t" in word or "\n" in word for word in words)  # they part what the server is asked
        if self.server and fits and not env and environment() == self._environment:
            answer = self.server.run(cwd or os.getcwd(), words)
            return subprocess.CompletedProcess(words, answer.status, answer.output, answer.report)
        return subprocess.run(
            [self.path, *words],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    def __call__(self, *arguments, cwd=None, env=None):
        done = self.run(*arguments, cwd=cwd, env=env)
        assert done.returncode == 0, f"graftwork {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}"
        if arguments[0] == "quantize" and "-o" in arguments:
            written = Path(cwd or ".") / arguments[arguments.index("-o") + 1]
            onnx.checker.check_model(written, full_check=True)
        return done

    def fails(self, *arguments, codes=(1, 2), cwd=None):
        """Runs what must fail: a status of `codes`, exactly one error report, no trace of an uncaught exception."""
        done = self.run(*arguments, cwd=cwd)
        assert done.returncode in codes, f"status {done.returncode}, expected {codes}\n{done.stdout}{done.stderr}"
        assert done.stderr.count("error[") == 1, done.stderr
        for trace in ("terminate called", "what():", "Traceback", "Assertion", "internal error"):
            assert trace not in done.stderr, done.stderr
        return done


@dataclass(frozen=True)
class Exported:
    """A network of the zoo on disk, with calibration data (8 samples) and an input (4 samples) that is none of it."""

    name: str
    model: torch.nn.Module
    path: Path
    calibration: Path
    input: Path

    @property
    def x(self):
        return np.load(self.input)

    def reference(self):
        with torch.no_grad():
            return self.model(torch.from_numpy(self.x)).numpy()


def export(name, folder):
    folder.mkdir(parents=True, exist_ok=True)
    exported = Exported(name, zoo.build(name), folder / f"{name}.pt2", folder / "calibration.npy", folder / "input.npy")
    save_pt2(exported.model, exported.path, zoo.samples(name, 2), dynamic_batch=True)
    np.save(exported.calibration, zoo.samples(name, 8, seed=1).numpy())
    np.save(exported.input, zoo.samples(name, 4, seed=2).numpy())
    return exported


def load_npz(path):
    with np.load(path) as arrays:
        return {name: arrays[name] for name in arrays.files}


def only(arrays):
    (value,) = arrays.values()
    return value


def run_onnx(model, x, outputs=(), optimised=False):
    """Runs a ModelProto or a file: name to array of its outputs and of `outputs`; with graph optimisation off, or with
    INT8 kernels that add in 32 bits on every processor.

    `x` is an array, or for several inputs arrays by name; they are converted to the types that the model asks for.
    """
    if isinstance(model, str | Path):
        model = onnx.load(model)
    if outputs:
        model = onnx.ModelProto.FromString(model.SerializeToString())
        present = {value.name for value in model.graph.output}
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs if name not in present)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if optimised:
        options.add_session_config_entry("session.x64quantprecision", "1")
    else:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    if not isinstance(x, dict):
        x = {only_input(session): x}
    types = {
        "tensor(float16)": np.float16,
        "tensor(float)": np.float32,
        "tensor(int64)": np.int64,
        "tensor(int32)": np.int32,
        "tensor(bool)": np.bool_,
    }
    given = {value.name: x[value.name].astype(types[value.type]) for value in session.get_inputs()}
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, given), strict=True))


LEAST_SHARED_BYTES = 1024  # smaller tensors may be there twice, under names that say what they belong to


def waste(model):
    """What of a ModelProto no result needs, and which large tensors are there twice: lines, none in a good file."""
    graph = model.graph
    read = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    found = [f"node {node.name} is idle" for node in graph.node if read.isdisjoint(node.output)]
    seen = {}
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if tensor.name not in read:
            found.append(f"tensor {tensor.name} is not read")
        if array.nbytes >= LEAST_SHARED_BYTES:
            first = seen.setdefault((tensor.data_type, array.shape, array.tobytes()), tensor.name)
            if first != tensor.name:
                found.append(f"tensor {tensor.name} is {first} again")
    return found


def only_input(session):
    (value,) = session.get_inputs()
    return value.name


def sqnr_db(reference, value):
    """Signal to quantization noise, 10 log10(sum y^2 / sum (y - yq)^2), in dB."""
    noise = np.square(reference.astype(np.float64) - value.astype(np.float64)).sum()
    return float(10 * np.log10(np.square(reference.astype(np.float64)).sum() / max(noise, 1e-300)))


def relative_error(value, reference):
    """Largest absolute difference over the largest absolute reference."""
    assert value.shape == reference.shape
    return float(np.abs(value.astype(np.float64) - reference).max() / np.abs(reference).max())


class QdqGraph:
    """An ONNX file seen through its quantize/dequantize nodes."""

    def __init__(self, model):
        self.model = onnx.load(model) if isinstance(model, str | Path) else model
        graph = self.model.graph
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}
        self.producer = {name: node for node in graph.node for name in node.output}
        self.consumers = {}
        for node in graph.node:
            for name in node.input:
                self.consumers.setdefault(name, []).append(node)

    def nodes(self, *kinds):
        return [node for node in self.model.graph.node if node.op_type in kinds]

    def is_constant(self, name):
        return name in self.initializers

    def array(self, name):
        return numpy_helper.to_array(self.initializers[name])

    def attribute(self, node, name):
        return next((onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name), None)

    def activation_quantizers(self):
        """QuantizeLinear nodes on activations, in graph order."""
        return [node for node in self.nodes("QuantizeLinear") if not self.is_constant(node.input[0])]

    def weight_dequantizers(self):
        """DequantizeLinear nodes that yield a weight: from stored codes, or from a quantized constant."""
        found = []
        for node in self.nodes("DequantizeLinear"):
            source = self.producer.get(node.input[0])
            if self.is_constant(node.input[0]) or (source is not None and self.is_constant(source.input[0])):
                found.append(node)
        return found

    def behind_copies(self, value):
        """The value that `value` is a copy of: DequantizeLinear moves over operators that only move data."""
        node = self.producer.get(value)
        while node is not None and node.op_type in ("Flatten", "Reshape", "Transpose"):
            value = node.input[0]
            node = self.producer.get(value)
        return value

    def stub_of(self, quantizer):
        """The stub's name: that of the tensor behind the quantizer's DequantizeLinear."""
        (dequantizer,) = [n for n in self.consumers[quantizer.output[0]] if n.op_type == "DequantizeLinear"]
        return dequantizer.output[0]


class Small:
    """A network with inputs, as files in a folder of its own."""

    def __init__(self, graftwork, folder):
        self.graftwork = graftwork
        self.folder = folder

    def quantize(self, model, inputs, *options, calibration=None):
        """The file's outputs for the inputs, by ONNX Runtime without its optimizations."""
        program = torch.export.export(model.eval(), inputs)
        torch.export.save(program, self.folder / "m.pt2")
        names = program.graph_signature.user_inputs
        data = [value.numpy() for value in inputs] if calibration is None else calibration
        np.savez(self.folder / "c.npz", **dict(zip(names, data, strict=True)))
        arguments = ("quantize", "m.pt2", "--calibrate", "c.npz", *options, "--quiet", "-o", "m.onnx")
        self.graftwork(*arguments, cwd=self.folder)
        session = self.session()
        feed = {one.name: value.numpy() for one, value in zip(session.get_inputs(), inputs, strict=True)}
        return session.run(None, feed)

    def session(self):
        settings = onnxruntime.SessionOptions()
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        return onnxruntime.InferenceSession(self.folder / "m.onnx", settings, providers=["CPUExecutionProvider"])
