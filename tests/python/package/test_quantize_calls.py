"""How quantize() is called: loops, arguments, what is refused and when; and what torch's exporters make of it."""

import onnx
import pytest
import torch
from graftwork import Error, fast_eval, transform
from graftwork.quantize import ModulesToSkip, QuantConfig, SmoothQuantConfig, quantize
from torch import nn

pytestmark = pytest.mark.filterwarnings("ignore:ranges of")


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 4)).eval()


X = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def res():
    return transform(network(), (X,))


@pytest.fixture(scope="module")
def q(res):
    return quantize(res.model, (X,))


def refusal(function, *args, **options):
    with pytest.raises(Error) as caught:
        function(*args, **options)
    return caught.value


class TestBeforeTheLoop:
    """Nobody waits for a loop to hear that the recipe is wrong."""

    def never(self, model):
        raise AssertionError("the loop was called")

    def test_plan_of_another_network(self, res, q):
        plan = q.plan
        plan.data["stubs"]["graph"] = "of another network"
        assert refusal(quantize, res.model, (X,), plan=plan, forward_loop=self.never).code == "plan.graph"

    @pytest.mark.parametrize(
        ("config", "code"),
        [
            (QuantConfig(skip=ModulesToSkip(stub={"nowhere"})), "config.skip"),
            (QuantConfig(skip=ModulesToSkip(weight={"nowhere"})), "config.skip"),
            (QuantConfig(skip=ModulesToSkip(smooth={"nowhere"}), smooth_quant=True), "config.skip"),
            (QuantConfig(smooth_quant=SmoothQuantConfig(pairs={"nowhere": 0.5})), "config.smooth_quant"),
        ],
    )
    def test_recipe(self, res, config, code):
        assert refusal(quantize, res.model, (X,), config, self.never).code == code


class TestLoop:
    def test_may_ask_the_model_for_its_parameters(self, res):
        asked = []

        def loop(model):
            asked.extend([next(model.parameters()), model.get_submodule("FusedLinear_0"), len(list(model.buffers()))])
            model.train().to("meta")
            for _ in range(4):
                model(X)

        quantize(res.model, (X,), forward_loop=loop)
        assert asked[0] is next(res.model.parameters())
        assert asked[1] is res.model.FusedLinear_0
        assert asked[2] == len(list(res.model.buffers()))
        assert not res.model.training
        assert asked[0].device.type == "cpu"
        with pytest.raises(AttributeError, match="no_such_thing"):
            quantize(res.model, (X,), forward_loop=lambda model: model.no_such_thing)

    @pytest.mark.parametrize(
        ("loop", "hint"),
        [
            (lambda model: None, "calls its argument"),
            (lambda model: [network()(X)], "calls its argument"),
            (lambda model: (model(x) for x in [X]), "iterator"),
            (lambda model: map(model, [X]), "iterator"),
        ],
    )
    def test_that_never_calls_its_argument(self, res, loop, hint):
        error = refusal(quantize, res.model, (X,), forward_loop=loop)
        assert (error.code, error.message) == ("data.empty", "forward_loop never called the model that it was given")
        assert hint in error.hint

    def test_batches_that_take_too_much(self, res):
        error = refusal(quantize, res.model, (X,), memory_limit=1000)
        assert error.code == "memory.limit"
        assert "--memory-limit" not in str(error)
        quantize(res.model, (X,), memory_limit=1 << 30)

    def test_data_that_do_not_fit(self, res):
        message = refusal(quantize, res.model, (X,), forward_loop=lambda m: m(X[:, :2])).message
        assert message.startswith("the input is f32[4, 3, 8, 8]")


class TestArguments:
    def test_by_name(self, res, q):
        assert quantize(res.model, (), kwargs={"input": X}).report.scales == q.report.scales

    def test_that_are_no_tuple(self, res):
        error = refusal(quantize, res.model, X)
        assert (error.code, error.message) == ("quantize.args", "args is a Tensor, not a tuple")

    def test_that_are_too_many(self, res):
        with pytest.raises(TypeError, match=r"takes 1 \(input\), 4 given by position"):
            quantize(res.model, tuple(X))


class TestModels:
    def test_quantized_already(self, res, q):
        assert "already" in refusal(quantize, q, (X,)).message
        for model in (q, nn.Sequential(q, nn.ReLU())):
            error = refusal(transform, model, (X,))
            assert error.code == "pt2.unsupported"
            assert "the network is quantized already" in str(error)

    def test_result_in_place_of_its_model(self, res):
        error = refusal(quantize, res, (X,))
        assert error.code == "quantize.model"
        assert "res.model" in error.hint

    def test_a_module_that_had_a_hook_goes_by_its_path(self):
        model = network()
        model[0].register_forward_hook(lambda *_: None)
        made = transform(model, (X,)).model
        error = refusal(quantize, made, (X,), QuantConfig(skip=ModulesToSkip(stub={model[0]})))
        assert error.code == "config.skip"
        assert "it has a hook" in error.hint
        skipped = quantize(made, (X,), QuantConfig(skip=ModulesToSkip(stub={"0"}, weight={"0"})))
        assert skipped.FusedConvBNAct_0.weight_fake_quant is None


class TestFastEvaluation:
    def test_takes_transformed_models_alone(self, q):
        assert "quantized" in refusal(fast_eval, q).message
        assert refusal(fast_eval, nn.Linear(1, 1)).code == "fast.model"

    def test_refresh_sees_what_was_written_past_autograd(self):
        model = transform(network(), (X,)).model
        fast = fast_eval(model)
        fast(X)
        model.FusedLinear_0.linear.weight.data.mul_(2)
        fast.refresh()
        torch.testing.assert_close(fast(X), model(X).detach())


class TestTorchOnnx:
    def test_scales_that_follow(self, q, tmp_path):
        pytest.importorskip("onnxscript")
        torch.onnx.export(q, (X,), tmp_path / "q.onnx", dynamo=True, verbose=False)
        kinds = [node.op_type for node in onnx.load(tmp_path / "q.onnx").graph.node]
        assert kinds.count("QuantizeLinear") == len(list(q.quantizers()))

    @pytest.mark.filterwarnings("ignore")
    def test_the_old_exporter_is_refused(self, q, tmp_path):
        assert refusal(torch.onnx.export, q, (X,), tmp_path / "q.onnx", dynamo=False).code == "onnx.exporter"
