"""The demo's network (examples/digits/network.py) with seeded weights instead of trained ones."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "digits"))

from network import DigitsNet


def digits():
    return DigitsNet()
