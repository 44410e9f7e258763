"""What is made under torch.inference_mode can be trained all the same."""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def ordinary_tensors() -> Iterator[None]:
    """Leaves inference mode, whose tensors can never have a gradient, for one without gradients; elsewhere, nothing."""
    if not torch.is_inference_mode_enabled():
        yield
        return
    with torch.inference_mode(False), torch.no_grad():
        yield
