"""A transformer's encoder: pre-norm blocks with packed, masked attention."""

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.heads = heads

    def forward(self, x, mask):
        parts = self.qkv(self.norm1(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(*parts.unbind(0), attn_mask=mask)
        x = x + self.proj(y.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Encoder(nn.Module):
    """[batch, tokens, width] to [batch, 10]; a token sees those in front of it."""

    def __init__(self, tokens, width, heads, blocks):
        super().__init__()
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.register_buffer("mask", torch.full((tokens, tokens), float("-inf")).triu(1))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        for block in self.blocks:
            x = block(x, self.mask)
        return self.head(self.norm(x)[:, -1])


def encoder():
    return Encoder(tokens=24, width=64, heads=2, blocks=2)
