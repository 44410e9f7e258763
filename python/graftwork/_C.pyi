"""The module of C++: networks, patterns, quantization, files. Not for users: the package says it in Python."""

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor

version: str

# Captured programs.
class TensorName:
    def __init__(self, name: str) -> None: ...

class NumberName:
    def __init__(self, name: str, kind: str) -> None: ...

class OperatorName:
    def __init__(self, target: str) -> None: ...

class InputKind:
    USER: InputKind
    STORED: InputKind
    OBJECT: InputKind
    FIXED: InputKind

class OutputKind:
    RESULT: OutputKind
    MUTATION: OutputKind
    INPUT_MUTATION: OutputKind
    OTHER: OutputKind

class SubGraph:
    def add_input(self, argument: Any) -> None: ...
    def add_output(self, argument: Any) -> None: ...
    def add_call(self, op: str, inputs: list[Any], outputs: list[Any], name: str, metadata: dict[str, str]) -> None: ...
    def add_tensor(self, name: str, dtype: torch.dtype, sizes: list[Any], strides: list[Any]) -> None: ...

class Program:
    def add_input(self, kind: InputKind, argument: Any, name: str, stored: str, trainable: bool) -> None: ...
    def add_output(self, kind: OutputKind, argument: Any, name: str) -> None: ...
    def add_call(self, op: str, inputs: list[Any], outputs: list[Any], name: str, metadata: dict[str, str]) -> None: ...
    def add_tensor(self, name: str, dtype: torch.dtype, sizes: list[Any], strides: list[Any]) -> None: ...

class Captured:
    network: Network
    unsupported: list[str]

def build_network(program: Program, tensors: list[tuple[str, Tensor]]) -> Captured: ...
def result_names(treespec: str, is_none: list[bool], namedtuple_fields: dict[str, list[str]]) -> list[str]: ...

# Networks.
@final
class Network:
    @property
    def names(self) -> list[str]: ...
    @property
    def tensors(self) -> dict[str, Tensor]: ...
    @property
    def fingerprint(self) -> str: ...
    def text(self, types: bool = False) -> str: ...
    def inputs(self) -> list[tuple[str, torch.dtype | None, tuple[int | str, ...] | None]]: ...
    def outputs(self) -> list[tuple[str, torch.dtype | None, tuple[int | str, ...] | None]]: ...
    def nodes(self) -> list[dict[str, Any]]: ...
    def modules(self) -> dict[str, dict[str, Any]]: ...
    def kinds(self) -> dict[str, dict[str, Any]]: ...
    def run(
        self, tensors: list[Tensor], inputs: list[Tensor], training: bool = False, any_batch: bool = False
    ) -> list[Tensor]: ...

class Runner:
    def __init__(self, network: Network, tensors: list[Tensor]) -> None: ...
    def run(self, inputs: list[Tensor]) -> list[Tensor]: ...

def with_tensors(network: Network, tensors: list[Tensor]) -> Network: ...

# Patterns, transformation.
class Pattern:
    @property
    def name(self) -> str: ...
    @property
    def section(self) -> str: ...

class Parameter:
    """A parameter: a stored tensor, or what is made of stored tensors. Each method gives another one."""
    @property
    def shape(self) -> tuple[int | str, ...] | None:
        """Outermost first."""
    def view(self, shape: list[int]) -> Parameter:
        """The same elements in another shape."""
    def permute(self, order: list[int]) -> Parameter:
        """Axis i of the result is axis order[i]."""
    def slice(self, axis: int, start: int, end: int) -> Parameter:
        """From `start` up to but without `end` along the axis."""
    def multiply(self, other: Parameter) -> Parameter:
        """The product, element by element; shapes broadcast."""
    @staticmethod
    def concat(parts: list[Parameter], axis: int) -> Parameter:
        """One behind the other along the axis."""

class Value:
    """A node that a pattern has found. Only good while its function runs: later, Error "pattern.over"."""
    @property
    def name(self) -> str:
        """As the graph prints it, without %."""
    @property
    def op(self) -> str:
        """Its operator, "aten.add.Tensor", or the kind of its module, "nn.Linear"."""
    @property
    def path(self) -> str:
        """Of the module in the model that it comes from, "layer1.0.conv1"."""
    @property
    def shape(self) -> tuple[int | str, ...] | None:
        """Outermost first; an extent that is known at run time only is a text, "s0". None where it is no tensor."""
    @property
    def dtype(self) -> torch.dtype | None:
        """None where it is no tensor."""
    @property
    def users(self) -> int:
        """How often it is read."""
    @property
    def inputs(self) -> list[Value]:
        """What it reads, in order."""
    @property
    def attributes(self) -> dict[str, Any]:
        """Of its operator or its module, by name."""
    def parameter(self, name: str) -> Parameter | None:
        """That of its module, "weight"; None where there is none."""

