"""Programs of the right schema that contradict themselves."""

from hostile import seeds
from hostile.case import Case, model, network
from hostile.seeds import argument, meta, node, tensor


def _program(edit):
    program = seeds.program()
    edit(program["graph_module"]["graph"], program["graph_module"]["signature"])
    return seeds.archive(model=program)


def _appended(call):
    """The call behind the others, as the result."""

    def edit(graph, signature):
        graph["nodes"].append(call)
        signature["output_specs"][0]["user_output"]["arg"] = tensor(call["name"])

    return _program(edit)


def references():
    def read_before(graph, _):
        graph["nodes"].reverse()

    def read_itself(graph, _):
        graph["nodes"][1]["inputs"][0]["arg"] = tensor("relu")

    def cycle(graph, _):
        graph["nodes"][0]["inputs"][0]["arg"] = tensor("relu")

    def unknown(graph, _):
        graph["nodes"][1]["inputs"][0]["arg"] = tensor("nobody")

    def unknown_result(graph, signature):
        signature["output_specs"][0]["user_output"]["arg"] = tensor("nobody")

    def empty_name(graph, _):
        graph["nodes"][1]["inputs"][0]["arg"] = tensor("")

    def unknown_symbol(graph, _):
        graph["nodes"][0]["inputs"].append(argument("groups", {"as_sym_int": {"as_name": "nobody"}}))

    def made_twice(graph, _):
        graph["nodes"][0]["outputs"] = [tensor("relu")]
        graph["nodes"][1]["inputs"][0]["arg"] = tensor("relu")

    def made_twice_at_once(graph, _):
        graph["nodes"][0]["outputs"] = [tensor("conv2d"), tensor("conv2d")]

    def made_over_an_input(graph, _):
        graph["nodes"][1]["outputs"] = [tensor("x")]

    def input_twice(graph, signature):
        signature["input_specs"].append(signature["input_specs"][2])

    def parameter_twice(graph, signature):
        signature["input_specs"].append(signature["input_specs"][0])

    def parameter_that_is_not_stored(graph, signature):
        signature["input_specs"][0]["parameter"]["parameter_name"] = "nobody.weight"

    def custom_object(graph, signature):
        signature["input_specs"].append({"custom_obj": {"arg": {"name": "o"}, "custom_obj_name": "os.system"}})

    def a_number_where_a_tensor_is_read(graph, signature):
        signature["input_specs"][2] = {"token": {"arg": {"name": "x"}}}

    for edit in (
        read_before,
        read_itself,
        cycle,
        unknown,
        unknown_result,
        empty_name,
        unknown_symbol,
        made_twice,
        made_twice_at_once,
        made_over_an_input,
        input_twice,
        parameter_twice,
        parameter_that_is_not_stored,
        a_number_where_a_tensor_is_read,
    ):
        yield model(edit.__name__.replace("_", " "), "pt2.graph", _program(edit))

    yield network("custom object", "export.unsupported", _program(custom_object))

    def many_of_one_name(graph, _):
        graph["nodes"] += [node("relu.default", "same", argument("self", tensor("relu"))) for _ in range(5000)]

    yield model("5,000 values of one name", "pt2.graph", _program(many_of_one_name))

    def number_as_result(graph, signature):
        signature["output_specs"][0]["user_output"]["arg"] = {"as_int": 7}

    yield model("a model that returns a number", "pt2.output", _program(number_as_result))


