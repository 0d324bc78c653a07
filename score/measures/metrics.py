"""Metrics of how well a score separates in-distribution (ID) from out-of-distribution (OOD) images.

ID is the positive class and a higher score means more ID, in every function here.
At a threshold an image is kept if its score is at or above it.

`id_scores` and `ood_scores` are one-dimensional, one score per image, in any order, float32 or
float64. Infinities rank as any other number and -0.0 ties with 0.0. NaN, which cannot be ranked,
and a side without images are rejected. Metrics are fractions, not percentages.

Every metric is computed from the same counts: one sort of each side, one merge of the two.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oodcache.cache.computed_once import computed_once
from oodcache.cache.errors import InputError
from oodcache.score.measures.result import FPR_CONVENTIONS, MEASURES

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """How many images each threshold keeps, at every distinct score from the highest down.

    `id_kept` and `ood_kept` have one entry more than `scores`: they begin with the 0 of a
    threshold above all scores and end with the size of the side. They are the ROC curve in counts.
    """

    scores: Floats
    id_kept: Integers
    ood_kept: Integers

    @computed_once
    def id_images(self) -> Integers:
        """Return how many ID images have each distinct score."""
        return np.diff(self.id_kept)

    @computed_once
    def ood_images(self) -> Integers:
        """Return how many OOD images have each distinct score."""
        return np.diff(self.ood_kept)

    @computed_once
    def doubled_wins(self) -> int:
        """Return twice the number of pairs whose ID image scores higher, a tie being half."""
        # Every OOD image loses to the ID images kept before it, and half to those tied with it.
        return int(np.dot(self.ood_images, self.id_kept[1:] + self.id_kept[:-1]))

    def auroc(self) -> float:
        """Return the probability that a random ID image scores above a random OOD one, ties half.

        The pairs are counted in integers, so the division is the only rounding.
        """
        return self.doubled_wins / (2 * int(self.id_kept[-1]) * int(self.ood_kept[-1]))

    def aupr_in(self) -> float:
        """Return the average precision with ID as the positive class, highest scores first.

        It is the mean over ID images of the precision at their score: a step function, without the
        trapezoids that interpolate between its points. Tied images are found together.
        """
        return _average_precision(self.id_kept, self.ood_kept, self.id_images)

    def aupr_out(self) -> float:
        """Return the average precision with OOD as the positive class, lowest scores first."""
        id_dropped, ood_dropped = self.id_kept[-1] - self.id_kept, self.ood_kept[-1] - self.ood_kept
        return _average_precision(ood_dropped[::-1], id_dropped[::-1], self.ood_images[::-1])

    def measures(self, convention: str = "strict") -> dict[str, float]:
        """Return every measure of `MEASURES`, by name."""
        return {
            one.name: getattr(self, one.name)(*([convention] if one.by_convention else []))
            for one in MEASURES
        }

    def fpr95(self, convention: str = "strict") -> float:
        """Return the share of OOD images kept at a TPR of 95 %."""
        return self.fpr_at_tpr(0.95, convention)

    def fpr_at_tpr(self, tpr: float, convention: str = "strict") -> float:
        """Return the share of OOD images kept where `tpr` of the ID images are.

        `tpr` is compared as the decimal that was written, in integers. The conventions:

        - strict: the threshold is that of `threshold_at_tpr`; it never keeps less than `tpr`.
        - nearest: the threshold, of all distinct scores down to the lowest of ID, whose share of ID
          is nearest to `tpr`; the lowest if there are several. Hendrycks' code, also used by MCM.
        - interpolated: linear between two points of the ROC curve, which begins at (0, 0). If a
          flat run lies at exactly `tpr`, its right end: the largest of its FPRs.
        - openood: OOD is the positive class, lowest scores first. The share of ID lost at the first
          point of scikit-learn's `roc_curve` that finds at least `tpr` of OOD; by default that
          function drops a point whose steps to both sides are equal. OpenOOD v1.5.

        >>> count(np.array([0.9, 0.8, 0.7, 0.2]), np.array([0.7, 0.3])).fpr_at_tpr(0.75)
        0.5
        """
        share = _share(tpr)
        if convention == "strict":
            return self._fpr(self._strict(share))
        if convention == "nearest":
            return self._fpr(self._nearest(share))
        if convention == "interpolated":
            return self._interpolated_fpr(share)
        if convention == "openood":
            return self._openood_fpr(share)
        known = ", ".join(FPR_CONVENTIONS)
        raise InputError(f"FPR convention is {convention!r}, expected one of {known}")

    def thresholds_to(self, tpr: float) -> int:
        """Return how many distinct scores are at or above `threshold_at_tpr` of `tpr`."""
        return self._strict(_share(tpr))

    def ties(self) -> int:
        """Return the number of images minus the number of distinct scores."""
        return int(self.id_kept[-1] + self.ood_kept[-1]) - len(self.scores)

    def _fpr(self, place: int) -> float:
        return int(self.ood_kept[place]) / int(self.ood_kept[-1])

    def _strict(self, share: Fraction) -> int:
        """Return the first threshold that keeps at least `share` of ID."""
        return int(self.id_kept.searchsorted(_images_to_keep(int(self.id_kept[-1]), share)))

    def _last_up_to(self, share: Fraction) -> int:
        """Return the last point that keeps at most `share` of ID."""
        most = math.floor(share * int(self.id_kept[-1]))
        return int(self.id_kept.searchsorted(most, side="right")) - 1

    def _nearest(self, share: Fraction) -> int:
        """Return the last threshold that keeps some of ID and whose share is nearest to `share`."""
        wanted = share * int(self.id_kept[-1])
        # The 0 at the start is not a score, so nothing may precede the first threshold.
        below = min(self._last_up_to(share), self._strict(Fraction(1)))
        above = below + 1
        if below == 0 or (
            self.id_kept[below] < self.id_kept[-1]
            and int(self.id_kept[above]) - wanted <= wanted - int(self.id_kept[below])
        ):
            kept = int(self.id_kept[above])
            last = int(self.id_kept.searchsorted(kept, side="right")) - 1
            return min(last, self._strict(Fraction(1)))
        return below

    def _interpolated_fpr(self, share: Fraction) -> float:
        """Return the FPR on the line between the points on either side of `share`."""
        images = int(self.id_kept[-1])
        left = self._last_up_to(share)
        kept, fpr = int(self.id_kept[left]), Fraction(int(self.ood_kept[left]))
        if kept < images:
            rise = int(self.id_kept[left + 1]) - kept
            run = int(self.ood_kept[left + 1] - self.ood_kept[left])
            fpr += run * (share * images - kept) / rise
        return float(fpr / int(self.ood_kept[-1]))

    def _openood_fpr(self, share: Fraction) -> float:
        images, oods = int(self.id_kept[-1]), int(self.ood_kept[-1])
        # A threshold finds as OOD what is at or below a score: what the next higher one drops.
        most = oods - _images_to_keep(oods, share)
        place = int(self.ood_kept.searchsorted(most, side="right")) - 1
        # scikit-learn drops points with equal steps to both sides, but neither end.
        if place < len(self.scores) - 1:
            id_turns = np.diff(self.id_kept[: place + 2], 2)
            ood_turns = np.diff(self.ood_kept[: place + 2], 2)
            turns = np.flatnonzero((id_turns != 0) | (ood_turns != 0))
            place = int(turns[-1]) + 1 if len(turns) else 0
        return (images - int(self.id_kept[place])) / images


def auroc(id_scores: Floats, ood_scores: Floats) -> float:
    """Return the probability that a random ID image scores above a random OOD one, ties half."""
    return count(id_scores, ood_scores).auroc()


def threshold_at_tpr(id_scores: Floats, *, tpr: float = 0.95) -> float:
    """Return the highest ID score that keeps at least `tpr` of the ID images.

    `tpr` is above 0 and at most 1, where the threshold is the lowest ID score.

    >>> threshold_at_tpr(np.array([0.9, 0.8, 0.7, 0.2]), tpr=0.75)
    0.7
    """
    scores = checked("ID", id_scores)
    dropped = len(scores) - _images_to_keep(len(scores), _share(tpr))
    return float(np.partition(scores, dropped)[dropped])


def count(id_scores: Floats, ood_scores: Floats) -> Counts:
    """Return how many images of each side every distinct score keeps as a threshold.

    >>> counts = count(np.array([0.9, 0.7, 0.5]), np.array([0.7, 0.1]))
    >>> counts.auroc(), counts.aupr_in(), counts.fpr95(), counts.ties()
    (0.75, 0.8055555555555555, 0.5, 1)
    """
    return merge(rising("ID", id_scores), rising("OOD", ood_scores))


def merge(id_rising: Floats, ood_rising: Floats) -> Counts:
    """Return `count` of two sides that are already checked and sorted."""
    ids = len(id_rising)
    joined = np.concatenate([id_rising, ood_rising])
    # The stable sort finds the two sorted runs and merges them in linear time: together faster
    # than one argsort of the whole, which drags an index along with every score.
    order = joined.argsort(kind="stable")[::-1]
    ranked = joined[order]
    # Reuses the order's memory: touching new memory costs more than the computation. A sum of
    # bools would convert each on its own, at three times the cost.
    id_seen = np.cumsum(np.less(order, ids, out=order, casting="unsafe"), out=order)
    last = np.flatnonzero(np.concatenate([ranked[1:] != ranked[:-1], [True]]))
    id_kept, kept = np.concatenate([[0], id_seen[last]]), np.concatenate([[0], last + 1])
    return Counts(ranked[last], id_kept, np.subtract(kept, id_kept, out=kept))


def _average_precision(positives: Integers, negatives: Integers, found: Integers) -> float:
    """Return the average precision, from both classes' cumulative counts and the positives' own."""
    precision = positives[1:] / (positives[1:] + negatives[1:])
    precision *= found
    return float(precision.sum()) / int(positives[-1])


@cache
def _share(tpr: float) -> Fraction:
    """Return `tpr` as the exact decimal written: 0.55 of 100 is 55, not 55.00000000000001."""
    if not 0 < tpr <= 1:
        raise InputError(f"tpr is {tpr}, expected a share above 0 and at most 1")
    return Fraction(str(tpr))


def _images_to_keep(images: int, share: Fraction) -> int:
    return math.ceil(share * images)


def rising(side: str, scores: Floats) -> Floats:
    """Return the scores of one side, sorted; raise InputError if they are not valid."""
    found = np.sort(_numbers(side, scores))
    return _ranked(side, found, found[-1:])  # NaN sorts last.


def checked(side: str, scores: Floats) -> Floats:
    """Return the scores of one side as an array; raise InputError if they are not valid."""
    array = _numbers(side, scores)
    return _ranked(side, array, array)


def _numbers(side: str, scores: Floats) -> Floats:
    array = np.asarray(scores)
    if array.ndim != 1 or array.dtype.kind not in "fiu":
        found = f"{array.dtype} of shape {array.shape}"
        raise InputError(f"{side} scores are {found}, expected one number per image")
    if len(array) == 0:
        raise InputError(f"no {side} scores: a metric needs at least one image")
    return array


def _ranked(side: str, array: Floats, suspects: Floats) -> Floats:
    """Return `array`; raise InputError if one of its `suspects` is NaN."""
    if np.isnan(suspects).any():
        missing = np.count_nonzero(np.isnan(array))
        raise InputError(
            f"{missing} of {len(array)} {side} scores are NaN, which cannot be ranked; "
            "score these images again or remove them"
        )
    return array
