"""Layers and factorisations whose kernels take the sizes of their arguments on trust, and those that cost far more than
their results are large.
"""

import struct

from hostile.case import model, network
from hostile.pt2_attributes import LONG, flag, integer, ints, none, with_results
from hostile.pt2_operators import DOUBLE, PICTURES, floats, longs, on_stored, run
from hostile.seeds import argument, meta, node, tensor

INT, UINT8, HALF = 4, 1, 6
TENSOR = 7


def filled(sizes):
    count = 1
    for size in sizes:
        count *= size
    return (list(sizes), TENSOR, floats(count, 0.01), None)


def one_number(sizes, value=1.0, dtype=DOUBLE):
    """A few bytes of any size: its strides are 0."""
    form = {DOUBLE: "<d", HALF: "<e"}.get(dtype, "<f")
    return (list(sizes), dtype, struct.pack(form, value), [0] * len(sizes))


def tensors(*names):
    return {"as_tensors": [{"name": name} for name in names]}


def real(value):
    return {"as_float": value}


def summed(stored, call, known, dtype=TENSOR):
    """Added up, so that the result fits the input whatever it is."""
    total = node("sum.default", "s", argument("self", tensor("c")))
    return on_stored(stored, call, total, known=known | {"s": meta([], dtype)})


def lstm(hidden, w_ih, w_hh, biases, batch=2, states=None, **more):
    """One layer on three steps of eight numbers."""
    states = states or [1, batch, hidden]
    stored = {"i": filled([3, batch, 8]), "h": filled(states), "n": filled(states)}
    stored |= {"wi": filled(w_ih), "wh": filled(w_hh), "bi": filled(biases), "bh": filled(biases)}
    call = node(
        "lstm.input",
        "c",
        argument("input", tensor("i")),
        argument("hx", tensors("h", "n")),
        argument("params", tensors("wi", "wh", "bi", "bh")),
        argument("has_biases", flag(True)),
        argument("num_layers", integer(1)),
        argument("dropout", real(more.get("dropout", 0.0))),
        argument("train", flag("dropout" in more)),
        argument("bidirectional", flag(False)),
        argument("batch_first", flag(False)),
    )
    known = {"c": meta([3, batch, hidden]), "c1": meta(states), "c2": meta(states)}
    return summed(stored, with_results(call, "c", "c1", "c2"), known)


def recurrent():
    words = "its parameters are not those of its layers"
    yield run("an LSTM of 4096 units with weights of one", "nn.operator", lstm(4096, [4, 8], [4, 8], [4]), words)
    yield run("an LSTM with biases of one number", "nn.operator", lstm(64, [256, 8], [256, 64], [1]), words)
    words = "its states are not those of its layers"
    for batch, of_states in ((200, 1), (1, 2)):
        content = lstm(16, [64, 8], [64, 16], [64], batch, [1, of_states, 16])
        yield run(f"an LSTM of a batch of {batch} with states of {of_states}", "nn.operator", content, words)
    content = lstm(16, [64, 8], [64, 16], [64], dropout=0.5)
    yield run("an LSTM that drops at random", "nn.operator", content, "it draws random numbers")


def layer_of_attention(heads):
    stored = {"q": filled([1, 3, 8]), "w": filled([24, 8]), "b": filled([24]), "pw": filled([8, 8]), "pb": filled([8])}
    operands = {"query": "q", "key": "q", "value": "q", "qkv_weight": "w", "qkv_bias": "b", "proj_weight": "pw"}
    call = node(
        "_native_multi_head_attention.default",
        "c",
        *(argument(name, tensor(given)) for name, given in (operands | {"proj_bias": "pb"}).items()),
        argument("embed_dim", integer(8)),
        argument("num_head", integer(heads)),
    )
    known = {"c": meta([1, 3, 8]), "c1": meta([1, 3, 3])}
    return summed(stored, with_results(call, "c", "c1"), known)


def attention():
    for values in (64, 65536):
        stored = {"k": filled([2, 3, 1, 8]), "v": filled([2, 3, values, 8])}
        call = node(
            "scaled_dot_product_attention.default",
            "c",
            argument("query", tensor("x")),
            argument("key", tensor("k")),
            argument("value", tensor("v")),
        )
        content = summed(stored, call, {"c": meta(PICTURES)})
        yield run(f"attention to one key and {values} values", "nn.operator", content, "not as many keys as values")
    for heads in (0, 3):
        content = layer_of_attention(heads)
        yield run(f"a layer of attention of {heads} heads on eight numbers", "export.unsupported", content, "may call")


