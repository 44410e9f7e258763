"""What stands inside of attributes for values that are known later."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class InputRef:
    """Refers to input number `slot` of the node."""

    slot: int


@dataclasses.dataclass(frozen=True)
class RecordRef:
    """Stands for the attribute `name` of the module whose body holds it."""

    name: str
