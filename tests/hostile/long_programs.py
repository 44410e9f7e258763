"""Programs that cost by the number of what they name, and mean no harm."""

from hostile import seeds
from hostile.pt2_operators import on_stored
from hostile.seeds import argument, meta, node, tensor


def operators(count):
    """So many more, in a row."""
    program = seeds.program()
    graph = program["graph_module"]["graph"]
    last = "relu"
    for i in range(count):
        graph["nodes"].append(node("relu.default", f"n{i}", argument("self", tensor(last))))
        last = f"n{i}"
        graph["tensor_values"][last] = graph["tensor_values"]["relu"]
    program["graph_module"]["signature"]["output_specs"][0]["user_output"]["arg"] = tensor(last)
    return seeds.archive(model=program)


def constants(count, added=0):
    """So many stored numbers; as many of them as are `added` are read."""
    stored = {f"w{i}": ([1], 7, b"\0\0\x80?", None) for i in range(count)}
    sums, last = [], "x"
    for i in range(added):
        sums.append(node("add.Tensor", f"s{i}", argument("self", tensor(last)), argument("other", tensor(f"w{i}"))))
        last = f"s{i}"
    sums.append(node("relu.default", "y", argument("self", tensor(last))))
    shape = meta([seeds.BATCH, 3, 8, 8])
    known = {"x": shape, "y": shape} | {f"s{i}": shape for i in range(added)}
    return on_stored(stored, *sums, known=known, reads_input=False)
