"""Arguments that capturing has fixed."""

from typing import Any

import torch
from torch.fx.node import has_side_effect

from graftwork.errors import Error


@has_side_effect
def check_fixed(given: Any, name: str, captured: Any) -> None:
    """Raises graftwork.Error "call.fixed" where an argument that is no tensor has another value than at capture: the
    network computes what that value says."""
    if given is captured:
        return
    is_tensor = isinstance(given, torch.Tensor)
    if is_tensor or given != captured:
        value = f"a tensor of {list(given.shape)}" if is_tensor else repr(given)
        raise Error(
            "call.fixed",
            f"the argument {name} is {value}; the model was captured with {captured!r}, and computes that",
            f"transform(...) with {name} as it is here gives a model for it",
        )
