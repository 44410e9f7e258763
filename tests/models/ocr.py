"""The two halves of text reading: DBNet (Liao et al. 2020) finds text, CRNN (Shi et al. 2015) reads a line of it."""

import torch
from torch import nn
from torch.nn import functional as F


def conv_bn_relu(in_channels, out_channels, kernel_size=3, stride=1, padding=None):
    padding = kernel_size // 2 if padding is None else padding
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class BidirectionalLSTM(nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.rnn = nn.LSTM(inputs, hidden, bidirectional=True, batch_first=True)
        self.linear = nn.Linear(2 * hidden, outputs)

    def forward(self, x):
        return self.linear(self.rnn(x)[0])


class CRNN(nn.Module):
    """[N, 1, 32, W] → [N, W/4, classes]: columns of the feature map are the steps of the sequence."""

    def __init__(self, classes=37, hidden=64):
        super().__init__()
        self.features = nn.Sequential(
            conv_bn_relu(1, 32),
            nn.MaxPool2d(2, 2),
            conv_bn_relu(32, 64),
            nn.MaxPool2d(2, 2),
            conv_bn_relu(64, 128),
            nn.MaxPool2d((2, 1), (2, 1)),
            conv_bn_relu(128, 128),
            nn.MaxPool2d((2, 1), (2, 1)),
            conv_bn_relu(128, 128, kernel_size=(2, 1), padding=0),
        )
        self.rnn = nn.Sequential(BidirectionalLSTM(128, hidden, hidden), BidirectionalLSTM(hidden, hidden, classes))

    def forward(self, x):
        x = self.features(x).squeeze(2).permute(0, 2, 1)
        return F.log_softmax(self.rnn(x), dim=2)


class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.conv1 = conv_bn_relu(in_channels, out_channels, stride=stride)
        self.conv2 = nn.Sequential(
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels)
        )
        self.downsample = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
        )

    def forward(self, x):
        return F.relu(self.conv2(self.conv1(x)) + self.downsample(x))


class DBHead(nn.Module):
    """A probability or threshold map at the size of the input: two transposed convolutions double it twice."""

    def __init__(self, in_channels):
        super().__init__()
        inner = in_channels // 4
        self.layers = nn.Sequential(
            conv_bn_relu(in_channels, inner),
            nn.ConvTranspose2d(inner, inner, 2, 2),
            nn.BatchNorm2d(inner),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(inner, 1, 2, 2),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return self.layers(x)


class DBNet(nn.Module):
    """[N, 3, H, W] → probability, threshold and differentiably binarised maps [N, 1, H, W] each."""

    def __init__(self, channels=(16, 32, 48, 64), width=64, k=50):
        super().__init__()
        self.k = k
        self.stem = nn.Sequential(conv_bn_relu(3, 16, 7, 2), nn.MaxPool2d(3, 2, 1))
        before = (16, *channels[:-1])
        strides = (1, 2, 2, 2)
        self.stages = nn.ModuleList(BasicBlock(a, b, s) for a, b, s in zip(before, channels, strides, strict=True))
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1, bias=False) for c in channels)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width // 4, 3, padding=1, bias=False) for _ in channels)
        self.probability, self.threshold = DBHead(width), DBHead(width)

    def forward(self, x):
        x, maps = self.stem(x), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        maps = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        for i in (2, 1, 0):
            maps[i] = maps[i] + F.interpolate(maps[i + 1], scale_factor=2, mode="nearest")
        size = maps[0].shape[-2:]
        maps = [
            F.interpolate(smooth(x), size=size, mode="nearest") for smooth, x in zip(self.smooth, maps, strict=True)
        ]
        fused = torch.cat(maps[::-1], dim=1)
        p, t = self.probability(fused), self.threshold(fused)
        return {"probability": p, "threshold": t, "binary": torch.reciprocal(1 + torch.exp(-self.k * (p - t)))}
