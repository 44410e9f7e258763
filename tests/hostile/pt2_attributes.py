"""Operators with attributes and shapes that no call has: sums and products of them leave 64 bits, lists are too short,
and what is computed from them would fill every memory."""

from hostile import seeds
from hostile.case import network
from hostile.seeds import argument, meta, node, tensor

LEAST, MOST = -(2**63), 2**63 - 1
LONG, COMPLEX = 5, 10  # of torch's element types


def ints(*values):
    return {"as_ints": list(values)}


def integer(value):
    return {"as_int": value}


def flag(value):
    return {"as_bool": value}


def none():
    return {"as_none": True}


def ending_in(call, *types, before=(), known=None, sizes=(2, 4, 8, 8), dtype=7, numbers=None):
    """A network whose input has these sizes and that ends in `call`, with the types of its results.

    `known` are types of values before it, `numbers` the expressions of sizes."""
    program = seeds.program()
    graph, signature = program["graph_module"]["graph"], program["graph_module"]["signature"]
    graph["tensor_values"]["x"] = meta(
        list(sizes),
        dtype,
        strides=[1] * len(sizes) if any(size > 2**30 for size in sizes if isinstance(size, int)) else None,
    )
    graph["nodes"] = [*before, call]
    results = [one for out in call["outputs"] for one in out.get("as_tensors", [out.get("as_tensor")])]
    for one, of_type in zip(results, types, strict=True):
        graph["tensor_values"][one["name"]] = of_type
    graph["tensor_values"] |= known or {}
    for name, text in (numbers or {}).items():
        graph["sym_int_values"][name] = {"as_expr": {"expr_str": text, "hint": None}}
    graph["inputs"] = [tensor("x")]
    signature["input_specs"] = signature["input_specs"][2:]
    signature["output_specs"][0]["user_output"]["arg"] = tensor(results[-1]["name"] if results else "x")
    return seeds.archive(model=program)


def with_results(call, *names):
    return call | {"outputs": [tensor(name) for name in names]}


def pools():
    x = argument("self", tensor("x"))
    plane = meta([2, 4, 1, 1])
    windows = (
        ("kernel_size", (MOST, MOST), {}),
        ("stride", (MOST, MOST), {}),
        ("stride", (LEAST, 1), {}),
        ("padding", (MOST, MOST), {}),
        ("kernel_size", (2**32, 2**32), {"divisor_override": integer(3)}),
    )
    for name, values, others in windows:
        arguments = {"kernel_size": ints(2, 2), "stride": ints(2, 2), "padding": ints(0, 0), "ceil_mode": flag(True)}
        arguments |= {"count_include_pad": flag(True), "divisor_override": integer(3)} | others
        arguments[name] = ints(*values)
        call = node("avg_pool2d.default", "y", x, *(argument(*one) for one in arguments.items()))
        yield network(f"an average pool of {name} {list(values)}", "export.unsupported", ending_in(call, plane))
    places = [meta([2, 4, 1, 1]), meta([2, 4, 1, 1], LONG)]
    for name, values in (
        ("stride", (MOST, MOST)),
        ("padding", (MOST, MOST)),
        ("dilation", (MOST, MOST)),
        ("kernel_size", (2, 2, 2)),
    ):
        arguments = {"kernel_size": ints(2, 2), "stride": ints(2, 2), "padding": ints(0, 0), "dilation": ints(1, 1)}
        arguments |= {"ceil_mode": flag(True), name: ints(*values)}
        call = node("max_pool2d_with_indices.default", "y", x, *(argument(*one) for one in arguments.items()))
        call = with_results(call, "y", "places")
        content = ending_in(call, *places)
        yield network(f"places of maxima in windows of {name} {list(values)}", "export.attribute", content)
    flat = node("max_pool3d_with_indices.default", "y", x, argument("kernel_size", ints(2, 2, 2)))
    flat = with_results(flat, "y", "places")
    types = meta([1, 1]), meta([1, 1], LONG)
    yield network(
        "places of maxima in a volume that is a row", "export.attribute", ending_in(flat, *types, sizes=(2, 4))
    )
    for sizes in ((1, 1, 2**31, 2**31), (0, 1, 2**50, 2**50)):
        pooled = node("adaptive_max_pool2d.default", "y", x, argument("output_size", ints(7, 7)))
        pooled = with_results(pooled, "y", "places")
        types = meta([*sizes[:2], 7, 7]), meta([*sizes[:2], 7, 7], LONG)
        content = ending_in(pooled, *types, sizes=sizes)
        yield network(
            f"places of maxima in pictures of {list(sizes)}", "export.shape", content, "more than 2³¹ elements"
        )
    sizes = argument("output_size", ints(65536, 65536, 65536))
    windows = (argument(name, ints(value, value, value)) for name, value in (("stride", 1), ("padding", 0)))
    unpooled = node("max_unpool3d.default", "y", x, argument("indices", tensor("x")), sizes, *windows)
    content = ending_in(unpooled, meta([1, 65536, 65536, 65536], LONG), sizes=(1, 2, 2, 2), dtype=LONG)
    yield network("a volume of 2^48 places to be filled", "export.shape", content)


