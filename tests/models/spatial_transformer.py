"""Spatial transformer (Jaderberg et al. 2015): turns and scales its input before it reads it."""

import torch
from torch import nn
from torch.nn import functional as F

from ocr import conv_bn_relu


class SpatialTransformer(nn.Module):
    """[N, 1, H, W] → classes."""

    def __init__(self, classes=10):
        super().__init__()
        self.look = nn.Sequential(
            conv_bn_relu(1, 8, 5), nn.MaxPool2d(2, 2), conv_bn_relu(8, 16, 5), nn.AdaptiveAvgPool2d(4), nn.Flatten()
        )
        self.angle = nn.Sequential(nn.Linear(16 * 16, 32), nn.ReLU(), nn.Linear(32, 6))
        with torch.no_grad():  # starts near doing nothing
            self.angle[2].weight.mul_(0.1)
            self.angle[2].bias.copy_(torch.tensor([1.0, 0, 0, 0, 1.0, 0]))
        self.read = nn.Sequential(conv_bn_relu(1, 16), nn.MaxPool2d(2, 2), conv_bn_relu(16, 32))
        self.classifier = nn.Linear(32, classes)

    def forward(self, x):
        theta = self.angle(self.look(x)).view(-1, 2, 3)
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        x = F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        return self.classifier(self.read(x).mean(dim=(2, 3)))
