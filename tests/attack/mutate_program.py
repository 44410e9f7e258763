"""Mutations of the JSON of an exported program: what a slip of an exporter, or malice, writes.

A mutation takes the program's JSON, numbers of chance and the `Pool` of what other programs hold, changes the JSON, and
may find nothing to change.
"""

import copy
from dataclasses import dataclass, field

INTEGERS = (-(2**63), -(2**31) - 1, -7, -2, -1, 0, 1, 2, 3, 4, 7, 64, 1000, 2**31 - 1, 2**31, 2**33, 2**62, 2**63 - 1)
SMALL = (-3, -2, -1, 0, 1, 2, 3, 4, 5, 8)
FLOATS = (0.0, -0.0, 0.5, -1.0, 1e-45, 1e-300, 65504.0, 3.5e38, 1e300, -1e300, "Infinity", "-Infinity", "NaN")
TEXTS = (
    "", " ", "x", "\x00", "\x1b[2J", "a\nb", "‮", "../../up", "/etc/passwd", "%s%n", "é" * 40, "n" * 5000, "\ud800",
    "self", "int", "0", "-1", "1e999", "NaN", "mean", "none", "reflect", "floor", "trunc", "a,b->ab", "ij", "tanh",
)  # fmt: skip
#: Shapes, as an exporter writes them.
S = "Symbol('s77', positive=True, integer=True)"
EXPRESSIONS = (
    S, "Symbol('s1', integer=True)", "Integer(-1)", "Integer(0)", "Integer(9223372036854775807)",
    f"Mul(Integer(4611686018427387904), {S})", f"Mul({S}, {S}, {S}, {S})", f"Add({S}, Integer(-9223372036854775808))",
    f"FloorDiv({S}, Integer(0))", f"FloorDiv({S}, {S})", f"Mod({S}, Integer(0))", f"Pow({S}, Integer(64))",
    f"Pow(Integer(2), {S})", f"Max({S}, Integer(3))", "Rational(1, 0)", "Float('1e400')", "zoo", "nan", "oo", "",
    f"Piecewise((Integer(1), Eq({S}, Integer(2))), (Integer(3), true))", "Add(" * 300 + S + ")" * 300,
    f"CeilToInt(IntTrueDiv({S}, Integer(3)))", f"ModularIndexing({S}, Integer(1), Integer(0))", "s77",
    "__import__('os')",
)  # fmt: skip
TYPES = (*range(-1, 15), 24, 25, 28, 29, 2**31, 2**63 - 1)
#: Anything in the place of anything.
JUNK = (None, True, False, [], {}, 0, -1, 2**63, 10**30, 1.5, 1e300, "", "x", [None], {"": {}}, [[[[]]]])


@dataclass
class Pool:
    """What mutations take from: operators by name, and the calls of all honest programs."""

    operators: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    calls: list[dict] = field(default_factory=list)

    def add(self, program):
        for call in _graph(program)["nodes"]:
            call = {**call, "metadata": {}}
            self.calls.append(call)
            if call["target"] not in self.used:
                self.used.append(call["target"])


def mutate(program, chance, pool):
    """One to four mutations."""
    for _ in range(chance.choice((1, 1, 1, 1, 2, 2, 3, 4))):
        try:
            chance.choices(MUTATIONS, WEIGHTS)[0](program, chance, pool)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            continue  # an earlier mutation has removed what this one looks for


def places(value, wanted):
    """(container, key) of every value below `value` that is wanted."""
    found, open_ = [], [value]
    while open_:
        within = open_.pop()
        for key, part in within.items() if isinstance(within, dict) else enumerate(within):
            if wanted(key, part):
                found.append((within, key))
            if isinstance(part, dict | list) and key not in ("metadata", "module_call_graph"):
                open_.append(part)
    return found


def is_integer(_, value):
    return isinstance(value, int) and not isinstance(value, bool)


def _graph(program):
    """The main graph, or, where there are graphs within, sometimes one of those."""
    return program["graph_module"]["graph"]


