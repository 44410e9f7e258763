"""Patterns and kernels that are written in Python."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

from graftwork import _C
from graftwork.errors import Error
from graftwork.modules.fused import FusedModule
from graftwork.stage import Stage, Value


class Pattern:
    """A pattern as a class: `tree`, in the pattern language, says what to find. What to put there is one of two.

    A fusion may have a kernel of one's own:

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

    The kernel's body is what the tree has found: it is calibrated, explained and exported by that, while `forward` is
    what runs in PyTorch, and must compute the same.

    Or `replace` is code:

        class ScaledTwicePattern(Pattern):
            section = "conversion"
            tree = '''
              %a = aten.mul.Scalar(%x)
              %b = aten.mul.Scalar(%a)
            '''

            def replace(self, match, stage):
                factor = match["a"].attributes["other"] * match["b"].attributes["other"]
                stage.replace(match["b"], stage.call("aten.mul.Scalar", [match["x"]], {"other": factor}))

    Instances, or the classes themselves, are what lists hold.
    """

    section: ClassVar[str] = "fusion"
    """"conversion", which runs until nothing changes, or "fusion", which runs once."""
    tree: ClassVar[str]
    inputs: ClassVar[Sequence[str]] = ()
    """Names of the tree's values that the kernel is called with."""
    parts: ClassVar[Sequence[str]] = ()
    """Names of the tree's modules that become the kernel's parts, under these roles."""
    result: ClassVar[str]
    """Name of the tree's value that the kernel's result replaces."""
    kernel: ClassVar[type[FusedModule] | None] = None

    def replace(self, match: dict[str, Value], stage: Stage) -> str | None:
        """Stages what takes the place of a match, whose values are known by their names in the tree.

        To decline, returns why. What it stages is carried out when it returns, or, where that is impossible, not at
        all. A ``graftwork.Error`` that it raises is the reason for declining; so is any other ``Exception``, of which a
        warning is given too.
        """
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The name of the class."""
        return type(self).__name__

    @functools.cached_property
    def handle(self) -> Any:
        """The pattern as `_C` has it. Raises graftwork.Error "gpat.syntax", "pattern.class"."""
        if self.kernel is None and type(self).replace is Pattern.replace:
            raise Error("pattern.class", f"{self.name} has neither a kernel nor replace()", "giving it one of the two")
        text = f"{self.section} {self.name} {{\n{self.tree}\n  => {self._graft()}\n}}\n"
        found = _C.parse_patterns(text, self.name)[0]
        return found if self.kernel is not None else _C.with_function(found, self._replace_or_why)

    def _replace_or_why(self, match: dict[str, _C.Value], stage: _C.Stage) -> str | None:
        try:
            return self.replace(match, stage)
        except Error as error:
            return error.message
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            warnings.warn(f"{self.name}.replace() failed, and changed nothing: {why}", RuntimeWarning, stacklevel=2)
            return why

    def _graft(self) -> str:
        if self.kernel is None:
            return self._no_graft()
        quantized = ", ".join(f"%{self.inputs[position]}" for position in self.kernel.inputs_to_quantize)
        inputs = ", ".join(f"%{name}" for name in self.inputs)
        call = f"%{self.result} = kernel {self.kernel.__name__}({inputs}) [{', '.join(self.parts)}]"
        return call + (f" quantize {quantized}" if quantized else "")

    def _no_graft(self) -> str:
        """The language wants every name used, and to know what becomes of results."""
        defined = re.findall(r"^\s*%(\w+)\s*=", self.tree, re.M)
        read = re.findall(r"%(\w+)", re.sub(r"^\s*%\w+\s*=", "", self.tree, flags=re.M))
        given = [name for name in dict.fromkeys(read) if name not in defined and name != "_"]
        results = [name for name in defined if name not in read]
        return "\n".join(
            [
                *(f'require %{name} == %{name} "it is no value"' for name in given),
                *(f"erase %{name}" for name in results),
            ]
        )

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
