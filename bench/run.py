"""Prints the figures of Graftwork next to plain PyTorch doing the same, measured in turns.

    python bench/run.py [--rounds 15] [--threads 2] [--only NAME]... [--json FILE]

Each figure is a median over the rounds with its 95 % interval by order statistics (of the rounds' sorted figures
those between which the median lies with that probability, whatever their distribution). In a round both sides run one
right after the other, the order turns from round to round, and a ratio is taken within the round: what else the
machine does then hits both. Always exits 0, the figures are for people to judge.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ROOT / "build" / "bench"
COMMAND = ROOT / "build" / "bin" / "graftwork"
FOLDER = ROOT / "out" / "bench"
FLOOR = ROOT / "bench" / "floor.py"
MODELS = ROOT / "tests" / "models"
SAMPLES, BATCH = 64, 8


class Unmeasured(Exception):
    """A program of the bench failed; says how."""


@dataclass
class Figure:
    """One line of the result. `values` has a number per round."""

    what: str
    unit: str
    values: list
    target: float | None = None
    error: str = ""
    median: float = field(init=False, default=math.nan)
    interval: tuple = field(init=False, default=(math.nan, math.nan))
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
            return f"{self.what:<62} not measured: {self.error}"
        figure = f"{number(self.median)} {self.unit} [{number(self.interval[0])}, {number(self.interval[1])}]"
        verdict = {None: "", True: "met", False: "NOT MET"}[self.met]
        target = "" if self.target is None else f"at most {number(self.target)} {self.unit}"
        return f"{self.what:<62} {figure:<28} {target:<16} {verdict}".rstrip()


def number(value):
    if value == 0 or not math.isfinite(value):
        return str(value)
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(decimals, 6)}f}"


def median_interval(values):
    """Ranks k and n + 1 - k of the sorted values, k the largest that still covers 95 %; all of them below 6 values."""
    ordered, n = sorted(values), len(values)
    below, k = 0.0, 0
    while k < n // 2:
        below += math.comb(n, k) / 2**n
        if below > 0.025:
            break
        k += 1
    return (ordered[k - 1], ordered[n - k]) if k > 0 else (ordered[0], ordered[-1])


def environment(threads):
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(MODELS)}


class Server:
    """A program that measures when it is asked to."""

    def __init__(self, *command, threads):
        self.command = [str(part) for part in command]
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(threads),
        )

    def __enter__(self):
        self._read()
        return self

    def __exit__(self, *failure):
        self.process.kill() if failure[0] else self.process.stdin.close()
        self.process.wait()

    def ask(self, name):
        try:
            self.process.stdin.write(name + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return float(self._read())

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            said = self.process.stderr.read().strip().splitlines()
            raise Unmeasured(f"{Path(self.command[0]).name}: {said[-1] if said else 'it died'}")
        return line


@dataclass
class Finished:
    seconds: float
    peak_bytes: int
    output: str


def run_once(*command, threads):
    """Runs a process to its end: wall time, start included, and peak resident memory."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(threads),
    )
    output = process.stdout.read()
    # This process stays small (no torch here), so that the peak which a child inherits from it is nothing.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begin
    if process.returncode != 0:
        said = output.strip().splitlines()
        raise Unmeasured(f"{Path(command[0]).name}: {said[0] if said else f'status {process.returncode}'}")
    return Finished(seconds, usage.ru_maxrss * 1024, output)


def in_turns(rounds, **sides):
    """Calls each side once a round and returns each one's results in the order of rounds."""
    results = {name: [] for name in sides}
    for i in range(rounds):
        order = list(sides) if i % 2 == 0 else list(reversed(sides))
        for name in order:
            results[name].append(sides[name]())
    return results


def ratios(above, below):
    return [a / b for a, b in zip(above, below, strict=True)]


def program(name):
    return PROGRAMS / name


def floor(mode, threads):
    return [sys.executable, FLOOR, mode, FOLDER, threads]


def model():
    return FOLDER / "resnet50.pt2"


def samples():
    return FOLDER / "samples.npy"


def bench_load(rounds, threads):
    # The warm-up answers of each server are dropped: libtorch loaded and the file cache warm is what is asked.
    with Server(program("load_bench"), model(), threads=threads) as ours, Server(
        *floor("serve", threads), threads=threads
    ) as torch:
        for name in ("load_transform", "transform"):
            ours.ask(name)
        torch.ask("load")
        result = in_turns(
            rounds,
            ours=lambda: ours.ask("load_transform"),
            torch=lambda: torch.ask("load"),
        )
    with Server(program("load_bench"), model(), threads=1) as single:
        single.ask("transform")
        transform = [single.ask("transform") * 1e3 for _ in range(rounds)]

    def first():
        with Server(program("load_bench"), model(), threads=threads) as fresh:
            return fresh.ask("load_transform")

    yield Figure("load + transform of ResNet-50, in process", "s", result["ours"], 0.15)
    yield Figure("  the same, the first time in a process", "s", [first() for _ in range(rounds)])
    yield Figure("  over torch.export.load", "x", ratios(result["ours"], result["torch"]))
    yield Figure("transform of ResNet-50 in memory, one thread", "ms", transform)


def bench_calibrate(rounds, threads):
    command = [program("calibrate_bench"), model(), samples(), threads]
    with Server(*command, threads=threads) as ours, Server(*floor("serve", threads), threads=threads) as torch:
        ours.ask("calibrate")
        torch.ask("forward")
        result = in_turns(rounds, ours=lambda: ours.ask("calibrate"), torch=lambda: torch.ask("forward"))
    yield Figure("MINMAX calibration over eager forward, per sample", "x", ratios(result["ours"], result["torch"]), 1.15)
    yield Figure("  calibration", "ms", [seconds / SAMPLES * 1e3 for seconds in result["ours"]])
    yield Figure("  eager forward", "ms", [seconds / SAMPLES * 1e3 for seconds in result["torch"]])


