"""A stream method: a score whose memory learns from the images that came before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.tile import Tile, Vectors


@dataclass(frozen=True)
class Arrived:
    """N images that arrive together: unit `vectors` float32 (N, D).

    `ahead` (Q, N) is what the method computed of each image ahead of all orders. `first` is the
    first image's position in the stream.
    """

    vectors: Vectors
    ahead: Scores
    first: int

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def positions(self) -> Places:
        """Return each image's position in the stream, (N,)."""
        return np.arange(self.first, self.first + len(self))


def _nothing() -> Places:
    return np.empty(0, np.intp)


@dataclass(frozen=True)
class Held:
    """What a memory holds: positions in the stream of images that it takes for ID, and for OOD.

    `threshold` is the score from which it takes an image for ID, None without one.
    """

    inside: Places = field(default_factory=_nothing)
    outside: Places = field(default_factory=_nothing)
    threshold: float | None = None


class Memory(Protocol):
    """The memory of one replay of a stream, empty at its start."""

    def step(self, arrived: Arrived) -> Scores:
        """Return the scores of a batch, float64 (N,), and learn from it."""
        ...

    def held(self) -> Held:
        """Return what the memory holds now."""
        ...


class StreamMethod(Protocol):
    """A stream score with its parameters, for one model and one list of classes."""

    @property
    def batch(self) -> int:
        """Return how many images arrive together."""
        ...

    def ahead(self, tile: Tile) -> Scores:
        """Return what of a tile's images depends on no other image, float64 (Q, N).

        It is computed once for all orders.
        """
        ...

    def start(self) -> Memory:
        """Return a new memory."""
        ...


@runtime_checkable
class Grouping(Protocol):
    """A stream method whose memory takes several batches in one step, with the same scores."""

    @property
    def at_once(self) -> int:
        """Return how many images a step may take, a multiple of `batch`."""
        ...


@runtime_checkable
class Checking(Protocol):
    """A stream method that may be wrong in a way that a replay shows: a user's."""

    def check(self, vectors: Vectors) -> None:
        """Raise InputError if some of the images (N, D), replayed twice, get other scores."""
        ...


@runtime_checkable
class Noting(Protocol):
    """A stream method that tells a reader of its scores a fact about a stream."""

    def note(self, ahead: Scores, scores: Scores) -> str:
        """Return the fact, from what was computed ahead (Q, N) and the scores, in its order."""
        ...
