"""One network through every stage: export, float function, fusions, INT8 file in ONNX Runtime, NVIDIA's compiler."""

import collections
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch.utils import _pytree as pytree

import inference
import support
from golden_line import golden_line
from networks import NETWORKS

CALIBRATION_SAMPLES = 8
# Float32 rounds by 6e-8, a hundred layers do so a hundred times, and how a kernel splits a sum over threads is its
# own affair. A wrong attribute costs orders of magnitude more.
TOLERANCE = 1e-5
# Bodies are shared: what differs from network to network is in the modules.
LARGEST_BODY_COUNT = 100


def tensors(tree):
    """The tensors of inputs or outputs, which may hold None."""
    return [value.numpy() for value in pytree.tree_leaves(tree) if isinstance(value, torch.Tensor)]


class Failure(Exception):  # noqa: N818  (what a row reports; never a defect of the zoo itself)
    """A stage that a network does not pass; str() is one line that does not depend on the machine."""

    def __init__(self, stage, text):
        super().__init__(f"{stage}: {text}")


@dataclass(frozen=True)
class Checked:
    name: str
    line: str  # for the golden file
    report: dict  # of `graftwork quantize`
    sqnr: float  # dB, the worst output
    onnx: Path
    bodies: frozenset  # what its kernels compute, see bodies_of


def bodies_of(graph):
    """The distinct bodies of a printed graph's kernels: a kind, and which parts of which kinds it has."""
    found = set()
    for line in graph.splitlines():
        if call := re.search(r"= (Fused\w+) @", line):
            parts = re.findall(r"(\w+)=([\w.]+) @", line)
            found.add((call[1], *(part for part in parts if not part[0].endswith("_quant"))))
    return frozenset(found)


def summary(stderr):
    """The error that the command printed, with the operators that it points at counted by kind."""
    lines = stderr.strip().splitlines()
    found = [i for i, line in enumerate(lines) if line.startswith("error[")]
    if not found:
        return " ".join(lines[-1:]) or "no message"
    places = [line.strip() for line in lines[found[0] + 1 :] if line.startswith("  at  ")]
    kinds = collections.Counter(m[1] for place in places if (m := re.match(r"at  %\S+ = ([\w.]+)", place)))
    counts = ", ".join(f"{kind} ×{count}" for kind, count in sorted(kinds.items()))
    text = lines[found[0]]
    if text.startswith("error[export.unsupported]") and counts:  # the message only says how many
        text = "error[export.unsupported]"
    return f"{text}: {counts}" if counts else text


class Stages:
    """The files of one network in `folder`, and the command run on them."""

    def __init__(self, graftwork, name, folder):
        self.graftwork, self.network, self.folder = graftwork, NETWORKS[name], folder
        self.pt2, self.onnx = folder / f"{name}.pt2", folder / f"{name}.onnx"
        folder.mkdir(parents=True, exist_ok=True)

    def command(self, stage, *arguments):
        done = self.graftwork.run(*arguments)
        if done.returncode != 0:
            raise Failure(stage, summary(done.stderr))
        return done.stdout

    def report(self, stage, *arguments):
        path = self.folder / f"{stage}.json"
        self.command(stage, *arguments, "--report", path)
        return json.loads(path.read_text())

    def export(self):
        """Writes the .pt2, and calibration and test data by input name."""
        model = self.network.build()
        arguments, named = self.network.arguments(1, torch.Generator().manual_seed(2))
        with torch.no_grad():
            self.reference = tensors(model(*arguments, **named))
        program = torch.export.export(model, arguments, named)
        torch.export.save(program, str(self.pt2))
        names = [name for name in program.graph_signature.user_inputs if isinstance(name, str)]
        self.inputs = dict(zip(names, tensors((arguments, named)), strict=True))
        for name, value in self.inputs.items():
            np.save(self.folder / f"{name}.npy", value)
        samples = tensors(self.network.arguments(CALIBRATION_SAMPLES, torch.Generator().manual_seed(1)))
        self.calibration = self.folder / "calibration.npz"
        np.savez(self.calibration, **dict(zip(names, samples, strict=True)))

    def run(self, stage):
        given = [item for name in self.inputs for item in ("--input", f"{name}={self.folder / name}.npy")]
        output = self.folder / f"{stage}.npz"
        self.command(stage, "run", self.pt2, *given, "--stage", stage, "--quiet", "-o", output)
        return self.in_order(stage, support.load_npz(output))

    def in_order(self, stage, values):
        """Arrays by name as the list that the network returns."""
        if sorted(values) != sorted(self.outputs):
            raise Failure(stage, f"outputs are {sorted(values)}, not {sorted(self.outputs)}")
        return [values[name] for name in self.outputs]

    def check_float(self):
        """The imported network computes what PyTorch computes, and transforming does not change it."""
        imported, transformed = self.run("float"), self.run("transformed")
        for stage, values, reference in (("float", imported, self.reference), ("transformed", transformed, imported)):
            if [v.shape for v in values] != [r.shape for r in reference]:
                raise Failure(stage, "the outputs differ in number or shape")
            error = max(support.relative_error(v, r) for v, r in zip(values, reference, strict=True))
            if not error <= TOLERANCE:
                raise Failure(stage, f"the function differs by more than {TOLERANCE:g}")

    def inspect(self):
        """The captured operators by kind. From here on, outputs go by name."""
        found = json.loads(self.command("inspect", "inspect", self.pt2, "--json"))
        self.outputs = [output["name"] for output in found["outputs"]]
        return found["operators"]

    def transform(self):
        """The transformed graph, and the report."""
        graph = self.folder / "transformed.gir"
        report = self.report("transform", "transform", self.pt2, "-o", graph)
        return graph.read_text(), report

    def quantize(self):
        arguments = ("--calibrate", self.calibration, "--quiet", "-o", self.onnx)
        return self.report("quantize", "quantize", self.pt2, *arguments)

    def check_types(self):
        """The file's types and those that we infer are ONNX's."""
        if found := inference.file_difference(self.graftwork, self.onnx):
            raise Failure("inference", found.splitlines()[0])

    def check_contents(self):
        """The file holds what its results need, once."""
        if found := support.waste(onnx.load(self.onnx)):
            raise Failure("contents", found[0])

    def sqnr(self):
        """The INT8 file in ONNX Runtime against eager PyTorch, dB of the worst output."""
        try:
            onnx.checker.check_model(str(self.onnx), full_check=True)
            values = support.run_onnx(self.onnx, self.inputs)
        except Exception as why:
            raise Failure("onnx", str(why).strip().splitlines()[0]) from why
        values = self.in_order("onnx", values)
        return min(support.sqnr_db(r, v) for r, v in zip(self.reference, values, strict=True))