def bench_export(rounds, threads):
    command = [program("export_bench"), model(), samples(), FOLDER / "resnet50_int8.onnx"]
    with Server(*command, threads=threads) as ours, Server(*floor("serve", threads), threads=threads) as torch:
        ours.ask("export")
        torch.ask("export")
        result = in_turns(rounds, ours=lambda: ours.ask("export"), torch=lambda: torch.ask("export"))
    yield Figure("ONNX export of the quantized ResNet-50", "s", result["ours"], 1.0)
    yield Figure("  over torch.onnx.export of the float one", "x", ratios(result["ours"], result["torch"]))


def bench_command(rounds, threads):
    command = [COMMAND, "quantize", model(), "--calibrate", samples(), "--batch", BATCH, "--quiet"]
    command += ["-o", FOLDER / "resnet50_int8.onnx"]
    result = in_turns(
        rounds,
        ours=lambda: run_once(*command, threads=threads),
        torch=lambda: run_once(*floor("forward", threads), threads=threads),
    )
    ours, torch = result["ours"], result["torch"]
    wall = [run.seconds for run in ours]
    peak = [run.peak_bytes for run in ours]
    name = f"the command on ResNet-50, {SAMPLES // BATCH} batches of {BATCH}"
    yield Figure(f"{name}: wall time", "s", wall, 6.0)
    yield Figure("  over eager forward of the same samples, without start", "x", ratios(wall, [float(run.output) for run in torch]))
    yield Figure("  over the same with the start of Python and PyTorch", "x", ratios(wall, [run.seconds for run in torch]))
    yield Figure(f"{name}: peak memory", "GB", [bytes_ / 1e9 for bytes_ in peak], 1.0)
    yield Figure("  over a process that runs PyTorch's eager forward", "x", ratios(peak, [run.peak_bytes for run in torch]), 1.2)


def bench_rewrite(rounds, threads):
    def rewrite(nodes):
        # A fresh process each time: no name is interned and no page mapped yet, as in one run of the command.
        return float(run_once(program("rewrite_bench"), nodes, threads=threads).output.split()[0])

    result = in_turns(
        rounds,
        small=lambda: rewrite(10_000),
        medium=lambda: rewrite(100_000),
        large=lambda: rewrite(1_000_000),
    )
    growth = [x / 10 for x in ratios(result["medium"], result["small"])]
    more_growth = [x / 10 for x in ratios(result["large"], result["medium"])]
    yield Figure("100,000 nodes with 36,000 grafts", "ms", [x * 1e3 for x in result["medium"]], 50)
    yield Figure("  time per node of 100,000 over 10,000 nodes", "x", growth)
    yield Figure("  time per node of 1,000,000 over 100,000 nodes", "x", more_growth, LINEAR)


LINEAR = 1.5  # Ten times the nodes: n log n alone would be 1.2, the rest is for caches; n² would be 10.

BENCHES = {
    "load": bench_load,
    "calibrate": bench_calibrate,
    "export": bench_export,
    "command": bench_command,
    "rewrite": bench_rewrite,
}


def prepare():
    """The network and the samples; made again when what they are made from is newer."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    newest = max(source.stat().st_mtime for source in [FLOOR, *MODELS.glob("*.py")])
    if model().exists() and model().stat().st_mtime > newest:
        return
    print("preparing ResNet-50 ...", flush=True)
    run_once(sys.executable, FLOOR, "prepare", FOLDER, threads=2)


def cpu_seconds():
    """Used by the machine, and by this process with its finished children."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    busy = sum(ticks) - ticks[3] - ticks[4]
    own = sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )
    return busy / os.sysconf("SC_CLK_TCK"), own


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="at least 15 for figures to quote")
    parser.add_argument("--threads", type=int, default=2, help="on both sides")
    parser.add_argument("--only", action="append", choices=sorted(BENCHES), help="may come several times")
    parser.add_argument("--json", type=Path, help="write all rounds here too")
    options = parser.parse_args()

    try:
        prepare()
    except Unmeasured as failure:
        print(failure)
        return
    print(f"{options.rounds} rounds, {options.threads} threads on {os.cpu_count()} cores; median [95 % interval]", flush=True)
    begin, (busy, own) = time.monotonic(), cpu_seconds()
    figures = []
    for name, bench in BENCHES.items():
        if options.only and name not in options.only:
            continue
        try:
            for figure in bench(options.rounds, options.threads):
                figures.append(figure)
                print(figure.line(), flush=True)
        except (Unmeasured, OSError) as failure:
            figures.append(Figure(name, "", [], error=str(failure)))
            print(figures[-1].line(), flush=True)
    seconds = time.monotonic() - begin
    others = max(0.0, (cpu_seconds()[0] - busy - (cpu_seconds()[1] - own)) / seconds)
    print(f"{seconds / 60:.1f} minutes; meanwhile other jobs kept {others:.2f} cores busy")
    if others > 0.1:
        print("Other jobs slow both sides, but not alike: quote these figures from an idle machine only.")
    if options.json:
        machine = {"cores": os.cpu_count(), "threads": options.threads, "other_jobs_cores": round(others, 3)}
        result = {"rounds": options.rounds, "machine": machine, "figures": [asdict(figure) for figure in figures]}
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
