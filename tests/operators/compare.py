"""Whether a result is that of torch."""

import numpy as np

# Relative to each value and, below, absolute.
FLOAT32 = (1e-4, 1e-5)
# Relative to the largest magnitude: float16 networks round every intermediate value.
FLOAT16 = 2e-3
# Where float32 may err by this share of the largest magnitude too: a sum of products that nearly cancel rounds by its
# largest part, and the order of the sum is not torch's.
SUMS = dict.fromkeys(("addbmm", "baddbmm"), 1e-6)
# More than FLOAT16.
WIDER_FLOAT16 = {
    # Parts are rounded that are larger than the result, or steps before it.
    **dict.fromkeys(("addcmul", "exp2", "gru", "sinc"), 3e-3),
    "nn.functional.nll_loss": 5e-3,
    # Where between two pixels a point lies is rounded before it is a weight.
    "grid_sampler_2d": 1.5e-2,
    # The exponential of rounded scores; torch's kernel keeps them in float32.
    "nn.functional.scaled_dot_product_attention": 1.5e-2,
}


def tolerance(operator, want, in_float16):
    largest = np.abs(want).max()
    if in_float16:
        return WIDER_FLOAT16.get(operator, FLOAT16) * max(1e-3, largest)
    relative, absolute = FLOAT32
    return relative * np.abs(want) + absolute + SUMS.get(operator, 0) * largest


def difference(operator, want, got, in_float16=False):
    """What is wrong with the array `got`, or nothing. `in_float16`: of a network that computes in float16."""
    if got.dtype != want.dtype:
        return f"type {got.dtype}, not {want.dtype}"
    if got.shape != want.shape:
        return "another shape"
    if want.dtype.kind in "biu":
        return "" if np.array_equal(want, got) else "other values"
    want, got = want.astype(np.float64), got.astype(np.float64)
    finite = np.isfinite(want)
    if not np.array_equal(np.where(finite, 0, want), np.where(np.isfinite(got), 0, got), equal_nan=True):
        return "other values (NaN or infinity)"
    if not finite.any():
        return ""
    want, got = want[finite], got[finite]
    return "" if (np.abs(want - got) <= tolerance(operator, want, in_float16)).all() else "other values"


def are_places_of(values, places, x, axis):
    """Whether `values` stand at these places of `x`, each place once: which of equals it is, torch leaves open."""
    if places.dtype != np.int64 or places.shape != values.shape:
        return False
    values, places, x = np.atleast_1d(values), np.atleast_1d(places), np.atleast_1d(x)
    inside = ((places >= 0) & (places < x.shape[axis])).all()
    once = inside and (np.diff(np.sort(places, axis), axis=axis) > 0).all()
    return bool(once) and np.array_equal(np.take_along_axis(x, places, axis), values)
