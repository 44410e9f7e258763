"""Recipes of wrong types, and recipes that no engine takes."""

import copy
import json

from hostile import seeds
from hostile.case import recipe
from hostile.plans import BROKEN_JSON


def _edited(path, value):
    document = copy.deepcopy(seeds.RECIPE)
    at = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return json.dumps(document).encode()


WRONG = {
    ("activation",): (None, [], 1, "int8"),
    ("weight",): (None, [], 1, "int8"),
    ("skip",): (None, [], "head"),
    ("activation", "precision"): (None, 8, "int7", "INT8", "", "int8\0", []),
    ("activation", "calibration_method"): (None, "median", 1),
    ("activation", "percentile"): (0, -1, 100.5, "99", None),
    ("activation", "symmetric"): (1, "true", None),
    ("activation", "per_channel"): (True, 1, None),
    ("weight", "precision"): ("fp4", None, 8),
    ("weight", "block_size"): (0, -64, 32, 2**40, "64", None, 64),
    ("weight", "rounding"): (None, 1, "up", []),
    ("weight", "rounding_iterations"): (100, 0, -1, 2**40, 1.5, "100", None),
    ("weight", "calibration_method"): ("entropy", "", []),
    ("weight", "per_channel"): (0, "yes", None),
    ("weight", "symmetric"): (0, None),
    ("skip", "stub"): (None, {}, "head", [1], [None], [["head"]], 7),
    ("skip", "weight"): (None, {}, "head", [1.5], [{}]),
}


def cases():
    for title, content in BROKEN_JSON.items():
        yield recipe(f"a recipe that is {title}", "config.json", content)
    yield recipe("a recipe that is a list", "config.value", b"[]")
    yield recipe("a recipe that is a string", "config.value", b'"int8"')
    for path, values in WRONG.items():
        for value in values:
            title = json.dumps(value)
            yield recipe(f"{'.'.join(path)} is {title}", "config.value", _edited(path, value))
    for path in (("evil",), ("activation", "evil"), ("weight", "scale"), ("skip", "all")):
        yield recipe(f"a key too many at {'.'.join(path)}", "config.key", _edited(path, 1))
    for pattern in ("nobody", "*nobody*", "", "*" * 50 + "b", "\u0000", "a" * 10_000):
        yield recipe(f"nothing fits {pattern[:20]!r}", "config.skip", _edited(("skip", "stub"), [pattern]))
