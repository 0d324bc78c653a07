"""Claims about the images of a tile, and their cosines with the classes."""

from __future__ import annotations

import math
import operator
import time

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.score.formulas.tile import TILE, Tile, digests, over_tiles, tiles

Vectors = npt.NDArray[np.float32]


def unit(rows: int, seed: int, dimension: int = 24) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((rows, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 5))
def test_dots_are_the_products_in_float64(dimension: int, rows: int, seed: int) -> None:
    tile, vectors = unit(rows, seed, dimension), unit(7, seed + 10, dimension)
    places = np.random.default_rng(seed).integers(7, size=rows)
    # The product of two float32 numbers is exact in float64, and fsum rounds once.
    expected = [
        math.fsum(one * other for one, other in zip(row, vectors[place].tolist(), strict=True))
        for row, place in zip(tile.tolist(), places, strict=True)
    ]
    found = Tile(tile, vectors, vectors.T.copy()).dots(vectors, places)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)


def test_the_two_nearest_cosines_are_the_largest_of_the_product_in_float64() -> None:
    images, classes = unit(50, 0), unit(9, 1)
    tile = Tile(images, classes, np.ascontiguousarray(classes.T))
    cosine = np.sort(images.astype(np.float64) @ classes.T.astype(np.float64), axis=1)
    np.testing.assert_allclose(tile.rows.top, cosine[:, -1], rtol=0, atol=1e-15)
    np.testing.assert_allclose(tile.rows.runner_up, cosine[:, -2], rtol=0, atol=1e-15)


def test_tiles_are_all_of_one_size_and_the_last_is_padded_with_zeros() -> None:
    rows = TILE + 88
    images = unit(rows, 0)
    found = list(tiles([images[:300], images[300:310], images[310:]]))
    assert [first for first, _ in found] == [0, TILE]
    assert {tile.shape for _, tile in found} == {(TILE, 24)}
    whole = np.concatenate([tile for _, tile in found])
    assert np.array_equal(whole[:rows], images)
    assert not whole[rows:].any()


@pytest.mark.parametrize(("threads", "ahead"), [(1, 0), (2, 3), (4, 100)])
def test_what_is_made_of_tiles_comes_in_their_order(threads: int, ahead: int) -> None:
    found = over_tiles(lambda one: one**2, range(50), threads=threads, ahead=ahead)
    assert list(found) == [one**2 for one in range(50)]


def test_tiles_that_wait_are_not_begun_after_an_error() -> None:
    begun: list[int] = []

    def work(one: int) -> None:
        begun.append(one)
        time.sleep(0.005)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(over_tiles(work, range(30), threads=1))
    assert len(begun) < 15


@pytest.mark.parametrize("dimension", [2, 64, 1536])
def test_a_digest_sums_bits_times_the_odd_numbers_that_numpy_draws(dimension: int) -> None:
    vectors = unit(5, 1, dimension)
    drawn = np.random.default_rng(0).integers(0, 2**64, dimension // 2, np.uint64)
    odd = [one | 1 for one in drawn.tolist()]
    expected = [
        sum(map(operator.mul, row, odd)) % 2**64 for row in vectors.view(np.uint64).tolist()
    ]
    assert digests(vectors).tolist() == [one ^ (one >> 32) for one in expected]
