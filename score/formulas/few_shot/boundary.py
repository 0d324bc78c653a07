"""Score of an image's distance from the boundaries between its class and the others: `fdbd`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oodcache.score.formulas.bank import Bank, Integers
from oodcache.score.formulas.cosines import Scores, product
from oodcache.score.formulas.definition import Score
from oodcache.score.formulas.tile import Tile

# Squared distances of unit vectors below this have too few digits as 2 - 2c.
CLOSE = 1e-6


@dataclass(frozen=True, eq=False)
class Boundaries:
    """The bank's mean, `centre` (D,), and the classes in float64, (K, D).

    `texts` (K,) are equal for classes with equal vectors, between which there is no boundary.
    """

    centre: Scores
    classes: Scores
    texts: Integers

    def distances(self, tile: Tile) -> Scores:
        """Return each image's mean distance from the boundaries of its nearest class, (N,)."""
        cosine, best = product(tile.precise, self.classes.T), tile.rows.best
        lead = np.take_along_axis(cosine, best[:, None], axis=1) - cosine
        others = self.texts[best][:, None] != self.texts
        apart = np.where(others, self._apart(best), 1.0)
        # A float64 product may place another class ahead of the nearest by a rounding error.
        sums = np.where(others, np.maximum(lead, 0.0) / apart, 0.0).sum(axis=1)
        found: Scores = sums / np.maximum(others.sum(axis=1), 1)
        return found

    def _apart(self, best: Integers) -> Scores:
        """Return the distance of each image's class from every other class, (N, K)."""
        found, places = np.unique(best, return_inverse=True)
        own = self.classes[found]
        size = np.einsum("kd,kd->k", self.classes, self.classes)
        square = size[found][:, None] + size - 2 * product(own, self.classes.T)
        for row, other in np.argwhere(square < CLOSE):
            difference = own[row] - self.classes[other]
            square[row, other] = difference @ difference
        distance: Scores = np.sqrt(square)[places]
        return distance


def fit_fdbd(bank: Bank) -> Boundaries:
    """Return the bank's mean and the classes."""
    return bank.computed(_boundaries)


def rank_fdbd(tile: Tile, fitted: Boundaries) -> Scores:
    """Return the mean distance from the boundaries, over the distance from the bank's mean.

    An image at the mean itself counts as very near to it. With one class all images tie.
    """
    from_centre = np.linalg.norm(tile.precise - fitted.centre, axis=1)
    ratio: Scores = fitted.distances(tile) / np.maximum(from_centre, np.finfo(np.float32).tiny)
    return ratio


def _boundaries(bank: Bank) -> Boundaries:
    centre = np.zeros(bank.vectors.shape[1])
    for _, block in bank.blocks():
        centre += block.sum(axis=0)
    _, texts = np.unique(bank.classes, axis=0, return_inverse=True)
    classes = bank.classes.astype(np.float64)
    return Boundaries(centre / len(bank.vectors), classes, texts.reshape(-1).astype(np.int64))


BOUNDARY_SCORES: dict[str, Score] = {
    "fdbd": Score(
        rank=rank_fdbd,
        fit=fit_fdbd,
        formula="mean over k of (c_best - c_k)/|t_best - t_k|, over |z - m|, t the class texts, m "
        "the bank's mean",
        ranks_by="itself",
        source="fDBD, Liu and Qin, ICML 2024; the weights of its classifier are the class texts "
        "here",
        use="needs no labels and no parameters",
        limits="equal class texts have no boundary and are left out; ignores scale and bias; with "
        "one class all images tie",
        needs="bank",
    ),
}
