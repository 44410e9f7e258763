"""quantize() in Python: what it returns, trains, saves and exports, beside the command and the C++ executor."""

import copy
import functools
import io
import json
import os
import signal
import threading

import numpy as np
import onnx
import onnxruntime
import pytest
import small_networks as networks
import torch
from graftwork import Error, transform
from graftwork.fake_quant import fake_quantize
from graftwork.onnx import export_onnx
from graftwork.quantize import (
    ActivationQuantConfig,
    CalibrationMethod,
    ModulesToSkip,
    Precision,
    QuantConfig,
    QuantizationPlan,
    QuantPolicy,
    TensorQuantConfig,
    WeightQuantConfig,
    freeze_weights,
    learn_scales,
    quantize,
)
from torch import nn

pytestmark = pytest.mark.filterwarnings("ignore:ranges of")

NETWORKS = {"residual": (networks.residual, networks.images), "encoder": (networks.encoder, networks.tokens)}
BATCH = torch.export.Dim("batch", min=1)


@functools.cache
def transformed(name):
    """The model, data and the transformed model: nobody changes them."""
    build, data = NETWORKS[name]
    model, x = build(), data()
    return model, x, transform(model, (x[:4],), dynamic_shapes=({0: BATCH},)).model


def quantized(name, config=None, **options):
    _, x, model = transformed(name)
    return quantize(model, (x,), config, **options)


@pytest.fixture(scope="module", params=NETWORKS)
def case(request):
    """name, model, data, its transformed form and its quantized one with frozen weights, for files in FP32."""
    model, x, made = transformed(request.param)
    q = quantize(made, (x,), forward_loop=lambda m: [m(x)], freeze_weights=True, float_type="fp32")
    return request.param, model, x, made, q


def run_file(path, x):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0])


def by_executor(model, x):
    """What the C++ executor makes of the network as the model has it now."""
    network = model.network_now(model.quantized.form)
    return network.run([network.tensors[name] for name in network.names], [x], any_batch=True)[0]


def assert_same_up_to_a_code(found, wanted):
    """Sums in another order may take a value over the border between two codes; nothing else may differ."""
    difference = (found - wanted).abs()
    assert (difference > 1e-5).float().mean() < 0.02
    assert difference.max() < 0.05 * wanted.abs().max()


class TestNumbers:
    def test_float_network_is_near(self, case):
        _, model, x, _, q = case
        with torch.no_grad():
            wanted, found = model(x), q(x)
        assert 10 * torch.log10(wanted.square().sum() / (wanted - found).square().sum()) > 25

    def test_executor_computes_the_same(self, case):
        _, _, x, _, q = case
        assert_same_up_to_a_code(q(x).detach(), by_executor(q, x))

    def test_file_computes_the_same(self, case, tmp_path):
        _, _, x, _, q = case
        export_onnx(q, tmp_path / "q.onnx")
        assert_same_up_to_a_code(run_file(tmp_path / "q.onnx", x), q(x).detach())

    @pytest.mark.parametrize(
        ("freeze", "options"),
        [
            (False, {}),
            (True, {}),
            (False, {"float_type": "fp32"}),
            (True, {"float_type": "bf16"}),
            (False, {"keep_batch_norm": True}),
        ],
    )
    @pytest.mark.parametrize("name", NETWORKS)
    def test_file_has_the_bytes_of_the_command(self, name, freeze, options, graftwork, tmp_path):
        model, x, made = transformed(name)
        torch.export.save(torch.export.export(model, (x[:4],), dynamic_shapes=({0: BATCH},)), tmp_path / "m.pt2")
        np.save(tmp_path / "x.npy", x.numpy())
        flags = ["--keep-bn"] if "keep_batch_norm" in options else []
        flags += ["--float", options["float_type"]] if "float_type" in options else []
        graftwork("quantize", "m.pt2", "--calibrate", "x.npy", *flags, "--quiet", "-o", "command.onnx", cwd=tmp_path)
        loop = lambda m: [m(x[:5]), m(x[5:])]  # noqa: E731
        export_onnx(quantize(made, (x,), forward_loop=loop, freeze_weights=freeze, **options), tmp_path / "python.onnx")
        assert (tmp_path / "python.onnx").read_bytes() == (tmp_path / "command.onnx").read_bytes()

    def test_size_of_batches_has_no_influence(self, case, tmp_path):
        name, _, x, made, q = case
        again = quantize(made, (x,), forward_loop=lambda m: [m(x[i : i + 1]) for i in range(len(x))], float_type="fp32")
        for model, file in ((q, "a.onnx"), (again, "b.onnx")):
            export_onnx(model, tmp_path / file)
        assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes(), name

    def test_loop_sees_what_the_float_network_gives(self, case):
        _, model, x, made, _ = case
        seen = []
        quantize(made, (x,), forward_loop=lambda m: [seen.append(m(x[:3])), seen.append(m(x=x[3:]))])
        torch.testing.assert_close(torch.cat(seen), model(x).detach(), rtol=1e-4, atol=1e-5)

    def test_arguments_alone_calibrate_too(self, case):
        _, _, x, made, q = case
        assert quantize(made, (x,), float_type="fp32").report.scales == q.report.scales


