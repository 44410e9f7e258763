"""Capturing a model in memory: what its network says, and how it is called afterwards."""

import collections
import copy
import os
import pickle
import subprocess
import sys
import threading

import graftwork
import pytest
import torch
from graftwork import Trace
from package_networks import Encoder, Functional, Nested, ResidualNet, Tied
from torch import nn

import support

Pair = collections.namedtuple("Pair", "left right")


def same(a, b):
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


class Returning(nn.Module):
    """Returns `make(x, 2x)`."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, x):
        return self.make(x + 1, x * 2)


@pytest.mark.parametrize(
    ("make", "shape"),
    [(ResidualNet, (2, 3, 32, 32)), (Encoder, (2, 8, 32)), (Functional, (2, 3, 8, 8)), (Tied, (2, 4))],
)
def test_the_network_is_that_of_the_file(make, shape, small, tmp_path):
    torch.manual_seed(0)
    model, x = make().eval(), torch.randn(shape)
    made = graftwork.transform(model, (x,)).model
    torch.export.save(torch.export.export(model, (x,)), tmp_path / "model.pt2")
    assert made.info.network.text() == small.graftwork("transform", tmp_path / "model.pt2").stdout


def test_keyword_and_nested_arguments_and_results():
    model, x = Nested().eval(), torch.randn(2, 4)
    named = {"mask": torch.ones(2, 4), "extra": {"e": torch.ones(2, 4)}}
    made = graftwork.transform(model, (x,), kwargs=named).model
    got, wanted = made(x, **named), model(x, **named)
    same(got["y"], wanted["y"])
    same(got["z"][0], wanted["z"][0])
    assert got["z"][1:] == (None, 3)
    fast = graftwork.fast_eval(made)(x, **named)
    same(fast["y"], wanted["y"].detach())
    assert fast["z"][1:] == (None, 3)


def test_flat_arguments_keep_their_names():
    class Masked(nn.Module):
        def forward(self, x, mask=None, double=False):
            return (x if mask is None else x * mask) * (2 if double else 1)

    x, mask = torch.randn(2, 4), torch.rand(2, 4)
    made = graftwork.transform(Masked(), (x,), kwargs={"mask": mask, "double": True}).model
    same(made(x, mask), x * mask * 2)
    same(made(x=x, mask=mask), x * mask * 2)
    fast = graftwork.fast_eval(made)
    same(fast(x, mask=mask), x * mask * 2)
    with pytest.raises(TypeError, match="missing"):
        fast(x)
    with pytest.raises(TypeError):
        made(x)


class Switched(nn.Module):
    """What it computes depends on arguments that are no tensors, one in front of a tensor."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x, mask=None, shift=None, double=True, options=None):
        y = self.linear(x if mask is None else x * mask) + shift
        return y * (2 if double else 1)


@pytest.fixture(scope="module")
def switched():
    x, shift = torch.randn(2, 4), torch.randn(2, 4)
    model = Switched().eval()
    return model, x, shift, graftwork.transform(model, (x, None, shift, True)).model


def pickled(model):
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("form", [copy.copy, pickled, graftwork.fast_eval, torch.fx.symbolic_trace, "calibrating"])
def test_an_argument_that_was_fixed_stays_as_it_was(switched, form):
    from graftwork.quantize import quantize

    model, x, shift, made = switched

    def check(called):
        same(called(x, None, shift).detach(), model(x, None, shift).detach())
        same(called(x, None, shift, double=True).detach(), model(x, None, shift).detach())
        for given, said in (({"double": False}, "double is False"), ({"double": x}, "double is a tensor of [2, 4]")):
            with pytest.raises(graftwork.Error) as caught:
                called(x, None, shift, **given)
            assert caught.value.code == "call.fixed"
            assert said in caught.value.message
            assert "captured with True" in caught.value.message
        with pytest.raises(graftwork.Error, match="mask is a tensor"):
            called(x, shift, shift)

    if form == "calibrating":
        quantize(made, (x, None, shift), forward_loop=check)
    else:
        check(form(made))


def test_an_argument_inside_of_another_stays_as_it_was():
    class Optioned(nn.Module):
        def forward(self, x, options):
            return x * options["factor"]

    x = torch.randn(3)
    made = graftwork.transform(Optioned(), (x, {"factor": 2.0})).model
    for called in (made, pickled(made), graftwork.fast_eval(made)):
        same(called(x, {"factor": 2.0}), x * 2)
        with pytest.raises(graftwork.Error, match=r"options_factor is 3.0; .* captured with 2.0"):
            called(x, {"factor": 3.0})


def test_compilers_see_the_values_of_fixed_arguments(switched):
    model, x, shift, made = switched
    compiled = torch.compile(made, backend="eager", fullgraph=True)
    same(compiled(x, None, shift, True), model(x, None, shift))
    exported = torch.export.export(made, (x, None, shift, True)).module()
    same(exported(x, None, shift, True), model(x, None, shift))
    with pytest.raises(graftwork.Error, match="double is False"):
        torch.compile(made, backend="eager")(x, None, shift, False)


def test_a_call_without_fixed_arguments_is_not_checked():
    assert "check_fixed" not in graftwork.transform(nn.Linear(4, 4), (torch.randn(2, 4),)).model.code


@pytest.mark.parametrize("make", [lambda a, b: (a, b), lambda a, b: [a, {"b": b}], Pair, lambda a, b: {"a": a, 1: b}])
def test_results_nest_as_they_did(make):
    model, x = Returning(make), torch.randn(2, 3)
    got, wanted = graftwork.transform(model, (x,)).model(x=x), model(x)
    assert type(got) is type(wanted)
    same(got, wanted)


