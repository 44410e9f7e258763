"""What quantization did, as plain data."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

__all__ = ["QuantizationPlan", "QuantizationReport"]


@dataclasses.dataclass
class QuantizationPlan:
    """Where every Q/DQ goes and why. ``data`` has what a plan file of the command has: it may be edited (``"apply":
    False`` for a stub, ``"quantized": False`` for a weight) and given to ``quantize``."""

    data: dict[str, Any]
    """Stubs and weights are lists under ``["stubs"]["stubs"]`` and ``["stubs"]["weights"]``."""
    text: str = dataclasses.field(default="", repr=False)
    """The same to read, as it was made."""

    def __post_init__(self) -> None:
        self._made = self.to_json()

    @classmethod
    def from_json(cls, text: str) -> QuantizationPlan:
        """Of a plan file."""
        return cls(json.loads(text))

    def to_json(self) -> str:
        """A plan file."""
        return json.dumps(self.data, indent=2) + "\n"

    def __str__(self) -> str:
        now = self.to_json()
        return self.text if self.text and now == self._made else now


@dataclasses.dataclass(frozen=True)
class QuantizationReport:
    """What was measured, chosen and changed."""

    samples: int
    """That were seen."""
    method: str
    """How the ranges of activations were found."""
    weight_method: str
    """How those of weights were found."""
    scales: list[dict[str, Any]]
    """Each scale with the range that it is from: a line for each stub and each weight."""
    changed: list[str]
    """Names in the model of tensors that are copies with other numbers; all others are the input model's own."""
    corrected_biases: int
    """How many biases make up for the rounding of weights."""
    rounded_weights: int
    """How many weights have codes that were chosen together."""
    rescaled: list[dict[str, Any]]
    """Between which layers differences of channels moved (SmoothQuant, equalization, outlying channels), and what was
    left as it is, with the reason."""
    fp32_regions: list[dict[str, Any]]
    """What stays in FP32 where the file's float regions are FP16, with reasons."""
    warnings: list[str]

    def to_dict(self) -> dict[str, Any]:
        """As plain lists and dicts, which JSON can hold."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        stubs = sum("stub" in line for line in self.scales)
        weights = sum("weight" in line for line in self.scales)
        lines = [
            f"{stubs} stubs ({self.method}) and {weights} weights ({self.weight_method}), of {self.samples} samples",
            f"{len(self.changed)} tensors changed, {self.corrected_biases} biases corrected",
            *(f"warning: {warning}" for warning in self.warnings),
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from graftwork.html import table

        rows = [(line["stub"], line["tensor"], line["scale"], line["method"]) for line in self.scales if "stub" in line]
        return table(("stub", "tensor", "scale", "method"), rows)


def report_of(facts: dict[str, Any], changed: list[str]) -> QuantizationReport:
    """The report of ``_C``'s facts."""
    lines = [json.loads(line) for line in facts["scales"].splitlines()]
    return QuantizationReport(
        samples=facts["samples"],
        method=facts["method"],
        weight_method=facts["weight_method"],
        scales=[line for line in lines if "stub" in line or "weight" in line],
        changed=changed,
        corrected_biases=facts["corrected_biases"],
        rounded_weights=facts["rounded_weights"],
        rescaled=facts["rescaled"],
        fp32_regions=facts["fp32_regions"],
        warnings=facts["warnings"],
    )
