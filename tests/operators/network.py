"""Many samples as one network for torch.export."""

import torch
from torch import nn
from torch.utils import _pytree as pytree


class Call(nn.Module):
    """One sample. Inputs without elements are buffers, because data for calibration cannot be empty."""

    def __init__(self, sample):
        super().__init__()
        self.function = sample.function
        leaves, self.spec = pytree.tree_flatten(sample.arguments)
        self.inputs, self.leaves = [], []
        for leaf in leaves:
            if not isinstance(leaf, torch.Tensor):
                self.leaves.append(lambda _, leaf=leaf: leaf)
            elif leaf.numel() == 0:
                name = f"empty{len(self.leaves)}"
                self.register_buffer(name, leaf.detach())
                self.leaves.append(lambda _, name=name: getattr(self, name))
            else:
                self.leaves.append(lambda inputs, number=len(self.inputs): inputs[number])
                self.inputs.append(leaf.detach())

    def forward(self, inputs):
        """The results that are tensors, in order."""
        arguments = pytree.tree_unflatten([leaf(inputs) for leaf in self.leaves], self.spec)
        return [value for value in pytree.tree_leaves(self.function(arguments)) if isinstance(value, torch.Tensor)]


class Network(nn.Module):
    """Samples side by side, by name. The anchor, one number, tells the command that first axes are no batch."""

    def __init__(self, calls):
        super().__init__()
        self.names = list(calls)
        for name, call in calls.items():
            self.add_module(name, call)

    def forward(self, anchor, inputs):
        results = {"anchor": anchor + 1}
        for name in self.names:
            for number, value in enumerate(self.get_submodule(name)(inputs[name])):
                results[result_name(name, number)] = value
        return results


def result_name(name, number):
    return f"{name}_{number}"


def reference(call):
    """(what torch computes, "") or (None, why the sample does not count)."""
    values = []
    try:
        for seed in (0, 1):
            torch.manual_seed(seed)
            with torch.no_grad():
                values.append([value.clone() for value in call([value.clone() for value in call.inputs])])
    except Exception as error:
        return None, f"torch refuses it: {type(error).__name__}"
    first, second = values
    if not first:
        return None, "no result is a tensor"
    if any(value.is_sparse or value.is_complex() for value in [*call.inputs, *first]):
        return None, "complex or sparse"
    if any(value.dtype == torch.bfloat16 for value in first):
        return None, "bfloat16, which NumPy has no type for"
    if not all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(first, second, strict=True)):
        return None, "random"
    return [value.numpy() for value in first], ""
