"""Trains the demo's network on scikit-learn's digits and leaves everything that quantization needs.

    python train.py --seed 0 --out FOLDER

Writes to FOLDER: digits.pt2 (the trained network, torch.export.save, any batch size), calibration.npy (256 training
images), heldout.npy and labels.npy (540 images that training never saw, and their digits).
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from network import DigitsNet

HELD_OUT = 540
CALIBRATION = 256
EPOCHS = 25
BATCH = 64
PEAK_LEARNING_RATE = 0.01


def load_split():
    """Images [N, 1, 8, 8] in [0, 1] and labels. The split is the same for every seed, so that seeds compare."""
    bunch = load_digits()
    images = (bunch.images / 16.0).astype(np.float32)[:, None]
    labels = bunch.target.astype(np.int64)
    return train_test_split(images, labels, test_size=HELD_OUT, stratify=labels, random_state=0)


def shifted(images, generator):
    """The same images moved by up to one pixel, each batch in one random direction."""
    dy, dx = torch.randint(0, 3, (2,), generator=generator).tolist()
    padded = nn.functional.pad(images, (1, 1, 1, 1))
    return padded[:, :, dy : dy + 8, dx : dx + 8]


def train(images, labels, seed, make=DigitsNet, epochs=EPOCHS, peak_learning_rate=PEAK_LEARNING_RATE):
    # So small a network gains nothing from threads, loses much on busy cores, and would vary with their number.
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = make()
    steps = epochs * (len(images) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak_learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak_learning_rate, total_steps=steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    for _ in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        for start in range(0, len(images) - BATCH + 1, BATCH):
            batch = order[start : start + BATCH]
            loss = loss_of(model(shifted(images[batch], generator)), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    train_x, test_x, train_y, test_y = load_split()
    began = time.monotonic()
    model = train(torch.from_numpy(train_x), torch.from_numpy(train_y), options.seed)
    with torch.no_grad():
        correct = (model(torch.from_numpy(test_x)).argmax(1).numpy() == test_y).mean()
    seconds = time.monotonic() - began
    print(
        f"seed {options.seed}: trained on {len(train_x)} digits in {seconds:.0f} s, "
        f"{correct:.2%} right on {len(test_x)} others"
    )

    example = torch.from_numpy(train_x[:2])
    program = torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    torch.export.save(program, str(options.out / "digits.pt2"))
    np.save(options.out / "calibration.npy", train_x[:CALIBRATION])
    np.save(options.out / "heldout.npy", test_x)
    np.save(options.out / "labels.npy", test_y)


if __name__ == "__main__":
    main()
