"""Networks with complex numbers and Fourier transforms: pairs of real numbers and constant matrices in the file."""

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import support

BATCH = torch.export.Dim("batch", min=2, max=64)
TIME = torch.export.Dim("time", min=200, max=4000)


def window(size):
    return nn.Buffer(torch.hann_window(size))


class Spectrogram(nn.Module):
    """Logarithms of mel bands."""

    def __init__(self):
        super().__init__()
        self.window, self.mel = window(128), nn.Buffer(torch.rand(20, 65))

    def forward(self, x):
        spectrum = torch.stft(x, 128, 32, window=self.window, return_complex=True)
        return torch.log(self.mel @ spectrum.abs().pow(2) + 1e-3)


class Enhancer(nn.Module):
    """A complex mask on a spectrum, and back to the signal."""

    def __init__(self):
        super().__init__()
        self.window = window(128)

    def forward(self, x):
        spectrum = torch.stft(x, 128, 32, window=self.window, return_complex=True)
        size = torch.sigmoid(spectrum.abs())
        mask = torch.complex(size, size.roll(1, 1))
        return torch.istft(spectrum * mask, 128, 32, window=self.window)


class VocoderHead(nn.Module):
    """Sizes and angles of a spectrum, as a network gives them, to a signal."""

    def __init__(self):
        super().__init__()
        self.window = window(64)

    def forward(self, x):
        size, angle = x.transpose(1, 2).chunk(2, 1)
        spectrum = size.exp().clip(max=1e2) * (torch.cos(angle) + 1j * torch.sin(angle))
        return torch.istft(spectrum, 64, 16, 64, self.window, center=True)


class GlobalFilter(nn.Module):
    """The layer of GFNet: a learned complex weight for each frequency."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(14, 8, 6, 2))

    def forward(self, x):
        batch, places, channels = x.shape
        spectrum = torch.fft.rfft2(x.view(batch, 14, 14, channels), dim=(1, 2), norm="ortho")
        spectrum = spectrum * torch.view_as_complex(self.weight)
        y = torch.fft.irfft2(spectrum, s=(14, 14), dim=(1, 2), norm="ortho")
        return y.reshape(batch, places, channels)


class FourierMixing(nn.Module):
    """The layer of FNet."""

    def forward(self, x):
        return torch.fft.fft(torch.fft.fft(x, dim=-1), dim=-2).real


class SpectralConv(nn.Module):
    """The layer of Fourier neural operators: what it does not learn stays 0, and is written around in place."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, 5, dtype=torch.cfloat))

    def forward(self, x):
        spectrum = torch.fft.rfft(x)
        y = torch.zeros(x.shape[0], 3, spectrum.shape[2], dtype=torch.cfloat)
        y[:, :, :5] = torch.einsum("bim,iom->bom", spectrum[:, :, :5], self.weight)
        return torch.fft.irfft(y, n=x.shape[2])


class Rotary(nn.Module):
    """Positions as rotations: a complex constant."""

    def __init__(self):
        super().__init__()
        self.rotation = nn.Buffer(torch.polar(torch.ones(10, 4), torch.rand(10, 4)))

    def forward(self, x):
        pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], 4, 2))
        return torch.view_as_real(pairs * self.rotation).flatten(-2)


