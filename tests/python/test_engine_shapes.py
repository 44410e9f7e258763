"""What an engine makes of a file: it takes it, and its values have PyTorch's shapes and numbers."""

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import support


class Function(nn.Module):
    """A function as a network, behind nothing or a layer."""

    def __init__(self, function, layer=None):
        super().__init__()
        self.function = function
        self.layer = layer or nn.Identity()

    def forward(self, *inputs):
        return self.function(self.layer(inputs[0]), *inputs[1:])


class Engine(support.Small):
    """The same small networks, with NVIDIA's compiler where it is installed."""

    def __init__(self, graftwork, folder, compiler):
        super().__init__(graftwork, folder)
        self.compiler = compiler

    def check(self, model, *inputs, options=("--float", "fp32"), floor=30):
        """The file is legal, computes what the network computes in ONNX Runtime, and the engine has its shapes."""
        with torch.no_grad():
            reference = model.eval()(*inputs)
        values = self.quantize(model, inputs, *options)
        references = [reference] if isinstance(reference, torch.Tensor) else list(reference)
        for expected, value in zip(references, values, strict=True):
            assert value.shape == tuple(expected.shape)
            assert value.dtype == expected.numpy().dtype
            assert support.sqnr_db(expected.numpy(), value) > floor
        self.check_engine([tuple(expected.shape) for expected in references])

    def check_engine(self, shapes):
        if self.compiler is None:
            return
        report = self.compiler.compile_apart(str(self.folder / "m.onnx"), 89, {}, None, 300)
        messages = [m["text"] for m in report["parser"] + report["builder"] if m["level"] != "warning"]
        assert report["accepted"], "\n".join(messages)
        assert [tuple(dims) for dims in report["outputs"].values()] == shapes


@pytest.fixture
def engine(graftwork, tmp_path, request):
    torch.manual_seed(0)
    return Engine(graftwork, tmp_path, request.getfixturevalue("rtx") if request.param == "engine" else None)


# Without the compiler the files are checked against ONNX's rules and ONNX Runtime alone.
both = pytest.mark.parametrize(
    "engine", [pytest.param("onnx"), pytest.param("engine", marks=pytest.mark.rtx)], indirect=True
)


def cases(table):
    """Arguments of parametrize from {id: (…)}."""
    return [pytest.param(*values, id=name) for name, values in table.items()]


MODES = ["nearest", "nearest-exact", "bilinear", "bicubic"]
RESIZES = {
    f"{mode} {height}x{width} {how}": (mode, (height, width), how)
    for mode in MODES
    for height, width in [(20, 20), (16, 33)]
    for how in [
        {"size": (37, 23)},
        {"size": (9, 11)},
        {"scale_factor": 1.3},
        {"scale_factor": (1.3, 2.0)},
        {"scale_factor": 0.7},
        {"scale_factor": 1.3, "recompute_scale_factor": True},
    ]
} | {
    f"{mode} corners {size}": (mode, (20, 17), {"size": size, "align_corners": True})
    for mode in ["bilinear", "bicubic"]
    for size in [(37, 23), (40, 34)]
}


@both
@pytest.mark.parametrize(("mode", "extents", "how"), cases(RESIZES))
def test_resizes_reach_their_sizes(engine, mode, extents, how):
    engine.check(Function(lambda x: F.interpolate(x, mode=mode, **how)), torch.randn(1, 3, *extents), floor=60)


@both
def test_an_axis_by_size_and_one_by_factor_are_resized_one_after_the_other(engine):
    # 20 · 1.3 is 26, but 25 for whoever multiplies by the nearest FP32; 16 · 1.3 is 20.8, whose positions need 1.3.
    model = Function(lambda x: F.interpolate(x, scale_factor=1.3, mode="bilinear"))
    engine.check(model, torch.randn(1, 3, 20, 16), floor=60)
    kinds = [node.op_type for node in onnx.load(engine.folder / "m.onnx").graph.node]
    assert kinds == ["Resize", "Resize"]


