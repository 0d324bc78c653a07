"""Claims about positives: which images are drawn together, and that draws are paired with ID's."""

from __future__ import annotations

from itertools import islice

import numpy as np

from oodcache.score.measures.spectrum.positives import Positives

RANK = np.array([2, 0, 1])


def drawn(positives: Positives, count: int = 20, seed: int = 0) -> list[np.ndarray]:
    return list(islice(positives.draws(RANK, seed), count))


def test_independent_images_are_groups_of_their_own() -> None:
    positives = Positives.independent({"id": 3, "v2": 2})
    assert positives.are_independent
    assert positives.slices == {"id": slice(0, 3), "v2": slice(3, 5)}


def test_an_image_is_drawn_as_often_as_its_source() -> None:
    positives = Positives({"id": 3, "c": 4}, np.array([0, 1, 2, 2, 2, 0, 1]))
    assert not positives.are_independent
    for times in drawn(positives):
        assert times[3:].tolist() == [times[2], times[2], times[0], times[1]]


def test_images_without_a_source_are_drawn_by_group_as_many_as_there_are() -> None:
    positives = Positives({"id": 3, "c": 5}, np.array([0, 1, 2, 3, 3, 4, 5, 0]))
    for times in drawn(positives):
        assert times[3] == times[4] and times[7] == times[0]
        assert times[[3, 5, 6]].sum() == 3


def test_the_id_sets_draws_are_of_ranks_and_those_of_the_id_set_alone() -> None:
    alone = np.random.default_rng([0, 7])
    for times in drawn(Positives.independent({"id": 3, "v2": 2}), seed=7):
        expected = np.bincount(alone.integers(3, size=3), minlength=3)
        assert times[RANK].tolist() == expected.tolist()


def test_draws_of_a_set_do_not_change_with_another_set() -> None:
    both = Positives.independent({"id": 3, "r": 4, "v2": 2})
    one = Positives.independent({"id": 3, "v2": 2})
    for all_of, times in zip(drawn(both), drawn(one), strict=True):
        assert all_of[[0, 1, 2, 7, 8]].tolist() == times.tolist()


def test_a_set_alone_is_never_drawn_empty() -> None:
    positives = Positives({"id": 3, "c": 2}, np.array([0, 1, 2, 1, 1])).alone("c")
    for times in islice(positives.drawn_alone(0), 50):
        assert times.tolist() == [1, 1]
