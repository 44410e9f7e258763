"""Operators of torch that trust their arguments: called while a file is opened, and when its network is run."""

import struct

from hostile import seeds
from hostile.case import Case, model, network
from hostile.pt2_attributes import LEAST, LONG, ending_in, flag, integer, ints, none, with_results
from hostile.seeds import argument, meta, node, tensor
from hostile.zips import Part, zip_bytes

DOUBLE = 8
PICTURES = (seeds.BATCH, 3, 8, 8)


def floats(count, value=1.0):
    return struct.pack(f"<{count}f", *[value] * count)


def longs(*values):
    return struct.pack(f"<{len(values)}q", *values)


def on_stored(stored, *calls, known=None, reads_input=True):
    """A network that adds what `calls` make of stored tensors {name: (sizes, type, bytes, strides)} to its input."""
    program = seeds.program()
    graph, signature = program["graph_module"]["graph"], program["graph_module"]["signature"]
    last = calls[-1]["outputs"][0]["as_tensor"]["name"]
    result = node("add.Tensor", "sum", argument("self", tensor("x")), argument("other", tensor(last)))
    graph["nodes"] = [*calls, *([result] if reads_input else [])]
    graph["tensor_values"] = {"x": meta(PICTURES), "sum": meta(PICTURES)} | (known or {})
    graph["inputs"], signature["input_specs"], config, bodies = [], [], {"config": {}}, []
    for name, (sizes, dtype, body, strides) in stored.items():
        graph["inputs"].append(tensor(name))
        graph["tensor_values"][name] = meta(sizes, dtype, strides)
        signature["input_specs"].append(
            {"buffer": {"arg": {"name": name}, "buffer_name": name, "persistent": True}},
        )
        path, of_tensor = f"weight_{len(bodies)}", meta(sizes, dtype, strides)
        entry = {"path_name": path, "is_param": False, "use_pickle": False, "tensor_meta": of_tensor}
        config["config"][name] = entry
        bodies.append(Part(f"m/data/weights/{path}", body))
    graph["inputs"].append(tensor("x"))
    signature["input_specs"].append({"user_input": {"arg": tensor("x")}})
    signature["output_specs"] = [{"user_output": {"arg": tensor("sum" if reads_input else last)}}]
    parts = [part for part in seeds.parts(program, config) if "/weights/weight_" not in part.name]
    return zip_bytes([*parts, *bodies])


def run(name, code, content, words=""):
    """A .pt2 file whose network is run."""
    files = {"bad.pt2": content, "x.npy": seeds.samples()}
    return Case(name, code, ("run", "bad.pt2", "--input", "x.npy", "-o", "y.npz"), files, words)


def everywhere(name, content, words="none of the operators that a network may call"):
    """Opened without harm, and refused by name before anything is run."""
    yield model(f"{name}, opened", None, content)
    yield run(f"{name}, run", "export.unsupported", content, words)
    yield network(f"{name}, calibrated", "export.unsupported", content, words)


def refused():
    """Operators that nothing exports."""
    plane, places = meta([1, 1, 4, 4]), longs(*[1 << 40] * 4)
    window = [argument("kernel_size", ints(2, 2)), argument("stride", ints(2, 2)), argument("padding", ints(0, 0))]
    window += [argument("dilation", ints(1, 1)), argument("ceil_mode", flag(False))]
    stored = {
        "g": ([1, 1, 2, 2], 7, floats(4), None),
        "s": ([1, 1, 4, 4], 7, floats(16), None),
        "i": ([1, 1, 2, 2], LONG, places, None),
    }
    gradient = [argument("grad_output", tensor("g")), argument("self", tensor("s"))]
    for target, rest in (
        ("max_pool2d_with_indices_backward.default", window),
        ("adaptive_max_pool2d_backward.default", []),
    ):
        call = node(target, "c", *gradient, *rest, argument("indices", tensor("i")))
        yield from everywhere(f"{target} at places far outside", on_stored(stored, call, known={"c": plane}))

    half = {"a": ([1], DOUBLE, struct.pack("<d", 0.5), None)}
    for target in ("special_legendre_polynomial_p.n_scalar", "special_laguerre_polynomial_l.n_scalar"):
        call = node(target, "c", argument("x", tensor("a")), argument("n", integer(10**18)))
        yield from everywhere(f"{target} of degree 10^18", on_stored(half, call, known={"c": meta([1], DOUBLE)}))

    words = {"p": ([4, 1, 3], 7, floats(12, -1.1), None), "t": ([1, 4], LONG, places, None)}
    lengths = [argument("input_lengths", ints(4)), argument("target_lengths", ints(4))]
    call = node("ctc_loss.IntList", "c", argument("log_probs", tensor("p")), argument("targets", tensor("t")), *lengths)
    yield from everywhere("ctc_loss of words far outside", on_stored(words, call, known={"c": meta([])}))

    row = {"d": ([4], 7, floats(4), None), "l": ([1], LONG, longs(1 << 40), None)}
    call = node(
        "segment_reduce.default",
        "c",
        argument("data", tensor("d")),
        argument("reduce", {"as_string": "sum"}),
        argument("lengths", tensor("l")),
        argument("axis", integer(0)),
        argument("unsafe", flag(True)),
    )
    yield from everywhere("segment_reduce of 2^40 elements of four", on_stored(row, call, known={"c": meta([1])}))

    memory = argument("size", ints(4))
    for target, inputs in {
        "empty.memory_format": [memory],
        "empty_like.default": [argument("self", tensor("d"))],
        "new_empty.default": [argument("self", tensor("d")), memory],
        "empty_strided.default": [memory, argument("stride", ints(1))],
        "as_strided.default": [
            argument("self", tensor("d")),
            argument("size", ints(1 << 20)),
            argument("stride", ints(1)),
        ],
    }.items():
        content = on_stored({"d": row["d"]}, node(target, "c", *inputs), known={"c": meta([4])})
        code = (
            "export.unsupported" if target.startswith("empty_strided") else None
        )  # others are zeros, or other operators
        yield run(f"{target}, which leaves memory as it is, run", code, content)
    for target in ("quantized::relu6.default", "aten::_cdist_backward.default", "aten::special_i0.default"):
        call = node("relu.default", "c", argument("qa", tensor("x"))) | {
            "target": "torch.ops." + target.replace("::", ".")
        }
        yield from everywhere(target, ending_in(call, meta([2, 4, 8, 8])))


