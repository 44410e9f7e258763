"""What a row of the zoo is: how a network is built, what goes in, what its INT8 file must reach."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils import _pytree as pytree

from settle import randomize_batch_norm, settle_batch_norm


@dataclass(frozen=True)
class Shape:
    """One sample's shape, without the batch."""

    sizes: tuple

    def random(self, batch, generator):
        return torch.randn(batch, *self.sizes, generator=generator)


@dataclass(frozen=True)
class Places:
    """Points on a square of this size."""

    sizes: tuple
    extent: float

    def random(self, batch, generator):
        return self.extent * torch.rand(batch, *self.sizes, generator=generator)


@dataclass(frozen=True)
class Tokens:
    """A text of so many tokens, of [least, vocabulary)."""

    length: int
    vocabulary: int
    least: int = 0

    def random(self, batch, generator):
        return torch.randint(self.least, self.vocabulary, (batch, self.length), generator=generator)


@dataclass(frozen=True)
class Seen:
    """A mask of padding: ones over a text of random length, at least half of what there is room for, then zeros."""

    length: int

    def random(self, batch, generator):
        lengths = torch.randint(self.length // 2, self.length + 1, (batch, 1), generator=generator)
        return (torch.arange(self.length) < lengths).long()


def is_given(value):
    return isinstance(value, Shape | Places | Tokens | Seen)


@dataclass(frozen=True)
class Network:
    """A row of the zoo.

    `inputs` is one input, for several a tuple of (dicts and tuples of) them, or a dict of what the network is called
    with by name. None stays None.
    """

    make: Callable[[], nn.Module]
    inputs: Shape | tuple | dict
    floor: float  # least SQNR in dB of every output of the INT8 file; README.md says how it was chosen
    in_tests: bool = False  # part of `make test`: the representative third

    def arguments(self, batch, generator):
        """What the network is called with, by position and by name: N(0, 1) in every input that is a Shape."""
        inputs = (self.inputs,) if is_given(self.inputs) else self.inputs
        values = pytree.tree_map(
            lambda given: given.random(batch, generator) if is_given(given) else given, inputs, is_leaf=is_given
        )
        return ((), values) if isinstance(values, dict) else (values, {})

    def build(self, seed=0):
        """In eval mode. The same seed gives the same weights; the global generator is left alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = self.make()
            generator = torch.Generator().manual_seed(seed + 1)
            randomize_batch_norm(model, generator)
            return settle_batch_norm(model, [self.arguments(4, generator) for _ in range(2)])
