"""Whether data are scaled as in training: real photos tell networks whose batch norms have seen others of them."""

import itertools
import json

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import nn

import zoo
from export import save_pt2
from trained import digits

MEAN = np.array([0.485, 0.456, 0.406], np.float32).reshape(3, 1, 1)
STD = np.array([0.229, 0.224, 0.225], np.float32).reshape(3, 1, 1)
SCALINGS = {
    "0 to 1": lambda x: x / 255,
    "0 to 255": lambda x: x,
    "-1 to 1": lambda x: x / np.float32(127.5) - 1,
    "ImageNet": lambda x: (x / 255 - MEAN) / STD,
    "BGR": lambda x: (((x / 255 - MEAN) / STD)[:, ::-1]).copy(),
}


def crops(count, seed, size=48):
    """Parts of two photos, 0 to 255, red first."""
    rng = np.random.default_rng(seed)
    photos = load_sample_images().images
    found = []
    for i in range(count):
        photo = photos[i % 2]
        y, x = (rng.integers(0, extent - size) for extent in photo.shape[:2])
        found.append(photo[y : y + size, x : x + size].transpose(2, 0, 1))
    return np.stack(found).astype(np.float32)


def network(scaling, kernel=7, seen=None):
    """Its batch norm has seen photos of this scaling."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 24, kernel, stride=2, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(24, momentum=None),
        *(nn.ReLU(), nn.Conv2d(24, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)),
    )
    with torch.no_grad():
        for seed in range(3):
            model(torch.from_numpy(seen(seed) if seen else SCALINGS[scaling](crops(64, seed))))
    return model.eval()


@pytest.fixture(scope="module")
def told(graftwork, tmp_path_factory):
    """told(TRAINED, GIVEN): what `quantize` says of the input."""
    folder = tmp_path_factory.mktemp("inputs")

    def quantize(trained, given, **how):
        path = folder / f"{trained}_{how}.pt2"
        if not path.exists():
            save_pt2(network(trained, **how), path, torch.zeros(2, 3, 48, 48), dynamic_batch=True)
        np.save(folder / "x.npy", SCALINGS[given](crops(24, 7)))
        return facts_of(graftwork, path, folder / "x.npy", folder)

    return quantize


def facts_of(graftwork, model, data, folder):
    done = graftwork(
        *("quantize", model, "--calibrate", data, "--no-losses"),
        *("--report", folder / "r.json", "-o", folder / "n.onnx"),
    )
    report = json.loads((folder / "r.json").read_text())
    (facts,) = report["inputs"]
    warnings = [line for line in report["warnings"] if "not scaled as in training" in line]
    assert len(warnings) == facts.get("expected", {}).get("is_mismatch", False)
    for line in warnings:
        assert line in done.stdout
        assert all(word in line for word in ("mean and deviation", "BGR", "0 to 255"))
    return facts, done.stdout


@pytest.mark.parametrize("kernel", [3, 7])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_what_is_scaled_as_in_training_is_not_remarked_on(told, scaling, kernel):
    facts, said = told(scaling, scaling, kernel=kernel)
    assert facts["expected"]["divergence"] < 0.1
    assert not facts["expected"]["is_mismatch"]
    assert "as 1 behind 0 expects" in said


OTHERS = [pair for pair in itertools.permutations(SCALINGS, 2) if set(pair) != {"ImageNet", "BGR"}]


@pytest.mark.parametrize(("trained", "given"), OTHERS)
def test_other_scalings_are_told_and_explained(told, trained, given):
    facts, said = told(trained, given)
    found = facts["expected"]
    assert found["is_mismatch"], found
    assert "not as 1 behind 0 expects" in said
    ranges = {
        "0 to 1": "0 to 1",
        "0 to 255": "0 to 255",
        "-1 to 1": "-1 to 1",
        "ImageNet": "ImageNet",
        "BGR": "ImageNet",
    }
    assert ranges[trained] in found["explanation"]
    assert "expected" in found["explanation"]
    assert ("pictures: mean 0.5, std 0.5" in found["explanation"]) == (trained == "-1 to 1")


def test_the_order_of_channels_shows_where_colours_do(graftwork, tmp_path):
    """Pictures by the light of a bulb."""
    bulb = np.array([1, 0.7, 0.3], np.float32).reshape(3, 1, 1)
    model = network("BGR", seen=lambda seed: SCALINGS["BGR"](crops(64, seed) * bulb))
    save_pt2(model, tmp_path / "n.pt2", torch.zeros(2, 3, 48, 48), dynamic_batch=True)
    for given in ("BGR", "ImageNet"):
        np.save(tmp_path / "x.npy", SCALINGS[given](crops(24, 7) * bulb))
        facts, _ = facts_of(graftwork, tmp_path / "n.pt2", tmp_path / "x.npy", tmp_path)
        assert facts["expected"]["is_mismatch"] == (given == "ImageNet")
    assert facts["expected"]["explanation"] == "the channels are expected as BGR"


def test_options_are_named_where_the_data_are_pictures(graftwork, tmp_path):
    save_pt2(network("0 to 1"), tmp_path / "n.pt2", torch.zeros(2, 3, 48, 48), dynamic_batch=True)
    (tmp_path / "photos").mkdir()
    for i, crop in enumerate(crops(24, 7)):
        Image.fromarray(crop.transpose(1, 2, 0).astype(np.uint8)).save(tmp_path / "photos" / f"{i}.png")
    _, said = facts_of(graftwork, tmp_path / "n.pt2", tmp_path / "photos", tmp_path)
    assert "ImageNet's mean and deviation were taken, 0 to 1 is expected (pictures: mean 0, std 1)" in said
    assert "warning: --mean, --std and --channels say how pictures become numbers" in said


def test_the_facts_are_numpys(told):
    facts, _ = told("0 to 1", "0 to 255")
    x = crops(24, 7).astype(np.float64)
    assert facts["min"] == x.min()
    assert facts["max"] == x.max()
    np.testing.assert_allclose(facts["mean"], x.mean((0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(facts["std"], x.std((0, 2, 3)), rtol=1e-5)


def test_moments_are_those_in_front_of_the_batch_norm(graftwork, tmp_path):
    """Where the window sees every place: mean and variance of what the convolution gives."""
    model = network("ImageNet", 3)
    save_pt2(model, tmp_path / "n.pt2", torch.zeros(2, 3, 24, 24), dynamic_batch=True)
    x = SCALINGS["0 to 1"](crops(24, 7, size=24))
    np.save(tmp_path / "x.npy", x)
    facts, _ = facts_of(graftwork, tmp_path / "n.pt2", tmp_path / "x.npy", tmp_path)
    with torch.no_grad():
        seen = model[0](torch.from_numpy(x)).double().numpy()
    norm = model[1]
    expected = norm.running_var.numpy() + norm.eps
    ratio = (seen.var((0, 2, 3)) + norm.eps) / expected
    shift = (seen.mean((0, 2, 3)) - norm.running_mean.numpy()) / np.sqrt(expected)
    assert facts["expected"]["variance_ratio"] == pytest.approx(np.sort(ratio)[(len(ratio) - 1) // 2], rel=1e-3)
    assert facts["expected"]["shift"] == pytest.approx(np.sqrt(np.square(shift).mean()), rel=1e-3)
    divergence = np.minimum(0.5 * (ratio + shift**2 - 1 - np.log(ratio)), 4).mean()
    assert facts["expected"]["divergence"] == pytest.approx(divergence, rel=1e-3)


@pytest.mark.parametrize("factor", [1, 16, 255])
def test_a_trained_network_knows_its_digits(graftwork, tmp_path, factor):
    data = digits.data()
    save_pt2(digits.cnn(0), tmp_path / "n.pt2", torch.from_numpy(data.test[:2]), dynamic_batch=True)
    np.save(tmp_path / "x.npy", data.calibration * np.float32(factor))
    facts, _ = facts_of(graftwork, tmp_path / "n.pt2", tmp_path / "x.npy", tmp_path)
    assert facts["expected"]["is_mismatch"] == (factor > 1)


@pytest.mark.parametrize("name", [name for name in zoo.ZOO if name != "encoder"])
def test_networks_that_were_not_trained_say_nothing(graftwork, exported, tmp_path, name):
    source = exported(name)
    facts, said = facts_of(graftwork, source.path, source.calibration, tmp_path)
    assert not facts.get("expected", {}).get("is_mismatch", False)
    assert "inputs" in said


def test_the_same_for_any_order_and_threads(graftwork, tmp_path):
    save_pt2(network("ImageNet"), tmp_path / "n.pt2", torch.zeros(2, 3, 48, 48), dynamic_batch=True)
    x, found = SCALINGS["0 to 1"](crops(24, 7)), []
    for order, threads in ((x, 1), (x[::-1], 3)):
        np.save(tmp_path / "x.npy", order)
        command = ("quantize", tmp_path / "n.pt2", "--calibrate", tmp_path / "x.npy", "--no-losses", "--quiet")
        output = ("--report", tmp_path / "r.json", "-o", tmp_path / "n.onnx")
        graftwork(*command, *output, env={"OMP_NUM_THREADS": str(threads)})
        found.append(json.loads((tmp_path / "r.json").read_text())["inputs"])
    assert found[0] == found[1]