@both
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize(
    ("extents", "how"),
    cases(
        {
            "factor": ((24, 32), {"scale_factor": 2.4}),
            "one axis": ((8, 31), {"scale_factor": 2.015}),
            "smaller": ((20, 25), {"scale_factor": 0.6}),
            "size": ((49, 41), {"size": (98 * 3, 7)}),
        }
    ),
)
def test_nearest_pixels_are_those_that_torch_reads(engine, mode, extents, how):
    # 12 / 2.4 is 5 for torch, which multiplies by 1 / 2.4 in FP32, and 4.9999998 for who divides by 2.4 in FP32.
    engine.check(Function(lambda x: F.interpolate(x, mode=mode, **how)), torch.randn(1, 2, *extents), floor=100)


@both
@pytest.mark.parametrize(
    ("mode", "shape", "how"),
    cases(
        {
            "linear": ("linear", (1, 3, 20), {"size": 23}),
            "nearest 1d": ("nearest", (1, 3, 20), {"scale_factor": 1.3}),
            "trilinear": ("trilinear", (1, 2, 20, 7, 9), {"scale_factor": 1.3}),
            "nearest 3d": ("nearest", (1, 2, 20, 7, 9), {"size": (23, 9, 10)}),
        }
    ),
)
def test_resizes_of_other_ranks(engine, mode, shape, how):
    engine.check(Function(lambda x: F.interpolate(x, mode=mode, **how)), torch.randn(*shape), floor=60)


def test_a_batch_that_is_not_known_is_no_part_of_a_size(graftwork, tmp_path):
    torch.manual_seed(0)
    model, x = Function(lambda x: F.interpolate(x, size=(37, 23))), torch.randn(2, 3, 20, 20)
    batch = torch.export.Dim("batch")
    program = torch.export.export(model, (x,), dynamic_shapes={"inputs": ({0: batch},)})
    torch.export.save(program, tmp_path / "m.pt2")
    np.savez(tmp_path / "c.npz", **{program.graph_signature.user_inputs[0]: x.numpy()})
    arguments = ("quantize", "m.pt2", "--calibrate", "c.npz", "--float", "fp32", "--quiet", "-o", "m.onnx")
    graftwork(*arguments, cwd=tmp_path)
    longer = torch.randn(5, 3, 20, 20)
    value = support.only(support.run_onnx(tmp_path / "m.onnx", longer.numpy()))
    assert support.relative_error(value, model(longer).numpy()) < 1e-6


@both
@pytest.mark.parametrize("groups", [1, 4, 16])
@pytest.mark.parametrize("shape", [(2, 16, 8, 8), (2, 16, 1, 1), (2, 16), (2, 16, 7), (2, 16, 3, 4, 5)], ids=str)
def test_group_norms(engine, groups, shape):
    model = nn.GroupNorm(groups, 16)
    nn.init.normal_(model.weight)
    nn.init.normal_(model.bias)
    # Where a group is a single number, what is left is rounding, but for the bias.
    engine.check(model, torch.randn(*shape), floor=60)


@both
def test_a_group_norm_of_one_group_is_no_instance_norm(engine):
    engine.check(nn.GroupNorm(1, 16), torch.randn(2, 16, 8, 8), options=())
    kinds = [node.op_type for node in onnx.load(engine.folder / "m.onnx").graph.node]
    assert "GroupNormalization" not in kinds
    if engine.compiler:
        report = engine.compiler.compile_apart(str(engine.folder / "m.onnx"), 89, {}, None, 300)
        norms = [layer for layer in report["layers"] if "Inor" in layer["name"]]
        assert all(tensor["dims"][1] == 1 for layer in norms for tensor in layer["inputs"])


@both
@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("form", [nn.Softmax, nn.LogSoftmax, nn.Softmin])
@pytest.mark.parametrize("dim", [0, -1])
def test_softmax_of_any_rank(engine, shape, form, dim):
    engine.check(form(dim), torch.randn(*shape), floor=60)


