"""Programs that call every operator of torch's dispatcher that a file can name, on arguments of chance: folded while
the file is opened, run on constants, run on what is known at run time only, calibrated. None ends by a signal or by an
exception that nobody caught, opening keeps to its budget, and no memory that nothing wrote reaches a result."""

import json
import struct
import subprocess
import sys

from attack.frame import KEPT, SERVER
from command_server import Server
from hostile import seeds
from hostile.seeds import argument, meta, node, tensor
from hostile.zips import Part, zip_bytes

COUNT = 100_000
SHARD = 600

LEAST, MOST = -(2**63), 2**63 - 1
EDGES = (LEAST, -(2**31) - 1, -2, -1, 0, 1, 2, 3, 7, 64, 2**31, 2**33, 2**62, MOST)
SMALL = (-2, -1, 0, 1, 1, 2, 2, 3, 4)
REALS = (0.0, 1.0, -1.0, 0.5, 2.0, 1e300, -1e300, 1e-300, "NaN", "Infinity")
TEXTS = (
    *("", "none", "mean", "sum", "ij", "same", "valid", "reflect", "replicate", "circular", "constant", "floor"),
    *("trunc", "exact", "tanh", "a,b->ab", "ii", "max", "prod", "amax", "linear", "nearest"),
)
BYTE, CHAR, INT, LONG, HALF, FLOAT, DOUBLE, BOOL = 1, 2, 4, 5, 6, 7, 8, 12  # of torch's element types
TYPES = (BYTE, CHAR, INT, LONG, HALF, FLOAT, DOUBLE, BOOL)

#: glibc fills what is allocated with the complement of this byte, and what is freed with it.
PERTURBED = 165
UNWRITTEN = bytes([PERTURBED ^ 255]) * 8, bytes([PERTURBED]) * 8

#: Bytes that a command may reserve: running a network takes what it asks for, and the machine is for others as well.
ADDRESSES = 6 << 30

#: Of operators that a network may call to those that are refused by name.
OFTEN = 10


def packed(letter, values):
    return struct.pack(f"<{len(values)}{letter}", *values)


def ramp(count):
    return packed("f", [(i % 7 - 3) / 4 for i in range(count)])


#: Stored tensors: sizes, element type, bytes, strides.
STORED = {
    "f0": ([], FLOAT, packed("f", [1.5]), None),
    "f1": ([4], FLOAT, ramp(4), None),
    "f2": ([4, 4], FLOAT, ramp(16), None),
    "f3": ([2, 4, 4], FLOAT, ramp(32), None),
    "f4": ([1, 4, 4, 4], FLOAT, ramp(64), None),
    "f5": ([1, 2, 4, 4, 4], FLOAT, ramp(128), None),
    "kernel": ([4, 4, 3, 3], FLOAT, ramp(144), None),
    "grid": ([1, 4, 4, 2], FLOAT, ramp(32), None),
    "empty": ([0], FLOAT, b"", None),
    "rows": ([0, 4], FLOAT, b"", None),
    "edges": ([4], FLOAT, packed("f", [float("nan"), float("inf"), -float("inf"), 3e38]), None),
    "d1": ([4], DOUBLE, packed("d", [0.5, -1e300, 1e-300, 2.0]), None),
    "d2": ([3, 3], DOUBLE, packed("d", [2.0, 1, 0, 1, 3, 1, 0, 1, 4]), None),
    "h1": ([4], HALF, b"\0<" * 4, None),
    "i0": ([], LONG, packed("q", [3]), None),
    "i1": ([4], LONG, packed("q", [0, 1, 2, 3]), None),
    "i2": ([2, 2], LONG, packed("q", [0, 1, 1, 0]), None),
    "far": ([4], LONG, packed("q", [1 << 40, -(1 << 40), -1, MOST]), None),
    "far2": ([4, 4], LONG, packed("q", [1 << 40] * 16), None),
    "far4": ([1, 4, 4, 4], LONG, packed("q", [1 << 40] * 64), None),
    "least": ([4], LONG, packed("q", [LEAST] * 4), None),
    "minus": ([4], LONG, packed("q", [-1] * 4), None),
    "j1": ([4], INT, packed("i", [-(1 << 31), 1 << 30, -1, 2]), None),
    "u1": ([4], BYTE, bytes([0, 255, 7, 9]), None),
    "c1": ([4], CHAR, bytes([0, 255, 7, 128]), None),
    "b1": ([4], BOOL, bytes([1, 0, 1, 1]), None),
    "b4": ([1, 4, 4, 4], BOOL, bytes([1] * 64), None),
    "one": ([1024, 1024], FLOAT, packed("f", [1.0]), [0, 0]),
}

LIST_SCHEMAS = """
import json, sys, torch
found = []
for s in torch._C._jit_get_all_schemas():
    library, name = s.name.split("::", 1)
    if library in ("aten", "prims", "quantized"):
        found.append({
            "target": f"{library}.{name}.{s.overload_name or 'default'}",
            "arguments": [[a.name, str(a.real_type), a.has_default_value()]
                          for a in s.arguments],
            "results": [str(r.type) for r in s.returns],
            "writes": s.is_mutable,
        })
json.dump(found, open(sys.argv[1], "w"))
"""


