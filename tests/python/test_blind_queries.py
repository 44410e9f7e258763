"""Queries that see no key: scaled_dot_product_attention gives 0 for them, and so does the file."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import support


class Attention(nn.Module):
    def __init__(self, mask):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(32, 32) for _ in range(3)])
        self.out = nn.Linear(32, 32)
        self.mask = mask

    def forward(self, x, seen):
        q, k, v = (layer(x).unflatten(-1, (2, 16)).transpose(1, 2) for layer in self.layers)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask(seen[:, None, None, :]))
        return self.out(attended.transpose(1, 2).flatten(2))


class Padded(nn.Module):
    """The mask of nn.MultiheadAttention: true where a key is padding."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(32, 2, batch_first=True)
        nn.init.normal_(self.attention.out_proj.bias)

    def forward(self, x, seen):
        return self.attention(x, x, x, key_padding_mask=~seen, need_weights=False)[0]


def infinite(seen):
    return torch.zeros(seen.shape).masked_fill(~seen, float("-inf"))


NETWORKS = {
    "bool": lambda: Attention(lambda seen: seen),
    "bool of each query": lambda: Attention(lambda seen: seen & seen.transpose(-1, -2)),
    "made of -inf": lambda: Attention(infinite),
    "the logarithm": lambda: Attention(lambda seen: torch.log(seen.float())),
    "key_padding_mask": Padded,
}


@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
@pytest.mark.parametrize("name", NETWORKS)
def test_queries_that_see_no_key_give_zero(small, name, float_type):
    model, x = NETWORKS[name](), torch.randn(3, 12, 32)
    seen = torch.ones(3, 12, dtype=torch.bool)
    seen[1, 8:] = False
    seen[2] = False
    wanted = model.eval()(x, seen).detach().numpy()
    (value,) = small.quantize(model, (x, seen), "--float", float_type)
    for sample in range(3):
        assert support.sqnr_db(wanted[sample], value[sample]) > 30
    names = {"--stage": "float", "--input": "c.npz", "-o": "f.npz"}
    small.graftwork("run", "m.pt2", *(word for pair in names.items() for word in pair), cwd=small.folder)
    np.testing.assert_allclose(np.load(small.folder / "f.npz")["output"], wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("float_type", ["fp16", "fp32"])
def test_a_mask_of_minus_infinities_is_an_input(small, float_type):
    class Given(Attention):
        def forward(self, x, mask):
            return super().forward(x, mask)

    model, x = Given(lambda mask: mask), torch.randn(3, 12, 32)
    mask = torch.zeros(3, 12)
    mask[1, 8:] = float("-inf")
    mask[2] = float("-inf")
    wanted = model.eval()(x, mask).detach().numpy()
    (value,) = small.quantize(model, (x, mask), "--float", float_type, "--report", "r.json")
    assert not any("infinite" in line for line in json.loads((small.folder / "r.json").read_text())["warnings"])
    for sample in range(3):
        assert support.sqnr_db(wanted[sample], value[sample]) > 30
