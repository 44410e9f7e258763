"""Measuring in turns: programs that answer on request, processes that run once, medians with intervals, other jobs."""

import math
import os
import resource
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

NOISE = 0.1  # cores busy with other jobs above which a verdict says nothing certain


class Unmeasured(Exception):  # noqa: N818
    """A program of the bench failed; says how."""


@dataclass
class Cost:
    """Seconds by the clock, and of the processor over all threads."""

    wall: float
    cpu: float

    @classmethod
    def read(cls, text):
        return cls(*map(float, text.split()[:2]))


@dataclass
class Finished:
    """A process that ran to its end. `seconds` include its start, `user` is processor time outside the system."""

    seconds: float
    user: float
    peak_bytes: int
    output: str


class Server:
    """A program that says "ready" and then measures whenever it is asked to."""

    def __init__(self, *command, env):
        self.name = Path(command[0]).name
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen([str(part) for part in command], **pipes, text=True, env=env)

    def __enter__(self):
        self._read()
        return self

    def __exit__(self, failure, *rest):
        if failure:
            self.process.kill()
        self.process.communicate()

    def ask(self, name):
        try:
            self.process.stdin.write(name + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # what it said before it died is read below
        return Cost.read(self._read())

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise Unmeasured(f"{self.name}: {last_line(self.process.stderr.read())}")
        return line


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it died without a word"


def run_once(*command, env):
    begin = time.perf_counter()
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen([str(part) for part in command], **pipes, text=True, env=env)
    output = process.stdout.read()
    # A child's peak counts what it shared with its parent before exec: run.py stays small and imports no torch.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Unmeasured(f"{Path(command[0]).name}: {last_line(output)}")
    return Finished(seconds, usage.ru_utime, usage.ru_maxrss * 1024, output)


def in_turns(rounds, **sides):
    """Calls each side once a round, in an order that turns; their results by side, in the order of rounds."""
    results = {name: [] for name in sides}
    for i in range(rounds):
        for name in list(sides) if i % 2 == 0 else reversed(sides):
            results[name].append(sides[name]())
    return results


class OtherJobs:
    """How many cores others keep busy from construction on; counts no child that still runs as ours."""

    def __init__(self):
        self.begin = self._now()

    def cores(self):
        seconds, machine, own = (now - then for now, then in zip(self._now(), self.begin, strict=True))
        return max(0.0, (machine - own) / seconds)

    @staticmethod
    def _now():
        ticks = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
        idle = ticks[3] + ticks[4]
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        own = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        return time.monotonic(), (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK"), own


def ratios(above, below):
    return [a / b for a, b in zip(above, below, strict=True)]


def median_interval(values):
    """The order statistics between which the median lies with 95 % or more, whatever the distribution.

    Ranks k and n + 1 - k with the largest such k; the whole range where there are too few values (below 6).
    """
    ordered, n = sorted(values), len(values)
    k, outside = 0, 1 / 2**n
    while outside <= 0.025:
        k += 1
        outside += math.comb(n, k) / 2**n
    return ordered[max(k, 1) - 1], ordered[n - max(k, 1)]


@dataclass
class Figure:
    """One line of the result; `values` has a number per round."""

    what: str
    unit: str
    values: list
    target: float | None = None
    error: str = ""
    other_jobs: float = 0.0  # cores that they kept busy meanwhile
    median: float | None = field(init=False, default=None)
    interval: tuple | None = field(init=False, default=None)
    met: bool | None = field(init=False, default=None)

    def __post_init__(self):
        if not self.values:
            return
        self.median = statistics.median(self.values)
        self.interval = median_interval(self.values)
        if self.target is not None:
            self.met = self.median <= self.target

    def line(self):
        if self.error:
            return f"{self.what:<60} not measured: {self.error}"
        low, high = self.interval
        figure = f"{digits(self.median):>7} {self.unit:<3} [{digits(low)}, {digits(high)}]"
        target = "" if self.target is None else f"at most {self.target:g} {self.unit}"
        verdict = {None: "", True: "met", False: "NOT MET"}[self.met]
        if verdict and self.other_jobs > NOISE:
            verdict += ", disturbed"
        return f"{self.what:<60} {figure:<30} {target:<16} {verdict}".rstrip()


def digits(value):
    """Three digits that count."""
    if value == 0:
        return "0"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