def test_names_of_results_are_those_of_files():
    model = Returning(lambda a, b: {"logits": a, "boxes": [b, a]})
    text = graftwork.transform(model, (torch.randn(2),)).model.print_readable()
    assert "return logits=%add, boxes_0=%mul, boxes_1=%add" in text


def test_sizes_that_may_differ():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, 2, 1), nn.Flatten(2)).eval()
    batch, height = torch.export.Dim("batch", max=64), torch.export.Dim("height", min=2, max=64)
    dims = ({0: batch, 2: 4 * height, 3: torch.export.Dim.AUTO},)
    made = graftwork.transform(model, (torch.randn(2, 3, 16, 16),), dynamic_shapes=dims).model
    assert "4*" in made.print_readable().splitlines()[0]
    x = torch.randn(3, 3, 32, 20)
    same(made(x), model(x))


def test_symbolic_trace_gives_the_same_network():
    torch.manual_seed(0)
    model, x = ResidualNet().eval(), torch.randn(2, 3, 32, 32)
    traced = graftwork.transform(model, (x,), trace=Trace.SYMBOLIC).model
    assert traced.FusedConvBNActMaxPool_0.conv is model.conv1
    same(traced(x), model(x))
    assert list(dict(traced.named_children())) == list(dict(graftwork.transform(model, (x,)).model.named_children()))


def test_the_model_is_captured_in_evaluation_and_left_as_it_was():
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.BatchNorm1d(4)).train()
    model[1].eval()
    made = graftwork.transform(model, (torch.randn(2, 4),)).model
    assert [module.training for module in model] == [True, False, True]
    assert "dropout" not in made.code
    before = model[2].running_mean.clone()
    made(torch.randn(2, 4) + 1)
    assert not torch.equal(model[2].running_mean, before)


def test_threads_transform_one_model_at_once():
    model, x = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).train(), torch.randn(2, 4)
    model[1].eval()
    model[0].register_forward_hook(lambda *_: None)  # a new module takes its place, in the mode of the model
    made, failed = [], []

    def transform():
        try:
            made.extend(graftwork.transform(model, (x,)).model for _ in range(3))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=transform) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(made) == 12
    assert all(one.training and one.FusedLinear_0.linear.training for one in made)
    assert [module.training for module in model.modules()] == [True, True, False]


def test_a_constant_and_a_buffer_that_is_not_saved():
    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("shift", torch.ones(3), persistent=False)

        def forward(self, x):
            return x + self.shift * torch.tensor([1.0, 2.0, 3.0])

    model, x = Shifted(), torch.randn(2, 3)
    made = graftwork.transform(model, (x,)).model
    same(made(x), model(x))
    assert made.state_dict() == {}


@torch.library.custom_op("graftwork_test::halve", mutates_args=())
def halve(x: torch.Tensor) -> torch.Tensor:
    return x / 2


halve.register_fake(torch.empty_like)


class Half(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x):
        return halve(self.linear(x))


class Custom(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Half()

    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda y: y + 1, lambda y: y - 1, (self.block(x),))


def test_what_a_network_cannot_have_is_named():
    with pytest.raises(graftwork.Error) as caught:
        graftwork.transform(Custom(), (torch.randn(2, 2),))
    error = caught.value
    assert isinstance(error, RuntimeError)
    assert (error.code, error.message) == ("pt2.unsupported", "2 operators can be in no network")
    custom, control = error.context
    assert "graftwork_test.halve.default: it is no operator of torch" in custom
    assert "in block.halve (test_capture_python.py:" in custom
    assert "higher_order.cond: it runs a subgraph" in control
    assert "other operators of torch" in error.hint


def test_exceptions_of_torch_pass_through(residual):
    with pytest.raises(RuntimeError, match="channels") as caught:
        residual.made(torch.randn(2, 5, 32, 32))
    assert not isinstance(caught.value, graftwork.Error)
    with pytest.raises(RuntimeError) as caught:
        graftwork.transform(nn.Linear(4, 4), (torch.randn(2, 5),))
    assert not isinstance(caught.value, graftwork.Error)


def test_errors_say_what_where_and_what_to_do(residual):
    with pytest.raises(graftwork.Error) as caught:
        residual.made.info.network.run(residual.made.tensors(), [torch.randn(2, 5, 32, 32)])
    error = caught.value
    assert error.code == "nn.input"
    assert error.message in str(error)
    assert str(error).startswith("error[nn.input]: ")


def test_importing_the_package_imports_nothing_of_torch():
    code = "import sys, torch; before = set(sys.modules); import graftwork; print(*sorted(set(sys.modules) - before))"
    environment = os.environ | {"PYTHONPATH": str(support.ROOT / "build" / "python")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert set(done.stdout.split()) == {"graftwork", "graftwork._C", "graftwork.errors"}


def test_a_concatenation_with_nothing_is_what_it_concatenates():
    class FirstTurn(nn.Module):
        """As attention with a cache that is empty yet."""

        def forward(self, x):
            return torch.cat([torch.tensor([]), x], dim=-2), torch.cat([x, x[:, :0], x], dim=1)

    model, x = FirstTurn().eval(), torch.randn(2, 3, 4)
    made = graftwork.transform(model, (x,)).model
    assert made.print_readable().count("aten.cat") == 1
    for found, wanted in zip(made(x), model(x), strict=True):
        torch.testing.assert_close(found, wanted)
