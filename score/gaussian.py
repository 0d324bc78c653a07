"""The scores of distances from class means, in units of the covariance: `mahalanobis`, `rmds`.

Covariances are maximum likelihood, as scikit-learn's EmpiricalCovariance, summed in blocks. One
that is singular is shrunk as scikit-learn's LedoitWolf does, from the same sums.
"""

from __future__ import annotations

from dataclasses import dataclass

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
class Moments:
    """Sums over n images of D dimensions, less the means of theirs.

    `scatter` (D, D) of the products of two dimensions, `fourth` of the norms to the fourth.
    """

    images: int
    scatter: Scores
    fourth: float

    @property
    def empirical(self) -> Scores:
        """Return the covariance of maximum likelihood."""
        covariance: Scores = self.scatter / self.images
        return covariance

    @property
    def shrinkage(self) -> float:
        """Return how much of the covariance Ledoit and Wolf replace by a multiple of identity."""
        covariance, dimension = self.empirical, len(self.scatter)
        squares = float(np.sum(covariance**2))
        apart = squares - float(np.trace(covariance)) ** 2 / dimension
        noise = (self.fourth / self.images - squares) / self.images
        return min(max(noise, 0.0) / apart, 1.0) if apart > 0 else 1.0

    @property
    def shrunk(self) -> Scores:
        """Return the covariance shrunk so: Ledoit and Wolf, 2004."""
        covariance, share = self.empirical, self.shrinkage
        identity = np.eye(len(covariance)) * np.trace(covariance) / len(covariance)
        shrunk: Scores = (1 - share) * covariance + share * identity
        return shrunk


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


def moments(bank: Bank, means: Scores, labels: Places) -> Moments:
    """Return the moments of the labelled images about their own of `means`, (C, D)."""
    rows, dimension = bank.labelled.rows, bank.vectors.shape[1]
    scatter, fourth = np.zeros((dimension, dimension)), 0.0
    for part, block in bank.blocks(rows):
        block -= means[labels[part]]
        scatter += product(block.T, block)
        fourth += float(np.sum(np.einsum("ij,ij->i", block, block) ** 2))
    return Moments(len(rows), scatter, fourth)


def _tied(bank: Bank) -> Gaussian:
    means, centre, labels = bank.once(class_means), bank.once(_centre), bank.labelled.labels
    about = moments(bank, means, labels)
    between = float(np.bincount(labels) @ np.sum((means - centre) ** 2, axis=1))
    total = float(np.trace(about.scatter)) + between
    whitening = _whitening(bank, about, "within classes", total)
    return Gaussian(centre, whitening, _product(means - centre, whitening))


def _together(bank: Bank) -> Gaussian:
    centre = bank.once(_centre)
    about = moments(bank, centre[None], np.zeros_like(bank.labelled.labels))
    whitening = _whitening(bank, about, "of all classes", float(np.trace(about.scatter)))
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


def _whitening(bank: Bank, about: Moments, what: str, total: float) -> Scores:
    """Return (D, D) that makes the covariance the identity, and say if it had to be changed.

    A singular one is shrunk, and where that does not help (a single image a class) it gives way
    to the identity times the mean variance of the dimensions over all images: `total` is the
    sum of their squared distances from their mean.
    """
    dimension = len(about.scatter)
    if np.trace(about.scatter) > np.finfo(float).eps * total:
        if (whitening := _inverse_root(about.empirical)) is not None:
            return whitening
        if (whitening := _inverse_root(about.shrunk)) is not None:
            bank.note(
                f"bank {bank.name}: the covariance {what} of {about.images:,} images is singular "
                f"in {dimension:,} dimensions: it is shrunk as Ledoit and Wolf do, by "
                f"{about.shrinkage:.2g}"
            )
            return whitening
    bank.note(
        f"bank {bank.name}: {about.images:,} images leave no covariance {what} to shrink: "
        "distances are Euclidean, in units of the variance of all"
    )
    euclidean: Scores = np.eye(dimension) * (total / about.images / dimension or 1.0) ** -0.5
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
