"""Many samples as one network: exported once, run once by the command, and taken apart where something is refused."""

import re
import subprocess
import warnings
from dataclasses import dataclass, field

import numpy as np
import onnx
import onnxruntime
import torch
from onnx.reference import ReferenceEvaluator
from torch import nn
from torch.utils import _pytree as pytree

import compare

TIMEOUT = 120


class Call(nn.Module):
    """One sample. Inputs without elements are buffers, because data for calibration cannot be empty."""

    def __init__(self, sample):
        super().__init__()
        self.function = sample.function
        leaves, self.spec = pytree.tree_flatten(sample.arguments)
        self.leaves = []  # how to find each: a constant, the number of an input, the name of a buffer
        self.inputs = []
        for leaf in leaves:
            if not isinstance(leaf, torch.Tensor):
                self.leaves.append(("constant", leaf))
            elif leaf.numel() == 0:
                name = f"empty{len(self.leaves)}"
                self.register_buffer(name, leaf.detach())
                self.leaves.append(("buffer", name))
            else:
                self.leaves.append(("input", len(self.inputs)))
                self.inputs.append(leaf.detach())

    def leaf(self, kind, value, inputs):
        return {"constant": lambda: value, "buffer": lambda: getattr(self, value), "input": lambda: inputs[value]}[
            kind
        ]()

    def forward(self, inputs):
        arguments = pytree.tree_unflatten([self.leaf(*leaf, inputs) for leaf in self.leaves], self.spec)
        return [value for value in pytree.tree_leaves(self.function(arguments)) if isinstance(value, torch.Tensor)]


class Batch(nn.Module):
    """The samples side by side. The anchor, a result without samples, tells that the first axes are no batch."""

    def __init__(self, calls):
        super().__init__()
        self.names = list(calls)
        for name, call in calls.items():
            self.add_module(name, call)

    def forward(self, anchor, inputs):
        results = {"anchor": anchor + 1}
        for name in self.names:
            for number, value in enumerate(self.get_submodule(name)(inputs[name])):
                results[f"{name}_{number}"] = value
        return results


@dataclass
class Outcome:
    """Of one sample. `left_out` says why it does not count; `failures` has a reason for each check that fails."""

    left_out: str = ""
    failures: dict = field(default_factory=dict)
    not_run: str = ""


class Refused(Exception):  # noqa: N818
    """The command fails on a batch. `places` maps names of samples that it points at to their message."""

    def __init__(self, reason, places):
        super().__init__(reason)
        self.reason, self.places = reason, places


def first_line(error):
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:200]


def eager(call):
    with torch.no_grad():
        return [value.clone() for value in call([value.clone() for value in call.inputs])]


def reference(sample, call):
    """(arrays, "") or (None, why the sample does not count)."""
    values = []
    try:
        for seed in (0, 1):
            torch.manual_seed(seed)
            values.append(eager(call))
    except Exception as error:
        return None, f"torch refuses it: {type(error).__name__}"
    first, second = values
    if not first:
        return None, "no tensor results"
    if any(value.is_sparse or value.is_complex() for value in [*call.inputs, *first]):
        return None, "complex or sparse"
    if any(value.dtype == torch.bfloat16 for value in first):
        return None, "bfloat16 results, which NumPy has no type for"
    same = all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(first, second, strict=True))
    if not same:
        return None, "random"
    return [value.numpy() for value in first], ""


