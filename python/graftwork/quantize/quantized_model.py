"""The model that ``quantize`` returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

import torch
from torch import nn

from graftwork import _C
from graftwork.build_model import build_model
from graftwork.errors import Error
from graftwork.graph_module import NetworkInfo, TransformedModel, info_of
from graftwork.modules.computed import leaves_of
from graftwork.modules.fused import FusedModule
from graftwork.modules.quantizer import Quantizer
from graftwork.modules.quantizers import is_quantizer
from graftwork.modules.weight_fake_quantize import WeightFakeQuantize
from graftwork.quantize.report import QuantizationPlan, QuantizationReport
from graftwork.records import Captured

__all__ = ["QuantizedModel", "build_quantized"]


class QuantizedModel(TransformedModel):
    """A fake-quantized network as an ordinary PyTorch module: it trains under any optimiser of torch, saves, loads and
    exports. Tensors that quantization did not change are those of the model that was given."""

    _is_quantized = True
    quantized: _C.Quantized
    report: QuantizationReport
    """What was measured, chosen and changed."""

    @property
    def plan(self) -> QuantizationPlan:
        """Where every Q/DQ is, and why."""
        plan = QuantizationPlan.from_json(self.quantized.plan_json)
        plan.text = self.quantized.plan
        return plan

    def quantizers(self) -> Iterator[tuple[str, Quantizer]]:
        """Enabled ones, by their paths in the network."""
        for path, place in self.info.paths.items():
            module = self.get_submodule(place)
            if isinstance(module, Quantizer) and module.enabled:
                yield path, module

    def network_now(self, form: _C.FileForm) -> _C.Network:
        """The network with the tensors and scales that the model has now, scales rounded as a file of this form holds
        them. Throws ``graftwork.Error`` "quantize.disabled" where a quantizer was disabled."""
        self._check_enabled()
        tensors = self.info.network.names
        calibrated = self.quantized.network.tensors
        given = [
            tensor.detach().to("cpu", calibrated[name].dtype)
            for name, tensor in zip(tensors, self.tensors(), strict=True)
        ]
        scale_leaves = {place: leaf for leaf, place in self.info.stored.items()}
        scales: dict[str, torch.Tensor] = {}
        following: set[str] = set()
        for path, quantizer in self.quantizers():
            if isinstance(quantizer, WeightFakeQuantize) and quantizer.follows:
                following.add(path)
                continue
            leaf = scale_leaves.get(f"{self.info.paths[path]}.scale")
            scale = quantizer.current_scale()
            if leaf is None or scale is None:
                continue
            now = scale.detach().to("cpu", torch.float32)
            if not torch.equal(now, calibrated[leaf]):
                scales[path] = now
        return self.quantized.network_now(given, scales, following, form)

    def _check_enabled(self) -> None:
        places = set(self.info.stored.values())
        for path, place in self.info.paths.items():
            module = self.get_submodule(place)
            if isinstance(module, Quantizer) and not module.enabled and f"{place}.scale" in places:
                raise Error(
                    "quantize.disabled",
                    f"{path} was disabled, and is where the network has a quantizer",
                    "its enable(scale), or quantize with a plan in which it is switched off",
                )

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copied = super().__deepcopy__(memo)
        copied.quantized, copied.report = self.quantized, self.report
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, super().__reduce__()[1]


def _quantized(plain: Any, info: NetworkInfo, quantized: _C.Quantized, report: Any, training: bool) -> QuantizedModel:
    model = QuantizedModel(plain, plain.graph).adopt(info, training)
    model.quantized, model.report = quantized, report
    model.register_load_state_dict_post_hook(_share_learned)
    return model


def _share_learned(model: QuantizedModel, _: Any) -> None:
    """Stubs that share a scale share its parameter, after loading too."""
    shared: dict[str, nn.Parameter] = {}
    groups = model.quantized.learnable_stubs
    for path, stub in model.quantizers():
        if path in groups and stub.log_scale is not None:
            stub.learn(shared.setdefault(groups[path], stub.log_scale))


def _restore(body: dict[str, Any], import_block: str) -> QuantizedModel:
    from torch.fx.graph_module import reduce_graph_module

    plain = reduce_graph_module(body, import_block)
    return _quantized(plain, info_of(body, plain), body["quantized"], body["report"], body["training"])


class _Originals:
    """The modules of the transformed model by their paths in the network."""

    def __init__(self, model: TransformedModel) -> None:
        self.training, self.forward = model.training, model.forward
        self._modules = {path: model.get_submodule(place) for path, place in model.info.paths.items()}

    def named_modules(self, remove_duplicate: bool = True) -> Any:
        return self._modules.items()


def build_quantized(
    model: TransformedModel, quantized: _C.Quantized, facts: dict[str, Any], given: dict[str, torch.Tensor]
) -> tuple[QuantizedModel, list[str]]:
    """The quantized network over the modules and parameters of the model, and where tensors are that have other numbers
    than the model's. ``given``: what quantization was given for each stored tensor."""
    tensors, changed = _tensors(model, quantized.network, facts["constants"], given)
    network = _C.with_tensors(quantized.network, [tensors[name] for name in quantized.network.names])
    kept = model.state_dict().keys()
    persistent = {leaf for leaf, place in model.info.stored.items() if place in kept} | set(changed)
    kernels = [module for module in model.modules() if isinstance(module, FusedModule)]
    own = {kernel.kernel["name"]: kernel.own for kernel in kernels if kernel.own is not None}
    made = build_model(network, _Originals(model), Captured(network, model.info.signature, persistent), own)
    made = _quantized(made, made.info, quantized, None, model.training)
    _share_stubs(made)
    return made, sorted(made.info.stored[name] for name in changed if name in made.info.stored)