class TestStructure:
    def test_input_model_is_not_changed_and_is_shared(self, case):
        _, model, x, made, q = case
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        again = quantize(made, (x,))
        assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
        originals = {id(tensor) for tensor in [*model.parameters(), *model.buffers()]}
        changed = {name for name in again.report.changed}
        own = {name for name, tensor in again.named_parameters() if id(tensor) not in originals}
        assert own <= changed
        assert changed
        assert own or q.report.corrected_biases

    def test_stubs_are_shared_by_readers(self):
        q = quantized("residual")
        block, inner = q.FusedConvBNAddAct_0, q.FusedConvBNAct_0
        assert inner.input_quant_stubs[0] is block.input_quant_stubs[1] is q.quant_stub_1
        assert block.input_quant_stubs[0].enabled
        assert inner.conv is not None
        assert inner.quantized_weight is inner.conv.weight

    def test_skipped_module_stays_float(self):
        _, x, model = transformed("residual")
        stem = model.FusedConvBNActMaxPool_0.conv
        q = quantize(model, (x,), QuantConfig(skip=ModulesToSkip(stub={stem}, weight={stem})))
        assert q.FusedConvBNActMaxPool_0.weight_fake_quant is None
        assert not q.FusedConvBNActMaxPool_0.input_quant_stubs[0].enabled
        assert "skipped by the recipe" in str(q.plan)

    def test_plan_can_be_edited(self, case):
        _, _, x, made, q = case
        plan = QuantizationPlan.from_json(q.plan.to_json())
        for weight in plan.data["stubs"]["weights"]:
            weight["quantized"] = False
        for stub in plan.data["stubs"]["stubs"]:
            stub["apply"] = False
        assert not list(quantize(made, (x,), plan=plan).quantizers())

    def test_report_is_plain_data(self, case):
        report = case[4].report
        assert json.loads(json.dumps(report.to_dict()))["samples"] == len(case[2])
        assert "stubs" in str(report)
        assert "quant_stub_0" in report._repr_html_()

    @pytest.mark.parametrize("how", ["deepcopy", "pickle", "state_dict"])
    def test_copies_compute_and_export_the_same(self, case, how, tmp_path):
        _, _, x, made, q = case
        if how == "deepcopy":
            copied = copy.deepcopy(q)
        elif how == "pickle":
            file = io.BytesIO()
            torch.save(q, file)
            file.seek(0)
            copied = torch.load(file, weights_only=False)
        else:
            copied = copy.deepcopy(quantize(made, (x[:4] * 3,), freeze_weights=True, float_type="fp32"))
            copied.load_state_dict(q.state_dict())
        assert torch.equal(copied(x), q(x))
        assert str(copied.plan) == str(q.plan)
        export_onnx(copied, tmp_path / "copied.onnx")
        export_onnx(q, tmp_path / "q.onnx")
        if how != "state_dict":  # which says nothing of how many samples were seen
            assert (tmp_path / "copied.onnx").read_bytes() == (tmp_path / "q.onnx").read_bytes()
        assert_same_up_to_a_code(run_file(tmp_path / "copied.onnx", x), q(x).detach())


