"""Networks that attacks begin from are quantized: what is refused of a mutant is refused for what was changed."""

import pytest

from attack.frame import KEPT
from attack.honest_networks import REFUSED, honest_networks


@pytest.fixture(scope="module")
def networks():
    return {network.name: network for network in honest_networks(KEPT)}


def test_they_are_many(networks):
    assert len(networks) >= 12


def test_each_is_quantized_or_refused_as_known(graftwork, networks, tmp_path):
    for name, network in networks.items():
        options = ("--calibrate", network.samples, "--limit", "2", "--quiet", "-o", tmp_path / f"{name}.onnx")
        script = tuple(network.samples if option == "x.npz" else option for option in network.options)
        if name in REFUSED:
            done = graftwork.fails("quantize", network.model, *script, *options, codes=(1,))
            assert f"error[{REFUSED[name]}]" in done.stderr
        else:
            graftwork("quantize", network.model, *script, *options)
