"""Quantizes trained networks by the command and by ONNX Runtime, prints both with their task's metric, a block each.

    python tests/trained/run.py [--only NAME]... [--seeds N] [--update]

--update writes the tables into docs/accuracy.md; it needs every network. Exits with 1 where the default recipe has less
SQNR than its floor or than ONNX Runtime, where its metric is worse than ONNX Runtime's beyond the interval, or where a
network that is trained here loses more than it may over all its seeds.
GRAFTWORK_COMMAND names the command; without it, build/bin/graftwork.
"""

import argparse
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("", "models", "python")]

import support
from trained import report
from trained.measure import measure
from trained.networks import NETWORKS
from trained.packages import Missing
from trained.quantizers import NAMES


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=sorted(NETWORKS), metavar="NAME")
    parser.add_argument("--seeds", type=int, metavar="N", help="networks trained here: so many of each (10)")
    parser.add_argument("--update", action="store_true", help="write the tables into docs/accuracy.md")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    graftwork = support.Graftwork(os.environ.get("GRAFTWORK_COMMAND", ROOT / "build" / "bin" / "graftwork"))
    began, measured, wrong, missing = time.monotonic(), {}, [], 0
    for name in options.only or NETWORKS:
        network = NETWORKS[name]
        seeds = min(options.seeds or network.seeds, network.seeds)
        try:
            with tempfile.TemporaryDirectory() as folder:
                results = measure(graftwork, network, range(seeds), NAMES, Path(folder))
        except Missing as why:
            print(f"{name}: left out: {why}\n", flush=True)
            missing += 1
            continue
        measured[name] = results
        print(report.block(name, network, results), flush=True)
        found = [*report.misses(network, results), *(report.lost(network, results) if seeds == network.seeds else ())]
        wrong += [f"{name}: {reason}" for reason in found]
    print("\n".join(wrong) or "every default is at or above its floor and ONNX Runtime's", end="")
    print(f"; {len(measured)} networks, {missing} left out, {time.monotonic() - began:.0f} s")
    if options.update:
        if set(measured) != set(NETWORKS):
            sys.exit("--update needs every network: no --only, and every package installed")
        report.write(measured, wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
