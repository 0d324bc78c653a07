"""Sums over negative texts, group by group, for all scores of a run in one pass over a tile.

The negatives are multiplied with a tile in slices of `SLICE`, so memory does not grow with their
number.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oodcache.score.formulas.cosines import Places, Scores, product
from oodcache.score.formulas.tile import Tile, Vectors, digests
from oodcache.score.kernel.label_sums import Term, sums_of

SLICE = 1024


@dataclass(frozen=True)
class Members:
    """The members of one slice of negatives, in the `order` of their `groups`."""

    order: Places
    groups: Places


@dataclass(frozen=True)
class Asked:
    """A requested sum: of `term` over the negatives at `places`, each in a group."""

    term: Term
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
            key: sums_of(asked.term, asked.groups, count) for key, asked in self._asked.items()
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
                own = self._members[key][number]
                total.add(cosine, own.order, own.groups)
        return {key: total.logarithms() for key, total in totals.items()} | largest


def _members(places: Places, group: Places, start: int) -> Members:
    """Return the negatives at `places` that are in the slice from `start`."""
    inside = np.flatnonzero((places >= start) & (places < start + SLICE))
    inside = inside[np.argsort(group[inside], kind="stable")]
    return Members(places[inside] - start, group[inside])
