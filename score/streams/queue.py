"""A queue of the images with the lowest scores so far, and what it held at each moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.tile import Vectors


@dataclass(frozen=True)
class Moment:
    """What a queue holds at one moment: of its first `end` rows all but those at `left`."""

    end: int
    left: Places

    @property
    def held(self) -> int:
        """Return the number of images in the queue."""
        return self.end - len(self.left)

    def hidden(self, end: int) -> Places:
        """Return those of the first `end` rows that have left, or are still to come."""
        return np.concatenate([self.left, np.arange(self.end, end)])


class LowestQueue:
    """The `size` images of the lowest scores so far; of equal ones the earlier stay.

    `vectors` (R, D) has a row for each image that entered since `close_up`, those that left again
    among them, so several moments can be read after all of them.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.vectors: Vectors = np.empty((0, 0), np.float32)
        self._scores: Scores = np.empty(0)
        self._positions: Places = np.empty(0, np.intp)
        self._here = np.empty(0, np.bool_)

    @property
    def held(self) -> Places:
        """Return the positions in the stream of the images in the queue, rising."""
        return np.sort(self._positions[self._here])

    def moment(self) -> Moment:
        """Return what the queue holds now."""
        return Moment(len(self._here), np.flatnonzero(~self._here))

    def enter(self, scores: Scores, vectors: Vectors, positions: Places) -> None:
        """Let a batch in, and the highest of all out again."""
        held = np.flatnonzero(self._here)
        if len(held) == self.size:
            # Most of a long stream is above the whole queue.
            low = np.flatnonzero(scores < self._scores[held].max(initial=-np.inf))
            scores, vectors, positions = scores[low], vectors[low], positions[low]
        if not len(scores):
            return
        both = np.concatenate([self._scores[held], scores])
        stays = _lowest(both, np.concatenate([self._positions[held], positions]), self.size)
        new = np.flatnonzero(stays[len(held) :])
        self._here[held] = stays[: len(held)]
        self._append(scores[new], vectors[new], positions[new])

    def _append(self, scores: Scores, vectors: Vectors, positions: Places) -> None:
        start, end = len(self._here), len(self._here) + len(scores)
        if end > len(self.vectors):
            # It doubles: a queue may be longer than the stream.
            room = np.empty((2 * end, vectors.shape[1]), np.float32)
            room[:start] = self.vectors[:start].reshape(start, vectors.shape[1])
            self.vectors = room
        self.vectors[start:end] = vectors
        self._scores = np.concatenate([self._scores, scores])
        self._positions = np.concatenate([self._positions, positions])
        self._here = np.concatenate([self._here, np.ones(len(scores), np.bool_)])

    def close_up(self) -> None:
        """Move the last rows to those of images that have left; earlier moments are void."""
        count = np.count_nonzero(self._here)
        gaps = np.flatnonzero(~self._here[:count])
        last = count + np.flatnonzero(self._here[count:])
        for rows in (self.vectors, self._scores, self._positions):
            rows[gaps] = rows[last]
        self._scores, self._positions = self._scores[:count], self._positions[:count]
        self._here = np.ones(count, np.bool_)


def _lowest(scores: Scores, positions: Places, count: int) -> npt.NDArray[np.bool_]:
    """Return which are among the `count` lowest; of equal ones the earlier."""
    if len(scores) <= count:
        return np.ones(len(scores), np.bool_)
    highest = np.partition(scores, count - 1)[count - 1]
    stays: npt.NDArray[np.bool_] = scores < highest
    equal = np.flatnonzero(scores == highest)
    equal = equal[np.argsort(positions[equal])]
    stays[equal[: count - np.count_nonzero(stays)]] = True
    return stays
