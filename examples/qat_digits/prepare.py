"""Trains the demo's network (examples/digits) and leaves everything that training with quantization needs.

    python prepare.py --seed 0 --out FOLDER

Writes to FOLDER: digits.pt2 (the trained network, any batch size), training.npz and heldout.npz (arrays `images` and
`labels`: 1257 digits that it was trained on, 540 that it never saw).
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "digits"))

from network import DigitsNet
from train import load_split, train

# A quarter of the demo's: four bits cost such a network what they cost a large one on a task that is hard for it.
WIDTH = 8


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    train_x, test_x, train_y, test_y = load_split()
    model = train(torch.from_numpy(train_x), torch.from_numpy(train_y), options.seed, partial(DigitsNet, WIDTH))
    example = torch.from_numpy(train_x[:2])
    program = torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    torch.export.save(program, str(options.out / "digits.pt2"))
    np.savez(options.out / "training.npz", images=train_x, labels=train_y)
    np.savez(options.out / "heldout.npz", images=test_x, labels=test_y)


if __name__ == "__main__":
    main()
