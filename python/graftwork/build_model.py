"""A network as a module of PyTorch: an fx graph over the original modules and their parameters."""

import inspect
import operator
import re
from typing import Any

import torch
import torch.fx
from torch import nn
from torch.utils import _pytree as pytree

from graftwork import operators
from graftwork.fixed_arguments import check_fixed
from graftwork.graph_module import OWN_NAMES, NetworkInfo, TransformedModel
from graftwork.modules.computed import evaluate, store
from graftwork.modules.fused import KernelModule
from graftwork.modules.kernels import kernel_class
from graftwork.modules.smooth_quant_observer import SmoothQuantObserver
from graftwork.modules.torch_modules import carry_statistics, is_original, new_module
from graftwork.modules.weight_fake_quantize import QuantizedLayer
from graftwork.records import Captured, Signature

Place = tuple[str, str]
"""Path of a module in the model that is built, and the name of a tensor in it."""


class _Parts:
    """Modules for the records of a network; each record is one module."""

    def __init__(self, network: Any, model: nn.Module, persistent: set[str], own: dict[str, Any]) -> None:
        self.records = network.modules()
        self._kernels = network.kinds()
        self._originals = dict(model.named_modules(remove_duplicate=False))
        self.tensors = network.tensors
        self._own = own
        self._training, self._persistent = model.training, persistent
        self._made: dict[tuple[str, bool], tuple[nn.Module, dict[str, str]]] = {}

    def get(self, path: str, may_write: bool = False) -> tuple[nn.Module, dict[str, str]]:
        """The module, and what it and its parts call the stored tensors: leaf name → path in the module."""
        key = (path, may_write)
        if key not in self._made:
            self._made[key] = self._make(self.records[path], may_write)
        return self._made[key]

    def get_called(self, path: str) -> tuple[nn.Module, dict[str, str]]:
        """The module that the graph calls: a layer whose weight is quantized and which is in no kernel runs with its
        quantizer."""
        module, stored = self.get(path)
        record = self.records[path]
        if record["kind"] in self._kernels or not record["children"]:
            return module, stored
        quantizer, scales = self.get(record["children"]["weight_fake_quant"])
        names = {leaf: f"layer.{name}" for leaf, name in stored.items()}
        names |= {leaf: f"weight_fake_quant.{name}" for leaf, name in scales.items()}
        return QuantizedLayer(module, quantizer), names

    def _make(self, record: dict[str, Any], may_write: bool) -> tuple[nn.Module, dict[str, str]]:
        if record["kind"] in self._kernels:
            return self._make_kernel(record)
        original = self._originals.get(record["path"])
        if is_original(original, record, self.tensors, may_write):
            return original, {expr[1]: name for name, expr in record["params"].items()}
        module, stored = new_module(record, self.tensors, self._persistent)
        carry_statistics(original, module)
        module.training = self._training if original is None else original.training
        return module, stored

    def _make_kernel(self, record: dict[str, Any]) -> tuple[nn.Module, dict[str, str]]:
        kernel = self._kernels[record["kind"]]
        writable = _parts_that_may_write(kernel)
        parts: dict[str, nn.Module] = {}
        stored: dict[str, str] = {}
        for role, path in record["children"].items():
            parts[role], names = self.get(path, re.sub(r"_\d+$", "", role) in writable or role in writable)
            stored |= {leaf: f"{role}.{name}" for leaf, name in names.items()}
        if kernel["family"] == "fused" and self._is_norm_alone(record):
            parts["smooth_quant_observer"] = SmoothQuantObserver()
        attrs = dict(record["attrs"])
        stubs = tuple(attrs.pop("stubs", None) or ())
        layers = tuple((role, quantizer) for role, quantizer in record["layers"])
        arguments: dict[str, Any] = {"foldable": tuple(record["foldable"]), "layers": layers}
        if kernel["family"] == "fused":
            arguments["stubs"] = stubs
        module: KernelModule = kernel_class(kernel, self._own.get(kernel["name"]))(parts, attrs, **arguments)
        module.training = self._training
        return module, stored

    def _is_norm_alone(self, record: dict[str, Any]) -> bool:
        """Whether the module gives what a layer norm gives."""
        return [self.records[path]["kind"] for path in record["children"].values()] == ["nn.LayerNorm"]


