"""Whether a result is that of torch."""

import numpy as np

# Relative to each value and, below, absolute.
FLOAT32 = (1e-4, 1e-5)
# Relative to the largest magnitude: float16 networks round every intermediate value.
FLOAT16 = 2e-3
# What needs more, with the reason.
WIDER = {}


def tolerance(operator, want, is_half):
    if is_half:
        return FLOAT16 * max(1e-3, np.abs(want).max())
    relative, absolute = WIDER.get(operator, FLOAT32)
    return relative * np.abs(want) + absolute


def difference(operator, want, got):
    """What is wrong with the array `got`, or nothing."""
    if got.dtype != want.dtype:
        return f"type {got.dtype}, not {want.dtype}"
    if got.shape != want.shape:
        return "another shape"
    if want.dtype.kind in "biu":
        return "" if np.array_equal(want, got) else "other values"
    is_half = want.dtype == np.float16
    want, got = want.astype(np.float64), got.astype(np.float64)
    finite = np.isfinite(want)
    if not np.array_equal(np.where(finite, 0, want), np.where(np.isfinite(got), 0, got), equal_nan=True):
        return "other values (NaN or infinity)"
    if not finite.any():
        return ""
    want, got = want[finite], got[finite]
    return "" if (np.abs(want - got) <= tolerance(operator, want, is_half)).all() else "other values"
