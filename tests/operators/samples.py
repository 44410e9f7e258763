"""The samples: torch's own for its operators, and a few for recurrent layers, which torch has none for."""

import random
import sys
import types
import unittest
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils import _pytree as pytree

import table

# torch's table of operators imports a test helper that it does not use for it.
sys.modules.setdefault("expecttest", types.SimpleNamespace(TestCase=unittest.TestCase))
from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402

LIMIT = 60


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
        return f"{self.operator}/{self.dtype}/{self.index}"


def seed():
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)


def name_of(info):
    return f"{info.name}.{info.variant_test_name}" if info.variant_test_name else info.name


def taken():
    """The operators that are tested, by name."""
    wanted = set(table.TAKEN)
    return {name_of(info): info for info in op_db if info.name in wanted or name_of(info) in wanted}


def call(function):
    return lambda arguments: function(*arguments[0], **arguments[1])


def spread(items, limit):
    """At most `limit` of the items, evenly spread."""
    if len(items) <= limit:
        return items
    return [items[i * len(items) // limit] for i in range(limit)]


def of_operator(name, info, dtype, limit=LIMIT):
    """The samples of torch for one operator and type; none where torch does not support the type on a CPU."""
    torch_dtype = getattr(torch, table.DTYPES[dtype])
    if torch_dtype not in info.supported_dtypes("cpu"):
        return []
    seed()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = list(info.sample_inputs("cpu", torch_dtype, requires_grad=False))
    found = []
    for index, sample in spread(list(enumerate(made)), limit):
        arguments = ([sample.input, *sample.args], dict(sample.kwargs))
        found.append(Sample(name, dtype, index, call(info.op), arguments))
    return found
