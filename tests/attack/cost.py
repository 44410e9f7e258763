"""What the process of its own costs: the same command with it and without, in turns; at most 30 ms more."""

import statistics
import subprocess
import time

from attack.frame import COMMAND
from hostile import seeds

COUNT = 40
SHARD = 8
MOST_SECONDS = 0.030


def attack(run):
    model = run.folder / "model.pt2"
    model.write_bytes(seeds.archive())
    differences = []
    for case in run.cases():
        took = {}
        options = [(), ("--no-isolation",)]
        for extra in options if case % 2 else reversed(options):
            start = time.monotonic()
            subprocess.run([COMMAND, "inspect", model, *extra], check=True, capture_output=True)
            took[extra] = time.monotonic() - start
            run.done()
        differences.append(took[()] - took["--no-isolation",])
    median = statistics.median(differences)
    run.notes.append(f"a process of its own takes {1e3 * median:.1f} ms more (median of {len(differences)} pairs)")
    if median > MOST_SECONDS:
        run.find(run.first, "slow", f"{1e3 * median:.1f} ms")
