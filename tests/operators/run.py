"""Runs torch's own samples for its operators through the command and prints how many pass, for each operator.

    python tests/operators/run.py [--only NAME]... [--dtype TYPE]... [--tenth K] [--jobs N] [--update] [--verbose]

Compares with counts.json, which --update writes, and exits with 1 where anything differs or is below its target.
GRAFTWORK_COMMAND names the command; without it, build/bin/graftwork.
"""

import argparse
import collections
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import torch

from operators import counts, pool, samples, table
from operators.check import Checker

BATCH = 100
# Operators and types of a job: a process takes so many, and a batch reaches over them.
PAIRS, PAIRS_OF_A_TENTH = 15, 60
# Shares that must pass: of all samples, and of each operator that table.BELOW does not name.
TARGET, OPERATOR_TARGET = 0.97, 0.9


class Run:
    def __init__(self, command, only=(), dtypes=(), tenth=None):
        self.command, self.tenth = command, tenth
        self.operators = {name: info for name, info in samples.operators().items() if not only or name in only}
        self.dtypes = dtypes or list(table.DTYPES)

    def jobs(self):
        """Lists of (operator, type, index); an index of None stands for all samples."""
        pairs = [(name, dtype, None) for name in self.operators for dtype in self.dtypes]
        count = PAIRS if self.tenth is None else PAIRS_OF_A_TENTH
        return [pairs[begin : begin + count] for begin in range(0, len(pairs), count)]

    def check(self, chosen):
        with tempfile.TemporaryDirectory() as folder:
            checker = Checker(self.command, Path(folder))
            checker.check(chosen)
        return checker.outcomes

    def work(self, job):
        """What pool.run_all asks for: the keys, then outcomes batch by batch."""
        chosen = []
        for name, dtype in dict.fromkeys((name, dtype) for name, dtype, _ in job):
            indexes = {index for other, of_type, index in job if (other, of_type) == (name, dtype)}
            found = samples.of_operator(name, self.operators[name], dtype, self.tenth)
            chosen += [sample for sample in found if None in indexes or sample.index in indexes]
        yield [sample.key for sample in chosen]
        for begin in range(0, len(chosen), BATCH):
            yield self.check(chosen[begin : begin + BATCH])

    def outcomes(self, processes, report=lambda text: None):
        """Outcome by key, in order."""
        torch.set_num_threads(1)
        warnings.filterwarnings("ignore")
        # What torch.export imports on first use is imported before processes fork.
        self.check(samples.of_operator("abs", samples.operators()["abs"], "f32")[:1])
        found, began = {}, time.monotonic()
        for said in pool.run_all(self.work, self.jobs(), processes):
            found.update(said)
            passed = sum(not outcome for outcome in found.values())
            report(f"{len(found)} samples, {passed} pass, {time.monotonic() - began:.0f} s")
        order = {name: number for number, name in enumerate(self.operators)}
        return dict(sorted(found.items(), key=lambda item: (order[item[0][0]], item[0][1:])))


def shares(outcomes):
    """{operator: (passed, samples that count)}"""
    found = {}
    for (operator, _, _), outcome in outcomes.items():
        passed, counted = found.get(operator, (0, 0))
        if counts.kind(outcome) != counts.LEFT_OUT:
            found[operator] = (passed + (not outcome), counted + 1)
    return found


def print_table(outcomes, verbose):
    reasons = {}
    for (operator, dtype, index), outcome in outcomes.items():
        if outcome and (verbose or counts.kind(outcome) != counts.LEFT_OUT):
            reasons.setdefault(operator, {}).setdefault(outcome, {}).setdefault(dtype, []).append(index)
    print(f"{'operator':48} {'passed':>11}")
    for operator, (passed, counted) in shares(outcomes).items():
        print(f"{operator:48} {f'{passed}/{counted}':>11}")
        for outcome, types in sorted(reasons.get(operator, {}).items()):
            places = "; ".join(f"{dtype} {counts.ranges(indexes)}" for dtype, indexes in types.items())
            print(f"    {outcome}  [{places}]")


def totals(outcomes):
    kinds = collections.Counter(counts.kind(outcome) for outcome in outcomes.values() if outcome)
    passed, counted = map(sum, zip(*shares(outcomes).values(), strict=True))
    others = "".join(f", {kinds[kind]} {kind}" for kind in counts.KINDS if kinds[kind])
    return f"{passed} of {counted} samples pass ({100 * passed / max(counted, 1):.2f} %){others}"


def below_target(outcomes):
    """What misses its target, or is expected to and does not, a line each; for runs of all samples."""
    found = shares(outcomes)
    lines = []
    for operator, (passed, counted) in found.items():
        is_below = passed < OPERATOR_TARGET * counted
        if is_below and operator not in table.BELOW:
            lines.append(f"{operator}: {passed} of {counted} samples pass, and table.BELOW gives no reason")
        if not is_below and operator in table.BELOW:
            lines.append(f"{operator}: {passed} of {counted} samples pass; table.BELOW need not name it any more")
    passed, counted = map(sum, zip(*found.values(), strict=True))
    if passed < TARGET * counted:
        lines.append(f"{passed} of {counted} samples pass, fewer than {TARGET:.0%}")
    return lines


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", metavar="NAME", help="this operator, as the table names it")
    parser.add_argument("--dtype", action="append", choices=table.DTYPES)
    parser.add_argument("--tenth", type=int, choices=range(10), metavar="K", help="a fixed tenth, 0 to 9")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="processes at a time")
    parser.add_argument("--update", action="store_true", help="write counts.json instead of comparing with it")
    parser.add_argument("--verbose", action="store_true", help="say too why samples are left out")
    options = parser.parse_args()
    if unknown := set(options.only or ()) - set(samples.operators()):
        parser.error(f"no operator {', '.join(sorted(unknown))}")
    return options


def main():
    options = arguments()
    began = time.monotonic()
    command = os.environ.get("GRAFTWORK_COMMAND", ROOT / "build" / "bin" / "graftwork")
    run = Run(command, options.only or (), options.dtype or (), options.tenth)
    outcomes = run.outcomes(options.jobs, lambda text: print(text, file=sys.stderr, flush=True))
    print_table(outcomes, options.verbose)
    lines = []
    if options.update:
        counts.write(outcomes)
    else:
        lines += counts.differences(outcomes)
    if not (options.only or options.dtype or options.tenth is not None):
        lines += below_target(outcomes)
    print(*lines, sep="\n", end="\n" if lines else "")
    print(f"operators: {totals(outcomes)}; {time.monotonic() - began:.0f} s")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
