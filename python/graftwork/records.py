"""The fx graph of torch.export, walked into the records of a captured program."""

import dataclasses
import functools
import inspect
import json
import operator
from typing import Any

import torch
from torch.export.graph_signature import (
    ConstantArgument,
    CustomObjArgument,
    InputKind,
    OutputKind,
    SymBoolArgument,
    SymFloatArgument,
    SymIntArgument,
    TensorArgument,
)
from torch.fx import GraphModule, Node
from torch.fx import _pytree as fx_pytree
from torch.utils import _pytree as pytree

from graftwork import _C
from graftwork.errors import Error
from graftwork.fixed_arguments import check_fixed

_STORED = {InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR}
_OUTPUTS = {
    OutputKind.USER_OUTPUT: _C.OutputKind.RESULT,
    OutputKind.LOSS_OUTPUT: _C.OutputKind.RESULT,
    OutputKind.BUFFER_MUTATION: _C.OutputKind.MUTATION,
    OutputKind.USER_INPUT_MUTATION: _C.OutputKind.INPUT_MUTATION,
}
_NUMBERS = {
    torch.SymInt: "int",
    torch.SymFloat: "float",
    torch.SymBool: "bool",
    int: "int",
    float: "float",
    bool: "bool",
}


@dataclasses.dataclass
class Signature:
    """How forward is called: its inputs in order, and how arguments and results nest."""

    inputs: list[tuple[str, Any]]
    """Name of each leaf, and the value of those that capturing has fixed; `inspect.Parameter.empty` for tensors."""
    results: list[tuple[bool, Any]]
    """For each leaf whether it is a result of the graph, and the value of those that are fixed."""
    in_spec: pytree.TreeSpec
    out_spec: pytree.TreeSpec

    def flatten(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The network's inputs, in order, of a call. Raises TypeError where one is missing or nothing knows it, and
        graftwork.Error "call.fixed" where one that capturing has fixed has another value."""
        tensors = [fixed is inspect.Parameter.empty for _, fixed in self.inputs]
        if self.is_flat():
            names = [name for name, _ in self.inputs]
            given = dict(zip(names, args, strict=False)) | kwargs
            missing = [name for name, wanted in zip(names, tensors, strict=True) if wanted and name not in given]
            unknown = [name for name in given if name not in names]
            if missing or unknown or len(args) > len(names):
                wanted = f"forward takes {len(names)} ({', '.join(names)}), {len(args)} given by position"
                raise TypeError(f"{wanted}; missing: {missing}, unknown: {unknown}")
            leaves = [given.get(name, fixed) for name, fixed in self.inputs]
        else:
            leaves = fx_pytree.tree_flatten_spec((args, kwargs), self.in_spec)
        for leaf, (name, fixed) in zip(leaves, self.inputs, strict=True):
            if fixed is not inspect.Parameter.empty:
                check_fixed(leaf, name, fixed)
        return [leaf for leaf, wanted in zip(leaves, tensors, strict=True) if wanted]

    def unflatten(self, results: list[Any]) -> Any:
        """What forward returns, of the network's results."""
        computed = iter(results)
        leaves = [next(computed) if is_result else fixed for is_result, fixed in self.results]
        return pytree.tree_unflatten(leaves, self.out_spec)

    def is_flat(self) -> bool:
        """Whether no argument nests."""
        args, kwargs = self.in_spec.children()
        return all(child.is_leaf() for child in [*args.children(), *kwargs.children()])


@dataclasses.dataclass
class Captured:
    """A captured model: its network, and how it is called."""

    network: _C.Network
    signature: Signature
    persistent: set[str]
    """Names of the tensors that the model's state_dict has."""


class _Sizes:
    """Sizes and strides as the records have them: numbers, or sympy's srepr."""

    def __init__(self) -> None:
        self._texts: dict[Any, int | str] = {}

    def __call__(self, sizes: Any) -> list[int | str]:
        return [size if type(size) is int else self._text(size) for size in sizes]

    def _text(self, size: torch.SymInt) -> int | str:
        expr = size.node.expr
        if expr not in self._texts:
            import sympy

            self._texts[expr] = int(expr) if expr.is_number else sympy.srepr(expr)
        return self._texts[expr]


class _Walker:
    """Adds the calls of one graph to `records`, a program or what a higher-order operator runs."""

    def __init__(self, root: GraphModule, records: Any, sizes: _Sizes) -> None:
        self._root, self._records, self._sizes = root, records, sizes

    def add_value(self, name: str, value: Any) -> Any:
        """Notes what is known of the value; returns its name as an argument has it."""
        if isinstance(value, torch.Tensor):
            strides = self._sizes(value.stride()) if value.layout is torch.strided else []
            self._records.add_tensor(name, value.dtype, self._sizes(value.shape), strides)
            return _C.TensorName(name)
        number = _NUMBERS.get(type(value))
        return None if number is None else _C.NumberName(name, number)

    def argument(self, arg: Any) -> Any:
        if isinstance(arg, Node):
            return self._node(arg)
        if isinstance(arg, list | tuple):
            return [self.argument(element) for element in arg]
        if isinstance(arg, torch._ops.OpOverload | torch._ops.HigherOrderOperator):
            return _C.OperatorName(str(arg))
        return arg

    def _node(self, node: Node) -> Any:
        if node.op == "get_attr":
            attribute = getattr(self._root, node.target)
            if isinstance(attribute, GraphModule):
                return _sub_graph(attribute, self._sizes)
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor):
            return _C.TensorName(node.name)
        number = _NUMBERS.get(type(value))
        return value if number is None else _C.NumberName(node.name, number)

    def add_call(self, node: Node) -> None:
        self._records.add_call(
            _target_name(node.target), self._inputs(node), self._outputs(node), node.name, _metadata(node)
        )

    def _inputs(self, node: Node) -> list[tuple[str, Any]]:
        target = node.target
        if isinstance(target, torch._ops.OpOverload):
            names = _argument_names(target)
        elif isinstance(target, torch._ops.HigherOrderOperator):
            names = [""] * len(node.args)
        else:
            names = ["a", "b"]  # arithmetic on sizes
        positional = [(name, self.argument(arg)) for name, arg in zip(names, node.args, strict=False)]
        return positional + [(name, self.argument(arg)) for name, arg in node.kwargs.items()]

    def _outputs(self, node: Node) -> list[Any]:
        value = node.meta.get("val")
        if not isinstance(value, list | tuple):
            return [self.add_value(node.name, value)]
        names = {user.args[1]: user.name for user in reversed(node.users) if user.target is operator.getitem}
        elements = [self.add_value(names.get(i, f"{node.name}_unused_{i}"), element) for i, element in enumerate(value)]
        returns: Any = node.target._schema.returns if isinstance(node.target, torch._ops.OpOverload) else ()
        is_list = len(returns) == 1 and isinstance(returns[0].type, torch.ListType)
        return [elements] if is_list else elements


