"""Modules that transformed networks consist of."""

from typing import Any

from graftwork.modules.fused import ConvertedModule, FusedModule
from graftwork.modules.quantizers import QuantStub, WeightFakeQuantize
from graftwork.modules.smooth_quant_observer import SmoothQuantObserver

__all__ = ["ConvertedModule", "FusedModule", "QuantStub", "SmoothQuantObserver", "WeightFakeQuantize"]


def __getattr__(name: str) -> Any:
    """The class of a kernel of the backend in use: `graftwork.modules.FusedConvBNAct`."""
    from graftwork import _C
    from graftwork.modules.kernels import kernel_class

    if name[0].isupper():
        for kind in _C.kinds(_C.get_backend()):
            if kind["name"] == name and "body" in kind:
                return kernel_class(kind)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
