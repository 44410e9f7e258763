"""The samples: torch's own for its operators, and some of ours where torch has none."""

import hashlib
import random
import sys
import types
import unittest
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from operators import own_samples, table

# torch's table of operators imports a package of torch's own tests and uses nothing of it but this name.
sys.modules.setdefault("expecttest", types.SimpleNamespace(TestCase=unittest.TestCase))
from torch.testing._internal.common_methods_invocations import op_db

# Of an operator and type, evenly spread: max_pool2d alone has 1440.
LIMIT = 24
LIMIT_OF_A_TENTH = 4
LARGEST = 4096  # elements; what is larger says nothing more and takes long


@dataclass(frozen=True)
class Sample:
    """A call: `function` of a tree of arguments whose leaves are tensors, which become inputs, and constants."""

    operator: str
    dtype: str
    index: int
    function: Any
    arguments: Any

    @property
    def key(self):
        return self.operator, self.dtype, self.index


def name_of(info):
    return f"{info.name}.{info.variant_test_name}" if info.variant_test_name else info.name


def operators():
    """The operators that are tested, by name."""
    wanted = set(table.TAKEN)
    infos = {name_of(info): info for info in op_db if info.name in wanted or name_of(info) in wanted}
    return infos | own_samples.OPERATORS


def elements(arguments):
    return max((leaf.numel() for leaf in pytree.tree_leaves(arguments) if isinstance(leaf, torch.Tensor)), default=0)


def called(function):
    return lambda arguments: function(*arguments[0], **arguments[1])


class Quick:
    """torch.manual_seed, which torch's samples call over and over, without the devices that are not there."""

    def __enter__(self):
        self.before, torch.random._manual_seed_impl = (
            torch.random._manual_seed_impl,
            torch.default_generator.manual_seed,
        )

    def __exit__(self, *_):
        torch.random._manual_seed_impl = self.before


def of_torch(info, dtype):
    """(function, arguments) of what torch tests the operator with."""
    if info.name in table.TAKE_COMPLEX and dtype == torch.float32:
        dtype = torch.complex64
    if dtype not in info.supported_dtypes("cpu"):
        return []
    with warnings.catch_warnings(), Quick():
        warnings.simplefilter("ignore")
        made = info.reference_inputs("cpu", dtype, requires_grad=False)
        found = [([sample.input, *sample.args], dict(sample.kwargs)) for sample in made]
    if info.name == "nn.functional.dropout":  # in training it is random even where nothing or everything is dropped
        found = [arguments for arguments in found if not arguments[1].get("training", True)]
    return [(called(info.op), arguments) for arguments in found if elements(arguments) <= LARGEST]


def spread(items, limit):
    if len(items) <= limit:
        return items
    return [items[i * len(items) // limit] for i in range(limit)]


def in_tenth(sample, tenth):
    digest = hashlib.sha256("/".join(map(str, sample.key)).encode()).digest()
    return digest[0] % 10 == tenth


def of_operator(name, info, dtype, tenth=None):
    """The samples for one operator and type, the same in every run; `tenth` 0 to 9 takes a fixed tenth of them."""
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    torch_dtype = getattr(torch, table.DTYPES[dtype])
    made = info.samples(torch_dtype) if isinstance(info, own_samples.Operator) else of_torch(info, torch_dtype)
    found = [Sample(name, dtype, index, *made) for index, made in spread(list(enumerate(made)), LIMIT)]
    if tenth is None:
        return found
    return spread([sample for sample in found if in_tenth(sample, tenth)], LIMIT_OF_A_TENTH)
