"""Quantizers of activations and of weights, from what a network says of them."""

from typing import Any

import torch
from torch import nn

from graftwork.modules.quant_stub import QuantStub
from graftwork.modules.quantizer import Quantizer
from graftwork.modules.weight_fake_quantize import WeightFakeQuantize, run_with_weight

__all__ = ["QuantStub", "Quantizer", "WeightFakeQuantize", "new_quantizer", "run_with_weight"]

Record = dict[str, Any]


def is_quantizer(kind: str) -> bool:
    """Whether modules of the kind quantize."""
    return kind in ("QuantStub", "WeightFakeQuantize")


def new_quantizer(record: Record, tensors: dict[str, torch.Tensor]) -> tuple[nn.Module, dict[str, str]]:
    """A quantizer of the record's kind; enabled where the record has a scale. Returns it and what it calls the stored
    tensors."""
    attrs, params = record["attrs"], record["params"]
    if record["kind"] == "QuantStub":
        made: Quantizer = QuantStub(attrs["precision"])
    else:
        made = WeightFakeQuantize(attrs["precision"], attrs["axis"], attrs["quant_min"], attrs["block_size"])
        # Scales that the network brought do not follow its weights.
        if attrs["given_scale"] > 0 or ("scale" in params and params["scale"][1].endswith(".exported_scale")):
            made.frozen = True
    stored = {params[name][1]: name for name in ("scale", "zero_point") if name in params}
    if "scale" in params:
        zero_point = tensors[params["zero_point"][1]].clone() if "zero_point" in params else None
        made.enable(tensors[params["scale"][1]].clone(), zero_point)
    elif attrs["given_scale"] > 0:
        made.enable(torch.tensor(attrs["given_scale"]))
    return made, stored
