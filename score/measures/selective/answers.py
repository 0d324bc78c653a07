"""Answers: which ID images are classified correctly, in the order of one score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from oodcache.cache.errors import InputError
from oodcache.score.measures.metrics import Counts, Floats, Integers

if TYPE_CHECKING:
    from oodcache.score.measures.selective.selective import Selective

# Of each ID image: 1 if its nearest class is its own, 0 if not, UNKNOWN without a class.
Outcomes = NDArray[np.int8]
UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class Answers:
    """The images that are `right` and `wrong`, 1 or 0 by falling score, int64 (n,).

    An image whose class is unknown is neither: it helps to set thresholds, and is no error.
    """

    right: Integers
    wrong: Integers

    @classmethod
    def of(cls, id_scores: Floats, outcomes: Outcomes) -> Answers:
        """Return the answers of ID images whose scores and outcomes are in the same order."""
        falling = np.argsort(id_scores, kind="stable")[::-1]
        right, wrong = outcomes[falling] == 1, outcomes[falling] == 0
        return cls(right.astype(np.int64), wrong.astype(np.int64))

    def selective(self, counts: Counts, tprs: Sequence[float]) -> Selective | None:
        """Return the measures against one OOD set, None if no image's class is known."""
        from oodcache.score.measures.selective.risk import selective

        kept = (_kept(self.right)[counts.id_kept], _kept(self.wrong)[counts.id_kept])
        thresholds = {repr(tpr): counts.thresholds_to(tpr) for tpr in tprs}
        return selective((*kept, counts.ood_kept), thresholds)

    def resampled(
        self, counts: Counts, tprs: Sequence[float], id_times: Integers, ood_times: Integers
    ) -> dict[str, float]:
        """Return every measure of a resample, with thresholds of its own, by name; NaN if unknown.

        `id_times` (n,) and `ood_times` (m,) are how often each image is drawn, by falling score.
        """
        from oodcache.score.measures.selective.risk import selective

        right = _kept(id_times * self.right)[counts.id_kept]
        wrong = _kept(id_times * self.wrong)[counts.id_kept]
        drawn = Counts(
            counts.scores, _kept(id_times)[counts.id_kept], _kept(ood_times)[counts.ood_kept]
        )
        thresholds = {repr(tpr): drawn.thresholds_to(tpr) for tpr in tprs}
        found = selective((right, wrong, drawn.ood_kept), thresholds)
        if found is None:
            whole = self.selective(counts, tprs)
            return dict.fromkeys(whole.values(), math.nan) if whole else {}
        return found.values()


def outcomes(target: Integers, nearest: Integers) -> Outcomes:
    """Return the outcome of each image from its class, negative if unknown, and its nearest one.

    >>> outcomes(np.array([2, 0, -1]), np.array([2, 1, 1]))
    array([ 1,  0, -1], dtype=int8)
    """
    return np.where(target < 0, UNKNOWN, target == nearest).astype(np.int8)


def outcomes_of(correct: Floats, origin: str) -> Outcomes:
    """Return the outcomes that numbers tell: 1 for a correctly classified image, 0 for another.

    Raises InputError, which begins with `origin`, for any other number.
    """
    strange = np.flatnonzero((correct != 0) & (correct != 1))
    if len(strange):
        row = int(strange[0])
        raise InputError(
            f"{origin}: row {row}, from 0, is {correct[row]:g}; expected 1 for a correctly "
            "classified image and 0 for any other"
        )
    return correct.astype(np.int8)


def _kept(times: Integers) -> Integers:
    """Return the sum of the k highest images, for each k from 0 to all."""
    return np.concatenate([[0], np.cumsum(times)])
