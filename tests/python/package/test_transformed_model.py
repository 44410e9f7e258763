"""`transform(...).model` is an ordinary PyTorch module over the modules and parameters of the original."""

import copy
import io
import threading

import graftwork
import pytest
import torch
from graftwork.graph_module import TransformedModel
from graftwork.quantize import quantize
from graftwork.quantize.quantized_model import QuantizedModel
from package_networks import Encoder, Functional, ResidualNet, Tied
from torch import nn
from torch.nn.utils import prune
from torch.utils.checkpoint import checkpoint


def same(a, b):
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def ids(tensors):
    return {id(tensor) for tensor in tensors}


def test_it_computes_what_the_model_computes(residual):
    same(residual.made(residual.x), residual.model(residual.x))


def test_parameters_and_buffers_are_the_originals(residual):
    assert ids(residual.made.parameters()) == ids(residual.model.parameters())
    assert ids(residual.made.buffers()) == ids(residual.model.buffers())
    assert len(list(residual.made.parameters())) == len(list(residual.model.parameters()))


def test_it_says_what_it_takes_and_gives():
    class Two(nn.Module):
        def forward(self, x, tokens):
            return x.mean(1), tokens + 1

    free = torch.export.Dim("rows", min=2)
    given = (torch.randn(3, 4), torch.ones(3, 5, dtype=torch.int64))
    info = graftwork.transform(Two(), given, dynamic_shapes=({0: free}, None)).model.info
    x, tokens = info.inputs
    assert (x.name, x.dtype, x.shape[1]) == ("x", torch.float32, 4)
    assert isinstance(x.shape[0], str)
    assert tokens == ("tokens", torch.int64, (3, 5))
    mean, more = info.outputs
    assert mean.shape == x.shape[:1]
    assert (more.dtype, more.shape) == (torch.int64, (3, 5))


def test_children_are_fused_modules_around_the_original_modules(residual):
    stem = residual.made.FusedConvBNActMaxPool_0
    assert stem.conv is residual.model.conv1
    assert stem.bn is residual.model.bn1
    assert stem.act is residual.model.relu
    assert stem.pool is residual.model.maxpool
    assert residual.made.FusedConvBNAddAct_0.conv is residual.model.layer1.conv2


def test_it_trains_as_the_model_does(residual):
    reference, made = copy.deepcopy(residual.model).train(), copy.deepcopy(residual.made).train()
    for _ in range(2):
        same(made(residual.x), reference(residual.x))
    reference(residual.x).square().sum().backward()
    made(residual.x).square().sum().backward()
    stem = made.FusedConvBNActMaxPool_0
    same(stem.conv.weight.grad, reference.conv1.weight.grad)
    same(stem.bn.running_mean, reference.bn1.running_mean)
    same(stem.bn.running_var, reference.bn1.running_var)
    assert int(stem.bn.num_batches_tracked) == 3
    classifier = made.FusedConvBN_1.conv  # a 1×1 convolution on a view of the linear layer's weight
    same(classifier.fc_weight.grad, reference.fc.weight.grad)


def test_gradients_reach_the_originals(residual):
    residual.made(residual.x).sum().backward()
    assert all(parameter.grad is not None for parameter in residual.model.parameters())


def test_each_module_has_its_own_mode(residual):
    reference, made = copy.deepcopy(residual.model).train(), copy.deepcopy(residual.made).train()
    reference.bn1.eval()
    made.FusedConvBNActMaxPool_0.bn.eval()
    same(made(residual.x), reference(residual.x))


def test_the_mode_of_the_model_is_that_of_the_original():
    model = ResidualNet().train()
    model.bn1.eval()
    made = graftwork.transform(model, (torch.randn(4, 3, 32, 32),)).model
    assert made.training
    assert model.training
    assert model.layer1.bn1.training
    assert not model.bn1.training


def test_hooks_run(residual):
    seen = []
    residual.made.FusedConvBNAct_0.register_forward_hook(lambda *_: seen.append("kernel"))
    residual.made.FusedConvBNAct_0.conv.register_forward_pre_hook(lambda *_: seen.append("part"))
    residual.made(residual.x)
    assert seen == ["part", "kernel"]


def test_a_child_can_be_called_alone(residual):
    model, stem = residual.model, residual.made.FusedConvBNActMaxPool_0
    same(stem(residual.x), model.maxpool(torch.relu(model.bn1(model.conv1(residual.x)))))


