"""Writes a network as .pt2, the way users do: torch.export.export, then torch.export.save.

As a program: python tests/models/export.py resnet50 OUT.pt2 [--size 224] [--batch 8] [--dynamic] [--seed 0]
"""

import argparse

import torch


def save_pt2(model, path, example, dynamic_batch=False):
    """Exports `model` (in eval mode) for the input `example` named x and saves it to `path`.

    With `dynamic_batch` the first axis is symbolic; the example must then hold at least two samples, because
    torch.export treats sizes 0 and 1 as constants.
    """
    dynamic_shapes = None
    if dynamic_batch:
        if example.shape[0] < 2:
            raise ValueError("a dynamic batch needs an example of at least two samples")
        dynamic_shapes = ({0: torch.export.Dim("batch", min=1)},)
    program = torch.export.export(model.eval(), (example,), dynamic_shapes=dynamic_shapes)
    torch.export.save(program, str(path))


def main():
    import zoo

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=sorted(zoo.ZOO))
    parser.add_argument("path")
    parser.add_argument("--size", type=int, help="height and width (default: what the tests use)")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--dynamic", action="store_true", help="make the first axis symbolic")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    first, *others = zoo.ZOO[options.name].shape
    example = torch.randn(options.batch, first, *(options.size or extent for extent in others))
    save_pt2(zoo.build(options.name, options.seed), options.path, example, options.dynamic)


if __name__ == "__main__":
    main()
