"""Both sides of the Python package's figures, in one process, on a ResNet-18. package.py starts it.

    python package_floor.py THREADS      answers "export", "transform", "forward", "transformed", "fast", "step",
                                         "transformed_step"

Forward and step are of a batch of 8 × 3 × 224². Answers are "WALL CPU", in seconds.
"""

import copy
import sys

import graftwork
import torch

from floor import timed
from zoo import build


def step_of(model, x):
    model = model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9)

    def step():
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()

    return step


@torch.inference_mode()
def run(model, x):
    return model(x)


def main():
    torch.set_num_threads(int(sys.argv[1]))
    model = build("resnet18").eval()
    x = torch.randn(8, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    made = graftwork.transform(model, (x,)).model
    fast = graftwork.fast_eval(made)
    step = step_of(copy.deepcopy(model), x)
    made_step = step_of(graftwork.transform(copy.deepcopy(model), (x,)).model, x)
    measurements = {
        "export": lambda: timed(torch.export.export, model, (x,)),
        "transform": lambda: timed(graftwork.transform, model, (x,)),
        "forward": lambda: timed(run, model, x),
        "transformed": lambda: timed(run, made, x),
        "fast": lambda: timed(run, fast, x),
        "step": lambda: timed(step),
        "transformed_step": lambda: timed(made_step),
    }
    print("ready", flush=True)
    for line in sys.stdin:
        print(measurements[line.strip()](), flush=True)


if __name__ == "__main__":
    main()