def norms():
    """Statistics that are shorter than there are channels: what lies behind them in memory became part of results."""
    channels = 32768
    stored = {
        "a": ([1, channels, 1], 7, floats(channels, 0.0), None),
        "b": ([channels], 7, floats(channels, 0.0), None),
        "v": ([channels], 7, floats(channels), None),
        "m": ([1], 7, floats(1, 0.0), None),
    }
    arguments = [argument("input", tensor("a")), argument("weight", tensor("v")), argument("bias", tensor("b"))]
    arguments += [argument("running_mean", tensor("m")), argument("running_var", tensor("v"))]
    rest = [argument("momentum", {"as_float": 0.1}), argument("eps", {"as_float": 1e-5})]
    known = {"c": meta([1, channels, 1]), "c1": meta([0]), "c2": meta([0])}
    learns = argument("training", flag(False))
    for target, between in (
        ("native_batch_norm.default", [learns]),
        ("_native_batch_norm_legit_no_training.default", []),
    ):
        call = with_results(node(target, "c", *arguments, *between, *rest), "c", "c1", "c2")
        content = on_stored(stored, call, known=known, reads_input=False)
        yield model(f"{target} with one mean for 32,768 channels, opened", None, content)
        code = "nn.operator" if target.startswith("_native") else None  # the other one becomes arithmetic
        yield run(f"{target} with one mean for 32,768 channels, run", code, content)
        yield network(f"{target} with one mean for 32,768 channels, calibrated", None, content)
    call = node("batch_norm.default", "c", *arguments, learns, *rest, argument("cudnn_enabled", flag(False)))
    content = on_stored(stored, call, known=known, reads_input=False)
    yield run("batch_norm with one mean for 32,768 channels", "nn.operator", content, "32768 channels")


def whole_numbers():
    """x86 ends the process where the least integer is divided by −1."""
    stored = {"a": ([4], LONG, longs(*[LEAST] * 4), None), "b": ([4], LONG, longs(*[-1] * 4), None)}
    both = [argument("self", tensor("a")), argument("other", tensor("b"))]
    for target, rest in (
        ("div.Tensor_mode", [argument("rounding_mode", {"as_string": "trunc"})]),
        ("div.Tensor_mode", [argument("rounding_mode", {"as_string": "floor"})]),
        ("floor_divide.default", []),
        ("remainder.Tensor", []),
        ("fmod.Tensor", []),
    ):
        how = "".join(f", by {one['arg']['as_string']}" for one in rest)
        title = f"{target} of the least integer by -1{how}"
        content = on_stored(stored, node(target, "c", *both, *rest), known={"c": meta([4], LONG)})
        yield model(f"{title}, opened", None, content)
        yield run(f"{title}, run", "nn.operator", content, "divides the least integer by")
        yield network(f"{title}, calibrated", None, content)


def sizes():
    """Arithmetic on sizes at its edges."""
    for target, left, right, code in (
        ("floordiv", LEAST, -1, "nn.size"),
        ("mod", LEAST, 0, "nn.size"),
        ("mul", LEAST, LEAST, "nn.size"),
        ("pow", 10, 400, "export.shape"),
    ):
        size = {
            "target": f"_operator.{target}",
            "inputs": [argument("a", integer(left)), argument("b", integer(right))],
            "outputs": [{"as_sym_int": {"as_name": "q"}}],
            "metadata": {},
            "is_hop_single_tensor_return": None,
            "name": "q",
        }
        scaled = node(
            "mul.Scalar", "y", argument("self", tensor("x")), argument("other", {"as_sym_int": {"as_name": "q"}})
        )
        numbers = {"q": "Symbol('q', integer=True)"}
        content = ending_in(scaled, meta(PICTURES), before=[size], numbers=numbers, sizes=PICTURES)
        yield network(f"{left} {target} {right} as a number", code, content)


