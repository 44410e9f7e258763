"""Trained networks by the default recipe beside ONNX Runtime's quantizer (tests/trained); `make accuracy` runs all."""

import dataclasses

import numpy as np
import pytest
import torch

import support
from trained import report, silero
from trained.measure import Result, measure
from trained.networks import NETWORKS
from trained.packages import Missing, file_of, module_of
from trained.scores import Scores, difference, each, pooled

IN_TESTS = [name for name, network in NETWORKS.items() if network.in_tests]


@pytest.mark.parametrize("name", IN_TESTS)
def test_default_recipe_is_no_worse_than_onnx_runtime(graftwork, tmp_path, name):
    network = NETWORKS[name]
    try:
        results = measure(graftwork, network, [0], ("default", report.PEER), tmp_path)
    except Missing as why:
        pytest.skip(str(why))
    ours, theirs = results["default"], results[report.PEER]
    for who, result in (("ours", ours), (report.PEER, theirs)):
        print(f"{name}: {who} {result.sqnr:.1f} dB, {result.scores.percent:.2f} %, {result.seconds:.1f} s")
    assert list(report.misses(network, results)) == []


def test_silero_is_what_its_package_runs():
    try:
        network, path = silero.make(0), file_of("silero_vad", "data/silero_vad_16k_sequence.onnx")
        clips = silero.data().test[::20]
    except Missing as why:
        pytest.skip(str(why))
    with torch.no_grad():
        found = network(torch.from_numpy(clips)).numpy()
    state = np.zeros((1, 1, 128), np.float32)
    for clip, probabilities in zip(clips, found, strict=True):
        theirs = support.run_onnx(path, {"input": clip, "h": state, "c": state})["speech_probs"]
        np.testing.assert_allclose(probabilities, theirs, atol=1e-4)


def test_a_package_that_is_not_installed_is_named():
    for ask in (lambda: file_of("no_such_package", "weights.pt"), lambda: module_of("no_such_package.model")):
        with pytest.raises(Missing, match=r"no_such_package.*setup\.sh trained"):
            ask()


def test_intervals_see_what_is_paired():
    """A difference in every unit is certain; as many gains as losses are chance."""
    right = np.tile([1.0, 0.0], 50)
    always, sometimes = each(np.ones(100)), each(right)
    low, high = difference(always, sometimes)
    assert 0 < low < 50 < high < 100
    low, high = difference(sometimes, each(1 - right))
    assert low < 0 < high
    assert difference(sometimes, sometimes) == (0, 0)


def test_units_of_several_decisions_weigh_as_many():
    scores = pooled([Scores(np.array([1.0, 8.0]), np.array([2, 8])), each([True, False])])
    assert scores.percent == pytest.approx(100 * 10 / 12)
    assert len(scores) == 2
    with pytest.raises(ValueError, match="same test units"):
        difference(scores, each(np.ones(3)))


@pytest.mark.parametrize(
    ("ours", "reason"),
    [
        (Result(each(np.ones(100)), 40.0), None),
        (Result(each(np.ones(100)), 29.0), "below its floor"),
        (Result(each(np.ones(100)), 34.0), "ORT has 35"),
        (Result(each(np.arange(100) >= 10), 40.0), "worse than ORT"),
        (Result(each(np.arange(100) >= 1), 40.0), None),
    ],
)
def test_what_falls_short_is_found(ours, reason):
    network = dataclasses.replace(NETWORKS["digits_cnn"], floor=30)
    found = list(report.misses(network, {"default": ours, "ORT": Result(each(np.ones(100)), 35.0)}))
    assert any(reason in line for line in found) if reason else found == []
