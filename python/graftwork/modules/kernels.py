"""The class of each kernel: its forward is written, once, from the kernel's body."""

import functools
from collections.abc import Iterator
from typing import Any

from graftwork.modules.code import Name, call_source, code_name, compile_function
from graftwork.modules.fused import ConvertedModule, FusedModule, KernelModule
from graftwork.operators import call_arguments, callee_of, find_operator
from graftwork.references import RecordRef


class _Kernel:
    """A kernel, known by its definition and by the class whose forward it has, if that is not written from it."""

    def __init__(self, kernel: dict[str, Any], own: type[FusedModule] | None) -> None:
        self.data, self.own = kernel, own
        self._key = (kernel["text"], own)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kernel) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def kernel_class(kernel: dict[str, Any], own: type[FusedModule] | None = None) -> type[KernelModule]:
    """The class of a kernel, of `own` where its forward is written there; the same for the same kernel."""
    return _class_of(_Kernel(kernel, own))


@functools.cache
def _class_of(kernel: _Kernel) -> type[KernelModule]:
    data = kernel.data
    if kernel.own is not None:
        members = {
            "kernel": data,
            "own": kernel.own,
            "__module__": kernel.own.__module__,
            "__doc__": kernel.own.__doc__,
        }
        return type(data["name"], (kernel.own,), members)
    members = {
        "kernel": data,
        "forward": compile_function(forward_source(data), f"kernel {data['name']}"),
        "__module__": "graftwork.modules",
        "__doc__": data["text"],
    }
    if data["family"] != "fused":
        return type(data["name"], (ConvertedModule,), members)
    members["inputs_to_quantize"] = tuple(data["inputs_to_quantize"])
    members["prefers_fp_input"] = not (data["inputs_to_quantize"] or data["quantizable_values"])
    return type(data["name"], (FusedModule,), members)


def new_kernel_module(kernel: dict[str, Any], own: type[FusedModule] | None) -> KernelModule:
    """For unpickling: a module that has no state yet."""
    kind = kernel_class(kernel, own)
    return kind.__new__(kind)


def forward_source(kernel: dict[str, Any]) -> str:
    """The Python code of the forward."""
    body = [_in_code(node) for node in kernel["body"]]
    inputs = [node for node in body if node["kind"] == "input"]
    arguments = ", ".join(node["name"] + ("=None" if node["optional"] else "") for node in inputs)
    lines = [*_plain_attention(body), *_statements(body, set(kernel["inner_values"]))]
    return f"def forward(self, {arguments}):\n" + "".join(f"    {line}\n" for line in lines)


def _in_code(node: dict[str, Any]) -> dict[str, Any]:
    """The node with names that code can have; `value` is what it is called in the kernel."""
    names = {"name": code_name(node["name"]), "inputs": list(map(code_name, node["inputs"])), "value": node["name"]}
    return node | names


def _statements(body: list[dict[str, Any]], inner: set[str]) -> Iterator[str]:
    for node in body:
        name, operands = node["name"], [Name(operand) for operand in node["inputs"]]
        if node["kind"] == "output":
            yield f"return {', '.join(operands)}"
        elif node["kind"] == "part":
            yield f"{name} = {_part_call(node)}"
        elif node["kind"] == "item":
            yield f"{name} = {operands[0]}[{node['item']}]"
        elif node["kind"] == "operator":
            yield f"{name} = {_operator_call(node, operands)}"
        if node["value"] in inner and node["kind"] != "output":
            yield f"{name} = self.quantize_inside({node['value']!r}, {name})"


def _part_call(node: dict[str, Any]) -> str:
    role, operands = node["role"], ", ".join(node["inputs"])
    if node["count"] == "*":
        return f"self.chain({role!r}, {operands})"
    return f"self.{'optional_part' if node['count'] == '?' else 'part'}({role!r}, {operands})"


def _named(value: Any) -> Any:
    if isinstance(value, RecordRef):
        return Name(f"self.{value.name}")
    return [_named(element) for element in value] if isinstance(value, list) else value


def _operator_call(node: dict[str, Any], operands: list[Name]) -> Name:
    attrs = {name: _named(value) for name, value in node["attrs"].items()}
    overload = find_operator(node["op"])
    args, kwargs = call_arguments(overload, attrs, operands)
    return call_source(callee_of(overload, args), *args, **kwargs)


_ATTENTION = [
    "aten.mul.Scalar",
    "aten.transpose.int",
    "aten.matmul.default",
    "part",
    "aten.softmax.int",
    "aten.matmul.default",
]


def _plain_attention(body: list[dict[str, Any]]) -> Iterator[str]:
    """Where the body is attention and nothing in it is quantized, torch computes it at once."""
    inner = [node for node in body if node["kind"] not in ("input", "output")]
    if [node["op"] for node in inner] != _ATTENTION or body[-1]["inputs"] != [inner[-1]["name"]]:
        return
    scaled, keys, scores, masked, softmax, attended = inner
    chained = (
        scores["inputs"] == [scaled["name"], keys["name"]]
        and masked["inputs"][0] == scores["name"]
        and softmax["inputs"] == [masked["name"]]
        and attended["inputs"][0] == softmax["name"]
        and softmax["attrs"] == {"dim": -1}
        and keys["attrs"] == {"dim0": -2, "dim1": -1}
    )
    if not chained:
        return
    q, k, v, mask = scaled["inputs"][0], keys["inputs"][0], attended["inputs"][1], masked["inputs"][1]
    yield f"if self.is_plain_attention({masked['role']!r}):"
    yield f"    return self.attention({q}, {k}, {v}, {mask}, {_named(scaled['attrs']['other'])})"
