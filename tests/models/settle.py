"""Makes a freshly built network look trained: batch norm parameters and running statistics that are not trivial."""

import torch
from torch import nn

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@torch.no_grad()
def randomize_batch_norm(model, generator):
    """Scatters weights by a tenth, one in sixteen negative so that folding must carry the sign, and biases around 0."""
    for module in model.modules():
        if isinstance(module, BATCH_NORMS):
            module.weight.mul_(1 + 0.1 * torch.randn(module.weight.shape, generator=generator))
            module.weight[::16].neg_()
            module.bias.copy_(0.1 * torch.randn(module.bias.shape, generator=generator))


@torch.no_grad()
def settle_batch_norm(model, batches):
    """Runs `batches` in train mode, so that the running statistics have moved; returns `model` in eval mode.

    A batch is a tensor, or the arguments by position and by name.

    PyTorch's usual momentum on purpose, also where a network came with another. Statistics that normalise a random
    deep network perfectly make it chaotic: rounding errors then double from layer to layer, which no trained network
    does.
    """
    norms = [module for module in model.modules() if isinstance(module, BATCH_NORMS)]
    for norm in norms:
        norm.momentum = 0.1
    model.train()
    for batch in batches if norms else ():
        arguments, named = batch if isinstance(batch, tuple) else ((batch,), {})
        model(*arguments, **named)
    return model.eval()
