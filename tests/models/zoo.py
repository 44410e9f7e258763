"""The networks that the tests run, by name: seeded weights, settled batch norm, the input shape that a test uses."""

from dataclasses import dataclass

import torch
from torch import nn

from digits import digits
from encoder import Block as EncoderBlock
from encoder import encoder
from mobilenet_v2 import mobilenet_v2
from resnet import resnet18, resnet50
from settle import randomize_batch_norm, settle_batch_norm
from vgg import vgg16_bn


@dataclass(frozen=True)
class Entry:
    make: object
    shape: tuple  # one sample: channels, height, width; tokens, width

    def settle_shape(self):
        # Statistics do not depend on size; at 224 only the time to gather them does.
        return (self.shape[0], *(min(extent, 96) for extent in self.shape[1:]))


ZOO = {
    "digits": Entry(digits, (1, 8, 8)),
    "resnet18": Entry(resnet18, (3, 64, 64)),
    "resnet50": Entry(resnet50, (3, 64, 64)),
    "mobilenet_v2": Entry(mobilenet_v2, (3, 96, 96)),
    # 1024 instead of 4096 keeps the structure at a fifth of the bytes.
    "vgg16_bn": Entry(lambda: vgg16_bn(hidden=1024), (3, 224, 224)),
    "encoder": Entry(encoder, (24, 64)),
}


def build(name, seed=0):
    """The network `name` in eval mode. The same seed gives the same weights; the global generator is left alone."""
    entry = ZOO[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = entry.make()
        generator = torch.Generator().manual_seed(seed + 1)
        randomize_batch_norm(model, generator)
        batches = [torch.randn(8, *entry.settle_shape(), generator=generator) for _ in range(2)]
        return settle_batch_norm(model, batches)


def samples(name, count, seed=100):
    """`count` random inputs, N(0, 1), as one float32 tensor [count, *shape]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, *ZOO[name].shape, generator=generator)


def weighted_layers(model):
    """How many convolutions and linears a network has: all of them are to be quantized."""
    return sum(isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear) for module in model.modules())


def products(model):
    """The same, with the two products of each attention."""
    return weighted_layers(model) + 2 * sum(isinstance(module, EncoderBlock) for module in model.modules())
