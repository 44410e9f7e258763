"""A light face detector in the manner of RFBNet (Liu et al. 2018) on 320x240: separable convolutions, one block of
dilated branches, four heads, priors decoded to corners."""

import math

import torch
from torch import nn


def conv_bn(in_channels, out_channels, kernel_size=3, stride=1, dilation=1, groups=1, relu=True):
    padding = dilation * (kernel_size // 2)
    layers = [
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(out_channels),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


def separable(in_channels, out_channels, stride=1):
    return nn.Sequential(
        conv_bn(in_channels, in_channels, stride=stride, groups=in_channels), conv_bn(in_channels, out_channels, 1)
    )


class RFB(nn.Module):
    def __init__(self, channels, scale=1.0):
        super().__init__()
        inner = channels // 8

        def branch(dilation, wide):
            return nn.Sequential(
                conv_bn(channels, inner, 1, relu=False),
                *((conv_bn(inner, 2 * inner),) if wide else ()),
                conv_bn(2 * inner if wide else inner, 2 * inner),
                conv_bn(2 * inner, 2 * inner, dilation=dilation, relu=False),
            )

        self.branches = nn.ModuleList([branch(2, False), branch(3, False), branch(5, True)])
        self.linear = conv_bn(6 * inner, channels, 1, relu=False)
        self.shortcut = conv_bn(channels, channels, 1, relu=False)
        self.scale = scale
        self.relu = nn.ReLU(inplace=False)

    def forward(self, x):
        out = self.linear(torch.cat([branch(x) for branch in self.branches], 1))
        return self.relu(out * self.scale + self.shortcut(x))


class FaceDetector(nn.Module):
    """[N, 3, 240, 320] → scores [N, P, 2] and boxes [N, P, 4] (corners, relative)."""

    MINIMAL = ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256))
    STRIDES = (8, 16, 32, 64)

    def __init__(self, width=16, height_width=(240, 320)):
        super().__init__()
        w = width
        self.parts = nn.ModuleList(
            [
                nn.Sequential(
                    conv_bn(3, w, stride=2),
                    *(separable(w, 2 * w), separable(2 * w, 2 * w, 2), separable(2 * w, 2 * w)),
                    *(separable(2 * w, 4 * w, 2), separable(4 * w, 4 * w), RFB(4 * w)),
                ),
                nn.Sequential(separable(4 * w, 8 * w, 2), separable(8 * w, 8 * w)),
                nn.Sequential(separable(8 * w, 16 * w, 2), separable(16 * w, 16 * w)),
                nn.Sequential(nn.Conv2d(16 * w, 4 * w, 1), nn.ReLU(), self.head(4 * w, 16 * w, stride=2), nn.ReLU()),
            ]
        )
        widths, counts = (4 * w, 8 * w, 16 * w, 16 * w), [len(sizes) for sizes in self.MINIMAL]
        self.scores = nn.ModuleList(self.head(c, 2 * k) for c, k in zip(widths[:3], counts[:3], strict=True))
        self.boxes = nn.ModuleList(self.head(c, 4 * k) for c, k in zip(widths[:3], counts[:3], strict=True))
        self.scores.append(nn.Conv2d(widths[3], 2 * counts[3], 3, padding=1))
        self.boxes.append(nn.Conv2d(widths[3], 4 * counts[3], 3, padding=1))
        self.register_buffer("priors", self.make_priors(*height_width), persistent=False)

    @staticmethod
    def head(in_channels, out_channels, stride=1):
        return nn.Sequential(
            nn.Conv2d(in_channels, in_channels, 3, stride, 1, groups=in_channels),
            nn.ReLU(),
            nn.Conv2d(in_channels, out_channels, 1),
        )

    @classmethod
    def make_priors(cls, height, width):
        rows = []
        for sizes, stride in zip(cls.MINIMAL, cls.STRIDES, strict=True):
            across, down = math.ceil(width / stride), math.ceil(height / stride)
            for j in range(down):
                for i in range(across):
                    rows += [((i + 0.5) / across, (j + 0.5) / down, size / width, size / height) for size in sizes]
        return torch.tensor(rows).clamp(0, 1)

    def forward(self, x):
        scores, boxes = [], []
        for part, score, box in zip(self.parts, self.scores, self.boxes, strict=True):
            x = part(x)
            scores.append(score(x).permute(0, 2, 3, 1).contiguous().view(x.size(0), -1, 2))
            boxes.append(box(x).permute(0, 2, 3, 1).contiguous().view(x.size(0), -1, 4))
        scores, boxes = torch.cat(scores, 1), torch.cat(boxes, 1)
        centers = boxes[..., :2] * 0.1 * self.priors[..., 2:] + self.priors[..., :2]
        sizes = torch.exp(boxes[..., 2:] * 0.2) * self.priors[..., 2:]
        return scores.softmax(dim=2), torch.cat([centers - sizes / 2, centers + sizes / 2], dim=2)
