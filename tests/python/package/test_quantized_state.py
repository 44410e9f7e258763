"""What a quantized model keeps of the model it was made of, and what it carries when it is saved and loaded."""

import copy
import io

import pytest
import torch
from graftwork import Error, transform
from graftwork.modules.weight_fake_quantize import WeightFakeQuantize
from graftwork.onnx import export_onnx
from graftwork.quantize import QuantConfig, WeightQuantConfig, freeze_weights, learn_scales, quantize
from torch import nn
from torch.nn.utils import prune

pytestmark = pytest.mark.filterwarnings("ignore:ranges of")


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(288, 10),
    ).eval()


X = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))


def quantized(model=None, config=None, x=X, **options):
    made = transform(network() if model is None else model, (X,)).model
    return quantize(made, (x,), config, **options)


def written(model, path):
    export_onnx(model, path)
    return path.read_bytes()


class TestStateDict:
    def test_frozen_scales_are_loaded(self, tmp_path):
        q, fresh = freeze_weights(quantized()), quantized()
        with torch.no_grad():
            q.FusedLinear_0.linear.weight.mul_(0.5)
        file = io.BytesIO()
        torch.save(q.state_dict(), file)
        file.seek(0)
        fresh.load_state_dict(torch.load(file, weights_only=True))
        assert all(quantizer.frozen for _, quantizer in fresh.quantizers() if isinstance(quantizer, WeightFakeQuantize))
        assert torch.equal(fresh(X), q(X))
        assert written(fresh, tmp_path / "fresh.onnx") == written(q, tmp_path / "q.onnx")

    def test_scales_that_follow_go_on_as_they_did(self, tmp_path):
        config = QuantConfig(weight=WeightQuantConfig(calibration_method="percentile", percentile=90))
        q, fresh = quantized(config=config), freeze_weights(quantized())
        fresh.load_state_dict(q.state_dict())
        quantizer = fresh.FusedLinear_0.weight_fake_quant
        assert (quantizer.method, quantizer.percentile, quantizer.frozen) == ("percentile", 90, False)
        with torch.no_grad():
            for model in (q, fresh):
                model.FusedLinear_0.linear.weight.mul_(0.5)
        assert torch.equal(fresh(X), q(X))

    def test_learned_scales_are_loaded_and_go(self):
        q, fresh = quantized(), quantized()
        before = q.state_dict()
        for scale in learn_scales(q):
            nn.init.constant_(scale, 0.1)
        fresh.load_state_dict(q.state_dict())
        assert torch.equal(fresh(X), q(X))
        fresh.load_state_dict(before)
        assert all(quantizer.log_scale is None for _, quantizer in fresh.quantizers())
        assert torch.equal(fresh(X), quantized()(X))

    def test_stubs_share_a_learned_scale_after_loading(self):
        class Joined(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.b, self.head = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(16, 4)

            def forward(self, x):
                return self.head(torch.cat([self.a(x), self.b(x).relu()], 1))

        torch.manual_seed(0)
        x = torch.randn(8, 8)
        made = transform(Joined().eval(), (x,)).model
        q, fresh = quantize(made, (x,)), quantize(made, (x,))
        shared = learn_scales(q, weights=False)
        fresh.load_state_dict(q.state_dict())
        for model in (fresh, copy.deepcopy(fresh)):
            assert len({id(p) for name, p in model.named_parameters() if "log_scale" in name}) == len(shared)
            assert len(learn_scales(model, weights=False)) == len(shared)

    def test_transformed_model_has_no_more_keys(self):
        assert not [key for key in transform(network(), (X,)).model.state_dict() if "extra" in key]

    def test_dict_without_the_settings_is_refused_in_torchs_words(self):
        q = quantized()
        plain = {key: value for key, value in q.state_dict().items() if not key.endswith("_extra_state")}
        with pytest.raises(RuntimeError, match=r"Missing key\(s\).*weight_fake_quant._extra_state"):
            quantized().load_state_dict(plain)
        assert len(quantized().load_state_dict(plain, strict=False).missing_keys) == 3

    def test_every_value_is_a_tensor(self):
        assert all(isinstance(value, torch.Tensor) for value in quantized().state_dict().values())


class TestOriginal:
    """Parameters of the original are shared; what forward writes is not."""

    @pytest.mark.parametrize("correct", [True, False])
    def test_statistics_are_those_of_the_quantized_model(self, correct):
        model = network()
        q = quantized(model, QuantConfig(weight=WeightQuantConfig(bias_correction=correct)))
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        q.train()
        q(X)
        assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
        assert not torch.equal(q.FusedConvBNAct_0.bn.running_mean, model[1].running_mean)
        assert not model[1].training
        assert q.FusedConvBNAct_0.bn.weight is model[1].weight
        assert q.FusedConvBNAct_0.conv.weight is model[0].weight
        assert correct or not q.report.changed

    def test_what_is_frozen_stays_frozen(self):
        model = network()
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        model[6].weight.requires_grad_(True)
        q = quantized(model)
        assert q.report.corrected_biases == 3
        assert [name for name, p in q.named_parameters() if p.requires_grad] == ["FusedLinear_0.linear.weight"]

    @pytest.mark.parametrize("hooked", [False, True])
    def test_norms_in_evaluation_stay_there(self, hooked):
        model = network().train()
        model[1].eval()
        if hooked:  # then it is not the model's own module
            model[1].register_forward_hook(lambda *_: None)
        made = transform(model, (X,)).model
        q = quantize(made, (X,))
        for built in (made, q):
            assert built.training
            assert built.FusedConvBNAct_0.conv.training
            assert not built.FusedConvBNAct_0.bn.training

    def test_pruning_belongs_in_front_of_transform(self):
        made = transform(network(), (X,)).model
        prune.l1_unstructured(made.FusedLinear_0.linear, "weight", 0.5)
        with pytest.raises(Error, match=r"FusedLinear_0.linear.weight .* pruned") as caught:
            quantize(made, (X,))
        assert caught.value.code == "quantize.pruned"
        q = quantized()
        prune.l1_unstructured(q.FusedLinear_0.linear, "weight", 0.5)
        with pytest.raises(Error) as caught:
            q(X)
        assert caught.value.code == "quantize.pruned"
        prune.remove(q.FusedLinear_0.linear, "weight")
        assert (q.FusedLinear_0.weight_fake_quant(q.FusedLinear_0.linear.weight) == 0).float().mean() >= 0.5
        q(X).sum().backward()


class TestHooks:
    def test_hooks_on_layers_inside_of_kernels_run(self):
        q = copy.deepcopy(quantized())
        wanted = q(X)
        wanted.sum().backward()
        layer = q.FusedConvBNAct_0.conv
        gradient, layer.weight.grad = layer.weight.grad, None
        weights, outputs, gradients = [], [], []
        layer.register_forward_pre_hook(lambda module, _: weights.append(module.weight))
        layer.register_forward_hook(lambda *call: outputs.append(call[2]))
        layer.register_full_backward_hook(lambda *call: gradients.append(call[2]))
        found = q(X.clone().requires_grad_())
        found.sum().backward()
        assert torch.equal(found, wanted)
        assert torch.equal(layer.weight.grad, gradient)
        assert torch.equal(weights[0], q.FusedConvBNAct_0.weight_fake_quant(layer.weight))
        assert outputs[0].shape == (4, 8, 8, 8)
        assert len(gradients) == 1
        assert isinstance(layer.weight, nn.Parameter)

    def test_hooked_layers_compile_and_export(self):
        q = copy.deepcopy(quantized())
        for layer in (q.FusedConvBNAct_0.conv, q.FusedLinear_0.linear):
            layer.register_forward_hook(lambda module, args, output: output * 2)
        wanted = q(X)
        assert torch.equal(torch.compile(q, backend="eager", fullgraph=True)(X), wanted)
        assert torch.equal(torch.export.export(q, (X,)).module()(X), wanted)
        assert torch.equal(copy.deepcopy(q)(X), wanted)
        assert not torch.equal(quantized()(X), wanted)

    def test_hooks_do_not_run_where_the_weight_is_computed(self):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
        q = quantized(model.eval())
        layer = q.FusedConvBN_0.conv  # of the weight of a linear layer, reshaped
        wanted, ran = q(X), []
        layer.register_forward_hook(lambda *_: ran.append(True))
        assert torch.equal(q(X), wanted)
        assert not ran


class TestQuantizers:
    def test_disabled_ones_are_named_by_export(self, tmp_path):
        q = copy.deepcopy(quantized())
        scale = q.quant_stub_0.scale
        q.quant_stub_0.disable()
        with pytest.raises(Error, match="quant_stub_0 was disabled") as caught:
            export_onnx(q, tmp_path / "q.onnx")
        assert caught.value.code == "quantize.disabled"
        assert not (tmp_path / "q.onnx").exists()
        q.quant_stub_0.enable(scale)
        assert written(q, tmp_path / "q.onnx") == written(quantized(), tmp_path / "again.onnx")

    def test_learning_twice_keeps_what_was_learned(self):
        q = copy.deepcopy(quantized())
        first = learn_scales(q)
        nn.init.constant_(first[0], 0.5)
        again = learn_scales(q)
        assert all(a is b for a, b in zip(first, again, strict=True))
        assert (again[0] == 0.5).all()

    def test_frozen_scales_can_be_learned(self):
        q = freeze_weights(copy.deepcopy(quantized()))
        learn_scales(q)
        quantizer = q.FusedLinear_0.weight_fake_quant
        assert not quantizer.frozen
        assert not quantizer.follows
        freeze_weights(q)
        assert quantizer.frozen
        assert quantizer.log_scale is None

    @pytest.mark.parametrize("function", [learn_scales, freeze_weights])
    def test_other_models_are_refused(self, function):
        with pytest.raises(Error) as caught:
            function(transform(network(), (X,)).model)
        assert caught.value.code == "quantize.model"