def in_place():
    """Views that are written and read again, so often that following them costs the square of the file."""
    flat = meta([seeds.BATCH, 4, 8, 8])

    def side_by_side(graph, _):
        """1,500 views of one value, each written, all read later."""
        nodes, types = graph["nodes"], graph["tensor_values"]
        for i in range(1500):
            nodes.append(node("alias.default", f"v{i}", argument("self", tensor("relu"))))
            nodes.append(node("relu_.default", f"w{i}", argument("self", tensor(f"v{i}"))))
            types[f"v{i}"] = types[f"w{i}"] = flat
        nodes += [node("relu.default", f"r{i}", argument("self", tensor(f"v{i}"))) for i in range(1500)]

    def one_of_another(graph, _):
        """A view of a view of a view, and a write through each."""
        nodes, types = graph["nodes"], graph["tensor_values"]
        last = "relu"
        for i in range(1500):
            nodes.append(node("alias.default", f"v{i}", argument("self", tensor(last))))
            nodes.append(node("relu_.default", f"w{i}", argument("self", tensor(f"v{i}"))))
            types[f"v{i}"] = types[f"w{i}"] = flat
            last = f"v{i}"

    def slices_of_slices(graph, _):
        nodes, types = graph["nodes"], graph["tensor_values"]
        last = "relu"
        for i in range(1500):
            size = argument("end", {"as_int": 4})
            nodes.append(
                node("slice.Tensor", f"v{i}", argument("self", tensor(last)), argument("dim", {"as_int": 1}), size)
            )
            nodes.append(node("relu_.default", f"w{i}", argument("self", tensor(f"v{i}"))))
            types[f"v{i}"] = types[f"w{i}"] = flat
            last = f"v{i}"

    def without_types(graph, _):
        graph["nodes"].append(
            node("view.default", "v", argument("self", tensor("relu")), argument("size", {"as_ints": [-1]}))
        )
        graph["nodes"].append(node("relu_.default", "w", argument("self", tensor("v"))))

    yield model("1,500 writes through 1,500 views", None, _program(side_by_side))
    yield model("1,500 views of views, each written", None, _program(one_of_another))
    yield model("1,500 slices of slices, each written", "pt2.in_place", _program(slices_of_slices))
    yield model("a write through a view without a type", "pt2.graph", _program(without_types))


def lies():
    """What the file says of values is not what the operators give."""

    def rank(graph, _):
        graph["tensor_values"]["relu"]["sizes"].pop()
        graph["tensor_values"]["relu"]["strides"].pop()

    def axis(graph, signature):
        dims = (argument("dim0", {"as_int": 1}), argument("dim1", {"as_int": 4}))
        graph["nodes"].append(node("transpose.int", "t", argument("self", tensor("relu")), *dims))
        graph["tensor_values"]["t"] = graph["tensor_values"]["relu"]
        signature["output_specs"][0]["user_output"]["arg"] = tensor("t")

    def missing_argument(graph, _):
        graph["nodes"][0]["inputs"].pop(1)

    def nothing_read(graph, _):
        graph["nodes"][1]["inputs"][0]["arg"] = {"as_int": 3}

    def nothing_given(_, signature):
        signature["output_specs"].clear()

    yield model("a value of another rank", "pt2.graph", _program(rank), "a tensor of rank 4")
    yield model("an axis that there is not", "pt2.graph", _program(axis), "Dimension out of range")
    yield model("a convolution that is given no weight", "pt2.graph", _program(missing_argument), "weight is missing")
    yield network("an operator on a number", None, _program(nothing_read))
    yield network("a network without a result", "export.output", _program(nothing_given))
    compared = node("gt.Tensor", "g", argument("self", {"as_int": 3}), argument("other", tensor("relu")))
    yield network("a number in front of what it is compared with", None, _appended(compared))


