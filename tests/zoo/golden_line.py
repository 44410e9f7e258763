"""The golden line of a network: how it was captured, recomposed, fused, quantized, what was left and why."""

import collections
import re
from pathlib import Path

FOLDER = Path(__file__).parent
GOLDEN, COMPILED = FOLDER / "golden.txt", FOLDER / "compiled.txt"  # the second is of NVIDIA's compiler
WEIGHTED = re.compile(r"Conv\d?d|ConvTranspose\d?d|Linear")


def _counts(counter):
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "none"


def _declines(report):
    """Why patterns declined, by pattern and reason; losing to a longer match is not a decline."""
    reasons = collections.Counter()
    for skip in report["skipped"]:
        if "belongs to a match of" not in skip["reason"]:
            reason = re.sub(r"%\w+(\.\w+)*", "%…", skip["reason"])
            reasons[f"{skip['pattern'].removesuffix('Pattern')} ({reason})"] += 1
    return ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items())) or "none"


def golden_line(name, captured, graph, transformed, quantized, floor):
    modules = collections.Counter(re.findall(r"= ?(nn\.\w+) @", graph))
    weighted = sum(count for kind, count in modules.items() if WEIGHTED.fullmatch(kind.removeprefix("nn.")))
    done = sum(weight["quantized"] for weight in quantized["weights"])
    unquantized = collections.Counter(w["reason"] for w in quantized["weights"] if not w["quantized"])
    parts = {
        "captured": sum(captured.values()),
        "modules": _counts(modules),
        "fused": _counts(transformed["fused"]),
        "left": _counts(transformed["operators_left"]),
        "stubs": len(quantized["stubs"]),
        "no stub": _counts(collections.Counter(m["reason"] for m in quantized["missing"])),
        "weights": f"{done} of {weighted}" + (f" ({_counts(unquantized)})" if unquantized else ""),
        "floor": f"{floor} dB",
        "declined": _declines(transformed),
    }
    return " | ".join([name, *(f"{key}: {value}" for key, value in parts.items())])


def compiled_line(name, compiled):
    lost = f" ({', '.join(compiled.lost)})" if compiled.lost else ""
    parts = {
        "products": f"{compiled.int8} of {compiled.products} in INT8",
        "quantized but float": f"{len(compiled.lost)}{lost}",
        "attention": f"{compiled.found} found, {compiled.fused} fused, {compiled.fused_int8} INT8",
        "kernels": compiled.kernels,
    }
    return " | ".join([name, *(f"{key}: {value}" for key, value in parts.items())])


def read(file=GOLDEN):
    lines = file.read_text().splitlines() if file.exists() else []
    return {line.partition(" | ")[0]: line for line in lines if line and not line.startswith("#")}


HEAD = "# Written by tests/zoo/run.py --update (or pytest --update); README.md says what the fields mean.\n"


def write(lines, file=GOLDEN):
    """Replaces the lines of the networks named in `lines`; the others stay."""
    kept = {**read(file), **lines}
    file.write_text(HEAD + "".join(f"{kept[name]}\n" for name in sorted(kept)))


def difference(line, file=GOLDEN):
    """What differs from the golden line, or nothing."""
    golden = read(file).get(line.partition(" | ")[0])
    if golden is None:
        return "no golden line; run with --update and read what it wrote"
    if golden == line:
        return ""
    pairs = zip(golden.split(" | "), line.split(" | "), strict=True)
    return "golden line differs: " + "; ".join(f"was {a}, is {b}" for a, b in pairs if a != b)