def schemas():
    """Of every operator that this torch's dispatcher names; kept from one run to the next."""
    path = KEPT / "schemas.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-c", LIST_SCHEMAS, path], check=True)
    return json.loads(path.read_text())


def archive(stored, calls, values, results):
    """A program of an input `x`, of stored tensors {name: (sizes, type, bytes, strides)}, and of `calls`."""
    program = seeds.program()
    graph, signature = program["graph_module"]["graph"], program["graph_module"]["signature"]
    graph["inputs"], graph["nodes"], graph["tensor_values"] = [], calls, dict(values)
    graph["outputs"] = [tensor(name) for name in results]
    signature["input_specs"], config, bodies = [], {"config": {}}, []
    for name, (sizes, dtype, body, strides) in stored.items():
        graph["inputs"].append(tensor(f"b_{name}"))
        graph["tensor_values"][f"b_{name}"] = meta(sizes, dtype, strides)
        of_buffer = {"arg": {"name": f"b_{name}"}, "buffer_name": name, "persistent": True}
        signature["input_specs"].append({"buffer": of_buffer})
        path = f"weight_{len(bodies)}"
        kept = {"path_name": path, "is_param": False, "use_pickle": False, "tensor_meta": meta(sizes, dtype, strides)}
        config["config"][name] = kept
        bodies.append(Part(f"m/data/weights/{path}", body))
    graph["inputs"].append(tensor("x"))
    graph["tensor_values"]["x"] = meta([seeds.BATCH, 3, 8, 8])
    signature["input_specs"].append({"user_input": {"arg": tensor("x")}})
    signature["output_specs"] = [{"user_output": {"arg": tensor(name)}} for name in results]
    parts = [part for part in seeds.parts(program, config) if "/weights/weight_" not in part.name]
    return zip_bytes([*parts, *bodies])


def may_be_called(every, folder):
    """Targets that are not refused by name: one file calls them all."""
    nothing = {"as_none": True}
    calls = [
        node(
            "relu.default", f"v{i}", *(argument(name, nothing) for name, _, is_free in one["arguments"] if not is_free)
        )
        | {"target": "torch.ops." + one["target"]}
        for i, one in enumerate(every)
    ]
    (folder / "all.pt2").write_bytes(archive({}, calls, {}, [f"v{i}" for i in range(len(calls))]))
    server = Server(SERVER, folder, ADDRESSES)
    told = server.run(folder, ("inspect", "all.pt2", "--no-isolation", "--json"))
    server.close()
    assert told.status == 0, told.report
    refused = {
        line.split(" = ")[1].split(": ")[0]
        for line in json.loads(told.output)["unsupported"]
        if "none of the operators that a network may call" in line or "torch does not know it" in line
    }
    return {one["target"] for one in every} - refused


class Nodes:
    """Calls in the making, and the stored tensors that they read: as they are, or known at run time only."""

    def __init__(self, at_run_time):
        self.at_run_time, self.calls, self.values, self.stored = at_run_time, [], {}, {}
        if at_run_time:
            self.calls += [
                node("sum.default", "all", argument("self", tensor("x"))),
                node("mul.Scalar", "zero", argument("self", tensor("all")), argument("other", {"as_float": 0.0})),
                node("to.dtype", "none", argument("self", tensor("zero")), argument("dtype", {"as_scalar_type": LONG})),
            ]
            self.values |= {"all": meta([]), "zero": meta([]), "none": meta([], LONG)}

    def at_run_time_only(self, name):
        """A stored tensor, with nothing that the input gives added to it."""
        if f"r_{name}" not in self.values:
            sizes, dtype, _, _ = self.stored[name]
            zero = "zero" if dtype in (FLOAT, DOUBLE, HALF) else "none"
            operator = "logical_or.default" if dtype == BOOL else "add.Tensor"
            call = node(operator, f"r_{name}", argument("self", tensor(f"b_{name}")), argument("other", tensor(zero)))
            self.calls.append(call)
            self.values[f"r_{name}"] = meta(sizes, dtype)
        return {"name": f"r_{name}"}


