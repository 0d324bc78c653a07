"""Claims about halves of a stream: half of each set, in the stream's order, the same each time."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_streams_of_some_id_images_share_the_draws_of_those_they_share() -> None:
    few, many = (
        ImageStream("ratio", np.array([*ids, *oods]), (name,))
        for ids, oods, name in ((range(8, 20), range(30, 50), "a"), (range(30), range(50, 60), "b"))
    )
    for number in range(50):
        of_few, of_many = ({*half(IMAGES, one, 0, number).places} for one in (few, many))
        shared = {place for place in of_many if 8 <= place < 20}
        assert {place for place in of_few if place < 30} == shared


def test_an_average_over_nested_id_images_varies_as_its_mean_does() -> None:
    values = np.random.default_rng(1).standard_normal(400)
    images = StreamImages(np.zeros((402, 1), np.float32), [("in", 400), ("a", 1), ("b", 1)])
    streams = [
        ImageStream("ratio", np.append(np.arange(count), 400 + at), (name,))
        for at, (name, count) in enumerate((("a", 100), ("b", 400)))
    ]
    means = []
    for number in range(500):
        places = [half(images, one, 0, number).places for one in streams]
        means.append(np.mean([values[one[one < 400]].mean() for one in places]))
    # What each image adds to the average, (mean of the first 100 + mean of all) / 2.
    each = (values - values.mean()) / 800
    each[:100] += (values[:100] - values[:100].mean()) / 200
    # 500 draws tell a deviation to about 3 %.
    assert np.std(means) == pytest.approx(np.sqrt(np.sum(each**2)), rel=0.08)


def test_half_of_an_odd_number_is_rounded_down_and_up_in_turn() -> None:
    images = StreamImages(np.zeros((12, 1), np.float32), [("in", 7), ("a", 5)])
    stream = ImageStream("x", np.arange(12), ("a",))
    found = [half(images, stream, 0, number).places for number in range(4)]
    assert [(np.sum(one < 7), np.sum(one >= 7)) for one in found] == [(3, 2), (4, 3)] * 2


def test_halves_of_few_images_vary_as_their_mean_does() -> None:
    values = np.random.default_rng(1).standard_normal(9)
    images = StreamImages(np.zeros((10, 1), np.float32), [("in", 9), ("a", 1)])
    stream = ImageStream("x", np.arange(10), ("a",))
    places = (half(images, stream, 0, number).places for number in range(2000))
    means = [values[one[one < 9]].mean() for one in places]
    # 2,000 draws tell a deviation to about 1.6 %; rounded down alone it were 12 % too large.
    assert np.std(means) == pytest.approx(values.std(ddof=1) / 3, rel=0.05)


def test_every_set_keeps_an_image() -> None:
    tiny = ImageStream("x", np.array([3, 31]), ("a",))
    assert half(IMAGES, tiny, 0, 0).places.tolist() == [3, 31]
