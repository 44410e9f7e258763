"""Small networks for the tests of the package."""

import torch
from torch import nn
from torch.nn import functional

from resnet import BasicBlock, conv1x1


class Doubled(nn.Module):
    """2 · act(conv(x)), spelled as a sum."""

    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 4, 3), nn.ReLU()

    def forward(self, x):
        y = self.relu(self.conv(x))
        return y + y


class ResidualNet(nn.Module):
    """A ResNet with a stem of 7×7, two blocks, global pooling and a classifier."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = BasicBlock(8, 8)
        self.layer2 = BasicBlock(8, 16, 2, nn.Sequential(conv1x1(8, 16, 2), nn.BatchNorm2d(16)))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(self.layer2(self.layer1(x))), 1))


class Encoder(nn.Module):
    """Two layers of a transformer with a table of positions."""

    def __init__(self, width=32, heads=2):
        super().__init__()
        self.positions = nn.Parameter(torch.randn(1, 8, width) / 8)
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, batch_first=True, activation="gelu", norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, 5)

    def forward(self, tokens):
        return self.head(self.layers(tokens + self.positions[:, : tokens.shape[1]]))


class Functional(nn.Module):
    """No module of torch.nn: parameters, a buffer and functions."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 3, 3, 3) / 5)
        self.factor = nn.Parameter(torch.randn(6, 1, 1, 1))
        self.register_buffer("shift", torch.randn(6, 1, 1))
        self.head = nn.Parameter(torch.randn(6, 4))

    def forward(self, x):
        x = functional.relu(functional.conv2d(x, self.weight * self.factor, padding=1)) + self.shift
        return x.mean((2, 3)) @ self.head


class Nested(nn.Module):
    """Keyword and nested arguments, nested results."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x, *, mask=None, extra):
        return {"y": self.b(torch.relu(self.a(x)) * mask), "z": (x + extra["e"], None, 3)}


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.b(self.a(x))


def settled(model):
    """`model` in evaluation with statistics of batch norm that are not those of the start."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model.eval()
