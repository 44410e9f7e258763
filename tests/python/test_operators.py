"""A fixed tenth of torch's samples for its operators (tests/operators); `make operators` runs all of them."""

import contextlib
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

import support
from operators import compare, counts, pool, samples, table
from operators.check import Checker
from operators.network import Watch

TENTH = 0
PROCESSES = 2


def sample(function, *arguments, operator="made for the test", dtype="f32", index=0):
    return samples.Sample(operator, dtype, index, lambda given: function(*given), list(arguments))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def check(graftwork, tmp_path):
    """check(SAMPLES): their outcomes, in order."""

    def run(*chosen):
        checker = Checker(graftwork.path, tmp_path)
        checker.check(chosen)
        return [checker.outcomes[one.key] for one in chosen]

    return run


def test_a_tenth_of_the_samples_fares_as_counted(graftwork):
    """In a process of its own, which sets the threads of everything below it to one."""
    command = [sys.executable, support.ROOT / "tests" / "operators" / "run.py", "--tenth", str(TENTH)]
    environment = os.environ | {"GRAFTWORK_COMMAND": str(graftwork.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def contained(each=6):
    """The names of the operators that `each` of every operator's samples consist of."""
    watch = Watch()
    for name, info in samples.operators().items():
        found = samples.of_operator(name, info, "f32") or samples.of_operator(name, info, "i64")
        for one in samples.spread(found, each):
            # What torch refuses contains nothing.
            with torch.no_grad(), warnings.catch_warnings(), contextlib.suppress(Exception), watch:
                warnings.simplefilter("ignore")
                one.function(one.arguments)
    return watch.names


def core_operators():
    """Names of all core ATen operators; `dir(torch.ops.aten)` has those alone that this process has asked for."""
    every = {
        schema.name.removeprefix("aten::") for schema in torch._C._jit_get_all_schemas() if "aten::" in schema.name
    }
    packets = {name: getattr(torch.ops.aten, name) for name in every}
    return {
        name
        for name, packet in packets.items()
        if any(torch.Tag.core in getattr(packet, overload).tags for overload in packet.overloads())
    }


def test_every_core_operator_has_samples_or_a_reason():
    assert core_operators() - contained() == set(table.CORE_WITHOUT_SAMPLES)


def test_the_table_names_operators_that_torch_has_samples_for():
    known = {name for info in samples.op_db for name in (info.name, samples.name_of(info))}
    assert [name for name in table.TAKEN if name not in known] == []
    assert [name for name in table.BELOW if name not in samples.operators()] == []


WANT = np.float32([1, -2, np.inf, np.nan])


@pytest.mark.parametrize(
    ("got", "text"),
    [
        (np.float32([1, -2, np.inf, np.nan]), ""),
        (np.float32([1.00001, -2, np.inf, np.nan]), ""),
        (np.float32([1.001, -2, np.inf, np.nan]), "other values"),
        (np.float32([1, -2, -np.inf, np.nan]), "other values (NaN or infinity)"),
        (np.float32([1, -2, np.inf, 0]), "other values (NaN or infinity)"),
        (np.float32([1, np.nan, np.inf, np.nan]), "other values (NaN or infinity)"),
        (np.float32([[1, -2, np.inf, np.nan]]), "another shape"),
        (np.float64([1, -2, np.inf, np.nan]), "type float64, not float32"),
    ],
)
def test_results_are_compared(got, text):
    assert compare.difference("abs", WANT, got) == text


@pytest.mark.parametrize("want", [np.int64([3, 2**53]), np.int32([3, 4]), np.array([True, False])])
def test_whole_numbers_are_compared_exactly(want):
    other = want.copy()
    other[-1] += 1 if want.dtype != bool else True
    assert compare.difference("abs", want, want) == ""
    assert compare.difference("abs", want, other) == "other values"


@pytest.mark.parametrize(
    ("places", "right"), [([1, 2], True), ([2, 1], True), ([1, 1], False), ([1, 0], False), ([1, 4], False)]
)
def test_places_of_equal_values_are_any_of_them(places, right):
    assert compare.are_places_of(np.int64([7, 7]), np.int64(places), np.int64([3, 7, 7]), -1) == right


class Other:
    """Computes something else when torch.export traces it than it did before."""

    def __init__(self, before, after):
        self.functions = [before, after]

    def __call__(self, x):
        return self.functions[torch.compiler.is_exporting()](x)


@pytest.mark.parametrize(
    ("function", "outcome"),
    [
        (torch.relu, ""),
        (Other(torch.relu, lambda x: torch.relu(x) + 0.01), "wrong: float: other values"),
        (Other(torch.relu, lambda x: torch.relu(x)[None]), "wrong: float: another shape"),
        (Other(torch.relu, lambda x: torch.relu(x).to(torch.int64)), "wrong: float: type int64, not float32"),
        (torch.nn.functional.dropout, "left out: random"),
        (lambda x: x.reshape(7, 7), "left out: torch refuses it: RuntimeError"),
    ],
)
def test_the_harness_can_fail(check, function, outcome):
    """One of three samples is wrong; what is said about the others does not change."""
    x = torch.tensor([-1.0, 2.0, 3.0])
    chosen = [sample(torch.relu, x), sample(function, x, index=1), sample(torch.relu, x, index=2)]
    assert check(*chosen) == ["", outcome, ""]


def test_what_is_refused_does_not_stop_the_others(check):
    x = torch.tensor([0.5, 1.5, 2.5])
    functions = [torch.relu, torch.special.i0, torch.special.bessel_j0] * 3
    chosen = [sample(function, x, index=index) for index, function in enumerate(functions)]
    outcomes = check(*chosen)
    assert [counts.kind(outcome) for outcome in outcomes] == ["", "refused", "refused"] * 3
    assert outcomes[1].endswith("aten.special_i0.default")


def test_ranges_are_read_back():
    assert counts.ranges([7, 0, 1, 2, 5, 6]) == "0-2,5-7"
    assert counts.numbers("0-2,5-7") == {0, 1, 2, 5, 6, 7}
    assert counts.numbers(counts.ranges([])) == set()


def test_counts_are_compared_sample_by_sample(tmp_path, monkeypatch):
    monkeypatch.setattr(counts, "PATH", tmp_path / "counts.json")
    outcomes = {("abs", "f32", 0): "", ("abs", "f32", 3): "refused: onnx: why", ("abs", "i64", 0): "left out: why"}
    assert counts.differences(outcomes) == ["abs f32: not in counts.json", "abs i64: not in counts.json"]
    counts.write(outcomes)
    assert counts.differences(outcomes) == []
    assert counts.differences({("abs", "f32", 3): "refused: onnx: another reason"}) == []
    assert counts.differences({("abs", "f32", 0): "wrong: onnx: other values"}) == ["abs f32: now wrong: 0"]
    assert counts.differences({("abs", "f32", 3): ""}) == ["abs f32: no longer refused: 3"]
    assert counts.differences({("abs", "f32", 9): ""}) == ["abs f32: now samples: 9"]


def test_a_process_that_dies_is_found_out():
    def work(job):
        yield list(job)
        for key in job:
            if key == 5:
                os.kill(os.getpid(), 9)
            yield {key: ""}

    found = {}
    for said in pool.run_all(work, [list(range(8)), [8, 9]], PROCESSES):
        found.update(said)
    assert found.pop(5).startswith("crash")
    assert found == {key: "" for key in range(10) if key != 5}