def _tensors(
    model: TransformedModel, network: _C.Network, constants: set[str], given: dict[str, torch.Tensor]
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """Those of the model where they are what they were, and no statistics, which training writes; copies otherwise:
    parameters where training may change them, which those train whose place they take. With the names of what has other
    numbers."""
    originals = dict(zip(model.info.network.names, model.tensors(), strict=True))
    device = next((tensor.device for tensor in originals.values()), torch.device("cpu"))
    scales, statistics = _leaves(network, _is_quantizer), _leaves(network, _is_statistic)
    frozen = _frozen(network, model.info.network, originals)
    tensors, changed = {}, []
    for name, now in network.tensors.items():
        original = originals.get(name)
        is_same = original is not None and now.data_ptr() == given[name].data_ptr() and now.shape == given[name].shape
        if is_same and name not in statistics:
            tensors[name] = original
            continue
        copied = now.detach().clone().to(device)
        is_buffer = name in {*constants, *scales, *statistics} or not copied.is_floating_point()
        if original is not None:
            is_buffer = not isinstance(original, nn.Parameter)
        tensors[name] = copied if is_buffer else nn.Parameter(copied, requires_grad=name not in frozen)
        if name not in scales and not is_same:
            changed.append(name)
    return tensors, changed


def _frozen(network: _C.Network, before: _C.Network, originals: dict[str, torch.Tensor]) -> set[str]:
    """Names of what does not train, and of what took its place."""
    frozen = {name for name, tensor in originals.items() if not tensor.requires_grad}
    modules = before.modules()
    for path, record in network.modules().items():
        replaced = modules[path]["params"] if path in modules else {}
        for name, expr in record["params"].items():
            if name in replaced and frozen.issuperset(leaves_of(replaced[name])):
                frozen.update(leaf for leaf in leaves_of(expr) if leaf not in originals)
    return frozen


def _leaves(network: _C.Network, wanted: Callable[[str, str], bool]) -> set[str]:
    """Names of the stored tensors that are parameters of modules, by the module's kind and the parameter's name."""
    found: set[str] = set()
    for record in network.modules().values():
        for name, expr in record["params"].items():
            if wanted(record["kind"], name):
                found.update(leaves_of(expr))
    return found


def _is_quantizer(kind: str, _: str) -> bool:
    return is_quantizer(kind)


def _is_statistic(_: str, name: str) -> bool:
    return name in ("running_mean", "running_var")


def _share_stubs(model: QuantizedModel) -> None:
    """Kernels know the stubs in front of them, which they share with others that read the tensor."""
    for node in model.graph.nodes:
        if node.op != "call_module":
            continue
        kernel = model.get_submodule(node.target)
        if not isinstance(kernel, FusedModule):
            continue
        for position, argument in enumerate(node.args):
            is_call = isinstance(argument, torch.fx.Node) and argument.op == "call_module"
            stub = model.get_submodule(argument.target) if is_call else None
            if isinstance(stub, Quantizer):
                kernel.input_quant_stubs[position] = stub
        attends = bool(kernel.kernel["quantizable_values"]) and not kernel.inputs_to_quantize
        stubs = [kernel.input_quant_stubs.get(position) for position in range(3)]
        kernel.surrounded = attends and all(stub is not None and stub.enabled for stub in stubs)
