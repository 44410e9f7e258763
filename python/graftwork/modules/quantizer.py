"""What stubs on activations and fake quantization of weights have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from graftwork.precision import Precision

__all__ = ["Quantizer"]


class Quantizer(nn.Module):
    """Disabled it is an identity, and has no scale; enabled it has one.

    ``scale`` and ``zero_point`` are buffers, float32 whatever type the network is cast to. A learned scale is
    ``scale * exp(log_scale)`` with the parameter ``log_scale``: it stays positive, a step of an optimiser changes it by
    a share of itself, and weight decay draws it to what was calibrated.
    """

    precision: str
    scale: Tensor | None
    zero_point: Tensor | None
    log_scale: nn.Parameter | None

    def __init__(self, precision: str = "int8") -> None:
        super().__init__()
        # Networks have many of these: plain values go past __setattr__, which asks of each whether it is a parameter.
        self.__dict__["precision"] = Precision(precision).value
        self._buffers.update(scale=None, zero_point=None)
        self._parameters["log_scale"] = None

    @property
    def enabled(self) -> bool:
        """Whether it quantizes."""
        return self.scale is not None

    @property
    def quant_max(self) -> int:
        return Precision(self.precision).quant_max

    @property
    def quant_min(self) -> int:
        return Precision(self.precision).quant_min

    def enable(self, scale: Tensor, zero_point: Tensor | None = None) -> None:
        """Quantizes from now on, by a scale that is not learned."""
        self.scale = scale.detach().float()
        self.zero_point = zero_point
        self.log_scale = None

    def disable(self) -> None:
        """An identity from now on."""
        self.scale = self.zero_point = self.log_scale = None

    def learn(self, log_scale: nn.Parameter | None = None) -> nn.Parameter:
        """Makes the scale a parameter, and returns it: the one that it is, if it is learned already, unless
        ``log_scale`` is given, that of another quantizer, which has the same scale."""
        if self.scale is None:
            raise ValueError("the quantizer is disabled: it has no scale")
        if log_scale is not None:
            self.log_scale = log_scale
        elif self.log_scale is None:
            self.log_scale = nn.Parameter(torch.zeros_like(self.scale))
        return self.log_scale

    def current_scale(self) -> Tensor | None:
        """What it divides by; with the gradient of a learned scale."""
        if self.scale is None or self.log_scale is None:
            return self.scale
        return self.scale * self.log_scale.exp()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Quantizer:
        wide = {name: value for name, value in self._buffers.items() if value is not None}
        super()._apply(fn, recurse)
        for name, value in wide.items():
            cast = self._buffers[name]
            if cast is not None and cast.dtype != value.dtype:  # moved, but not to another type
                self._buffers[name] = value.to(cast.device)
        if self.log_scale is not None and self.log_scale.dtype != torch.float32:
            self.log_scale.data = self.log_scale.data.float()
        return self

    def extra_repr(self) -> str:
        if self.scale is None:
            return f"{self.precision}, disabled"
        scale = f"{self.scale.item():.6g}" if self.scale.dim() == 0 else f"of {list(self.scale.shape)}"
        return f"{self.precision}, scale {scale}" + (", learned" if self.log_scale is not None else "")

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        for name in ("scale", "zero_point"):  # a disabled one takes the scales of one that is not
            given = state_dict.get(prefix + name)
            if given is not None and self._buffers[name] is None:
                self._buffers[name] = torch.empty_like(given)
        log_scale = state_dict.get(prefix + "log_scale")
        if log_scale is not None and self.log_scale is None:
            self.log_scale = nn.Parameter(torch.empty_like(log_scale))
        elif log_scale is None and prefix + "scale" in state_dict:
            self.log_scale = None  # where they come from it was not learned
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
