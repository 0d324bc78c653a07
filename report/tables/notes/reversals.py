"""The note on reversals: scores that another FPR convention orders differently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oodcache.cache.text import counted
from oodcache.report.tables.grid import in_words, key, percent, whose
from oodcache.score.measures.result import FPR_CONVENTIONS, Result

Swings = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Swaps:
    """How many of all `pairs` of scores each other convention swaps.

    `most` has the column with the clearest swap: its swings, its rows, and the convention.
    """

    counts: Mapping[str, int]
    pairs: int
    most: tuple[Swings, Sequence[Result], str]


def swaps(results: Sequence[Result]) -> Swaps | None:
    """Return how other FPR conventions order the scores of a column, None if they all agree.

    Numbers are rounded as the table shows them, so only visible differences count. Two orders of
    the stream, and other images, are no pair.
    """
    force = results[0].fpr_convention
    columns: dict[tuple[str | None, ...], list[Result]] = {}
    for one in results:
        columns.setdefault((*key(one)[:2], one.id, one.ood), []).append(one)
    known = set.intersection(*(set(one.fpr95_by_convention) for one in results))
    others = [name for name in FPR_CONVENTIONS if name != force and {force, name} <= known]
    found = [(_swings(group, force, n), group, n) for n in others for group in columns.values()]
    counts = dict.fromkeys(others, 0)
    for swings, _, name in found:
        counts[name] += int(np.count_nonzero(swings)) // 2
    if not any(counts.values()):
        return None
    pairs = sum(int(np.count_nonzero(_paired(group))) // 2 for group in columns.values())
    return Swaps(counts, pairs, max(found, key=lambda one: float(one[0].max())))


def reversals(results: Sequence[Result]) -> Iterator[str]:
    """Yield a line if another FPR convention orders the scores of a column differently."""
    if (found := swaps(results)) is not None:
        pairs_of = counted(found.pairs, "pair")
        swapped = [f"{name} swaps {count:,}" for name, count in found.counts.items() if count]
        yield (
            f"The order by FPR95 depends on the convention: of {pairs_of} of scores, "
            f"{in_words(swapped)}, most clearly {_swap(*found.most, results)}."
        )


def _swap(swings: Swings, group: Sequence[Result], other: str, results: Sequence[Result]) -> str:
    """Return the pair of scores that swaps most clearly, with its numbers in both conventions."""
    places = divmod(int(swings.argmax()), len(group))
    pair = sorted((group[at] for at in places), key=lambda one: one.fpr95_by_convention[other])
    numbers = [
        f"{' and '.join(percent(one.fpr95_by_convention[name]) for one in pair)} under {name}"
        for name in (other, results[0].fpr_convention)
    ]
    scores = " and ".join(key(one)[2] for one in pair)
    return f"{scores} on {pair[0].ood}{whose(pair[0], results)}: {', '.join(numbers)}"


def _swings(group: Sequence[Result], force: str, other: str) -> Swings:
    """Return, for each pair that swaps, the smaller of its two distances, otherwise 0."""
    distances = []
    for name in (force, other):
        shown = np.round([one.fpr95_by_convention[name] for one in group], 4)
        distances.append(shown[:, None] - shown[None, :])
    smaller = np.minimum(np.abs(distances[0]), np.abs(distances[1]))
    return np.where(_paired(group) & (distances[0] * distances[1] < 0), smaller, 0.0)


def _paired(group: Sequence[Result]) -> npt.NDArray[np.bool_]:
    """Return which pairs of rows have the same images, in one order if both depend on it."""
    orders = np.array([one.stream.order if one.stream else "" for one in group])
    counts = np.array([(one.n_id, one.n_ood) for one in group])
    alone = orders == ""
    in_one = (orders[:, None] == orders) | alone[:, None] | alone
    found: npt.NDArray[np.bool_] = in_one & (counts[:, None] == counts).all(axis=2)
    np.fill_diagonal(found, val=False)
    return found
