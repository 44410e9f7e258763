"""Weights that factorisations of parameters give: invertible convolutions, orthogonal layers, windows."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import linalg, nn
from torch.nn.utils import parametrizations

from support import sqnr_db


class InvertibleConv(nn.Module):
    """Glow's 1×1 convolution, W = P L (U + diag(s)), with the logarithm of its determinant."""

    def __init__(self, channels):
        super().__init__()
        permutation, lower, upper = linalg.lu(linalg.qr(torch.randn(channels, channels))[0])
        self.register_buffer("permutation", permutation)
        self.register_buffer("sign", upper.diagonal().sign())
        self.register_buffer("mask", torch.ones(channels, channels).tril(-1))
        self.lower = nn.Parameter(lower)
        self.upper = nn.Parameter(upper.triu(1))
        self.log_scale = nn.Parameter(upper.diagonal().abs().log() + 0.1)

    def weight(self):
        lower = self.lower * self.mask + torch.eye(len(self.mask))
        upper = self.upper * self.mask.T + torch.diag(self.sign * self.log_scale.exp())
        return self.permutation @ lower @ upper

    def forward(self, x):
        weight = self.weight()
        log_det = torch.slogdet(weight)[1] * x.shape[2] * x.shape[3]
        return F.conv2d(x, weight[:, :, None, None]), log_det + self.log_scale.sum()


class InverseConv(InvertibleConv):
    """The way back."""

    def weight(self):
        return torch.inverse(super().weight())


@pytest.mark.parametrize("layer", [InvertibleConv, InverseConv])
def test_an_invertible_convolution_is_quantized(small, layer):
    class Flow(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.act, self.last = nn.Conv2d(3, 12, 3), nn.ReLU(), layer(12)

        def forward(self, x):
            return self.last(self.act(self.first(x)))

    model, x = Flow().eval(), torch.randn(4, 3, 8, 8)
    value, log_det = small.quantize(model, (x,), "--float", "fp32")
    wanted = [output.detach().numpy() for output in model(x)]
    assert sqnr_db(wanted[0], value) > 25
    np.testing.assert_allclose(log_det, wanted[1], rtol=1e-4)
    graph = small.graftwork("transform", "m.pt2", cwd=small.folder).stdout
    assert graph.count("nn.Conv2d") == 2


@pytest.mark.parametrize("shape", [(12, 12), (12, 8), (8, 12)])
@pytest.mark.parametrize("orthogonal_map", ["matrix_exp", "cayley", "householder"])
def test_an_orthogonal_layer_is_quantized(small, orthogonal_map, shape):
    layer = parametrizations.orthogonal(nn.Linear(*shape), orthogonal_map=orthogonal_map)
    model, x = nn.Sequential(layer, nn.ReLU(), nn.Linear(shape[1], 4)).eval(), torch.randn(16, shape[0])
    (result,) = small.quantize(model, (x,))
    assert sqnr_db(model(x).detach().numpy(), result) > 25
    graph = small.graftwork("transform", "m.pt2", cwd=small.folder).stdout
    assert graph.count("nn.Linear") == 2
    assert "aten.linear" not in graph


def positive(w):
    return w @ w.T + torch.eye(len(w))


COMPUTED = {
    "det": lambda w: w * linalg.det(w),
    "logdet": lambda w: w * torch.logdet(positive(w)),
    "slogdet": lambda w: w * linalg.slogdet(w)[1],
    "inverse": torch.inverse,
    "inv": linalg.inv,
    "inv_ex": lambda w: linalg.inv_ex(w)[0],
    "qr": lambda w: linalg.qr(w)[0],
    "cholesky": lambda w: linalg.cholesky(positive(w)),
    "cholesky_ex": lambda w: linalg.cholesky_ex(positive(w))[0],
    "cholesky_inverse": lambda w: torch.cholesky_inverse(linalg.cholesky(positive(w))),
    "cholesky_solve": lambda w: torch.cholesky_solve(w, linalg.cholesky(positive(w))),
    "matrix_exp": lambda w: linalg.matrix_exp(w / 4),
    "matrix_power": lambda w: linalg.matrix_power(w, 3),
    "negative_power": lambda w: linalg.matrix_power(positive(w), -2),
    "solve": lambda w: linalg.solve(positive(w), w),
    "solve_triangular": lambda w: linalg.solve_triangular(positive(w).triu(), w, upper=True),
    "pinv": lambda w: linalg.pinv(w[:, :4]).T @ w[:4],
    "svd": lambda w: (lambda u, s, v: u @ v)(*linalg.svd(w)),
    "singular_values": lambda w: w * linalg.svdvals(w),
    "eigen_values": lambda w: w * linalg.eigvalsh(positive(w)),
    "eigen_vectors": lambda w: (lambda s, v: v @ torch.diag(s.sqrt()) @ v.T)(*linalg.eigh(positive(w))),
    "lu": lambda w: linalg.lu(w)[2],
    "householder_product": lambda w: linalg.householder_product(w.tril(), w[0] / 8),
    "spectral_radius": lambda w: w / linalg.matrix_norm(w, 2),
    "vander": lambda w: linalg.vander(torch.tanh(w[0])),
    **{
        f"{name}_window": lambda w, name=name: w * getattr(torch, f"{name}_window")(len(w))
        for name in ("bartlett", "blackman", "hamming", "hann", "kaiser")
    },
}


class Computed(nn.Module):
    def __init__(self, function, size=8):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(size, size))
        self.function = function

    def forward(self, x):
        return F.linear(x, self.function(self.weight))


