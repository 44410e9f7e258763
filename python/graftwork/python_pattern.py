"""Patterns and kernels that are written in Python."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, ClassVar

from graftwork import _C
from graftwork.errors import Error
from graftwork.modules.fused import FusedModule


class Pattern:
    """A fusion as a class: a tree to find, and a kernel, a class of one's own, to put there.

        class FusedDoubleAct(FusedModule):
            inputs_to_quantize = (0,)

            def forward(self, x):
                return 2 * self.part("act", x)

        class DoubleActPattern(Pattern):
            tree = '''
              %act = nn.ReLU(%x)
              %sum = aten.add.Tensor(%act, %act)
            '''
            inputs = ("x",)
            parts = ("act",)
            result = "sum"
            kernel = FusedDoubleAct

    `tree` is in the pattern language. The kernel's body is what the tree has found: it is calibrated, explained and
    exported by that, while `forward` is what runs in PyTorch, and must compute the same. Instances are what lists hold.
    """

    tree: ClassVar[str]
    inputs: ClassVar[Sequence[str]]
    """Names of the tree's values that the kernel is called with."""
    parts: ClassVar[Sequence[str]] = ()
    """Names of the tree's modules that become the kernel's parts, under these roles."""
    result: ClassVar[str]
    """Name of the tree's value that the kernel's result replaces."""
    kernel: ClassVar[type[FusedModule]]

    @property
    def name(self) -> str:
        """The name of the class."""
        return type(self).__name__

    @property
    def section(self) -> str:
        """The section of a list that it is for."""
        return "fusion"

    @functools.cached_property
    def handle(self) -> Any:
        """The pattern as `_C` has it. Raises graftwork.Error "gpat.syntax"."""
        quantized = ", ".join(f"%{self.inputs[position]}" for position in self.kernel.inputs_to_quantize)
        call = f"%{self.result} = kernel {self.kernel.__name__}({', '.join('%' + name for name in self.inputs)})"
        text = f"fusion {self.name} {{\n{self.tree}\n  => {call} [{', '.join(self.parts)}]"
        text += (f" quantize {quantized}" if quantized else "") + "\n}\n"
        return _C.parse_patterns(text, self.name)[0]

    def __repr__(self) -> str:
        return f"<{self.section} {self.name}>"


def handles_of(patterns: Sequence[Any]) -> list[Any]:
    """The patterns as `_C` takes them. Raises TypeError for what is no pattern."""
    handles = []
    for pattern in patterns:
        if isinstance(pattern, type) and issubclass(pattern, Pattern):
            pattern = pattern()
        if not isinstance(pattern, Pattern | _C.Pattern):
            raise TypeError(f"{pattern!r} is no pattern")
        handles.append(pattern.handle if isinstance(pattern, Pattern) else pattern)
    return handles


def kernels_of(patterns: Sequence[Any]) -> dict[str, type[FusedModule]]:
    """The kernels that are classes of one's own, by name. Raises graftwork.Error "patterns.name" where two have one."""
    kernels: dict[str, type[FusedModule]] = {}
    for pattern in patterns:
        kernel = getattr(pattern, "kernel", None)
        if kernel is not None and kernels.setdefault(kernel.__name__, kernel) is not kernel:
            raise Error("patterns.name", f"two kernels are called {kernel.__name__}", "another name for one of them")
    return kernels