def constants():
    """Constants that are large beyond all measure, or are made of few bytes that seem many."""
    x = argument("self", tensor("x"))
    count = 3 * 10**9
    for target, rest in (
        ("new_zeros.default", [argument("size", ints(count))]),
        ("full_like.default", [argument("fill_value", {"as_float": 1.0})]),
    ):
        content = on_stored({}, node(target, "c", x, *rest), known={"c": meta([count])})
        yield model(f"{target} of 12 GB", None, content)
    many = [node("new_ones.default", f"c{i}", x, argument("size", ints(1 << 24))) for i in range(20)]
    many.append(node("cat.default", "c", argument("tensors", {"as_tensors": [{"name": f"c{i}"} for i in range(20)]})))
    known = {f"c{i}": meta([1 << 24]) for i in range(20)} | {"c": meta([20 << 24])}
    yield model("20 constants of 64 MB like the input", None, on_stored({}, *many, known=known))
    rows = 10**9
    stored = {"w": ([rows, 2], 7, floats(2), [0, 1])}
    turned = node("transpose.int", "t", argument("self", tensor("w")), argument("dim0", integer(0)))
    turned["inputs"].append(argument("dim1", integer(1)))
    flat = node("view.default", "v", argument("self", tensor("t")), argument("size", ints(2 * rows)))
    total = node("sum.default", "c", argument("self", tensor("v")))
    known = {"t": meta([2, rows]), "v": meta([2 * rows]), "c": meta([])}
    yield model("a view of 8 GB of two numbers", None, on_stored(stored, turned, flat, total, known=known))
    cut = node("slice.Tensor", "s", argument("self", tensor("v")), argument("end", integer(4)))
    total = node("sum.default", "c", argument("self", tensor("s")))
    known |= {"s": meta([4])}
    yield model("four of a view of 8 GB of two numbers", None, on_stored(stored, turned, flat, cut, total, known=known))
    square = {"w": ([1024, 1024], 7, floats(1), [0, 0])}
    for target in ("exp.default", "sort.default"):
        calls = [node(target, "n0", argument("self", tensor("w")))]
        calls += [node(target, f"n{i}", argument("self", tensor(f"n{i - 1}"))) for i in range(1, 300)]
        if target.startswith("sort"):
            calls = [with_results(call, call["name"], call["name"] + "_places") for call in calls]
        known = {call["name"]: meta([1024, 1024]) for call in calls}
        yield model(f"300 times {target} of four bytes", None, on_stored(square, *calls, known=known))


def modes():
    """Numbers that name a way of computing, and are none."""
    picture = argument("input", tensor("x"))
    grid = node("zeros.default", "g", argument("size", ints(2, 8, 8, 2)))
    for mode, padding in ((5, 0), (0, -2), (LEAST, 0)):
        call = node(
            "grid_sampler.default",
            "y",
            picture,
            argument("grid", tensor("g")),
            argument("interpolation_mode", integer(mode)),
            argument("padding_mode", integer(padding)),
            argument("align_corners", flag(False)),
        )
        known = {"g": meta([2, 8, 8, 2])}
        content = ending_in(call, meta(PICTURES), before=[grid], known=known, sizes=PICTURES)
        yield run(f"a grid sampler of mode {mode} and padding {padding}", "nn.operator", content)
    for factor in (1e-300, 1e-6, -1.0, 1e300):
        call = node(
            "_upsample_bilinear2d_aa.default",
            "y",
            argument("self", tensor("x")),
            argument("output_size", ints(3, 3)),
            argument("align_corners", flag(False)),
            argument("scales_h", {"as_float": factor}),
            argument("scales_w", none()),
        )
        yield run(
            f"a resize to 3 by a factor of {factor}",
            None,
            ending_in(call, meta([seeds.BATCH, 3, 3, 3]), sizes=PICTURES),
        )
    for dims in ((-2,), (2**31,), (1, 1)):
        call = node(
            "_fft_r2c.default",
            "y",
            argument("self", tensor("x")),
            argument("dim", ints(*dims)),
            argument("normalization", integer(0)),
            argument("onesided", flag(True)),
        )
        yield run(
            f"a Fourier transform along {list(dims)}",
            None,
            ending_in(call, meta([seeds.BATCH, 3, 8, 5], 9), sizes=PICTURES),
        )


def cases():
    for family in (refused, norms, whole_numbers, sizes, constants, modes):
        yield from family()
