"""Claims about replays: batches in the stream's order, one memory for each replay."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Tile
from oodcache.score.streams.method import Arrived, Held
from oodcache.score.streams.replay import replay


@dataclass
class SeenBefore:
    """Scores an image by the sum of the numbers before it, its batch's among them."""

    seen: list[float] = field(default_factory=list)

    def step(self, arrived: Arrived) -> Scores:
        assert arrived.positions[0] == arrived.first == len(self.seen)
        self.seen += arrived.ahead[0].tolist()
        return np.array([sum(self.seen)] * len(arrived)) + arrived.vectors[:, 0]

    def held(self) -> Held:
        return Held(np.arange(len(self.seen)), threshold=self.seen[-1])


@dataclass(frozen=True)
class Summed:
    batch: int

    def ahead(self, tile: Tile) -> Scores:
        raise AssertionError  # A replay is given what was computed ahead.

    def start(self) -> SeenBefore:
        return SeenBefore()


@dataclass(frozen=True)
class SummedAtOnce(Summed):
    """`Summed` that takes several batches in one step."""

    at_once: int

    def start(self) -> SeenBefore:
        return Batches(batch=self.batch)


@dataclass
class Batches(SeenBefore):
    batch: int = 1

    def step(self, arrived: Arrived) -> Scores:
        scores = []
        for start in range(0, len(arrived), self.batch):
            some = slice(start, start + self.batch)
            part = Arrived(arrived.vectors[some], arrived.ahead[:, some], arrived.first + start)
            scores.append(super().step(part))
        return np.concatenate(scores)


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 9))
def test_batches_arrive_in_order_and_the_last_is_short(count: int, batch: int, seed: int) -> None:
    places = np.random.default_rng(seed).permutation(50)[:count]
    numbers, vectors = np.arange(50.0) ** 2, np.arange(100, dtype=np.float32).reshape(50, 2)
    told: list[int] = []
    given = (Summed(batch), vectors, numbers[None], places)
    found = replay(*given, advance=told.append, keep=count)
    for position, place in enumerate(places):
        until = min(count, (position // batch + 1) * batch)
        assert found.scores[position] == numbers[places[:until]].sum() + vectors[place, 0]
    ends = [min(count, first + batch) for first in range(0, count, batch)]
    assert found.moments.tolist() == ends
    assert sum(told) == count
    assert [len(one.inside) for one in found.held] == ends


@given(st.integers(1, 200), st.integers(1, 20), st.integers(1, 9), st.integers(1, 12))
def test_moments_are_evenly_apart_and_move_no_score(
    count: int, batch: int, steps: int, keep: int
) -> None:
    numbers, vectors = np.arange(200.0), np.zeros((200, 2), np.float32)
    given = (numbers[None], np.arange(count))
    plain = replay(Summed(batch), vectors, *given)
    found = replay(SummedAtOnce(batch, batch * steps), vectors, *given, keep=keep)
    assert found.scores.tolist() == plain.scores.tolist()
    assert [len(one.inside) for one in found.held] == found.moments.tolist()
    *whole, last = found.moments.tolist()
    assert len(whole) < keep and last == count
    apart = whole[0] if whole else batch
    assert apart % batch == 0
    assert whole == [apart * (place + 1) for place in range(len(whole))]
    assert last - (whole[-1] if whole else 0) <= max(apart, batch * -(-count // (batch * keep)))


def test_a_second_replay_knows_nothing_of_the_first() -> None:
    numbers, vectors = np.ones((1, 5)), np.zeros((5, 2), np.float32)
    first, second = (replay(Summed(2), vectors, numbers, np.arange(5)) for _ in range(2))
    assert np.array_equal(first.scores, second.scores)
    assert first.held == ()