class Mixture(nn.Module):
    """Learned weights of two branches."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(3, 8, 1)
        self.shares = nn.Parameter(torch.randn(2))

    def forward(self, x):
        shares = torch.softmax(self.shares, 0)
        return shares[0] * self.first(x) + shares[1] * self.second(x)


@both
def test_softmax_of_a_parameter(engine):
    engine.check(Mixture(), torch.randn(1, 3, 16, 16), options=())


POOLS = [
    nn.MaxPool2d(3, 1, dilation=2),
    nn.MaxPool2d(3, 2, 1, dilation=2),
    nn.MaxPool2d(2, 2, 1, dilation=3),
    nn.MaxPool2d(3, 2, 1, dilation=(1, 2)),
    nn.MaxPool2d((3, 1), 2, 0, dilation=2),
    nn.MaxPool2d(3, 2, 1, dilation=2, ceil_mode=True),
    nn.MaxPool2d(3, 3, 1, dilation=2, ceil_mode=True),
    nn.MaxPool2d(3, 2, 1),
    nn.MaxPool2d(3, 2, 1, ceil_mode=True),
    nn.MaxPool2d(3, 3, 1, ceil_mode=True),
    nn.AvgPool2d(3, 2, 1),
    nn.AvgPool2d(2, 2, ceil_mode=True),
    nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
    nn.AdaptiveAvgPool2d((5, 3)),
]


@both
@pytest.mark.parametrize("pool", POOLS, ids=str)
@pytest.mark.parametrize("extents", [(16, 16), (17, 19)], ids=str)
def test_pools(engine, pool, extents):
    engine.check(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), pool), torch.randn(1, 3, *extents))


@both
@pytest.mark.parametrize(
    ("pool", "shape"),
    cases(
        {
            "1d": (nn.MaxPool1d(3, 2, 1, dilation=2), (2, 3, 17)),
            "3d": (nn.MaxPool3d(2, 2, 1, dilation=(1, 2, 3)), (1, 2, 9, 10, 11)),
            "all at the edge": (nn.MaxPool2d(3, 1, 1, dilation=2), (1, 3, 3, 3)),
        }
    ),
)
@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
def test_dilated_pools_of_other_ranks(engine, pool, shape, float_type):
    engine.check(pool, -5 - torch.rand(*shape), options=("--float", float_type), floor=60)


@both
@pytest.mark.parametrize("ends", [(0, 1, 0, 1), (1, 1, 1, 1), (1, 2, 0, 1), (0, 0, 0, 2)], ids=str)
@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
def test_infinite_padding_is_the_pools(engine, ends, float_type):
    layers = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)

    class Padded(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers

        def forward(self, x):
            return self.second(F.max_pool2d(F.pad(self.first(x) - 9, ends, value=float("-inf")), 3, 2))

    engine.check(Padded(), torch.randn(1, 3, 16, 15), options=("--float", float_type))
    assert "Pad" not in [node.op_type for node in onnx.load(engine.folder / "m.onnx").graph.node]


TRANSPOSED = {
    "strided": {"stride": 2, "padding": 1, "output_padding": 1},
    "odd": {"stride": 2, "padding": 1},
    "by three": {"stride": 3, "output_padding": 2},
    "dilated": {"padding": 1, "dilation": 2},
    "both": {"stride": 2, "padding": 1, "dilation": 2},
    "both to the end": {"stride": 2, "padding": 2, "output_padding": 1, "dilation": 3},
    "on other axes": {"stride": (2, 1), "padding": 1, "dilation": (1, 2)},
    "in groups": {"stride": 2, "padding": 1, "output_padding": 1, "dilation": 2, "groups": 4},
    "depthwise": {"stride": 2, "padding": 1, "dilation": 2, "groups": 8},
}


@both
@pytest.mark.parametrize("settings", TRANSPOSED.values(), ids=TRANSPOSED)
@pytest.mark.parametrize("behind", [(), (nn.BatchNorm2d(16), nn.ReLU())], ids=["alone", "fused"])
def test_transposed_convolutions(engine, settings, behind):
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ConvTranspose2d(8, 16, 3, **settings), *behind)
    engine.check(model, torch.randn(1, 3, 9, 11))


@both
@pytest.mark.parametrize("spatial", [1, 3])
def test_transposed_convolutions_of_other_ranks(engine, spatial):
    form = [None, nn.ConvTranspose1d, None, nn.ConvTranspose3d][spatial]
    model = form(4, 6, 3, stride=2, padding=1, output_padding=1, dilation=2)
    engine.check(model, torch.randn(1, 4, *[5, 6, 7][:spatial]), floor=60)


PICTURES = {
    "permuted": lambda x: (x.permute(0, 3, 1, 2).float() - 127) / 58,
    "divided": lambda x: x.permute(0, 3, 1, 2) / 255,
    "moved further": lambda x: torch.cat([x, x.flip(1)], 1).transpose(1, 3)[:, :, 1:].unsqueeze(1).float().squeeze(1),
    "padded": lambda x: F.pad(x, (0, 0, 1, 1), value=7).permute(0, 3, 1, 2).to(torch.float32),
    "compared": lambda x: (x > 99).permute(0, 3, 1, 2) * (x.permute(0, 3, 1, 2) / 255),
    "chosen": lambda x: torch.where(x > 99, x, 255 - x.int()).permute(0, 3, 1, 2).float(),
    "in whole numbers": lambda x: (x.permute(0, 3, 1, 2).int() * 3 - 127).float() / 58,
    "split": lambda x: torch.stack([p.float() for p in x.unbind(3)], 1) / 255,
}


@both
@pytest.mark.parametrize("prepare", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
def test_bytes_are_cast_before_they_are_moved(engine, prepare, float_type):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, 2)

        def forward(self, x):
            return self.conv(prepare(x))

    x = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    engine.check(Net(), x, options=("--float", float_type), floor=25)
    model = onnx.shape_inference.infer_shapes(onnx.load(engine.folder / "m.onnx"))
    inside = [value for value in model.graph.value_info if value.type.tensor_type.elem_type == onnx.TensorProto.UINT8]
    assert inside == []


@both
@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x.permute(0, 3, 1, 2).float() * 0.5).to(torch.uint8),
        lambda x: x.permute(0, 3, 1, 2),
        lambda x: x,
    ],
    ids=["cast", "moved", "as it came"],
)
def test_results_may_be_bytes(engine, function):
    engine.check(Function(function), torch.randint(0, 256, (2, 5, 6, 3), dtype=torch.uint8), floor=60)


def refuse(graftwork, folder, model, *inputs):
    """The error of a network that is refused before the calibration."""
    program = torch.export.export(model.eval(), inputs)
    torch.export.save(program, folder / "m.pt2")
    named = zip(program.graph_signature.user_inputs, inputs, strict=True)
    np.savez(folder / "c.npz", **{name: value.numpy() for name, value in named})
    done = graftwork.fails("quantize", "m.pt2", "--calibrate", "c.npz", "-o", "m.onnx", cwd=folder)
    assert "calibrat" not in done.stdout + done.stderr
    assert not (folder / "m.onnx").exists()
    return done.stderr


@pytest.mark.parametrize(
    "function",
    [lambda x: (x + x).float(), lambda x: (x * 2).float(), lambda x: x.float().to(torch.uint8).float()],
    ids=["sum", "product", "cast"],
)
def test_bytes_are_not_computed_with(graftwork, tmp_path, function):
    error = refuse(graftwork, tmp_path, Function(function), torch.randint(0, 256, (2, 8), dtype=torch.uint8))
    assert "error[export.dtype]: its result is UINT8" in error
    assert "try a cast to a type that it is computed in" in error


def test_short_integers_are_refused(graftwork, tmp_path):
    error = refuse(graftwork, tmp_path, Function(lambda x: x.float()), torch.ones(2, 8, dtype=torch.int16))
    assert "error[export.dtype]: it is i16, which the engine has no type for" in error
