"""The networks of the zoo, by name: how each is built, what goes in, what its INT8 file must reach.

Weights are random but seeded, batch norm is settled (tests/models/settle.py), and nothing is downloaded.
"""

from functools import partial

import torch
from torch import nn

from activations import Activations, SpelledOut
from centernet import CenterNet
from computed_weights import SincNet, SpectralNormNet, StandardizedNet, TemporalConvNet
from deeplab import DeepLab
from diffusion import DiffusionUNet
from gates import CBAM, ECA
from mel import MelClassifier
from mobilenet_v2 import mobilenet_v2
from ocr import CRNN, DBNet
from points import PointNet
from public import timm_model, transformers_model
from resnet import resnet18, resnet34, resnet50
from rfb import FaceDetector
from row import Network, Shape
from shufflenet_v2 import ShuffleNetV2
from spatial_transformer import SpatialTransformer
from speech import KeywordSpotter, WaveNet
from squeezenet import SqueezeNet
from ssd import SSD
from style_transfer import GroupNormNet, StyleTransfer
from super_resolution import SuperResolution
from trained_quantized import TrainedQuantized
from transformer_networks import TRANSFORMERS, awake
from two_inputs import TwoInputs
from unet import UNet
from vgg import vgg16_bn
from video import R3D
from yolo import YOLO


def image(height, width=None, channels=3):
    return Shape((channels, height, width or height))


def timm(name, **options):
    return partial(timm_model, name, **options)


def transformers(kind, **options):
    return partial(transformers_model, kind, **options)


def scaled(make, factor, *endings):
    """`make` with the parameters of these names times `factor`: smaller where a long row of residual branches, each as
    loud as what it adds to, keeps 15 dB of any INT8 (plain rounding in torch does no better), larger where a network
    starts so faint that its biases are all that comes out."""

    def made():
        model = make()
        with torch.no_grad():
            for name, value in model.named_parameters():
                if name.endswith(endings):
                    value.mul_(factor)
        return model

    return made


def kaiming(make):
    """`make` with convolutions that keep the size of their input. Without residual connections, timm's own start of
    Inception lets values grow by orders of magnitude, or, once batch norm has settled on them, noise: 40 dB going in
    come out as 6 dB."""

    def made():
        model = make()
        for module in model.modules():
            if isinstance(module, nn.Conv1d | nn.Conv2d):
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
    "convnext_v2_timm": Network(awake("convnextv2_atto", depths=(1, 1, 2, 1)), image(64), 20),
    "efficientnet_cc": Network(awake("efficientnet_cc_b0_4e"), image(64), 20),
    "nf_resnet26": Network(awake("nf_resnet26"), image(64), 20),
    "nfnet": Network(awake("test_nfnet"), image(64), 20),
    "resnetv2_bit": Network(scaled(awake("resnetv2_50x1_bit"), 0.2, "norm3.weight", "norm3.bias"), image(64), 20),
    "cbam": Network(kaiming(CBAM), image(64), 20, in_tests=True),
    "eca": Network(ECA, image(64), 20),
    "weight_standardisation": Network(StandardizedNet, image(64), 20),
    "spectral_norm": Network(SpectralNormNet, image(32), 20, in_tests=True),
    "spatial_transformer": Network(SpatialTransformer, image(28, channels=1), 20),
    # Attention
    "resnet50_clip": Network(awake("resnet50_clip", img_size=64), image(64), 20),
    "halonet26": Network(awake("halonet26t"), image(256), 20),
    "mobilevit_v2": Network(
        scaled(awake("mobilevitv2_050"), 0.3, "attn.out_proj.weight", "mlp.fc2.weight"), image(64), 20
    ),
    "resmlp": Network(awake("resmlp_12_224", img_size=64), image(64), 20),
    "levit": Network(scaled(awake("levit_128s", img_size=112), 2, "linear.weight"), image(112), 20),
    "dinov3": Network(awake("vit_small_patch16_dinov3", img_size=64, depth=2), image(64), 20),
    "swin_v2": Network(
        awake("swinv2_tiny_window8_256", img_size=64, window_size=4, depths=(1, 1, 2, 1)), image(64), 20, in_tests=True
    ),
    "coatnet": Network(awake("coatnet_nano_rw_224", img_size=64, depths=(1, 1, 1, 1)), image(64), 20),
    "sam_vit": Network(awake("samvit_base_patch16_224", img_size=64, depth=2), image(64), 20),
    "mobileone": Network(awake("mobileone_s0"), image(64), 20),
    "eva02": Network(awake("eva02_tiny_patch14_224", img_size=56, depth=2), image(56), 20),
    "nest": Network(awake("nest_tiny", img_size=64), image(64), 20),
    # Dense prediction
    "unet": Network(UNet, image(64), 20, in_tests=True),
    "deeplab": Network(DeepLab, image(64), 20, in_tests=True),
    "super_resolution": Network(SuperResolution, image(24), 20, in_tests=True),
    "style_transfer": Network(StyleTransfer, image(48), 20),
    "group_norm": Network(GroupNormNet, image(32), 20, in_tests=True),
    "diffusion": Network(DiffusionUNet, (image(16), Shape(())), 20, in_tests=True),
    # Detection and text
    "yolo": Network(YOLO, image(64), 20, in_tests=True),
    "ssd": Network(SSD, image(64), 20),
    "rfb_face": Network(FaceDetector, image(240, 320), 20),
    "dbnet": Network(DBNet, image(64), 20),
    "crnn": Network(CRNN, image(32, 64, channels=1), 20, in_tests=True),
    "centernet": Network(partial(CenterNet, 64), image(64), 20),
    # Points, sound and video
    "pointnet": Network(kaiming(PointNet), Shape((3, 128)), 20, in_tests=True),
    "tcn": Network(TemporalConvNet, Shape((8, 50)), 25),
    "sincnet": Network(SincNet, Shape((1, 640)), 25, in_tests=True),
    "mel": Network(MelClassifier, Shape((4000,)), 25, in_tests=True),
    "keyword_spotter": Network(KeywordSpotter, Shape((40, 101)), 20, in_tests=True),
    "wavenet": Network(WaveNet, Shape((1, 128)), 20),
    "r3d18": Network(R3D, Shape((3, 8, 32, 32)), 20, in_tests=True),
    # Forms
    "activations": Network(Activations, image(16), 20),
    "spelled_out": Network(SpelledOut, image(16), 20, in_tests=True),
    "trained_quantized": Network(TrainedQuantized, image(32), 20, in_tests=True),
    "two_inputs": Network(TwoInputs, TWO_INPUTS, 20, in_tests=True),
    **TRANSFORMERS,
}
