"""Prints the figures of Graftwork next to plain PyTorch doing the same.

    python bench/run.py [--rounds 15] [--threads 2] [--only NAME]... [--json FILE]

Both sides take turns: in a round they run one right after the other, the order turns from round to round, and a ratio
is taken within a round, so that what else the machine does hits both. Work of one thread is given in processor time.
A figure is the median over the rounds with its 95 % interval by order statistics. Exits 0 whatever the figures are:
they are for people to judge.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

from measure import NOISE, Cost, Figure, OtherJobs, Server, Unmeasured, in_turns, ratios, run_once
from package import bench_package
from training import bench_training

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ROOT / "build" / "bench"
COMMAND = ROOT / "build" / "bin" / "graftwork"
FLOOR = ROOT / "bench" / "floor.py"
PEERS = ROOT / "bench" / "peers.py"
MODELS = ROOT / "tests" / "models"
FOLDER = ROOT / "out" / "bench"
MODEL, DATA, ONNX = FOLDER / "resnet50.pt2", FOLDER / "samples.npy", FOLDER / "resnet50_int8.onnx"
SAMPLES = 64


class Bench:
    """How the programs are started; the same number of threads on both sides."""

    def __init__(self, rounds, threads):
        self.rounds = rounds
        self.threads = threads
        self.env = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(MODELS)}

    def server(self, program, *arguments):
        return Server(PROGRAMS / program, *arguments, env=self.env)

    def torch(self):
        return Server(sys.executable, FLOOR, "serve", FOLDER, self.threads, env=self.env)

    def torch_once(self, mode):
        return run_once(sys.executable, FLOOR, mode, FOLDER, self.threads, env=self.env)

    def in_turns(self, **sides):
        return in_turns(self.rounds, **sides)

    def served_in_turns(self, ours, our_name, torch_name):
        """Costs by side. The first answers are dropped: libraries and file caches get warm with them."""
        with ours, self.torch() as torch:
            ours.ask(our_name)
            torch.ask(torch_name)
            result = self.in_turns(ours=lambda: ours.ask(our_name), torch=lambda: torch.ask(torch_name))
        return result["ours"], result["torch"]


def wall(costs):
    return [cost.wall for cost in costs]


def cpu(costs):
    return [cost.cpu for cost in costs]


def scaled(values, factor):
    return [value * factor for value in values]


def bench_load(bench):
    def first():
        with bench.server("load_bench", MODEL) as fresh:
            return fresh.ask("load_transform")

    ours, torch = bench.served_in_turns(bench.server("load_bench", MODEL), "load_transform", "load")
    yield Figure("load + transform of ResNet-50, in process", "s", wall(ours), 0.15)
    yield Figure("  the first time in a process", "s", wall(first() for _ in range(bench.rounds)))
    yield Figure("  over torch.export.load", "×", ratios(wall(ours), wall(torch)))
    single = Bench(bench.rounds, threads=1)
    with single.server("load_bench", MODEL) as server:
        server.ask("transform")
        transform = [server.ask("transform").cpu for _ in range(bench.rounds)]
    yield Figure("transform of ResNet-50 in memory, one thread", "ms", scaled(transform, 1e3), 1)

    def parse():
        with single.server("transform_bench", "cnn", 7) as server:
            return server.ask("parse").cpu

    first_parse = [parse() for _ in range(bench.rounds)]
    yield Figure("the built-in patterns parsed, once in a process", "ms", scaled(first_parse, 1e3), 2)
    for family, few, many, target in (("cnn", 2_000, 16_000, 0.1), ("encoder", 1_250, 5_000, 0.06)):
        times = {}
        for operators in (few, many):
            with single.server("transform_bench", family, operators) as server:
                server.ask("transform")
                times[operators] = [server.ask("transform").cpu for _ in range(bench.rounds)]
        yield Figure(f"transform of {many:,} operators, {family}, in memory, one thread", "s", times[many], target)
        growth = [large / small * few / many for large, small in zip(times[many], times[few], strict=True)]
        # Linear is 1.
        yield Figure(f"  time per operator, {many:,} over {few:,}", "×", growth, 1.3)


def bench_capture(bench):
    """A live module, in the process that has it."""
    single = Bench(bench.rounds, threads=1)
    with single.server("capture_bench") as server:
        sides = {side: partial(server.ask, side) for side in ("forward", "record", "record_verify")}
        for ask in sides.values():
            ask()
        costs = single.in_turns(**sides)
    forward = cpu(costs["forward"])
    name = "recording a C++ ResNet-50 over its forward, one thread, in processor time"
    yield Figure(name, "×", ratios(cpu(costs["record"]), forward), 2)
    yield Figure("  with the replay on other inputs", "×", ratios(cpu(costs["record_verify"]), forward))
    yield Figure("  recording", "ms", scaled(cpu(costs["record"]), 1e3))


def bench_calibrate(bench):
    program = bench.server("calibrate_bench", MODEL, DATA, bench.threads)
    ours, torch = bench.served_in_turns(program, "minmax", "forward")
    # Holds on a busy machine too, as one thread waits for no other; setting up takes little of either.
    single = Bench(bench.rounds, threads=1)
    alone = single.served_in_turns(single.server("calibrate_bench", MODEL, DATA, 1), "quarter", "quarter")
    name = "MINMAX calibration over eager forward, per sample"
    yield Figure(name, "×", ratios(wall(ours), wall(torch)), 1.15)
    yield Figure(f"  of {SAMPLES // 4} samples, one thread, in processor time", "×", ratios(*map(cpu, alone)), 1.15)
    yield Figure("  calibration, per sample", "ms", scaled(wall(ours), 1e3 / SAMPLES))
    yield Figure("  eager forward, per sample", "ms", scaled(wall(torch), 1e3 / SAMPLES))


def full_size(bench, name):
    """The folder of a transformer with its data, made when it is not there."""
    folder = FOLDER / name
    if not (folder / "many.npz").exists():
        folder.mkdir(parents=True, exist_ok=True)
        run_once(sys.executable, PEERS, "make", name, folder, env=bench.env)
    return folder


def costs_of_calibration(bench, name, ours_alone, peers_alone):
    """Seconds by side, in turns: ours, and what others take for the same network and samples."""
    folder = FOLDER if name == "resnet50" else full_size(bench, name)
    files = (MODEL, DATA) if name == "resnet50" else (folder / "m.pt2", folder / "calibration.npz")
    ours = bench.server("calibrate_bench", *files, bench.threads)
    peers = Server(sys.executable, PEERS, "serve", name, folder, bench.threads, env=bench.env)
    with ours, peers:
        sides = {side: partial(ours.ask, side) for side in ours_alone}
        sides |= {side: partial(peers.ask, side) for side in peers_alone}
        for ask in sides.values():
            ask()  # libraries and file caches get warm
        # A round of a transformer takes most of a minute.
        rounds = bench.rounds if name == "resnet50" else min(bench.rounds, 5)
        return {side: wall(costs) for side, costs in in_turns(rounds, **sides).items()}


def bench_statistics(bench):
    """All statistics in one run, beside MINMAX alone and beside what others take for histograms."""
    targets = {"resnet50": ("ResNet-50", 0.8), "vit_b16": ("ViT-B/16", 1.0), "bert_base": ("BERT-base", 1.0)}
    for name, (title, target) in targets.items():
        others = ("onnxruntime", "quarter") if name == "resnet50" else ()
        seconds = costs_of_calibration(bench, name, ("minmax", "mse", "all"), ("forward", "torch.ao", *others))
        yield Figure(f"{title}: all statistics over MINMAX alone", "×", ratios(seconds["all"], seconds["minmax"]), 1.3)
        yield Figure("  the default (least squares) over MINMAX", "×", ratios(seconds["mse"], seconds["minmax"]), 1.1)
        yield Figure("  all statistics over eager forward", "×", ratios(seconds["all"], seconds["forward"]), target)
        yield Figure("  torch.ao's histograms over eager forward", "×", ratios(seconds["torch.ao"], seconds["forward"]))
        if others:
            percentiles = ratios(seconds["onnxruntime"], seconds["quarter"])
            yield Figure("  ONNX Runtime's percentiles over eager forward", "×", percentiles)


def bench_memory(bench):
    """Percentiles of 512 sentences: what BERT's calibration keeps beyond what PyTorch needs for the forward alone."""
    folder = full_size(bench, "bert_base")
    command = [COMMAND, "quantize", folder / "m.pt2", "--calibrate", folder / "many.npz", "--no-losses"]
    command += ["--calibration-method", "percentile", "--quiet", "-o", folder / "m.onnx"]
    ours = run_once(*command, env=bench.env)
    torch = run_once(sys.executable, PEERS, "forward", "bert_base", folder, bench.threads, env=bench.env)
    above = (ours.peak_bytes - torch.peak_bytes) / 1e6
    yield Figure("BERT-base, percentiles of 512 × 128 tokens: peak above eager forward's", "MB", [above], 500)
    yield Figure("  the command, in all", "s", [ours.seconds])


