"""Whether a model still is what its network says, which knows nothing of what is done to the model afterwards."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from graftwork.modules.computed import ComputedParameters
from graftwork.modules.fused import KernelModule
from graftwork.modules.quantizers import Quantizer, is_quantizer
from graftwork.modules.torch_modules import class_of, has_attributes, new_module
from graftwork.modules.weight_fake_quantize import QuantizedLayer

_TENSORS = ("weight", "bias", "running_mean", "running_var")


class _Comparison:
    """The modules of a model beside the records of its network. Each method says what is other than it was."""

    def __init__(self, model: Any, may_disable: bool) -> None:
        self._model, self._network = model, model.info.network
        self._stored, self._declared = model.info.stored, model.info.declared
        self._may_disable = may_disable
        self._records = self._network.modules()
        self._kernels = self._network.kinds()

    def changes(self) -> Iterator[str]:
        if self._model.code != self._model.info.code or "forward" in vars(self._model):
            yield "its graph is another"
            return
        called = [node["module"] for node in self._network.nodes() if node["kind"] == "module"]
        targets = [node.target for node in self._model.graph.nodes if node.op == "call_module"]
        for path, target in dict(zip(called, targets, strict=True)).items():
            yield from self._called(self._records[path], target)
        yield from self._constants()

    def _called(self, record: dict[str, Any], place: str) -> Iterator[str]:
        module = _find(self._model, place)
        if record["kind"] in self._kernels or not record["children"]:
            yield from self._module(record, module, place)
        elif type(module) is not QuantizedLayer:
            yield f"{place} is {_name(module)}"
        else:
            yield from self._torch_module(record, module.layer, f"{place}.layer")
            quantizer = self._records[record["children"]["weight_fake_quant"]]
            yield from self._quantizer(quantizer, module.weight_fake_quant, f"{place}.weight_fake_quant")

    def _module(self, record: dict[str, Any], module: Any, place: str) -> Iterator[str]:
        if record["kind"] in self._kernels:
            yield from self._kernel(record, module, place)
        elif is_quantizer(record["kind"]):
            yield from self._quantizer(record, module, place)
        else:
            yield from self._torch_module(record, module, place)

    def _kernel(self, record: dict[str, Any], module: Any, place: str) -> Iterator[str]:
        kernel = self._kernels[record["kind"]]
        if not isinstance(module, KernelModule) or module.kernel["text"] != kernel["text"]:
            yield f"{place} is {_name(module)}, and was {record['kind']}"
            return
        state = vars(module)
        attributes = {name: value for name, value in record["attrs"].items() if name != "stubs"}
        if "forward" in state or any(state.get(name) != value for name, value in attributes.items()):
            yield f"{place} computes something else"
        children = record["children"]
        for role, path in children.items():
            yield from self._module(self._records[path], module._modules.get(role), f"{place}.{role}")
        roles = [node["role"] for node in kernel["body"] if node["kind"] == "part"]
        for name, child in module._modules.items():
            is_new = child is not None and name not in children
            is_read = name in roles or name.rpartition("_")[0] in roles
            if is_new and (child.enabled if isinstance(child, Quantizer) else is_read):
                yield f"{place}.{name} is {_name(child)}, and there was none"

    def _quantizer(self, record: dict[str, Any], module: Any, place: str) -> Iterator[str]:
        if not isinstance(module, Quantizer):
            yield f"{place} is {_name(module)}, and was {record['kind']}"
            return
        was_enabled = "scale" in record["params"] or record["attrs"].get("given_scale", 0) > 0
        if module.enabled and not was_enabled:
            yield f"{place} is enabled, and was not"
        elif was_enabled and not module.enabled and not self._may_disable:
            yield f"{place} is disabled, and was not"

    def _torch_module(self, record: dict[str, Any], module: Any, place: str) -> Iterator[str]:
        kind = class_of(record["kind"])
        if not _is_of(module, kind):
            yield f"{place} is {_name(module)}, and was {record['kind']}"
        elif "forward" in vars(module):
            yield f"the forward of {place} is another"
        elif not has_attributes(module, record) and not self._is_as_made(module, record):
            yield f"{place} has other attributes: it is {module}"
        else:
            yield from self._parameters(record, module, place)

    def _is_as_made(self, module: nn.Module, record: dict[str, Any]) -> bool:
        """Whether it has the attributes that a module has which is made for the record."""
        made, _ = new_module(record, {leaf: _find(self._model, place) for leaf, place in self._stored.items()}, set())
        found = vars(module)
        return all(
            found.get(name) == value
            for name, value in vars(made).items()
            if not name.startswith("_") and name not in ("training", "inplace", "momentum")
        )

    def _parameters(self, record: dict[str, Any], module: Any, place: str) -> Iterator[str]:
        params = record["params"]
        for name in _TENSORS:
            if name not in params and isinstance(getattr(module, name, None), torch.Tensor):
                yield f"{place} has a {name}, and had none"
        for name, expr in params.items():
            if expr[0] != "leaf":
                continue
            now = getattr(module, name, None)
            yield from self._tensor(expr[1], now, f"{place}.{name}")
            kept = _find(self._model, self._stored[expr[1]])
            if now is not kept and not (isinstance(kept, torch.Tensor) and torch.equal(now, kept)):
                yield f"{place}.{name} is no longer {self._stored[expr[1]]}"

    def _constants(self) -> Iterator[str]:
        """Tensors that no module names by itself."""
        records = self._records.values()
        named = {expr[1] for record in records for expr in record["params"].values() if expr[0] == "leaf"}
        for leaf in self._network.names:
            if leaf not in named:
                yield from self._tensor(leaf, _find(self._model, self._stored[leaf]), self._stored[leaf])

    def _tensor(self, leaf: str, now: Any, place: str) -> Iterator[str]:
        _, shape = self._declared[leaf]
        if not isinstance(now, torch.Tensor):
            yield f"{place} is gone"
        elif now.shape != shape:
            yield f"{place} is of {list(now.shape)}, and was of {list(shape)}"


def find_change(model: Any, may_disable: bool) -> str:
    """What of a transformed model is not what its network says: its graph, or the class, the attributes, or the shape
    of a tensor of a part; empty where nothing is. Values, modes, gradients and hooks may be any. `may_disable`:
    whether quantizers may be off that were on."""
    return next(_Comparison(model, may_disable).changes(), "")


def _is_of(module: Any, kind: type[nn.Module]) -> bool:
    if isinstance(module, ComputedParameters):
        return type(module).__mro__[2] is kind
    is_synchronous = type(module) is nn.SyncBatchNorm and issubclass(kind, nn.modules.batchnorm._BatchNorm)
    return type(module) is kind or is_synchronous


def _find(module: Any, path: str) -> Any:
    for name in path.split("."):
        module = getattr(module, name, None)
    return module


def _name(module: Any) -> str:
    return "gone" if module is None else type(module).__name__
