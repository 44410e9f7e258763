"""What `make peers` makes of its figures (tests/zoo/peers.py), and that what it compares is there."""

import json

import pytest
import torch

import peers_networks
import peers_report as report
from peers_quantizers import BEST, MODELOPT, NETWORKS, OURS, PIECES, QUANTIZERS, pieces_of, recipe

EVEN = {**dict.fromkeys(OURS, 31.0), **dict.fromkeys(QUANTIZERS[len(OURS) :], 30.0)}


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        ({}, []),
        ({"best": 31.5, "default": 30.0}, []),
        ({"default": 29.9}, ["net: the default has 29.9 dB, ORT 30.0"]),
        ({"ORT": 30.5}, ["net: the best recipe (default) has 31.0 dB, ORT 30.5"]),
        ({"default": "it crashed"}, ["net: the default has – dB, ORT 30.0"]),
        ({"ORT": 50.0, "ORT products": "it crashed"}, ["the default has 31.0", "the best recipe"]),
        (dict.fromkeys(QUANTIZERS[len(OURS) :], "not installed"), []),
    ],
)
def test_what_falls_short_is_found(changed, lines):
    found = report.shortfalls({"net": {**EVEN, **changed}})
    assert len(found) == len(lines)
    for line, wanted in zip(found, lines, strict=True):
        assert wanted in line


def test_the_page_gets_the_table_and_keeps_the_rest(tmp_path, monkeypatch):
    page = tmp_path / "peers.md"
    page.write_text("before\n{}\nold\n{}\nafter\n".format(*report.MARKS))
    monkeypatch.setattr(report, "PAGE", page)
    report.write({"net": {**EVEN, "ModelOpt torch": 35.25, "ORT": "it crashed"}})
    text = page.read_text()
    assert text.startswith("before\n<!--")
    assert text.endswith("-->\nafter\n")
    assert "old" not in text
    row = "| net | 31.0 | 31.0 | 31.0 | 31.0 | 31.0 | – | 30.0 | 35.2 | 30.0 | 30.0 |"
    assert row in text
    assert "ModelOpt torch | -4.2 | -4.2 |" in text
    assert "- net: the default has 31.0 dB, ModelOpt torch 35.2" in text


def test_failures_are_told_and_columns_stand_below_their_heads():
    figures = {**EVEN, MODELOPT[0]: "python: no module"}
    assert report.failures({"net": figures}) == [f"net: {MODELOPT[0]}: python: no module"]
    row = report.row("net", figures)
    assert len(row) == len(report.HEAD)
    assert row[report.HEAD.index(MODELOPT[0]) :].split()[0] == "–"


def test_networks_recipes_and_pieces_are_there():
    assert set(NETWORKS) == set(peers_networks.NETWORKS)
    assert set(BEST) <= set(NETWORKS)
    assert {piece for name in NETWORKS for one in OURS for piece in pieces_of(one, name)} <= set(PIECES)
    both = recipe(("weights mse", "adaround"))
    assert both == {"weight": {"calibration_method": "mse", "rounding": "adaround"}}


class Reader(torch.nn.Module):
    """Attention and a head, by the names that pieces know."""

    def __init__(self):
        super().__init__()
        self.qkv, self.lm_head = torch.nn.Linear(32, 96), torch.nn.Linear(32, 5)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, 2, 16)).permute(2, 0, 3, 1, 4).unbind(0)
        attended = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        return self.lm_head(attended.transpose(1, 2).flatten(2))


@pytest.mark.parametrize("piece", PIECES)
def test_the_command_takes_every_piece(small, piece):
    config = small.folder / "recipe.json"
    config.write_text(json.dumps(recipe((piece,))))
    (found,) = small.quantize(Reader().eval(), (torch.randn(2, 8, 32),), "--config", config)
    assert found.shape == (2, 8, 5)
