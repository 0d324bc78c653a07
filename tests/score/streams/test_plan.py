"""Claims about plans: the streams of every order, and rows whose images have one score each."""

from __future__ import annotations

import numpy as np
import pytest

from oodcache.score.streams.plan import OrderedRuns, StreamPlan
from oodcache.score.streams.runs import StreamRun

SIZES = [("in", 6), ("a", 4), ("b", 2), ("tune", 3)]
ROWS = np.arange(6)


def test_lengths_are_those_of_what_each_order_replays() -> None:
    plan = StreamPlan.of(["shuffle:3", "drift", "id-first"], 0, {}, SIZES[:3], None)
    assert plan.lengths() == [3 * (10 + 8), 12, 10 + 8]
    assert plan.tuning is None


def test_the_tuning_set_is_in_a_stream_of_its_own_alone() -> None:
    plan = StreamPlan.of([], 4, {}, SIZES, "tune")
    assert plan.tuning is not None and plan.tuning.against == ("tune",)
    assert sorted(plan.tuning.places) == [*range(6), 12, 13, 14]
    assert [one.against for _, streams in plan.streams for one in streams] == [("a",), ("b",)]
    drawn = np.random.default_rng(4).permutation(9)
    np.testing.assert_array_equal(plan.tuning.places, np.where(drawn < 6, drawn, drawn + 6))


def run(length: int, oods: int, shift: float = 0.0) -> StreamRun:
    inside, outside = np.arange(6.0) + shift, np.arange(float(oods))
    return StreamRun("x", length, ROWS, np.arange(oods), inside, outside)


@pytest.mark.parametrize(
    ("row", "names"),
    [
        (OrderedRuns("x", "in", True, {"a": [run(10, 4)]}), ["in", "a"]),
        (OrderedRuns("x", "in", True, {"a": [run(12, 4)], "b": [run(12, 2)]}), ["in", "a", "b"]),
        (OrderedRuns("x", "in", True, {"a": [run(10, 4)], "b": [run(8, 2, 1.0)]}), []),
        (OrderedRuns("x", "in", True, {"a": [run(10, 4), run(10, 4)]}), []),
        (OrderedRuns("ratio:2", "in", False, {"a": [run(10, 4)]}), []),
    ],
)
def test_images_have_one_score_each_only_in_a_single_stream(
    row: OrderedRuns, names: list[str]
) -> None:
    assert list(row.scores) == names