def _parts_that_may_write(kernel: dict[str, Any]) -> set[str]:
    """Roles of parts that read a value inside of the kernel which nothing else reads: what computes in place there
    spoils nothing."""
    body = kernel["body"]
    reads = [name for node in body for name in node["inputs"]]
    inside = {node["name"] for node in body if node["kind"] in ("part", "operator")}
    calls = [node for node in body if node["kind"] == "part"]
    return {node["role"] for node in calls if node["inputs"][0] in inside and reads.count(node["inputs"][0]) == 1}


class _Builder:
    def __init__(self, network: Any, model: nn.Module, captured: Captured, own: dict[str, Any]) -> None:
        self._network, self._captured = network, captured
        signature = captured.signature
        self._is_plain = signature.is_flat() and _nests_plainly(signature.out_spec)
        self._argument_names = _argument_names(model, signature)
        self._graph = torch.fx.Graph(tracer_cls=torch.fx.Tracer)
        self._root = nn.Module()
        self._parts = _Parts(network, model, captured.persistent, own)
        self._values: dict[str, Any] = {}
        self._targets: dict[str, str] = {}
        self._stored: dict[str, str] = {}
        self._paths: dict[str, str] = {}
        self._transient: list[str] = []

    def build(self, training: bool) -> TransformedModel:
        signature = self._captured.signature
        self._add_inputs(signature)
        for node in self._network.nodes():
            if node["kind"] == "output":
                self._add_output(node, signature)
            elif node["kind"] != "input":
                self._values[node["name"]] = self._add(node)
        model = TransformedModel(self._root, self._graph)
        tensors = {name: self._parts.tensors[name] for name in self._network.names}
        info = NetworkInfo(
            network=self._network,
            stored=self._stored,
            paths=self._paths,
            signature=signature,
            transient=tuple(self._transient),
            declared={name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()},
            code=model.code,
        )
        return model.adopt(info, training)

    def _add_inputs(self, signature: Signature) -> None:
        wanted = [i for i, (_, fixed) in enumerate(signature.inputs) if fixed is inspect.Parameter.empty]
        for i, (name, fixed) in enumerate(signature.inputs):
            has_default = self._is_plain and i > max(wanted, default=-1)  # Python has defaults at the end alone
            default = fixed if has_default else inspect.Parameter.empty
            self._values[name] = self._graph.placeholder(name, default_value=default)
        for name, fixed in signature.inputs:
            if fixed is not inspect.Parameter.empty:
                check = self._graph.call_function(check_fixed, (self._values[name], name, fixed))
                check.meta["is_wrapped"] = True  # tracers, that which unpickles among them, keep the call
        if not self._is_plain:
            self._graph.set_codegen(_codegen(signature, self._argument_names))

    def _add_output(self, node: dict[str, Any], signature: Signature) -> None:
        results = [self._values[name] for name in node["inputs"]]
        if self._is_plain:
            self._graph.output(signature.unflatten(results))
        else:
            computed = iter(results)
            self._graph.output([next(computed) if is_result else fixed for is_result, fixed in signature.results])

    def _add(self, node: dict[str, Any]) -> torch.fx.Node:
        inputs = [self._values[name] for name in node["inputs"]]
        if node["kind"] == "module":
            made = self._graph.call_module(self._module_target(node["module"]), tuple(inputs))
        elif node["kind"] == "item":
            made = self._graph.call_function(operator.getitem, (inputs[0], node["item"]))
        elif node["kind"] == "constant":
            made = evaluate(node["value"], self._stored_tensor, self._graph_call)
        else:
            made = self._operator(node, inputs)
        made._rename(node["name"])
        return made

    def _graph_call(self, function: Any, *args: Any, **kwargs: Any) -> torch.fx.Node:
        return self._graph.call_function(function, args, kwargs)

    def _operator(self, node: dict[str, Any], inputs: list[Any]) -> torch.fx.Node:
        if operators.is_size_operator(node["op"]):
            arguments = operators.size_arguments(node["attrs"], inputs)
            return self._graph.call_function(operators.size_operator(node["op"]), arguments)
        overload = operators.find_operator(node["op"])
        device = self._device() if operators.needs_device(overload) else None
        args, kwargs = operators.call_arguments(overload, node["attrs"], inputs, device)
        return self._graph.call_function(operators.callee_of(overload, args), args, kwargs)

    def _device(self) -> Any:
        """Where the first tensor that is given lies."""
        if "" not in self._values:
            given = [
                self._values[name]
                for name, fixed in self._captured.signature.inputs
                if fixed is inspect.Parameter.empty
            ]
            if not given:
                return torch.device("cpu")
            with self._graph.inserting_after(given[-1]):
                self._values[""] = self._graph.call_function(getattr, (given[0], "device"))
        return self._values[""]

    def _module_target(self, path: str) -> str:
        if path not in self._targets:
            module, stored = self._parts.get_called(path)
            self._targets[path] = target = self._register(path, module)
            for leaf, name in stored.items():
                self._stored.setdefault(leaf, f"{target}.{name}")
            if isinstance(module, QuantizedLayer):
                self._paths.setdefault(path, f"{target}.layer")
            self._note_paths(path, target)
        return self._targets[path]

    def _note_paths(self, path: str, target: str) -> None:
        self._paths.setdefault(path, target)
        children = self._parts.records[path]["children"]
        for role, child in children.items():  # a weight's quantizer is its kernel's before it is its layer's
            self._paths.setdefault(child, f"{target}.{role}")
        for role, child in children.items():
            self._note_paths(child, f"{target}.{role}")

    def _stored_tensor(self, leaf: str) -> torch.fx.Node:
        key = f"{leaf}\0"
        if key not in self._targets:
            self._targets[key] = self._stored[leaf] = self._register(leaf, self._parts.tensors[leaf])
            if leaf not in self._captured.persistent:
                self._transient.append(self._stored[leaf])
        return self._graph.get_attr(self._targets[key])

    def _register(self, path: str, value: Any) -> str:
        """Puts a module or tensor at the path, or at one like it where something stands in the way."""
        *folders, name = path.split(".")
        place = self._root
        target: list[str] = []
        for folder in folders:
            inner = getattr(place, folder, None)
            if inner is None and (target or not _is_taken(folder)):
                inner = nn.Module()
                place.add_module(folder, inner)
            if type(inner) is not nn.Module:
                return self._register(path.replace(".", "_"), value)
            place = inner
            target.append(folder)
        while hasattr(place, name) or _is_taken(name):
            name += "_"
        if isinstance(value, nn.Module):
            place.add_module(name, value)
        else:
            store(place, name, value)
        return ".".join([*target, name])


