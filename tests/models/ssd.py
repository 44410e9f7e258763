"""A detector in the manner of SSD (Liu et al. 2016): scores and offsets from maps of several sizes, joined."""

import torch
from torch import nn


def conv_relu(in_channels, out_channels, kernel_size=3, stride=1, padding=None):
    padding = kernel_size // 2 if padding is None else padding
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding), nn.ReLU(inplace=True))


class L2Norm(nn.Module):
    """Scales every pixel's feature vector to a learned length."""

    def __init__(self, channels, scale=20.0):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), scale))

    def forward(self, x):
        norm = x.pow(2).sum(dim=1, keepdim=True).sqrt() + 1e-10
        return self.weight.view(1, -1, 1, 1) * (x / norm)


class SSD(nn.Module):
    def __init__(self, classes=6, boxes=(4, 6, 6, 4)):
        super().__init__()
        self.classes = classes
        self.base = nn.Sequential(
            *(conv_relu(3, 16), conv_relu(16, 32), nn.MaxPool2d(2, 2)),
            *(conv_relu(32, 48), conv_relu(48, 48), nn.MaxPool2d(2, 2, ceil_mode=True)),
            *(conv_relu(48, 64), conv_relu(64, 64)),
        )
        self.norm = L2Norm(64)
        self.extras = nn.ModuleList(
            [
                nn.Sequential(nn.MaxPool2d(2, 2), conv_relu(64, 96), nn.MaxPool2d(3, 1, 1)),
                nn.Sequential(conv_relu(96, 32, 1), conv_relu(32, 64, 3, 2)),
                nn.Sequential(conv_relu(64, 32, 1), conv_relu(32, 64, 3, 1, padding=0)),
            ]
        )
        widths = (64, 96, 64, 64)
        self.offsets = nn.ModuleList(nn.Conv2d(w, 4 * k, 3, padding=1) for w, k in zip(widths, boxes, strict=True))
        self.scores = nn.ModuleList(nn.Conv2d(w, classes * k, 3, padding=1) for w, k in zip(widths, boxes, strict=True))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x):
        x = self.base(x)
        maps = [self.norm(x)]
        for extra in self.extras:
            x = extra(x)
            maps.append(x)
        offsets = [head(x).permute(0, 2, 3, 1).contiguous() for head, x in zip(self.offsets, maps, strict=True)]
        scores = [head(x).permute(0, 2, 3, 1).contiguous() for head, x in zip(self.scores, maps, strict=True)]
        offsets = torch.cat([o.view(o.size(0), -1) for o in offsets], 1)
        scores = torch.cat([s.view(s.size(0), -1) for s in scores], 1)
        return offsets.view(offsets.size(0), -1, 4), scores.view(scores.size(0), -1, self.classes).softmax(-1)
