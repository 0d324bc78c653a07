"""The replay of a stream: its batches scored one after the other, from an empty memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.tile import Vectors
from oodcache.score.streams.method import Arrived, Grouping, Held, StreamMethod


@dataclass(frozen=True)
class Replayed:
    """The scores of a stream's images in their order, float64 (N,).

    `held` has what the memory held after each batch, if it was asked for; `starts` each batch's
    first position.
    """

    scores: Scores
    starts: Places
    held: tuple[Held, ...]


def replay(
    method: StreamMethod,
    vectors: Vectors,
    ahead: Scores,
    places: Places,
    *,
    advance: Callable[[int], None] = lambda done: None,
    keep: bool = False,
) -> Replayed:
    """Score the images at `places`, rows of `vectors` and columns of `ahead`, in that order.

    With `keep`, what the memory holds is recorded after each batch. Otherwise a step may be of
    several batches, and `starts` are those of the steps.
    """
    size = method.at_once if isinstance(method, Grouping) and not keep else method.batch
    memory = method.start()
    scores = np.empty(len(places))
    starts = np.arange(0, len(places), size)
    held = []
    for first in starts.tolist():
        some = places[first : first + size]
        arrived = Arrived(vectors[some], ahead[:, some], first)
        scores[first : first + len(some)] = memory.step(arrived)
        if keep:
            held.append(memory.held())
        advance(len(some))
    return Replayed(scores, starts, tuple(held))
