"""Modules that a network may have and torch.nn has not."""

import torch
from torch import nn


class QuickGELU(nn.Module):
    """x · sigmoid(1.702 x)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(x * 1.702)


class ChannelScale(nn.Module):
    """Multiplies each of `channels` channels along `axis` by a number."""

    def __init__(self, channels: int, axis: int) -> None:
        super().__init__()
        self.channels, self.axis = channels, axis
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight.view([-1] + [1] * (x.dim() - self.axis - 1))
