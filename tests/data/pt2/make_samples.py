"""Writes what the torch that runs it makes of one small network: python make_samples.py (in this folder).

torch_X.Y.pt2 is the exported program as that torch saves it, torch_X.Y_core.pt2 the same after run_decompositions;
input.npy and output.npy are the same for all versions. With a batch of its own choice, as the first axis is dynamic.
"""

import re

import numpy as np
import torch
from torch import nn


class Net(nn.Module):
    """What the layouts of the archive differ in: parameters, buffers of both kinds, literals, ties, in-place writes."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.act = nn.ReLU(inplace=True)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(8, 8, bias=False)
        self.second.weight = self.first.weight
        self.narrow = nn.Parameter(torch.randn(8).to(torch.bfloat16))
        self.register_buffer("scale", torch.linspace(0.5, 1.5, 16)[1::2])  # every other element of its storage
        self.register_buffer("shift", torch.linspace(-1, 1, 8), persistent=False)
        self.register_buffer("nothing", torch.zeros(0, 4))

    def forward(self, x):
        x = self.act(self.bn(self.conv(x)))
        x = self.pool(x).flatten(1)
        x = self.second(torch.tanh(self.first(x))) * self.scale
        x += self.shift
        x.mul_(torch.tensor([1.0, -1.0]).repeat(4)).clamp_(max=float("inf"))
        return x + self.narrow.float() + self.nothing.sum()


def weights(model):
    """The same in every version of torch."""
    generator = np.random.default_rng(0)
    for name, tensor in sorted(model.state_dict(keep_vars=True).items()):
        if tensor.is_floating_point() and name not in ("scale", "nothing", "second.weight"):
            low, high = (0.5, 2) if name == "bn.running_var" else (-0.4, 0.4)
            tensor.data.copy_(torch.from_numpy(generator.uniform(low, high, tuple(tensor.shape)).astype(np.float32)))


def without_paths(program):
    """Source lines keep the name of their file and lose its folder."""
    for node in program.graph.nodes:
        if node.meta.get("stack_trace"):
            node.meta["stack_trace"] = re.sub(r'File "[^"]*[/\\]', 'File "', node.meta["stack_trace"])
        node.meta.pop("from_node", None)
    return program


def main():
    torch.manual_seed(0)
    model = Net().eval()
    weights(model)
    x = torch.from_numpy(np.random.default_rng(1).uniform(-1, 1, (3, 3, 9, 7)).astype(np.float32))
    shapes = ({0: torch.export.Dim("batch", min=1)},)
    name = "torch_" + ".".join(torch.__version__.split(".")[:2])
    program = torch.export.export(model, (x[:2],), dynamic_shapes=shapes)
    torch.export.save(without_paths(program), f"{name}.pt2")
    torch.export.save(without_paths(program.run_decompositions()), f"{name}_core.pt2")
    with torch.no_grad():
        y = model(x).numpy()
    np.save("input.npy", x.numpy())
    np.save("output.npy", y)
    print(name, sum(p.numel() for p in model.parameters()), "parameters")


if __name__ == "__main__":
    main()
