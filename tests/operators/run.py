"""Runs torch's samples for its operators through the command and prints a table."""

import argparse
import collections
import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "operators")]

import torch  # noqa: E402

import samples  # noqa: E402
import table  # noqa: E402
from batch import Checker, Outcome  # noqa: E402

torch.set_num_threads(1)


def warm_up():
    """What torch.export imports on first use is imported before the processes fork."""
    with tempfile.TemporaryDirectory() as folder:
        found = samples.of_operator("abs", samples.taken()["abs"], "f32")
        Checker(ROOT / "build" / "bin" / "graftwork", Path(folder)).check(found)


def job(command, name, dtypes, limit):
    found = [s for dtype in dtypes for s in samples.of_operator(name, samples.taken()[name], dtype, limit)]
    with tempfile.TemporaryDirectory() as folder:
        checker = Checker(command, Path(folder))
        for begin in range(0, len(found), 100):
            checker.check(found[begin : begin + 100])
    return {key: vars(o) for key, o in checker.outcomes.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append")
    parser.add_argument("--dtype", action="append")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--raw", type=Path)
    parser.add_argument("--limit", type=int, default=60)
    options = parser.parse_args()
    command = ROOT / "build" / "bin" / "graftwork"
    todo = [name for name in samples.taken() if not options.only or name in options.only]
    warm_up()
    context = multiprocessing.get_context("fork")
    running, results = {}, {}
    todo.reverse()
    began = time.monotonic()
    total = len(todo)
    while todo or running:
        while todo and len(running) < options.jobs:
            item = todo.pop()
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=worker, args=(sender, command, item, options.dtype or table.DTYPES, options.limit))
            process.start()
            sender.close()
            running[item] = (process, receiver, time.monotonic())
        for item, (process, receiver, started) in list(running.items()):
            if receiver.poll(0.02):
                try:
                    results[item] = receiver.recv()
                except EOFError:
                    results[item] = None
                process.join()
            elif time.monotonic() - started > 900:
                process.kill()
                process.join()
                results[item] = None
            else:
                continue
            del running[item]
            seconds = time.monotonic() - started
            found = results[item]
            if found is None:
                print(f"{len(results)}/{total} {item:45} the harness itself died {seconds:.0f} s", flush=True)
                continue
            counted = [o for o in found.values() if not o["left_out"]]
            passed = sum(not o["failures"] and not o["not_run"] for o in counted)
            print(f"{len(results)}/{total} {item:45} {passed:4}/{len(counted):<4} left out {len(found) - len(counted)} {seconds:5.1f} s", flush=True)
            if options.raw:
                with options.raw.open("a") as file:
                    file.write(json.dumps([item, found]) + "\n")
            if options.only:
                for key, o in found.items():
                    if o["failures"] or o["not_run"] or o["left_out"]:
                        print("   ", key, o)
    print(f"{time.monotonic() - began:.0f} s")


def worker(sender, *arguments):
    sender.send(job(*arguments))


if __name__ == "__main__":
    main()
