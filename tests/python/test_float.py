"""The float stages: what is imported computes what PyTorch computes, and transforming does not change it."""

import numpy as np
import pytest
import torch

import support
import zoo
from export import save_pt2


def run_stage(graftwork, path, x, stage, folder):
    np.save(folder / "x.npy", x)
    output = folder / f"{stage}.npz"
    graftwork("run", path, "--input", f"x={folder / 'x.npy'}", "--stage", stage, "-o", output)
    return support.only(support.load_npz(output))


def check_stages(graftwork, path, x, reference, folder):
    imported = run_stage(graftwork, path, x, "float", folder)
    transformed = run_stage(graftwork, path, x, "transformed", folder)
    assert support.relative_error(imported, reference) <= 1e-6
    assert support.relative_error(transformed, imported) <= 1e-5


@pytest.mark.parametrize("name", zoo.ZOO)
def test_imported_is_pytorch_and_transformed_is_imported(graftwork, exported, tmp_path, name):
    source = exported(name)
    check_stages(graftwork, source.path, source.x, source.reference(), tmp_path)


@pytest.mark.parametrize(("name", "shape"), [("resnet18", (1, 3, 64, 64)), ("vgg16_bn", (1, 3, 64, 64))])
def test_a_fixed_batch_of_one_too(graftwork, tmp_path, name, shape):
    """VGG at 64x64 is also where its adaptive pool resamples instead of being the identity."""
    model, x = zoo.build(name), torch.randn(*shape, generator=torch.Generator().manual_seed(3))
    save_pt2(model, tmp_path / "fixed.pt2", x)
    with torch.no_grad():
        reference = model(x).numpy()
    check_stages(graftwork, tmp_path / "fixed.pt2", x.numpy(), reference, tmp_path)


def test_a_dynamic_batch_takes_other_sizes(graftwork, exported, tmp_path):
    source = exported("digits")
    for count in (1, 2, 7):
        x = zoo.samples("digits", count, seed=count)
        with torch.no_grad():
            reference = source.model(x).numpy()
        check_stages(graftwork, source.path, x.numpy(), reference, tmp_path)
