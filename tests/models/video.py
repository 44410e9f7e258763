"""R3D-18 (Tran et al. 2018): residual blocks of 3-D convolutions on clips [N, 3, frames, H, W]."""

from torch import nn


def conv_bn(in_channels, out_channels, kernel_size=3, stride=1):
    return nn.Sequential(
        nn.Conv3d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False),
        nn.BatchNorm3d(out_channels),
    )


class Block(nn.Module):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.conv1 = conv_bn(in_channels, out_channels, stride=stride)
        self.conv2 = conv_bn(out_channels, out_channels)
        self.relu = nn.ReLU(inplace=True)
        same = stride == 1 and in_channels == out_channels
        self.downsample = nn.Identity() if same else conv_bn(in_channels, out_channels, 1, stride)

    def forward(self, x):
        return self.relu(self.conv2(self.relu(self.conv1(x))) + self.downsample(x))


class R3D(nn.Module):
    def __init__(self, channels=(16, 32, 64, 128), classes=20):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(3, channels[0], (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False),
            nn.BatchNorm3d(channels[0]),
            nn.ReLU(inplace=True),
            nn.MaxPool3d(3, (1, 2, 2), 1),
        )
        before = (channels[0], *channels[:-1])
        self.layers = nn.Sequential(
            *(nn.Sequential(Block(a, b, 1 + (a != b)), Block(b, b, 1)) for a, b in zip(before, channels, strict=True))
        )
        self.pool = nn.AdaptiveAvgPool3d((1, 1, 1))
        self.fc = nn.Linear(channels[-1], classes)

    def forward(self, x):
        return self.fc(self.pool(self.layers(self.stem(x))).flatten(1))