NETWORKS = {
    "spectrogram": (Spectrogram, (2, 1600), {0: BATCH, 1: TIME}, (3, 1000)),
    "enhancer": (Enhancer, (2, 1600), {0: BATCH, 1: TIME}, (3, 1000)),
    "vocoder head": (VocoderHead, (2, 20, 66), {0: BATCH}, (3, 20, 66)),
    "global filter": (GlobalFilter, (2, 196, 6), {0: BATCH}, (3, 196, 6)),
    "fourier mixing": (FourierMixing, (2, 10, 16), {0: BATCH}, (3, 10, 16)),
    "spectral convolution": (SpectralConv, (2, 4, 20), {0: BATCH}, (3, 4, 20)),
    "rotary": (Rotary, (2, 10, 8), {0: BATCH}, (3, 10, 8)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("decomposed", [False, True], ids=["training", "core"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(small, name, decomposed):
    make, shape, dims, other = NETWORKS[name]
    if decomposed and name in ("enhancer", "vocoder head"):
        pytest.skip("torch takes istft apart into a write in place for each frame")
    model, x, y = make().eval(), torch.randn(shape), torch.randn(other)
    program = torch.export.export(model, (x,), dynamic_shapes=(None if decomposed else dims,))
    if decomposed:
        program, y = program.run_decompositions(), x
    torch.export.save(program, small.folder / "m.pt2")
    np.savez(small.folder / "c.npz", x=x.numpy())
    graph = small.graftwork("inspect", "m.pt2", cwd=small.folder).stdout
    assert not any(name in graph for name in ("aten.view_as_", "aten.fft_", "aten._fft_", "aten.stft", "aten.istft"))
    with torch.no_grad():
        want = model(y).numpy()
    for float_type, tolerance in (("fp32", 1e-5), ("fp16", 1e-2)):
        options = ("--calibrate", "c.npz", "--float", float_type, "--quiet", "-o", "m.onnx")
        small.graftwork("quantize", "m.pt2", *options, cwd=small.folder)
        (got,) = small.session().run(None, {"x": y.numpy()})
        assert got.shape == want.shape
        assert np.abs(got - want).max() <= tolerance * np.abs(want).max(), float_type


def test_transforms_are_not_quantized(small):
    """A spectrum spans more than INT8 holds: layers behind it are quantized, the transform is not."""
    model = nn.Sequential(Spectrogram(), nn.Conv1d(20, 8, 3))
    small.quantize(model, (torch.randn(2, 1600),), "--float", "fp32")
    graph = onnx.load(small.folder / "m.onnx").graph
    made = {output: node.op_type for node in graph.node for output in node.output}
    sources = [made.get(node.input[0]) for node in graph.node if node.op_type == "Conv"]
    assert len(sources) == 2
    assert sources.count("DequantizeLinear") == 1


class OfPairs(nn.Module):
    """Functions of complex numbers, of pairs."""

    def __init__(self):
        super().__init__()
        self.constant = nn.Buffer(torch.randn(5, dtype=torch.cfloat))

    def forward(self, x):
        z, c, real = torch.view_as_complex(x), self.constant, x[..., 1]
        values = [
            *(z + c, z - 2j, 3 - z, z + real, torch.sub(z, c, alpha=2)),
            *(z * c, z * real, z * (1 + 2j), real * 1j, z / c, z / 2, 1 / z, real / z, z.square(), z**3),
            *(z.exp(), z.log(), z.sqrt(), z.sgn(), -z, z.conj(), torch.polar(z.abs(), z.angle())),
            *(z.t(), z.mT, z.reshape(2, -1), z[:, None], z[1], z[..., -1], z.flip(-1), z.roll(1, -1), z.flatten()),
            *(torch.cat([z, z], -1), torch.cat([z, x[..., 0]]), torch.stack([z, z], -1), z.expand(3, 4, 5)),
            *(z.unbind(0)[2], z.chunk(2, -1)[1], z.repeat(2, 1), z.diagonal(), z.tril(), z.unfold(-1, 3, 1)),
            *(torch.where(real > 0, z, c), torch.where(real > 0, z, 0), z.masked_fill(real > 0, 0)),
            *(F.pad(z, (1, 2)), F.pad(z, (1, 2), mode="reflect"), z[torch.tensor([0, 2])]),
            *(z @ z.mH, z @ c, torch.vdot(z[0], c), torch.outer(c, z[0]), F.linear(z, z)),
            *(z.sum(1), z.mean(), z.cumsum(-1), z.sum((0, 1), keepdim=True), z.to(torch.complex128)),
        ]
        reals = [z.real, z.imag, z.abs(), z.angle(), torch.linalg.vector_norm(z, dim=1), real.angle(), real.conj() + 1]
        return [torch.view_as_real(value.resolve_conj()) for value in values] + reals


@pytest.mark.filterwarnings("ignore")
def test_operators_on_complex_numbers(small):
    model, x = OfPairs().eval(), torch.randn(4, 5, 2)
    results = small.quantize(model, (x,), "--float", "fp32")
    for number, (want, got) in enumerate(zip(model(x), results, strict=True)):
        np.testing.assert_allclose(got, want.resolve_neg().numpy(), rtol=1e-4, atol=1e-5, err_msg=f"result {number}")


class Sizes(nn.Module):
    """What knows how large a complex number is."""

    def forward(self, x, y):
        z, w = torch.view_as_complex(x), torch.view_as_complex(y)
        pairs = [torch.view_as_real(value) for value in (z / w, z.real / w, w.reciprocal(), z.sgn())]
        return [*pairs, z.abs(), z.angle(), w.abs().log()]


EXTREMES = {
    "fp32": ([1e-20, 1e-12, 1.0, 1e10, 1e19, 3e22, 1e25], 1e-5),
    "fp16": ([0.3, 1.0, 300.0, 1e3, 6e3, 3e4], 6e-3),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("float_type", EXTREMES)
def test_sizes_whose_squares_leave_the_range(small, float_type):
    """Calibrated where nothing is large: the file itself holds them."""
    sizes, tolerance = EXTREMES[float_type]
    z, w = (
        torch.polar(torch.tensor(sizes).double()[:, None], torch.linspace(begin, begin + 6, 16).double()).cfloat()
        for begin in (0.1, 1.3)
    )
    z[0, :2], z[1, 0] = 0, 1j * sizes[-1]
    inputs = tuple(torch.view_as_real(value.resolve_conj()) for value in (z, w))
    calibration = [np.random.default_rng(0).normal(size=(7, 16, 2)).astype(np.float32)[: len(sizes)] for _ in inputs]
    results = {"file": small.quantize(Sizes(), inputs, "--float", float_type, calibration=calibration)}
    # ONNX Runtime computes much of FP16 in FP32: this is the range that engines have.
    np.savez(small.folder / "x.npz", **dict(zip("xy", (value.numpy() for value in inputs), strict=True)))
    stage = ("--stage", "quantized", "--calibrate", "c.npz", "--float", float_type, "--quiet", "-o", "y.npz")
    small.graftwork("run", "m.pt2", "--input", "x.npz", *stage, cwd=small.folder)
    results["executor"] = list(support.load_npz(small.folder / "y.npz").values())
    wanted = [value.numpy() for value in Sizes()(*(value.double() for value in inputs))]
    for who, given in results.items():
        for number, (want, got) in enumerate(zip(wanted, given, strict=True)):
            # Of a pair, both parts are as exact as the greater is.
            whole = np.linalg.norm(want, axis=-1, keepdims=True) if number < 4 else np.abs(want)
            least = 1.0 if number == 6 else 1e-4 if float_type == "fp16" else 0  # of logarithms; of normal numbers
            error = np.abs(got - want) / np.maximum(whole, max(least, 1e-30))
            assert error.max() <= tolerance, f"{who}: result {number}"


def test_a_complex_number_is_true_where_it_is_not_zero(small):
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 4.0]])
    (got,) = small.quantize(support.Call(lambda x: torch.view_as_complex(x).to(torch.bool)), (x,))
    assert got.tolist() == [False, True, True, True]


@pytest.mark.parametrize("index", [0, 1, -1])
def test_a_part_of_a_stack_has_the_type_of_the_stack(small, index):
    """Of tensors of different types, which stacking makes one."""
    model, x = (
        support.Call(lambda x: torch.stack([x.to(torch.int64), x], -1)[..., index]),
        torch.tensor([0.5, 1.5, 2.5]),
    )
    (got,) = small.quantize(model, (x,), "--float", "fp32")
    want = model(x).numpy()
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


def whole(x):
    return torch.fft.rfft(x).abs()


REFUSED = {
    "an input": (torch.abs, torch.randn(3, 4, dtype=torch.cfloat), None, "an input of pairs of real numbers"),
    "a result": (torch.view_as_complex, torch.randn(3, 2), None, "returning torch.view_as_real of it"),
    "an operator": (lambda x: torch.view_as_complex(x).tan().abs(), torch.randn(3, 2), None, "aten.tan.default (%tan"),
    "too many points": (whole, torch.randn(2, 1 << 14), None, "too many points"),
    "points of a size at run time": (whole, torch.randn(2, 300), {1: TIME}, "known at run time only"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_way_out(small, name):
    function, x, dims, message = REFUSED[name]
    torch.export.save(torch.export.export(support.Call(function), (x,), dynamic_shapes=(dims,)), small.folder / "m.pt2")
    np.save(small.folder / "c.npy", torch.view_as_real(x).numpy() if x.is_complex() else x.numpy())
    options = ("--calibrate", "c.npy", "-o", "m.onnx")
    done = small.graftwork.fails("quantize", "m.pt2", *options, cwd=small.folder)
    assert message in done.stderr
    assert not (small.folder / "m.onnx").exists()


class Projected(nn.Module):
    """Two layers, both ways; without a state they begin with zeros, which need no inverse of the projection."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 8, 2, batch_first=True, bidirectional=True, proj_size=3)

    def forward(self, x, h=None, c=None):
        y, (hidden, cell) = self.lstm(x) if h is None else self.lstm(x, (h, c))
        return y, hidden, cell


@pytest.mark.parametrize("given", [False, True], ids=["zeros", "state"])
def test_projected_lstm(small, given):
    model = Projected().eval()
    inputs = (torch.randn(2, 7, 6),) + ((torch.randn(4, 2, 3), torch.randn(4, 2, 8)) if given else ())
    for want, got in zip(model(*inputs), small.quantize(model, inputs, "--float", "fp32"), strict=True):
        np.testing.assert_allclose(got, want.detach().numpy(), rtol=1e-4, atol=1e-5)
    nodes = [node for node in onnx.load(small.folder / "m.onnx").graph.node if node.op_type == "LSTM"]
    assert [bool(node.input[5]) for node in nodes] == [given, given]


class GivenWeights(nn.Module):
    """Weights that are computed from the input, of a layer that projects."""

    def forward(self, x, weights):
        zeros = torch.zeros(1, 2, 3), torch.zeros(1, 2, 8)
        parts = [part.reshape(shape) for part, shape in zip(weights.tanh().split(SIZES), SHAPES, strict=True)]
        return torch.lstm(x, zeros, parts, True, 1, 0.0, False, False, False)[0]


SHAPES = [(32, 6), (32, 3), (32,), (32,), (3, 8)]
SIZES = [int(np.prod(shape)) for shape in SHAPES]


def test_projected_lstm_with_computed_weights(small):
    model, inputs = GivenWeights().eval(), (torch.randn(7, 2, 6), torch.randn(sum(SIZES)))
    (got,) = small.quantize(model, inputs, "--float", "fp32")
    np.testing.assert_allclose(got, model(*inputs).numpy(), rtol=1e-4, atol=1e-5)
