"""Claims about residuals: a direct singular value decomposition gives the same."""

from __future__ import annotations

import numpy as np
import pytest
from samples.score.banks import LOGIT_SCALE, Vectors, made, normalised, ranked, shown, unit
from scipy.special import logsumexp

from oodcache.cache.errors import InputError
from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.subspace import usual_dimension


def svd_residual(bank: Bank, images: Vectors, dimension: int) -> Scores:
    principal = np.linalg.svd(bank.vectors.astype(np.float64))[2][:dimension]
    z = images.astype(np.float64)
    return np.asarray(np.linalg.norm(z - z @ principal.T @ principal, axis=1))


def svd_vim(bank: Bank, images: Vectors, dimension: int, temperature: float) -> Scores:
    logits, bank_logits = (
        one.astype(np.float64) @ bank.classes.T.astype(np.float64) / temperature
        for one in (images, bank.vectors)
    )
    alpha = bank_logits.max(axis=1).mean() / svd_residual(bank, bank.vectors, dimension).mean()
    energy = np.asarray(logsumexp(logits, axis=1))
    return energy - alpha * svd_residual(bank, images, dimension)


@pytest.mark.parametrize("dimension", [1, 20, 32, 63])
@pytest.mark.parametrize("temperature", [1 / LOGIT_SCALE, 1.0, 5.0])
def test_vim_and_residual_are_those_of_a_direct_svd(dimension: int, temperature: float) -> None:
    bank = made(500).bank
    images = np.concatenate([unit(50), bank.vectors[:50]])
    found = ranked("residual", bank, images, dimension=dimension)
    np.testing.assert_allclose(found, -svd_residual(bank, images, dimension), rtol=1e-9)
    numbers = {"temperature": temperature, "dimension": float(dimension)}
    expected = svd_vim(bank, images, dimension, temperature)
    np.testing.assert_allclose(
        shown("vim", bank, images, **numbers), expected, rtol=2e-6, atol=1e-7
    )


def test_vim_of_one_class_is_that_of_a_direct_svd_to_the_last_digits() -> None:
    bank, images = made(500, 1).bank, unit(50)
    expected = svd_vim(bank, images, 32, 0.02)
    np.testing.assert_allclose(shown("vim", bank, images, temperature=0.02), expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("images", "classes", "width", "dimension"),
    [(100, 5, 512, 50), (12, 12, 768, 6), (1100, 3, 768, 512), (3, 3, 512, 1), (600, 3, 512, 256)],
)
def test_the_dimension_is_the_papers_or_half_the_number_of_images(
    images: int, classes: int, width: int, dimension: int
) -> None:
    found = made(images, classes, width)
    some = unit(10, width)
    residual = ranked("residual", found.bank, some)
    np.testing.assert_allclose(residual, -svd_residual(found.bank, some, dimension), rtol=1e-9)
    usual = usual_dimension(width)
    assert found.notes == [
        f"bank training: {images} images are too few for {usual} principal dimensions: "
        f"{dimension} are used"
    ] * (images < 2 * usual)
    ranked("vim", found.bank, some)
    assert len(found.notes) <= 1


@pytest.mark.parametrize(
    ("width", "dimension"), [(2048, 1000), (4096, 1000), (1152, 512), (768, 512), (512, 256)]
)
def test_the_dimension_of_the_paper(width: int, dimension: int) -> None:
    assert usual_dimension(width) == dimension


def test_a_residual_near_0_keeps_digits_that_a_difference_of_norms_loses() -> None:
    bank = made(500, 3, 16).bank
    axes = np.linalg.svd(bank.vectors.astype(np.float64))[2]
    sizes = np.array([1e-5, 1e-4, 1e-3])
    inside = axes[0] + sizes[:, None] * axes[-1]
    images = normalised(inside)
    found = ranked("residual", bank, images, dimension=15.0)
    expected = np.abs(images.astype(np.float64) @ axes[-1])
    np.testing.assert_allclose(-found, expected, rtol=1e-9)


@pytest.mark.parametrize("score", ["vim", "residual"])
def test_a_dimension_that_leaves_none_is_refused(score: str) -> None:
    with pytest.raises(InputError) as error:
        ranked(score, made().bank, unit(3), dimension=64)
    assert str(error.value) == (
        f"{score}: dimension = 64, but the vectors of bank training have 64; "
        f"use {score}:dimension=63 or fewer"
    )


def test_vim_refuses_a_bank_without_a_residual() -> None:
    flat = np.zeros((400, 64), np.float32)
    flat[:, :8] = unit(400, 8)
    bank = made(400, vectors=flat).bank
    with pytest.raises(InputError) as error:
        ranked("vim", bank, unit(3))
    assert str(error.value) == (
        "bank training: all its images lie in 32 of 64 dimensions, but vim needs a residual; use "
        "vim:dimension=N with N below 32, or a larger bank"
    )
    assert (ranked("residual", bank, unit(3)) < 0).all()


def test_vim_refuses_a_bank_that_is_on_the_classes_other_side() -> None:
    bank = made(500, 1, vectors=-made(500, 1).bank.vectors).bank
    with pytest.raises(InputError) as error:
        ranked("vim", bank, unit(3))
    mean = float((bank.vectors.astype(float) @ bank.classes[0]).mean())
    assert str(error.value) == (
        f"bank training: the mean of its images' largest cosines is {mean:.4g}, but "
        "vim needs a positive one to weight residuals; use residual, or another bank"
    )


@pytest.mark.parametrize("temperature", [1e-300, 1e300])
def test_vim_ranks_by_finite_numbers_at_every_temperature(temperature: float) -> None:
    assert np.isfinite(ranked("vim", made().bank, unit(20), temperature=temperature)).all()