def bench_export(bench):
    ours, torch = bench.served_in_turns(bench.server("export_bench", MODEL, DATA, ONNX), "export", "export")
    yield Figure("ONNX export of the quantized ResNet-50", "s", wall(ours), 1.0)
    yield Figure("  over torch.onnx.export of the float one (TorchScript)", "×", ratios(wall(ours), wall(torch)))


def bench_sensitivity(bench):
    few = Bench(min(bench.rounds, 5), threads=1)
    with few.server("sensitivity_bench", MODEL, DATA, 1) as server:
        server.ask("whole")
        costs = few.in_turns(layers=lambda: server.ask("layers"), whole=lambda: server.ask("whole"))
    name = "a layer's sensitivity over a whole run, one thread, in processor time"
    yield Figure(name, "×", ratios(cpu(costs["layers"]), cpu(costs["whole"])), 0.6)
    yield Figure("  a layer alone or all but it", "ms", scaled(cpu(costs["layers"]), 1e3))


def bench_execution(bench):
    single = Bench(bench.rounds, threads=1)
    few, many = 1_000, 8_000
    with single.server("execution_bench", few) as small, single.server("execution_bench", many) as large:
        for title, way in (("running", "run"), ("running node by node", "nodes")):
            for server in (small, large):
                server.ask(way)
            costs = single.in_turns(few=lambda way=way: small.ask(way), many=lambda way=way: large.ask(way))
            yield Figure(f"{title} {many:,} operators, one thread", "ms", scaled(cpu(costs["many"]), 1e3))
            growth = scaled(ratios(cpu(costs["many"]), cpu(costs["few"])), few / many)
            yield Figure(f"  time per operator, {many:,} over {few:,}", "×", growth, 1.3)


