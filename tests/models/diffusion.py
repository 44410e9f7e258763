"""The network that takes the noise out (Ho et al. 2020): a U-Net that knows the time, with attention in its middle."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class TimeEmbedding(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.register_buffer("frequencies", torch.exp(-math.log(1000.0) * torch.arange(size // 2) / (size // 2 - 1)))
        self.layers = nn.Sequential(nn.Linear(size, 2 * size), nn.SiLU(), nn.Linear(2 * size, size))

    def forward(self, time):
        angles = time[:, None] * self.frequencies[None, :]
        return self.layers(torch.cat([angles.sin(), angles.cos()], dim=-1))


class Block(nn.Module):
    """Two convolutions; between them the time scales and shifts the channels."""

    def __init__(self, in_channels, out_channels, time):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.norm1, self.norm2 = nn.GroupNorm(8, out_channels), nn.GroupNorm(8, out_channels)
        self.time = nn.Linear(time, 2 * out_channels)
        self.match = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, x, time):
        scale, shift = self.time(F.silu(time))[:, :, None, None].chunk(2, dim=1)
        y = F.silu(self.norm1(self.conv1(x)) * (scale + 1) + shift)
        return F.silu(self.norm2(self.conv2(y))) + self.match(x)


class PixelAttention(nn.Module):
    """Every pixel asks every other, spelled as einsum over channels first."""

    def __init__(self, channels, heads=2):
        super().__init__()
        self.heads, self.size = heads, channels // heads
        self.norm = nn.GroupNorm(1, channels)
        self.ask, self.answer = nn.Conv2d(channels, 3 * channels, 1, bias=False), nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        batch, channels, height, width = x.shape
        q, k, v = (
            part.view(batch, self.heads, self.size, height * width) for part in self.ask(self.norm(x)).chunk(3, dim=1)
        )
        weights = torch.einsum("bhdi,bhdj->bhij", q * self.size**-0.5, k).softmax(dim=-1)
        found = torch.einsum("bhij,bhdj->bhdi", weights, v)
        return x + self.answer(found.reshape(batch, channels, height, width))


class DiffusionUNet(nn.Module):
    """[N, 3, H, W] with noise, and the time [N] → the noise."""

    def __init__(self, width=32, time=32):
        super().__init__()
        self.time = TimeEmbedding(time)
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.down1, self.down2 = Block(width, width, time), Block(width, 2 * width, time)
        self.shrink = nn.Conv2d(width, width, 4, 2, 1)
        self.middle1, self.middle2 = Block(2 * width, 2 * width, time), Block(2 * width, 2 * width, time)
        self.attention = PixelAttention(2 * width)
        self.up = nn.Conv2d(2 * width, width, 3, padding=1)
        self.up1 = Block(2 * width, width, time)
        self.noise = nn.Conv2d(width, 3, 1)

    def forward(self, x, time):
        time = self.time(time)
        fine = self.down1(self.stem(x), time)
        coarse = self.down2(self.shrink(fine), time)
        coarse = self.middle2(self.attention(self.middle1(coarse, time)), time)
        coarse = self.up(F.interpolate(coarse, scale_factor=2.0, mode="nearest"))
        return self.noise(self.up1(torch.cat([coarse, fine], dim=1), time))
