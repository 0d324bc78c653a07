"""The scores of distances from class means, in units of the covariance: `mahalanobis`, `rmds`.

Covariances are maximum likelihood, as scikit-learn's EmpiricalCovariance, but summed in blocks:
float64 copies of a million rows would be gigabytes. One that is singular, mostly of few images, is
shrunk by scikit-learn's `ledoit_wolf`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oodcache.score.bank import Bank, add_by_class
from oodcache.score.rows import Places, Rows, Scores, product
from oodcache.score.tile import Tile


@dataclass(frozen=True)
class Gaussian:
    """Means with one covariance: z becomes (z - centre) @ whitening, where it is the identity.

    `means` (C, D) are whitened too.
    """

    centre: Scores
    whitening: Scores
    means: Scores

    def nearness(self, tile: Tile) -> Scores:
        """Return minus the squared distance from the nearest mean: (N,).

        The two nearest are found by a product, then computed in float64, as differences.
        """
        white = _product(tile.precise - self.centre, self.whitening)

        def exact(places: Places) -> Scores:
            difference = white - self.means.take(places, axis=0)
            square: Scores = np.einsum("ij,ij->i", difference, difference)
            return -square

        if len(self.means) == 1:
            return exact(np.zeros(len(white), np.intp))
        means = self.means.astype(np.float32)
        closeness = product(white.astype(np.float32), means.T)
        closeness -= np.einsum("ij,ij->i", means, means) / 2
        return Rows(closeness, exact).top


@dataclass(frozen=True)
class Relative:
    """The bank of `rmds`: one Gaussian a class, and one for all images together."""

    classes: Gaussian
    together: Gaussian


@dataclass(frozen=True)
class About:
    """The labelled images of a bank about their own of `means` (C, D), by `labels` (n,)."""

    bank: Bank
    means: Scores
    labels: Places

    def blocks(self) -> Iterator[Scores]:
        """Yield what the vectors are less their means, float64, some at a time."""
        for part, block in self.bank.blocks(self.bank.labelled.rows):
            block -= self.means[self.labels[part]]
            yield block

    @cached_property
    def covariance(self) -> Scores:
        """Return the covariance of maximum likelihood, (D, D)."""
        scatter = np.zeros((self.means.shape[1],) * 2)
        for block in self.blocks():
            scatter += product(block.T, block)
        return scatter / len(self.labels)

    def shrunk(self) -> tuple[Scores, float]:
        """Return the covariance shrunk as Ledoit and Wolf, 2004, do, and by how much."""
        from sklearn.covariance import ledoit_wolf

        covariance, shrinkage = ledoit_wolf(np.concatenate([*self.blocks()]), assume_centered=True)
        return covariance, float(shrinkage)


def fit_mahalanobis(bank: Bank) -> Gaussian:
    """Return the class means, and the covariance about them; raises InputError without labels."""
    bank.need_labels("mahalanobis")
    return bank.once(_tied)


def rank_mahalanobis(tile: Tile, fitted: Gaussian) -> Scores:
    """Return minus the least squared Mahalanobis distance from a class mean."""
    return fitted.nearness(tile)


def fit_rmds(bank: Bank) -> Relative:
    """Return what `fit_mahalanobis` does, and the mean and covariance of all labelled images."""
    bank.need_labels("rmds")
    return Relative(bank.once(_tied), bank.once(_together))


def rank_rmds(tile: Tile, fitted: Relative) -> Scores:
    """Return minus the least difference of two squared distances, from a class and from all."""
    return fitted.classes.nearness(tile) - fitted.together.nearness(tile)


def class_means(bank: Bank) -> Scores:
    """Return the mean of the labelled images of each class that has some: (C, D)."""
    means: Scores = bank.once(_class_sums) / np.bincount(bank.labelled.labels)[:, None]
    return means


def _tied(bank: Bank) -> Gaussian:
    means, centre, labels = bank.once(class_means), bank.once(_centre), bank.labelled.labels
    about = About(bank, means, labels)
    between = np.bincount(labels) @ np.sum((means - centre) ** 2, axis=1) / len(labels)
    total = float(np.trace(about.covariance) + between)
    whitening = _whitening(bank, about, "within classes", total)
    return Gaussian(centre, whitening, _product(means - centre, whitening))


def _together(bank: Bank) -> Gaussian:
    centre = bank.once(_centre)
    about = About(bank, centre[None], np.zeros_like(bank.labelled.labels))
    whitening = _whitening(bank, about, "of all classes", float(np.trace(about.covariance)))
    return Gaussian(centre, whitening, np.zeros((1, len(centre))))


def _centre(bank: Bank) -> Scores:
    """Return the mean of all labelled images; of one class, that of the class to the bit."""
    centre: Scores = bank.once(_class_sums).sum(axis=0) / len(bank.labelled.rows)
    return centre


def _class_sums(bank: Bank) -> Scores:
    labelled = bank.labelled
    sums = np.zeros((len(labelled.classes), bank.vectors.shape[1]))
    for part, block in bank.blocks(labelled.rows):
        add_by_class(sums, block, labelled.labels[part])
    return sums


def _whitening(bank: Bank, about: About, what: str, total: float) -> Scores:
    """Return (D, D) that makes the covariance the identity, and say if it had to be changed.

    A singular one is shrunk, and where that does not help (a single image a class) it gives way
    to the identity times the mean variance of the dimensions over all images, of which `total` is
    the sum.
    """
    dimension, images = len(about.covariance), len(about.labels)
    if np.trace(about.covariance) > np.finfo(float).eps * total:
        if (whitening := _inverse_root(about.covariance)) is not None:
            return whitening
        shrunk, shrinkage = about.shrunk()
        if (whitening := _inverse_root(shrunk)) is not None:
            bank.note(
                f"bank {bank.name}: the covariance {what} of {images:,} images is singular in "
                f"{dimension:,} dimensions: it is shrunk as Ledoit and Wolf do, by {shrinkage:.2g}"
            )
            return whitening
    bank.note(
        f"bank {bank.name}: {images:,} images leave no covariance {what} to shrink: distances are "
        "Euclidean, in units of the variance of all"
    )
    euclidean: Scores = np.eye(dimension) * (total / dimension or 1.0) ** -0.5
    return euclidean


def _product(left: Scores, right: Scores) -> Scores:
    return product(left, right).astype(np.float64, copy=False)


def _inverse_root(covariance: Scores) -> Scores | None:
    """Return a root of the inverse, None of a matrix that is singular in float64."""
    variances, axes = np.linalg.eigh(covariance)
    if variances[0] <= len(variances) * np.finfo(float).eps * variances[-1]:
        return None
    root: Scores = axes / np.sqrt(variances)
    return root
