"""CenterNet (Zhou et al. 2019): objects are the peaks of a heat map, and the network picks the highest itself."""

import torch
from torch import nn
from torch.nn import functional as F

from ocr import conv_bn_relu


def head(channels, outputs):
    return nn.Sequential(conv_bn_relu(channels, channels), nn.Conv2d(channels, outputs, 1))


class CenterNet(nn.Module):
    """[N, 3, H, W] → scores [N, objects], boxes [N, objects, 4], kinds [N, objects].

    `prior` says where objects tend to be. Random weights without it make peaks of nearly equal height, whose order is
    then the rounding's.
    """

    def __init__(self, size, kinds=4, objects=8, width=32):
        super().__init__()
        self.objects = objects
        self.features = nn.Sequential(
            conv_bn_relu(3, width, stride=2), conv_bn_relu(width, width, stride=2), conv_bn_relu(width, width)
        )
        self.heat, self.extent, self.offset = head(width, kinds), head(width, 2), head(width, 2)
        self.prior = nn.Parameter(2 * torch.randn(kinds, size // 4, size // 4))

    def forward(self, x):
        x = self.features(x)
        heat = torch.sigmoid(self.heat(x) + self.prior - 4)
        peaks = heat * (F.max_pool2d(heat, 3, 1, 1) == heat).float()
        batch, _, height, width = heat.shape
        scores, found = torch.topk(peaks.view(batch, -1), self.objects)
        pixel = found % (height * width)
        column, line = (pixel % width).float(), (pixel // width).float()
        maps = torch.cat([self.offset(x), self.extent(x).exp()], dim=1).flatten(2).transpose(1, 2)
        values = maps.gather(1, pixel.unsqueeze(-1).expand(-1, -1, 4))
        center = torch.stack([column, line], dim=-1) + values[..., :2]
        half = values[..., 2:] / 2
        return scores, torch.cat([center - half, center + half], dim=-1), found // (height * width)