class Stages:
    """The files of one batch in `folder`, and the command run on them."""

    def __init__(self, command, folder, calls, half):
        self.command, self.folder, self.calls, self.half = command, folder, calls, half

    def export(self):
        """Raises what torch.export raises."""
        inputs = {name: call.inputs for name, call in self.calls.items()}
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            self.program = torch.export.export(
                Batch(self.calls).eval(), (torch.tensor(1.0), inputs), strict=False, prefer_deferred_runtime_asserts_over_guards=False
            )
        torch.export.save(self.program, str(self.folder / "batch.pt2"))
        names = self.program.graph_signature.user_inputs
        values = [torch.tensor(1.0), *(value for group in inputs.values() for value in group)]
        self.inputs = {name: value.numpy() for name, value in zip(names, values, strict=True)}
        np.savez(self.folder / "inputs.npz", **self.inputs)
        np.savez(self.folder / "calibration.npz", **{n: np.nan_to_num(v, posinf=0, neginf=0) for n, v in self.inputs.items()})

    def owners(self):
        """Node name to the sample that it belongs to."""
        found = {}
        for node in self.program.graph.nodes:
            for path, _ in node.meta.get("nn_module_stack", {}).values():
                if path in self.calls:
                    found[node.name] = path
        return found

    def places(self, text):
        """The samples that a message points at, with the text for each."""
        owners, found = None, {}
        lines = text.strip().splitlines()
        head = next((line for line in lines if line.startswith("error[")), lines[-1] if lines else "no message")
        for line in lines:
            if not line.startswith("  at  "):
                continue
            name = None
            if match := re.search(r"\b(s\d+)\b", line.split(" in ", 1)[-1]) if " in " in line else None:
                name = match[1]
            elif match := re.match(r"  at  %(\w+)", line):
                owners = owners or self.owners()
                name = owners.get(match[1])
            if name in self.calls and name not in found:
                operator = re.search(r"= ([\w.]+)", line)
                found[name] = generic(head) + (f": {operator[1]}" if operator else "")
        if not found and (match := re.search(r"\b(s\d+)[._]", head)) and match[1] in self.calls:
            found[match[1]] = generic(head)
        return generic(head), found

    def run(self, *arguments):
        try:
            done = subprocess.run(
                [str(self.command), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=False,
            )
        except subprocess.TimeoutExpired:
            raise Refused("crash: no end", {}) from None
        if done.returncode in (1, 2):
            raise Refused(*self.places(done.stderr))
        if done.returncode != 0:
            raise Refused(f"crash: status {done.returncode}", {})

    def float_stage(self):
        """Result name to array."""
        path = self.folder / "float.npz"
        self.run("run", self.folder / "batch.pt2", "--input", self.folder / "inputs.npz", "--stage", "float", "--quiet", "-o", path)
        return read_npz(path)

    def onnx_file(self):
        path = self.folder / "batch.onnx"
        path.unlink(missing_ok=True)
        self.run(
            *("quantize", self.folder / "batch.pt2", "--calibrate", self.folder / "calibration.npz", "--float", "fp32"),
            *("--quiet", "-o", path),
        )
        return onnx.load(path)


def read_npz(path):
    found = {}
    with np.load(path) as arrays:
        for name in arrays.files:
            try:
                found[name] = arrays[name]
            except Exception as error:
                found[name] = error
    return found


def generic(text):
    """A message without the names and numbers of this batch, so that equal reasons are counted together."""
    text = re.sub(r"\b(s|args_|inputs_s|empty)\d+(_\d+)*\b", "X", text)
    text = re.sub(r"\d+ operators? of the network ha(ve|s) no ONNX form", "no ONNX form", text)
    text = re.sub(r"%\w+", "%", text)
    return re.sub(r"\d+", "N", text)[:160]


def session_of(model):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run_session(model, inputs):
    session = session_of(model)
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, {v.name: inputs[v.name] for v in session.get_inputs()}), strict=True))


def names_read(node):
    """What a node reads, inside its bodies too."""
    names = set(node.input)
    for attribute in node.attribute:
        for graph in [attribute.g, *attribute.graphs]:
            for inner in graph.node:
                names |= names_read(inner)
            names |= {value.name for value in graph.output}
    return names


def part(model, outputs):
    """The part of the model that computes these outputs."""
    wanted, nodes = set(outputs), []
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            nodes.append(node)
            wanted |= names_read(node)
    cut = onnx.ModelProto()
    cut.CopyFrom(model)
    graph = cut.graph
    for field_name, kept in (
        ("node", nodes[::-1]),
        ("output", [value for value in model.graph.output if value.name in outputs]),
        ("input", [value for value in model.graph.input if value.name in wanted]),
        ("initializer", [value for value in model.graph.initializer if value.name in wanted]),
    ):
        graph.ClearField(field_name)
        getattr(graph, field_name).extend(kept)
    return cut


def check_file(model):
    onnx.checker.check_model(model, full_check=True)


def run_onnx(model, inputs, groups):
    """For each sample: its arrays, or an exception. `groups` maps samples to their outputs."""
    try:
        check_file(model)
        values = run_session(model, inputs)
        return {name: {output: values[output] for output in outputs} for name, outputs in groups.items()}
    except Exception:
        if len(groups) == 1:
            (name,) = groups
            return {name: run_alone(model, inputs)}
    return {name: run_alone(part(model, outputs), inputs) for name, outputs in groups.items()}


