"""OODD: base scores, lowered by cosines with a queue of the images that have the lowest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import SCORE, Parameter, Score, unranked
from oodcache.score.formulas.tile import TILE, Tile, processors
from oodcache.score.streams.activated.slices import over_slices, slices
from oodcache.score.streams.context import BothForms, StreamContext
from oodcache.score.streams.largest import kth_largest
from oodcache.score.streams.method import Arrived, Held
from oodcache.score.streams.queue import LowestQueue, Moment

# Images of one step at most, unless a batch has more: a tile for each of several threads.
MOST_AT_ONCE = 8 * TILE


@dataclass(frozen=True)
class Oodd:
    """The score base - c, with c the `k`-th largest cosine with the images in the queue.

    Yang et al., CVPR 2025. The queue holds the `queue` images of the lowest base scores so far. All
    images of a batch enter, the highest leave, and then the batch is scored. With fewer than `k` in
    the queue c is the smallest cosine there is, and 0 with none. `base` returns a tile's base
    scores in both forms: the one that ranks, which picks the queue since it does not saturate, and
    the one that is shown, which is added.
    """

    base: BothForms
    queue: int = 2048
    k: int = 5
    batch: int = 64

    @property
    def at_once(self) -> int:
        """Return how many images a step may take: several batches, for several threads."""
        return self.batch * max(1, min(processors() * TILE, MOST_AT_ONCE) // self.batch)

    def ahead(self, tile: Tile) -> Scores:
        """Return the base scores as they rank and as they are shown, float64 (2, N)."""
        return np.stack(self.base(tile))

    def start(self) -> QueueMemory:
        """Return a new memory, its queue empty."""
        return QueueMemory(self.k, self.batch, LowestQueue(self.queue))

    def note(self, ahead: Scores, scores: Scores) -> str:
        """Return the spreads of base and cosine over a stream's images, in its order."""
        _, base = ahead
        spreads = f"base {base.std():.3g}, cosine {(base - scores).std():.3g}"
        told = f"adds base and cosine on their own scales; standard deviations: {spreads}"
        if self.queue < len(scores):
            return told
        # Far below the stream's length, in a number that is easy to type.
        shorter = max(1, int(float(f"{len(scores) / 10:.0e}")))
        held = f"its queue of {self.queue:,} holds the whole stream, ID images too"
        return f"{told}; {held}: set a shorter one, such as oodd:queue={shorter}"


class QueueMemory:
    """The memory of one replay of `Oodd`. A step may be of several batches of `batch` images."""

    def __init__(self, k: int, batch: int, queue: LowestQueue) -> None:
        self._k, self._batch, self._queue = k, batch, queue

    def step(self, arrived: Arrived) -> Scores:
        """Return base minus cosine, float64 (N,), after each batch has entered the queue.

        What the queue holds depends on no cosine: it is known for all batches before the products.
        """
        ranked: Scores
        base: Scores
        ranked, base = arrived.ahead
        if not self._queue.size:
            return base.copy()
        self._queue.close_up()
        moments = []
        for start in range(0, len(arrived), self._batch):
            some = slice(start, start + self._batch)
            self._queue.enter(ranked[some], arrived.vectors[some], arrived.positions[some])
            moments.append(self._queue.moment())
        parts = over_slices(
            lambda rows: base[rows] - self._cosine(arrived, rows, moments),
            slices(len(arrived), TILE),
        )
        scores: Scores = np.concatenate(parts)
        return scores

    def _cosine(self, arrived: Arrived, rows: slice, moments: list[Moment]) -> Scores:
        """Return the k-th largest cosine of each image at `rows` with what its batch meets."""
        images = arrived.vectors[rows]
        first, last = rows.start // self._batch, (rows.start + len(images) - 1) // self._batch
        hidden, k = [], np.empty(len(images), np.intp)
        for number in range(first, last + 1):
            begin = max(0, number * self._batch - rows.start)
            some = slice(begin, min(len(images), (number + 1) * self._batch - rows.start))
            hidden.append((some, moments[number].hidden(moments[last].end)))
            k[some] = min(self._k, moments[number].held)
        return kth_largest(images, self._queue.vectors[: moments[last].end], k, hidden)

    def held(self) -> Held:
        """Return the positions of the images in the queue, as OOD."""
        return Held(outside=self._queue.held)


def make_oodd(context: StreamContext, *, base: str, queue: float, k: float, batch: float) -> Oodd:
    """Return the method; `base` is a score as typed."""
    return Oodd(context.base(base), int(queue), int(k), int(batch))


OODD_SCORES: dict[str, Score] = {
    "oodd": Score(
        rank=unranked,
        stream=make_oodd,
        formula="base - the k-th largest cosine with the images in a queue: the lowest base scores "
        "so far, this batch's among them",
        ranks_by="itself",
        source="Yang et al., CVPR 2025, with mcm at temperature 1 as its base",
        use="OOD images that are like each other, a few of which the base finds; needs no words",
        limits="the order of the images matters; base and cosine are added on their own scales, so "
        "a base of small spread hardly counts; a queue of fewer than k takes its smallest cosine",
        parameters={
            "base": Parameter("mcm", least=None, names=SCORE),
            "queue": Parameter(2048.0, whole=True),
            "k": Parameter(5.0, least=1, whole=True),
            "batch": Parameter(64.0, least=1, whole=True),
        },
    ),
}