def check(graftwork, name, folder):
    """Raises Failure at the first stage that `name` does not pass."""
    stages = Stages(graftwork, name, folder)
    stages.export()
    captured = stages.inspect()
    graph, report = stages.transform()
    stages.check_float()
    quantized = stages.quantize()
    stages.check_types()
    stages.check_contents()
    sqnr, floor = stages.sqnr(), NETWORKS[name].floor
    if not sqnr >= floor:
        raise Failure("accuracy", f"an output of the INT8 file is below {floor} dB")
    line = golden_line(name, captured, graph, report, quantized, floor)
    return Checked(name, line, quantized, sqnr, stages.onnx, bodies_of(graph))


@dataclass(frozen=True)
class Compiled:
    """What NVIDIA's compiler made of a file."""

    int8: int  # products of the file that run in INT8, of `products`
    products: int
    lost: list  # names of those that are quantized and run in floating point
    found: int  # blocks of attention: products with a softmax between them
    fused: int  # of them, one kernel
    fused_int8: int  # of them, one whose queries, keys, values and weights are INT8
    kernels: int

    @property
    def columns(self):
        attention = f"{self.found}/{self.fused}/{self.fused_int8}"
        return f"{f'{self.int8}/{self.products}':>8} {len(self.lost):5} {attention:>9} {self.kernels:7}"


def is_lost(product):
    """A weight that is quantized needs a quantized partner too; a product of activations may be float."""
    quantized = any(product["behind_dq"]) if product["activations"] < 2 else all(product["behind_dq"])
    return quantized and product["runs"] != "Int8"


def compile_by_nvidia(rtx, path):
    report = rtx.compile_apart(str(path), 89, {}, None, 300)
    if not report["accepted"]:
        # The parser's text goes on about the machine; the node that it stops at does not depend on it.
        nodes = [f"{m['op']} {m['node']}" for m in report["parser"] if m["level"] == "error"]
        texts = [m["text"] for m in report["builder"] if m["level"] != "warning"]
        raise Failure("nvidia", f"refused: {'; '.join(nodes or texts) or 'no message'}")
    result, blocks = report["summary"], report["summary"]["attention"]
    return Compiled(
        int8=result["low_precision"].get("Int8", 0),
        products=result["weighted"],
        lost=[product["node"] for product in result["weighted_nodes"] if is_lost(product)],
        found=len(blocks),
        fused=sum(block["fused"] for block in blocks),
        fused_int8=sum(block["low_precision"] for block in blocks),
        kernels=result["kernels"],
    )


def check_nvidia(compiled):
    """Every product that is quantized runs in INT8."""
    if compiled.lost:
        raise Failure("nvidia", f"quantized, but run in floating point: {', '.join(compiled.lost)}")
