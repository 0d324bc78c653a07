"""Claims about halves of a stream: half of each set, in the stream's order, the same each time."""

from __future__ import annotations

import numpy as np

from oodcache.score.streams.halves import half
from oodcache.score.streams.order import ImageStream
from oodcache.score.streams.runs import StreamImages

IMAGES = StreamImages(np.zeros((60, 2), np.float32), [("in", 30), ("a", 20), ("b", 10)])
ORDER = np.random.default_rng(0).permutation(60)
DRIFT = ImageStream("drift", ORDER, ("a", "b"))


def test_half_of_each_set_keeps_the_order_of_the_stream() -> None:
    found = half(IMAGES, DRIFT, 0, 0)
    assert [np.sum(found.places < 30), np.sum(found.places >= 50)] == [15, 5]
    assert len(set(found.places)) == 30
    positions = [ORDER.tolist().index(place) for place in found.places]
    assert positions == sorted(positions)
    assert (found.order, found.against) == ("drift", ("a", "b"))


def test_id_draws_are_those_of_every_set_and_each_number_has_its_own() -> None:
    alone = ImageStream("x", np.arange(50), ("a",))
    first, second, other = (
        {*half(IMAGES, *given).places.tolist()}
        for given in ((DRIFT, 3, 7), (alone, 3, 7), (alone, 3, 8))
    )
    assert {place for place in first if place < 50} == second
    assert second != other


def test_every_set_keeps_an_image() -> None:
    tiny = ImageStream("x", np.array([3, 31]), ("a",))
    assert half(IMAGES, tiny, 0, 0).places.tolist() == [3, 31]
