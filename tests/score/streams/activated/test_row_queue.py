from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from oodcache.score.streams.activated.corpus import SLICE, Activations
from oodcache.score.streams.activated.row_queue import RowQueue

WORDS = SLICE + 40


def activations(count: int, seed: int = 0) -> Activations:
    draw = np.random.default_rng(seed)
    return Activations(draw.random((count, WORDS), np.float32), draw.random((count, 2)))


def whole(found: Activations) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the activations themselves, (N, C)."""
    every = found.terms.astype(np.float64)
    every[:, :SLICE] *= found.factors[:, :1]
    every[:, SLICE:] *= found.factors[:, 1:]
    return every


@pytest.mark.parametrize("size", [1, 4, 7, 100])
def test_it_holds_the_latest_images_and_their_mean(size: int) -> None:
    queue, slow = RowQueue(size, WORDS), deque[int](maxlen=size)
    found = activations(30)
    assert not queue.mean.any() and not len(queue.held)
    for rows in ([3], [5, 6, 9], [], [*range(10, 22)], [25, 29]):
        queue.enter(found, np.array(rows, np.intp), np.array(rows, np.intp) * 10)
        slow.extend(rows)
        np.testing.assert_allclose(queue.mean, whole(found)[[*slow]].mean(axis=0), rtol=2e-6)
        assert queue.held.tolist() == [10 * row for row in sorted(slow)]


def test_what_is_no_image_of_the_stream_has_no_position() -> None:
    queue = RowQueue(3, WORDS)
    queue.enter(activations(4), np.arange(4), np.array([-1, -1, 7, 7]))
    assert queue.held.tolist() == [7]
