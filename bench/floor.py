"""The floor: plain PyTorch doing the same. run.py starts it and asks it in turns with our programs.

    python floor.py prepare FOLDER            writes the network, its weights and 64 samples to FOLDER
    python floor.py serve FOLDER THREADS      answers "load", "forward", "quarter" (of it) and "export"
    python floor.py forward FOLDER THREADS    runs the 64 samples once, for what the process takes

Answers are "WALL CPU", in seconds.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from export import save_pt2
from resnet import resnet50
from zoo import build

SAMPLES = 64
BATCH = 8


def prepare(folder):
    images = torch.randn(SAMPLES, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    model = build("resnet50")
    torch.save(model.state_dict(), folder / "weights.pt")
    np.save(folder / "samples.npy", images.numpy())
    save_pt2(model, folder / "resnet50.pt2", images[:BATCH])


def load_model(folder):
    """As lean as PyTorch can: no initial weights, the file mapped."""
    with torch.device("meta"):
        model = resnet50()
    model.load_state_dict(torch.load(folder / "weights.pt", mmap=True), assign=True)
    return model.eval()


@torch.inference_mode()
def forward(model, images):
    for batch in images.split(BATCH):
        model(batch)


def export(model, images, path):
    """The float network: what comes on top for a quantized one is not asked of PyTorch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (images[:BATCH],), str(path), dynamo=False)


def timed(work, *arguments):
    """What `work` costs: seconds by the clock, and of the processor over all threads."""
    begin, cpu = time.perf_counter(), time.process_time()
    work(*arguments)
    return f"{time.perf_counter() - begin} {time.process_time() - cpu}"


def serve(folder):
    model = load_model(folder)
    images = torch.from_numpy(np.load(folder / "samples.npy"))
    measurements = {
        "load": lambda: timed(torch.export.load, folder / "resnet50.pt2"),
        "forward": lambda: timed(forward, model, images),
        "quarter": lambda: timed(forward, model, images[: SAMPLES // 4]),
        "export": lambda: timed(export, model, images, folder / "floor.onnx"),
    }
    print("ready", flush=True)
    for line in sys.stdin:
        print(measurements[line.strip()](), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=["prepare", "serve", "forward"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("threads", type=int, nargs="?", default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.mode == "prepare":
        prepare(options.folder)
    elif options.mode == "serve":
        serve(options.folder)
    else:
        images = torch.from_numpy(np.load(options.folder / "samples.npy", mmap_mode="c"))
        print(timed(forward, load_model(options.folder), images))


if __name__ == "__main__":
    main()
