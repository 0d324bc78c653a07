"""Claims about runs: a stream's scores go back to the images that had them."""

from __future__ import annotations

import numpy as np
import pytest

from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Tile
from oodcache.score.streams.method import Arrived, Held
from oodcache.score.streams.order import ImageStream
from oodcache.score.streams.runs import StreamImages, StreamRun, run_streams, same_images, split

IMAGES = StreamImages(np.zeros((9, 2), np.float32), [("in", 4), ("a", 3), ("b", 2)])


def test_a_run_has_the_scores_of_both_sets_by_row() -> None:
    stream = ImageStream("drift", np.array([7, 0, 5, 3, 8, 1]), ("a", "b"))
    scores = np.array([0.7, 0.0, 0.5, 0.3, 0.8, 0.1])
    against_a, against_b = (split(IMAGES, stream, scores, name) for name in ("a", "b"))
    assert (against_a.order, against_a.length) == ("drift", 6)
    assert against_a.id_rows.tolist() == against_b.id_rows.tolist() == [0, 1, 3]
    assert against_a.id_scores.tolist() == [0.0, 0.1, 0.3]
    assert (against_a.ood_rows.tolist(), against_a.ood_scores.tolist()) == ([1], [0.5])
    assert (against_b.ood_rows.tolist(), against_b.ood_scores.tolist()) == ([0, 1], [0.7, 0.8])


def test_a_set_is_a_view_of_the_vectors() -> None:
    IMAGES.of("a")[:] = 1
    assert IMAGES.vectors[:, 0].tolist() == [0, 0, 0, 0, 1, 1, 1, 0, 0]
    with pytest.raises(KeyError):
        IMAGES.of("c")


def test_runs_share_their_id_images_or_do_not() -> None:
    rows, none = np.arange(3), np.empty(0)
    one, other = (StreamRun("x", 3, chosen, rows, none, none) for chosen in (rows, rows + 1))
    assert same_images({"a": one, "b": one})
    assert not same_images({"a": one, "b": other})


class Latest:
    """Scores an image by its row, and holds the latest batch."""

    batch = 2

    def ahead(self, tile: Tile) -> Scores:
        raise AssertionError  # Runs are given what was computed ahead.

    def start(self) -> Latest:
        return self

    def step(self, arrived: Arrived) -> Scores:
        self.latest = arrived.positions
        found: Scores = arrived.ahead[0]
        return found

    def held(self) -> Held:
        return Held(self.latest, threshold=0.5)


ROWS = np.arange(9.0)[None]


def test_the_first_run_of_a_set_has_its_record_in_the_streams_order() -> None:
    drift = ImageStream("drift", np.array([7, 0, 5, 3, 8]), ("a", "b"))
    found = run_streams(Latest(), IMAGES, ROWS, [drift, drift], record=True)
    for name, outside in (("a", [0, 0, 1, 0, 0]), ("b", [1, 0, 0, 0, 1])):
        first, second = found[name]
        assert first.record is not None and second.record is None
        assert first.record.scores.tolist() == [7, 0, 5, 3, 8]
        assert first.record.is_inside.tolist() == [0, 1, 0, 1, 0]
        assert first.record.is_outside.tolist() == outside
        assert first.record.moments.tolist() == [2, 4, 5]
        assert [one.inside.tolist() for one in first.record.held] == [[0, 1], [2, 3], [4]]


def test_runs_that_are_not_asked_for_it_have_no_record() -> None:
    found = run_streams(Latest(), IMAGES, ROWS, [ImageStream("x", np.array([0, 4]), ("a",))])
    assert found["a"][0].record is None
