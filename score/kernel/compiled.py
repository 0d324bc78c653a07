"""The same sums in C, of float32 and within its range of exponents; NumPy computes all others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.score.kernel import _rows
from oodcache.score.kernel.definition import (
    MOST_EXPONENT,
    Definition,
    Dots,
    Exact,
    Floats,
    Found,
    Places,
    RowSums,
    Scores,
    Terms,
)

# With a smaller scale, HIDDEN would not be far enough below 0; with larger logits, exponents would
# not fit into integers.
LEAST_SCALE, MOST_LOGIT = 1e-30, 1e6
COUNTS = {Terms.EXP: 1, Terms.MOMENTS: 3, Terms.SOFTPLUS: 1, Terms.SIGMOIDS: 2}
# A little more than rounding may make of 1.
MOST_COSINE = 1.1
# As many sums of a row as one call takes.
MOST = 64
NONE = np.empty((0, 0), np.float32)


class Compiled(Definition):
    """Each sum in one sweep over a row."""

    def read(
        self, numbers: Floats, exact: Exact | None, asked: Sequence[RowSums]
    ) -> tuple[Places, Scores, Found]:
        """Return the two largest and the sums, as `Definition.read`, in one sweep."""
        if not _fits(numbers):
            return super().read(numbers, exact, asked)
        places, values = np.empty((len(numbers), 2), np.int64), np.empty((len(numbers), 2))
        if isinstance(exact, Dots) and _fits(exact.vectors) and _fits(exact.others):
            now = [one for one in asked if _in_range(one)][:MOST]
            found = _read(numbers, now, places, values, find=True, dots=exact)
        else:
            found = _read(numbers, [], places, values, find=True)
            values = values if exact is None else exact(places)
        later = [one for one in asked if one not in found]
        return places, values, found | self.sums(numbers, values.min(axis=1), later)

    def sums(self, gaps: Floats, runner_up: Scores, asked: Iterable[RowSums]) -> Found:
        """Return the sums over each row, float64 (N,)."""
        fits = _fits(gaps) and bool(np.abs(runner_up).max(initial=0) <= MOST_COSINE)
        found: Found = {}
        for one in asked:
            if fits and _in_range(one):
                values = np.stack([runner_up, runner_up], axis=1)
                places = np.empty(values.shape, np.int64)
                found |= _read(gaps, [one], places, values, find=False)
            else:
                found |= super().sums(gaps, runner_up, [one])
        return found

    def add_exponentials(
        self, cosines: Floats, scale: float, order: Places, groups: Places, sums: Scores
    ) -> None:
        """Add exp(scale · c) of row order[i] of `cosines` (M, N) to row groups[i] of `sums`."""
        if abs(scale) <= MOST_EXPONENT and _can_add(cosines, order, groups, sums):
            _rows.add_terms(cosines, cosines.shape[1], scale, 0.0, False, order, groups, sums)
        else:
            super().add_exponentials(cosines, scale, order, groups, sums)

    def add_sigmoids(
        self,
        cosines: Floats,
        scale: float,
        bias: float,
        order: Places,
        groups: Places,
        sums: Scores,
    ) -> None:
        """Add σ(scale · c + bias) of row order[i] of `cosines` to row groups[i] of `sums`."""
        most = abs(scale) + abs(bias)
        if most <= MOST_EXPONENT and _can_add(cosines, order, groups, sums):
            _rows.add_terms(cosines, cosines.shape[1], scale, bias, True, order, groups, sums)
        else:
            super().add_sigmoids(cosines, scale, bias, order, groups, sums)


def _read(
    numbers: Floats,
    asked: Sequence[RowSums],
    places: Places,
    values: Scores,
    *,
    find: bool,
    dots: Dots | None = None,
) -> Found:
    """Return the sums; with `find` also fill `places` and `values` of the two largest."""
    each = np.array([(one.kind, one.scale, one.bias) for one in asked], np.float64)
    rows = np.empty((sum(COUNTS[one.kind] for one in asked), len(numbers)))
    vectors, others = (NONE, NONE) if dots is None else (dots.vectors, dots.others)
    given = numbers, numbers.shape[1], find, each
    _rows.read(*given, vectors, others, vectors.shape[1], places, values, rows)
    found, first = {}, 0
    for one in asked:
        found[one] = tuple(rows[first : first + COUNTS[one.kind]])
        first += COUNTS[one.kind]
    return found


def _fits(numbers: Floats) -> bool:
    return _is_plain(numbers, np.float32)


def _can_add(cosines: Floats, order: Places, groups: Places, sums: Scores) -> bool:
    indices = _is_plain(order, np.int64) and _is_plain(groups, np.int64)
    return _fits(cosines) and indices and _is_plain(sums, np.float64)


def _is_plain(array: npt.NDArray[Any], held: type[np.generic]) -> bool:
    """Return whether the C can read the numbers as they lie in memory."""
    return array.dtype == held and array.flags.c_contiguous and array.flags.aligned


def _in_range(asked: RowSums) -> bool:
    """Return whether the C has the range for it, whatever the cosines of a tile are."""
    if asked.kind in (Terms.EXP, Terms.MOMENTS):
        return asked.scale >= LEAST_SCALE
    most = asked.scale * MOST_COSINE + abs(asked.bias)
    return asked.scale >= LEAST_SCALE and most <= MOST_LOGIT
