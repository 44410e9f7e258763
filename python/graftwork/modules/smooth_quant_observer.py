"""What SmoothQuant looks at behind a norm."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["SmoothQuantObserver"]


class SmoothQuantObserver(nn.Module):
    """Keeps the largest magnitude of each channel, ``[channels]``, along the last axis of what it is shown. The
    identity."""

    amax: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("amax", None)

    def forward(self, x: Tensor) -> Tensor:
        seen = x.detach().abs().reshape(-1, x.size(-1)).amax(0)
        self.amax = seen if self.amax is None else torch.maximum(self.amax, seen)
        return x
