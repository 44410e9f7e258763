"""Calls that torch itself takes, from its own samples for its operators, with one or two of their arguments changed:
operators whose arguments must fit each other are reached in no other way. Judged as `operators` are."""

import functools
import os
import threading
import warnings

import numpy as np

os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # samples are at the edge of what operators warn of

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from attack.operators import (
    DOORS,
    EDGES,
    ENVIRONMENT,
    LONG,
    REALS,
    SMALL,
    TEXTS,
    Nodes,
    archive,
    may_be_called,
    schemas,
    try_program,
)
from hostile import seeds
from hostile.seeds import argument, meta, node, tensor

COUNT = 20_000
SHARD = 250

#: torch's element types by the numbers that files have for them.
NUMBERS = {
    torch.uint8: 1,
    torch.int8: 2,
    torch.int16: 3,
    torch.int32: 4,
    torch.int64: LONG,
    torch.float16: 6,
    torch.float32: 7,
    torch.float64: 8,
    torch.bool: 12,
}
LARGEST = 1 << 16  # elements of a tensor that is stored


class Calls(TorchDispatchMode):
    """Keeps what is called of torch's dispatcher."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.found.append((function, args, kwargs or {}))
        return function(*args, **(kwargs or {}))


class Functions(TorchFunctionMode):
    """Keeps what the dispatcher takes apart before it tells: an LSTM, attention."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        packet = getattr(torch.ops.aten, getattr(function, "__name__", ""), None)
        for overload in packet.overloads() if hasattr(packet, "overloads") else ():
            self.found.append((getattr(packet, overload), args, kwargs or {}))
        return function(*args, **(kwargs or {}))


def is_taken(function, args, kwargs):
    """Whether the overload is the one for these arguments."""
    try:
        function(*args, **kwargs)
    except Exception:
        return False
    return True


_one_at_a_time = threading.Lock()


@functools.cache
def calls_of(name):
    """Valid calls of operators that come of torch's samples for one: (overload, args, kwargs)."""
    from operators import samples

    found = []
    for sample in samples.of_operator(name, samples.operators()[name], "f32"):
        calls, functions = Calls(), Functions()
        try:
            with functions, calls:
                sample.function(sample.arguments)
        except Exception:
            continue
        found += calls.found + [call for call in functions.found if is_taken(*call)]
    return [call for call in found if not call[0]._schema.is_mutable]


