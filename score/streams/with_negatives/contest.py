"""A contest of classes with groups of negatives: how likely an image is ID, by sums over labels.

Labels are classes, then the negatives of one group after the other. The classes are side 0, and
the negatives of group g side g + 1.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from threadpoolctl import ThreadpoolController

from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.negative_scores import log_odds_of_mean
from oodcache.score.formulas.tile import Vectors, processors
from oodcache.score.kernel.label_sums import Term, sums_of

# Labels whose terms are summed at a time: their cosines with a batch stay in the cache.
SLICE = 1024


@dataclass(frozen=True)
class LabelPart:
    """Some labels that follow each other, and the side of each, counted from the `first`."""

    labels: slice
    first: int
    sides: Places

    @property
    def span(self) -> slice:
        """Return the sides that it has labels of."""
        return slice(self.first, self.first + int(self.sides[-1]) + 1)


@dataclass(frozen=True)
class Contest:
    """The contest of `classes` classes with groups of negatives of these `sizes`.

    Its outcome is the mean over groups g of S/(S + N_g), with S and N_g the sums of the terms of
    the classes and of group g.
    """

    classes: int
    sizes: tuple[int, ...]
    term: Term

    @cached_property
    def parts(self) -> tuple[LabelPart, ...]:
        """Return the labels in parts of at most `SLICE`."""
        sides = np.repeat(np.arange(1 + len(self.sizes)), [self.classes, *self.sizes])
        starts = range(0, len(sides), SLICE)
        return tuple(
            LabelPart(slice(start, start + len(some)), int(some[0]), some - some[0])
            for start, some in zip(starts, np.split(sides, starts[1:]), strict=True)
        )

    def log_sums(self, part: LabelPart, cosine: Vectors) -> Scores:
        """Return the logarithms of the sums over each side of a part (sides, N), from cosines."""
        sums = sums_of(self.term, int(part.sides[-1]) + 1, cosine.shape[1])
        sums.add(cosine, np.arange(len(cosine)), part.sides)
        return sums.logarithms()

    def log_odds(self, log_sums: Sequence[Scores]) -> Scores:
        """Return the log-odds of the outcome, (N,), from the `log_sums` of each part."""
        sides = np.full((1 + len(self.sizes), log_sums[0].shape[1]), -np.inf)
        for part, one in zip(self.parts, log_sums, strict=True):
            sides[part.span] = np.logaddexp(sides[part.span], one)
        return log_odds_of_mean(sides[0] - sides[1:])


class Workers:
    """Threads that work on the parts of a batch, each with one BLAS thread."""

    def __init__(self) -> None:
        # Finding the BLAS libraries takes milliseconds.
        self._libraries = ThreadpoolController()
        self._rooms: dict[tuple[int, int], Vectors] = {}

    def each(
        self, work: Callable[[LabelPart, Vectors], Scores], parts: Sequence[LabelPart], images: int
    ) -> list[Scores]:
        """Return `work(part, room)` of each part, in order, with room for its cosines (L, N).

        What a part gives does not depend on the number of threads.
        """
        threads = min(processors(), len(parts))
        found: list[Scores] = [np.empty(0)] * len(parts)

        def share(first: int) -> None:
            # Kept: the system would have to clear new memory.
            if (first, images) not in self._rooms:
                self._rooms[first, images] = np.empty((SLICE, images), np.float32)
            room = self._rooms[first, images]
            for place in range(first, len(parts), threads):
                labels = parts[place].labels
                found[place] = work(parts[place], room[: labels.stop - labels.start])

        with self._libraries.limit(limits=1, user_api="blas"):
            if threads == 1:
                share(0)
                return found
            with ThreadPoolExecutor(threads) as pool:
                deque(pool.map(share, range(threads)), maxlen=0)
        return found
