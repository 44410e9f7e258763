"""`make attack`: hostile input in great numbers, a row for each target; ends with 1 where anything was found.

Cases have numbers: a run goes on where the last one ended (build/attack/totals.json), so that every run tries what none
did before. `--first 0` begins again.
"""

import argparse
import importlib
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.extend([str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tools")])

from attack.frame import BUILD, KEPT, Attack

TOTALS = KEPT / "totals.json"
NOT_TARGETS = {"__init__", "frame", "run"}


def targets():
    """Name to module; README.md says what a target is."""
    here = Path(__file__).parent
    names = sorted(path.stem for path in here.glob("*.py") if path.stem not in NOT_TARGETS and path.stem[0] != "_")
    modules = {name: importlib.import_module(f"attack.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "attack")}


def attack(name, module, first, count, workers=2, keep=True):
    """Runs cases of one target; the run says what was found."""
    with tempfile.TemporaryDirectory(prefix=f"graftwork-{name}-") as folder:
        run = Attack(name, first, count, Path(folder), workers, keep)
        module.attack(run)
    run.seconds = time.monotonic() - run.started
    return run


def totals():
    return json.loads(TOTALS.read_text()) if TOTALS.exists() else {}


def add_to_totals(run):
    """Sums over all runs of this build, and where the next begins."""
    sums = totals()
    before = sums.get(run.name, {"executions": 0, "findings": 0, "seconds": 0.0})
    sums[run.name] = {
        "next": run.first + run.count,
        "executions": before["executions"] + run.executions,
        "findings": before["findings"] + len(run.findings),
        "seconds": round(before["seconds"] + run.seconds, 1),
    }
    KEPT.mkdir(parents=True, exist_ok=True)
    TOTALS.write_text(json.dumps(sums, indent=1) + "\n")
    return sums[run.name]


def row(*cells):
    return "{:<13}{:>12}{:>12}{:>9}{:>10}{:>14}".format(*cells)


def main():
    every = targets()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=every, default=list(every), metavar="TARGET", help=", ".join(every)
    )
    parser.add_argument("--count", type=int, help="cases of each target (each has a number of its own)")
    parser.add_argument("--scale", type=float, default=1.0, help="that many times the cases of each target")
    parser.add_argument("--first", type=int, help="number of the first case (where the last run ended)")
    parser.add_argument("--workers", type=int, default=2, help="command servers side by side (2)")
    given = parser.parse_args()
    if not (BUILD / "bin" / "graftwork_command_server").exists():
        parser.error("nothing is built: run `make build`")
    print(row("target", "executions", "a second", "seconds", "findings", "in all"), flush=True)
    failed = False
    for name in given.only:
        module = every[name]
        first = given.first if given.first is not None else totals().get(name, {}).get("next", 0)
        run = attack(name, module, first, given.count or round(module.COUNT * given.scale), given.workers)
        sums = add_to_totals(run)
        rate = f"{run.executions / run.seconds:.1f}"
        print(row(name, run.executions, rate, f"{run.seconds:.0f}", len(run.findings), sums["executions"]), flush=True)
        for note in run.notes:
            print(f"  {note}")
        for reason, count in run.skipped.items():
            print(f"  {count} skipped: {reason}")
        for finding in run.findings[:20]:
            print(f"  case {finding.case}: {finding.kind}: {finding.what}")
            if finding.kept:
                print(f"    {finding.kept}")
        failed |= bool(run.findings)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
