"""A small score that learns from the stream, by hand: how far an image is above those before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.definition import SCORE, Parameter, Score, unranked
from oodcache.score.formulas.tile import Tile
from oodcache.score.streams.context import BothForms, StreamContext
from oodcache.score.streams.method import Arrived, Held
from oodcache.score.streams.methods import STREAM_SCORES


@dataclass
class Tally:
    """The base scores so far; the highest are taken for ID."""

    weight: float
    seen: list[float] = field(default_factory=list)

    def step(self, arrived: Arrived) -> Scores:
        own = arrived.ahead[0]
        before = self.weight * float(np.mean(self.seen)) if self.seen else 0.0
        self.seen += own.tolist()
        found: Scores = own * (1.0 + before) - before
        return found

    def held(self) -> Held:
        order = np.argsort(self.seen)
        return Held(order[len(order) // 2 :], order[: len(order) // 2], float(np.mean(self.seen)))


@dataclass(frozen=True)
class Tallies:
    base: BothForms
    weight: float
    batch: int

    def ahead(self, tile: Tile) -> Scores:
        return self.base(tile)[1][None]

    def start(self) -> Tally:
        return Tally(self.weight)


def _tallies(context: StreamContext, *, base: str, weight: float, batch: float) -> Tallies:
    return Tallies(context.base(base), weight, int(batch))


TALLY = Score(
    rank=unranked,
    stream=_tallies,
    formula="base*(1 + weight*m) - weight*m, m = the mean base before",
    ranks_by="itself",
    source="the tests",
    use="to see an order in the numbers",
    limits="none",
    parameters={
        "base": Parameter("mcm", names=SCORE),
        "weight": Parameter(1.0, from_least=True),
        "batch": Parameter(4.0, least=1, whole=True),
    },
)


@pytest.fixture
def tally() -> Iterator[None]:
    """Make `tally` a built-in score."""
    STREAM_SCORES["tally"] = TALLY
    yield
    del STREAM_SCORES["tally"]
