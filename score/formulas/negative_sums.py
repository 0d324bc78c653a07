"""Sums over negative texts, group by group, for all scores of a run in one pass over a tile.

The negatives are multiplied with a tile in slices of `SLICE`, so memory does not grow with their
number; sums are float64. Sums of exponentials are relative to the nearest class's cosine, which at
usual temperatures and scales keeps them in float64's range. Below `COLD` every group's largest term
is subtracted first, which takes several times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np

from oodcache.score.formulas.cosines import Floats, Places, Scores, product
from oodcache.score.formulas.tile import Tile, Vectors, digests

SLICE = 512
# Cosines differ by at most 2, and exp of 700 is the most that float64 holds.
COLD = 2 / 700


@dataclass(frozen=True)
class Exponential:
    """The term exp((c - max c) / τ), with max c the nearest class's cosine.

    `linear` and `logarithm` return the terms (M, N) of cosines (M, N), or their logarithms, in
    `out`. If `cold`, terms may leave float64's range.
    """

    temperature: float

    @property
    def cold(self) -> bool:
        return self.temperature < COLD

    def linear(self, cosine: Floats, top: Scores, out: Scores) -> Scores:
        """Return exp((c - top) / τ)."""
        return np.exp(self.logarithm(cosine, top, out), out=out)

    def logarithm(self, cosine: Floats, top: Scores, out: Scores) -> Scores:
        """Return (c - top) / τ."""
        return np.divide(np.subtract(cosine, top, out=out), self.temperature, out=out)


@dataclass(frozen=True)
class Sigmoid:
    """The term σ(s·c + b), or with `sign` -1 its complement σ(-s·c - b), as `Exponential`."""

    scale: float
    bias: float
    sign: int = 1

    @property
    def cold(self) -> bool:
        return self.scale + abs(self.bias) > 1 / COLD

    def linear(self, cosine: Floats, top: Scores, out: Scores) -> Scores:
        """Return σ(±(s·c + b))."""
        np.exp(self._logits(cosine, -self.sign, out), out=out)
        return np.divide(1, np.add(out, 1, out=out), out=out)

    def logarithm(self, cosine: Floats, top: Scores, out: Scores) -> Scores:
        """Return log σ(±(s·c + b))."""
        logits = self._logits(cosine, self.sign, out)
        return np.subtract(np.minimum(logits, 0), np.log1p(np.exp(-np.abs(logits))), out=out)

    def _logits(self, cosine: Floats, sign: int, out: Scores) -> Scores:
        # float64 throughout: float32 might overflow.
        np.multiply(cosine, sign * self.scale, out=out, dtype=np.float64)
        return np.add(out, sign * self.bias, out=out)


@dataclass(frozen=True)
class Members:
    """The members of one slice of negatives, ordered by their `groups`, the largest first.

    `sizes` are the groups' numbers of members; empty groups are omitted.
    """

    order: Places
    groups: Places
    sizes: Places

    @cached_property
    def starts(self) -> Places:
        """Return where each group begins in `order`."""
        return np.cumsum(self.sizes) - self.sizes

    @cached_property
    def ranked(self) -> tuple[Places, list[int]]:
        """Return all groups' first members, then all second ones, and so on, and their counts."""
        rank = np.arange(len(self.order)) - self.starts.repeat(self.sizes)
        return self.order[np.argsort(rank, kind="stable")], np.bincount(rank).tolist()


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
        self._order = sorted(self._asked, key=lambda key: repr(self._asked[key].term))
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
        count, top = len(tile.vectors), tile.rows.top
        totals = {
            key: (_Cold if asked.term.cold else _Linear)(asked.groups, count)
            for key, asked in self._asked.items()
        }
        largest = {key: np.full(count, -np.inf) for key in self._largest}
        room = _Room(count)
        for number, start in enumerate(range(0, len(self._vectors), SLICE)):
            some = self._vectors[start : start + SLICE]
            cosine = product(some, tile.vectors.T, out=room.cosine[: len(some)])
            for key, slices in self._of_largest.items():
                if len(members := slices[number].order):
                    np.maximum(largest[key], cosine[members].max(axis=0), out=largest[key])
            self._add(totals, number, cosine, top, room)
        return {key: total.logarithms() for key, total in totals.items()} | largest

    def _add(
        self,
        totals: Mapping[Hashable, _Linear | _Cold],
        number: int,
        cosine: Floats,
        top: Scores,
        room: _Room,
    ) -> None:
        """Add the terms of one slice; sums of the same term follow each other."""
        for term, keys in groupby(self._order, key=lambda key: self._asked[key].term):
            terms_of = term.logarithm if term.cold else term.linear
            terms = terms_of(cosine, top, room.terms[: len(cosine)])
            for key in keys:
                if len((members := self._members[key][number]).order):
                    totals[key].add(terms, members, room)