def _some_graph(program, chance):
    inner = [within["graph"] for within, _ in places(_graph(program)["nodes"], lambda key, _: key == "graph")]
    return chance.choice([_graph(program), *inner])


def _put(found, chance, choices):
    if found:
        within, key = chance.choice(found)
        within[key] = copy.deepcopy(chance.choice(choices))


def _inputs(program, chance):
    return [call["inputs"] for call in _some_graph(program, chance)["nodes"]]


def operator(program, chance, pool):
    call = chance.choice(_some_graph(program, chance)["nodes"])
    call["target"] = chance.choice(pool.used if chance.random() < 0.6 else pool.operators)


def call_of_another(program, chance, pool):
    """A call with all its arguments in the place of one, or beside it; its tensors are some of this program's."""
    graph = _some_graph(program, chance)
    call, names = copy.deepcopy(chance.choice(pool.calls)), list(graph["tensor_values"])
    for within, key in places(call["inputs"], lambda key, value: key == "name" and isinstance(value, str)):
        if within.keys() == {"name"}:
            within[key] = chance.choice(names)
    at = chance.randrange(len(graph["nodes"]))
    old = graph["nodes"][at]
    if len(old["outputs"]) == len(call["outputs"]):
        call["outputs"] = old["outputs"]
    graph["nodes"][at : at + (chance.random() < 0.8)] = [call]


def number_of_argument(program, chance, _):
    found = places(_inputs(program, chance), lambda key, value: is_integer(key, value) and key != "kind")
    _put(found, chance, INTEGERS if chance.random() < 0.5 else SMALL)


def float_of_argument(program, chance, _):
    _put(places(_inputs(program, chance), lambda key, _: key == "as_float"), chance, FLOATS)


def length_of_list(program, chance, _):
    within, key = chance.choice(places(_inputs(program, chance), lambda _, value: isinstance(value, list)))
    values = within[key]
    if values and chance.random() < 0.5:
        values.pop(chance.randrange(len(values)))
    else:
        values.extend([copy.deepcopy(chance.choice(values or [1]))] * chance.choice((1, 1, 2, 6, 70)))


def kind_of_argument(program, chance, _):
    """An integer where a tensor stood, a list where a text did."""
    values = [
        {"as_none": True}, {"as_int": chance.choice(INTEGERS)},
        {"as_ints": chance.choices(SMALL, k=chance.randrange(6))},
        {"as_float": chance.choice(FLOATS)}, {"as_floats": [0.5, 2.0]}, {"as_bool": True}, {"as_bools": [True, False]},
        {"as_string": chance.choice(TEXTS)}, {"as_strings": ["a", "b"]}, {"as_scalar_type": chance.choice(TYPES)},
        {"as_layout": chance.choice((1, 2, 7, 9, -1))}, {"as_memory_format": chance.choice((1, 2, 3, 4, -1, 99))},
        {"as_device": {"type": chance.choice(("cpu", "cuda", "meta", "")), "index": chance.choice((None, -1, 300))}},
        {"as_tensor": {"name": chance.choice(list(_graph(program)["tensor_values"]))}}, {"as_tensors": []},
        {"as_sym_int": {"as_int": chance.choice(INTEGERS)}}, {"as_sym_ints": [{"as_int": -1}, {"as_name": "x"}]},
        {"as_optional_tensors": [{"as_none": True}]}, {"as_operator": "torch.ops.aten.add.Tensor"},
        {"as_complex": {"real": 1.0, "imag": "NaN"}}, {"as_custom_obj": {"name": "o", "class_fqn": "c"}},
        {"as_nested_tensors": [[{"name": "x"}], []]}, {"as_int_lists": [[1, 2], []]},
        {"as_sym_float": {"as_name": "x"}},
    ]  # fmt: skip
    _put(places(_inputs(program, chance), lambda key, _: key == "arg"), chance, values)


def other_tensor(program, chance, _):
    graph = _some_graph(program, chance)
    names = list(graph["tensor_values"])
    _put(places(_inputs(program, chance), lambda key, value: key == "name" and value in names), chance, names)


