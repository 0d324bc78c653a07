"""Claims about k-th largest cosines: exact, however the float32 products round."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.score.banks import normalised, unit

from oodcache.score.streams import largest
from oodcache.score.streams.largest import kth_largest

# Two sums of eight products or fewer in float64, each off by as many roundings.
ROUNDING = 2 * 8 * 2.0**-53


@given(
    st.integers(1, 300),
    st.integers(1, 40),
    st.integers(1, 9),
    st.booleans(),
    st.sampled_from([7, 64, 4096]),
    st.integers(0, 99),
)
def test_it_is_that_of_a_sort(
    count: int, most: int, rows: int, close: bool, block: int, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    others = draw.standard_normal((count, 5))
    if close:  # Cosines differ in the digits that float32 does not have.
        others = others[:1] + 1e-7 * others
    others, images = normalised(others), unit(rows, 5, seed)
    k = draw.integers(1, min(most, count) + 1, rows)
    exact = np.sort(images.astype(np.float64) @ others.T.astype(np.float64), axis=1)
    expected = exact[np.arange(rows), -k]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(largest, "BLOCK", block)
        found = kth_largest(images, others, k)
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("block", [9, 4096])
def test_what_is_hidden_is_not_compared(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(largest, "BLOCK", block)
    images, others = unit(6, 8), unit(50, 8, seed=1)
    hidden = [(slice(0, 3), np.arange(40)), (slice(3, 6), np.arange(1, 50))]
    k = np.array([1, 2, 10, 1, 1, 1])
    exact = np.sort(images[:3].astype(np.float64) @ others[40:].T.astype(np.float64), axis=1)
    expected = exact[range(3), [-1, -2, -10]]
    only = images[3:].astype(np.float64) @ others[0].astype(np.float64)
    found = kth_largest(images, others, k, hidden)
    np.testing.assert_allclose(found, [*expected, *only], rtol=0, atol=ROUNDING)


def test_memory_is_bounded_if_all_cosines_are_close(monkeypatch: pytest.MonkeyPatch) -> None:
    images, others = unit(4, 8), np.repeat(unit(1, 8, seed=1), 100, axis=0)
    whole = kth_largest(images, others, np.full(4, 7))
    monkeypatch.setattr(largest, "GATHERED", 24)
    assert np.array_equal(kth_largest(images, others, np.full(4, 7)), whole)
