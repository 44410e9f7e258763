"""Models whose JSON is broken, or is not a program of the schema."""

import json

from hostile import seeds
from hostile.case import model


def _archive(edit):
    program = seeds.program()
    edit(program)
    return seeds.archive(model=program)


def _set(path, value):
    """An edit that puts `value` at a path of keys and indices."""

    def edit(program):
        at = program
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value

    return edit


def _delete(path):
    def edit(program):
        at = program
        for key in path[:-1]:
            at = at[key]
        del at[path[-1]]

    return edit


GRAPH = ("graph_module", "graph")
NODE = (*GRAPH, "nodes", 0)
ARGUMENT = (*NODE, "inputs", 0, "arg")
META = (*GRAPH, "tensor_values", "x")
SIGNATURE = ("graph_module", "signature")


def broken():
    honest = seeds.as_bytes(seeds.program())
    for title, content in {
        "nothing but spaces": b"   \n ",
        "a brace": b"{",
        "a program without its last brace": honest[:-1],
        "half a program": honest[: len(honest) // 2],
        "two programs": honest + honest,
        "text behind the program": honest + b" x",
        "a string without end": b'{"schema_version": "',
        "a string that ends in a backslash": b'{"a": "\\',
        "half an escape": b'{"a": "\\u12',
        "half a surrogate pair": b'{"a": "\\ud800"}',
        "bytes that are no UTF-8": b'{"a": "\xff\xfe"}',
        "an overlong UTF-8 sequence": b'{"a": "\xc0\xaf"}',
        "a byte order mark of UTF-16": b"\xff\xfe{\x00}\x00",
        "a control character in a string": b'{"a": "\x01"}',
        "a zero byte": b'{"a"\x00: 1}',
        "text behind a zero byte": honest + b"\0 evil",
        "a comment": b'{/* */ "schema_version": {"major": 8}}',
        "a trailing comma": b'{"a": 1,}',
        "a number with a leading zero": b'{"a": 012}',
        "a number of hexadecimal digits": b'{"a": 0x12}',
        "a number beyond every double": b'{"a": 1e999999}',
        "one key without a value": b'{"a"}',
        "single quotes": b"{'a': 1}",
        "Infinity with a sign too many": b'{"a": --Infinity}',
        "lists in each other, 513 deep": b"[" * 513 + b"]" * 513,
        "lists in each other, a million deep": b"[" * 1_000_000,
        "objects in each other, 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "closing brackets only": b"]" * 100_000,
        "a pickle": b"\x80\x04\x95\x1a\x00\x00\x00cos\nsystem\n(S'true'\ntR.",
    }.items():
        yield model(title, "pt2.json", seeds.archive(model=content))


def versions():
    for version in (-1, 0, 1, 7, 9, 2**63 - 1, -(2**63)):
        yield model(f"schema version {version}", "pt2.version", _archive(_set(("schema_version", "major"), version)))
    for title, value in {
        "a list": [],
        "text": "8.20",
        "null": None,
        "a number": 8,
        "an empty object": {},
        "a major version that is text": {"major": "8"},
        "a major version with a fraction": {"major": 8.5},
        "a major version beyond 64 bits": {"major": 2**63},
        "a minor version that is text": {"major": 8, "minor": "x"},
    }.items():
        yield model(f"a schema version that is {title}", "pt2.schema", _archive(_set(("schema_version",), value)))
    yield model("no schema version", "pt2.schema", _archive(_delete(("schema_version",))))


def missing_keys():
    for path in (
        ("graph_module",),
        GRAPH,
        SIGNATURE,
        (*GRAPH, "nodes"),
        (*NODE, "target"),
        (*NODE, "inputs", 0, "arg"),
        (*META, "dtype"),
        (*META, "sizes"),
        (*SIGNATURE, "input_specs"),
        (*SIGNATURE, "output_specs"),
        (*SIGNATURE, "input_specs", 0, "parameter", "parameter_name"),
        (*SIGNATURE, "input_specs", 0, "parameter", "arg"),
    ):
        yield model(
            f"no {path[-1]} in {path[-2] if len(path) > 1 else 'the program'}", "pt2.schema", _archive(_delete(path))
        )


