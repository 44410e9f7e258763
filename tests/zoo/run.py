"""Runs the networks of the zoo, prints a row for each as it goes, and exits with 1 if a row fails.

    python tests/zoo/run.py [--only NAME]... [--third] [--update] [--keep FOLDER]

GRAFTWORK_COMMAND names the command; without it, build/bin/graftwork. NVIDIA's compiler is asked where it is installed.
"""

import argparse
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("zoo", "models", "python", "tools")]

import golden_line
import rtx_compile
import support
from check import LARGEST_BODY_COUNT, Failure, check, check_nvidia, compile_by_nvidia
from expected_failures import is_expected, passes_against_expectation
from networks import NETWORKS

HEAD = (
    f"{'network':26} {'result':9} {'stubs':>5} {'weights':>7} {'SQNR':>6} {'floor':>5} "
    f"{'INT8':>8} {'float':>5} {'attention':>9} {'kernels':>7} {'s':>4}\n"
    "INT8: products of all; float: products that are quantized and run in floating point; "
    "attention: blocks found / one kernel / one INT8 kernel"
)


def compiler():
    """NVIDIA's compiler, or None where it is not installed; WITH_RTX=1 makes its absence an error."""
    try:
        rtx_compile.load()
    except rtx_compile.Unavailable as why:
        if os.environ.get("WITH_RTX") == "1":
            sys.exit(str(why))
        return None
    return rtx_compile


def row(graftwork, rtx, name, folder, update, bodies):
    """(result, the row's columns, what to say below it); result is ok, FAIL or expected. Adds its kernels' bodies."""
    columns = ""
    try:
        checked = check(graftwork, name, folder)
        bodies |= checked.bodies
        if update:
            golden_line.write({name: checked.line})
        pairs = checked.report["qdq_pairs"]
        columns = f"{pairs['activations']:5} {pairs['weights']:7} {checked.sqnr:6.1f} {NETWORKS[name].floor:5}"
        if difference := golden_line.difference(checked.line):
            raise Failure("golden", difference)
        if rtx:
            compiled = compile_by_nvidia(rtx, checked.onnx)
            columns = f"{columns} {compiled.columns}"
            line = golden_line.compiled_line(name, compiled)
            if update:
                golden_line.write({name: line}, golden_line.COMPILED)
            if difference := golden_line.difference(line, golden_line.COMPILED):
                raise Failure("golden", difference)
            check_nvidia(compiled)
    except Failure as failure:
        return "expected" if is_expected(name, failure) else "FAIL", columns, str(failure)
    if surprise := passes_against_expectation(name, with_nvidia=rtx is not None):
        return "FAIL", columns, surprise
    return "ok", columns, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=sorted(NETWORKS), metavar="NAME")
    parser.add_argument("--third", action="store_true", help="the networks that `make test` runs")
    parser.add_argument("--update", action="store_true", help="write the golden lines instead of comparing with them")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the .pt2 and .onnx files there")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    names = options.only or [name for name, network in NETWORKS.items() if network.in_tests or not options.third]
    graftwork = support.Graftwork(os.environ.get("GRAFTWORK_COMMAND", ROOT / "build" / "bin" / "graftwork"))
    rtx = compiler()
    counts = {"ok": 0, "expected": 0, "FAIL": 0}
    bodies = set()
    print(HEAD)
    for name in names:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as temporary:
            folder = options.keep / name if options.keep else Path(temporary)
            result, columns, text = row(graftwork, rtx, name, folder, options.update, bodies)
        counts[result] += 1
        print(f"{name:26} {result:9} {columns:60} {time.monotonic() - began:4.0f}", flush=True)
        if text:
            print(f"    {text}", flush=True)
    print(f"zoo: {counts['ok']} passed, {counts['expected']} failed as expected, {counts['FAIL']} failed", end="")
    print(f"; {len(bodies)} kernel bodies", end="")
    print("" if rtx else "; NVIDIA's compiler is not installed: skipped for every network")
    return 1 if counts["FAIL"] or len(bodies) >= LARGEST_BODY_COUNT else 0


if __name__ == "__main__":
    sys.exit(main())
