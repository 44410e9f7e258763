"""ONNX files of many samples: checked and run, whole where that goes and sample by sample where not."""

import re

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

from operators.network import halves
from operators.stages import without_names

# Said when a session is made, and by ScatterElements only when it runs.
MISSING_KERNEL = r"NOT_IMPLEMENTED|data type is not supported"


class Illegal(Exception):  # noqa: N818
    """A file that the checker or ONNX Runtime refuses."""


class NotRun(Exception):  # noqa: N818
    """A file that nothing here has kernels for."""


def check(model):
    onnx.checker.check_model(model, full_check=True)


def run_session(model, inputs):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    given = {value.name: inputs[value.name] for value in session.get_inputs()}
    return dict(zip(names, session.run(names, given), strict=True))


def run_reference(model, inputs):
    evaluator = ReferenceEvaluator(model)
    given = {name: inputs[name] for name in evaluator.input_names}
    with np.errstate(all="ignore"):
        return dict(zip(evaluator.output_names, evaluator.run(None, given), strict=True))


def reason(error):
    """One line of an exception of the checker or of ONNX Runtime, whose messages begin with the code's file."""
    line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return without_names(re.sub(r"^.*?/[\w./]+:\d+ .*?(?=Status Message:|\S+ was false|$)", "", line) or line)


def run_alone(model, inputs):
    """Arrays by name, or an Illegal or NotRun."""
    try:
        check(model)
    except Exception as error:
        return Illegal(f"the checker: {reason(error)}")
    try:
        return run_session(model, inputs)
    except Exception as error:
        if not re.search(MISSING_KERNEL, str(error)):
            return Illegal(f"ONNX Runtime: {reason(error)}")
        missing = re.search(r"implementation for (\w+)", str(error))
    try:
        return run_reference(model, inputs)
    except Exception as error:
        return NotRun(f"ONNX Runtime has no kernel for {missing[1] if missing else 'it'}, and {type(error).__name__}")


def names_read(node):
    """What a node reads, inside its bodies too."""
    names = set(node.input)
    for attribute in node.attribute:
        for graph in [attribute.g, *attribute.graphs]:
            names |= {value.name for value in graph.output}
            for inner in graph.node:
                names |= names_read(inner)
    return names


def part(model, outputs):
    """The part of the model that computes these outputs."""
    wanted, nodes = set(outputs), []
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            nodes.append(node)
            wanted |= names_read(node)
    graph = onnx.helper.make_graph(
        nodes[::-1],
        model.graph.name,
        [value for value in model.graph.input if value.name in wanted],
        [value for value in model.graph.output if value.name in outputs],
        [value for value in model.graph.initializer if value.name in wanted],
    )
    return onnx.helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version, functions=model.functions
    )


def run(model, inputs, groups):
    """`groups` maps samples to their outputs: for each its arrays by output name, or an Illegal or NotRun."""
    if len(groups) == 1:
        return {name: run_alone(model, inputs) for name in groups}
    try:
        check(model)
        values = run_session(model, inputs)
    except Exception:
        found = {}
        for half in halves(groups):
            found |= run(part(model, {output for outputs in half.values() for output in outputs}), inputs, half)
        return found
    return {name: {output: values[output] for output in outputs} for name, outputs in groups.items()}
