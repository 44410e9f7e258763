"""A transformed model that was changed afterwards: what its network says of it no longer holds."""

import copy
import io

import graftwork
import pytest
import torch
from graftwork.onnx import export_onnx
from graftwork.quantize import quantize
from package_networks import Tied
from torch import nn
from torch.nn.utils import parametrizations, prune

pytestmark = pytest.mark.filterwarnings("ignore:ranges of")


@pytest.fixture(scope="module")
def small_one():
    """A small model, what it takes, and its transformed and quantized forms; nobody changes them."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5)
    ).eval()
    x = torch.randn(2, 3, 8, 8)
    made = graftwork.transform(model, (x,)).model
    return x, made, quantize(made, (x,))


def test_a_warning_points_at_the_caller(small_one):
    x, made, _ = small_one
    with pytest.warns(UserWarning, match="ranges of 2 samples") as caught:
        quantize(made, (x,))
    assert caught[0].filename == __file__


def reloaded(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def edit_graph(model):
    last = [node for node in model.graph.nodes if node.op == "call_module"][-1]
    with model.graph.inserting_after(last):
        added = model.graph.call_function(torch.relu, (last,))
    last.replace_all_uses_with(added, delete_user_cb=lambda user: user is not added)
    model.recompile()


def own_forward(module):
    module.forward = lambda x: x


CHANGES = {
    "another class": (
        lambda m: setattr(m.FusedConvBNAct_1, "act", nn.Sigmoid()),
        "FusedConvBNAct_1.act is Sigmoid, and was nn.ReLU",
    ),
    "a part less": (lambda m: setattr(m.FusedConvBNAct_1, "act", None), "FusedConvBNAct_1.act is gone"),
    "a part more": (
        lambda m: setattr(m.FusedConvBNAct_1, "bn", nn.BatchNorm2d(4)),
        "FusedConvBNAct_1.bn is BatchNorm2d, and there was none",
    ),
    "another shape": (lambda m: setattr(m.FusedLinear_0, "linear", nn.Linear(64, 7)), "FusedLinear_0.linear has other"),
    "another weight": (
        lambda m: setattr(m.FusedLinear_0.linear, "weight", nn.Parameter(torch.zeros(7, 64))),
        "FusedLinear_0.linear.weight is of [7, 64], and was of [5, 64]",
    ),
    "no bias": (lambda m: setattr(m.FusedLinear_0.linear, "bias", None), "FusedLinear_0.linear.bias is gone"),
    "another attribute": (lambda m: setattr(m.FusedConvBNAct_0.bn, "eps", 0.1), "FusedConvBNAct_0.bn has other"),
    "a wrapper around a part": (
        lambda m: setattr(m.FusedLinear_0, "linear", nn.Sequential(m.FusedLinear_0.linear)),
        "FusedLinear_0.linear is Sequential",
    ),
    "a wrapper around a kernel": (
        lambda m: setattr(m, "FusedLinear_0", nn.Sequential(m.FusedLinear_0)),
        "FusedLinear_0 is Sequential, and was FusedLinear",
    ),
    "no kernel": (lambda m: delattr(m, "FusedLinear_0"), "FusedLinear_0 is gone"),
    "a parametrization": (
        lambda m: parametrizations.weight_norm(m.FusedLinear_0.linear),
        "FusedLinear_0.linear is ParametrizedLinear",
    ),
    "a forward": (lambda m: own_forward(m.FusedLinear_0.linear), "forward of FusedLinear_0.linear is another"),
    "a graph": (edit_graph, "its graph is another"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_refused(small_one, change, tmp_path):
    x, made, q = small_one
    edit, said = CHANGES[change]
    changed, changed_q = copy.deepcopy(made), copy.deepcopy(q)
    edit(changed)
    edit(changed_q)
    for use in (
        lambda: quantize(changed, (x,)),
        lambda: export_onnx(changed, tmp_path / "changed.onnx"),
        lambda: graftwork.fast_eval(changed),
        lambda: export_onnx(changed_q, tmp_path / "changed.onnx"),
    ):
        with pytest.raises(graftwork.Error) as caught:
            use()
        assert caught.value.code == "model.changed"
        assert said in caught.value.message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "edit",
    [
        lambda m: m.FusedLinear_0.linear.register_forward_hook(lambda *_: None),
        lambda m: m.train().requires_grad_(False),
        lambda m: m.bfloat16(),
        lambda m: m.load_state_dict(
            {name: value + 1 if value.is_floating_point() else value for name, value in m.state_dict().items()},
            assign=True,
        ),
        lambda m: setattr(m.FusedLinear_0, "linear", nn.Linear(64, 5)),
        lambda m: prune.l1_unstructured(m.FusedLinear_0.linear, "weight", 0.5),
        lambda m: setattr(m.FusedConvBNAct_0.bn, "momentum", None),
        nn.SyncBatchNorm.convert_sync_batchnorm,
        lambda m: m.recompile(),
    ],
)
def test_what_the_network_does_not_speak_of_may_change(small_one, edit):
    for model in map(copy.deepcopy, small_one[1:]):
        edit(model)
        model.check_unchanged()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, reloaded, lambda m: copy.deepcopy(reloaded(m))])
def test_copies_are_checked_as_the_model_is(small_one, copied):
    for model in small_one[1:]:
        other = copied(model)
        other.check_unchanged()
        edited = copy.deepcopy(other)
        edit_graph(edited)
        for changed in (edited, copied(edited)):
            with pytest.raises(graftwork.Error, match="its graph is another"):
                changed.check_unchanged()


def test_a_model_that_was_loaded_quantizes_and_exports(small_one, tmp_path):
    x, made, q = small_one
    models = {"made": made, "loaded": reloaded(made), "q": q, "again": quantize(reloaded(made), (x,))}
    for name, model in models.items():
        export_onnx(model, tmp_path / name)
    assert (tmp_path / "made").read_bytes() == (tmp_path / "loaded").read_bytes()
    assert (tmp_path / "q").read_bytes() == (tmp_path / "again").read_bytes()


def test_weights_that_are_no_longer_one():
    made = graftwork.transform(Tied().eval(), (torch.randn(2, 4),)).model
    made.check_unchanged()
    made.FusedLinear_1.linear.weight = nn.Parameter(torch.zeros(4, 4))
    with pytest.raises(graftwork.Error, match="weight is no longer FusedLinear_0"):
        made.check_unchanged()


def test_fast_evaluation_notices_when_it_prepares_again(small_one):
    x, made, _ = small_one
    fast = graftwork.fast_eval(copy.deepcopy(made))
    fast(x)
    fast.model.FusedLinear_0.linear = nn.Linear(64, 7)
    with pytest.raises(graftwork.Error, match=r"FusedLinear_0\.linear has other attributes"):
        fast(x)


def test_a_quantizer_that_quantize_did_not_enable(small_one, tmp_path):
    x, made, _ = small_one
    changed = copy.deepcopy(made)
    changed.FusedConvBNAct_0.weight_fake_quant.enable(torch.full((4,), 0.5))
    assert not torch.equal(changed(x), made(x))
    with pytest.raises(graftwork.Error, match="weight_fake_quant is enabled, and was not"):
        export_onnx(changed, tmp_path / "changed.onnx")


def test_a_stub_that_stands_nowhere_cannot_be_enabled(small_one):
    _, made, q = small_one
    with pytest.raises(graftwork.Error) as caught:
        made.FusedConvBNAct_0.input_quant_stubs[0].enable(torch.tensor(0.5))
    assert caught.value.code == "quantize.stub"
    placed = copy.deepcopy(q).quant_stub_0
    placed.enable(torch.tensor(0.5))
    assert placed.scale == 0.5
