"""A task's metric with what it takes to compare two results: one number pair for each test unit."""

from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True)
class Scores:
    """Of `counts[i]` decisions of unit i (a picture, a recording, a line of text), `right[i]` are right.

    Units are what is drawn at random when the test set is: decisions within a recording are no independent ones.
    """

    right: np.ndarray
    counts: np.ndarray

    @property
    def percent(self):
        return 100.0 * float(self.right.sum() / self.counts.sum())

    def __len__(self):
        return len(self.counts)


def each(right):
    """Scores where every unit is one decision."""
    right = np.asarray(right, np.float64)
    return Scores(right, np.ones_like(right))


def pooled(scores):
    """Several networks' decisions on the same units, which stay the units."""
    return Scores(np.sum([s.right for s in scores], 0), np.sum([s.counts for s in scores], 0))


def difference(ours, theirs):
    """(low, high): the 95 % paired bootstrap interval of ours − theirs, in points, over the same units."""
    if not np.array_equal(ours.counts, theirs.counts):
        raise ValueError("the two results are not of the same test units")
    generator = np.random.default_rng(0)
    drawn = generator.integers(0, len(ours), (RESAMPLES, len(ours)))
    gained = 100.0 * (ours.right - theirs.right)[drawn].sum(1) / ours.counts[drawn].sum(1)
    low, high = np.percentile(gained, (2.5, 97.5))
    return float(low), float(high)
