"""Networks of the zoo: what `transform` makes of them, in PyTorch and in the executor, computes what they compute."""

import graftwork
import pytest
import torch
from torch.utils import _pytree as pytree

from networks import NETWORKS

NAMES = [
    "squeezenet",
    "shufflenet_v2",
    "mobilenet_v3_small",
    "spectral_norm",
    "trained_quantized",
    "unet",
    "ssd",
    "centernet",
    "tcn",
    "swin",
    "bert",
    "gpt2",
    "whisper",
    "detr",
]


def tensors(tree):
    return [value for value in pytree.tree_leaves(tree) if isinstance(value, torch.Tensor)]


def assert_same(got, wanted):
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        assert float((a.double() - b.double()).norm()) <= 1e-4 * float(b.double().norm())


@pytest.mark.parametrize("name", NAMES)
def test_a_network_of_the_zoo(name):
    torch.manual_seed(0)
    model = NETWORKS[name].build()
    args, kwargs = NETWORKS[name].arguments(2, torch.Generator().manual_seed(0))
    with torch.no_grad():
        made = graftwork.transform(model, args, kwargs=kwargs).model
        wanted = tensors(model(*args, **kwargs))
        assert_same(tensors(made(*args, **kwargs)), wanted)
        made.check_unchanged()
        info = made.info
        assert_same(info.network.run(made.tensors(), info.signature.flatten(args, kwargs)), wanted)
    assert {id(p) for p in made.parameters()} <= {id(p) for p in model.parameters()}
