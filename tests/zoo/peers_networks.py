"""The eleven networks of peers.py in full size: random seeded weights, batch norm settled on random pictures."""

from functools import partial

import torch

import full_size_network
from awake import awaken
from full_size_network import FullSize, pictures
from mobilenet_v2 import mobilenet_v2
from public import timm_model
from resnet import resnet18, resnet50
from settle import randomize_batch_norm, settle_batch_norm
from unet import UNet
from yolo import YOLO

SETTLED_BATCH = 4


def settled(make, size):
    def build():
        model, generator = make(), torch.Generator().manual_seed(2)
        randomize_batch_norm(model, generator)
        return settle_batch_norm(
            model, [torch.randn(SETTLED_BATCH, 3, size, size, generator=generator) for _ in range(2)]
        )

    return build


def of_pictures(make, batch, size=224):
    return FullSize(settled(make, size), pictures("x", size), batch, f"{batch}×{size}²")


def convnext():
    """With layer scales that let its blocks through; it starts with a millionth."""
    return awaken(timm_model("convnext_tiny"))


NETWORKS = {
    "resnet18": of_pictures(resnet18, 8),
    "resnet50": of_pictures(resnet50, 8),
    "mobilenet_v2": of_pictures(mobilenet_v2, 8),
    "efficientnet_b0": of_pictures(partial(timm_model, "efficientnet_b0"), 8),
    "unet": of_pictures(partial(UNet, (32, 64, 128, 256, 512)), 4, 256),
    "yolo": of_pictures(partial(YOLO, classes=80), 4, 320),
    "convnext_tiny": of_pictures(convnext, 4),
    **{name: full_size_network.NETWORKS[name] for name in ("swin_t", "vit_b16", "bert_base", "gpt2")},
}
