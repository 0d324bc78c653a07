"""Claims about paths of streams: windows are scikit-learn's on a slice, shares a recount."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from oodcache.score.measures import metrics
from oodcache.score.measures.orders.stream_path import stream_path, window_ends, window_measures
from oodcache.score.streams.method import Held
from oodcache.score.streams.runs import StreamRecord, StreamRun

# Of three sets: 0 is ID, 1 the run's OOD set, 2 another set of the same stream.
Sides = np.ndarray[Any, Any]


def record(sides: Sides, seed: int = 0, held: tuple[Held, ...] = ()) -> StreamRecord:
    scores = np.random.default_rng(seed).integers(0, 40, len(sides)) - 5.0 * (sides == 1)
    moments = np.arange(len(held)) + 1
    return StreamRecord(scores, sides == 0, sides == 1, moments, held)


def run(course: StreamRecord | None) -> StreamRun:
    none: Any = np.empty(0)
    return StreamRun("id-first", 9, none, none, none, none, record=course)


def sides(count: int, seed: int = 0, sets: int = 3) -> Sides:
    return np.random.default_rng(seed).integers(0, sets, count)


@given(st.integers(0, 50), st.integers(15, 60), st.integers(0, 99))
def test_a_window_is_scikit_learns_auroc_of_the_slice(first: int, length: int, seed: int) -> None:
    every = sides(110, seed)
    course, some = record(every, seed), slice(first, first + length)
    found = window_measures(course, first, first + length, "strict")
    there = every[some] < 2
    kept, scores = every[some][there], course.scores[some][there]
    if min(np.sum(kept == 0), np.sum(kept == 1)) < 10:
        assert found is None
        return
    assert found is not None
    assert found["auroc"] == pytest.approx(roc_auc_score(kept == 0, scores), abs=6e-6)
    inside = sorted(scores[kept == 0])
    threshold = inside[len(inside) - -(-95 * len(inside) // 100)]
    assert found["fpr95"] == pytest.approx(np.mean(scores[kept == 1] >= threshold), abs=6e-6)


@pytest.mark.parametrize("convention", ["strict", "openood"])
def test_a_window_as_long_as_the_stream_has_the_rows_own_measures(convention: str) -> None:
    course = record(sides(150, 3))
    path = stream_path(run(course), convention)
    assert path is not None
    assert (path.window, path.ends) == (150, (150,))
    own = metrics.count(course.scores[course.is_inside], course.scores[course.is_outside])
    assert path.measured == {
        "auroc": (pytest.approx(own.auroc(), abs=6e-6),),
        "fpr95": (pytest.approx(own.fpr95(convention), abs=6e-6),),
    }


def test_a_window_with_fewer_than_ten_of_a_side_is_a_gap() -> None:
    id_first = np.repeat([0, 1], [1200, 800])
    path = stream_path(run(record(id_first)), "strict")
    assert path is not None
    assert (path.order, path.window, path.ends[0], path.ends[-1]) == ("id-first", 200, 200, 2000)
    both = [1210 <= end <= 1390 for end in path.ends]
    for values in path.measured.values():
        assert [one is not None for one in values] == both
    assert 0 < sum(both) < len(both)


def test_shares_of_the_memory_are_a_recount_with_the_other_sets_as_ood() -> None:
    every = np.array([0, 1, 2, 0, 0, 1, 2, 1])
    held = (
        Held(np.array([], int), np.array([1, 2])),
        Held(np.array([0, 3, 5]), np.array([2, 4, 6, 7]), threshold=0.25),
    )
    path = stream_path(run(record(every, held=held)), "strict")
    assert path is not None
    assert (path.moments, path.id_held, path.ood_held) == ((1, 2), (0, 3), (2, 4))
    assert path.id_share == (None, pytest.approx(2 / 3, abs=6e-6))
    assert path.ood_share == (1.0, 0.75)
    assert path.threshold == (None, 0.25)


def test_what_a_method_does_not_have_is_none() -> None:
    path = stream_path(run(record(sides(9), held=(Held(), Held(outside=np.array([1]))))), "strict")
    assert path is not None
    assert path.id_held is path.id_share is path.threshold is None
    assert path.ood_held == (0, 1)
    assert stream_path(replace(run(None)), "strict") is None


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_windows_reach_from_the_first_whole_one_to_the_end(images: int, window: int) -> None:
    window = min(images, window)
    ends = window_ends(images, window)
    assert (ends[0], ends[-1]) == (window, images)
    assert len(ends) <= 100 and len(set(ends)) == len(ends)
    steps = {after - before for before, after in pairwise(ends)}
    assert max(steps, default=0) - min(steps, default=0) <= 1
