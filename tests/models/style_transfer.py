"""Fast style transfer (Johnson et al. 2016) with reflection padding, instance norm and upsampling convolutions; and a
segmenter whose norms are group norms."""

import torch
from torch import nn
from torch.nn import functional as F


class ConvLayer(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, upsample=1):
        super().__init__()
        self.upsample = upsample
        self.pad = nn.ReflectionPad2d(kernel_size // 2)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride)

    def forward(self, x):
        if self.upsample > 1:
            x = F.interpolate(x, scale_factor=self.upsample, mode="nearest")
        return self.conv(self.pad(x))


class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.in1 = ConvLayer(channels, channels, 3), nn.InstanceNorm2d(channels, affine=True)
        self.conv2, self.in2 = ConvLayer(channels, channels, 3), nn.InstanceNorm2d(channels, affine=True)

    def forward(self, x):
        return self.in2(self.conv2(torch.relu(self.in1(self.conv1(x))))) + x


class StyleTransfer(nn.Module):
    def __init__(self, width=16, depth=2):
        super().__init__()
        w = width

        def layer(*arguments, **options):
            return (ConvLayer(*arguments, **options), nn.InstanceNorm2d(arguments[1], affine=True), nn.ReLU())

        self.layers = nn.Sequential(
            *(*layer(3, w, 9), *layer(w, 2 * w, 3, 2), *layer(2 * w, 4 * w, 3, 2)),
            *(ResidualBlock(4 * w) for _ in range(depth)),
            *(*layer(4 * w, 2 * w, 3, upsample=2), *layer(2 * w, w, 3, upsample=2)),
            ConvLayer(w, 3, 9),
            nn.Tanh(),
        )

    def forward(self, x):
        return self.layers(x)


class GroupNormNet(nn.Module):
    """[N, 3, H, W] → [N, classes, H, W]; weight standardisation is left out."""

    def __init__(self, width=32, classes=4):
        super().__init__()

        def block(in_channels, out_channels, stride=1):
            return nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False),
                nn.GroupNorm(8, out_channels),
                nn.SiLU(),
            )

        self.down1, self.down2, self.down3 = block(3, width), block(width, 2 * width, 2), block(2 * width, 2 * width)
        self.plain = nn.InstanceNorm2d(2 * width)  # neither weight nor running statistics
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), block(2 * width, width)
        )
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        first = self.down1(x)
        deep = self.down2(first)
        return self.head(first + self.up(self.plain(deep + self.down3(deep))))
