"""Plans of wrong types, and plans that contradict themselves."""

import copy
import json

from hostile import seeds
from hostile.case import plan


def _edited(path, value):
    document = copy.deepcopy(seeds.PLAN)
    at = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return json.dumps(document).encode()


BROKEN_JSON = {
    "nothing": b"",
    "a brace": b"{",
    "text": b"plan",
    "bytes of no language": b'{"format": "\xff\xfe"}',
    "a zero byte": b'{"format": 1}\0',
    "a trailing comma": b'{"format": 1,}',
    "a comment": b'{"format": 1} // it',
    "NaN": b'{"format": NaN}',
    "an infinity": b'{"format": -Infinity}',
    "a number beyond every double": b'{"format": 1e999}',
    "one key twice": b'{"format": 1, "format": 1}',
    "100,000 keys": b'{"a": {' + b", ".join(b'"%d": 0' % i for i in range(100_000)) + b"}}",
    "text behind a zero byte": b'{"format": 1}\0 evil',
    "lists in each other, 65 deep": b"[" * 65 + b"]" * 65,
    "lists in each other, a million deep": b"[" * 1_000_000,
    "objects in each other, 100,000 deep": b'{"a":' * 100_000,
    "an archive": b"PK\x03\x04" + b"\0" * 200,
}

MATCH = ("transformation", "rounds", 0, "matches", 0)
STUB = ("stubs", "stubs", 0)
WEIGHT = ("stubs", "weights", 0)

WRONG = {
    ("format",): (0, 2, -1, 1.0, "1", None, True, [], 2**63, 2**64 - 1, -(2**63)),
    ("transformation",): (None, [], 1, "all"),
    ("transformation", "graph"): (None, 1, []),
    ("transformation", "rounds"): (None, {}, "r", 1, [None], [[]]),
    ("transformation", "rounds", 0, "phase"): (None, 1, "recompositions", ""),
    ("transformation", "rounds", 0, "matches"): (None, {}, "m", [None], ["m"]),
    (*MATCH, "node"): (None, 1, ["r"], {}),
    (*MATCH, "pattern"): (None, 1, []),
    (*MATCH, "apply"): (None, 1, 0, "true", []),
    (*MATCH, "nodes"): (None, "r", [1], [None], {}),
    (*MATCH, "winner"): (1, None, []),
    ("stubs",): (None, [], 1),
    ("stubs", "graph"): (None, 1),
    ("stubs", "stubs"): (None, {}, 1, [None]),
    ("stubs", "missing"): (None, {}, ["a"], [{"module": 1, "input": 0}], [{"module": "m"}]),
    ("stubs", "weights"): (None, {}, [1], [{}]),
    (*STUB, "name"): (None, 1),
    (*STUB, "tensor"): (None, []),
    (*STUB, "apply"): (None, "no", 1),
    (*STUB, "readers"): (
        None,
        {},
        [],
        [1],
        [{"module": "m"}],
        [{"module": "m", "input": "0"}],
        [{"module": "m", "input": 1.5}],
        [{"module": "m", "input": 2**63}],
    ),
    (*WEIGHT, "module"): (None, 1),
    (*WEIGHT, "layer"): (None, 1),
    (*WEIGHT, "quantized"): (None, 1, "yes"),
}


def cases():
    for title, content in BROKEN_JSON.items():
        yield plan(f"a plan that is {title}", "plan.json", content)
    yield plan("a plan that is a list", "plan.value", b"[]")
    yield plan("a plan that is null", "plan.value", b"null")
    yield plan("a plan that is a number", "plan.value", b"1")
    for path, values in WRONG.items():
        for value in values:
            title = json.dumps(value)
            yield plan(f"{'.'.join(map(str, path))} is {title}", "plan.value", _edited(path, value))
    for path in (
        ("evil",),
        ("transformation", "evil"),
        (*MATCH, "evil"),
        (*STUB, "evil"),
        (*WEIGHT, "evil"),
        ("a" * 1000,),
    ):
        yield plan(f"a key too many at {'.'.join(map(str, path))[:40]}", "plan.key", _edited(path, 1))
    yield plan("a plan of another network", "plan.graph", json.dumps(seeds.PLAN).encode())
