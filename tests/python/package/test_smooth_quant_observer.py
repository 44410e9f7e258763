"""What a fused layer norm knows of its channels once SmoothQuant has run, and that nothing else comes of it."""

import copy
import io

import pytest
import small_networks as networks
import torch
from graftwork import transform
from graftwork.modules import FusedModule
from graftwork.onnx import export_onnx
from graftwork.quantize import ModulesToSkip, QuantConfig, SmoothQuantObserver, quantize

pytestmark = pytest.mark.filterwarnings("ignore:ranges of")

SMOOTH = QuantConfig(smooth_quant=True)


@pytest.fixture(scope="module")
def case():
    """The model, data, the transformed model and the one that was quantized with SmoothQuant."""
    model, x = networks.encoder(), networks.tokens()
    made = transform(model, (x[:4],), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},)).model
    return model, x, made, quantize(made, (x,), SMOOTH, freeze_weights=True, float_type="fp32")


def observers(model):
    return {name: module for name, module in model.named_modules() if isinstance(module, SmoothQuantObserver)}


def norms(model):
    return [module for module in model.modules() if type(module).__name__ == "FusedLayerNorm"]


def test_each_fused_layer_norm_has_one(case):
    _, _, made, q = case
    for model in (made, q):
        found = [module.smooth_quant_observer for module in norms(model)]
        assert len(found) == 2
        assert list(observers(model).values()) == found
        assert not any(hasattr(m, "smooth_quant_observer") for m in model.modules() if not isinstance(m, FusedModule))


def test_it_holds_what_the_norms_give(case):
    model, x, made, q = case
    with torch.no_grad():
        given = {}
        for norm in (model.norm1, model.norm2):
            norm.register_forward_hook(lambda module, _, y: given.update({module: y}))
        model(x)
        for norm in (model.norm1, model.norm2):
            norm._forward_hooks.clear()
    by_norm = {kernel.norm: kernel.smooth_quant_observer for kernel in norms(made)}
    assert set(by_norm) == {model.norm1, model.norm2}
    assert not any(observer.filled for observer in by_norm.values()), "the given model stays as it is"
    for observer, norm in zip(observers(q).values(), (model.norm1, model.norm2), strict=True):
        assert observer.channel_amax.dtype == torch.float32
        torch.testing.assert_close(observer.channel_amax, given[norm].abs().amax((0, 1)), rtol=1e-4, atol=1e-5)


def test_it_is_empty_where_nothing_is_smoothed(case):
    _, x, made, _ = case
    plain = quantize(made, (x,))
    assert [observer.channel_amax.shape for observer in observers(plain).values()] == [(0,), (0,)]
    assert not [key for key in plain.state_dict() if "observer" in key]
    skipped = quantize(made, (x,), QuantConfig(smooth_quant=True, skip=ModulesToSkip(smooth={"norm1"})))
    assert [observer.filled for observer in observers(skipped).values()] == [False, True]


def test_repr_shows_it(case):
    _, _, made, q = case
    assert "(smooth_quant_observer): SmoothQuantObserver(empty)" in repr(norms(made)[0])
    assert "SmoothQuantObserver(channel_amax of [32], " in repr(norms(q)[0])
    assert "smooth_quant_observer" not in q.print_readable()


def test_state_dict_keeps_it(case):
    _, x, made, q = case
    kept = [key for key in q.state_dict() if key.endswith("smooth_quant_observer.channel_amax")]
    assert len(kept) == 2
    other = copy.deepcopy(q)
    for observer in observers(other).values():
        observer.fill(torch.empty(0))
    other.load_state_dict(q.state_dict())
    for name, observer in observers(other).items():
        assert torch.equal(observer.channel_amax, q.get_submodule(name).channel_amax)
    assert list(other.state_dict()) == list(q.state_dict())
    plain = quantize(made, (x,), freeze_weights=True)
    other = copy.deepcopy(plain)
    for observer in observers(other).values():
        observer.fill(torch.ones(3))
    other.load_state_dict(plain.state_dict())  # which says nothing of observers
    assert not any(observer.filled for observer in observers(other).values())
    assert list(other.state_dict()) == list(plain.state_dict())


def test_copies_and_pickles_have_it(case):
    q, file = case[3], io.BytesIO()
    torch.save(q, file)
    file.seek(0)
    for other in (copy.deepcopy(q), torch.load(file, weights_only=False)):
        for name, observer in observers(q).items():
            found = other.get_submodule(name).channel_amax
            assert torch.equal(found, observer.channel_amax)
            assert found.data_ptr() != observer.channel_amax.data_ptr()
        assert list(other.state_dict()) == list(q.state_dict())


def test_it_stays_float32(case):
    q = copy.deepcopy(case[3]).half()
    for name, observer in observers(q).items():
        assert observer.channel_amax.dtype == torch.float32
        assert torch.equal(observer.channel_amax, case[3].get_submodule(name).channel_amax)


def without_observers(model):
    model = copy.deepcopy(model)
    for name in observers(model):
        kernel, _, child = name.rpartition(".")
        delattr(model.get_submodule(kernel), child)
    return model


@pytest.mark.parametrize("which", ["transformed", "quantized"])
def test_nothing_else_comes_of_it(case, which, tmp_path):
    _, x, made, q = case
    model = made if which == "transformed" else q
    bare = without_observers(model)
    assert torch.equal(model(x), bare(x))
    for one, name in ((model, "with.onnx"), (bare, "without.onnx")):
        export_onnx(one, tmp_path / name)
    assert (tmp_path / "with.onnx").read_bytes() == (tmp_path / "without.onnx").read_bytes()
    program = torch.export.export(model, (x,))
    torch.testing.assert_close(program.module()(x), model(x))
    calls = [
        [str(node.target) for node in p.graph.nodes if node.op == "call_function"]
        for p in (program, torch.export.export(bare, (x,)))
    ]
    assert calls[0] == calls[1]
    if which == "transformed":
        again = transform(program.module(), (x,)).model
        torch.testing.assert_close(again(x), model(x), rtol=1e-4, atol=1e-4)