def train(model, x, parameters=None, steps=4, rate=0.02):
    """A few steps towards other results; the losses."""
    torch.manual_seed(0)
    target = torch.randn_like(model(x)) * 0.3
    optimizer = torch.optim.SGD(parameters or model.parameters(), rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.fixture(params=NETWORKS)
def trainable(request):
    _, x, made = transformed(request.param)
    return copy.deepcopy(quantize(made, (x,), float_type="fp32")), x


class TestTraining:
    def test_trained_weights_reach_the_file(self, trainable, tmp_path):
        q, x = trainable
        q.train()
        losses = train(q, x)
        assert losses[-1] < losses[0]
        assert all(parameter.grad is not None for parameter in q.parameters())
        q.eval()
        followed = q(x).detach()
        freeze_weights(q)
        assert_same_up_to_a_code(q(x).detach(), followed)
        export_onnx(q, tmp_path / "trained.onnx")
        assert_same_up_to_a_code(run_file(tmp_path / "trained.onnx", x), q(x).detach())
        assert_same_up_to_a_code(by_executor(q, x), q(x).detach())

    def test_learned_scales_reach_the_file(self, trainable, tmp_path):
        q, x = trainable
        scales = learn_scales(q)
        assert {id(p) for p in scales} <= {id(p) for p in q.parameters()}
        train(q, x, scales, rate=1)
        assert all(scale.abs().max() > 0 for scale in scales)
        q.eval()
        export_onnx(q, tmp_path / "learned.onnx")
        assert_same_up_to_a_code(run_file(tmp_path / "learned.onnx", x), q(x).detach())
        found = onnx.load(tmp_path / "learned.onnx")
        wanted = {round(float(s.current_scale()), 6) for _, s in q.quantizers() if s.current_scale().dim() == 0}
        numbers = {round(float(onnx.numpy_helper.to_array(i)), 6) for i in found.graph.initializer if not i.dims}
        assert wanted <= numbers

    def test_frozen_scales_stay_while_weights_change(self, trainable):
        q, _ = trainable
        freeze_weights(q)
        before = {path: quantizer.scale.clone() for path, quantizer in q.quantizers()}
        with torch.no_grad():
            for parameter in q.parameters():
                parameter.mul_(2)
        assert all(torch.equal(before[path], quantizer.current_scale()) for path, quantizer in q.quantizers())

    def test_scales_follow_the_weights(self):
        q = copy.deepcopy(quantized("residual"))
        layer = q.FusedConvBNAct_0
        weight = layer.conv.weight
        with torch.no_grad():
            weight.mul_(3)
        scale = weight.detach().abs().amax((1, 2, 3)) / 127
        torch.testing.assert_close(layer.weight_fake_quant(weight), fake_quantize(weight, scale, None, 0, -127, 127))


class TestExportByTorch:
    def test_export_keeps_fake_quantize(self, case):
        _, _, x, _, q = case
        program = torch.export.export(q, (x,))
        quantizers = [node for node in program.graph.nodes if "graftwork.fake_quantize" in str(node.target)]
        assert len(quantizers) == len(list(q.quantizers()))
        torch.testing.assert_close(program.module()(x), q(x))

    def test_scales_that_follow_are_exported_too(self):
        q, x = quantized("residual"), networks.images()
        torch.testing.assert_close(torch.export.export(q, (x,)).module()(x), q(x))

    def test_command_lists_them_among_what_it_does_not_take(self, case, graftwork, tmp_path):
        _, _, x, _, q = case
        torch.export.save(torch.export.export(q, (x,)), tmp_path / "q.pt2")
        np.save(tmp_path / "x.npy", x.numpy())
        done = graftwork.fails("quantize", "q.pt2", "--calibrate", "x.npy", "-o", "q.onnx", cwd=tmp_path)
        assert done.stderr.count("graftwork.fake_quantize.default") == len(list(q.quantizers()))
        assert "the network is quantized already; graftwork.onnx.export_onnx writes" in done.stderr
        with pytest.raises(Error, match="the network is quantized already"):
            transform(q, (x,))

    def test_torch_onnx(self, tmp_path):
        pytest.importorskip("onnxscript")
        q, x = quantized("residual", freeze_weights=True), networks.images()
        torch.onnx.export(q, (x,), tmp_path / "torch.onnx", dynamo=True, verbose=False)
        kinds = [node.op_type for node in onnx.load(tmp_path / "torch.onnx").graph.node]
        assert kinds.count("QuantizeLinear") >= sum(path.startswith("quant_stub") for path, _ in q.quantizers())
        assert_same_up_to_a_code(run_file(tmp_path / "torch.onnx", x), q(x).detach())

    def test_compile(self, case):
        _, _, x, _, q = case
        torch.testing.assert_close(torch.compile(q, backend="eager", fullgraph=True)(x), q(x))

    def test_float_model(self, case, tmp_path):
        _, model, x, made, _ = case
        export_onnx(made, tmp_path / "float.onnx", float_type="fp32")
        torch.testing.assert_close(run_file(tmp_path / "float.onnx", x), model(x).detach(), rtol=1e-4, atol=1e-4)


RECIPES = {
    "fp8": QuantConfig(TensorQuantConfig(Precision.FP8), WeightQuantConfig(Precision.FP8)),
    "int4": QuantConfig(weight=WeightQuantConfig(Precision.INT4, block_size=64)),
    "weights by mse": QuantConfig(weight=WeightQuantConfig(calibration_method=CalibrationMethod.MSE)),
    "one scale": QuantConfig(weight=WeightQuantConfig(per_channel=False)),
    "gptq": QuantConfig(weight=WeightQuantConfig(rounding="gptq")),
    "smooth": QuantConfig(smooth_quant=True),
    "equalized": QuantConfig(weight=WeightQuantConfig(cross_layer_equalization=True)),
    "percentile": QuantConfig(ActivationQuantConfig(calibration_method=CalibrationMethod.PERCENTILE, percentile=99)),
    "rules": QuantConfig(policy=QuantPolicy(rules=[{"match": {"name": "*1"}, "precision": "float"}])),
}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", NETWORKS)
def test_recipes(name, recipe, tmp_path):
    _, x, made = transformed(name)
    q = quantize(made, (x,), RECIPES[recipe], float_type="fp32")
    value = q(x).detach()
    assert_same_up_to_a_code(value, by_executor(q, x))
    export_onnx(q, tmp_path / "q.onnx")
    assert_same_up_to_a_code(run_file(tmp_path / "q.onnx", x), value)


def test_fp8_beyond_the_range_ends_at_448(tmp_path):
    """ONNX Runtime and the module saturate alike, and nothing is NaN."""
    _, x, made = transformed("encoder")
    q = quantize(made, (x,), RECIPES["fp8"], float_type="fp32")
    export_onnx(q, tmp_path / "q.onnx")
    codes = {i.data_type for i in onnx.load(tmp_path / "q.onnx").graph.initializer}
    assert onnx.TensorProto.FLOAT8E4M3FN in codes
    stub = next(quantizer for path, quantizer in q.quantizers() if path.startswith("quant_stub"))
    ends = 448 * stub.scale * torch.tensor([1.0, -1.0])
    torch.testing.assert_close(stub(torch.tensor([1e6, -1e6])), ends)
    assert_same_up_to_a_code(run_file(tmp_path / "q.onnx", 5 * x), q(5 * x).detach())


@pytest.mark.parametrize(("recipe", "method"), [("smooth", "smooth_quant"), ("equalized", "cross_layer_equalization")])
def test_report_says_what_was_rescaled(recipe, method):
    _, x, made = transformed("encoder" if recipe == "smooth" else "residual")
    pairs = quantize(made, (x,), RECIPES[recipe]).report.rescaled
    assert method in {pair["by"] for pair in pairs}
    assert all(pair["refusal"] or pair["readers"] for pair in pairs)


def test_affine_codes_run_and_are_refused_by_export(tmp_path):
    config = QuantConfig(TensorQuantConfig(symmetric=False), WeightQuantConfig(symmetric=False))
    q, x = quantized("residual", config, float_type="fp32"), networks.images()
    assert_same_up_to_a_code(q(x).detach(), by_executor(q, x))
    with pytest.raises(Error) as caught:
        export_onnx(q, tmp_path / "q.onnx")
    assert caught.value.code == "config.export"
    assert not (tmp_path / "q.onnx").exists()


class TestErrors:
    def fails(self, code, *arguments, **options):
        with pytest.raises(Error) as caught:
            quantize(*arguments, **options)
        assert caught.value.code == code
        return caught.value

    def test_model_that_is_not_transformed(self):
        self.fails("quantize.model", networks.residual(), (networks.images(),))

    def test_other_types_say_why(self):
        model = networks.residual().to(torch.float64)
        made = transform(model, (networks.images().double(),)).model
        assert "float32" in str(self.fails("quantize.type", made, (networks.images().double(),)))

    def test_quantized_network_takes_other_types(self):
        q, x = copy.deepcopy(quantized("residual", freeze_weights=True)), networks.images()
        wanted = q(x)
        torch.testing.assert_close(q.double()(x.double()).float(), wanted, rtol=0.1, atol=0.05)
        assert q.bfloat16()(x.bfloat16()).dtype == torch.bfloat16

    def test_no_data(self):
        _, x, made = transformed("residual")
        self.fails("data.empty", made, (x,), forward_loop=lambda m: None)

    def test_nothing_to_skip(self):
        _, x, made = transformed("residual")
        self.fails("config.skip", made, (x,), QuantConfig(skip=ModulesToSkip(stub={nn.GELU})))
        self.fails("config.skip", made, (x,), QuantConfig(skip=ModulesToSkip(stub={"nowhere"})))

    def test_what_the_loop_raises_passes(self):
        _, x, made = transformed("residual")

        def loop(model):
            raise OSError("the disk is gone")

        with pytest.raises(OSError, match="the disk is gone"):
            quantize(made, (x,), forward_loop=loop)

    def test_ctrl_c(self):
        _, x, made = transformed("residual")
        many = x.repeat(64, 1, 1, 1)

        def loop(model):
            model(many[:64])
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
            for _ in range(10_000):
                model(many)

        with pytest.raises(KeyboardInterrupt):
            quantize(made, (x,), forward_loop=loop)

    @pytest.mark.parametrize("options", [{"float_type": "fp8"}, {"weights": "int3"}, {"opset": 99}])
    def test_export_options(self, options, case, tmp_path):
        with pytest.raises(Error) as caught:
            export_onnx(case[4], tmp_path / "q.onnx", **options)
        assert caught.value.code.startswith("export.")

    def test_export_of_what_is_no_network(self, tmp_path):
        with pytest.raises(Error) as caught:
            export_onnx(nn.Linear(1, 1), tmp_path / "q.onnx")
        assert caught.value.code == "export.model"


def test_progress_is_told():
    seen = []
    x = networks.images()
    quantized("residual", forward_loop=lambda m: [m(x[:4]), m(x[4:])], progress=seen.append)
    assert seen == [4, 16]
