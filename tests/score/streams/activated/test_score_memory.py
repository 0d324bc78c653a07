from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.score.streams.activated.score_memory import MOST, ScoreMemory


def threshold(scores: list[float]) -> float:
    memory = ScoreMemory()
    memory.add(np.array(scores))
    return memory.threshold()


def variances(scores: list[float]) -> list[float]:
    """Return the variance within both classes at each threshold, infinite with one class."""
    found = []
    for number in range(100):
        above = [one for one in scores if one >= number / 100]
        below = [one for one in scores if one < number / 100]
        parts = [len(one) / len(scores) * float(np.var(one)) for one in (above, below) if one]
        found.append(sum(parts) if above and below else np.inf)
    return found


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_it_has_the_least_variance_within_both_classes(scores: list[float]) -> None:
    every = variances(scores)
    at = round(100 * threshold(scores))
    assert every[at] <= min(every) + 1e-15 or every[at] == min(every) == np.inf


def test_of_equal_ones_it_is_the_one_in_the_middle() -> None:
    # 0.21 … 0.80: 60 thresholds divide them alike, and number 30 is 0.51.
    assert threshold([0.2, 0.2, 0.8]) == 0.51
    assert threshold([0.2, 0.81]) == 0.51
    assert threshold([0.2, 0.24]) == 0.23


def test_a_score_at_the_threshold_is_above_it() -> None:
    assert threshold([0.49, 0.5]) == 0.5
    assert threshold([0.25, 0.26, 0.75]) == pytest.approx(0.51, abs=0.0)


@pytest.mark.parametrize("scores", [[0.3], [0.995, 0.999], [0.0, 0.0]])
def test_scores_that_none_divides_have_the_middle_of_all(scores: list[float]) -> None:
    assert threshold(scores) == 0.5


def test_only_the_latest_count() -> None:
    memory = ScoreMemory(most=3)
    memory.add(np.array([0.9, 0.9, 0.9, 0.1]))
    memory.add(np.array([0.3, 0.1]))
    assert memory.threshold() == threshold([0.1, 0.3, 0.1])
    assert MOST == 20_000
