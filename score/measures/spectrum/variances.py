"""Variances of a full-spectrum AUROC, and of its drop from that of the ID set alone.

Full-spectrum AUROC is the mean over all positives of the share of OOD images that each beats, and
the ID set's the mean over its own: both are weighted sums of the same images' placements, so the
variance of either, or of their difference, is that of such a sum (DeLong, DeLong and
Clarke-Pearson, Biometrics 1988, with covariances through shared ID and OOD images). Each set is a
sample of its own, of fixed size: placements vary around their set's mean. Images of one group are
not independent: their parts are summed before they are squared, as in a cluster-robust variance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from oodcache.score.measures.delong import Interval, Placements, Wins
from oodcache.score.measures.spectrum.positives import Positives


def pool_variance(placed: Sequence[Placements], positives: Positives) -> float | None:
    """Return the variance of the mean AUROC over OOD sets, None if it cannot be estimated.

    `placed` has, for each OOD set, the wins of all positives in their order, set after set.
    """
    images = len(positives.groups)
    weights = np.full(images, 1 / images)
    return _variance(placed, [one.ood / images for one in placed], weights, positives)


def drop_variance(
    placed: Sequence[Placements], inside: Sequence[Placements], positives: Positives
) -> float | None:
    """Return the variance of the ID set's mean AUROC minus the full spectrum's, None if unknown.

    `inside` has the placements of the ID set alone against each OOD set, in the same order.
    """
    images, first = len(positives.groups), positives.first
    weights = np.full(images, -1 / images)
    weights[:first] += 1 / first
    apart = [
        alone.ood / first - one.ood / images for alone, one in zip(inside, placed, strict=True)
    ]
    return _variance(placed, apart, weights, positives)


def around(value: float, variance: float | None, *, confidence: float = 0.95) -> Interval | None:
    """Return the interval of a difference of AUROCs, within [-1, 1], None without a variance."""
    if variance is None:
        return None
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(variance)
    return max(-1.0, value - reach), min(1.0, value + reach)


def _variance(
    placed: Sequence[Placements], outside: Sequence[Wins], weights: Wins, positives: Positives
) -> float | None:
    """Return the variance of a weighted sum of placements; `outside` has each OOD image's part."""
    if min(len(one.ood) for one in placed) < 2:
        return None
    means = np.mean([one.id / len(one.ood) for one in placed], axis=0)
    parts = np.zeros(len(means))
    for place in positives.slices.values():
        count = len(np.unique(positives.groups[place]))
        if count < 2:
            return None
        centred = means[place] - means[place].mean()
        parts[place] = weights[place] * centred * math.sqrt(count / (count - 1))
    summed = np.bincount(positives.groups, parts)
    ood_parts = [float(np.var(one - one[0], ddof=1)) / len(one) for one in outside]
    return (float(summed @ summed) + sum(ood_parts) / len(placed) ** 2) or None
