"""A memory of the latest scores, and the threshold that divides them best into two classes."""

from __future__ import annotations

import numpy as np

from oodcache.score.formulas.cosines import Scores

# Scores that the memory holds.
MOST = 20_000
THRESHOLDS: Scores = np.arange(100) / 100


class ScoreMemory:
    """The latest `most` scores, each from 0 to 1."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._scores: Scores = np.empty(0)

    def add(self, scores: Scores) -> None:
        """Add scores, in their order."""
        self._scores = np.concatenate([self._scores, scores])[-self._most :]

    def threshold(self) -> float:
        """Return the threshold, of 0, 0.01 … 0.99, of the least variance within the two classes.

        A score at the threshold is above it. Of n equal thresholds it is number n // 2, counted
        from 0; if none divides the scores, all are equal.
        """
        ordered = np.sort(self._scores)
        below = np.searchsorted(ordered, THRESHOLDS, side="left")
        within = np.full(len(THRESHOLDS), np.inf)
        divides = (below > 0) & (below < len(ordered))
        # About the mean, so that little cancels.
        ordered -= ordered.mean()
        sums, squares = (np.concatenate([[0.0], np.cumsum(ordered**power)]) for power in (1, 2))
        count, low = below[divides], sums[below[divides]]
        high = sums[-1] - low
        within[divides] = squares[-1] - low**2 / count - high**2 / (len(ordered) - count)
        equal = np.flatnonzero(within == within.min())
        return float(THRESHOLDS[equal[len(equal) // 2]])
