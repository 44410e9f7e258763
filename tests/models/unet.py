"""U-Net (Ronneberger et al. 2015): skip connections by concatenation, transposed convolutions on the way up."""

from itertools import pairwise

import torch
from torch import nn


def double_conv(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    def __init__(self, channels=(16, 32, 64, 128), classes=4):
        super().__init__()
        self.stem = double_conv(3, channels[0])
        self.pool = nn.MaxPool2d(2)
        pairs = list(pairwise(channels))
        self.down = nn.ModuleList(double_conv(a, b) for a, b in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, kernel_size=2, stride=2) for a, b in reversed(pairs))
        self.merge = nn.ModuleList(double_conv(2 * a, a) for a, _ in reversed(pairs))
        self.head = nn.Conv2d(channels[0], classes, kernel_size=1)

    def forward(self, x):
        x, skips = self.stem(x), []
        for down in self.down:
            skips.append(x)
            x = down(self.pool(x))
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(torch.cat([skips.pop(), up(x)], dim=1))
        return self.head(x)
