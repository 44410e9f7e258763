"""What INT8 leaves of eleven networks in full size: the command's recipes beside the quantizers of others.

    python tests/zoo/peers.py [--only NAME]... [--quantizer NAME]... [--keep FOLDER] [--threads 2] [--update]

A row for each network: the SQNR of the held-out batch against PyTorch in floating point, of the worst output where
there are several. Every side calibrates on the same eight batches and keeps FP32 around INT8; ONNX Runtime runs the
files with its optimisations off, and ModelOpt's PyTorch half runs in fake quantization. A quantizer that fails, or
takes longer than ten minutes, is a dash, and its last words stand below the table.

--keep leaves the files and the figures in FOLDER, and takes the figures that are there already from it; --update writes
the table into docs/peers.md; it needs every network. Exits with 1 where the command's default has less than the best
peer, or its best recipe less than 1 dB more.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("bench", "tests/python")]

import peers_report as report
from measure import Unmeasured, run_once
from peers_quantizers import NETWORKS, ONNX_RUNTIME, OURS, QUANTIZERS, pieces_of, recipe

STEP, BY_MODELOPT = (ROOT / "tests" / "zoo" / file for file in ("peers_step.py", "peers_modelopt.py"))
OTHERS_PYTHON = ROOT / "out" / "peers" / "bin" / "python"
LONGEST = 600  # seconds, of a quantizer


class Run:
    """One network in a folder of its own, and the figures that are known of it."""

    def __init__(self, name, folder, env):
        self.name, self.folder, self.env = name, folder, env
        self.figures_path = folder / "figures.json"
        folder.mkdir(parents=True, exist_ok=True)
        self.known = json.loads(self.figures_path.read_text()) if self.figures_path.exists() else {}

    def step(self, step, *arguments, python=sys.executable):
        return run_once(python, STEP, step, self.name, self.folder, *arguments, env=self.env).output.split()[-1]

    def write_once(self, file, write):
        if not (self.folder / file).exists():
            write()

    def quantize(self, quantizer):
        """Leaves QUANTIZER.onnx or QUANTIZER.npz in the folder."""
        self.write_once("m.pt2", lambda: self.step("make"))
        if quantizer in OURS:
            self.by_command(quantizer)
            return
        if not OTHERS_PYTHON.exists():
            raise Unmeasured("not installed (scripts/setup_peers.sh)")
        self.write_once("float.onnx", lambda: self.step("export", python=OTHERS_PYTHON))
        if quantizer in ONNX_RUNTIME:
            self.timed(sys.executable, STEP, "onnxruntime", self.name, self.folder, quantizer)
        else:
            self.timed(OTHERS_PYTHON, BY_MODELOPT, self.name, self.folder, quantizer)

    def by_command(self, quantizer):
        command = os.environ.get("GRAFTWORK_COMMAND", ROOT / "build" / "bin" / "graftwork")
        config = self.folder / "recipe.json"
        config.write_text(json.dumps(recipe(pieces_of(quantizer, self.name))))
        given = ("--calibrate", self.folder / "calibration.npz", "--config", config, "--float", "fp32")
        written = self.folder / f"{quantizer}.onnx"
        self.timed(command, "quantize", self.folder / "m.pt2", *given, "--quiet", "--no-losses", "-o", written)

    def timed(self, *command):
        run_once("timeout", str(LONGEST), *command, env=self.env)

    def figure(self, quantizer):
        """dB, or why there is none."""
        # Two columns may be one recipe, and a column another recipe than when the figures were kept.
        what = f"recipe {report.recipe_of(self.name, quantizer)}" if quantizer in OURS else quantizer
        if what not in self.known:
            try:
                self.quantize(quantizer)
                self.known[what] = float(self.step("judge", quantizer))
            except Unmeasured as why:
                self.known[what] = str(why)
            self.figures_path.write_text(json.dumps(self.known, indent=1))
        return self.known[what]


def measure(name, quantizers, folder, env):
    run = Run(name, folder, env)
    return {quantizer: run.figure(quantizer) for quantizer in quantizers}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=NETWORKS, metavar="NAME")
    parser.add_argument("--quantizer", action="append", choices=QUANTIZERS, metavar="NAME")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--update", action="store_true", help="write the table into docs/peers.md")
    options = parser.parse_args()
    env = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    measured = {}
    print(report.HEAD, flush=True)
    for name in options.only or NETWORKS:
        with tempfile.TemporaryDirectory() as temporary:
            folder = options.keep / name if options.keep else Path(temporary)
            measured[name] = measure(name, options.quantizer or QUANTIZERS, folder, env)
        print(report.row(name, measured[name]), flush=True)
    short = report.shortfalls(measured)
    print("\n".join([*report.failures(measured), *short]) or "nothing falls short")
    if options.update:
        if set(measured) != set(NETWORKS):
            sys.exit("--update needs every network")
        report.write(measured)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
