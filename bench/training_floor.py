"""The floor of training_bench: plain PyTorch on the same batch. training.py starts it.

    python training_floor.py prepare NAME FOLDER            writes NAME.pt2 and a batch of 8, NAME.npz
    python training_floor.py serve NAME FOLDER THREADS      answers "forward" and "step"

NAME is resnet18, resnet50 (224²) or bert_base (128 tokens). A step is forward, backward and a step of SGD with
momentum, batch norm live. Answers are "WALL CPU", in seconds.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from floor import timed

BATCH = 8


def network(name):
    """The network in evaluation, and its batch by input."""
    generator = torch.Generator().manual_seed(0)
    if name == "bert_base":
        import transformers

        torch.manual_seed(0)
        tokens = torch.randint(0, 30522, (BATCH, 128), generator=generator)
        model = transformers.BertModel(transformers.BertConfig())
        return model.eval(), {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    from zoo import build

    return build(name), {"x": torch.randn(BATCH, 3, 224, 224, generator=generator)}


def prepare(name, folder):
    folder.mkdir(parents=True, exist_ok=True)
    model, batch = network(name)
    torch.export.save(torch.export.export(model, (), batch), str(folder / f"{name}.pt2"))
    np.savez(folder / f"{name}.npz", **{name: value.numpy() for name, value in batch.items()})


def first_result(model, batch):
    result = model(**batch)
    return result if isinstance(result, torch.Tensor) else result[0]


@torch.inference_mode()
def forward(model, batch):
    first_result(model, batch)


def serve(name):
    model, batch = network(name)
    trained, _ = network(name)
    trained.train()
    optimizer = torch.optim.SGD(trained.parameters(), lr=1e-6, momentum=0.9)

    def step():
        optimizer.zero_grad()
        first_result(trained, batch).square().mean().backward()
        optimizer.step()

    measurements = {"forward": lambda: timed(forward, model, batch), "step": lambda: timed(step)}
    print("ready", flush=True)
    for line in sys.stdin:
        print(measurements[line.strip()](), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=["prepare", "serve"])
    parser.add_argument("name", choices=["resnet18", "resnet50", "bert_base"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("threads", type=int, nargs="?", default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.mode == "prepare":
        prepare(options.name, options.folder)
    else:
        serve(options.name)


if __name__ == "__main__":
    main()