class Stage:
    """What a pattern's function may stage: carried out when the function returns, or not at all."""
    def call(self, op: str, inputs: list[Value], attributes: dict[str, Any] = ...) -> Value:
        """The call of an operator, "aten.mul.Tensor"."""
    def call_module(
        self,
        kind: str,
        inputs: list[Value],
        attributes: dict[str, Any],
        parameters: dict[str, Parameter] = ...,
        *,
        path: str,
    ) -> Value:
        """The call of a new module, "nn.Linear", that stands at the path."""
    def replace(self, old: Value, now: Value) -> None:
        """Those that read `old` read `now`. Raises Error "pattern.declined" where that cannot be."""
    def remove(self, value: Value) -> None:
        """A value that nothing reads. Raises Error "pattern.declined" where that cannot be."""

def with_function(tree: Pattern, replace: Callable[[dict[str, Value], Stage], str | None]) -> Pattern: ...

class TransformationPlan:
    graph: str
    @property
    def rounds(self) -> list[tuple[str, list[dict[str, Any]]]]: ...
    def is_on(self, round: int, index: int) -> bool: ...
    def switch(self, round: int, index: int, on: bool) -> None: ...
    def text(self) -> str: ...
    def to_json(self) -> str: ...
    def save(self, path: bytes) -> None: ...

def parse_patterns(text: str, file: str) -> list[Pattern]: ...
def read_patterns(path: bytes) -> list[Pattern]: ...
def kinds(backend: str) -> list[dict[str, Any]]: ...
def backend_patterns(backend: str, section: str) -> list[Pattern]: ...
def add_backend(*args: Any, **kwargs: Any) -> None: ...
def set_backend(name: str) -> None: ...
def get_backend() -> str: ...
def discover_backends() -> list[str]: ...
def reset_backends() -> None: ...
def transform(network: Network, patterns: list[Pattern]) -> tuple[Network, dict[str, Any]]: ...
def prepare_graph(network: Network, patterns: list[Pattern]) -> tuple[Network, dict[str, Any]]: ...
def parse_plan(text: str) -> TransformationPlan: ...
def read_plan(path: bytes) -> TransformationPlan: ...
def get_transformation_plan(network: Network, patterns: list[Pattern]) -> TransformationPlan: ...
def apply_transformation_plan(
    network: Network, plan: TransformationPlan, patterns: list[Pattern]
) -> tuple[Network, dict[str, Any]]: ...
def explain(network: Network, name: str, patterns: list[Pattern]) -> list[dict[str, Any]]: ...

# Fake quantization.
def fake_quantize(
    x: Tensor, scale: Tensor, zero_point: Tensor | None, axis: int, quant_min: float, quant_max: float, is_e4m3: bool
) -> Tensor: ...
def fake_quantize_gradients(
    grad: Tensor, x: Tensor, scale: Tensor, axis: int, quant_min: float, quant_max: float, is_learned: bool
) -> tuple[Tensor, Tensor] | None: ...
def weight_scales(
    weight: Tensor, quant_max: float, axis: int, per_channel: bool, block_size: int, method: str, percentile: float
) -> Tensor: ...

# Quantization and files.
def recipe_text(json: str) -> str: ...
def recipe_text_of_file(path: bytes) -> str: ...

class FileForm:
    def __init__(self, float_type: str, keep_batch_norm: bool) -> None: ...
    @property
    def float_type(self) -> str: ...
    @property
    def keep_batch_norm(self) -> bool: ...

class Calibration:
    def __init__(
        self,
        network: Network,
        tensors: list[Tensor],
        recipe: str,
        form: FileForm,
        plan: str | None,
        memory_limit: int,
    ) -> None: ...
    @property
    def samples(self) -> int: ...
    def run(self, inputs: list[Tensor]) -> list[Tensor]: ...
    def finish(self) -> tuple[Quantized, dict[str, Any]]: ...

class Quantized:
    @property
    def network(self) -> Network: ...
    @property
    def form(self) -> FileForm: ...
    @property
    def plan(self) -> str: ...
    @property
    def plan_json(self) -> str: ...
    @property
    def learnable_stubs(self) -> dict[str, str]: ...
    def network_now(
        self, tensors: list[Tensor], scales: dict[str, Tensor], following: set[str], form: FileForm
    ) -> Network: ...
    def weight_scales(self, network: Network) -> dict[str, Tensor]: ...

def export_onnx(
    network: Network,
    path: bytes,
    form: FileForm,
    weights: str,
    opset: int,
    attention_operator: bool,
    from_quantized: Quantized | None,
) -> list[str]: ...
