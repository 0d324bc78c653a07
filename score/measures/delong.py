"""DeLong's variance of an AUROC: its confidence interval, and tests of differences.

ID is the positive class and a higher score means more ID. n ID and m OOD images are independent
draws from their populations. The AUROC is the share of the n * m pairs that the ID image wins, a
tie being half a win, so its variance is that of a two-sample U-statistic:

    variance = s^2(share of OOD that each ID image beats) / n
             + s^2(share of ID that beats each OOD image) / m

DeLong, DeLong and Clarke-Pearson, Biometrics 1988; sorting instead of pairs is from Sun and Xu,
IEEE Signal Processing Letters 2014. It cannot be estimated from one image on a side, or if nothing
varies: an AUROC of 0 or 1, or all images tied.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from oodcache.score.measures.metrics import Counts, Floats, Integers, checked, merge

Wins = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Placements:
    """How often each image of one score wins against the other side, a tie being half.

    `id` (n,) counts the OOD images that an ID image beats, `ood` (m,) the ID images that beat an
    OOD image. Halves are exact in float64, and so are the sums of as many as fit in memory.
    """

    id: Wins
    ood: Wins

    def auroc(self) -> float:
        """Return the share of pairs that ID wins."""
        return float(self.id.sum()) / (len(self.id) * len(self.ood))


@dataclass(frozen=True)
class Paired:
    """The difference of the AUROCs of two scores on the same images.

    `first` and `second` are indices into the list of scores. `difference` is the first AUROC minus
    the second, `ci` its interval, None if it cannot be estimated. `p` is two-sided, unadjusted.
    """

    first: int
    second: int
    difference: float
    ci: Interval | None
    p: float


def placements(id_scores: Floats, ood_scores: Floats) -> Placements:
    """Return each image's wins, in the order of the given scores.

    >>> placements(np.array([0.9, 0.5, 0.7]), np.array([0.7, 0.1]))
    Placements(id=array([2. , 1. , 1.5]), ood=array([1.5, 3. ]))
    """
    ids, oods = checked("ID", id_scores), checked("OOD", ood_scores)
    id_order, ood_order = ids.argsort(), oods.argsort()
    ranked = ranked_placements(merge(ids[id_order], oods[ood_order]))
    found = Placements(np.empty(len(ids)), np.empty(len(oods)))
    found.id[id_order[::-1]], found.ood[ood_order[::-1]] = ranked.id, ranked.ood
    return found


def ranked_placements(counts: Counts) -> Placements:
    """Return each image's wins, from the highest score of each side down."""
    above = (counts.ood_kept[1:] + counts.ood_kept[:-1]) / 2
    id_wins, ood_losses = (
        counts.ood_kept[-1] - above,
        (counts.id_kept[1:] + counts.id_kept[:-1]) / 2,
    )
    return Placements(_of_each(id_wins, counts.id_images), _of_each(ood_losses, counts.ood_images))


def variance(counts: Counts) -> float | None:
    """Return the variance of the AUROC, None if it cannot be estimated."""
    ids, oods = int(counts.id_kept[-1]), int(counts.ood_kept[-1])
    if min(ids, oods) < 2:
        return None
    # What OOD images lose, ID images win: both sums are known from the AUROC's pairs.
    id_losses, ood_losses = 2 * ids * oods - counts.doubled_wins, counts.doubled_wins
    id_squares = _squares(counts.ood_kept, counts.id_images, id_losses)
    ood_squares = _squares(counts.id_kept, counts.ood_images, ood_losses)
    id_part = id_squares / (ids * (ids - 1) * oods**2)
    ood_part = ood_squares / (oods * (oods - 1) * ids**2)
    return (id_part + ood_part) or None


def average_variance(sets: Sequence[Placements]) -> float | None:
    """Return the variance of the mean AUROC over OOD sets, None if it cannot be estimated.

    The sets share their ID images, in one order, so their AUROCs are correlated. The mean AUROC is
    the mean over ID images of each one's mean wins over the sets: its ID part is the variance of
    these, covariances included. OOD images are drawn separately for each set: their parts add up,
    each divided by the squared number of sets.
    """
    if len(sets[0].id) < 2 or min(len(one.ood) for one in sets) < 2:
        return None
    means = np.mean([one.id / len(one.ood) for one in sets], axis=0)
    ood_parts = [_mean_variance(one.ood / len(one.id)) for one in sets]
    return (_mean_variance(means) + sum(ood_parts) / len(sets) ** 2) or None


def interval(auroc: float, variance: float | None, *, confidence: float = 0.95) -> Interval | None:
    """Return a confidence interval within [0, 1], None if the variance cannot be estimated.

    It is symmetric on the logit scale, where the standard error is that of the AUROC divided by
    AUROC * (1 - AUROC) (the delta method; Pepe, The Statistical Evaluation of Medical Tests,
    2003). So it cannot leave [0, 1], and keeps its coverage near 1.

    >>> [round(bound, 3) for bound in interval(0.9, 0.0009) or ()]
    [0.824, 0.945]
    """
    if variance is None:
        return None
    spread = _quantile(confidence) * math.sqrt(variance) / (auroc * (1 - auroc))
    odds = math.exp(min(spread, 700))  # Above 709 it overflows; the bound is 0 or 1 long before.
    return auroc / (auroc + (1 - auroc) * odds), auroc * odds / (auroc * odds + 1 - auroc)


