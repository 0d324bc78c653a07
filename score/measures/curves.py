"""ROC curves in counts: how many images of every set falling thresholds keep.

The thresholds are scores of images, so each count is exact; figures draw lines between them.

A confidence band is vertical and pointwise (Fawcett, Pattern Recognition Letters 2006, section
8.1): each resample has its own ROC curve, linear between its points, and the band has percentiles
of their TPRs at each FPR. The resamples are those of `bootstrap`, as for the intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from oodcache.score.measures import bootstrap
from oodcache.score.measures.metrics import Counts, Floats, Integers, rising, threshold_at_tpr
from oodcache.score.measures.result import Conventions

# Enough steps to look like a curve, and few enough for a page of a hundred scores and eight OOD
# sets. All OOD sets together have as many as ID, each at least the fewest.
ID_STEPS, OOD_STEPS, FEWEST = 256, 256, 32
TPR = 0.95
# Evenly spread, and evenly on a logarithmic axis where few OOD images are kept.
FPRS: Floats = np.unique(np.concatenate([np.linspace(0, 1, 51), np.logspace(-4, -1, 31)]))


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
    sets = [rising("ID", id_scores)]
    sets += [rising("OOD", one) for one in ood_scores]
    steps = [ID_STEPS] + [max(FEWEST, OOD_STEPS // len(ood_scores))] * len(ood_scores)
    at_tpr = threshold_at_tpr(sets[0], tpr=TPR)
    chosen = [_spread(one, count) for one, count in zip(sets, steps, strict=True)]
    thresholds = np.unique(np.concatenate([*chosen, [at_tpr, np.inf]]))[::-1]
    kept = tuple(len(one) - np.searchsorted(one, thresholds, side="left") for one in sets)
    return Curve(thresholds, kept, int(np.flatnonzero(thresholds == at_tpr)[0]))


def _spread(ordered: Floats, count: int) -> Floats:
    """Return at most `count` + 1 evenly spread scores of a set, with the lowest and highest."""
    if len(ordered) <= count:
        return ordered
    return ordered[np.linspace(0, len(ordered) - 1, count + 1).round().astype(np.int64)]


@dataclass(frozen=True)
class Band:
    """The lowest and highest TPR of a band at each FPR, all float64 (F,), shares from 0 to 1."""

    fpr: Floats
    low: Floats
    high: Floats


def band(
    counts: Counts,
    ood_set: str,
    *,
    conventions: Conventions,
    fprs: Floats = FPRS,
    confidence: float = 0.95,
    advance: Callable[[int], None] = lambda done: None,
) -> Band:
    """Return the band of a score's ROC curve over `conventions.bootstrap` resamples, at least 2.

    `fprs` are rising shares from 0 to 1. `advance` is called after every resample.
    """
    tail = (1 - confidence) / 2
    curves = []
    for id_times, ood_times in bootstrap.draws(counts, ood_set, conventions):
        curves.append(tpr_at(*bootstrap.kept(counts, id_times, ood_times), fprs))
        advance(1)
    low, high = np.quantile(curves, [tail, 1 - tail], axis=0)
    return Band(fprs, low, high)


def tpr_at(id_kept: Integers, ood_kept: Integers, fprs: Floats) -> Floats:
    """Return the TPR at each FPR of the ROC curve in counts, linear between its points.

    Where the curve rises at one FPR, its highest TPR there.

    >>> tpr_at(np.array([0, 1, 2]), np.array([0, 0, 2]), np.array([0.0, 0.5, 1.0]))
    array([0.5 , 0.75, 1.  ])
    """
    # Of points at one FPR, interp begins at the last and ends at the first: the curve's own steps.
    found: Floats = np.interp(fprs, ood_kept / ood_kept[-1], id_kept / id_kept[-1])
    return found
