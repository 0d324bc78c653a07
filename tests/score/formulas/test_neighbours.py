"""Claims about neighbours: scikit-learn's brute force finds the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.score.banks import made, normalised, ranked, shown, unit
from scipy.special import logsumexp
from sklearn.neighbors import NearestNeighbors

from oodcache.cache.errors import InputError
from oodcache.score.formulas import neighbours
from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Tile

Vectors = Any


def brute_force(bank: Vectors, images: Vectors, k: int) -> Scores:
    """Return minus the distance to the k-th nearest, by scikit-learn, in float64."""
    found = NearestNeighbors(n_neighbors=k, algorithm="brute", metric="euclidean")
    # Its own distances are roots of differences of squares: those of the pairs it found are not.
    pairs = found.fit(bank.astype(np.float64)).kneighbors(images.astype(np.float64))[1][:, -1]
    return -np.linalg.norm(images.astype(np.float64) - bank[pairs].astype(np.float64), axis=1)


def slow_guide(bank: Bank, images: Vectors, k: int, temperature: float) -> tuple[Scores, Scores]:
    """Return energies and guides: the score is their product."""
    x, z, classes = (one.astype(np.float64) for one in (bank.vectors, images, bank.classes))
    bank_energy = logsumexp(x @ classes.T / temperature, axis=1)
    own = logsumexp(z @ classes.T / temperature, axis=1)
    return own, np.sort(z @ x.T * bank_energy, axis=1)[:, -k:].mean(axis=1)


@pytest.mark.parametrize("k", [1, 2, 9, 50, 2990, 3000])
def test_knn_is_scikit_learns_brute_force(k: int) -> None:
    bank = made(3000, 5).bank
    images = np.concatenate([unit(300), bank.vectors[::17]])
    expected = brute_force(bank.vectors, images, k)
    np.testing.assert_allclose(ranked("knn", bank, images, k=k), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dimension", [512, 768])
def test_so_it_is_with_few_images_of_many_dimensions(dimension: int) -> None:
    bank = made(3, 3, dimension).bank
    images = unit(20, dimension)
    for k in (1, 2, 3):
        expected = brute_force(bank.vectors, images, k)
        np.testing.assert_allclose(ranked("knn", bank, images, k=k), expected, rtol=1e-12)


@given(st.integers(1, 60), st.integers(1, 25), st.integers(0, 9))
def test_the_search_finds_the_largest_products_whatever_the_blocks(
    count: int, images: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    # Multiples of 1/8: products are exact, and many tie.
    bank, some = (
        (generator.integers(-8, 9, (rows, 3)) / 8).astype(np.float32) for rows in (60, images)
    )
    weights = generator.integers(1, 4, 60).astype(np.float32)
    for weighed in (None, weights):
        products = some @ bank.T * (1 if weighed is None else weighed)
        # Of those that tie, the first of the bank first.
        expected = np.argsort(-products, axis=1, kind="stable")[:, :count]
        for block in (1, 7, 60, 1000):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(neighbours, "BLOCK", block)
                patch.setattr(neighbours, "FIRST", min(block, 8))
                found = neighbours._search(some, bank, weighed, count)
            assert np.array_equal(found, expected)


def test_an_image_of_the_bank_is_its_own_nearest_at_no_distance() -> None:
    bank = made(700).bank
    assert (ranked("knn", bank, bank.vectors, k=1) == 0).all()
    assert (ranked("knn", bank, bank.vectors, k=2) < 0).all()


def test_images_that_float32_products_cannot_order_are_ordered_by_their_distances() -> None:
    near = np.zeros((8, 64))
    near[:, 0] = 1
    near[:, 1] = np.arange(1, 9) * 2e-5
    bank = made(8, 1, vectors=normalised(near)[::-1]).bank
    image = np.eye(1, 64, dtype=np.float32)
    assert len(np.unique(bank.vectors @ image[0])) < 8
    for k in range(1, 9):
        assert ranked("knn", bank, image, k=k) == pytest.approx([-2e-5 * k], rel=1e-6)


def test_several_k_share_a_search_and_are_what_they_are_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bank, images = made(700).bank, unit(512)
    alone = [ranked("knn", made(700).bank, images, k=k) for k in (5, 400)]
    searched: list[int] = []
    search = neighbours._search

    def counted(*arguments: Any) -> Any:
        searched.append(arguments[-1])
        return search(*arguments)

    monkeypatch.setattr(neighbours, "_search", counted)
    fitted = [neighbours.fit_knn(bank, k=k) for k in (5.0, 400.0)]
    tile = Tile(images, bank.classes, bank.columns)
    together = [
        neighbours.rank_knn(tile, one, k=k) for one, k in zip(fitted, (5.0, 400.0), strict=True)
    ]
    assert searched == [400 + neighbours.SPARE]
    assert np.array_equal(alone, together)


@pytest.mark.parametrize("k", [1, 7, 100, 600])
@pytest.mark.parametrize("temperature", [0.02, 0.5, 1.0, 4.0])
def test_nnguide_is_its_definition(k: int, temperature: float) -> None:
    bank, images = made(600).bank, np.concatenate([unit(100), made(50, seed=3).bank.vectors])
    found = shown("nnguide", bank, images, k=k, temperature=temperature)
    energy, guide = slow_guide(bank, images, k, temperature)
    # A float32 gap between two cosines errs by 2^-23, and its exponential by a share of as much:
    # an energy, in logits, errs by 2^-23 · max(1, 1/τ), a guide by as much times a cosine of at
    # most 1. Relative to a product that is nearly 0, because its energy is, that may be anything.
    error = 2**-23 * max(1, 1 / temperature)
    assert (np.abs(found - energy * guide) <= error * (np.abs(guide) + np.abs(energy))).all()


def test_nnguide_of_one_class_is_its_definition_to_the_last_digits() -> None:
    bank = made(40, 1).bank
    found = shown("nnguide", bank, unit(30), k=4, temperature=0.02)
    energy, guide = slow_guide(bank, unit(30), 4, 0.02)
    np.testing.assert_allclose(found, energy * guide, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("temperature", [1e-300, 1e-3, 1.0, 1e300])
def test_nnguide_ranks_by_finite_numbers_at_every_temperature(temperature: float) -> None:
    assert np.isfinite(ranked("nnguide", made().bank, unit(20), temperature=temperature)).all()


def test_nnguide_refuses_an_energy_that_is_not_above_0() -> None:
    bank = made(4, 1, dimension=8)
    vectors = bank.bank.vectors.copy()
    vectors[2] = -bank.bank.classes[0]
    with pytest.raises(InputError) as error:
        ranked("nnguide", made(4, 1, dimension=8, vectors=vectors).bank, unit(3, 8))
    assert str(error.value) == (
        "bank training: image 2 has energy -50, but nnguide needs positive energies; "
        "use another bank, or another score"
    )


@pytest.mark.parametrize("score", ["knn", "nnguide"])
def test_a_bank_of_fewer_images_than_k_is_refused(score: str) -> None:
    with pytest.raises(InputError) as error:
        ranked(score, made(8).bank, unit(3), k=50)
    assert str(error.value) == (
        f"{score}: k = 50, but bank training has 8 images; use --score {score}:k=8 or fewer"
    )


def test_nothing_of_the_size_of_images_times_bank_is_held() -> None:
    import tracemalloc

    bank = made(40_000, dimension=16).bank
    fitted = neighbours.fit_knn(bank, k=50.0)
    tile = Tile(unit(512, 16), bank.classes, bank.columns)
    tracemalloc.start()
    neighbours.rank_knn(tile, fitted, k=50.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 512 * 40_000 * 4 / 2