def differences(
    scores: Sequence[Placements],
    *,
    confidence: float = 0.95,
    advance: Callable[[int], None] = lambda done: None,
) -> list[Paired]:
    """Return a paired test for every pair of scores of the same images, in order.

    Each difference is normal with the variance from DeLong's covariances. Scores that rank all
    images the same way differ by exactly 0, with p = 1. If the variance cannot be estimated, no
    test is possible: the interval is None and p is 1. `advance` is called with the number of pairs
    just done.
    """
    covariance = _covariance(scores)
    sums = [one.id.sum() for one in scores]
    found = []
    for first, one in enumerate(scores):
        for second in range(first + 1, len(scores)):
            won = float(sums[first] - sums[second]) / (len(one.id) * len(one.ood))
            own = covariance[first, first], covariance[second, second]
            spread = own[0] + own[1] - 2 * covariance[first, second]
            # The difference of nearly equal numbers is rounding: use the images' instead.
            if spread < 1e-6 * (own[0] + own[1]):
                spread = _difference_variance(one, scores[second])
            ci, p = _tested(won, spread, min(own) > 0, confidence)
            found.append(Paired(first, second, won, ci, p))
        advance(len(scores) - 1 - first)
    return found


def average_difference(
    first: Sequence[Placements], second: Sequence[Placements], *, confidence: float = 0.95
) -> Paired:
    """Return a paired test of the mean AUROCs of two scores, indices 0 and 1, over OOD sets.

    Each score has its placements on every set; the sets share their ID images, in one order. An
    image's contribution to the difference is the difference of its contributions to the means, so
    the variance is that of a mean AUROC of the images' differences. One set gives `differences`.
    """
    apart = [
        Placements(one.id - other.id, one.ood - other.ood)
        for one, other in zip(first, second, strict=True)
    ]
    won = float(np.mean([one.auroc() for one in apart]))
    estimable = None not in (average_variance(first), average_variance(second))
    ci, p = _tested(won, average_variance(apart) or 0.0, estimable, confidence)
    return Paired(0, 1, won, ci, p)


def difference_over_orders(
    first: Sequence[Placements], second: Sequence[Placements], *, confidence: float = 0.95
) -> Paired:
    """Return a paired test of the mean difference of two scores, 0 and 1, over several orders.

    Each has its placements of the same images in every order. The variance is the mean of the
    orders' own: they are of the same images, so that a mean over orders has no smaller one.
    """
    pairs = list(zip(first, second, strict=True))
    each = [one.auroc() - other.auroc() for one, other in pairs]
    spread = float(np.mean([_difference_variance(one, other) for one, other in pairs]))
    alone = [[average_variance([one]) for one in of] for of in (first, second)]
    estimable = all(any(one is not None for one in of) for of in alone)
    ci, p = _tested(float(np.mean(each)), spread, estimable, confidence)
    return Paired(0, 1, float(np.mean(each)), ci, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted by Holm's step-down method, in their order.

    The smallest of k is multiplied by k, the next by k - 1, and so on; none is below an earlier one
    or above 1. Rejecting those below a level keeps the probability of any false rejection below
    that level, however the tests depend on each other. Holm, Scandinavian Journal of Statistics
    1979.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for done, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, (len(p_values) - done) * p_values[place])
        adjusted[place] = min(1.0, highest)
    return adjusted


def _of_each(values: Wins, images: Integers) -> Wins:
    """Return the value of each image, from those of distinct scores and how many have them."""
    present = np.flatnonzero(images)
    found, times = values[present], images[present]
    # Without ties, each is one image's already: np.repeat takes several times as long.
    return found if len(found) == times.sum() else np.repeat(found, times)


def _squares(others: Integers, images: Integers, doubled_losses: int) -> float:
    """Return the sum over one side's `images` of the squared deviations of their wins."""
    # Twice the losses of each score, in integers: so the mean of equal values is exact.
    centred = (others[1:] + others[:-1]) - doubled_losses / int(images.sum())
    centred *= centred
    centred *= images
    # BLAS would add them up in an order that depends on its threads, which wait for each other.
    return float(centred.sum()) / 4


def _mean_variance(values: Wins) -> float:
    """Return the variance of the mean of independent values; exactly 0 if all are equal."""
    return float(np.var(values - values[0], ddof=1)) / len(values)


def _difference_variance(one: Placements, other: Placements) -> float:
    ids, oods = len(one.id), len(one.ood)
    if min(ids, oods) < 2:
        return 0.0
    return _mean_variance((one.id - other.id) / oods) + _mean_variance((one.ood - other.ood) / ids)


def _covariance(scores: Sequence[Placements]) -> Wins:
    """Return the covariance matrix of the AUROCs; zeros if a side has a single image."""
    if not scores or min(len(scores[0].id), len(scores[0].ood)) < 2:
        return np.zeros((len(scores), len(scores)))
    ids, oods = len(scores[0].id), len(scores[0].ood)
    by_id = _centred([one.id for one in scores]) / oods
    by_ood = _centred([one.ood for one in scores]) / ids
    id_part = by_id @ by_id.T / (ids * (ids - 1))
    return np.asarray(id_part + by_ood @ by_ood.T / (oods * (oods - 1)))


def _centred(rows: list[Wins]) -> Wins:
    stacked = np.stack(rows)
    return np.asarray(stacked - stacked.mean(axis=1, keepdims=True))


def _tested(
    difference: float, variance: float, estimable: bool, confidence: float
) -> tuple[Interval | None, float]:
    if variance <= 0:
        return ((0.0, 0.0) if estimable and difference == 0 else None), 1.0
    error = math.sqrt(variance)
    reach = _quantile(confidence) * error
    low, high = max(-1.0, difference - reach), min(1.0, difference + reach)
    return (low, high), math.erfc(abs(difference) / error / math.sqrt(2))


@cache
def _quantile(confidence: float) -> float:
    """Return the half-width of an interval in standard errors."""
    return NormalDist().inv_cdf((1 + confidence) / 2)