def movement():
    x = argument("self", tensor("x"))
    same = meta([2, 4, 8, 8])
    for title, call in {
        "a roll of two shifts along one dimension": node(
            "roll.default", "y", x, argument("shifts", ints(1, 2)), argument("dims", ints(0))
        ),
        "a roll by the least integer": node(
            "roll.default", "y", x, argument("shifts", ints(LEAST)), argument("dims", ints(0))
        ),
        "a turn of a line": node("rot90.default", "y", x, argument("k", integer(1)), argument("dims", ints(0))),
        "a turn of nothing": node("rot90.default", "y", x, argument("k", integer(3)), argument("dims", ints())),
        "a pixel unshuffle by the greatest integer": node(
            "pixel_unshuffle.default", "y", x, argument("downscale_factor", integer(MOST))
        ),
        "a pixel unshuffle by 2^31": node(
            "pixel_unshuffle.default", "y", x, argument("downscale_factor", integer(2**31))
        ),
        "a padding of the least integer": node(
            "pad.default",
            "y",
            x,
            argument("pad", ints(LEAST, LEAST)),
            argument("mode", {"as_string": "replicate"}),
        ),
        "a circular padding of more dimensions than there are": node(
            "pad.default", "y", x, argument("pad", ints(*[1] * 20)), argument("mode", {"as_string": "circular"})
        ),
        "a slice far outside that is written": node(
            "select_scatter.default",
            "y",
            x,
            argument("src", tensor("x")),
            argument("dim", integer(0)),
            argument("index", integer(MOST)),
        ),
        "a diagonal far outside": node("diag_embed.default", "y", x, argument("offset", integer(LEAST))),
        "a grid of no size": node(
            "affine_grid_generator.default",
            "y",
            argument("theta", tensor("x")),
            argument("size", ints()),
            argument("align_corners", flag(False)),
        ),
        "strides for fewer dimensions than sizes": node(
            "as_strided.default", "y", x, argument("size", ints(2, 2, 2, 2)), argument("stride", ints(1))
        ),
    }.items():
        codes = {"a roll by the least integer": "data.shape", "a padding of the least integer": "export.attribute"}
        codes["a circular padding of more dimensions than there are"] = "export.attribute"
        yield network(title, codes.get(title, "export.unsupported"), ending_in(call, same))