def quantize_command(*options):
    return [COMMAND, "quantize", MODEL, "--calibrate", DATA, "--quiet", *options, "-o", ONNX]


def bench_command(bench):
    recipe = FOLDER / "minmax.json"
    recipe.write_text('{"activation": {"calibration_method": "minmax", "outlier_channels": "keep"}}')
    runs = bench.in_turns(
        ours=lambda: run_once(*quantize_command(), env=bench.env),
        minmax=lambda: run_once(*quantize_command("--config", recipe), env=bench.env),
        torch=lambda: bench.torch_once("forward"),
    )
    seconds = {side: [run.seconds for run in finished] for side, finished in runs.items()}
    peaks = {side: [run.peak_bytes for run in finished] for side, finished in runs.items()}
    forward = wall(Cost.read(run.output) for run in runs["torch"])
    yield Figure(f"the command, {SAMPLES} samples: wall time with start", "s", seconds["ours"], 6.0)
    yield Figure("  over the command with MINMAX", "×", ratios(seconds["ours"], seconds["minmax"]), 1.1)
    yield Figure("  over eager forward of the same samples", "×", ratios(seconds["ours"], forward))
    yield Figure("  over a Python process that does that forward", "×", ratios(seconds["ours"], seconds["torch"]))
    yield Figure("the command: peak resident memory", "GB", scaled(peaks["ours"], 1e-9), 1.0)
    yield Figure("  over a Python process that does that forward", "×", ratios(peaks["ours"], peaks["torch"]), 1.2)


def bench_busy(bench):
    """Beside four busy loops on two cores two threads have a fair share of a third."""
    loops = 2 * os.cpu_count()
    fair = (loops + bench.threads) / max(os.cpu_count(), bench.threads)

    def beside_loops():
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
        try:
            return run_once(*quantize_command(), env=bench.env)
        finally:
            for other in others:
                other.kill()
                other.wait()

    few = Bench(min(bench.rounds, 5), bench.threads)
    runs = few.in_turns(idle=lambda: run_once(*quantize_command(), env=bench.env), busy=beside_loops)
    seconds = {side: [run.seconds for run in finished] for side, finished in runs.items()}
    name = f"the command beside {loops} busy loops, over the fair share of {fair:g} times its time alone"
    yield Figure(name, "×", scaled(ratios(seconds["busy"], seconds["idle"]), 1 / fair), 1.2)


