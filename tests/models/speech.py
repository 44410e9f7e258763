"""Networks of 1-D convolutions: a keyword spotter of separable blocks, and WaveNet's stack of gated dilated ones."""

import torch
from torch import nn
from torch.nn import functional as F


class SeparableBlock(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, dilation=1, residual=False):
        super().__init__()
        padding = dilation * (kernel_size // 2)
        self.depthwise = nn.Conv1d(
            in_channels, in_channels, kernel_size, stride, padding, dilation, groups=in_channels, bias=False
        )
        self.pointwise = nn.Conv1d(in_channels, out_channels, 1, bias=False)
        self.norm = nn.BatchNorm1d(out_channels)
        self.residual = residual

    def forward(self, x):
        y = self.norm(self.pointwise(self.depthwise(x)))
        return F.relu(y + x if self.residual else y)


class KeywordSpotter(nn.Module):
    """[N, 40 mel bands, frames] → [N, classes]."""

    def __init__(self, classes=12):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv1d(40, 64, 5, 2, 2, bias=False), nn.BatchNorm1d(64), nn.ReLU(inplace=True))
        self.blocks = nn.Sequential(
            SeparableBlock(64, 64, 11, residual=True),
            SeparableBlock(64, 96, 13, stride=2),
            SeparableBlock(96, 96, 15, residual=True),
            nn.MaxPool1d(2),
            SeparableBlock(96, 128, 3, dilation=2),
        )
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.fc = nn.Linear(128, classes)

    def forward(self, x):
        return self.fc(self.pool(self.blocks(self.stem(x))).squeeze(-1))


class GatedBlock(nn.Module):
    def __init__(self, channels, skip_channels, dilation):
        super().__init__()
        self.left = dilation
        self.filter = nn.Conv1d(channels, channels, 2, dilation=dilation)
        self.gate = nn.Conv1d(channels, channels, 2, dilation=dilation)
        self.residual = nn.Conv1d(channels, channels, 1)
        self.skip = nn.Conv1d(channels, skip_channels, 1)

    def forward(self, x):
        padded = F.pad(x, (self.left, 0))
        y = torch.tanh(self.filter(padded)) * torch.sigmoid(self.gate(padded))
        return x + self.residual(y), self.skip(y)


class WaveNet(nn.Module):
    """[N, 1, samples] → [N, levels, samples], causal (van den Oord et al. 2016)."""

    def __init__(self, channels=32, skip_channels=64, levels=64, dilations=(1, 2, 4, 8, 1, 2, 4, 8)):
        super().__init__()
        self.first = nn.Conv1d(1, channels, 1)
        self.blocks = nn.ModuleList(GatedBlock(channels, skip_channels, dilation) for dilation in dilations)
        self.last = nn.Sequential(
            nn.ReLU(), nn.Conv1d(skip_channels, skip_channels, 1), nn.ReLU(), nn.Conv1d(skip_channels, levels, 1)
        )

    def forward(self, x):
        x, total = self.first(x), 0
        for block in self.blocks:
            x, skip = block(x)
            total = total + skip
        return self.last(total)