def reductions():
    x = argument("self", tensor("x"))
    for k in (0, LEAST, 9, MOST):
        call = node("kthvalue.default", "y", x, argument("k", integer(k)), argument("dim", integer(3)))
        call = with_results(call, "y", "place")
        types = meta([2, 4, 8]), meta([2, 4, 8], LONG)
        yield network(f"the {k}-th of eight values", "export.unsupported", ending_in(call, *types))
    repeated = node("repeat_interleave.self_Tensor", "y", x, argument("repeats", tensor("x")))
    repeated["inputs"].append(argument("output_size", integer(2**30)))
    content = ending_in(repeated, meta([2**30], LONG), sizes=(512,), dtype=LONG)
    yield network("512 slices for 2^30 places", "export.shape", content, "comparing each with 512")


def signals():
    x = argument("self", tensor("x"))
    for name, call in {
        "points": node("stft.default", "y", x, argument("n_fft", integer(MOST))),
        "samples from one frame to the next": node(
            "stft.default", "y", x, argument("n_fft", integer(16)), argument("hop_length", integer(LEAST))
        ),
    }.items():
        content = ending_in(call, meta([2, 9, 9, 2]), sizes=(2, 64))
        yield network(f"a short-time transform of absurd {name}", "export.attribute", content)
    pairs = meta([2, 9, 17], COMPLEX)
    complex_of = node("view_as_complex.default", "z", x)
    for length in (MOST, LEAST, 2**62):
        inverse = node(
            "istft.default",
            "y",
            argument("self", tensor("z")),
            argument("n_fft", integer(16)),
            argument("length", integer(length)),
        )
        content = ending_in(inverse, meta([2, 64]), sizes=(2, 9, 17, 2), before=[complex_of], known={"z": pairs})
        yield network(f"an inverse short-time transform to {length} samples", "export.attribute", content)
    spectrum = node("fft_rfft.default", "y", x)
    spectrum["outputs"] = []
    yield network("a transform without a result", "data.shape", ending_in(spectrum, sizes=(2, 64)))