class Maker(Nodes):
    """One program: calls of chance."""

    def __init__(self, numbers, at_run_time):
        super().__init__(at_run_time)
        self.numbers, self.made = numbers, []

    def tensor(self):
        """The name of a stored tensor, of one that is known at run time only, or of an earlier result."""
        if self.made and self.numbers.random() < 0.7:
            return {"name": self.numbers.choice(self.made)}
        name = self.numbers.choice(tuple(STORED))
        self.stored[name] = STORED[name]
        if not self.at_run_time or self.numbers.random() < 0.3:
            return {"name": f"b_{name}"}
        return self.at_run_time_only(name)

    def integer(self, small=0.7):
        return self.numbers.choice(SMALL if self.numbers.random() < small else EDGES)

    def value(self, name, kind):
        """An argument of a type of torch's; None where there is none."""
        numbers = self.numbers
        while kind.startswith("Optional["):
            kind = kind[9:-1]
            if numbers.random() < 0.35:
                return {"as_none": True}
        if name.endswith("dtype") and kind == "int" and numbers.random() < 0.9:
            kind = "ScalarType"
        several = range(numbers.choice((0, 1, 1, 2, 2, 3, 4, 5)))
        makers = {
            "Tensor": lambda: {"as_tensor": self.tensor()},
            "List[Tensor]": lambda: {"as_tensors": [self.tensor() for _ in several]},
            "List[Optional[Tensor]]": lambda: {
                "as_optional_tensors": [
                    {"as_none": True} if numbers.random() < 0.3 else {"as_tensor": self.tensor()} for _ in several
                ]
            },
            "int": lambda: {"as_int": self.integer()},
            "List[int]": lambda: {"as_ints": [self.integer(0.85) for _ in several]},
            "float": lambda: {"as_float": numbers.choice(REALS)},
            "List[float]": lambda: {"as_floats": [numbers.choice(REALS) for _ in several]},
            "bool": lambda: {"as_bool": numbers.random() < 0.5},
            "List[bool]": lambda: {"as_bools": [numbers.random() < 0.5 for _ in several]},
            "number": lambda: numbers.choice(({"as_int": self.integer(0.4)}, {"as_float": numbers.choice(REALS)})),
            "str": lambda: {"as_string": numbers.choice(TEXTS)},
            "ScalarType": lambda: {"as_scalar_type": numbers.choice(TYPES)},
            "Layout": lambda: {"as_layout": 7},
            "Device": lambda: {"as_device": {"type": "cpu", "index": None}},
            "MemoryFormat": lambda: {"as_memory_format": 1},
        }
        make = makers.get(kind.replace("SymInt", "int").replace("Scalar]", "number]"))
        return make() if make else None

    def call(self, schema):
        """Whether the operator could be called."""
        inputs = []
        for name, kind, has_default in schema["arguments"]:
            if has_default and self.numbers.random() < 0.4:
                continue
            value = self.value(name, kind)
            if value is None and not has_default:
                return False
            if value is not None:
                inputs.append(argument(name, value))
        number = len(self.made)
        names = [f"c{number}" if i == 0 else f"c{number}_{i}" for i in range(max(len(schema["results"]), 1))]
        made = node("relu.default", names[0], *inputs) | {"target": "torch.ops." + schema["target"]}
        made["outputs"] = [tensor(name) for name in names]
        if any("List" in kind for kind in schema["results"]):
            made["outputs"] = [{"as_tensors": [{"name": name} for name in (names[0], f"{names[0]}_of_list")]}]
        self.calls.append(made)
        self.made.append(names[0])
        return True


DOORS = (
    (False, ("inspect",)),
    (True, ("run", "--input", "x.npy", "-o", "y.npz")),
    (False, ("run", "--input", "x.npy", "-o", "y.npz")),
    (True, ("quantize", "--calibrate", "x.npy", "--limit", "1", "--no-losses", "--quiet", "-o", "y.onnx")),
)


#: Of the servers.
ENVIRONMENT = {
    "addresses": ADDRESSES,
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_PERTURB_": str(PERTURBED),
}


def try_program(run, case, command, folder, content, door):
    """Through one door; what comes of it is judged."""
    (folder / "m.pt2").write_bytes(content)
    (folder / "x.npy").write_bytes(seeds.samples())
    verb, *options = door
    answer = command(verb, "m.pt2", *options, "--no-isolation")
    run.judge(case, answer, folder, opened=len(content) if verb == "inspect" else None)
    for output in folder.glob("y.*"):
        if any(unwritten in output.read_bytes() for unwritten in UNWRITTEN):
            run.find(case, "unwritten memory", "memory that nothing wrote is in a result", folder)


def attack(run):
    every = [schema for schema in schemas() if schema["arguments"]]
    callable_ones = may_be_called([one for one in every if not one["writes"]], run.folder)
    often = [one for one in every if one["target"] in callable_ones]
    rarely = [one for one in every if one["target"] not in callable_ones]
    run.notes.append(f"{len(often)} operators that a network may call, {len(rarely)} that are refused")

    def meet(command, folder, case):
        numbers = run.random(case)
        at_run_time, (verb, *options) = DOORS[case % len(DOORS)]
        maker = Maker(numbers, at_run_time)
        # One in eight is a chain.
        for _ in range(numbers.choice((1, 1, 1, 1, 1, 1, 1, 3))):
            maker.call(numbers.choice(often if numbers.random() < OFTEN / (OFTEN + 1) else rarely))
        if not maker.made:
            return run.skip("an argument of a kind that no file has")
        result = node("relu.default", "same", argument("self", tensor("x")))
        values = maker.values | {"same": meta([seeds.BATCH, 3, 8, 8])}
        content = archive(maker.stored, [*maker.calls, result], values, ["same", maker.made[-1]])
        return try_program(run, case, command, folder, content, (verb, *options))

    run.in_servers(meet, **ENVIRONMENT)
