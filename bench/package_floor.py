"""Both sides of the Python package's figures, in one process, on a ResNet-18. package.py starts it.

    python package_floor.py THREADS      answers "export", "transform", "forward", "transformed", "fast",
                                         "convolutions", "step", "transformed_step"

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


def convolutions_of(model, x):
    """The model's convolutions alone, as fast as oneDNN runs them: packed, channels last, with a ReLU in the kernel."""
    calls = []

    def note(module, inputs, output):
        last = {"memory_format": torch.channels_last}
        where = (module.padding, module.stride, module.dilation, module.groups)
        weight = torch.ops.mkldnn._reorder_convolution_weight(module.weight.contiguous(**last), *where, inputs[0].shape)
        calls.append((inputs[0].contiguous(**last), weight, torch.zeros(module.out_channels), *where, "relu", [], None))

    layers = [module for module in model.modules() if isinstance(module, torch.nn.Conv2d)]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    with torch.inference_mode():
        model(x)
    for hook in hooks:
        hook.remove()
    return calls


@torch.inference_mode()
def convolve(calls):
    for call in calls:
        torch.ops.mkldnn._convolution_pointwise(*call)


@torch.inference_mode()
def run(model, x):
    return model(x)


def main():
    torch.set_num_threads(int(sys.argv[1]))
    model = build("resnet18").eval()
    x = torch.randn(8, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    made = graftwork.transform(model, (x,)).model
    fast = graftwork.fast_eval(made)
    convolutions = convolutions_of(model, x)
    step = step_of(copy.deepcopy(model), x)
    made_step = step_of(graftwork.transform(copy.deepcopy(model), (x,)).model, x)
    measurements = {
        "export": lambda: timed(torch.export.export, model, (x,)),
        "transform": lambda: timed(graftwork.transform, model, (x,)),
        "forward": lambda: timed(run, model, x),
        "transformed": lambda: timed(run, made, x),
        "fast": lambda: timed(run, fast, x),
        "convolutions": lambda: timed(convolve, convolutions),
        "step": lambda: timed(step),
        "transformed_step": lambda: timed(made_step),
    }
    print("ready", flush=True)
    for line in sys.stdin:
        print(measurements[line.strip()](), flush=True)


if __name__ == "__main__":
    main()
