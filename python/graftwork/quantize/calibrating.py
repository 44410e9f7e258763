"""What the caller's loop calls while ranges are taken."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from graftwork import _C
from graftwork.graph_module import TransformedModel
from graftwork.ordinary_tensors import ordinary_tensors

__all__ = ["CalibratingModel", "progress_bar"]


class CalibratingModel(nn.Module):
    """Computes what the model computes, in evaluation, and takes note of ranges. No input is kept but the first few,
    which the recipe's methods may need. Results lie where the inputs do and have no gradient.

    Its parameters, buffers and attributes are the model's, for loops that ask for their device. It has no children:
    ``train``, ``eval`` and ``to`` do not reach the model.
    """

    _model: TransformedModel

    def __init__(self, model: TransformedModel, calibration: _C.Calibration, progress: Callable[[int], None]) -> None:
        super().__init__()
        self.__dict__["_model"] = model  # no child
        self._signature = model.info.signature
        self._calibration = calibration
        self._progress = progress

    def named_parameters(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, nn.Parameter]]:
        return self._model.named_parameters(*args, **kwargs)

    def named_buffers(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, torch.Tensor]]:
        return self._model.named_buffers(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_model"], name)

    @ordinary_tensors()
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        inputs = self._signature.flatten(args, kwargs)
        on_cpu = [_on_cpu(value) if isinstance(value, torch.Tensor) else torch.as_tensor(value) for value in inputs]
        results = self._calibration.run(on_cpu)
        device = next((value.device for value in inputs if isinstance(value, torch.Tensor)), torch.device("cpu"))
        self._progress(self._calibration.samples)
        return self._signature.unflatten([result.to(device) for result in results])


def _on_cpu(value: torch.Tensor) -> torch.Tensor:
    """Without a gradient, yet not of inference mode: what the recipe trains with keeps it."""
    return (value.clone() if value.is_inference() else value.detach()).cpu()


def progress_bar() -> tuple[Callable[[int], None], Callable[[], None]]:
    """Called with the samples seen so far, and at the end. A bar of tqdm where that is installed and standard error is
    a terminal; nothing otherwise."""
    try:
        from tqdm import tqdm
    except ImportError:
        return (lambda _: None), (lambda: None)
    bar = tqdm(desc="calibrate", unit=" samples", leave=False, disable=not sys.stderr.isatty())
    return (lambda seen: bar.update(seen - bar.n)), bar.close
