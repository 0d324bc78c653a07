"""Sums over negative texts, group by group, for all scores of a run in one pass over a tile.

The negatives are multiplied with a tile in slices of `SLICE`, so memory does not grow with their
number; sums are float64. Terms keep within float64's range at usual temperatures and scales; those
that are `cold` are added as logarithms instead, which takes several times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oodcache.score.formulas.cosines import Floats, Places, Scores, product
from oodcache.score.formulas.tile import Tile, Vectors, digests
from oodcache.score.kernel.choice import kernel

SLICE = 512
# exp of 700 is about the most that float64 holds.
MOST = 700


@dataclass(frozen=True)
class Exponential:
    """The term exp(c / τ). If `cold`, terms may leave float64's range."""

    temperature: float

    @property
    def cold(self) -> bool:
        return self.temperature * MOST < 1

    def add(self, cosine: Floats, order: Places, groups: Places, sums: Scores) -> None:
        """Add the terms of row order[i] of cosines (M, N) to row groups[i] of `sums`."""
        kernel().add_exponentials(cosine, 1 / self.temperature, order, groups, sums)

    def logarithm(self, cosine: Floats) -> Scores:
        """Return c / τ."""
        return cosine / np.float64(self.temperature)


@dataclass(frozen=True)
class Sigmoid:
    """The term σ(s·c + b), or with `sign` -1 its complement σ(-s·c - b), as `Exponential`."""

    scale: float
    bias: float
    sign: int = 1

    @property
    def cold(self) -> bool:
        return self.scale + abs(self.bias) > MOST

    def add(self, cosine: Floats, order: Places, groups: Places, sums: Scores) -> None:
        """Add the terms of row order[i] of cosines (M, N) to row groups[i] of `sums`."""
        scale, bias = self.sign * self.scale, self.sign * self.bias
        kernel().add_sigmoids(cosine, scale, bias, order, groups, sums)

    def logarithm(self, cosine: Floats) -> Scores:
        """Return log σ(±(s·c + b))."""
        # float64 throughout: float32 might overflow.
        logits = self.sign * (cosine * np.float64(self.scale) + self.bias)
        found: Scores = np.minimum(logits, 0) - np.log1p(np.exp(-np.abs(logits)))
        return found


@dataclass(frozen=True)
class Members:
    """The members of one slice of negatives, in the `order` of their `groups`."""

    order: Places
    groups: Places


@dataclass(frozen=True)
class Asked:
    """A requested sum: of `term` over the negatives at `places`, each in a group."""

    term: Exponential | Sigmoid
    places: Places
    group: Places
    groups: int


