"""The networks of the zoo, by name: how each is built, what goes in, what its INT8 file must reach.

Weights are random but seeded, batch norm is settled (tests/models/settle.py), and nothing is downloaded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.utils import _pytree as pytree

from activations import Activations, SpelledOut
from deeplab import DeepLab
from mobilenet_v2 import mobilenet_v2
from ocr import CRNN, DBNet
from public import timm_model, transformers_model
from resnet import resnet18, resnet34, resnet50
from rfb import FaceDetector
from settle import randomize_batch_norm, settle_batch_norm
from shufflenet_v2 import ShuffleNetV2
from speech import KeywordSpotter, WaveNet
from squeezenet import SqueezeNet
from ssd import SSD
from style_transfer import GroupNormNet, StyleTransfer
from super_resolution import SuperResolution
from trained_quantized import TrainedQuantized
from two_inputs import TwoInputs
from unet import UNet
from vgg import vgg16_bn
from video import R3D
from yolo import YOLO


@dataclass(frozen=True)
class Shape:
    """One sample's shape, without the batch."""

    sizes: tuple

    def random(self, batch, generator):
        return torch.randn(batch, *self.sizes, generator=generator)


@dataclass(frozen=True)
class Network:
    """A row of the zoo. `inputs` is a Shape, or for several inputs a tuple of (dicts and tuples of) them."""

    make: Callable[[], nn.Module]
    inputs: Shape | tuple
    floor: float  # least SQNR in dB of every output of the INT8 file; README.md says how it was chosen
    in_tests: bool = False  # part of `make test`: the representative third

    def arguments(self, batch, generator):
        """What the network is called with: N(0, 1) in every input."""
        inputs = (self.inputs,) if isinstance(self.inputs, Shape) else self.inputs
        return pytree.tree_map(
            lambda shape: shape.random(batch, generator), inputs, is_leaf=lambda x: isinstance(x, Shape)
        )

    def build(self, seed=0):
        """In eval mode. The same seed gives the same weights; the global generator is left alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = self.make()
            generator = torch.Generator().manual_seed(seed + 1)
            randomize_batch_norm(model, generator)
            return settle_batch_norm(model, [self.arguments(4, generator) for _ in range(2)])


def image(height, width=None, channels=3):
    return Shape((channels, height, width or height))


def timm(name, **options):
    return partial(timm_model, name, **options)


def transformers(kind, **options):
    return partial(transformers_model, kind, **options)


def kaiming(make):
    """`make` with convolutions that keep the size of their input. Without residual connections, timm's own start of
    Inception lets values grow by orders of magnitude, or, once batch norm has settled on them, noise: 40 dB going in
    come out as 6 dB."""

    def made():
        model = make()
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        return model

    return made


TWO_INPUTS = ({"color": image(32), "depth": image(32, channels=1)}, (Shape((6,)), Shape((16,))))

NETWORKS = {
    # Classifiers
    "resnet18": Network(resnet18, image(64), 25, in_tests=True),
    "resnet34": Network(resnet34, image(64), 25),
    "resnet34_transformers": Network(
        transformers("ResNet", layer_type="basic", depths=[3, 4, 6, 3], hidden_sizes=[64, 128, 256, 512]), image(64), 25
    ),
    "resnet50": Network(resnet50, image(224), 25),
    "resnet101": Network(timm("resnet101"), image(64), 25),
    "resnext50": Network(timm("resnext50_32x4d"), image(64), 25),
    # A sixteenth of the hidden width keeps the structure at a fraction of the bytes.
    "vgg16_bn": Network(partial(vgg16_bn, hidden=256), image(224), 20),
    "densenet121": Network(timm("densenet121"), image(64), 20),
    "inception_v3": Network(kaiming(timm("inception_v3")), image(96), 20),
    "squeezenet": Network(SqueezeNet, image(64), 20),
    "shufflenet_v2": Network(ShuffleNetV2, image(64), 20, in_tests=True),
    "mobilenet_v2": Network(mobilenet_v2, image(224), 20),
    "mobilenet_v2_transformers": Network(transformers("MobileNetV2"), image(64), 20),
    "mobilenet_v3_small": Network(timm("mobilenetv3_small_100"), image(64), 20, in_tests=True),
    "mobilenet_v3_large": Network(timm("mobilenetv3_large_100"), image(64), 20),
    "efficientnet_b0": Network(timm("efficientnet_b0"), image(224), 20),
    "efficientnet_transformers": Network(
        transformers("EfficientNet", width_coefficient=1.0, depth_coefficient=1.0, hidden_dim=1280), image(64), 20
    ),
    "regnetx_002": Network(timm("regnetx_002"), image(64), 20),
    "regnety_002": Network(timm("regnety_002"), image(64), 20),
    "regnety_transformers": Network(
        transformers("RegNet", hidden_sizes=[32, 64, 128, 256], depths=[1, 1, 2, 1], groups_width=16),
        *(image(64), 20),
        in_tests=True,
    ),
    "convnext_tiny": Network(transformers("ConvNext"), image(224), 20),
    "convnext_atto_timm": Network(timm("convnext_atto"), image(64), 20),
    "convnext_v2": Network(
        transformers("ConvNextV2", hidden_sizes=[40, 80, 160, 320], depths=[2, 2, 6, 2]), image(64), 20, in_tests=True
    ),
    # Dense prediction
    "unet": Network(UNet, image(64), 20, in_tests=True),
    "deeplab": Network(DeepLab, image(64), 20, in_tests=True),
    "super_resolution": Network(SuperResolution, image(24), 20, in_tests=True),
    "style_transfer": Network(StyleTransfer, image(48), 20),
    "group_norm": Network(GroupNormNet, image(32), 20, in_tests=True),
    # Detection and text
    "yolo": Network(YOLO, image(64), 20, in_tests=True),
    "ssd": Network(SSD, image(64), 20),
    "rfb_face": Network(FaceDetector, image(240, 320), 20),
    "dbnet": Network(DBNet, image(64), 20),
    "crnn": Network(CRNN, image(32, 64, channels=1), 20, in_tests=True),
    # Sound and video
    "keyword_spotter": Network(KeywordSpotter, Shape((40, 101)), 20, in_tests=True),
    "wavenet": Network(WaveNet, Shape((1, 128)), 20),
    "r3d18": Network(R3D, Shape((3, 8, 32, 32)), 20, in_tests=True),
    # Forms
    "activations": Network(Activations, image(16), 20),
    "spelled_out": Network(SpelledOut, image(16), 20, in_tests=True),
    "trained_quantized": Network(TrainedQuantized, image(32), 20, in_tests=True),
    "two_inputs": Network(TwoInputs, TWO_INPUTS, 20, in_tests=True),
}