def norms():
    call = node(
        "native_group_norm.default",
        "c",
        argument("input", tensor("a")),
        argument("weight", none()),
        argument("bias", none()),
        argument("N", integer(2)),
        argument("C", integer(2**62)),
        argument("HxW", integer(2)),
        argument("group", integer(2)),
        argument("eps", real(1e-5)),
    )
    known = {"c": meta([0]), "c1": meta([2, 2]), "c2": meta([2, 2])}
    content = summed({"a": ([0], TENSOR, b"", None)}, with_results(call, "c", "c1", "c2"), known)
    yield run("a group norm of 2^62 channels", "nn.operator", content, "its channels are not those of its input")


def windows():
    words = "its windows make no sense"
    for kernel, dilation in ((2**63 - 1, 3), (2**62, 1), (2**32 - 1, 2**31)):
        call = node(
            "max_pool1d.default",
            "c",
            argument("self", tensor("a")),
            argument("kernel_size", ints(kernel)),
            argument("stride", ints(1)),
            argument("padding", ints(1)),
            argument("dilation", ints(dilation)),
        )
        content = summed({"a": filled([1, 2, 5])}, call, {"c": meta([1, 2, 1])})
        yield run(f"a pool of windows of {kernel} by {dilation}", "nn.operator", content, words)
    call = node(
        "col2im.default",
        "c",
        argument("self", tensor("a")),
        argument("output_size", ints(4, 4)),
        argument("kernel_size", ints(2, 2)),
        argument("dilation", ints(1, 1)),
        argument("padding", ints(0, 2**31)),
        argument("stride", ints(1, 1)),
    )
    content = summed({"a": filled([1, 8, 9])}, call, {"c": meta([1, 2, 4, 4])})
    yield run("columns to a picture with 2^31 of padding", "nn.operator", content, words)


def quotients():
    """Divisors are cut to the type of the result."""
    least = ([1], INT, struct.pack("<i", -(2**31)), None)
    rounded = argument("rounding_mode", {"as_string": "trunc"})
    of_one = {"c": meta([1], INT)}
    call = node("div.Scalar_mode", "c", argument("self", tensor("a")), argument("other", integer(2**32 - 1)), rounded)
    yield model("INT32_MIN by 2^32 - 1", None, summed({"a": least}, call, of_one, LONG))
    both = [argument("self", tensor("a")), argument("other", tensor("b")), rounded]
    call = node("div.Tensor_mode", "c", *both)
    stored = {"a": least, "b": ([], LONG, longs(2**32 - 1), None)}
    yield model("INT32_MIN by a stored 2^32 - 1", None, summed(stored, call, of_one, LONG))
    stored = {"a": ([], LONG, longs(2**31), None), "b": ([1], INT, struct.pack("<i", -1), None)}
    yield model("a stored 2^31 by an INT32 of -1", None, summed(stored, call, of_one, LONG))


def costs():
    """Within what opening may take: the fork server measures it."""
    picture = {"a": one_number([1, 1, 300, 300]), "k": one_number([1, 1, 40, 40])}
    call = node("conv2d.default", "c", argument("input", tensor("a")), argument("weight", tensor("k")))
    content = summed(picture, call, {"c": meta([1, 1, 261, 261], DOUBLE)}, DOUBLE)
    yield model("a convolution of FP64 with windows of 40 by 40", None, content)
    groups = 1_000_000
    call = node(
        "conv1d.default",
        "c",
        argument("input", tensor("a")),
        argument("weight", tensor("k")),
        argument("groups", integer(groups)),
    )
    stored = {"a": one_number([1, groups, 1]), "k": one_number([groups, 1, 1])}
    content = summed(stored, call, {"c": meta([1, groups, 1], DOUBLE)}, DOUBLE)
    yield model("a convolution of a million groups", None, content)
    call = node(
        "_convolution.deprecated",
        "c",
        argument("input", tensor("a")),
        argument("weight", tensor("k")),
        argument("bias", none()),
        argument("stride", ints(1, 1)),
        argument("padding", ints(20, 20)),
        argument("dilation", ints(1, 1)),
        argument("transposed", flag(True)),
        argument("output_padding", ints(0, 0)),
        argument("groups", integer(1)),
        *(argument(name, flag(False)) for name in ("benchmark", "deterministic", "cudnn_enabled")),
    )
    stored = {"a": one_number([1, 1400, 40, 40], dtype=HALF), "k": one_number([1400, 150, 3, 3], dtype=HALF)}
    content = summed(stored, call, {"c": meta([1, 150, 2, 2], HALF)}, HALF)
    yield model("a transposed convolution whose result is cut to 2 by 2", None, content)
    square = one_number([2500, 2500], dtype=HALF)
    factors = argument("mat1", tensor("a")), argument("mat2", tensor("b"))
    call = node("addmm.default", "c", argument("self", tensor("k")), *factors)
    stored = {"a": square, "b": square, "k": one_number([1, 1], dtype=HALF)}
    content = summed(stored, call, {"c": meta([2500, 2500], HALF)}, HALF)
    yield model("a product to which one number is added", None, content)
    call = node("cholesky_solve.default", "c", argument("self", tensor("b")), argument("input2", tensor("a")))
    stored = {"a": one_number([1, 400, 400], dtype=TENSOR), "b": one_number([1000, 400, 1], dtype=TENSOR)}
    yield model("one matrix solved for a thousand", None, summed(stored, call, {"c": meta([1000, 400, 1])}))
    call = node("matmul.default", "c", argument("self", tensor("a")), argument("other", tensor("b")))
    stored = {"a": filled([500, 1, 1, 500]), "b": filled([1, 500, 500, 1])}
    yield model("a product whose operands repeat", None, summed(stored, call, {"c": meta([500, 500, 1, 1])}))
    call = node("linalg_matrix_exp.default", "c", argument("self", tensor("a")))
    for sizes in ([700, 700], [300_000, 2, 2]):
        content = summed({"a": one_number(sizes, 1e300)}, call, {"c": meta(sizes, DOUBLE)}, DOUBLE)
        yield model(f"e to the power of {sizes} of 1e300", None, content)
    call = node(
        "einsum.default",
        "c",
        argument("equation", {"as_string": "ac,bd,ab->cd"}),
        argument("tensors", tensors("p", "q", "r")),
    )
    stored = {name: one_number([110, 110], dtype=TENSOR) for name in "pqr"}
    yield model("a sum of three factors with 110^4 between", None, summed(stored, call, {"c": meta([110, 110])}))