def subgraphs():
    def wrapped(inner, *inputs, outputs=("y",)):
        return {
            "target": "torch.ops.higher_order.wrap_with_set_grad_enabled",
            "inputs": [
                argument("", {"as_graph": {"name": "g", "graph": inner}}),
                *(argument("", tensor(name)) for name in inputs),
            ],
            "outputs": [tensor(name) for name in outputs],
            "metadata": {},
            "name": "wrap",
        }

    def graph_of(nodes, inputs=("a",), outputs=("b",)):
        return {
            "inputs": [tensor(name) for name in inputs],
            "outputs": [tensor(name) for name in outputs],
            "nodes": nodes,
        }

    def with_wrap(wrap):
        def edit(graph, _):
            graph["nodes"].append(wrap)

        return _program(edit)

    relu = node("relu.default", "b", argument("self", tensor("a")))
    stray = node("relu.default", "b", argument("self", tensor("x")))
    yield model("a subgraph that reads what is outside", "pt2.graph", with_wrap(wrapped(graph_of([stray]), "relu")))
    yield model(
        "a subgraph that gives what it has not",
        "pt2.graph",
        with_wrap(wrapped(graph_of([relu], outputs=("c",)), "relu")),
    )
    yield model(
        "a subgraph over a name of the outside",
        "pt2.graph",
        with_wrap(wrapped(graph_of([relu]), "relu", outputs=("x",))),
    )
    yield model("a subgraph that makes a value twice", "pt2.graph", with_wrap(wrapped(graph_of([relu, relu]), "relu")))
    deep = graph_of([relu])
    for _ in range(80):
        deep = graph_of([wrapped(deep, "a", outputs=("b",))])
    yield model("subgraphs in each other, 80 deep", "pt2.json", with_wrap(wrapped(deep, "relu")), "nests deeper")


def operators():
    """Calls that torch cannot make: named before anything runs."""

    def called(target, *inputs, name="out"):
        def edit(graph, signature):
            call = node("relu.default", name, *inputs)
            call["target"] = target
            graph["nodes"].append(call)
            graph["tensor_values"][name] = graph["tensor_values"]["relu"]
            signature["output_specs"][0]["user_output"]["arg"] = tensor(name)

        return _program(edit)

    x = argument("self", tensor("relu"))
    for target in (
        "torch.ops.aten.no_such_operator.default",
        "torch.ops.aten.relu.no_such_overload",
        "torch.ops.nowhere.relu.default",
        "torch.ops.aten.relu",
        "torch.ops.",
        "",
        "os.system",
        "builtins.eval",
        "torch.ops.aten.from_file.default",
        "torch.ops.profiler._record_function_enter.default",
        "torch.ops.c10d.barrier.default",
        "torch.ops.higher_order.cond",
        "\0",
        "a" * 100_000,
    ):
        yield network(f"the operator {target[:60]!r}", "export.unsupported", called(target, x))
    for title, value in {
        "a subgraph": {"as_graph": {"name": "g", "graph": {"nodes": []}}},
        "a custom object": {"as_custom_obj": {"name": "o", "class_fqn": "os.system"}},
        "an operator": {"as_operator": "os.system"},
        "a complex number": {"as_complex": {"real": 1.0, "imag": 2.0}},
        "a dict": {"as_string_to_argument": {"k": {"as_int": 1}}},
    }.items():
        yield network(
            f"{title} as an argument",
            "export.unsupported",
            called("torch.ops.aten.add.Tensor", x, argument("other", value)),
        )


def files_named():
    """The operator that maps a file, and makes it where there is none: must not run while a graph is opened."""

    def edit(graph, signature):
        shared = argument("shared", {"as_bool": True})
        call = node(
            "from_file.default",
            "stolen",
            argument("filename", {"as_string": "made_by_the_model"}),
            shared,
            argument("size", {"as_int": 8}),
        )
        graph["nodes"].append(call)
        graph["nodes"].append(
            node("add.Tensor", "sum", argument("self", tensor("relu")), argument("other", tensor("stolen")))
        )
        graph["tensor_values"]["sum"] = graph["tensor_values"]["relu"]
        signature["output_specs"][0]["user_output"]["arg"] = tensor("sum")

    yield network("an operator that maps a file", "export.unsupported", _program(edit))