def test_a_child_can_be_replaced(residual):
    other = copy.deepcopy(residual.model.conv1)
    nn.init.zeros_(other.weight)
    before = residual.made(residual.x)
    residual.made.FusedConvBNActMaxPool_0.conv = other
    assert not torch.allclose(residual.made(residual.x), before)


def test_a_part_can_be_pruned(residual):
    prune.random_unstructured(residual.made.FusedConvBNAct_0.conv, "weight", 0.5)
    same(residual.made(residual.x), residual.model(residual.x))  # it is the model's own convolution


def test_copies_are_apart(residual):
    copied = copy.deepcopy(residual.made)
    same(copied(residual.x), residual.made(residual.x))
    assert not ids(copied.parameters()) & ids(residual.made.parameters())


def test_it_pickles(residual):
    file = io.BytesIO()
    torch.save(residual.made, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    same(loaded(residual.x), residual.made(residual.x))
    assert type(loaded.FusedConvBN_1) is type(residual.made.FusedConvBN_1)
    assert loaded.print_readable() == residual.made.print_readable()


def test_state_dict_has_each_tensor_once_and_loads(residual):
    state = {name: value.clone() for name, value in residual.made.state_dict().items()}
    assert len(state) == len(residual.model.state_dict())
    other = copy.deepcopy(residual.made)
    for parameter in other.parameters():
        nn.init.zeros_(parameter)
    other.load_state_dict(state)
    same(other(residual.x), residual.made(residual.x))


OWN = sorted(
    {name for kind in (TransformedModel, QuantizedModel) for name in [*vars(kind), *kind.__annotations__]}
    - {name for name in dir(torch.fx.GraphModule)}
)


@pytest.mark.parametrize("folder", [False, True], ids=["part", "folder"])
def test_parts_may_be_called_as_our_own_attributes(folder):
    assert {"info", "report", "plan", "tensors", "adopt"} <= set(OWN)

    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            for name in OWN:
                part = nn.MaxPool2d(1)
                self.add_module(name, nn.ModuleDict({"pool": part}) if folder else part)

        def forward(self, x):
            for name in OWN:
                part = getattr(self, name)
                x = part["pool"](x) if folder else part(x)
            return x

    x = torch.randn(2, 3, 4, 4)
    named = Named().eval()
    q = quantize(graftwork.transform(named, (x,)).model, (x,))
    same(q(x), named(x))
    assert q.report.samples == 2


def test_what_the_page_says_differs_from_the_model():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Dropout(0.5), nn.Flatten()).eval()
    made = graftwork.transform(model, (torch.randn(2, 3, 4, 4),)).model
    assert list(made.state_dict()) == ["FusedConvBN_0.conv.weight", "FusedConvBN_0.conv.bias"]
    assert not any(isinstance(part, nn.Dropout) for part in made.modules())
    made.train()
    assert model[0].training
    assert not model.training


def test_functional_call_takes_other_parameters(residual):
    zeros = {name: torch.zeros_like(value) for name, value in residual.made.named_parameters()}
    assert not torch.func.functional_call(residual.made, zeros, (residual.x,)).any()


def test_functional_gradients(residual):
    def loss(parameters):
        return torch.func.functional_call(residual.made, parameters, (residual.x,)).square().sum()

    parameters = {name: value.detach() for name, value in residual.made.named_parameters()}
    gradients = torch.func.grad(loss)(parameters)
    assert all(gradient.any() for gradient in gradients.values())


def test_vmap_and_forward_mode(residual):
    parameters = dict(residual.made.named_parameters())
    rows = torch.func.vmap(lambda x: torch.func.functional_call(residual.made, parameters, (x[None],))[0])(residual.x)
    same(rows, residual.made(residual.x))
    assert torch.func.jvp(residual.made, (residual.x,), (torch.ones_like(residual.x),))[1].shape == (4, 10)


def test_autocast(residual):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got, wanted = residual.made(residual.x), residual.model(residual.x)
    assert got.dtype == wanted.dtype
    torch.testing.assert_close(got, wanted, atol=0.05, rtol=0.05)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_element_types(residual, dtype):
    made, model = copy.deepcopy(residual.made).to(dtype), copy.deepcopy(residual.model).to(dtype)
    tolerance = 1e-6 if dtype == torch.float64 else 0.1
    torch.testing.assert_close(made(residual.x.to(dtype)), model(residual.x.to(dtype)), atol=tolerance, rtol=tolerance)


