"""What is no longer used is freed: models, results and data."""

import gc
import weakref

import graftwork
import pytest
import small_networks as networks
import torch
from graftwork import FusedModule, Pattern
from graftwork.quantize import quantize
from graftwork.tensorrt import TENSORRT_PATTERNS


class FusedSquare(FusedModule):
    def forward(self, x):
        return self.part("act", x) ** 2


def work():
    """Weak references to all that a user of the package has in hand."""

    class Square(Pattern):
        tree = """
          %act = nn.ReLU(%x)
          %square = aten.mul.Tensor(%act, %act)
        """
        inputs, parts, result, kernel = ("x",), ("act",), "square", FusedSquare

    model, x = networks.residual(), networks.images(4)
    batches = list(networks.images(8).split(4))
    result = graftwork.transform(model, (x,), [*TENSORRT_PATTERNS, Square])
    q = quantize(result.model, (x,), forward_loop=lambda m: [m(batch) for batch in batches])
    fast = graftwork.fast_eval(result.model)
    fast(x)
    made = {"model": model, "result": result, "transformed": result.model, "quantized": q, "fast": fast}
    made |= {"pattern": Square, "example": x, "batch": batches[0]}
    return {name: weakref.ref(value) for name, value in made.items()}


@pytest.fixture(scope="module")
def references():
    found = work()
    gc.collect()
    return found


@pytest.mark.parametrize("name", ["model", "result", "transformed", "quantized", "fast", "pattern", "example", "batch"])
def test_it_is_freed(references, name):
    assert references[name]() is None


def test_quantizing_keeps_no_batch():
    model, x = networks.residual(), networks.images(4)
    made = graftwork.transform(model, (x,)).model
    kept = []

    def loop(calibrating):
        for _ in range(20):
            batch = torch.randn_like(x)
            calibrating(batch)
            kept.append(weakref.ref(batch))

    q = quantize(made, (x,), forward_loop=loop)
    assert q.report.samples == 80
    assert not any(reference() is not None for reference in kept)
