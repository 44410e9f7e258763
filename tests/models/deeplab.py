"""DeepLabV3+ (Chen et al. 2018): dilated convolutions, pyramid pooling with an image branch, bilinear upsampling."""

import torch
from torch import nn
from torch.nn import functional as F


def conv_bn_relu(in_channels, out_channels, kernel_size=3, stride=1, dilation=1):
    padding = dilation * (kernel_size // 2)
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


class DilatedBlock(nn.Module):
    def __init__(self, channels, dilation):
        super().__init__()
        self.conv1 = conv_bn_relu(channels, channels, dilation=dilation)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        return F.relu(x + self.bn2(self.conv2(self.conv1(x))))


class ASPP(nn.Module):
    def __init__(self, in_channels, out_channels, rates):
        super().__init__()
        self.branches = nn.ModuleList([conv_bn_relu(in_channels, out_channels, 1)])
        self.branches.extend(conv_bn_relu(in_channels, out_channels, 3, dilation=rate) for rate in rates)
        self.image = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv_bn_relu(in_channels, out_channels, 1))
        self.project = nn.Sequential(conv_bn_relu((len(rates) + 2) * out_channels, out_channels, 1), nn.Dropout(0.5))

    def forward(self, x):
        image = F.interpolate(self.image(x), size=x.shape[-2:], mode="bilinear", align_corners=False)
        return self.project(torch.cat([branch(x) for branch in self.branches] + [image], dim=1))


class DeepLab(nn.Module):
    def __init__(self, classes=5, rates=(2, 4, 6)):
        super().__init__()
        self.low = nn.Sequential(conv_bn_relu(3, 16, stride=2), conv_bn_relu(16, 24, stride=2))
        self.high = nn.Sequential(conv_bn_relu(24, 64, stride=2), DilatedBlock(64, 2), DilatedBlock(64, 4))
        self.aspp = ASPP(64, 48, rates)
        self.reduce = conv_bn_relu(24, 16, 1)
        self.head = nn.Sequential(conv_bn_relu(64, 48), nn.Conv2d(48, classes, 1))

    def forward(self, x):
        low = self.low(x)
        high = F.interpolate(self.aspp(self.high(low)), size=low.shape[-2:], mode="bilinear", align_corners=False)
        out = self.head(torch.cat([self.reduce(low), high], dim=1))
        return F.interpolate(out, size=x.shape[-2:], mode="bilinear", align_corners=True)
