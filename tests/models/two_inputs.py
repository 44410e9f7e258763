"""A network with structure at its borders: a dict and a tuple go in, a dict that holds a tuple comes out."""

import torch
from torch import nn


class TwoInputs(nn.Module):
    def __init__(self, width=16, classes=5):
        super().__init__()

        def conv(in_channels):
            return nn.Sequential(
                nn.Conv2d(in_channels, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
            )

        self.color, self.depth = conv(3), conv(1)
        self.joint = nn.Sequential(nn.Conv2d(2 * width, width, 1), nn.ReLU())
        self.facts = nn.Linear(6, width)
        self.classify = nn.Linear(width, classes)
        self.mask = nn.Conv2d(width, 1, 1)

    def forward(self, images, extra):
        facts, weight = extra
        maps = self.joint(torch.cat([self.color(images["color"]), self.depth(images["depth"])], dim=1))
        pooled = maps.mean(dim=(2, 3)) + weight * torch.relu(self.facts(facts))
        return {"scores": self.classify(pooled), "maps": (self.mask(maps).sigmoid(), maps)}
