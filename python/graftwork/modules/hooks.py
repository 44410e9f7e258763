"""Hooks that users put on modules."""

from torch import nn


def has_hook(module: nn.Module) -> bool:
    """Whether calling the module runs code of the user's."""
    is_on_forward = module._forward_hooks or module._forward_pre_hooks
    return bool(is_on_forward or module._backward_hooks or module._backward_pre_hooks)
