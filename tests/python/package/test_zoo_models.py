"""Networks of the zoo through the Python package; `make zoo-python` runs all."""

import pytest

from python_door import check

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


@pytest.mark.filterwarnings("ignore:ranges of")
@pytest.mark.parametrize("name", NAMES)
def test_a_network_of_the_zoo(name):
    check(name)
