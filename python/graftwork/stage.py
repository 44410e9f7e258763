"""What `Pattern.replace` is given: the values that a pattern has found, and what it may stage."""

from graftwork._C import Parameter, Stage, Value

__all__ = ["Parameter", "Stage", "Value"]