def changed(value, numbers):
    """The same kind of thing, another one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return numbers.choice((value + 1, value - 1, value * 2, -value, *SMALL, *EDGES))
    if isinstance(value, float):
        return numbers.choice([real for real in REALS if isinstance(real, float)])
    if isinstance(value, str):
        return numbers.choice(TEXTS)
    if isinstance(value, torch.Tensor):
        return changed_tensor(value, numbers)
    if isinstance(value, (list, tuple)):
        return changed_list(list(value), numbers)
    return value


def changed_list(values, numbers):
    how = numbers.random()
    if values and how < 0.2:
        return values[:-1]
    if how < 0.4:
        return [*values, values[-1] if values else 1]
    if values:
        place = numbers.randrange(len(values))
        values[place] = changed(values[place], numbers)
    return values


def changed_tensor(value, numbers):
    """Of other sizes along one dimension, of another rank, of another type, of other elements."""
    how = numbers.random()
    if value.dim() and how < 0.5:
        dim = numbers.randrange(value.dim())
        extent = numbers.choice((0, 1, max(value.shape[dim] - 1, 0), value.shape[dim] + 1, value.shape[dim] * 300))
        sizes = [*value.shape]
        sizes[dim] = extent
        return torch.ones(sizes, dtype=value.dtype) if np.prod(sizes) <= LARGEST else value[:0]
    if how < 0.65:
        return value.flatten() if value.dim() > 1 and numbers.random() < 0.5 else value.unsqueeze(0)
    if how < 0.8:
        return value.to(numbers.choice(list(NUMBERS))) if not value.is_complex() else value
    if value.dtype in (torch.int64, torch.int32) and value.numel():
        most = torch.iinfo(value.dtype)
        return torch.full_like(value, numbers.choice((-1, 1000, most.min, most.max)))
    return value


class UnwrittenError(Exception):
    """A file has no form for it."""


class Program(Nodes):
    """One call as nodes of a program."""

    def tensor(self, value):
        if value.dtype not in NUMBERS or value.numel() > LARGEST:
            raise UnwrittenError
        name, dtype = f"t{len(self.stored)}", NUMBERS[value.dtype]
        sizes, body = list(value.shape), value.detach().contiguous().numpy().tobytes()
        self.stored[name] = (sizes, dtype, body, None)
        return self.at_run_time_only(name) if self.at_run_time else {"name": f"b_{name}"}

    def value(self, value):
        if value is None:
            return {"as_none": True}
        if isinstance(value, torch.Tensor):
            return {"as_tensor": self.tensor(value)}
        for kind, form in ((bool, "as_bool"), (int, "as_int"), (float, "as_float"), (str, "as_string")):
            if isinstance(value, kind):
                return {form: value}
        if isinstance(value, torch.dtype) and value in NUMBERS:
            return {"as_scalar_type": NUMBERS[value]}
        if isinstance(value, (list, tuple)):
            return self.list(list(value))
        raise UnwrittenError

    def list(self, values):
        if any(isinstance(value, torch.Tensor) for value in values):
            if all(isinstance(value, torch.Tensor) for value in values):
                return {"as_tensors": [self.tensor(value) for value in values]}
            return {"as_optional_tensors": [self.value(value) for value in values]}
        for kind, form in ((bool, "as_bools"), (int, "as_ints"), (float, "as_floats")):
            if all(isinstance(value, kind) for value in values):
                return {form: values}
        raise UnwrittenError

    def call(self, function, given):
        schema = function._schema
        inputs = [argument(one.name, self.value(given[one.name])) for one in schema.arguments if one.name in given]
        several = [f"c_{i}" if i else "c" for i in range(max(len(schema.returns), 1))]
        target = f"torch.ops.aten.{schema.name.split('::')[1]}.{schema.overload_name or 'default'}"
        made = node("relu.default", "c", *inputs) | {"target": target}
        made["outputs"] = [tensor(name) for name in several]
        if any("List" in str(one.type) for one in schema.returns):
            made["outputs"] = [{"as_tensors": [{"name": "c"}, {"name": "c_of_list"}]}]
        self.calls.append(made)

    def content(self):
        result = node("relu.default", "same", argument("self", tensor("x")))
        values = self.values | {"same": meta([seeds.BATCH, 3, 8, 8])}
        return archive(self.stored, [*self.calls, result], values, ["same", "c"])


def is_left_out(argument):
    """What stays as a kernel has it where nothing is said."""
    return isinstance(argument, (torch.layout, torch.device, torch.memory_format)) or argument is None


def arguments_of(function, args, kwargs):
    """By name."""
    names = [one.name for one in function._schema.arguments]
    given = dict(zip(names, args, strict=False)) | kwargs
    return {name: value for name, value in given.items() if not is_left_out(value)}


def attack(run):
    from operators import samples

    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    names = list(samples.operators())
    every = [one for one in schemas() if one["arguments"] and not one["writes"]]
    callable_ones = may_be_called(every, run.folder)
    run.notes.append(f"{len(names)} operators of torch's samples")

    def pick(numbers):
        with _one_at_a_time:
            found = calls_of(numbers.choice(names))
        allowed = []
        for call in found:
            schema = call[0]._schema
            if f"aten.{schema.name.split('::')[-1]}.{schema.overload_name or 'default'}" in callable_ones:
                allowed.append(call)
        return numbers.choice(allowed) if allowed else None

    def meet(command, folder, case):
        numbers = run.random(case)
        call = pick(numbers)
        if not call:
            return run.skip("a sample without an operator that a network may call")
        function, args, kwargs = call
        given = arguments_of(function, args, kwargs)
        for _ in range(numbers.choice((1, 1, 2))):
            if given:
                name = numbers.choice(list(given))
                given[name] = changed(given[name], numbers)
        at_run_time, door = DOORS[case % len(DOORS)]
        program = Program(at_run_time)
        try:
            program.call(function, given)
        except UnwrittenError:
            return run.skip("an argument of a kind that no file has")
        return try_program(run, case, command, folder, program.content(), door)

    run.in_servers(meet, **ENVIRONMENT)
