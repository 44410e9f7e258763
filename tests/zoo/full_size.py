"""Transformers in full size: what Graftwork's file reaches, and what it costs beside plain PyTorch.

    python tests/zoo/full_size.py [--only NAME]... [--rounds 3] [--threads 2] [--recipe FILE]

A row for each network: SQNR of its first output under ONNX Runtime without optimisation, products that run in INT8 of
all, products that are quantized and run in floating point, blocks of attention found / one kernel / one INT8 kernel,
kernels (these by NVIDIA's compiler, where it is installed), the whole command for 8 batches over an eager forward of
the same batches in PyTorch, both with the same number of threads, and the command's peak of memory. Command and
forward take turns; the ratio is taken within a round, its median shown with the smallest and largest.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("bench", "tests/zoo", "tests/models", "tests/python", "tests/tools")]

from measure import OtherJobs, Unmeasured, in_turns, ratios, run_once

NAMES = ("vit_b16", "swin_t", "deit_s", "dinov2_s", "bert_base", "minilm", "gpt2", "whisper_tiny", "detr")
HEAD = (
    f"{'network':14} {'input':12} {'SQNR':>5} {'INT8':>8} {'float':>5} {'attention':>9} {'kernels':>7} "
    f"{'command s':>9} {'eager s':>8} {'ratio':>18} {'peak GB':>7}"
)


def work(arguments, env):
    """A step of a network in a process of its own: what a child takes counts what it shared with this one."""
    return run_once(sys.executable, ROOT / "tests" / "zoo" / "full_size_network.py", *arguments, env=env)


def row(command, name, folder, rounds, env):
    size = work(("make", name, folder), env).output.split()[-1]
    arguments = [
        command,
        "quantize",
        folder / "m.pt2",
        "--calibrate",
        folder / "calibration.npz",
        "--quiet",
        "--no-losses",
    ]
    runs = in_turns(
        rounds,
        command=lambda: run_once(*arguments, "-o", folder / "m.onnx", env=env),
        eager=lambda: float(work(("forward", name, folder), env).output.split()[-1]),
    )
    seconds = [run.seconds for run in runs["command"]]
    found = ratios(seconds, runs["eager"])
    columns = work(("judge", name, folder), env).output.splitlines()[-1]
    ratio = f"{statistics.median(found):.2f} [{min(found):.2f}, {max(found):.2f}]"
    peak = max(run.peak_bytes for run in runs["command"]) / 1e9
    times = f"{statistics.median(seconds):9.1f} {statistics.median(runs['eager']):8.1f}"
    return f"{name:14} {size:12} {columns} {times} {ratio:>18} {peak:7.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    command = os.environ.get("GRAFTWORK_COMMAND", ROOT / "build" / "bin" / "graftwork")
    env = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    print(HEAD, flush=True)
    failed = False
    others = OtherJobs()
    for name in options.only or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            try:
                print(row(command, name, Path(folder), options.rounds, env), flush=True)
            except Unmeasured as why:
                failed = True
                print(f"{name:14} FAIL: {why}", flush=True)
    print(f"{options.threads} threads, {options.rounds} rounds; other jobs kept {others.cores():.1f} cores busy")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
