"""Pairs of rows of which one at least learns from the stream: their differences in equal orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import stdev

import numpy as np

from oodcache.score.formulas.cosines import Scores
from oodcache.score.measures import delong
from oodcache.score.streams.plan import OrderedRuns
from oodcache.score.streams.runs import StreamRun

Name = tuple[str | None, str | None, str]


@dataclass(frozen=True)
class PairedRow:
    """A row of a table: `name` is (model, template, score), as in a Difference.

    `scores` has float64 (n,) by dataset. `images` has a key by dataset: it is equal if two rows
    have the same images of the dataset, in the same order. A row of a stream has its runs instead
    of scores.
    """

    name: Name
    scores: Mapping[str, Scores]
    images: Mapping[str, str]
    stream: OrderedRuns | None = None

    @property
    def ood_sets(self) -> Sequence[str]:
        """Return the sets that it has scores of, the ID set's among them."""
        return [*self.images] if self.stream is None else [*self.stream.runs]


@dataclass(frozen=True)
class PairedOrders:
    """A test of two rows, places in their list, and their difference in each order, if any."""

    first: int
    second: int
    test: delong.Paired
    orders: Mapping[str, float] | None = None

    @property
    def deviation(self) -> float | None:
        """Return the standard deviation (n - 1) over the orders, None with fewer than two."""
        several = self.orders is not None and len(self.orders) > 1
        return stdev(self.orders.values()) if several and self.orders is not None else None


@dataclass
class OrderPairs:
    """The rows of one ID set and one OOD set, of the same images."""

    rows: Sequence[PairedRow]
    id_set: str
    ood_set: str
    _placed: dict[tuple[int, int | None], delong.Placements] = field(default_factory=dict)

    def comparable(self) -> list[tuple[int, int]]:
        """Return the pairs with a stream that can be compared: in equal orders, or with one none.

        Two rows of streams in different orders cannot be.
        """
        orders = [None if one.stream is None else one.stream.order for one in self.rows]
        return [
            (first, second)
            for first in range(len(orders))
            for second in range(first + 1, len(orders))
            if (orders[first], orders[second]) != (None, None)
            and (None in (orders[first], orders[second]) or orders[first] == orders[second])
        ]

    def tests(self) -> Iterator[PairedOrders]:
        """Yield the test of each comparable pair."""
        for first, second in self.comparable():
            runs = self._runs(first) or self._runs(second) or []
            placed = [
                [self._placements(row, number, run) for number, run in enumerate(runs)]
                for row in (first, second)
            ]
            test = delong.difference_over_orders(*placed)
            apart = (one.auroc() - other.auroc() for one, other in zip(*placed, strict=True))
            orders = dict(zip((run.order for run in runs), apart, strict=True))
            yield PairedOrders(first, second, test, orders)

    def _runs(self, row: int) -> Sequence[StreamRun] | None:
        stream = self.rows[row].stream
        return None if stream is None else stream.runs[self.ood_set]

    def _placements(self, row: int, number: int, run: StreamRun) -> delong.Placements:
        """Return a row's placements in one order; those of other scores are of its images."""
        own = self._runs(row)
        if own is not None:
            inside, outside, key = own[number].id_scores, own[number].ood_scores, (row, number)
        else:
            scores = self.rows[row].scores
            inside, outside = scores[self.id_set], scores[self.ood_set]
            if len(run.id_rows) == len(inside) and len(run.ood_rows) == len(outside):
                return self._once((row, None), inside, outside)
            inside, outside = inside[run.id_rows], outside[run.ood_rows]
            return delong.placements(inside, outside)
        return self._once(key, inside, outside)

    def _once(
        self, key: tuple[int, int | None], inside: Scores, outside: Scores
    ) -> delong.Placements:
        if key not in self._placed:
            self._placed[key] = delong.placements(np.asarray(inside), np.asarray(outside))
        return self._placed[key]