def run_alone(model, inputs):
    """Arrays by name, an exception, or a NotRun."""
    try:
        check_file(model)
    except Exception as error:
        return Illegal(f"the checker: {first_line(error)}")
    try:
        return run_session(model, inputs)
    except Exception as error:
        if "NOT_IMPLEMENTED" not in str(error):
            return Illegal(f"ONNX Runtime: {generic(last_part(error))}")
        missing = re.search(r"implementation for (\w+)", str(error))
    try:
        evaluator = ReferenceEvaluator(model)
        return dict(
            zip(evaluator.output_names, evaluator.run(None, {n: inputs[n] for n in evaluator.input_names}), strict=True)
        )
    except Exception as error:
        return NotRun(f"ONNX Runtime has no kernel for {missing[1] if missing else '?'}; {type(error).__name__}")


def last_part(error):
    return str(error).strip().splitlines()[0][-160:]


class Illegal(Exception):  # noqa: N818
    """A file that the checker or ONNX Runtime refuses."""


class NotRun(Exception):  # noqa: N818
    """A file that nothing here has kernels for."""


def wrong(sample, want, got):
    """What is wrong with a sample's results, or nothing."""
    if len(want) != len(got):
        return "another number of results"
    for expected, value in zip(want, got, strict=True):
        if isinstance(value, Exception):
            return f"unreadable result: {type(value).__name__}"
        if found := compare.difference(sample.operator, expected, np.asarray(value)):
            return found
    return ""


class Checker:
    """Runs samples as few networks and splits them where something is refused."""

    def __init__(self, command, folder, log=lambda text: None):
        self.command, self.folder, self.log = command, folder, log
        self.outcomes = {}

    def check(self, samples):
        """Outcome by the sample's key."""
        named = {}
        for number, sample in enumerate(samples):
            outcome = self.outcomes[sample.key] = Outcome()
            call = Call(sample)
            want, outcome.left_out = reference(sample, call)
            if not outcome.left_out:
                named[f"s{number}"] = (sample, call, want)
        self.exportable(named)
        return self.outcomes

    def outcome(self, named, name):
        return self.outcomes[named[name][0].key]

    def exportable(self, named):
        if not named:
            return
        stages = Stages(self.command, self.folder, {name: call for name, (_, call, _) in named.items()}, False)
        try:
            stages.export()
        except Exception as error:
            if len(named) == 1:
                (name,) = named
                self.outcome(named, name).left_out = f"torch.export: {type(error).__name__}"
                return
            for half in halves(named):
                self.exportable(half)
            return
        self.stage(stages, named, "float", stages.float_stage, self.compare_float)
        self.stage(stages, named, "onnx", stages.onnx_file, self.compare_onnx)

    def stage(self, stages, named, stage, run, compare_results, again=0):
        try:
            result = run()
        except Refused as refused:
            if len(named) == 1:
                (name,) = named
                self.outcome(named, name).failures[stage] = refused.places.get(name, refused.reason)
                return
            for name, reason in refused.places.items():
                self.outcome(named, name).failures[stage] = reason
            rest = {name: value for name, value in named.items() if name not in refused.places}
            if not rest:
                return
            parts = [rest] if refused.places and again < 3 else halves(rest)
            for smaller in parts:
                inner = Stages(self.command, self.folder, {name: call for name, (_, call, _) in smaller.items()}, False)
                inner.export()
                method = inner.float_stage if stage == "float" else inner.onnx_file
                self.stage(inner, smaller, stage, method, compare_results, again + 1 if len(parts) == 1 else 0)
            return
        compare_results(stages, named, result)

    def compare_float(self, stages, named, values):
        for name, (sample, _, want) in named.items():
            got = [values.get(f"{name}_{i}", KeyError()) for i in range(len(want))]
            if reason := wrong(sample, want, got):
                self.outcome(named, name).failures["float"] = reason

    def compare_onnx(self, stages, named, model):
        groups = {name: [f"{name}_{i}" for i in range(len(want))] for name, (_, _, want) in named.items()}
        for name, values in run_onnx(model, stages.inputs, groups).items():
            sample, _, want = named[name]
            outcome = self.outcome(named, name)
            if isinstance(values, NotRun):
                outcome.not_run = str(values)
            elif isinstance(values, Illegal):
                outcome.failures["onnx"] = f"illegal file: {values}"
            else:
                got = [values.get(output, KeyError()) for output in groups[name]]
                if reason := wrong(sample, want, got):
                    outcome.failures["onnx"] = reason


def halves(named):
    items = list(named.items())
    return [dict(part) for part in (items[: len(items) // 2], items[len(items) // 2 :]) if part]
