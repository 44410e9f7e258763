"""A detector in the manner of YOLOv8: CSP blocks with two convolutions (C2f), fast spatial pyramid pooling, a neck that
goes up and down, and three decoupled heads; boxes are decoded from distributions over distances."""

import torch
from torch import nn


class ConvBNSiLU(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size=1, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=1e-3, momentum=0.03)
        self.act = nn.SiLU(inplace=True)

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    def __init__(self, channels, shortcut):
        super().__init__()
        self.cv1, self.cv2, self.shortcut = (
            ConvBNSiLU(channels, channels, 3),
            ConvBNSiLU(channels, channels, 3),
            shortcut,
        )

    def forward(self, x):
        y = self.cv2(self.cv1(x))
        return x + y if self.shortcut else y


class C2f(nn.Module):
    def __init__(self, in_channels, out_channels, depth=1, shortcut=False):
        super().__init__()
        self.hidden = out_channels // 2
        self.cv1 = ConvBNSiLU(in_channels, 2 * self.hidden)
        self.cv2 = ConvBNSiLU((2 + depth) * self.hidden, out_channels)
        self.m = nn.ModuleList(Bottleneck(self.hidden, shortcut) for _ in range(depth))

    def forward(self, x):
        parts = list(self.cv1(x).chunk(2, 1))
        parts.extend(block(parts[-1]) for block in self.m)
        return self.cv2(torch.cat(parts, 1))


class SPPF(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.cv1 = ConvBNSiLU(channels, channels // 2)
        self.cv2 = ConvBNSiLU(channels * 2, channels)
        self.m = nn.MaxPool2d(kernel_size=5, stride=1, padding=2)

    def forward(self, x):
        y = [self.cv1(x)]
        y.extend(self.m(y[-1]) for _ in range(3))
        return self.cv2(torch.cat(y, 1))


class Detect(nn.Module):
    """Boxes [N, 4, A] in pixels, class scores [N, classes, A], and the raw maps that training would use."""

    def __init__(self, channels, classes, bins=16, strides=(8, 16, 32)):
        super().__init__()
        self.classes, self.bins, self.strides = classes, bins, strides

        def tower(width, out):
            return nn.Sequential(ConvBNSiLU(width, 32, 3), ConvBNSiLU(32, 32, 3), nn.Conv2d(32, out, 1))

        self.boxes = nn.ModuleList(tower(width, 4 * bins) for width in channels)
        self.scores = nn.ModuleList(tower(width, classes) for width in channels)
        self.expectation = nn.Conv2d(bins, 1, 1, bias=False).requires_grad_(False)
        self.expectation.weight.data[:] = torch.arange(bins, dtype=torch.float).view(1, bins, 1, 1)

    def anchors(self, maps):
        points, steps = [], []
        for map, stride in zip(maps, self.strides, strict=True):
            height, width = map.shape[-2:]
            y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
            points.append(torch.stack((x, y), 0).view(2, -1))
            steps.append(torch.full((1, height * width), float(stride)))
        return torch.cat(points, 1), torch.cat(steps, 1)

    def forward(self, features):
        maps = [
            torch.cat((box(x), score(x)), 1) for box, score, x in zip(self.boxes, self.scores, features, strict=True)
        ]
        flat = torch.cat([map.view(map.shape[0], 4 * self.bins + self.classes, -1) for map in maps], 2)
        box, score = flat.split((4 * self.bins, self.classes), 1)
        batch, _, count = box.shape
        distances = self.expectation(box.view(batch, 4, self.bins, count).transpose(2, 1).softmax(1))
        left_top, right_bottom = distances.view(batch, 4, count).chunk(2, 1)
        points, steps = self.anchors(maps)
        low, high = points - left_top, points + right_bottom
        boxes = torch.cat(((low + high) / 2, high - low), 1) * steps
        return boxes, score.sigmoid(), maps


class YOLO(nn.Module):
    def __init__(self, width=16, classes=6):
        super().__init__()
        w = width
        self.stem = nn.Sequential(ConvBNSiLU(3, w, 3, 2), ConvBNSiLU(w, 2 * w, 3, 2), C2f(2 * w, 2 * w, 1, True))
        self.p3 = nn.Sequential(ConvBNSiLU(2 * w, 4 * w, 3, 2), C2f(4 * w, 4 * w, 2, True))
        self.p4 = nn.Sequential(ConvBNSiLU(4 * w, 8 * w, 3, 2), C2f(8 * w, 8 * w, 2, True))
        self.p5 = nn.Sequential(ConvBNSiLU(8 * w, 16 * w, 3, 2), C2f(16 * w, 16 * w, 1, True), SPPF(16 * w))
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.up4, self.up3 = C2f(24 * w, 8 * w), C2f(12 * w, 4 * w)
        self.step4, self.down4 = ConvBNSiLU(4 * w, 4 * w, 3, 2), C2f(12 * w, 8 * w)
        self.step5, self.down5 = ConvBNSiLU(8 * w, 8 * w, 3, 2), C2f(24 * w, 16 * w)
        self.detect = Detect((4 * w, 8 * w, 16 * w), classes)

    def forward(self, x):
        p3 = self.p3(self.stem(x))
        p4 = self.p4(p3)
        p5 = self.p5(p4)
        n4 = self.up4(torch.cat((self.up(p5), p4), 1))
        n3 = self.up3(torch.cat((self.up(n4), p3), 1))
        n4 = self.down4(torch.cat((self.step4(n3), n4), 1))
        n5 = self.down5(torch.cat((self.step5(n4), p5), 1))
        return self.detect((n3, n4, n5))