def other_number(program, chance, _):
    names = [*_graph(program)["sym_int_values"], *_graph(program)["tensor_values"]]
    _put(places(_graph(program)["nodes"], lambda key, _: key == "as_name"), chance, names)


def name_of_argument(program, chance, _):
    names = [given["name"] for inputs in _inputs(program, chance) for given in inputs]
    _put(places(_inputs(program, chance), lambda key, value: key == "name" and value in names), chance, names)


def number_of_arguments(program, chance, _):
    inputs = chance.choice(_inputs(program, chance))
    if inputs and chance.random() < 0.6:
        inputs.pop(chance.randrange(len(inputs)))
    else:
        inputs.append(copy.deepcopy(chance.choice(chance.choice(_inputs(program, chance)))))


def arguments_exchanged(program, chance, _):
    nodes = _some_graph(program, chance)["nodes"]
    key = chance.choice(("inputs", "inputs", "outputs"))
    a, b = chance.choice(nodes), chance.choice(nodes)
    a[key], b[key] = b[key], a[key]


def calls_moved(program, chance, _):
    nodes = _some_graph(program, chance)["nodes"]
    at, kind = chance.randrange(len(nodes)), chance.random()
    if kind < 0.4:
        nodes.pop(at)
    elif kind < 0.7:
        nodes.insert(chance.randrange(len(nodes) + 1), copy.deepcopy(nodes[at]))
    else:
        nodes.insert(chance.randrange(len(nodes)), nodes.pop(at))


def results(program, chance, _):
    """What a call, or the program, gives."""
    graph = _some_graph(program, chance)
    of = chance.choice([graph, chance.choice(graph["nodes"])])["outputs"]
    if of and chance.random() < 0.4:
        of.pop(chance.randrange(len(of)))
    elif chance.random() < 0.5:
        of.append({"as_tensor": {"name": chance.choice(list(graph["tensor_values"]))}})
    else:
        _put(places(of, lambda key, _: key == "name"), chance, list(graph["tensor_values"]))


def size(program, chance, _):
    found = places(_some_graph(program, chance)["tensor_values"], lambda key, _: key == "as_int")
    _put(found, chance, INTEGERS if chance.random() < 0.4 else SMALL)


def rank(program, chance, _):
    meta = chance.choice(list(_some_graph(program, chance)["tensor_values"].values()))
    for key in chance.choice((("sizes",), ("strides",), ("sizes", "strides"))):
        if meta[key] and chance.random() < 0.5:
            meta[key].pop(chance.randrange(len(meta[key])))
        else:
            meta[key].extend([{"as_int": chance.choice(SMALL)}] * chance.choice((1, 1, 2, 62, 1000)))


def type_of_tensor(program, chance, _):
    _put(places(_some_graph(program, chance)["tensor_values"], lambda key, _: key == "dtype"), chance, TYPES)


def placement(program, chance, _):
    meta = chance.choice(list(_some_graph(program, chance)["tensor_values"].values()))
    key = chance.choice(("layout", "device", "storage_offset", "requires_grad"))
    meta[key] = chance.choice((*JUNK, {"as_int": 2**62}, {"type": "cuda", "index": 9}, 1, 5, 9))


def expression(program, chance, _):
    found = places(_graph(program), lambda key, _: key == "expr_str")
    if found:
        _put(found, chance, EXPRESSIONS)
    else:
        sizes = chance.choice(list(_graph(program)["tensor_values"].values()))["sizes"]
        sizes[chance.randrange(len(sizes))] = {"as_expr": {"expr_str": chance.choice(EXPRESSIONS), "hint": None}}


def ranges(program, chance, _):
    limits = program["range_constraints"]
    key = chance.choice([*limits, "s99", *EXPRESSIONS[:4]])
    limits[key] = {"min_val": chance.choice((None, *INTEGERS)), "max_val": chance.choice((None, *INTEGERS))}
    if chance.random() < 0.2:
        del limits[key]


