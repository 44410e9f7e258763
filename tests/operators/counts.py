"""What became of the samples, as numbers to commit: counts.json, compared sample by sample."""

import json
import re
from pathlib import Path

PATH = Path(__file__).with_name("counts.json")
# A sample that is left out does not count; every other kind is a failure.
LEFT_OUT = "left out"
KINDS = (LEFT_OUT, "refused", "wrong", "illegal", "crash", "not run")


def kind(outcome):
    return outcome.split(":")[0]


def ranges(numbers):
    """[0, 1, 2, 5] as "0-2,5"."""
    parts = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def numbers(text):
    found = set()
    for part in filter(None, text.split(",")):
        first, last = re.fullmatch(r"(\d+)(?:-(\d+))?", part).groups()
        found |= set(range(int(first), int(last or first) + 1))
    return found


def by_type(outcomes):
    """{operator: {type: {index: outcome}}}"""
    found = {}
    for (operator, dtype, index), outcome in outcomes.items():
        found.setdefault(operator, {}).setdefault(dtype, {})[index] = outcome
    return found


def read():
    return json.loads(PATH.read_text()) if PATH.exists() else {}


def write(outcomes):
    """Into counts.json what was run, beside what was not."""
    counts = read()
    for operator, types in by_type(outcomes).items():
        for dtype, found in types.items():
            entry = {"samples": ranges(found)}
            for name in KINDS:
                if those := ranges(index for index, outcome in found.items() if kind(outcome) == name):
                    entry[name] = those
            counts.setdefault(operator, {})[dtype] = entry
    lines = [f"  {json.dumps(operator)}: {json.dumps(counts[operator])}" for operator in sorted(counts)]
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def differences(outcomes):
    """What is not as counts.json says, a line for each operator and type; of those that were run only."""
    counts, lines = read(), []
    for operator, types in by_type(outcomes).items():
        for dtype, found in types.items():
            entry = counts.get(operator, {}).get(dtype)
            if entry is None:
                lines.append(f"{operator} {dtype}: not in {PATH.name}")
                continue
            for name in ("samples", *KINDS):
                was = numbers(entry.get(name, "")) & set(found)
                now = {index for index, outcome in found.items() if name in ("samples", kind(outcome))}
                if more := now - was:
                    lines.append(f"{operator} {dtype}: now {name}: {ranges(more)}")
                if less := was - now:
                    lines.append(f"{operator} {dtype}: no longer {name}: {ranges(less)}")
    return lines