def parts():
    many = {"a": ([60_000_000], UINT8, b"\x01", [0])}
    for target, more in {
        "unbind.int": {},
        "split.Tensor": {"split_size": integer(1)},
        "chunk.default": {"chunks": integer(60_000_000)},
        "unsafe_chunk.default": {"chunks": integer(60_000_000)},
    }.items():
        rest = [argument(name, value) for name, value in more.items()]
        call = node(target, "c", argument("self", tensor("a")), *rest)
        call["outputs"] = [tensors("c", "c_1")]
        known = {"c": meta([], UINT8), "c_1": meta([], UINT8)}
        yield model(f"{target} into 60,000,000 parts", None, summed(many, call, known, LONG))


def first(name, of):
    """The first element along the first dimension."""
    return node(
        "select.int", name, argument("self", tensor(of)), argument("dim", integer(0)), argument("index", integer(0))
    )


def ranks():
    """An index of fewer dimensions than what it writes to."""
    call = node(
        "scatter.value_reduce",
        "c",
        argument("self", tensor("a")),
        argument("dim", integer(1)),
        argument("index", tensor("places")),
        argument("value", real(1.0)),
        argument("reduce", {"as_string": "add"}),
    )
    run_time = node("to.dtype", "l", argument("self", tensor("x")), argument("dtype", {"as_scalar_type": LONG}))
    index = first("places", "l")
    known = {"l": meta(PICTURES, LONG), "places": meta(PICTURES[1:], LONG), "c": meta([1, 3, 8, 8])}
    content = on_stored({"a": filled([1, 3, 8, 8])}, run_time, index, call, known=known)
    yield model("a scatter by an index of three dimensions into four", None, content)
    call = node(
        "index_reduce.default",
        "c",
        argument("self", tensor("a")),
        argument("dim", integer(3)),
        argument("index", tensor("i")),
        argument("source", tensor("b")),
        argument("reduce", {"as_string": "mean"}),
    )
    stored = {"a": filled([1, 3, 8, 8]), "i": ([8], LONG, longs(*range(8)), None), "b": filled([8])}
    content = on_stored(stored, call, known={"c": meta([1, 3, 8, 8])}, reads_input=False)
    yield model("numbers for an axis that their tensor has not", None, content)
    column = first("r", "a")
    diagonal = node("diagonal.default", "c", argument("self", tensor("r")))
    content = on_stored({"a": filled([3])}, column, diagonal, known={"r": meta([]), "c": meta([])})
    yield network("a diagonal of a number", None, content)
    huge = node("ones.default", "c", argument("size", ints(2**62, 2, 0)))
    content = on_stored({"a": filled([1])}, huge, known={"c": meta([2**62, 2, 0])}, reads_input=False)
    yield run("a result of 2^62 by 2 by 0", "nn.operator", content, "do not fit 64 bits")


def cases():
    for family in (recurrent, attention, norms, windows, quotients, costs, parts, ranks):
        yield from family()