def signature(program, chance, _):
    """Inputs and outputs of other kinds, twice, in another order, of other names."""
    side = chance.choice(("input_specs", "output_specs"))
    specs, kind = program["graph_module"]["signature"][side], chance.random()
    at = chance.randrange(len(specs))
    if kind < 0.2:
        specs.pop(at)
    elif kind < 0.4:
        specs.insert(chance.randrange(len(specs) + 1), copy.deepcopy(chance.choice(specs)))
    elif kind < 0.6:
        chance.shuffle(specs)
    else:
        name = chance.choice(list(_graph(program)["tensor_values"]))
        arg, stored = {"name": name}, chance.choice(("body.0.weight", "places", "", "x", "anchors"))
        specs[at] = chance.choice(
            [
                {"parameter": {"arg": arg, "parameter_name": stored}},
                {"buffer": {"arg": arg, "buffer_name": stored, "persistent": chance.random() < 0.5}},
                {"tensor_constant": {"arg": arg, "tensor_constant_name": stored}},
                {"user_input": {"arg": {"as_tensor": arg}}},
                {"user_input": {"arg": {"as_int": chance.choice(INTEGERS)}}},
                {"constant_input": {"name": name, "value": {"as_string": chance.choice(TEXTS)}}},
                {"token": {"arg": arg}},
                {"user_output": {"arg": {"as_tensor": arg}}},
                {"user_output": {"arg": {"as_int": 3}}},
                {"buffer_mutation": {"arg": arg, "buffer_name": stored}},
                {"user_input_mutation": {"arg": arg, "user_input_name": "x"}},
                {"loss_output": {"arg": arg}},
                {"gradient_to_parameter": {"arg": arg, "parameter_name": stored}},
            ]
        )


def inputs_of_graph(program, chance, _):
    graph = _some_graph(program, chance)
    inputs, kind = graph["inputs"], chance.random()
    if kind < 0.3:
        inputs.pop(chance.randrange(len(inputs)))
    elif kind < 0.6:
        inputs.append({"as_tensor": {"name": chance.choice(list(graph["tensor_values"]))}})
    else:
        chance.shuffle(inputs)


def text(program, chance, _):
    """A name or another text anywhere, records of where calls come from among them."""
    where = chance.choice([program, *(call["metadata"] for call in _graph(program)["nodes"])])
    _put(places(where, lambda _, value: isinstance(value, str)), chance, TEXTS)


def name_everywhere(program, chance, _):
    """A tensor is called otherwise wherever it is named: the program stays what it was."""
    old, new = chance.choice(list(_graph(program)["tensor_values"])), chance.choice(TEXTS)
    for within, key in places(program, lambda _, value: value == old):
        within[key] = new
    for within, key in places(program, lambda key, _: key == old):
        within[new] = within.pop(key)


def key(program, chance, _):
    within, old = chance.choice(places(program, lambda key, _: isinstance(key, str)))
    value = within.pop(old)
    if chance.random() < 0.5:
        within[chance.choice((*TEXTS, "as_tensor", "as_int", "as_ints", "name", "nodes"))] = value


def junk(program, chance, _):
    _put(places(program, lambda *_: True), chance, JUNK)


def nesting(program, chance, _):
    """Deeper than anything honest; tests/hostile goes further than Python can write here."""
    within, key = chance.choice(places(program, lambda key, _: key in ("arg", "metadata", "value")))
    for _ in range(chance.choice((20, 100, 200))):
        within[key] = [within[key]]


#: The second is how often, beside the others.
_TABLE = (
    (operator, 8), (call_of_another, 8), (number_of_argument, 14), (float_of_argument, 3), (length_of_list, 5),
    (kind_of_argument, 6), (other_tensor, 8), (other_number, 3), (name_of_argument, 2), (number_of_arguments, 4),
    (arguments_exchanged, 3), (calls_moved, 5), (results, 4), (size, 6), (rank, 3), (type_of_tensor, 5), (placement, 2),
    (expression, 5), (ranges, 2), (signature, 5), (inputs_of_graph, 2), (text, 3), (name_everywhere, 2), (key, 2),
    (junk, 4), (nesting, 1),
)  # fmt: skip
MUTATIONS = [mutation for mutation, _ in _TABLE]
WEIGHTS = [weight for _, weight in _TABLE]
