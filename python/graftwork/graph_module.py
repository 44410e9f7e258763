"""The model that `transform` returns."""

import dataclasses
from typing import Any, NamedTuple, Self

import torch
import torch.fx

from graftwork import _C
from graftwork.records import Signature


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

    def adopt(self, info: NetworkInfo, training: bool) -> Self:
        """Takes what torch.fx forgets when it makes a module."""
        type(self).__name__ = "TransformedModel"  # each instance has a class of its own
        self.info = info
        self.training = training
        for path in info.transient:
            folder, _, name = path.rpartition(".")
            self.get_submodule(folder)._non_persistent_buffers_set.add(name)
        return self

    def tensors(self) -> list[torch.Tensor]:
        """What the network's stored tensors are now, in the order of `info.network.names`."""
        return [_get(self, self.info.stored[name]) for name in self.info.network.names]

    def print_readable(self, print_output: bool = False, *_: Any, **__: Any) -> str:
        """The network as text: each node is a module or an operator, `[...]` are the parts of a kernel, `stubs` the
        inputs that may be quantized."""
        text = self.info.network.text(types=True)
        if print_output:
            print(text)
        return text

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return super().__deepcopy__(memo).adopt(self.info, self.training)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, super().__reduce__()[1]


def _get(module: Any, path: str) -> Any:
    for name in path.split("."):
        module = getattr(module, name)
    return module


def _restore(body: dict[str, Any], import_block: str) -> TransformedModel:
    from torch.fx.graph_module import reduce_graph_module

    plain = reduce_graph_module(body, import_block)
    return TransformedModel(plain, plain.graph).adopt(body["info"], body["training"])
