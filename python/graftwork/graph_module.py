"""The model that `transform` returns."""

import copy
import dataclasses
from typing import Any, ClassVar, NamedTuple, Self

import torch
import torch.fx

from graftwork import _C
from graftwork.errors import Error
from graftwork.records import Signature
from graftwork.unchanged import find_change

OWN_NAMES = frozenset({"_check_enabled", "info", "network_now", "plan", "quantized", "quantizers", "report"})
"""What instances of transformed and quantized models have of ours, beside what the class below has: a part of a network
that is called so gets another name."""


class TensorInfo(NamedTuple):
    """A tensor that a network takes or gives. What is no tensor has neither dtype nor shape."""

    name: str
    dtype: torch.dtype | None
    shape: tuple[int | str, ...] | None
    """Outermost first; an extent that is known at run time only is a text, "s0"."""


@dataclasses.dataclass
class NetworkInfo:
    """What is known of the network that a model was made of. Copies of the model share it."""

    network: _C.Network
    stored: dict[str, str]
    """Name of each stored tensor that the network reads → where it is in the model."""
    paths: dict[str, str]
    """Path of each module of the network → where it is in the model."""
    signature: Signature
    transient: tuple[str, ...]
    """Where buffers are that state_dict does not have."""
    declared: dict[str, tuple[torch.dtype, torch.Size]]
    """Type and shape of each stored tensor that the network reads."""
    code: str
    """The model's forward."""

    @property
    def inputs(self) -> list[TensorInfo]:
        """What the network takes: the tensors among the model's arguments, in their order."""
        return [TensorInfo(*given) for given in self.network.inputs()]

    @property
    def outputs(self) -> list[TensorInfo]:
        """What it gives: the tensors among the model's results, in their order."""
        return [TensorInfo(*given) for given in self.network.outputs()]

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class TransformedModel(torch.fx.GraphModule):
    """A transformed network as an ordinary PyTorch module, whose parameters are those of the original.

    Its children by name are the fused modules, and theirs the original modules. It trains, copies, pickles, compiles
    and exports as any module does.
    """

    info: NetworkInfo
    _is_quantized: ClassVar[bool] = False

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """Each instance has a class of its own, which torch.fx gives its forward. It is called as the one above."""
        kind = next(base for base in cls.__mro__ if not vars(base).get("_is_of_one", False))
        names = {"_is_of_one": True, "__module__": kind.__module__, "__qualname__": kind.__qualname__}
        return object.__new__(type(kind.__name__, (kind,), names | {"__doc__": kind.__doc__}))

    def adopt(self, info: NetworkInfo, training: bool) -> Self:
        """Takes what torch.fx forgets when it makes a module."""
        type(self).__name__ = type(self).__qualname__  # as it was before torch.fx
        self.info = info
        self.training = training
        for path in info.transient:
            folder, _, name = path.rpartition(".")
            self.get_submodule(folder)._non_persistent_buffers_set.add(name)
        return self

    def tensors(self) -> list[torch.Tensor]:
        """What the network's stored tensors are now, in the order of `info.network.names`."""
        return [_get(self, self.info.stored[name]) for name in self.info.network.names]

    def check_unchanged(self) -> None:
        """Raises graftwork.Error "model.changed" where the model is no longer what its network says: quantization,
        files and fast evaluation go by the network. Values of tensors, modes, gradients and hooks may be any; the
        graph, classes, attributes and shapes of parts may not, nor whether quantizers are enabled."""
        if change := find_change(self, may_disable=self._is_quantized):
            raise Error(
                "model.changed",
                f"the model was changed after it was transformed: {change}",
                "transform(model, args) again, of the model with the change",
            )

    def print_readable(self, print_output: bool = False, *_: Any, **__: Any) -> str:
        """The network as text: each node is a module or an operator, `[...]` are the parts of a kernel, `stubs` the
        inputs that may be quantized."""
        text = self.info.network.text(types=True)
        if print_output:
            print(text)
        return text

    def __copy__(self) -> Any:
        kind: Any = type(self).__base__
        copied = kind(self, self.graph)
        for name, value in vars(self).items():
            if name != "_graph":
                copied.__dict__[name] = copy.copy(value) if isinstance(value, dict | set) else value
        return copied.adopt(self.info, self.training)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return super().__deepcopy__(memo).adopt(self.info, self.training)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, super().__reduce__()[1]


def _get(module: Any, path: str) -> Any:
    for name in path.split("."):
        module = getattr(module, name)
    return module


def info_of(body: dict[str, Any], restored: torch.fx.GraphModule) -> NetworkInfo:
    """Of a model that was pickled: torch.fx writes its forward anew, in other words."""
    info: NetworkInfo = body["info"]
    return dataclasses.replace(info, code=restored.code) if body["_code"] == info.code else info


def _restore(body: dict[str, Any], import_block: str) -> TransformedModel:
    from torch.fx.graph_module import reduce_graph_module

    plain = reduce_graph_module(body, import_block)
    return TransformedModel(plain, plain.graph).adopt(info_of(body, plain), body["training"])