def test_meta_tensors(residual):
    assert copy.deepcopy(residual.made).to("meta")(residual.x.to("meta")).shape == (4, 10)


def test_another_batch_and_size(residual):
    x = torch.randn(2, 3, 32, 32)
    same(residual.made(x), residual.model(x))


def test_it_compiles_whole(residual):
    same(torch.compile(residual.made, backend="eager", fullgraph=True)(residual.x), residual.made(residual.x))


def test_it_exports(residual):
    program = torch.export.export(residual.made, (residual.x,))
    same(program.module()(residual.x), residual.made(residual.x))
    first = next(node for node in program.graph.nodes if node.op == "call_function")
    assert next(reversed(first.meta["nn_module_stack"].values()))[0] == "FusedConvBNActMaxPool_0.conv"


def test_a_transformed_model_transforms(residual):
    again = graftwork.transform(residual.made, (residual.x,))
    same(again.model(residual.x), residual.made(residual.x))
    assert again.model.FusedConvBNActMaxPool_0.conv is residual.model.conv1


def test_checkpointing(residual):
    x = residual.x.clone().requires_grad_()
    checkpoint(residual.made, x, use_reentrant=False).sum().backward()
    assert x.grad.any()


def test_four_threads(residual):
    wanted, got = residual.made(residual.x), []
    threads = [threading.Thread(target=lambda: got.append(residual.made(residual.x))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4
    for result in got:
        same(result, wanted)


@pytest.mark.parametrize(
    ("make", "shape"), [(Encoder, (2, 8, 32)), (Functional, (2, 3, 8, 8)), (Tied, (2, 4))], ids=lambda v: str(v)
)
def test_other_networks_train_compile_copy_and_pickle(make, shape):
    torch.manual_seed(0)
    model, x = make().eval(), torch.randn(shape)
    made = graftwork.transform(model, (x,)).model
    wanted = model(x)
    same(made(x), wanted)
    assert ids(made.parameters()) == ids(model.parameters())
    same(torch.compile(made, backend="eager", fullgraph=True)(x), wanted)
    same(torch.export.export(made, (x,)).module()(x), wanted)
    same(copy.deepcopy(made)(x), wanted)
    file = io.BytesIO()
    torch.save(made, file)
    file.seek(0)
    same(torch.load(file, weights_only=False)(x), wanted)
    made(x).square().sum().backward()
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    model(x).square().sum().backward()
    for gradient, parameter in zip(gradients, model.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad, atol=1e-4, rtol=1e-3)


class InPlaceTwice(nn.Module):
    """An activation in place on what a later sum reads too: written, not what was there before."""

    def __init__(self):
        super().__init__()
        self.conv, self.act = nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.conv(x)
        return self.act(y) + y * 2 + self.act(x.clone())[:, :1]


def test_what_computes_in_place_spoils_nothing():
    torch.manual_seed(0)
    model, x = InPlaceTwice(), torch.randn(2, 3, 4, 4)
    made = graftwork.transform(model, (x,)).model
    kept = x.clone()
    same(made(x), model(x))
    assert torch.equal(x, kept)


class Hooked(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        return self.linear(x)


@pytest.mark.parametrize("momentum", [None, 0.3])
@pytest.mark.parametrize("is_rebuilt", [False, True])
def test_statistics_move_as_those_of_the_model(momentum, is_rebuilt):
    """Also in a quantized model, whose norm is another when biases are corrected."""
    from graftwork.quantize import quantize

    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, momentum=momentum), nn.ReLU(), nn.Conv2d(4, 4, 3))
    if is_rebuilt:
        model[1].register_forward_hook(lambda *_: None)
    batches = torch.randn(65, 2, 3, 8, 8)
    for x in batches[:3]:
        model(x)
    reference = copy.deepcopy(model)
    made = graftwork.transform(model, (batches[0],)).model
    q = copy.deepcopy(quantize(made, (batches[0],), forward_loop=lambda m: [m(x) for x in batches]))
    norms = [reference[1], made.FusedConvBNAct_0.bn, q.FusedConvBNAct_0.bn]
    assert (norms[1] is model[1]) == (not is_rebuilt)
    starts = [norm.running_var.clone() for norm in norms]
    for x in batches[:5]:
        for one in (reference, made, q):
            one.train()(x)
    assert [int(norm.num_batches_tracked) for norm in norms] == [8, 8, 8]
    assert [norm.momentum for norm in norms] == [momentum] * 3
    same(norms[1].running_var, norms[0].running_var)
    torch.testing.assert_close(norms[2].running_var, norms[0].running_var, atol=0.02, rtol=0.05)
    assert not any(torch.equal(norm.running_var, start) for norm, start in zip(norms, starts, strict=True))
    assert "FusedConvBNAct_0.bn.num_batches_tracked" in q.state_dict()
    assert int(model[1].num_batches_tracked) == 8  # the very counter, as the statistics are the very ones


@pytest.mark.parametrize("rounding", ["nearest", "adaround"])
def test_what_was_made_in_inference_mode_trains(rounding):
    from graftwork.quantize import QuantConfig, WeightQuantConfig, quantize

    torch.manual_seed(0)
    model, config = Hooked().eval(), QuantConfig(weight=WeightQuantConfig(rounding=rounding))
    if rounding == "adaround":
        config.weight.rounding_iterations = 3
    with torch.inference_mode():
        data = torch.randn(64, 4)
        seen = []
        made = graftwork.transform(model, (data,)).model
        q = quantize(made, (data,), config, lambda m: seen.append((m(data), torch.is_grad_enabled())))
        assert torch.is_inference_mode_enabled()
    assert not seen[0][0].is_inference()
    assert not seen[0][1]
    for one in (made, q):
        one.train()(torch.randn(2, 4)).sum().backward()
        assert all(parameter.grad is not None for parameter in one.parameters())


def test_shallow_copies_share_all_but_attributes(residual):
    from graftwork.quantize import quantize

    for one in (residual.made, quantize(residual.made, (residual.x.repeat(16, 1, 1, 1),))):
        one.register_forward_hook(lambda module, args, result: result + 1)
        copied = copy.copy(one)
        assert type(copied).__mro__[1:] == type(one).__mro__[1:]
        assert ids(copied.parameters()) == ids(one.parameters())
        same(copied(residual.x), one(residual.x))
        assert copied.state_dict().keys() == one.state_dict().keys()
        copied.eval().FusedConvBNAct_0 = nn.Identity()
        assert not isinstance(one.FusedConvBNAct_0, nn.Identity)
    assert copied.report is one.report
    assert str(copied.plan) == str(one.plan)


def test_a_class_is_called_what_it_is(residual):
    for one in (residual.made, copy.copy(residual.made), copy.deepcopy(copy.deepcopy(residual.made))):
        kind = type(one)
        assert kind.__name__ == kind.__qualname__ == "TransformedModel"
        assert kind.__module__ == graftwork.TransformedModel.__module__
        assert kind.__base__ is graftwork.TransformedModel


def test_a_hook_that_was_captured_does_not_run_twice():
    model, x = Hooked(), torch.randn(2, 4)
    model.linear.register_forward_hook(lambda module, args, result: result * 3)
    made = graftwork.transform(model, (x,)).model
    same(made(x), model(x))
    assert ids(made.parameters()) == ids(model.parameters())


@pytest.mark.parametrize("padding", [{"padding": "same"}, {"padding": 1, "padding_mode": "reflect"}])
def test_convolutions_that_pad_in_other_ways(padding):
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Conv2d(3, 4, 3, **padding), nn.ReLU()).eval(), torch.randn(1, 3, 6, 6)
    made = graftwork.transform(model, (x,)).model
    same(made(x), model(x))
    is_original = made.FusedConvBNAct_0.conv is model[0]
    assert is_original == ("padding_mode" not in padding)


def test_the_executor_and_fast_evaluation_agree(residual):
    network = residual.made.info.network
    same(network.run(residual.made.tensors(), [residual.x])[0], residual.model(residual.x))
    fast = graftwork.fast_eval(residual.made)
    same(fast(residual.x), residual.model(residual.x).detach())
    prepared = fast._prepared[1]
    fast(x=residual.x)
    assert fast._prepared[1] is prepared
    with torch.no_grad():
        residual.model.conv1.weight.mul_(1.5)
    same(fast(residual.x), residual.model(residual.x).detach())
    assert fast._prepared[1] is not prepared
    same(copy.deepcopy(fast)(residual.x), residual.model(residual.x).detach())


def test_fast_evaluation_leaves_training_to_the_model(residual):
    fast = graftwork.fast_eval(residual.made).train()
    assert fast(residual.x).requires_grad
