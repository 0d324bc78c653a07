"""Claims about Mahalanobis distances: SciPy's are the same, and scikit-learn's covariances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from samples.score.banks import Vectors, made, ranked, unit
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import EmpiricalCovariance, LedoitWolf

from oodcache.score.formulas import gaussian
from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.cosines import Scores

SHAPES = [(300, 5, 64), (500, 1, 64), (90, 30, 64), (40, 4, 512), (30, 3, 768), (2000, 3, 16)]


def centred(bank: Bank) -> tuple[Scores, Scores, Scores, Scores]:
    """Return images less their class's mean, less the mean of all, and these means."""
    x = bank.vectors[bank.labels >= 0].astype(np.float64)
    labels = bank.labels[bank.labels >= 0]
    means = np.array([x[labels == one].mean(axis=0) for one in np.unique(labels)])
    of_each = means[np.searchsorted(np.unique(labels), labels)]
    return x - of_each, x - x.mean(axis=0), means, x.mean(axis=0)


def sklearn_covariance(rows: Scores) -> Scores:
    regular = np.linalg.matrix_rank(rows) == rows.shape[1]
    estimator = EmpiricalCovariance if regular else LedoitWolf
    return np.asarray(estimator(assume_centered=True).fit(rows).covariance_)


def slow(bank: Bank, images: Vectors) -> tuple[Scores, Scores]:
    """Return squared distances (N, C) from the class means and (N,) from the mean of all."""
    within, total, means, mean = centred(bank)
    tied, together = (np.linalg.inv(sklearn_covariance(one)) for one in (within, total))
    z = images.astype(np.float64)
    return (
        np.array([[mahalanobis(row, one, tied) ** 2 for one in means] for row in z]),
        np.array([mahalanobis(row, mean, together) ** 2 for row in z]),
    )


@pytest.mark.parametrize(("images", "classes", "dimension"), SHAPES)
def test_distances_are_scipys(images: int, classes: int, dimension: int) -> None:
    bank = made(images, classes, dimension).bank
    some = np.concatenate([unit(20, dimension), bank.vectors[:5]])
    from_classes, from_all = slow(bank, some)
    np.testing.assert_allclose(ranked("mahalanobis", bank, some), -from_classes.min(axis=1), 1e-8)
    expected = -(from_classes - from_all[:, None]).min(axis=1)
    np.testing.assert_allclose(ranked("rmds", bank, some), expected, rtol=1e-8, atol=1e-7)


@pytest.mark.parametrize(("images", "classes", "dimension"), SHAPES)
def test_covariances_are_scikit_learns(images: int, classes: int, dimension: int) -> None:
    bank = made(images, classes, dimension).bank
    within, total, means, mean = centred(bank)
    np.testing.assert_allclose(gaussian.class_means(bank), means, atol=1e-15)
    one_class = np.zeros_like(bank.labels)
    for rows, about, labels in ((within, means, bank.labels), (total, mean[None], one_class)):
        found = gaussian.About(bank, about, labels)
        close: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-15}
        expected = EmpiricalCovariance(assume_centered=True).fit(rows)
        np.testing.assert_allclose(found.covariance, expected.covariance_, **close)
        shrunk = LedoitWolf(assume_centered=True).fit(rows)
        covariance, shrinkage = found.shrunk()
        np.testing.assert_allclose(covariance, shrunk.covariance_, **close)
        assert shrinkage == pytest.approx(shrunk.shrinkage_, rel=1e-10)


def test_a_singular_covariance_is_shrunk_and_said() -> None:
    found = made(40, 4, 512)
    ranked("mahalanobis", found.bank, unit(3, 512))
    (note,) = found.notes
    within = centred(found.bank)[0]
    shrinkage = LedoitWolf(assume_centered=True).fit(within).shrinkage_
    assert note == (
        "bank training: the covariance within classes of 40 images is singular in 512 dimensions: "
        f"Ledoit-Wolf shrinkage {shrinkage:.2g} is applied"
    )
    ranked("rmds", found.bank, unit(3, 512))
    assert len(found.notes) == 2
    assert "covariance of all classes of 40 images is singular in 512" in found.notes[1]


