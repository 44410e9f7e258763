"""The package as it was built, and one transformed network that tests share."""

import copy
import sys
from types import SimpleNamespace

import pytest
import torch

import support

BUILT = support.ROOT / "build" / "python"
sys.path.insert(0, str(BUILT))


@pytest.fixture(scope="session")
def _residual():
    import graftwork
    from package_networks import ResidualNet, settled

    torch.manual_seed(0)
    model = settled(ResidualNet())
    return model, graftwork.transform(model, (torch.randn(4, 3, 32, 32),))


@pytest.fixture
def residual(_residual):
    """A small ResNet in evaluation and what `transform` made of it, copies of both that share what they shared."""
    model, result = copy.deepcopy(_residual[0]), _residual[1]
    memo = {id(a): b for a, b in zip(_residual[0].modules(), model.modules(), strict=True)}
    memo |= {id(a): b for a, b in zip(_residual[0].parameters(), model.parameters(), strict=True)}
    memo |= {id(a): b for a, b in zip(_residual[0].buffers(), model.buffers(), strict=True)}
    x = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    return SimpleNamespace(model=model, made=copy.deepcopy(result.model, memo), result=result, x=x)