@pytest.mark.parametrize("name", COMPUTED)
def test_what_is_computed_from_matrices_is_a_weight(small, name):
    model, x = Computed(COMPUTED[name]).eval(), torch.randn(16, 8)
    (result,) = small.quantize(model, (x,), "--float", "fp32", "--skip", "linear")
    np.testing.assert_allclose(result, model(x).detach().numpy(), rtol=1e-3, atol=1e-4)
    assert "nn.Linear" in small.graftwork("transform", "m.pt2", cwd=small.folder).stdout


def test_a_singular_matrix_is_said_before_the_calibration(small):
    model, x = Computed(linalg.inv).eval(), torch.randn(16, 8)
    exported = torch.export.export(model, (x,))
    exported.state_dict["weight"].data.zero_()
    torch.export.save(exported, small.folder / "m.pt2")
    np.save(small.folder / "x.npy", x.numpy())
    said = small.graftwork.fails("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "q.onnx", cwd=small.folder).stderr
    assert "aten.linalg_inv.default" in said
    assert "singular" in said


def test_matrices_with_infinities_are_not_factorised(small):
    model, x = Computed(COMPUTED["qr"]).eval(), torch.randn(16, 8)
    exported = torch.export.export(model, (x,))
    exported.state_dict["weight"].data[0, 0] = torch.inf
    torch.export.save(exported, small.folder / "m.pt2")
    np.save(small.folder / "x.npy", x.numpy())
    said = small.graftwork.fails("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "q.onnx", cwd=small.folder).stderr
    assert "a matrix has elements that are not finite" in said


def test_what_costs_too_much_is_said_with_the_way_out(small):
    model, x = Computed(linalg.matrix_exp, 1800).eval(), torch.randn(2, 1800)
    torch.export.save(torch.export.export(model, (x,)), small.folder / "m.pt2")
    np.save(small.folder / "x.npy", x.numpy())
    said = small.graftwork.fails("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "q.onnx", cwd=small.folder).stderr
    assert "of parameters alone" in said
    assert "remove_parametrizations" in said


def test_large_orthogonal_layers_are_quantized(small):
    layers = [parametrizations.orthogonal(nn.Linear(512, 512), orthogonal_map="matrix_exp") for _ in range(3)]
    small.quantize(nn.Sequential(*layers), (torch.randn(2, 512),))
    graph = small.graftwork("transform", "m.pt2", cwd=small.folder).stdout
    assert graph.count("nn.Linear") == len(layers)


def test_a_power_that_takes_many_products_is_left_to_the_model(graftwork, tmp_path):
    class Power(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.eye(1200))

        def forward(self, x):
            return x @ linalg.matrix_power(self.weight, 65535)

    x = torch.randn(1, 1200)
    torch.export.save(torch.export.export(Power(), (x,)), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", x.numpy())
    said = graftwork.fails("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "q.onnx", cwd=tmp_path).stderr
    assert "compute it in the model" in said
