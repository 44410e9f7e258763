"""Super-resolution in the manner of EDSR (Lim et al. 2017): residual blocks without batch norm, pixel shuffle, and the
bicubically or bilinearly enlarged input added at the end."""

from torch import nn
from torch.nn import functional as F


class ResidualBlock(nn.Module):
    def __init__(self, channels, scale=0.1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.scale = scale

    def forward(self, x):
        return x + self.conv2(F.relu(self.conv1(x))) * self.scale


class SuperResolution(nn.Module):
    def __init__(self, channels=32, depth=4):
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(channels) for _ in range(depth)))
        self.after = nn.Conv2d(channels, channels, 3, padding=1)
        self.tail = nn.Sequential(
            nn.Conv2d(channels, 4 * channels, 3, padding=1),
            nn.PixelShuffle(2),
            nn.PReLU(channels),
            nn.Conv2d(channels, 3 * 4, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, x):
        head = self.head(x)
        enlarged = F.interpolate(x, scale_factor=4, mode="bilinear", align_corners=False)
        return self.tail(self.after(self.body(head)) + head) + enlarged
