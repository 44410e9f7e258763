"""Networks that write in place, exported by torch.export, run by the command and by PyTorch: the results are the same.
What cannot be made functional is refused with one error that lists every place."""

import inspect
import re

import pytest
import torch
from torch import nn

import in_place_forms
import support
from test_import import expected, run, save

NAMES = [name for name, form in vars(in_place_forms).items() if inspect.isfunction(form)]


def as_dict(result):
    if isinstance(result, tuple):
        return {f"output_{i}": value for i, value in enumerate(result)}
    return {"output": result}


# torch's own run_decompositions loses this write: the value that dropout gives back counts as a new one there.
LOST_BY_TORCH = "dropout_gives_back_what_it_got"


@pytest.mark.parametrize(
    ("name", "decompose"),
    [
        pytest.param(name, core, id=f"{name}-{'core' if core else 'training'}")
        for name in NAMES
        for core in (False, True)
        if not (core and name == LOST_BY_TORCH)
    ],
)
def test_writes_give_pytorchs_results(graftwork, tmp_path, name, decompose):
    torch.manual_seed(0)
    model, x = support.Call(getattr(in_place_forms, name)), torch.randn(2, 3, 4)
    path = save(tmp_path, model, (x.clone(),), decompose=decompose)
    want = as_dict(model(x.clone()))
    for stage in ("float", "transformed"):
        got = run(graftwork, tmp_path, path, ["x"], (x,), stage)
        assert set(got) == set(want)
        for result, value in want.items():
            assert got[result].dtype == value.dtype, result
            torch.testing.assert_close(got[result], value, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "written_through_a_view",
        "slice_added_to",
        "slice_assigned",
        "chunks_of_one_value",
        "squeezed_and_unsqueezed",
        "unbound",
    ],
)
def test_writes_follow_a_run_time_batch(graftwork, tmp_path, name):
    model = support.Call(getattr(in_place_forms, name))
    batch = torch.export.Dim("batch", min=2)
    path = save(tmp_path, model, (torch.randn(2, 3, 4),), ({0: batch},))
    other = torch.randn(5, 3, 4)
    got = run(graftwork, tmp_path, path, ["x"], (other,))
    for result, value in as_dict(model(other.clone())).items():
        torch.testing.assert_close(got[result], value, rtol=1e-6, atol=1e-6)


def test_nothing_in_the_graph_writes(graftwork, tmp_path):
    for name in NAMES:
        path = save(tmp_path, support.Call(getattr(in_place_forms, name)), (torch.randn(2, 3, 4),))
        text = graftwork("inspect", path).stdout
        written = [line for line in text.splitlines() if re.search(r"[a-z0-9]_\.\w+\(|\.out\(", line)]
        assert not written, name


class Counted(nn.Module):
    """Writes to buffers that its results do not depend on."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.bn = nn.BatchNorm2d(4)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("scratch", torch.zeros(2, 4, 5, 5))

    def forward(self, x):
        self.calls.add_(1)
        y = self.bn(self.conv(x))
        self.scratch.copy_(y)
        self.scratch[:, 0] *= 2
        return self.scratch.relu()


@pytest.mark.parametrize("decompose", [False, True], ids=["training", "core"])
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_buffers_that_results_do_not_depend_on(graftwork, tmp_path, training, decompose):
    torch.manual_seed(0)
    model, x = Counted().train(training), torch.randn(2, 3, 5, 5)
    program = torch.export.export(model, (x,))
    path = tmp_path / "model.pt2"
    torch.export.save(program.run_decompositions() if decompose else program, str(path))
    for _ in range(2):  # nothing stays behind
        got = run(graftwork, tmp_path, path, ["x"], (x,))["output"]
        torch.testing.assert_close(got, expected(model, (x,))["output"], rtol=1e-5, atol=1e-6)


class Stateful(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(4))
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, x):
        self.seen.mul_(0.9).add_(x.mean((0, 1)))
        self.steps.add_(1)
        return x + self.seen / self.steps


def refusal(graftwork, path):
    done = graftwork.fails("inspect", path, codes=(1,))
    assert "error[pt2.in_place]" in done.stderr
    return done.stderr


@pytest.mark.parametrize("decompose", [False, True], ids=["training", "core"])
def test_state_between_calls_is_refused(graftwork, tmp_path, decompose):
    report = refusal(graftwork, save(tmp_path, Stateful(), (torch.randn(2, 3, 4),), decompose=decompose))
    assert "the results depend on seen, which every call changes" in report
    assert "the results depend on steps, which every call changes" in report
    if not decompose:
        assert report.count("test_in_place.py:") == 3, report


class Untraceable(nn.Module):
    """One of each kind of write that is not followed."""

    def forward(self, x):
        a = x * 2
        torch.as_strided(a, (2, 2), (1, 5)).add_(1)
        b = x * 3
        b.view(torch.int32).bitwise_and_(7)
        c = x * 4
        torch._foreach_add_([c], 1.0)
        d = x * 5
        windows = d.unfold(2, 2, 2)
        windows.neg_()
        e = x * 6
        strided = torch.as_strided(e, (2, 2), (1, 5))
        e.add_(1)
        return a, b, c, d, strided


def test_what_cannot_be_followed_is_listed_at_once(graftwork, tmp_path):
    report = refusal(graftwork, save(tmp_path, Untraceable(), (torch.randn(2, 3, 4),)))
    lines = [line for line in report.splitlines() if "test_in_place.py:" in line]
    for words in ("aten.as_strided", "aten.view.dtype", "aten._foreach_add_", "aten.unfold"):
        assert any(words in line for line in lines), report
    assert any(
        "depends on how memory is laid out, after that memory was written" in line for line in report.splitlines()
    )
    assert "5 in-place writes" in report


class Perhaps(nn.Module):
    def forward(self, x):
        y = x.transpose(0, 1).reshape(-1)
        z = x.transpose(0, 1)
        y.add_(1)
        return y, z


def test_views_that_run_time_sizes_decide_are_refused(graftwork, tmp_path):
    batch, rows = torch.export.Dim("batch", min=2), torch.export.Dim("rows", min=2)
    report = refusal(graftwork, save(tmp_path, Perhaps(), (torch.randn(4, 3),), ({0: batch, 1: rows},)))
    assert "depending on run-time sizes" in report
