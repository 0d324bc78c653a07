"""Claims about the queue: a sorted list, cut, holds the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from oodcache.score.streams.queue import LowestQueue


@given(
    st.integers(0, 12),
    st.lists(
        st.tuples(st.lists(st.integers(-9, 9), min_size=1, max_size=9), st.booleans()), max_size=9
    ),
)
def test_it_holds_the_lowest_and_of_equal_ones_the_earlier(
    size: int, batches: list[tuple[list[int], bool]]
) -> None:
    queue, expected, first = LowestQueue(size), list[tuple[float, int]](), 0
    for scores, closes in batches:
        if closes:
            queue.close_up()
        positions = np.arange(first, first + len(scores))
        first += len(scores)
        # Each image's vector is its own position.
        queue.enter(np.array(scores, float), positions[:, None].astype(np.float32), positions)
        expected = sorted([*expected, *zip(scores, positions.tolist(), strict=True)])[:size]
        assert queue.held.tolist() == sorted(position for _, position in expected)
        moment = queue.moment()
        assert moment.held == len(expected)
        here = np.setdiff1d(np.arange(moment.end), moment.left)
        assert sorted(queue.vectors[here, :1].ravel().tolist()) == queue.held.tolist()


def test_earlier_moments_can_be_read_until_it_closes_up() -> None:
    queue = LowestQueue(2)
    vectors = np.arange(4, dtype=np.float32)[:, None]
    queue.enter(np.array([3.0, 2.0]), vectors[:2], np.array([0, 1]))
    before = queue.moment()
    queue.enter(np.array([1.0, 0.0]), vectors[2:], np.array([2, 3]))
    after = queue.moment()
    assert before.hidden(after.end).tolist() == [2, 3]
    assert after.hidden(after.end).tolist() == [0, 1]
    queue.close_up()
    assert queue.moment().end == 2
    assert sorted(queue.vectors[:2].ravel().tolist()) == [2, 3]
