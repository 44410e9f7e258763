"""Networks that weigh channels or pixels by gates of their own: CBAM (Woo et al. 2018), ECA (Wang et al. 2020)."""

import torch
from torch import nn
from torch.nn import functional as F

from ocr import conv_bn_relu


class ChannelGate(nn.Module):
    """Means and largest values through one small network."""

    def __init__(self, channels, reduction=4):
        super().__init__()
        inner = channels // reduction
        self.layers = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.ReLU(), nn.Conv2d(inner, channels, 1))

    def forward(self, x):
        mean, largest = F.adaptive_avg_pool2d(x, 1), F.adaptive_max_pool2d(x, 1)
        return x * torch.sigmoid(self.layers(mean) + self.layers(largest))


class PixelGate(nn.Module):
    """The mean and the largest of a pixel's channels, and its surroundings."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x):
        largest, _ = torch.max(x, dim=1, keepdim=True)
        return x * torch.sigmoid(self.conv(torch.cat([x.mean(dim=1, keepdim=True), largest], dim=1)))


class CBAM(nn.Module):
    def __init__(self, width=32, classes=10):
        super().__init__()
        self.layers = nn.Sequential(
            *(conv_bn_relu(3, width, stride=2), ChannelGate(width), PixelGate()),
            *(conv_bn_relu(width, 2 * width, stride=2), ChannelGate(2 * width), PixelGate()),
        )
        self.classifier = nn.Linear(2 * width, classes)

    def forward(self, x):
        return self.classifier(self.layers(x).mean(dim=(2, 3)))


class NeighbourGate(nn.Module):
    """A channel's mean and those of its neighbours: channels are the steps of a sequence."""

    def __init__(self, kernel_size):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, x):
        mean = F.adaptive_avg_pool2d(x, 1).squeeze(-1).transpose(-1, -2)
        gate = torch.sigmoid(self.conv(mean)).transpose(-1, -2).unsqueeze(-1)
        return x * gate.expand_as(x)


class ECA(nn.Module):
    def __init__(self, width=32, classes=10):
        super().__init__()
        self.stem = conv_bn_relu(3, width, stride=2)
        self.convs = nn.ModuleList(conv_bn_relu(width, width) for _ in range(3))
        self.gates = nn.ModuleList(NeighbourGate(k) for k in (3, 3, 5))
        self.classifier = nn.Linear(width, classes)

    def forward(self, x):
        x = self.stem(x)
        for conv, gate in zip(self.convs, self.gates, strict=True):
            x = x + gate(conv(x))
        return self.classifier(x.mean(dim=(2, 3)))
