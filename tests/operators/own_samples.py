"""Samples where torch has none, recurrent layers above all."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils import _pytree as pytree

LENGTH, BATCH, SIZE, HIDDEN = 5, 2, 3, 4
GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


@dataclass(frozen=True)
class Operator:
    """`calls` returns (function, arguments) for each sample."""

    calls: Callable

    def samples(self, dtype):
        if not dtype.is_floating_point:
            return []
        return [
            (function, pytree.tree_map(lambda leaf: with_type(leaf, dtype), arguments))
            for function, arguments in self.calls()
        ]


def with_type(leaf, dtype):
    if isinstance(leaf, nn.Parameter):
        return fixed(leaf.to(dtype))
    return leaf.to(dtype) if isinstance(leaf, torch.Tensor) else leaf


def fixed(tensor):
    """A tensor that is a constant of the network and no input."""
    return nn.Parameter(tensor, requires_grad=False)


def layer(kind, count=1, both=False, batch_first=False, bias=True, projection=0, given=False):
    """One call of a layer: torch.lstm and its like, which the modules of torch.nn call too.

    The weights are constants, as in a module, or where they are `given` inputs.
    """
    directions, rows, hidden = 1 + both, GATES[kind] * HIDDEN, projection or HIDDEN
    weights = []
    for number in range(count):
        read = hidden * directions if number else SIZE
        for _ in range(directions):
            weights += [torch.randn(rows, read) / 2, torch.randn(rows, hidden) / 2]
            weights += [torch.randn(rows), torch.randn(rows)] if bias else []
            weights += [torch.randn(hidden, HIDDEN)] if projection else []
    batch = [BATCH]
    states = [torch.randn(count * directions, *batch, hidden)]
    if kind == "lstm":
        states.append(torch.randn(count * directions, *batch, HIDDEN))
    x = torch.randn(*batch, LENGTH, SIZE) if batch_first else torch.randn(LENGTH, *batch, SIZE)

    def function(arguments):
        x, states, weights = arguments
        first = states if kind == "lstm" else states[0]
        return getattr(torch, kind)(x, first, weights, bias, count, 0.0, False, both, batch_first)

    return function, [x, states, weights if given else list(map(fixed, weights))]


def layers(kind, **more):
    def calls():
        choices = itertools.product((1, 2), (False, True), (False, True), (True, False))
        return [
            layer(kind, count=count, both=both, batch_first=first, bias=bias, **more)
            for count, both, first, bias in choices
        ]

    return Operator(calls)


def cells(kind):
    """torch.lstm_cell and its like, with and without biases, of a batch of one and of two."""

    def call(bias, batch):
        rows = GATES[kind] * HIDDEN
        states = [torch.randn(batch, HIDDEN) for _ in range(2 if kind == "lstm" else 1)]
        weights = [torch.randn(rows, SIZE), torch.randn(rows, HIDDEN)]
        weights += [torch.randn(rows), torch.randn(rows)] if bias else []

        def function(arguments):
            x, states, weights = arguments
            return getattr(torch, f"{kind}_cell")(x, states if kind == "lstm" else states[0], *weights)

        return function, [torch.randn(batch, SIZE), states, weights]

    return Operator(lambda: [call(bias, batch) for bias, batch in itertools.product((True, False), (1, 2))])


def rrelu():
    """torch's own samples are of training, where it draws numbers."""
    calls = []
    for shape, (lower, upper) in itertools.product(((), (5,), (2, 3, 4)), ((1 / 8, 1 / 3), (0.0, 1.0))):
        options = {"lower": lower, "upper": upper, "training": False}
        calls.append((lambda arguments: F.rrelu(arguments[0], **arguments[1]), [3 * torch.randn(shape), options]))
    return calls


def fold():
    """The samples that torch has for unfold, the other way."""
    calls = []
    for batch, (kernel, dilation, padding, stride) in itertools.product(
        ((), (2,)), ((2, 1, 0, 1), (3, 1, 1, 2), ((2, 3), 1, (0, 1), 1), (2, 2, 1, 1))
    ):
        options = {"kernel_size": kernel, "dilation": dilation, "padding": padding, "stride": stride}
        columns = F.unfold(torch.randn(*batch, 3, 6, 7), **options)
        calls.append((lambda arguments: F.fold(arguments[0], (6, 7), **arguments[1]), [columns, options]))
    return calls


def affine_grid():
    sizes = itertools.product(([2, 3, 4, 5], [1, 2, 1, 6], [2, 1, 3, 4, 5]), (False, True))
    return [
        (
            lambda arguments: F.affine_grid(*arguments),
            [torch.randn(size[0], len(size) - 2, len(size) - 1), size, corners],
        )
        for size, corners in sizes
    ]


def antialiased():
    """Pictures made smaller and larger, as transforms of torchvision do it."""
    calls = []
    for mode, size, corners in itertools.product(("bilinear", "bicubic"), ((4, 5), (11, 9), (4, 12)), (False, True)):
        options = {"size": size, "mode": mode, "align_corners": corners, "antialias": True}
        calls.append(
            (lambda arguments: F.interpolate(arguments[0], **arguments[1]), [torch.randn(2, 3, 8, 7), options])
        )
    return calls


def type_as():
    made = itertools.product(
        ((), (3,), (2, 0, 4)), (torch.float32, torch.float16, torch.int64, torch.int32, torch.bool)
    )
    return [
        (
            lambda arguments: arguments[0].type_as(arguments[1]["like"].to(arguments[2])),
            [4 * torch.randn(shape), {"like": torch.zeros(2)}, dtype],
        )
        for shape, dtype in made
    ]


OPERATORS = {
    "nn.functional.fold": Operator(fold),
    "nn.functional.affine_grid": Operator(affine_grid),
    "nn.functional.interpolate.antialias": Operator(antialiased),
    "type_as": Operator(type_as),
    "nn.functional.rrelu.eval": Operator(rrelu),
    "lstm": layers("lstm"),
    "lstm.projected": layers("lstm", projection=2),
    "lstm.given_weights": layers("lstm", given=True),
    "gru": layers("gru"),
    "rnn_tanh": layers("rnn_tanh"),
    "rnn_relu": layers("rnn_relu"),
    "lstm_cell": cells("lstm"),
    "gru_cell": cells("gru"),
    "rnn_tanh_cell": cells("rnn_tanh"),
    "rnn_relu_cell": cells("rnn_relu"),
}