def huge_constants():
    """Constants are evaluated while the graph is built: a few words must not make 40 GB, or a day of work."""

    def folded(*calls):
        def edit(graph, signature):
            graph["nodes"] += calls
            last = calls[-1]["name"]
            graph["nodes"].append(node("no_such_operator.default", "out", argument("self", tensor(last))))
            signature["output_specs"][0]["user_output"]["arg"] = tensor("out")

        return _program(edit)

    def ints(*values):
        return {"as_ints": list(values)}

    full = node(
        "full.default", "huge", argument("size", ints(100_000, 100_000)), argument("fill_value", {"as_float": 1.0})
    )
    yield network("a constant of 40 GB", "export.unsupported", folded(full))
    yield network(
        "a range of 10^10",
        "export.unsupported",
        folded(node("arange.default", "r", argument("end", {"as_int": 10**10}))),
    )
    yield network(
        "zeros of 2^62", "export.unsupported", folded(node("zeros.default", "z", argument("size", ints(2**31, 2**31))))
    )
    grown = [node("ones.default", "g0", argument("size", ints(2)))]
    grown += [
        node("cat.default", f"g{i}", argument("tensors", {"as_tensors": [{"name": f"g{i - 1}"}] * 2}))
        for i in range(1, 45)
    ]
    yield network("a constant that doubles 44 times", "export.unsupported", folded(*grown))
    side = 8000
    square = node("ones.default", "s0", argument("size", ints(side, side)))
    products = [
        node("mm.default", f"s{i}", argument("self", tensor(f"s{i - 1}")), argument("mat2", tensor(f"s{i - 1}")))
        for i in range(1, 20)
    ]
    yield network("twenty products of large squares", "export.unsupported", folded(square, *products))
    many = [
        node("full.default", f"f{i}", argument("size", ints(2048, 2048)), argument("fill_value", {"as_float": 1.0}))
        for i in range(300)
    ]
    yield network("300 constants of 16 MB", "export.unsupported", folded(*many))


def views_of_constants():
    """Views of constants become parameter expressions: each must fit, and none may nest without end."""

    def viewed(*calls):
        def edit(graph, signature):
            graph["nodes"] += calls
            graph["nodes"].append(node("no_such_operator.default", "out", argument("self", tensor(calls[-1]["name"]))))
            signature["output_specs"][0]["user_output"]["arg"] = tensor("out")

        return _program(edit)

    weight = argument("self", tensor("p_weight"))
    for title, call in {
        "an axis far outside": node("unsqueeze.default", "v", weight, argument("dim", {"as_int": 1_000_000})),
        "an axis far below": node("unsqueeze.default", "v", weight, argument("dim", {"as_int": -(2**62)})),
        "a transposition of axes that are not there": node(
            "transpose.int", "v", weight, argument("dim0", {"as_int": 99}), argument("dim1", {"as_int": -99})
        ),
        "a permutation of too few axes": node("permute.default", "v", weight, argument("dims", {"as_ints": [0, 0]})),
        "a view of more elements": node("view.default", "v", weight, argument("size", {"as_ints": [2**40, 2**40]})),
        "a view whose product wraps to the right one": node(
            "view.default", "v", weight, argument("size", {"as_ints": [2**32, 2**32, 108]})
        ),
        "a view with two unknowns": node("view.default", "v", weight, argument("size", {"as_ints": [-1, -1]})),
        "a view of negative sizes": node("view.default", "v", weight, argument("size", {"as_ints": [-4, -27]})),
        "a slice from behind the end": node(
            "slice.Tensor",
            "v",
            weight,
            argument("dim", {"as_int": 77}),
            argument("start", {"as_int": 2**62}),
            argument("end", {"as_int": -(2**63)}),
        ),
    }.items():
        is_off = any(words in title for words in ("an axis", "axes that are not there", "from behind the end"))
        yield network(f"{title} of a weight", "pt2.graph" if is_off else "export.unsupported", viewed(call))
    deep = [node("slice.Tensor", "d0", weight, argument("dim", {"as_int": 0}), argument("end", {"as_int": 3}))]
    for i in range(1, 4000):
        deep.append(
            node(
                "slice.Tensor",
                f"d{i}",
                argument("self", tensor(f"d{i - 1}")),
                argument("dim", {"as_int": 0}),
                argument("end", {"as_int": 3}),
            )
        )
    yield network("4,000 slices of each other", "export.unsupported", viewed(*deep))


