"""ShuffleNetV2 (Ma et al. 2018): channel split, depthwise convolutions, concatenation, channel shuffle."""

import torch
from torch import nn


def conv_bn(in_channels, out_channels, kernel_size=1, stride=1, groups=1, relu=True):
    layers = [
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out_channels),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


def channel_shuffle(x, groups):
    batch, channels, height, width = x.shape
    x = x.view(batch, groups, channels // groups, height, width)
    return x.transpose(1, 2).contiguous().view(batch, channels, height, width)


class Unit(nn.Module):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        half = out_channels // 2
        self.split = stride == 1
        self.branch1 = nn.Identity()
        if not self.split:
            self.branch1 = nn.Sequential(
                conv_bn(in_channels, in_channels, 3, stride, groups=in_channels, relu=False), conv_bn(in_channels, half)
            )
        self.branch2 = nn.Sequential(
            conv_bn(half if self.split else in_channels, half),
            conv_bn(half, half, 3, stride, groups=half, relu=False),
            conv_bn(half, half),
        )

    def forward(self, x):
        if self.split:
            kept, worked = x.chunk(2, dim=1)
            x = torch.cat((kept, self.branch2(worked)), dim=1)
        else:
            x = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        return channel_shuffle(x, 2)


class ShuffleNetV2(nn.Module):
    def __init__(self, channels=(24, 116, 232, 464, 1024), depths=(4, 8, 4), classes=1000):
        super().__init__()
        self.conv1 = conv_bn(3, channels[0], 3, 2)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        stages = []
        for depth, before, after in zip(depths, channels[:3], channels[1:4], strict=True):
            stages.append(nn.Sequential(*(Unit(before if i == 0 else after, after, 2 - (i > 0)) for i in range(depth))))
        self.stages = nn.Sequential(*stages)
        self.conv5 = conv_bn(channels[3], channels[4])
        self.fc = nn.Linear(channels[4], classes)

    def forward(self, x):
        x = self.conv5(self.stages(self.maxpool(self.conv1(x))))
        return self.fc(x.mean([2, 3]))
