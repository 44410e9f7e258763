"""Outlying channels in front of linear layers, by default: odd networks and odd data."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from support import only, run_onnx, sqnr_db

WIDTH, TOKENS = 32, 64


def loud(layer, channel=3, factor=100.0):
    """One channel of what a norm or layer makes is much larger than the others."""
    with torch.no_grad():
        layer.weight[channel] *= factor
    return layer


@pytest.fixture
def case(graftwork, tmp_path):
    """Writes a network and its samples. Then quantizes by a recipe: what was divided, the file's SQNR; or fails."""

    def make(network, x):
        network = network.eval()
        program = torch.export.export(network, (x[:2],), dynamic_shapes=({0: torch.export.Dim("b", max=1024)},))
        torch.export.save(program, tmp_path / "m.pt2")
        np.save(tmp_path / "x.npy", x.numpy())
        with torch.no_grad():
            wanted = network(x).numpy()
        command = ("quantize", "m.pt2", "--calibrate", "x.npy", "--float", "fp32", "--quiet", "-o", "m.onnx")

        def quantize(recipe=None):
            (tmp_path / "r.json").write_text(json.dumps(recipe or {}))
            graftwork(*command, "--config", "r.json", "--report", "report.json", cwd=tmp_path)
            report = json.loads((tmp_path / "report.json").read_text())
            return report.get("outlier_channels", []), sqnr_db(wanted, only(run_onnx(tmp_path / "m.onnx", x.numpy())))

        quantize.fails = lambda: graftwork.fails(*command, cwd=tmp_path).stderr
        return quantize

    torch.manual_seed(0)
    return make


@pytest.mark.parametrize("token", [0, 1, 4, 63])
@pytest.mark.parametrize("factor", [2, 30, 3000])
def test_a_token_may_be_larger_than_all_others(case, token, factor):
    x = torch.randn(8, TOKENS, WIDTH)
    x[:, token] *= factor
    _, reached = case(nn.Linear(WIDTH, 8), x)()
    assert reached > 20


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("sample", [0, 5])
def test_bad_samples_are_named(case, bad, sample):
    x = torch.randn(8, TOKENS, WIDTH)
    x[sample, 5, 7] = bad
    message = case(nn.Sequential(loud(nn.LayerNorm(WIDTH)), nn.Linear(WIDTH, 8)), x).fails()
    assert f"error[data.value]: sample {sample} of the input holds" in message


@pytest.mark.parametrize("function", [torch.sqrt, torch.log])
def test_what_becomes_infinite_is_named_as_the_network_names_it(case, function):
    class Root(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(WIDTH, 8)

        def forward(self, x):
            return self.linear(function(torch.relu(x) - (0.1 if function is torch.sqrt else 0)))

    message = case(Root(), torch.randn(8, TOKENS, WIDTH)).fails()
    assert "error[data.value]: %" in message
    assert "channel_scale" not in message


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = loud(nn.LayerNorm(WIDTH))
        self.a, self.b = nn.Linear(WIDTH, 8), nn.Linear(WIDTH, 8)

    def forward(self, x):
        x = self.norm(x)
        return torch.cat([self.a(x), self.b(x)], -1)


@pytest.mark.parametrize("left_out", ["a", "b"])
def test_which_reader_stays_float_does_not_matter(case, left_out):
    skip = {"skip": {"stub": [left_out], "weight": [left_out]}}
    divided, reached = case(Two(), torch.randn(8, TOKENS, WIDTH))(skip)
    assert len(divided) == 1
    assert reached > 30


def test_rows_of_a_flattened_batch_count(case):
    network = nn.Sequential(loud(nn.LayerNorm(WIDTH)), nn.Flatten(0, 1), nn.GELU(), nn.Linear(WIDTH, 8))
    divided, reached = case(network, torch.randn(8, TOKENS, WIDTH))()
    assert len(divided) == 1
    assert reached > 30


class Both(nn.Module):
    """A convolution and a transposed one read one tensor."""

    def __init__(self):
        super().__init__()
        self.stem = loud(nn.Conv2d(3, 16, 3, padding=1))
        self.conv, self.up = nn.Conv2d(16, 16, 3, padding=1), nn.ConvTranspose2d(16, 16, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        return self.conv(x) + self.up(x)


def test_transposed_convolutions_are_no_readers_to_divide_for(case):
    divided, reached = case(Both(), torch.randn(8, 3, 9, 9))({"activation": {"outlier_channels": "divide"}})
    assert divided == []
    assert reached > 15
