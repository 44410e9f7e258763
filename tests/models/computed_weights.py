"""Networks whose convolutions compute their weights from parameters, each time they run."""

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations


class CausalBlock(nn.Module):
    """Two dilated convolutions that see the past alone, their weights as direction times length."""

    def __init__(self, in_channels, out_channels, dilation, kernel_size=3):
        super().__init__()
        self.past = (kernel_size - 1) * dilation
        self.conv1 = parametrizations.weight_norm(nn.Conv1d(in_channels, out_channels, kernel_size, dilation=dilation))
        self.conv2 = parametrizations.weight_norm(nn.Conv1d(out_channels, out_channels, kernel_size, dilation=dilation))
        self.match = nn.Conv1d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, x):
        y = F.relu(self.conv1(F.pad(x, (self.past, 0))))
        y = F.relu(self.conv2(F.pad(y, (self.past, 0))))
        return F.relu(y + self.match(x))


class TemporalConvNet(nn.Module):
    """TCN (Bai et al. 2018): [N, 8, steps] → classes after the last step."""

    def __init__(self, channels=(16, 16, 32), classes=10):
        super().__init__()
        before = (8, *channels[:-1])
        self.blocks = nn.Sequential(
            *(CausalBlock(a, b, 2**i) for i, (a, b) in enumerate(zip(before, channels, strict=True)))
        )
        self.classifier = nn.Linear(channels[-1], classes)

    def forward(self, x):
        return self.classifier(self.blocks(x)[:, :, -1])


class SpectralNormNet(nn.Module):
    """The judge of a pair of generating networks (Miyato et al. 2018): no layer stretches more than by one."""

    def __init__(self, widths=(16, 32, 64)):
        super().__init__()
        layers, before = [], 3
        for width in widths:
            layers += [
                parametrizations.spectral_norm(nn.Conv2d(before, width, 3, padding=1)),
                nn.LeakyReLU(0.1),
                parametrizations.spectral_norm(nn.Conv2d(width, width, 4, 2, 1)),
                nn.LeakyReLU(0.1),
            ]
            before = width
        self.features = nn.Sequential(*layers)
        self.judge = parametrizations.spectral_norm(nn.Linear(before, 1))

    def forward(self, x):
        return self.judge(self.features(x).sum(dim=(2, 3)))


class StandardizedConv2d(nn.Conv2d):
    """Weight standardisation (Qiao et al. 2019): every filter has mean 0 and deviation 1 before it is used."""

    def forward(self, x):
        mean = self.weight.mean(dim=(1, 2, 3), keepdim=True)
        deviation = self.weight.std(dim=(1, 2, 3), keepdim=True)
        weight = (self.weight - mean) / (deviation + 1e-5)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class StandardizedNet(nn.Module):
    def __init__(self, width=32, classes=10):
        super().__init__()
        self.stem = StandardizedConv2d(3, width, 3, 2, 1, bias=False)
        self.norms = nn.ModuleList(nn.GroupNorm(8, width) for _ in range(4))
        self.convs = nn.ModuleList(StandardizedConv2d(width, width, 3, padding=1, bias=False) for _ in range(3))
        self.classifier = nn.Linear(width, classes)

    def forward(self, x):
        x = F.relu(self.norms[0](self.stem(x)))
        for conv, norm in zip(self.convs, self.norms[1:], strict=True):
            x = F.relu(x + norm(conv(x)))
        return self.classifier(x.mean(dim=(2, 3)))


class SincConv1d(nn.Module):
    """Band passes (Ravanelli and Bengio 2018): a filter is two numbers, its lower edge and its width."""

    def __init__(self, filters, kernel_size, rate=16000):
        super().__init__()
        edges = torch.linspace(30, rate / 2 - 200, filters + 1)
        self.low, self.width = nn.Parameter(edges[:-1, None].clone()), nn.Parameter(edges.diff()[:, None].clone())
        half = kernel_size // 2
        self.register_buffer("time", 2 * math.pi * torch.arange(-half, 0).float()[None] / rate)
        self.register_buffer("window", torch.hamming_window(kernel_size, periodic=False)[None, :half])
        self.half_rate = rate / 2

    def forward(self, x):
        low = 50 + self.low.abs()
        high = torch.clamp(low + 50 + self.width.abs(), 50, self.half_rate)
        width = high - low
        left = (torch.sin(high @ self.time) - torch.sin(low @ self.time)) / (self.time / 2) * self.window
        filters = torch.cat([left, 2 * width, left.flip(1)], dim=1) / (2 * width)
        return F.conv1d(x, filters.unsqueeze(1), stride=2)


class SincNet(nn.Module):
    """[N, 1, samples] → speakers."""

    def __init__(self, filters=16, speakers=10):
        super().__init__()
        self.bands = SincConv1d(filters, 51)
        self.features = nn.Sequential(
            *(nn.MaxPool1d(3), nn.BatchNorm1d(filters), nn.LeakyReLU(0.2)),
            *(nn.Conv1d(filters, 32, 5), nn.MaxPool1d(3), nn.BatchNorm1d(32), nn.LeakyReLU(0.2)),
            *(nn.Conv1d(32, 32, 5), nn.BatchNorm1d(32), nn.LeakyReLU(0.2)),
        )
        self.classifier = nn.Linear(32, speakers)

    def forward(self, x):
        return self.classifier(self.features(self.bands(x).abs()).mean(dim=2))