def _is_taken(name: str) -> bool:
    return hasattr(TransformedModel, name) or name in OWN_NAMES


def _nests_plainly(spec: pytree.TreeSpec) -> bool:
    """Whether results nest in tuples, lists and dicts only."""
    return spec.is_leaf() or (spec.type in (tuple, list, dict) and all(_nests_plainly(s) for s in spec.children()))


def _argument_names(model: nn.Module, signature: Signature) -> list[str]:
    """What forward calls its arguments, those by position first."""
    args, kwargs = signature.in_spec.children()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [name for name, parameter in inspect.signature(model.forward).parameters.items() if parameter.kind in kinds]
    names += [f"arg_{i}" for i in range(len(names), args.num_children)]  # those of *args
    return names[: args.num_children] + list(kwargs.context)


def _codegen(signature: Signature, names: list[str]) -> Any:
    from torch.fx.graph import _PyTreeCodeGen, _PyTreeInfo

    return _PyTreeCodeGen(_PyTreeInfo(names, signature.in_spec, signature.out_spec))


def build_model(network: Any, model: nn.Module, captured: Captured, own: dict[str, Any]) -> TransformedModel:
    """The network, which was made of what was captured of `model`, over the modules and parameters of `model`. `own`:
    classes of kernels whose forward is not written from their body, by name."""
    return _Builder(network, model, captured, own).build(model.training)
