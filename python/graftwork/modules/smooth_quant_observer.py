"""What SmoothQuant measures of a norm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["SmoothQuantObserver"]


class SmoothQuantObserver(nn.Module):
    """Holds how large each channel of a norm's result is on calibration data: what SmoothQuant weighs against the
    weights behind it. It computes nothing, and nothing reads it.

    ``channel_amax`` is the largest magnitude of each channel, before anything moved: shape [channels], float32 whatever
    type the network is cast to. It is empty, and not in ``state_dict``, until ``quantize`` runs with a recipe whose
    ``smooth_quant`` takes the norm; then that of the quantized model is filled.
    """

    channel_amax: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("channel_amax", torch.empty(0), persistent=False)

    @property
    def filled(self) -> bool:
        """Whether anything was measured."""
        return self.channel_amax.numel() > 0

    def fill(self, channel_amax: Tensor) -> None:
        """Holds a copy of it from now on; of an empty one: nothing."""
        self.channel_amax = channel_amax.detach().to(self.channel_amax.device, torch.float32, copy=True)
        if self.filled:
            self._non_persistent_buffers_set.discard("channel_amax")
        else:
            self._non_persistent_buffers_set.add("channel_amax")

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> SmoothQuantObserver:
        wide = self.channel_amax
        super()._apply(fn, recurse)
        if self.channel_amax.dtype != torch.float32:  # moved, but not to another type
            self.channel_amax = wide.to(self.channel_amax.device)
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        given = state_dict.get(prefix + "channel_amax")
        self.fill(self.channel_amax.new_empty(0) if given is None else torch.zeros_like(given))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def extra_repr(self) -> str:
        if not self.filled:
            return "empty"
        least, most = self.channel_amax.aminmax()
        return f"channel_amax of {list(self.channel_amax.shape)}, {least.item():.6g} to {most.item():.6g}"
