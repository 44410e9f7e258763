"""Every activation behind a convolution, once as a module or function and once spelled out as model code does."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def conv_bn(channels):
    return nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))


class Activations(nn.Module):
    """Modules and functions: an activation after every convolution, each of another kind."""

    def __init__(self, channels=16, classes=10):
        super().__init__()
        activations = {
            "relu": nn.ReLU(),
            "relu6": nn.ReLU6(inplace=True),
            "leaky": nn.LeakyReLU(0.1, inplace=True),
            "elu": nn.ELU(alpha=0.7),
            "prelu": nn.PReLU(channels),
            "prelu_shared": nn.PReLU(),
            "mish": nn.Mish(),
            "silu": nn.SiLU(inplace=True),
            "gelu": nn.GELU(),
            "gelu_tanh": nn.GELU(approximate="tanh"),
            "hardswish": nn.Hardswish(inplace=True),
            "hardsigmoid": nn.Hardsigmoid(),
            "sigmoid": nn.Sigmoid(),
            "tanh": nn.Tanh(),
            "softplus": nn.Softplus(),
            "selu": nn.SELU(),
            "celu": nn.CELU(1.3),
            "hardtanh": nn.Hardtanh(-2, 2),
            "logsigmoid": nn.LogSigmoid(),
            "softsign": nn.Softsign(),
            "tanhshrink": nn.Tanhshrink(),
        }
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.convs = nn.ModuleDict({name: conv_bn(channels) for name in activations})
        self.acts = nn.ModuleDict(activations)
        self.glu = nn.Conv2d(channels, 2 * channels, 1)
        self.head = nn.Linear(channels, classes)

    def forward(self, x):
        x = F.leaky_relu(self.stem(x), 0.2)
        for name, conv in self.convs.items():
            x = x + self.acts[name](conv(x))
        x = F.glu(self.glu(x), dim=1)
        return F.softmax(self.head(F.adaptive_avg_pool2d(x, 1).flatten(1)), dim=-1)


class SpelledOut(nn.Module):
    """The same functions as formulas."""

    FORMS = (
        lambda x: x * torch.sigmoid(x),
        lambda x: x * F.relu6(x + 3) / 6,
        lambda x: x * (F.relu6(x + 3.0) / 6.0),
        lambda x: F.relu6(x + 3) / 6,
        lambda x: x * (x + 3).clamp(0, 6) / 6,
        lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2.0))),
        lambda x: x * 0.5 * (1.0 + torch.erf(x * 0.7071067811865475)),
        lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * torch.pow(x, 3)))),
        lambda x: x * torch.sigmoid(1.702 * x),
        lambda x: x * torch.tanh(F.softplus(x)),
        lambda x: torch.clamp(x, min=0),
        lambda x: torch.clamp(x, 0, 6),
        lambda x: torch.maximum(x, 0.1 * x),
        lambda x: torch.where(x > 0, x, 0.2 * x),
        lambda x: torch.max(x, torch.zeros_like(x)),
        lambda x: 1 / (1 + torch.exp(-x)),
    )

    def __init__(self, channels=16, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.convs = nn.ModuleList(conv_bn(channels) for _ in self.FORMS)
        self.head = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.stem(x)
        for conv, form in zip(self.convs, self.FORMS, strict=True):
            x = x + form(conv(x))
        return self.head(x.mean((-2, -1)))
