"""What the process of its own costs: the same command with it and without, in turns; at most 30 ms more."""

import subprocess
import time

import machine
from attack.frame import COMMAND
from hostile import seeds

COUNT = 40
SHARD = 12
MOST_SECONDS = 0.030  # on a machine of ordinary speed


def attack(run):
    model = run.folder / "model.pt2"
    model.write_bytes(seeds.archive())
    most = MOST_SECONDS * machine.slowness()
    options = ((), ("--no-isolation",))
    # Whatever else the machine does only adds to the time: the least of each is its own.
    least = dict.fromkeys(options, float("inf"))
    for case in run.cases():
        for extra in options if case % 2 else reversed(options):
            start = time.monotonic()
            subprocess.run([COMMAND, "inspect", model, *extra], check=True, capture_output=True)
            least[extra] = min(least[extra], time.monotonic() - start)
            run.done()
    more = least[()] - least["--no-isolation",]
    run.notes.append(f"a process of its own takes {1e3 * more:.1f} ms more (least of {len(run.cases())} each)")
    if more > most:
        run.find(run.first, "slow", f"{1e3 * more:.1f} ms, of {1e3 * most:.0f} on this machine")
