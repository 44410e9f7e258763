"""Fast evaluation on the CPU."""

import threading
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from graftwork import _C
from graftwork.errors import Error
from graftwork.graph_module import TransformedModel
from graftwork.quantize.quantized_model import QuantizedModel


def fast_eval(model: TransformedModel) -> "FastModel":
    """The model with fast evaluation: batch norm folded, weights packed, kernels run at once.

    Results in evaluation equal the model's to rounding and have no gradient. When a parameter has changed, in place or
    by another one, the next call prepares again; writing to `parameter.data` is seen by nobody: call `refresh` then.
    In training, on other devices and under autocast it is the model itself that runs.

    Raises graftwork.Error "fast.model" for what `transform` has not made, and for a quantized model, "model.changed"
    for a model that is no longer what was transformed.
    """
    if isinstance(model, QuantizedModel):
        raise Error(
            "fast.model",
            "a quantized model has no fast evaluation: it computes what the file computes, code by code",
            "the model itself or torch.compile of it, or fast_eval of the transformed model for results in float",
        )
    if not isinstance(model, TransformedModel):
        raise Error("fast.model", f"{type(model).__name__} is no transformed model", "fast_eval(transform(...).model)")
    model.check_unchanged()
    return FastModel(model)


class FastModel(nn.Module):
    """See `fast_eval`. `model` is the transformed model."""

    def __init__(self, model: TransformedModel) -> None:
        super().__init__()
        self.model = model
        self.training = model.training
        self._lock = threading.Lock()
        self._prepared: tuple[list[Any], _C.Runner] | None = None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        signature = self.model.info.signature
        leaves, _ = pytree.tree_flatten((args, kwargs))
        given = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        is_elsewhere = any(tensor.device.type != "cpu" for tensor in given)
        if self.model.training or is_elsewhere or torch.is_autocast_enabled("cpu"):
            return self.model(*args, **kwargs)
        inputs = signature.flatten(args, kwargs)
        with torch.no_grad():
            results = self._runner().run(inputs)
        return signature.unflatten(results)

    def refresh(self) -> None:
        """The next call prepares again, whatever has changed."""
        with self._lock:
            self._prepared = None

    def _runner(self) -> _C.Runner:
        tensors = self.model.tensors()
        state = [(id(tensor), 0 if tensor.is_inference() else tensor._version) for tensor in tensors]
        with self._lock:
            if self._prepared is None or self._prepared[0] != state:
                self.model.check_unchanged()
                self._prepared = state, _C.Runner(self.model.info.network, tensors)
            return self._prepared[1]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_lock": None, "_prepared": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state | {"_lock": threading.Lock()})
