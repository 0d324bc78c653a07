"""Claims about halves of images: as many as can be, equal ones together, drawn by the seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.detect.halves import half


@given(of_images=st.lists(st.integers(0, 6), min_size=1, max_size=60), seed=st.integers(0, 99))
def test_equal_images_are_on_one_side(of_images: list[int], seed: int) -> None:
    digests = np.array(of_images, np.uint64)
    inside = half(digests, seed)
    assert not set(digests[inside].tolist()) & set(digests[~inside].tolist())
    assert inside.sum() <= len(digests) // 2


@pytest.mark.parametrize("count", [2, 3, 10, 717])
def test_of_images_that_differ_it_is_a_half(count: int) -> None:
    assert half(np.arange(count, dtype=np.uint64), 0).sum() == count // 2


def test_every_image_is_as_likely_as_any_other_to_be_in_it() -> None:
    drawn = sum(half(np.arange(10, dtype=np.uint64), seed).astype(int) for seed in range(4000))
    assert np.abs(drawn / 4000 - 0.5).max() < 4 * 0.5 / np.sqrt(4000)


def test_equal_seeds_draw_equal_halves() -> None:
    of_images = np.random.default_rng(0).integers(0, 99, 99).astype(np.uint64)
    assert np.array_equal(half(of_images, 5), half(of_images, 5))
    assert not np.array_equal(half(of_images, 5), half(of_images, 6))
