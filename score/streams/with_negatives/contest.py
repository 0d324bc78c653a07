"""A contest of classes with groups of negatives: how likely an image is ID, by sums over labels.

Labels are classes, then the negatives of one group after the other. A term is exp(s·c), or σ(s·c +
b) if there is a bias.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from threadpoolctl import ThreadpoolController

from oodcache.score.formulas.class_scores import softplus
from oodcache.score.formulas.cosines import Floats, Scores, product
from oodcache.score.formulas.negative_scores import log_odds_of_mean
from oodcache.score.formulas.tile import Vectors, processors

# Labels whose terms are summed at a time: their cosines with a batch stay in the cache.
SLICE = 1024
# Images whose cosines with such a part stay in the cache.
ROWS = 128
# σ of a larger logit is 1 in float64.
HIGHEST = 40.0


@dataclass(frozen=True)
class SidePart:
    """Labels of one side: the classes, `side` 0, or the negatives of group `side` - 1."""

    side: int
    labels: slice


@dataclass(frozen=True)
class Contest:
    """The contest of `classes` classes with groups of negatives of these `sizes`.

    Its outcome is the mean over groups g of S/(S + N_g), with S and N_g the sums of the terms of
    the classes and of group g. Terms have the `scale`, and a `bias` if they are sigmoids.
    """

    classes: int
    sizes: tuple[int, ...]
    scale: float
    bias: float | None = None

    @cached_property
    def parts(self) -> tuple[SidePart, ...]:
        """Return the labels in parts of at most `SLICE`, each of one side."""
        edges = [0, self.classes, *(self.classes + np.cumsum(self.sizes)).tolist()]
        return tuple(
            SidePart(side, slice(start, min(start + SLICE, last)))
            for side, (first, last) in enumerate(pairwise(edges))
            for start in range(first, last, SLICE)
        )

    def log_odds(self, sums: Sequence[Scores]) -> Scores:
        """Return the log-odds of the outcome, (N,), from the logarithm of each part's sum, (N,)."""
        sides = np.full((1 + len(self.sizes), len(sums[0])), -np.inf)
        for part, one in zip(self.parts, sums, strict=True):
            sides[part.side] = np.logaddexp(sides[part.side], one)
        return log_odds_of_mean(sides[0] - sides[1:])

    def of_columns(self, cosine: Vectors) -> Scores:
        """Return the log-odds of images in rows from their cosines with all labels, (N, L)."""
        room = np.empty(ROWS * SLICE, np.float32)
        return np.concatenate(
            [
                self.log_odds([self._of_part(part, some, room) for part in self.parts])
                for some in np.split(cosine, range(ROWS, len(cosine), ROWS))
            ]
        )

    def _of_part(self, part: SidePart, cosine: Vectors, room: Vectors) -> Scores:
        own = cosine[:, part.labels]
        return self.log_sum(own, axis=1, out=room[: own.size].reshape(own.shape))

    def log_sum(self, cosine: Vectors, *, axis: int, out: Vectors | None = None) -> Scores:
        """Return the logarithm of the sum of terms of the cosines, along `axis`.

        Terms may be written to `out`, which may be `cosine` itself.
        """
        if self.bias is not None:
            return _log_sigmoids(cosine, self.scale, self.bias, axis)
        top = cosine.max(axis=axis, keepdims=True)
        terms = np.subtract(cosine, top, out=out)
        terms *= np.float32(min(self.scale, float(np.finfo(np.float32).max)))
        # The cosines are float32, so float32 terms lose nothing: the largest is exactly 1.
        np.exp(terms, out=terms)
        highest: Scores = top.reshape(-1).astype(np.float64)
        return highest * self.scale + np.log(_total(terms, axis))


def _total(terms: Vectors, axis: int) -> Scores:
    """Return the sums along `axis`, in float64."""
    # A product with ones: BLAS sums several times as fast as NumPy.
    ones = np.ones(terms.shape[axis], terms.dtype)
    return (product(ones, terms) if axis == 0 else product(terms, ones)).astype(np.float64)


def _log_sigmoids(cosine: Floats, scale: float, bias: float, axis: int) -> Scores:
    """Return log Σ σ(s·c + b) along `axis`, relative to the largest term, in float64."""
    logits = np.minimum(np.multiply(cosine, scale, dtype=np.float64) + bias, HIGHEST)
    top = logits.max(axis=axis, keepdims=True)
    terms = np.exp(logits - top)
    odds = np.exp(top)
    # σ(x)/σ(m) = y·(1 + e^m)/(1 + y·e^m) with y = e^(x - m): σ itself may underflow.
    terms *= (1 + odds) / (1 + terms * odds)
    total: Scores = np.log(terms.sum(axis=axis)) - softplus(-top.reshape(-1))
    return total


class Workers:
    """Threads that work on the parts of a batch, each with one BLAS thread."""

    def __init__(self) -> None:
        # Finding the BLAS libraries takes milliseconds.
        self._libraries = ThreadpoolController()

    def each(
        self, work: Callable[[SidePart, Vectors], Scores], parts: Sequence[SidePart], images: int
    ) -> list[Scores]:
        """Return `work(part, room)` of each part, in order, with room for its cosines (L, N).

        What a part gives does not depend on the number of threads.
        """
        threads = min(processors(), len(parts))
        found: list[Scores] = [np.empty(0)] * len(parts)

        def share(first: int) -> None:
            # New memory for each part would have to be cleared by the kernel.
            room = np.empty((SLICE, images), np.float32)
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
