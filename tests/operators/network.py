"""Many samples as one network for torch.export."""

import torch
from torch import nn
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode


class Call(nn.Module):
    """One sample. Complex numbers, which ONNX has not, come and go as pairs on a last axis.

    Tensors without elements are buffers, because data for calibration cannot be empty; parameters are too.
    """

    def __init__(self, sample):
        super().__init__()
        self.function = sample.function
        leaves, self.spec = pytree.tree_flatten(sample.arguments)
        self.inputs, self.leaves = [], []
        for number, leaf in enumerate(leaves):
            kind, at = "number", leaf
            if isinstance(leaf, torch.Tensor):
                kind, at = "input", len(self.inputs)
                if leaf.numel() == 0 or isinstance(leaf, nn.Parameter):
                    kind, at = "constant", f"constant{number}"
                    self.register_buffer(at, leaf.detach())
                elif leaf.is_complex():
                    kind = "pairs"
                    self.inputs.append(torch.view_as_real(leaf.detach().resolve_conj()).contiguous())
                else:
                    self.inputs.append(leaf.detach())
            self.leaves.append((kind, at))

    def leaf(self, kind, at, inputs):
        if kind == "number":
            return at
        if kind == "constant":
            return getattr(self, at)
        return torch.view_as_complex(inputs[at]) if kind == "pairs" else inputs[at]

    def forward(self, inputs):
        """The results that are tensors, in order."""
        arguments = pytree.tree_unflatten([self.leaf(*leaf, inputs) for leaf in self.leaves], self.spec)
        results = [value for value in pytree.tree_leaves(self.function(arguments)) if isinstance(value, torch.Tensor)]
        return [torch.view_as_real(value.resolve_conj()) if value.is_complex() else value for value in results]


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


class Randomness(TorchDispatchMode):
    """Sees whether anything draws numbers. torch's samples set the seed themselves, so results do not tell."""

    found = False

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        options = options or {}
        if torch.Tag.nondeterministic_seeded in function.tags:
            given = {parameter.name: parameter.default_value for parameter in function._schema.arguments}
            given |= dict(zip(given, arguments, strict=False)) | options
            self.found |= bool(given.get("training", given.get("train", given.get("dropout_p", True))))
        return function(*arguments, **options)


def reference(call):
    """(what torch computes, "") or (None, why the sample does not count)."""
    try:
        with torch.no_grad(), Randomness() as randomness:
            values = [value.clone() for value in call([value.clone() for value in call.inputs])]
    except Exception as error:
        return None, f"torch refuses it: {type(error).__name__}"
    if randomness.found:
        return None, "random"
    if not values:
        return None, "no result is a tensor"
    if any(value.dtype == torch.bfloat16 for value in values):
        return None, "bfloat16, which NumPy has no type for"
    return [value.numpy() for value in values], ""


def halves(named):
    items = list(named.items())
    return [dict(items[: len(items) // 2]), dict(items[len(items) // 2 :])]
