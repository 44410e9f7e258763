"""Small networks that the tests of the package share, and their data."""

import torch
from torch import nn


class Residual(nn.Module):
    """A stem, a residual block, global pooling and a classifier, with batch norms that are not the identity."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 7, 2, 3, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.conv1 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.pool(self.relu(self.bn(self.stem(x))))
        inner = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(inner)) + x)
        return self.fc(torch.flatten(self.gap(x), 1))


class Encoder(nn.Module):
    """One block of a transformer: attention and a two-layer perceptron, with norms in front."""

    def __init__(self, width=32, heads=2):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.act = nn.GELU()

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        y = nn.functional.scaled_dot_product_attention(*qkv.unbind(0)).transpose(1, 2).reshape(batch, tokens, width)
        x = x + self.proj(y)
        return x + self.fc2(self.act(self.fc1(self.norm2(x))))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(16, 24, batch_first=True)
        self.head = nn.Linear(24, 5)

    def forward(self, x):
        return self.head(self.gru(x)[0])


def recurrent(seed=0):
    torch.manual_seed(seed)
    return Recurrent().eval()


def residual(seed=0):
    torch.manual_seed(seed)
    model = Residual().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
    return model


def encoder(seed=0):
    torch.manual_seed(seed)
    return Encoder().eval()


def images(count=16, seed=1):
    return torch.randn(count, 3, 24, 24, generator=torch.Generator().manual_seed(seed))


def tokens(count=8, seed=1):
    return torch.randn(count, 12, 32, generator=torch.Generator().manual_seed(seed))
