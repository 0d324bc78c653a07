"""Scores of distances from class means, in units of the covariance: `mahalanobis`, `rmds`.

Covariances are maximum likelihood, as scikit-learn's EmpiricalCovariance, but summed in blocks:
float64 copies of a million rows would be gigabytes. A singular one, as from few images, is shrunk
by scikit-learn's `ledoit_wolf`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from oodcache.score.formulas.bank import Bank, add_by_class
from oodcache.score.formulas.cosines import Places, Rows, Scores, product
from oodcache.score.formulas.definition import Score
from oodcache.score.formulas.tile import Tile

EPSILON = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Gaussian:
    """Class means with one covariance, which is the identity after (z - centre) @ whitening.

    `means` (C, D) are whitened too. `euclidean` means that the covariance could not be estimated.
    """

    centre: Scores
    whitening: Scores
    means: Scores
    euclidean: bool = False

    def nearness(self, tile: Tile) -> Scores:
        """Return minus the squared distance from the nearest mean: (N,).

        A product finds the two nearest, whose distances are then computed in float64.
        """
        white = _product(tile.precise - self.centre, self.whitening)

        def exact(places: Places) -> Scores:
            differences = (white - self.means.take(one, axis=0) for one in places.T)
            return -np.stack([np.einsum("ij,ij->i", one, one) for one in differences], axis=1)

        if len(self.means) == 1:
            return exact(np.zeros((len(white), 1), np.intp))[:, 0]
        means = self.means.astype(np.float32)
        closeness = product(white.astype(np.float32), means.T)
        closeness -= np.einsum("ij,ij->i", means, means) / 2
        return Rows(closeness, exact).top


@dataclass(frozen=True)
class Relative:
    """The fitted state of `rmds`: Gaussians for the classes, and one for all images together."""

    classes: Gaussian
    together: Gaussian


@dataclass(frozen=True)
class About:
    """The labelled images of a bank minus their own of `means` (C, D), by `labels` (n,)."""

    bank: Bank
    means: Scores
    labels: Places

    def blocks(self) -> Iterator[Scores]:
        """Yield the vectors minus their means, float64, block by block."""
        for part, block in self.bank.blocks(self.bank.labelled.rows):
            block -= self.means[self.labels[part]]
            yield block

    @cached_property
    def covariance(self) -> Scores:
        """Return the maximum likelihood covariance, (D, D)."""
        scatter = np.zeros((self.means.shape[1],) * 2)
        for block in self.blocks():
            scatter += product(block.T, block)
        return scatter / len(self.labels)

    def shrunk(self) -> tuple[Scores, float]:
        """Return the covariance shrunk as in Ledoit and Wolf, 2004, and the shrinkage."""
        from sklearn.covariance import ledoit_wolf

        covariance, shrinkage = ledoit_wolf(np.concatenate([*self.blocks()]), assume_centered=True)
        return covariance, float(shrinkage)


def fit_mahalanobis(bank: Bank) -> Gaussian:
    """Return the class means and the covariance about them; raise InputError without labels."""
    bank.need_labels("mahalanobis")
    return bank.computed(_tied)


def rank_mahalanobis(tile: Tile, fitted: Gaussian) -> Scores:
    """Return minus the smallest squared Mahalanobis distance from a class mean."""
    return fitted.nearness(tile)


def fit_rmds(bank: Bank) -> Relative:
    """Return the Gaussians of `fit_mahalanobis` and one of all labelled images.

    If the former are Euclidean, so is the latter.
    """
    bank.need_labels("rmds")
    classes = bank.computed(_tied)
    if classes.euclidean:
        # Both distances need the same units: otherwise their difference ranks at chance.
        together = replace(classes, means=np.zeros((1, len(classes.centre))))
        return Relative(classes, together)
    return Relative(classes, bank.computed(_together))


def rank_rmds(tile: Tile, fitted: Relative) -> Scores:
    """Return minus the smallest difference of squared distances, from a class and from all."""
    return fitted.classes.nearness(tile) - fitted.together.nearness(tile)


def class_means(bank: Bank) -> Scores:
    """Return the mean of each class's labelled images, for classes that have some: (C, D)."""
    means: Scores = bank.computed(_class_sums) / np.bincount(bank.labelled.labels)[:, None]
    return means


