"""The sums over rows of cosines, in NumPy: what the C is tested against, and its fallback.

A row of *gaps* has the differences from the second largest cosine, with `HIDDEN` for the largest,
which no sum counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Scores = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

# Replaces the largest: its exponential is 0, and so is 0 times it.
HIDDEN = float(np.finfo(np.float32).min) / 4
# exp of 700 is about the most that float64 holds.
MOST_EXPONENT = 700.0
# Logits with a scale or a logit above this are float64: float32 might overflow.
LARGE = 1e30
# Rows whose terms are computed at a time.
ROWS = 128


class Terms(IntEnum):
    """What is summed over a row's gaps g, with x = scale · g + its logit."""

    EXP = 0  # e = exp(scale · g)
    MOMENTS = 1  # e, e² and e · g
    SOFTPLUS = 2  # log(1 + exp(x))
    SIGMOIDS = 3  # σ(x), and σ(-x)


@dataclass(frozen=True)
class RowSums:
    """Sums that are asked of every row, whose logit is scale · runner-up + bias."""

    kind: Terms
    scale: float
    bias: float = 0.0


Found = dict[RowSums, tuple[Scores, ...]]


@dataclass(frozen=True)
class Dots:
    """The products of N `vectors` (N, D) with some of `others` (M, D), in float64."""

    vectors: Floats
    others: Floats

    def __call__(self, places: Places) -> Scores:
        """Return the products with the others at `places`, (N, P)."""
        wide = self.vectors.astype(np.float64)
        chosen = (self.others.take(one, axis=0).astype(np.float64) for one in places.T)
        return np.stack([np.einsum("ij,ij->i", one, wide) for one in chosen], axis=1)


Exact = Callable[[Places], Scores]


class Definition:
    """Each sum by its formula, from numbers (N, K), float32 or float64."""

    def read(
        self, numbers: Floats, exact: Exact | None, asked: Sequence[RowSums]
    ) -> tuple[Places, Scores, Found]:
        """Return the places (N, 2) of the two largest, their values (N, 2), and the sums.

        The first of equal ones comes first. Values are `exact` ones if it is given. `numbers`, of
        at least two columns, become gaps.
        """
        at = np.arange(len(numbers))
        best = numbers.argmax(axis=1)
        largest = numbers[at, best]
        numbers[at, best] = HIDDEN
        second = numbers.argmax(axis=1)
        values = np.stack([largest, numbers[at, second]], axis=1)
        numbers -= values[:, 1:]
        numbers[at, best] = HIDDEN
        places = np.stack([best, second], axis=1)
        wide = values.astype(np.float64) if exact is None else exact(places)
        return places, wide, self.sums(numbers, wide.min(axis=1), asked)

    def sums(self, gaps: Floats, runner_up: Scores, asked: Iterable[RowSums]) -> Found:
        """Return the sums over each row, float64 (N,)."""
        # Times a scale, what is HIDDEN may become -inf.
        with np.errstate(over="ignore"):
            return {one: _sums(gaps, runner_up, one) for one in asked}

    def add_exponentials(
        self, cosines: Floats, scale: float, order: Places, groups: Places, sums: Scores
    ) -> None:
        """Add exp(scale · c) of row order[i] of `cosines` (M, N) to row groups[i] of `sums`."""
        for some in _slices(len(order)):
            logits = scale * cosines[order[some]].astype(np.float64)
            _add(np.exp(logits, out=logits), groups[some], sums)

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
        for some in _slices(len(order)):
            odds = np.exp(-scale * cosines[order[some]].astype(np.float64) - bias)
            _add(1 / (1 + odds), groups[some], sums)


def _sums(gaps: Floats, runner_up: Scores, asked: RowSums) -> tuple[Scores, ...]:
    if asked.kind in (Terms.EXP, Terms.MOMENTS):
        # An infinite factor would turn a gap of 0 into NaN.
        scaled = gaps * gaps.dtype.type(min(asked.scale, float(np.finfo(gaps.dtype).max)))
        terms = np.exp(scaled, out=scaled)
        if asked.kind == Terms.EXP:
            return (_sum(terms),)
        return _sum(terms), _sum(terms**2), _sum(terms * gaps)
    x = _logits(gaps, asked.scale, asked.scale * runner_up + asked.bias)
    smaller = np.exp(-np.abs(x))
    if asked.kind == Terms.SOFTPLUS:
        return (_sum(np.maximum(x, 0)) + _sum(np.log1p(smaller)),)
    larger = 1 / (1 + smaller)
    smaller *= larger
    inside, outside = np.where(x > 0, larger, smaller), np.where(x > 0, smaller, larger)
    outside[gaps == HIDDEN] = 0
    return _sum(inside), _sum(outside)


def _logits(gaps: Floats, scale: float, logits: Scores) -> Floats:
    """Return scale · gap + the row's logit, -inf for the hidden."""
    most = max(scale, float(np.abs(logits).max(initial=0)))
    held = gaps.dtype.type if most < LARGE else np.float64
    found = gaps * held(scale)
    found += logits.astype(found.dtype)[:, None]
    found[gaps == HIDDEN] = -np.inf
    return found


def _slices(count: int) -> list[slice]:
    """Return slices of so many rows as stay in the cache."""
    return [slice(start, start + ROWS) for start in range(0, count, ROWS)]


def _add(terms: Scores, groups: Places, sums: Scores) -> None:
    """Add each row of terms to that of its group: neighbours of one group together."""
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    for group, own in zip(groups[starts], np.split(terms, starts[1:]), strict=True):
        sums[group] += own.sum(axis=0)


def _sum(terms: Floats) -> Scores:
    found: Scores = terms.sum(axis=1, dtype=np.float64)
    return found