def test_many_images_that_span_few_dimensions_leave_a_singular_covariance_too() -> None:
    flat = np.zeros((400, 32), np.float32)
    flat[:, :8] = made(400, 4, 8).bank.vectors
    found = made(400, 4, 32, vectors=flat)
    assert np.isfinite(ranked("mahalanobis", found.bank, unit(9, 32))).all()
    assert "is singular in 32 dimensions" in found.notes[0]


@pytest.mark.parametrize("dimension", [64, 512, 768])
def test_one_image_a_class_leaves_the_euclidean_distance_in_units_of_the_variance_of_all(
    dimension: int,
) -> None:
    found = made(10, 10, dimension)
    images = unit(20, dimension)
    x = found.bank.vectors.astype(np.float64)
    squares = ((images[:, None].astype(np.float64) - x) ** 2).sum(axis=2)
    expected = -squares.min(axis=1) / x.var(axis=0).mean()
    np.testing.assert_allclose(ranked("mahalanobis", found.bank, images), expected, rtol=1e-12)
    assert found.notes == [
        "bank training: 10 images have no usable covariance within classes: distances are "
        "Euclidean, in units of the total variance"
    ]
    # d_0 in the same units.
    apart = ((images - x.mean(axis=0)) ** 2).sum(axis=1) / x.var(axis=0).mean()
    np.testing.assert_allclose(ranked("rmds", found.bank, images), expected + apart, rtol=1e-10)
    assert len(found.notes) == 1


def test_a_single_image_leaves_the_euclidean_distance() -> None:
    bank = made(1, 1, 16).bank
    images = unit(5, 16)
    difference = images.astype(np.float64) - bank.vectors[0].astype(np.float64)
    expected = -(difference**2).sum(axis=1)
    np.testing.assert_allclose(ranked("mahalanobis", bank, images), expected, rtol=1e-12)
    assert ranked("rmds", bank, images).tolist() == [0] * 5


def test_two_images_of_one_class_whose_covariance_no_shrinkage_makes_regular() -> None:
    found = made(2, 1, 16)
    assert np.isfinite(ranked("mahalanobis", found.bank, unit(5, 16))).all()
    assert "have no usable covariance within classes" in found.notes[0]


@pytest.mark.parametrize("images", [1, 2, 7, 49, 113, 500])
def test_of_one_class_every_image_ties_in_rmds(images: int) -> None:
    assert ranked("rmds", made(images, 1).bank, unit(50)).tolist() == [0] * 50


@pytest.mark.parametrize("score", ["mahalanobis", "rmds"])
def test_images_without_a_label_do_not_count(score: str) -> None:
    bank = made(400).bank
    labels = bank.labels.copy()
    labels[::3] = -1
    some = made(400, vectors=bank.vectors, labels=labels).bank
    fewer = made(400, vectors=bank.vectors[labels >= 0], labels=labels[labels >= 0]).bank
    found, expected = (ranked(score, one, unit(20)) for one in (some, fewer))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("score", ["mahalanobis", "rmds"])
def test_a_class_that_is_left_out_is_no_image_s_nearest(score: str) -> None:
    some = made(300, 3).bank
    classes = np.concatenate([some.classes, -some.classes[:1]])
    predicted = {"labels": some.predicted, "labels_are_predictions": True}
    three = made(300, 3, vectors=some.vectors, **predicted)
    four = made(300, 4, vectors=some.vectors, classes=classes, **predicted)
    assert np.array_equal(*(ranked(score, one.bank, unit(20)) for one in (three, four)))
    assert [len(one.notes) for one in (three, four)] == [0, 1]
