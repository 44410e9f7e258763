"""Figures of the Python package: what transform() costs beside torch.export, and its model beside the original."""

import os
import sys
from functools import partial
from pathlib import Path

from measure import Figure, Server, in_turns, ratios, run_once

FLOOR = Path(__file__).with_name("package_floor.py")
BUILT = Path(__file__).resolve().parents[1] / "build" / "python"
PAIRS = {
    "transform() over torch.export.export": ("transform", "export", 1.05),
    "res.model in evaluation over the original": ("transformed", "forward", 1.05),
    "fast evaluation over the original": ("fast", "forward", 0.5),
    "fast evaluation over its convolutions alone": ("fast", "convolutions", 1.1),
    "training step of res.model over the original's": ("transformed_step", "step", 1.1),
}


def bench_package(bench):
    env = bench.env | {"PYTHONPATH": f"{BUILT}{os.pathsep}{bench.env['PYTHONPATH']}"}
    for name, (ours, theirs, target) in PAIRS.items():
        with Server(sys.executable, FLOOR, bench.threads, env=env) as server:
            sides = {side: partial(server.ask, side) for side in (ours, theirs)}
            for ask in sides.values():
                ask()
            costs = in_turns(bench.rounds, **sides)
        seconds = {side: [cost.wall for cost in measured] for side, measured in costs.items()}
        yield Figure(f"{name}, ResNet-18", "×", ratios(seconds[ours], seconds[theirs]), target)
        yield Figure(f"  {theirs}", "s", seconds[theirs])

    def imported(modules):
        return run_once(sys.executable, "-c", f"import {modules}", env=env).seconds * 1e3

    times = in_turns(bench.rounds, ours=lambda: imported("torch, graftwork"), torch=lambda: imported("torch"))
    above = [ours - torch for ours, torch in zip(times["ours"], times["torch"], strict=True)]
    yield Figure("import graftwork above import torch", "ms", above, 50)
