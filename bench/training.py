"""Figures of fake-quantized networks: their forward, and a step that trains them, beside PyTorch's float ones."""

import sys
from pathlib import Path

from measure import Figure, Server, in_turns, ratios, run_once

FLOOR = Path(__file__).with_name("training_floor.py")
FROZEN = {"resnet50": ("ResNet-50, batch 8", 1.3), "bert_base": ("BERT-base, 8×128", 1.2)}
STEP = {"resnet18": ("ResNet-18, batch 8", 1.4)}


def servers(bench, folder, name):
    """Ours and PyTorch's, for one network."""
    if not (folder / f"{name}.npz").exists():
        run_once(sys.executable, FLOOR, "prepare", name, folder, env=bench.env)
    ours = bench.server("training_bench", folder / f"{name}.pt2", folder / f"{name}.npz")
    return ours, Server(sys.executable, FLOOR, "serve", name, folder, bench.threads, env=bench.env)


def costs(bench, folder, name, ours_asked, torch_asked):
    """Seconds by the clock, by what was asked; all take turns."""
    ours, torch = servers(bench, folder, name)
    with ours, torch:
        sides = {asked: (ours, asked) for asked in ours_asked} | {"torch": (torch, torch_asked)}
        for server, asked in sides.values():
            server.ask(asked)
        # The default arguments keep each side's own.
        found = in_turns(
            bench.rounds,
            **{side: lambda server=server, asked=asked: server.ask(asked) for side, (server, asked) in sides.items()},
        )
    return {side: [cost.wall for cost in measured] for side, measured in found.items()}


def bench_training(bench, folder):
    for name, (title, target) in FROZEN.items():
        seconds = costs(bench, folder, name, ["frozen"], "forward")
        over = ratios(seconds["frozen"], seconds["torch"])
        yield Figure(f"fake-quantized forward of {title}, over eager float", "×", over, target)
        yield Figure("  eager float forward", "s", seconds["torch"])
    for name, (title, target) in STEP.items():
        seconds = costs(bench, folder, name, ["qat_step", "float_step"], "step")
        over = ratios(seconds["qat_step"], seconds["torch"])
        yield Figure(f"step of QAT of {title}, over PyTorch's float step", "×", over, target)
        yield Figure("  over a float step of our own", "×", ratios(seconds["qat_step"], seconds["float_step"]))
        yield Figure("  PyTorch's float step", "s", seconds["torch"])
