"""Claims about runs: a stream's scores go back to the images that had them."""

from __future__ import annotations

import numpy as np
import pytest

from oodcache.score.streams.order import ImageStream
from oodcache.score.streams.runs import StreamImages, StreamRun, same_images, split

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
