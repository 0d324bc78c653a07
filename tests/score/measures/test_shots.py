"""Claims about the draws of a bank."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from oodcache.score.measures.shots import Shots


def test_a_single_draw_has_no_range() -> None:
    assert Shots.of(2, {"0": {"auroc": 0.5}}) == Shots(2, {"0": {"auroc": 0.5}}, None)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=6))
def test_ranges_are_the_least_and_the_largest_of_each_measure(
    values: list[tuple[float, ...]],
) -> None:
    draws = {str(n): {"auroc": one, "fpr95": other} for n, (one, other) in enumerate(values)}
    found = Shots.of(4, draws).ranges
    columns = np.array(values)
    assert found == {
        name: (columns[:, place].min(), columns[:, place].max())
        for place, name in enumerate(("auroc", "fpr95"))
    }
