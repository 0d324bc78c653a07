"""A queue of the latest images of one side, with their activations of each word."""

from __future__ import annotations

import numpy as np

from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.streams.activated.corpus import SLICE, Activations, kind
from oodcache.score.streams.activated.slices import slices


class RowQueue:
    """The activations of C words by the latest `size` images; the first in is the first out."""

    def __init__(self, size: int, words: int) -> None:
        self.size = size
        self._held = Activations(
            np.empty((size, words), kind(words)), np.empty((size, len(slices(words, SLICE))))
        )
        self._positions: Places = np.full(size, -1)
        self._entered = 0
        self._mean: Scores = np.zeros(words)

    def enter(self, found: Activations, rows: Places, positions: Places) -> None:
        """Let the images at `rows` of `found` in, one after the other.

        A position in the stream is -1 for what is no image of it.
        """
        if not len(rows):
            return
        first = max(0, len(rows) - self.size)
        for row, position in zip(rows[first:].tolist(), positions[first:].tolist(), strict=True):
            slot = self._entered % self.size
            self._held.terms[slot] = found.terms[row]
            self._held.factors[slot] = found.factors[row]
            self._positions[slot] = position
            self._entered += 1
        count = min(self._entered, self.size)
        there = Activations(self._held.terms[:count], self._held.factors[:count])
        (self._mean,) = there.means(np.ones((1, count), bool))

    @property
    def mean(self) -> Scores:
        """Return the mean activation of each word, (C,), 0 if the queue is empty."""
        return self._mean

    @property
    def held(self) -> Places:
        """Return the positions in the stream of the images in the queue, rising, each once."""
        return np.unique(self._positions[self._positions >= 0])
