"""ROC curves in counts: how many images of every set falling thresholds keep.

The thresholds are scores of images, so each count is exact; figures draw lines between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oodcache.score.measures.metrics import Floats, Integers, checked, threshold_at_tpr

# Enough steps to look like a curve, and few enough for a page of a hundred scores and eight OOD
# sets. All OOD sets together have as many as ID, each at least the fewest.
ID_STEPS, OOD_STEPS, FEWEST = 256, 256, 32
TPR = 0.95


@dataclass(frozen=True)
class Curve:
    """Falling thresholds, float64 (T,), and how many images of each set they keep, ID first.

    The first, +inf, keeps no finite score, the last all. `place` is the index of the highest that
    keeps 95 % of ID.
    """

    thresholds: Floats
    kept: tuple[Integers, ...]
    place: int


def curve(id_scores: Floats, ood_scores: Sequence[Floats]) -> Curve:
    """Return the counts at some scores of each set, and at the threshold of TPR 0.95.

    >>> curve(np.array([3.0, 2, 1]), [np.array([2.0, 0])]).kept
    (array([0, 1, 2, 3, 3]), array([0, 0, 1, 1, 2]))
    """
    sets = [np.sort(checked("ID", id_scores))]
    sets += [np.sort(checked("OOD", one)) for one in ood_scores]
    steps = [ID_STEPS] + [max(FEWEST, OOD_STEPS // len(ood_scores))] * len(ood_scores)
    at_tpr = threshold_at_tpr(sets[0], tpr=TPR)
    chosen = [_spread(one, count) for one, count in zip(sets, steps, strict=True)]
    thresholds = np.unique(np.concatenate([*chosen, [at_tpr, np.inf]]))[::-1]
    kept = tuple(len(one) - np.searchsorted(one, thresholds, side="left") for one in sets)
    return Curve(thresholds, kept, int(np.flatnonzero(thresholds == at_tpr)[0]))


def _spread(rising: Floats, count: int) -> Floats:
    """Return at most `count` + 1 evenly spread scores of a set, with the lowest and highest."""
    if len(rising) <= count:
        return rising
    return rising[np.linspace(0, len(rising) - 1, count + 1).round().astype(np.int64)]
