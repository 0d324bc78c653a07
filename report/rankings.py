"""Rankings of scores over OOD sets: mean ranks, and tests of all pairs, Holm-adjusted.

Two tests answer two questions. The exact signed-rank test over sets takes the OOD sets as a sample
of all there could be, so it needs several; DeLong's paired tests take the sets as given and the
images as the sample, so they need the differences of `--compare`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from oodcache.report.tables.grid import Key
from oodcache.score.measures.delong import holm
from oodcache.score.measures.result import HEADLINES, Difference, Result

SIGNIFICANT = 0.05
DIGITS = 12  # Differences that agree so far are ties, whatever floating point adds.
SIGNED_RANK, DELONG, NO_TEST = "signed-rank test over OOD sets", "DeLong tests of images", ""
HALF_WIDTH = NormalDist().inv_cdf(0.975)
Rows = Mapping[Key, Mapping[str, Result]]
Pair = tuple[Key, Key]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RankedRow:
    """A row with its mean rank over the OOD sets, 1 being best, and its rank on each."""

    key: Key
    mean: float
    ranks: tuple[float, ...]


@dataclass(frozen=True)
class Ranking:
    """Rows from the best mean rank on, and what the `test` of all pairs tells.

    `p` has each pair's adjusted p-value by two indices into `rows`, the lower first; it is empty
    without a test. `groups` are indices of rows of which no two differ, each as large as possible.
    `fewest` is how many OOD sets a test over sets needs.
    """

    rows: tuple[RankedRow, ...]
    test: str
    p: Mapping[tuple[int, int], float]
    groups: tuple[tuple[int, ...], ...]
    fewest: int


def ranked(
    rows: Rows, sets: Sequence[str], measure: str, differences: Sequence[Difference]
) -> Ranking:
    """Return the ranking of rows by a headline measure; every row has a result on every set.

    The signed-rank test is used if there are enough sets for it to find any difference, else
    DeLong's if `differences` has all pairs and the measure is the AUROC, else none.
    """
    keys = list(rows)
    sign = -1 if HEADLINES[measure].lower_is_better else 1
    values = np.array([[sign * getattr(rows[one][ood], measure) for ood in sets] for one in keys])
    ranks = np.array([mid_ranks(-column) for column in values.T]).T
    order = sorted(range(len(keys)), key=lambda place: (ranks[place].mean(), place))
    placed = tuple(
        RankedRow(keys[one], float(ranks[one].mean()), tuple(ranks[one].tolist())) for one in order
    )
    fewest = fewest_sets(len(keys))
    pairs = list(combinations(range(len(keys)), 2))
    test, found = NO_TEST, None
    if len(sets) >= fewest:
        apart = [values[order[one]] - values[order[other]] for one, other in pairs]
        test, found = SIGNED_RANK, [signed_rank(one) for one in apart]
    elif measure == "auroc":
        named = [(placed[one].key, placed[other].key) for one, other in pairs]
        found = _by_images(named, sets, differences)
        test = NO_TEST if found is None else DELONG
    p = {} if found is None else dict(zip(pairs, holm(found), strict=True))
    groups = alike(len(keys), p) if found is not None else []
    return Ranking(placed, test, p, tuple(groups), fewest)


def mid_ranks(values: Matrix) -> Matrix:
    """Return ranks from the lowest value on, from 1; ties share the mean of their ranks.

    >>> mid_ranks(np.array([0.3, 0.1, 0.3]))
    array([2.5, 1. , 2.5])
    """
    rounded = np.round(values, DIGITS)
    below = (rounded[:, None] > rounded[None, :]).sum(axis=1)
    equal = (rounded[:, None] == rounded[None, :]).sum(axis=1)
    return np.asarray(below + (equal + 1) / 2, np.float64)


def signed_rank(differences: Matrix) -> float:
    """Return the exact two-sided p-value of Wilcoxon's signed-rank test.

    Differences of 0 are left out, and equal sizes share their mean rank. Under the null hypothesis
    every sign is as likely as the other: all sums of ranks are counted.

    >>> signed_rank(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))
    0.03125
    """
    apart = np.round(differences, DIGITS)
    apart = apart[apart != 0]
    # Twice the ranks are whole numbers.
    doubled = (2 * mid_ranks(np.abs(apart))).astype(int)
    total, won = int(doubled.sum()), int(doubled[apart > 0].sum())
    counts = [1, *[0] * total]
    for rank in doubled.tolist():
        for place in range(total, rank - 1, -1):
            counts[place] += counts[place - rank]
    tail = sum(counts[: min(won, total - won) + 1])
    return min(1.0, 2 * tail / sum(counts))


def fewest_sets(rows: int) -> int:
    """Return how many OOD sets a signed-rank test needs to find any pair of rows different.

    Its smallest p is 2 / 2^sets, which Holm multiplies by the number of pairs.

    >>> [fewest_sets(rows) for rows in (2, 3, 5)]
    [6, 7, 9]
    """
    pairs = rows * (rows - 1) / 2
    return next(sets for sets in range(1, 64) if max(pairs, 1) * 2 / 2**sets < SIGNIFICANT)


def combined(differences: Sequence[Difference]) -> float:
    """Return the p-value of the mean difference over OOD sets, from each set's DeLong test.

    The sets share their ID images, so the differences are correlated: the standard error of the
    mean is at most the mean of the standard errors, whatever the correlation. The test takes that,
    and so finds a difference too rarely rather than too often. A set whose variance is unknown
    makes p 1.
    """
    if any(one.ci is None for one in differences):
        return 1.0
    # An interval that is cut at -1 or 1 is whole on its other side.
    reaches = [
        max(one.ci[1] - one.difference, one.difference - one.ci[0])
        for one in differences
        if one.ci is not None
    ]
    error = sum(reaches) / HALF_WIDTH
    apart = abs(sum(one.difference for one in differences))
    if error == 0:
        return 1.0 if apart == 0 else 0.0
    return math.erfc(apart / error / math.sqrt(2))


def _by_images(
    pairs: Sequence[Pair], sets: Sequence[str], differences: Sequence[Difference]
) -> list[float] | None:
    """Return the p-value of each pair, None unless all of them were compared on all sets."""
    there = {(one.ood, frozenset((one.first, one.second))): one for one in differences}
    turned = [[there.get((ood, frozenset(pair))) for ood in sets] for pair in pairs]
    found = []
    for pair, row in zip(pairs, turned, strict=True):
        each = [one if one.first == pair[0] else _turned(one) for one in row if one is not None]
        if len(each) < len(sets):
            return None
        found.append(combined(each))
    return found


def _turned(one: Difference) -> Difference:
    """Return a difference from its other side."""
    ci = None if one.ci is None else (-one.ci[1], -one.ci[0])
    return replace(one, first=one.second, second=one.first, difference=-one.difference, ci=ci)


def alike(count: int, p: Mapping[tuple[int, int], float]) -> list[tuple[int, ...]]:
    """Return the largest groups of two rows or more of which no two differ, in order.

    >>> alike(3, {(0, 1): 0.5, (0, 2): 0.01, (1, 2): 0.3})
    [(0, 1), (1, 2)]
    """
    near = {
        one: {other for other in range(count) if other != one and _is_alike(one, other, p)}
        for one in range(count)
    }
    groups = _cliques(frozenset(), frozenset(range(count)), frozenset(), near)
    return sorted(tuple(sorted(one)) for one in groups if len(one) > 1)


def _is_alike(one: int, other: int, p: Mapping[tuple[int, int], float]) -> bool:
    return p[min(one, other), max(one, other)] >= SIGNIFICANT


def _cliques(
    own: frozenset[int], more: frozenset[int], done: frozenset[int], near: Mapping[int, set[int]]
) -> Iterator[frozenset[int]]:
    """Yield the maximal cliques of a graph (Bron and Kerbosch, 1973, with a pivot)."""
    if not more and not done:
        yield own
        return
    pivot = max(more | done, key=lambda one: (len(near[one] & more), -one))
    for one in sorted(more - near[pivot]):
        yield from _cliques(own | {one}, more & near[one], done & near[one], near)
        more, done = more - {one}, done | {one}