def bench_rewrite(bench):
    def rewrite(nodes):
        # In a fresh process: no name interned and no page mapped yet, as for whoever runs the command.
        return Cost.read(run_once(PROGRAMS / "rewrite_bench", nodes, env=bench.env).output).cpu

    runs = bench.in_turns(
        small=lambda: rewrite(10_000), medium=lambda: rewrite(100_000), large=lambda: rewrite(1_000_000)
    )
    growth = {
        "100,000 over 10,000": ratios(runs["medium"], runs["small"]),
        "1,000,000 over 100,000": ratios(runs["large"], runs["medium"]),
    }
    yield Figure("rewriting 100,000 nodes with 36,000 grafts", "ms", scaled(runs["medium"], 1e3), 50)
    for sizes, times in growth.items():
        # Linear is 1; n log n would be 1.2 to 1.25, n² 10. Some is lost as the graph leaves the caches.
        yield Figure(f"  time per node, {sizes} nodes", "×", scaled(times, 0.1), 1.5)


def bench_headers(bench):
    """What a file of a user's costs to compile that includes the whole C++ interface, and torch's tensors alone."""
    folders = [f"-I{ROOT / 'include'}", "-isystem", ROOT / "build" / "installed" / "torch" / "include"]
    seconds = {}
    for name in ("graftwork/graftwork.h", "ATen/core/Tensor.h"):
        source = FOLDER / f"{Path(name).stem}.cpp"
        source.write_text(f"#include <{name}>\n")
        command = ["g++", "-std=c++20", "-O2", "-c", *folders, source, "-o", source.with_suffix(".o")]
        seconds[name] = [run_once(*command, env=bench.env).user for _ in range(min(bench.rounds, 5))]
    interface, tensors = seconds.values()
    yield Figure("compiling <graftwork/graftwork.h>, user time", "s", interface, 4.0)
    yield Figure("  of it <ATen/core/Tensor.h>", "s", tensors)


BENCHES = {
    "load": bench_load,
    "capture": bench_capture,
    "calibrate": bench_calibrate,
    "statistics": bench_statistics,
    "memory": bench_memory,
    "export": bench_export,
    "command": bench_command,
    "busy": bench_busy,
    "sensitivity": bench_sensitivity,
    "execution": bench_execution,
    "rewrite": bench_rewrite,
    "headers": bench_headers,
    "package": bench_package,
    "training": lambda bench: bench_training(bench, FOLDER / "training"),
}


def prepare(bench):
    """The network and the samples; made again when what they are made from is newer."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    newest = max(source.stat().st_mtime for source in [FLOOR, *MODELS.glob("*.py")])
    if MODEL.exists() and MODEL.stat().st_mtime > newest:
        return
    print(f"preparing ResNet-50 in {FOLDER.relative_to(ROOT)} ...", flush=True)
    bench.torch_once("prepare")


def measure(bench, names):
    figures = []
    for name in names:
        others = OtherJobs()
        try:
            found = list(BENCHES[name](bench))
        except (Unmeasured, OSError) as failure:
            found = [Figure(name, "", [], error=str(failure))]
        for figure in found:
            figure.other_jobs = round(others.cores(), 2)
            print(figure.line(), flush=True)
        figures += found
    return figures


def at_least_one(text):
    if int(text) < 1:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=at_least_one, default=15, help="15 or more for figures to quote")
    parser.add_argument("--threads", type=at_least_one, default=2, help="of both sides")
    parser.add_argument("--only", action="append", choices=list(BENCHES), help="may come several times")
    parser.add_argument("--json", type=Path, help="write every round's figures here too")
    options = parser.parse_args()

    bench = Bench(options.rounds, options.threads)
    try:
        prepare(bench)
    except Unmeasured as failure:
        print(failure)
        return
    setting = f"{options.rounds} rounds, {options.threads} threads, {os.cpu_count()} cores"
    print(f"{setting}; median [95 % interval]", flush=True)
    begin = time.monotonic()
    figures = measure(bench, options.only or list(BENCHES))
    disturbance = max(figure.other_jobs for figure in figures)
    print(
        f"{(time.monotonic() - begin) / 60:.1f} minutes; other jobs kept up to {disturbance:.2f} cores busy meanwhile"
    )
    if disturbance > NOISE:
        print("They slow both sides, but not alike: threads that wait for one another, as PyTorch's do, lose most.")
    if options.json:
        result = {"rounds": options.rounds, "threads": options.threads, "cores": os.cpu_count()}
        result["figures"] = [asdict(figure) for figure in figures]
        options.json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