def _tied(bank: Bank) -> Gaussian:
    means, centre, labels = bank.computed(class_means), bank.computed(_centre), bank.labelled.labels
    about = About(bank, means, labels)
    between = np.bincount(labels) @ np.sum((means - centre) ** 2, axis=1) / len(labels)
    total = float(np.trace(about.covariance) + between)
    return _gaussian(about, "within classes", centre, means, total)


def _together(bank: Bank) -> Gaussian:
    centre = bank.computed(_centre)
    about = About(bank, centre[None], np.zeros_like(bank.labelled.labels))
    total = float(np.trace(about.covariance))
    return _gaussian(about, "of all classes", centre, centre[None], total)


def _centre(bank: Bank) -> Scores:
    """Return the mean of all labelled images; with one class, exactly the class mean."""
    centre: Scores = bank.computed(_class_sums).sum(axis=0) / len(bank.labelled.rows)
    return centre


def _class_sums(bank: Bank) -> Scores:
    labelled = bank.labelled
    sums = np.zeros((len(labelled.classes), bank.vectors.shape[1]))
    for part, block in bank.blocks(labelled.rows):
        add_by_class(sums, block, labelled.labels[part])
    return sums


def _gaussian(about: About, what: str, centre: Scores, means: Scores, total: float) -> Gaussian:
    """Return the Gaussian of a covariance; a note reports any change to it.

    A singular one is shrunk. If that does not help (one image per class), the identity times the
    mean variance of the dimensions over all images replaces it; `total` is the sum of variances.
    """
    root = _whitening(about, what) if np.trace(about.covariance) > EPSILON * total else None
    if root is not None:
        return Gaussian(centre, root, _product(means - centre, root))
    about.bank.note(
        f"bank {about.bank.name}: {len(about.labels):,} images have no usable covariance "
        f"{what}: distances are Euclidean, in units of the total variance"
    )
    dimension = len(centre)
    root = np.eye(dimension) * (total / dimension or 1.0) ** -0.5
    return Gaussian(centre, root, _product(means - centre, root), euclidean=True)


def _whitening(about: About, what: str) -> Scores | None:
    """Return (D, D) that makes the covariance the identity, None if shrinking does not help."""
    root = _inverse_root(about.covariance)
    if root is None:
        shrunk, shrinkage = about.shrunk()
        if (root := _inverse_root(shrunk)) is not None:
            about.bank.note(
                f"bank {about.bank.name}: the covariance {what} of {len(about.labels):,} images is "
                f"singular in {len(shrunk):,} dimensions: Ledoit-Wolf shrinkage {shrinkage:.2g} is "
                "applied"
            )
    return root


def _product(left: Scores, right: Scores) -> Scores:
    return product(left, right).astype(np.float64, copy=False)


def _inverse_root(covariance: Scores) -> Scores | None:
    """Return a root of the inverse, None if the matrix is singular in float64."""
    variances, axes = np.linalg.eigh(covariance)
    if variances[0] <= len(variances) * EPSILON * variances[-1]:
        return None
    root: Scores = axes / np.sqrt(variances)
    return root


GAUSSIAN_SCORES: dict[str, Score] = {
    "mahalanobis": Score(
        rank=rank_mahalanobis,
        fit=fit_mahalanobis,
        formula="-min_k (z - mean_k)' S^-1 (z - mean_k), S the covariance about the class means",
        ranks_by="itself",
        source="Lee et al., NeurIPS 2018",
        use="weights directions by the variance within classes",
        limits="needs labels; a singular covariance is shrunk, and with one image per class "
        "distances are Euclidean",
        needs="bank",
    ),
    "rmds": Score(
        rank=rank_rmds,
        fit=fit_rmds,
        formula="-min_k (d_k - d_0), d_k of mahalanobis, d_0 from the mean and covariance of all",
        ranks_by="itself",
        source="Ren et al., 2021",
        use="mahalanobis minus what all classes share: for near OOD images",
        limits="needs labels; shrinks as mahalanobis; with one class all images tie",
        needs="bank",
    ),
}
