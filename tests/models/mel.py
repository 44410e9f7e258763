"""Sound as the network gets it: the spectrum by a convolution with waves, mel bands, decibels, then a classifier."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def waves(size):
    """Cosines and sines of size // 2 + 1 frequencies under a Hann window, as filters [2 × frequencies, 1, size]."""
    angles = 2 * math.pi * torch.arange(size // 2 + 1)[:, None] * torch.arange(size)[None, :] / size
    window = torch.hann_window(size)
    return torch.cat([angles.cos() * window, -angles.sin() * window]).unsqueeze(1)


def mel_bands(bands, frequencies, rate=16000):
    """Triangles of equal width on the mel scale, [bands, frequencies]."""
    mels = torch.linspace(0, 2595 * math.log10(1 + rate / 2 / 700), bands + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    hertz = torch.linspace(0, rate / 2, frequencies)[None, :]
    rising = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    return torch.minimum(rising, falling).clamp(min=0)


class MelClassifier(nn.Module):
    """[N, samples] → decibels by band and step, and classes."""

    def __init__(self, size=256, hop=128, bands=24, classes=10):
        super().__init__()
        self.hop = hop
        self.register_buffer("waves", waves(size))
        self.register_buffer("bands", mel_bands(bands, size // 2 + 1))
        self.features = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
            *(nn.Conv2d(16, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()),
        )
        self.classifier = nn.Linear(32, classes)

    def forward(self, x):
        real, imaginary = F.conv1d(x.unsqueeze(1), self.waves, stride=self.hop).chunk(2, dim=1)
        power = real.pow(2) + imaginary.pow(2)
        decibels = 10 * torch.log10(torch.clamp(torch.matmul(self.bands, power), min=1e-5))
        x = self.features((decibels.unsqueeze(1) - 20) / 10)
        return decibels, self.classifier(x.mean(dim=(2, 3)))