def arguments():
    """Known operators with arguments that no call of them takes."""

    def conv(**changes):
        def edit(graph, _):
            inputs = {entry["name"]: entry["arg"] for entry in graph["nodes"][0]["inputs"]}
            for name, value in changes.items():
                if value is None:
                    del inputs[name]
                else:
                    inputs[name] = value
            graph["nodes"][0]["inputs"] = [argument(name, value) for name, value in inputs.items()]

        return _program(edit)

    ints = [
        ("stride", [0, 0]),
        ("stride", [-1, 1]),
        ("stride", [1, 1, 1, 1]),
        ("padding", [-1, -1]),
        ("padding", [2**62, 2**62]),
    ]
    ints += [("dilation", [0, 0]), ("dilation", [2**62, 1]), ("dilation", [-5, 1])]
    for name, values in ints:
        yield network(f"a convolution of {name} {values}", None, conv(**{name: {"as_ints": values}}))
    for value in (0, -1, 3, 2**62):
        yield network(f"a convolution of {value} groups", None, conv(groups={"as_int": value}))
    for name in ("stride", "padding", "dilation", "groups"):
        for title, value in {
            "text": {"as_string": "same thing"},
            "a truth": {"as_bool": True},
            "none": {"as_none": True},
            "a float": {"as_float": 1.5},
            "NaN": {"as_float": "NaN"},
            "floats": {"as_floats": [1.0, "Infinity"]},
            "a tensor": tensor("x"),
            "tensors": {"as_tensors": [{"name": "x"}, {"name": "x"}]},
            "texts": {"as_strings": ["1", "1"]},
            "a type": {"as_scalar_type": 7},
        }.items():
            yield network(f"a convolution whose {name} is {title}", None, conv(**{name: value}))
    for op, rest in {
        "to.dtype": [],
        "sum.dim_IntList": [argument("dim", {"as_ints": [0]})],
        "cumsum.default": [argument("dim", {"as_int": 0})],
        "zeros_like.default": [],
    }.items():
        for of, source in {"a weight": "p_weight", "a value": "relu"}.items():
            for number in (-1, 99, 2**63 - 1):
                inputs = [argument("self", tensor(source)), *rest, argument("dtype", {"as_int": number})]
                title = f"{op} of {of} with {number} as element type"
                yield network(title, "export.unsupported", _appended(node(op, "typed", *inputs)))
    yield network("a convolution without a weight", None, conv(weight=None))
    yield network("a convolution without an input", None, conv(input=None))
    yield network("a convolution of its bias by its bias", None, conv(weight=tensor("p_bias")))
    yield network("a convolution of nothing", None, conv(input={"as_none": True}))
    yield network("a convolution with an argument too many", None, conv(evil={"as_int": 1}))


def shapes():
    def sized(name, sizes, dtype=7):
        def edit(graph, _):
            graph["tensor_values"][name] = meta(sizes, dtype, strides=[1] * len(sizes))

        return _program(edit)

    big = 2**40
    yield network("an input of 2^80 elements", None, sized("x", [big, big, 8, 8]))
    yield network("an input of a negative size", None, sized("x", [seeds.BATCH, -3, 8, 8]))
    yield network("an input of 70 dimensions", None, sized("x", [1] * 70))
    yield network("an input of no dimension", None, sized("x", []))
    yield network("an input of a type of numbers that is not supported", None, sized("x", [seeds.BATCH, 3, 8, 8], 11))


def named_as_modules():
    """What matches modules would take the operator for one, and look for what it holds."""
    for kind in ("nn.Linear", "FusedLinear"):
        call = node("", "y", argument("self", tensor("relu"))) | {"target": f"torch.ops.{kind}"}
        content = _appended(call)
        yield Case(f"an operator {kind}", "ir.kind", ("transform", "bad.pt2"), {"bad.pt2": content}, "%y")


def cases():
    for family in (
        references,
        named_as_modules,
        in_place,
        lies,
        subgraphs,
        operators,
        files_named,
        huge_constants,
        views_of_constants,
        arguments,
        shapes,
    ):
        yield from family()
