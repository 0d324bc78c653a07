"""The replay of a stream: its batches scored one after the other, from an empty memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.tile import Vectors
from oodcache.score.streams.method import Arrived, Grouping, Held, StreamMethod


@dataclass(frozen=True)
class Replayed:
    """The scores of a stream's images in their order, float64 (N,).

    `held` has what the memory held at each of the `moments`, which count the images before them.
    Both are empty unless they were asked for.
    """

    scores: Scores
    moments: Places
    held: tuple[Held, ...]


def replay(
    method: StreamMethod,
    vectors: Vectors,
    ahead: Scores,
    places: Places,
    *,
    advance: Callable[[int], None] = lambda done: None,
    keep: int = 0,
) -> Replayed:
    """Score the images at `places`, rows of `vectors` and columns of `ahead`, in that order.

    What the memory holds is recorded at `keep` moments at most: every so many batches, and at the
    end. They are the same for any number of threads.
    """
    size = method.at_once if isinstance(method, Grouping) else method.batch
    apart = method.batch * math.ceil(len(places) / (keep * method.batch)) if keep else len(places)
    memory = method.start()
    scores = np.empty(len(places))
    moments, held = [], []
    for start in range(0, len(places), apart):
        end = min(start + apart, len(places))
        for first in range(start, end, size):
            some = places[first : min(first + size, end)]
            arrived = Arrived(vectors[some], ahead[:, some], first)
            scores[first : first + len(some)] = memory.step(arrived)
            advance(len(some))
        if keep:
            moments.append(end)
            held.append(memory.held())
    return Replayed(scores, np.array(moments, np.intp), tuple(held))