@functools.cache
def _argument_names(op: torch._ops.OpOverload) -> list[str]:
    return [argument.name for argument in op._schema.arguments]


def _target_name(target: Any) -> str:
    if isinstance(target, torch._ops.OpOverload):
        return str(target)
    if isinstance(target, torch._ops.HigherOrderOperator):
        return f"higher_order.{target.name()}"
    return f"{target.__module__}.{target.__name__}"


def _metadata(node: Node) -> dict[str, str]:
    metadata = {}
    if stack_trace := node.meta.get("stack_trace"):
        metadata["stack_trace"] = stack_trace
    if stack := node.meta.get("nn_module_stack"):
        key, (path, kind) = list(stack.items())[-1]
        name = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"
        metadata["nn_module_stack"] = f"{key},{path},{name}"
    return metadata


def _walk(walker: _Walker, graph: torch.fx.Graph) -> None:
    for node in graph.nodes:
        if node.op == "call_function" and not _takes_element(node):
            walker.add_call(node)


def _takes_element(node: Node) -> bool:
    return node.target is operator.getitem and isinstance(node.args[0].meta.get("val"), list | tuple)


def _sub_graph(root: GraphModule, sizes: _Sizes) -> _C.SubGraph:
    records = _C.SubGraph()
    walker = _Walker(root, records, sizes)
    for node in root.graph.nodes:
        if node.op == "placeholder":
            records.add_input(walker.add_value(node.name, node.meta.get("val")))
    _walk(walker, root.graph)
    results = root.graph.output_node().args[0]
    for result in results if isinstance(results, list | tuple) else [results]:
        records.add_output(walker.argument(result))
    return records


def _canonical_names(tensors: dict[str, torch.Tensor]) -> dict[str, str]:
    """Tied tensors have one name: the first in order."""
    places: dict[Any, str] = {}
    names = {}
    for name in sorted(tensors):
        tensor = tensors[name]
        place = (
            tensor.untyped_storage()._cdata,
            tensor.storage_offset(),
            tensor.dtype,
            *tensor.shape,
            *tensor.stride(),
        )
        names[name] = places.setdefault(place, name)
    return names


