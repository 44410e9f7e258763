"""Gives work to what a network starts without: gains of zero or nearly so, tables and classifiers of zeros."""

import math

import torch
from torch import nn


def is_one_small_number(value):
    return bool(torch.all(value == value.flatten()[0])) and value.flatten()[0].abs() <= 0.11


def is_faint(value):
    return value.dim() > 1 and value.abs().mean() < 0.002


@torch.no_grad()
def awaken(model):
    """Fills the parameters of `model` that hold one small number; a network as it starts would pass by whole branches.

    Gains become about a half, biases and tables about a tenth. A classifier that starts with a thousandth of the usual
    weights, behind which only its bias would count, gets the usual ones. Draws from the global generator.
    """
    tables = ("bias", "pos", "token")
    for name, value in model.named_parameters():
        if value.numel() == 0 or not (is_one_small_number(value) or is_faint(value)):
            continue
        last = name.rpartition(".")[2]
        if any(word in last for word in tables):
            nn.init.normal_(value, std=0.1)
        elif sum(size > 1 for size in value.shape) < 2:
            nn.init.uniform_(value, 0.3, 0.7)
        else:
            nn.init.normal_(value, std=1 / math.sqrt(value[0].numel()))
    return model
