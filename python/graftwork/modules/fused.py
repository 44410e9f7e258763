"""What transformed networks consist of: kernels around the modules of the original."""

import functools
import textwrap
from typing import Any, ClassVar

import torch
from torch import nn

from graftwork.modules.quant_stub import UnplacedStub
from graftwork.modules.quantizers import QuantStub, WeightFakeQuantize


class KernelModule(nn.Module):
    """A module that computes its kernel's body over its children, which are the original modules."""

    _foldable: tuple[str, ...]
    _quantizers: dict[str, str]
    kernel: ClassVar[dict[str, Any]]
    """The kernel as data: its name, its body, and what of it is quantized."""
    own: ClassVar[type["FusedModule"] | None] = None
    """The class whose forward it has, where that is not written from the body."""

    def __init__(
        self,
        parts: dict[str, nn.Module],
        attributes: dict[str, Any],
        foldable: tuple[str, ...] = (),
        layers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """`parts` by role, quantizers among them; `attributes`: what operators of the body refer to; `foldable`: roles
        of batch norms that export folds into the layer in front of them; `layers`: role of each layer with a weight,
        and of its weight's quantizer."""
        super().__init__()
        self.__dict__.update(attributes, _foldable=foldable, _quantizers=dict(layers))
        optional = [node["role"] for node in self.kernel["body"] if node["kind"] == "part" and node["count"] == "?"]
        inner = [f"{value}_quant" for value in self.kernel["inner_values"]]
        absent = [role for role in [*optional, *inner, *self._quantizers.values()] if role not in parts]
        self._modules.update(dict.fromkeys(absent) | parts)

    def part(self, role: str, *inputs: torch.Tensor) -> torch.Tensor:
        """Runs a part; a layer with its weight through its quantizer, if there is one."""
        quantizer = getattr(self, self._quantizers[role]) if role in self._quantizers else None
        part = getattr(self, role)
        return part(*inputs) if quantizer is None else quantizer.run_layer(part, *inputs)

    def optional_part(self, role: str, x: torch.Tensor, *others: torch.Tensor | None) -> torch.Tensor:
        """Runs a part that may be absent: then `x` is passed on."""
        return x if getattr(self, role) is None else self.part(role, x, *others)

    def chain(self, role: str, x: torch.Tensor) -> torch.Tensor:
        """Runs the parts `role_0`, `role_1`, ... one behind the other."""
        k = 0
        while f"{role}_{k}" in self._modules:
            x = getattr(self, f"{role}_{k}")(x)
            k += 1
        return x

    def quantize_inside(self, value: str, x: torch.Tensor) -> torch.Tensor:
        """The value of the body through its stub, if there is one."""
        stub = getattr(self, f"{value}_quant")
        return x if stub is None else stub(x)

    def is_plain_attention(self, mask_role: str) -> bool:
        """Whether torch may compute the body, which is attention, at once: no stub inside is enabled, and a mask is
        added to the scores."""
        stubs = (getattr(self, f"{value}_quant") for value in self.kernel["inner_values"])
        mask = getattr(self, mask_role)
        is_plain = mask is None or type(mask).__name__ == "AttentionBias"
        return is_plain and not any(stub is not None and stub.enabled for stub in stubs)

    def attention(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None, scale: float
    ) -> torch.Tensor:
        """softmax(q kᵀ · scale + mask) v, for q [..., S, D], k [..., K, D], v [..., K, E]."""
        return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)

    def __reduce__(self) -> tuple[Any, ...]:
        from graftwork.modules.kernels import new_kernel_module

        return new_kernel_module, (self.kernel, self.own), self.__dict__

    def __repr__(self) -> str:
        lines = []
        for name, child in self.named_children():
            text = textwrap.indent(repr(child), "  ").lstrip()
            lines.append(f"  ({name}): {text}" + (" (foldable)" if name in self._foldable else ""))
        return f"{self._get_name()}(" + ("\n" + "\n".join(lines) + "\n)" if lines else ")")


class ConvertedModule(KernelModule):
    """An intermediate product of a conversion: a leaf that later patterns match."""


class FusedModule(KernelModule):
    """The final unit of quantization: what the engine runs as one kernel.

    Its type says which positions of its call are quantized. Stubs stand in front of the module, where `quantize` puts
    them and others that read the same tensor share them; one that stands nowhere is disabled and cannot be enabled.
    """

    inputs_to_quantize: ClassVar[tuple[int, ...]] = ()
    """Positions of the call's arguments that are quantized."""
    surrounded: bool
    """Whether stubs stand on all sides of it, so that it may compute in low precision inside."""
    _stubs: tuple[int, ...]
    prefers_fp_input: ClassVar[bool] = False
    """Reads the tensor in front of the stub that others share."""

    def __init__(
        self,
        parts: dict[str, nn.Module],
        attributes: dict[str, Any],
        foldable: tuple[str, ...] = (),
        layers: tuple[tuple[str, str], ...] = (),
        stubs: tuple[int, ...] = (),
    ) -> None:
        """As KernelModule; `stubs`: positions of the call that have one."""
        super().__init__(parts, attributes, foldable, layers)
        self.__dict__.update(surrounded=False, _stubs=stubs)

    @functools.cached_property
    def input_quant_stubs(self) -> dict[int, QuantStub]:
        """The stub of each position of the call that may be quantized."""
        return {position: UnplacedStub() for position in self._stubs}

    @property
    def quantized_weight(self) -> torch.Tensor | None:
        """The float parameter that `weight_fake_quant` acts on; nothing where there is none, or more than one."""
        if len(self._quantizers) != 1:
            return None
        ((role, quantizer),) = self._quantizers.items()
        has_quantizer = isinstance(getattr(self, quantizer), WeightFakeQuantize)
        return getattr(self, role).weight if has_quantizer else None