def _stored(program: Any) -> dict[str, torch.Tensor]:
    tensors = dict(program.state_dict)
    tensors.update((name, value) for name, value in program.constants.items() if isinstance(value, torch.Tensor))
    return tensors


def _tree(spec: pytree.TreeSpec, fields: dict[str, list[str]]) -> dict[str, Any]:
    """The tree as files write it: what keys its dicts and named tuples have."""
    if spec.is_leaf():
        return {"type": None, "context": None, "children_spec": []}
    context: Any = None
    if pytree.is_namedtuple_class(spec.context):
        context = spec.context.__qualname__
        fields[context] = list(spec.context._fields)
    elif isinstance(spec.context, list | tuple):
        context = json.dumps(spec.context, default=str)
    return {"type": str(spec.type), "context": context, "children_spec": [_tree(s, fields) for s in spec.children()]}


def _result_names(program: Any, is_none: list[bool]) -> list[str]:
    fields: dict[str, list[str]] = {}
    tree = json.dumps([1, _tree(program.call_spec.out_spec, fields)])
    return _C.result_names(tree, is_none, fields)


def _input_value(arg: Any) -> Any:
    """The value of an input that capturing has fixed."""
    return arg.value if isinstance(arg, ConstantArgument) else inspect.Parameter.empty


def _add_inputs(program: Any, walker: _Walker, records: _C.Program, names: dict[str, str]) -> list[tuple[str, Any]]:
    values = {node.name: node.meta.get("val") for node in program.graph.nodes if node.op == "placeholder"}
    inputs = []
    for spec in program.graph_signature.input_specs:
        name, target = spec.arg.name, spec.target or ""
        if spec.kind in _STORED:
            records.add_input(
                _C.InputKind.STORED,
                walker.add_value(name, values[name]),
                target,
                names[target],
                spec.kind is InputKind.PARAMETER,
            )
        elif spec.kind is InputKind.CUSTOM_OBJ or isinstance(spec.arg, CustomObjArgument):
            records.add_input(_C.InputKind.OBJECT, None, target or name, "", False)
        elif spec.kind is InputKind.USER_INPUT:
            fixed = _input_value(spec.arg)
            is_fixed = fixed is not inspect.Parameter.empty
            records.add_input(
                _C.InputKind.USER, None if is_fixed else walker.add_value(name, values[name]), target, "", False
            )
            inputs.append((name, fixed))
        else:
            records.add_input(_C.InputKind.FIXED, None, target, "", False)
    return inputs


def _add_outputs(program: Any, walker: _Walker, records: _C.Program) -> list[tuple[bool, Any]]:
    specs = program.graph_signature.output_specs
    is_result = [_OUTPUTS.get(spec.kind) is _C.OutputKind.RESULT for spec in specs]
    is_computed = (TensorArgument, SymIntArgument, SymFloatArgument, SymBoolArgument)
    results = [
        (isinstance(spec.arg, is_computed), getattr(spec.arg, "value", None))
        for spec, wanted in zip(specs, is_result, strict=True)
        if wanted
    ]
    names = iter(_result_names(program, [not computed for computed, _ in results]))
    arguments = program.graph.output_node().args[0]
    for spec, wanted, argument in zip(specs, is_result, arguments, strict=True):
        value = walker.argument(argument) if isinstance(argument, Node) else None
        name = next(names) if wanted else spec.target or ""
        records.add_output(_OUTPUTS.get(spec.kind, _C.OutputKind.OTHER), value, name)
    return results


def capture(program: Any) -> Captured:
    """The network of a torch.export.ExportedProgram. Throws Error "pt2.unsupported" with every operator that a network
    cannot have, "pt2.graph", "pt2.in_place", "pt2.output"."""
    tensors = _stored(program)
    names = _canonical_names(tensors)
    records = _C.Program()
    walker = _Walker(program.graph_module, records, _Sizes())
    inputs = _add_inputs(program, walker, records, names)
    _walk(walker, program.graph)
    results = _add_outputs(program, walker, records)
    kept = {name: tensors[name] for name in names.values()}
    captured = _C.build_network(
        records, [(name, torch.view_as_real(t) if t.is_complex() else t) for name, t in kept.items()]
    )
    if captured.unsupported:
        count = len(captured.unsupported)
        raise Error(
            "pt2.unsupported",
            f"{count} operator{'s' if count > 1 else ''} can be in no network",
            "other operators of torch in their place, or transform for the modules around them one by one",
            captured.unsupported,
        )
    spec = program.call_spec
    signature = Signature(inputs, results, spec.in_spec, spec.out_spec)
    return Captured(captured.network, signature, set(program.state_dict))