class NegativeSums:
    """The sums that the scores of a run request, and their values for a tile.

    `choose(percentile=…, number=…, csp=…)` returns the vectors (M, D) of the chosen negatives, in
    their order, and `ends(near=…, far=…)` those of both ends. `name` is for messages.
    """

    def __init__(
        self,
        name: str,
        choose: Callable[..., Vectors],
        ends: Callable[..., Vectors] | None = None,
    ) -> None:
        self.name = name
        self._choose, self._ends = choose, ends
        self._chosen: dict[tuple[float | None, int | None, bool], Places] = {}
        self._known: dict[int, int] = {}
        self._stacked: list[Vectors] = []
        self._asked: dict[Hashable, Asked] = {}
        self._largest: dict[Hashable, Places] = {}

    def choose(self, percentile: float | None, number: int | None, *, csp: bool) -> Places:
        """Return the places of the chosen negatives, in their order."""
        key = percentile, number, csp
        if key not in self._chosen:
            vectors = self._choose(percentile=percentile, number=number, csp=csp)
            self._chosen[key] = self._placed(vectors)
        return self._chosen[key]

    def choose_ends(self, *, near: int | None, far: int | None) -> Places:
        """Return the places of so many words of either end, all with None."""
        assert self._ends is not None
        return self._placed(self._ends(near=near, far=far))

    @cached_property
    def mined(self) -> Vectors:
        """Return the vectors as mined, without conjugated pools, (M, D)."""
        return self._choose(percentile=None, number=None, csp=False)

    def _placed(self, vectors: Vectors) -> Places:
        """Return each vector's place; equal vectors share one across choices."""
        own = digests(vectors).tolist()
        before = len(self._known)
        places = [self._known.setdefault(one, len(self._known)) for one in own]
        new, first = np.unique(np.array(places, np.intp), return_index=True)
        self._stacked.append(vectors[first[new >= before]])
        return np.array(places, np.intp)

    def ask(self, key: Hashable, asked: Asked) -> None:
        """Request the logarithms of a sum over each group of negatives."""
        self._asked[key] = asked

    def ask_largest(self, key: Hashable, places: Places) -> None:
        """Request the largest cosine with any of the negatives at `places`."""
        self._largest[key] = places

    def prepare(self) -> None:
        """Lay out the requested sums, once all are known."""
        if not self._stacked:
            return  # Scores may read the vectors alone.
        self._vectors = np.concatenate(self._stacked)
        self._stacked = [self._vectors]
        starts = range(0, len(self._vectors), SLICE)
        self._members = {
            key: [_members(asked.places, asked.group, start) for start in starts]
            for key, asked in self._asked.items()
        }
        self._of_largest = {
            key: [_members(places, np.zeros_like(places), start) for start in starts]
            for key, places in self._largest.items()
        }

    def of(self, tile: Tile) -> dict[Hashable, Scores]:
        """Return the sums' logarithms, (groups, N) each, and the largest cosines, (N,)."""
        if self not in tile.kept:
            tile.kept[self] = self._of(tile)
        found: dict[Hashable, Scores] = tile.kept[self]
        return found

    def _of(self, tile: Tile) -> dict[Hashable, Scores]:
        count = len(tile.vectors)
        totals = {
            key: (_Cold if asked.term.cold else _Linear)(asked, count)
            for key, asked in self._asked.items()
        }
        largest = {key: np.full(count, -np.inf) for key in self._largest}
        room = np.empty((SLICE, count), np.float32)
        for number, start in enumerate(range(0, len(self._vectors), SLICE)):
            some = self._vectors[start : start + SLICE]
            cosine = product(some, tile.vectors.T, out=room[: len(some)])
            for key, slices in self._of_largest.items():
                if len(members := slices[number].order):
                    np.maximum(largest[key], cosine[members].max(axis=0), out=largest[key])
            for key, total in totals.items():
                if len((own := self._members[key][number]).order):
                    total.add(cosine, own)
        return {key: total.logarithms() for key, total in totals.items()} | largest


class _Linear:
    """Sums of terms within float64's range."""

    def __init__(self, asked: Asked, count: int) -> None:
        self._term = asked.term
        self._sums = np.zeros((asked.groups, count))

    def add(self, cosine: Floats, members: Members) -> None:
        self._term.add(cosine, members.order, members.groups, self._sums)

    def logarithms(self) -> Scores:
        return np.log(self._sums)


class _Cold:
    """Sums of terms given as logarithms."""

    def __init__(self, asked: Asked, count: int) -> None:
        self._term = asked.term
        self._logarithms = np.full((asked.groups, count), -np.inf)

    def add(self, cosine: Floats, members: Members) -> None:
        terms = self._term.logarithm(cosine[members.order])
        np.logaddexp.at(self._logarithms, members.groups, terms)

    def logarithms(self) -> Scores:
        return self._logarithms


def _members(places: Places, group: Places, start: int) -> Members:
    """Return the negatives at `places` that are in the slice from `start`."""
    inside = np.flatnonzero((places >= start) & (places < start + SLICE))
    inside = inside[np.argsort(group[inside], kind="stable")]
    return Members(places[inside] - start, group[inside])