def written():
    """What only the forms of the file compute with."""
    x = argument("self", tensor("x"))
    picture = meta([2, 4, 8, 8])

    def windows(**changes):
        given = {name: ints(*values) for name, values in (("kernel_size", (2, 2)), ("dilation", (1, 1)))}
        given |= {"padding": ints(0, 0), "stride": ints(1, 1)} | changes
        return [argument(name, value) for name, value in given.items()]

    columns = meta([2, 16, 49])
    for title, call, result, sizes in (
        (
            "columns of padding beyond 64 bits",
            node("im2col.default", "y", x, *windows(padding=ints(MOST, MOST))),
            columns,
            (2, 4, 8, 8),
        ),
        ("columns of 2^40 channels", node("im2col.default", "y", x, *windows()), meta([2**42, 49]), (2**40, 8, 8)),
        ("columns of no picture", node("im2col.default", "y", x, *windows()), columns, (8,)),
        (
            "a picture beyond 64 bits",
            node("col2im.default", "y", x, argument("output_size", ints(MOST, MOST)), *windows()),
            picture,
            (2, 16, 49),
        ),
        (
            "a picture smaller than its windows",
            node("col2im.default", "y", x, argument("output_size", ints(1, 1)), *windows()),
            picture,
            (2, 16, 49),
        ),
        (
            "columns that are a line",
            node("col2im.default", "y", x, argument("output_size", ints(8, 8)), *windows()),
            picture,
            (16,),
        ),
        (
            "groups that do not divide",
            node("group_norm.default", "y", argument("input", tensor("x")), argument("num_groups", integer(3))),
            picture,
            (2, 4, 8, 8),
        ),
        (
            "groups beyond 64 bits",
            node(
                "native_group_norm.default",
                "y",
                argument("input", tensor("x")),
                argument("weight", none()),
                argument("bias", none()),
                *(argument(name, integer(MOST)) for name in ("N", "C", "HxW", "group")),
                argument("eps", {"as_float": 1e-5}),
            ),
            picture,
            (2, 4, 8, 8),
        ),
    ):
        codes = {"columns of 2^40 channels": "export.shape"}
        yield network(title, codes.get(title, "export.attribute"), ending_in(call, result, sizes=sizes))
    for step in (MOST, LEAST):
        call = node("slice.Tensor", "y", x, argument("dim", integer(2)), argument("step", integer(step)))
        code = "export.attribute" if step < 0 else "data.shape"
        yield network(f"a slice of step {step}", code, ending_in(call, meta([2, 4, 1, 8])))
    for fraction in (1e300, 2.0**63, "NaN", "Infinity"):
        size = node("sym_size.int", "n", x, argument("dim", integer(0)))
        size["outputs"] = [{"as_sym_int": {"as_name": "n"}}]
        call = node(
            "arange.start_step",
            "y",
            argument("start", {"as_float": fraction}),
            argument("end", {"as_sym_int": {"as_name": "n"}}),
            argument("step", {"as_float": fraction}),
        )
        result = meta([seeds.BATCH])
        content = ending_in(call, result, before=[size], sizes=(seeds.BATCH, 4), numbers={"n": seeds.BATCH})
        yield network(
            f"a range from {fraction} in steps of {fraction}", "export.shape", content, "no whole number below"
        )
    outside = {"as_optional_tensors": [{"as_none": True}] * 2 + [{"as_tensor": {"name": "x"}}]}
    for op, code, rest in (
        ("index.Tensor", "pt2.graph", []),
        ("index_put.default", "export.attribute", [argument("values", tensor("x"))]),
    ):
        call = node(op, "y", x, argument("indices", outside), *rest)
        content = ending_in(call, meta([8], LONG), sizes=(8,), dtype=LONG)
        yield network(f"{op} of the third dimension of a line", code, content)
    parts = node("split.Tensor", "y", x, argument("split_size", integer(4)), argument("dim", integer(3)))
    parts["outputs"] = [{"as_tensors": [{"name": "y0"}, {"name": "y1"}]}]
    yield network("parts of a dimension that they have not", "export.shape", ending_in(parts, meta([4]), meta([4])))
    up = node("upsample_bicubic2d.vec", "y", argument("input", tensor("x")), argument("output_size", ints(9, 9)))
    up["inputs"] += [argument("align_corners", flag(False)), argument("scale_factors", none())]
    yield network("a picture that is made a line", "pt2.graph", ending_in(up, meta([81])), "a tensor of rank 4")
    up["inputs"][-1] = argument("scale_factors", {"as_floats": [2.0]})
    up["inputs"][1] = argument("output_size", none())
    yield network(
        "a picture that is made larger by one factor of two", "export.attribute", ending_in(up, meta([2, 4, 16, 16]))
    )
    nothing = node("cat.default", "y", argument("tensors", {"as_tensors": []}))
    yield network("nothing that is joined", "export.attribute", ending_in(nothing, picture))


def pairs():
    """Of complex numbers, whose arguments are rewritten."""
    x = argument("self", tensor("x"))
    known = {"z": meta([2, 4], COMPLEX)}
    z = node("view_as_complex.default", "z", x)
    result = meta([4, 2], COMPLEX)
    for title, call in {
        "an order of dimensions that is left out": node("permute.default", "y", argument("self", tensor("z"))),
        "tensors to be stacked that are left out": node("stack.default", "y", argument("dim", integer(-1))),
        "no tensors to be stacked": node("stack.default", "y", argument("tensors", {"as_tensors": []})),
        "no tensors to be joined": node("cat.default", "y", argument("tensors", {"as_tensors": []})),
    }.items():
        size = node("view_as_real.default", "r", argument("self", tensor("y")))
        content = ending_in(size, meta([4, 2, 2]), before=[z, call], known=known | {"y": result}, sizes=(2, 4, 2))
        yield network(title, "pt2.graph" if "left out" in title else "export.attribute", content)


def cases():
    for family in (pools, movement, reductions, signals, written, pairs):
        yield from family()
