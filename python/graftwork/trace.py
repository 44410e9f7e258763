"""How a model is captured: as what torch.export records of it."""

import contextlib
import enum
import threading
from collections.abc import Iterator
from typing import Any

from torch import nn


class Trace(enum.Enum):
    """How `transform` captures a model."""

    EXPORT = "export"
    """torch.export: runs the model on fake tensors."""
    SYMBOLIC = "symbolic"
    """torch.fx: runs the model on proxies, modules of torch.nn as leaves, then exports what it saw."""


capturing = threading.RLock()
"""Held while a model is captured, which torch.export can do one at a time, and which has modes of modules changed."""


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Every module in evaluation, and afterwards each as it was."""
    in_training = [module for module in model.modules() if module.training]
    for module in in_training:
        module.training = False
    try:
        yield
    finally:
        for module in in_training:
            module.training = True


def export(
    model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any] | None, dynamic_shapes: Any, trace: Trace
) -> Any:
    """The model in evaluation as a torch.export.ExportedProgram, whose tensors are the model's own."""
    import torch.export
    import torch.fx

    with capturing, evaluating(model):
        if trace is Trace.SYMBOLIC:
            model = torch.fx.symbolic_trace(model)
        return torch.export.export(model, args, kwargs, dynamic_shapes=dynamic_shapes)