class _Room:
    """Memory reused for every slice, because the kernel would have to clear new memory."""

    def __init__(self, count: int) -> None:
        self.cosine = np.empty((SLICE, count), np.float32)
        self.terms = np.empty((SLICE, count))
        self._ordered = np.empty((SLICE, count))

    def ordered(self, terms: Scores, order: Places) -> Scores:
        """Return the terms in `order`, which may repeat equal negatives."""
        fits = len(order) <= SLICE
        out = self._ordered[: len(order)] if fits else np.empty((len(order), terms.shape[1]))
        return terms.take(order, axis=0, out=out, mode="clip")


class _Linear:
    """Sums of terms within float64's range."""

    def __init__(self, groups: int, count: int) -> None:
        self._sums = np.zeros((groups, count))

    def add(self, terms: Scores, members: Members, room: _Room) -> None:
        # np.add.reduceat takes four times as long; both loops are short and add whole rows.
        by_rank, counts = members.ranked
        found = np.zeros((len(members.groups), terms.shape[1]))
        if len(counts) < len(found):
            ordered, first = room.ordered(terms, by_rank), 0
            for count in counts:
                found[:count] += ordered[first : first + count]
                first += count
        else:
            ordered = room.ordered(terms, members.order)
            for place, own in enumerate(np.split(ordered, members.starts[1:])):
                own.sum(axis=0, out=found[place])
        self._sums[members.groups] += found

    def logarithms(self) -> Scores:
        return np.log(self._sums)


class _Cold:
    """Sums of terms given as logarithms, each relative to the largest of its group."""

    def __init__(self, groups: int, count: int) -> None:
        self._largest = np.full((groups, count), -np.inf)
        self._sums = np.zeros((groups, count))

    def add(self, terms: Scores, members: Members, room: _Room) -> None:
        ordered = room.ordered(terms, members.order)
        before = self._largest[members.groups]
        largest = np.maximum(before, np.maximum.reduceat(ordered, members.starts, axis=0))
        ordered -= largest.repeat(members.sizes, axis=0)
        added = np.add.reduceat(np.exp(ordered, out=ordered), members.starts, axis=0)
        self._sums[members.groups] = self._sums[members.groups] * np.exp(before - largest) + added
        self._largest[members.groups] = largest

    def logarithms(self) -> Scores:
        return self._largest + np.log(self._sums)


def _members(places: Places, group: Places, start: int) -> Members:
    """Return the negatives at `places` that are in the slice from `start`."""
    inside = np.flatnonzero((places >= start) & (places < start + SLICE))
    groups, of_group, sizes = np.unique(group[inside], return_inverse=True, return_counts=True)
    largest_first = np.argsort(-sizes, kind="stable")
    position = np.empty_like(largest_first)
    position[largest_first] = np.arange(len(groups))
    order = places[inside[np.argsort(position[of_group], kind="stable")]] - start
    return Members(order, groups[largest_first], sizes[largest_first])
