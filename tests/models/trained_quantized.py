"""A residual network as quantization-aware training leaves it: fake-quantize operators on weights (per channel) and
activations (per tensor), with the scales that training learned."""

import torch
from torch import nn
from torch.nn import functional as F


class FakeQuantize(nn.Module):
    """Per tensor. In train mode the scale follows the largest magnitude seen, as an observer would."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.tensor(1 / 127))
        self.register_buffer("zero_point", torch.tensor(0, dtype=torch.int32))

    def forward(self, x):
        if self.training:
            self.scale.copy_(torch.maximum(self.scale, x.detach().abs().max() / 127))
        return torch.fake_quantize_per_tensor_affine(x, self.scale, self.zero_point, -128, 127)


def quantized_weight(module):
    flat = module.weight.detach().flatten(1)
    scale = flat.abs().amax(dim=1).clamp(min=1e-8) / 127
    zero_point = torch.zeros(len(flat), dtype=torch.int32)
    return scale, zero_point


class ConvBNReLU(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1, relu=True):
        super().__init__()
        self.input = FakeQuantize()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        scale, zero_point = quantized_weight(self.conv)
        self.register_buffer("weight_scale", scale)
        self.register_buffer("weight_zero_point", zero_point)
        self.bn, self.relu = nn.BatchNorm2d(out_channels), relu

    def forward(self, x):
        weight = torch.fake_quantize_per_channel_affine(
            self.conv.weight, self.weight_scale, self.weight_zero_point, 0, -127, 127
        )
        y = self.bn(F.conv2d(self.input(x), weight, None, self.conv.stride, self.conv.padding))
        return F.relu(y) if self.relu else y


class TrainedQuantized(nn.Module):
    def __init__(self, width=16, classes=10):
        super().__init__()
        self.stem = ConvBNReLU(3, width)
        self.conv1, self.conv2 = ConvBNReLU(width, width), ConvBNReLU(width, width, relu=False)
        self.residual = FakeQuantize()
        self.down = ConvBNReLU(width, 2 * width, stride=2)
        self.last = FakeQuantize()
        self.fc = nn.Linear(2 * width, classes)

    def forward(self, x):
        x = self.stem(x)
        x = F.relu(self.conv2(self.conv1(x)) + self.residual(x))
        x = self.last(F.adaptive_avg_pool2d(self.down(x), 1).flatten(1))
        # One scale for the whole matrix: the per-tensor form with numbers instead of tensors.
        weight = torch.fake_quantize_per_tensor_affine(self.fc.weight, 0.002, 0, -127, 127)
        return F.linear(x, weight, self.fc.bias)
