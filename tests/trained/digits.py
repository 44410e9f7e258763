"""Two networks that are trained here in seconds on scikit-learn's digits: the demo's CNN and a vision transformer."""

import sys
from functools import cache
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "digits"))

import train as demo
from trained.row import Data
from trained.scores import each


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.projection = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(batch, tokens, 3, self.heads, width // self.heads)
        attended = F.scaled_dot_product_attention(*qkv.permute(2, 0, 3, 1, 4).unbind(0))
        x = x + self.projection(attended.transpose(1, 2).reshape(batch, tokens, width))
        return x + self.mlp(self.norm2(x))


class DigitsViT(nn.Module):
    """[N, 1, 8, 8] behind a convolution as 16 patches of 2×2; classes from the mean of the tokens."""

    def __init__(self, width=64, depth=2, heads=4):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        self.patches = nn.Conv2d(32, width, 2, 2)
        self.positions = nn.Parameter(0.02 * torch.randn(1, 16, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, 10)

    def forward(self, x):
        x = self.patches(self.stem(x)).flatten(2).transpose(1, 2) + self.positions
        return self.classifier(self.norm(self.blocks(x)).mean(1))


def trained(seed, *how):
    images, _, labels, _ = demo.load_split()
    threads = torch.get_num_threads()
    try:
        with torch.random.fork_rng(devices=[]):
            return demo.train(torch.from_numpy(images), torch.from_numpy(labels), seed, *how)
    finally:
        torch.set_num_threads(threads)


def cnn(seed):
    return trained(seed)


def vit(seed):
    return trained(seed, DigitsViT, 40, 0.003)


@cache
def data():
    train_images, test_images, _, test_labels = demo.load_split()
    return Data(train_images[: demo.CALIBRATION], test_images, test_labels)


def score(outputs, wanted, labels):
    return each(outputs[0].argmax(1) == labels)