def wrong_types():
    for path, values in {
        ("graph_module",): (None, [], "x", 1),
        GRAPH: ([], "graph", True),
        (*GRAPH, "nodes"): (None, {}, "nodes", 7),
        NODE: (None, [], "node", 1.5),
        (*NODE, "target"): (None, 1, [], {}),
        (*NODE, "inputs"): ({}, "x", 1),
        (*NODE, "outputs"): ({}, 0, "y", [None], [{}], [7]),
        (*NODE, "metadata"): ([], "m", {"k": 1}, {"k": None}),
        (*NODE, "name"): (1, [], {}),
        ARGUMENT: (
            None,
            {},
            "x",
            {"as_nothing": 1},
            {"as_int": 1, "as_tensor": {"name": "x"}},
            {"as_tensor": "x"},
            {"as_tensor": {}},
            {"as_tensor": {"name": 1}},
            {"as_int": "1"},
            {"as_int": 1.5},
            {"as_int": True},
            {"as_int": 2**63},
            {"as_ints": [1, "2"]},
            {"as_ints": 1},
            {"as_ints": [2**64 - 1]},
            {"as_float": "one"},
            {"as_float": []},
            {"as_floats": ["NaN", "nan"]},
            {"as_bool": 1},
            {"as_string": 1},
            {"as_strings": ["a", None]},
            {"as_tensors": [{"name": "x"}, {"as_tensor": 1}]},
            {"as_nested_tensors": [{"name": "x"}]},
            {"as_optional_tensors": [{"as_int": 1}]},
            {"as_sym_int": 4},
            {"as_sym_int": {"as_float": 4.0}},
            {"as_sym_ints": [{"as_name": 4}]},
            {"as_sym_bool": {"as_bool": "yes"}},
            {"as_scalar_type": 14},
            {"as_scalar_type": -1},
            {"as_scalar_type": 2**40},
            {"as_memory_format": 5},
            {"as_layout": 8},
            {"as_device": "cpu"},
            {"as_device": {"type": 1}},
            {"as_graph": {}},
            {"as_graph": {"name": "g", "graph": {"nodes": [{}]}}},
            {"as_custom_obj": {"class_fqn": "os.system"}},
            {"as_operator": {}},
            {"as_complex": {"real": 1}},
            {"as_string_to_argument": [1]},
        ),
        (*NODE, "inputs", 0, "kind"): (3, -1, "positional"),
        META: (None, [], 7),
        (*META, "dtype"): ("float", 14, 36, 2**31 + 7, 1.0, None),
        (*META, "sizes"): (None, {}, [3], [{"as_int": None}], [{"as_expr": "s0"}], [{"as_expr": {}}]),
        (*META, "strides"): ("x", [1]),
        (*META, "storage_offset"): (0, {"as_int": "0"}),
        (*META, "layout"): (9, "strided"),
        (*META, "device"): ("cuda", []),
        (*GRAPH, "tensor_values"): ([], "x"),
        (*GRAPH, "inputs"): ({}, [1]),
        (*GRAPH, "is_single_tensor_return"): ("yes",),
        SIGNATURE: ([], "s"),
        (*SIGNATURE, "input_specs"): ({}, [1], [{}], [{"unknown_input": {}}]),
        (*SIGNATURE, "output_specs"): ("y", [{"user_output": {}}], [{"side_effect": {}}]),
        ("range_constraints",): ([], {"s77": 1}, {"s77": {"min_val": "1"}}),
        ("opset_version",): ({"aten": "ten"},),
        ("guards_code",): ("guard", [1]),
    }.items():
        for value in values:
            title = json.dumps(value)
            yield model(f"{'.'.join(map(str, path))} is {title}", "pt2.schema", _archive(_set(path, value)))


def cases():
    for family in (broken, versions, missing_keys, wrong_types):
        yield from family()
