"""Scores of a bank's class prototypes: a mean softmax for `klm`, a mean vector for `she`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oodcache.score.formulas.bank import Bank, add_by_class, note_skipped
from oodcache.score.formulas.cosines import Places, Rows, Scores, product
from oodcache.score.formulas.definition import TEMPERATURE, Score
from oodcache.score.formulas.tile import Tile, Vectors


@dataclass(frozen=True)
class Typical:
    """The fitted state of `klm`: `logs` (C, K) of the mean softmax per predicted class."""

    logs: Scores


@dataclass(frozen=True)
class Patterns:
    """The fitted state of `she`: `vectors` (C, D), the mean of each class's images.

    `classes` (C, D) are the classes that have images, `columns` their transpose; None if all do.
    """

    vectors: Scores
    classes: Vectors | None
    columns: Vectors | None

    def nearest(self, tile: Tile) -> Places:
        """Return the nearest of the classes that have a pattern."""
        if self.classes is None or self.columns is None:
            return tile.rows.best
        return Tile(tile.vectors, self.classes, self.columns).rows.best


def fit_klm(bank: Bank, *, temperature: float) -> Typical:
    """Return the mean softmax of each predicted class; a note reports the others."""
    bank.computed(note_skipped)
    return bank.computed(_typical, temperature)


def rank_klm(tile: Tile, fitted: Typical, *, temperature: float) -> Scores:
    """Return minus the smallest Kullback-Leibler divergence from a class's mean softmax.

    A product finds the two nearest, which are then computed in float64.
    """
    logs = tile.rows.log_probabilities(temperature)
    shares = np.exp(logs)

    def exact(places: Places) -> Scores:
        differences = (fitted.logs.take(one, axis=0) - logs for one in places.T)
        return np.stack([np.einsum("ij,ij->i", shares, one) for one in differences], axis=1)

    if len(fitted.logs) == 1:
        return exact(np.zeros((len(logs), 1), np.intp))[:, 0]
    closeness = product(shares.astype(np.float32), fitted.logs.astype(np.float32).T)
    return Rows(closeness, exact).top


def fit_she(bank: Bank) -> Patterns:
    """Return the mean of each class's correctly classified images.

    A class without any uses all its images, with a note. Raises InputError without labels.
    """
    bank.need_labels("she")
    return bank.computed(_patterns)


def rank_she(tile: Tile, fitted: Patterns) -> Scores:
    """Return the product with the pattern of the nearest class."""
    return tile.dots(fitted.vectors, fitted.nearest(tile))


def _typical(bank: Bank, temperature: float) -> Typical:
    classes = len(bank.classes)

    def read(tile: Tile) -> tuple[Places, Scores]:
        best = tile.rows.best
        found, places = np.unique(best, return_inverse=True)
        sums = np.zeros((len(found), classes))
        add_by_class(sums, np.exp(tile.rows.log_probabilities(temperature)), places)
        return found, sums

    totals = np.zeros((classes, classes))
    for found, sums in bank.over_tiles(read):
        totals[found] += sums
    counts = np.bincount(bank.predicted, minlength=classes)
    means = totals[counts > 0] / counts[counts > 0, None]
    return Typical(np.log(np.maximum(means, np.finfo(float).tiny)))


def _patterns(bank: Bank) -> Patterns:
    labelled = bank.labelled
    correct = bank.predicted[labelled.rows] == bank.labels[labelled.rows]
    if bank.labels_are_predictions:
        correct[:] = True
    count = len(labelled.classes)
    none_right = np.bincount(labelled.labels[correct], minlength=count) == 0
    if none_right.any():
        first = bank.class_names[labelled.classes[none_right.argmax()]]
        bank.note(
            f"bank {bank.name}: {none_right.sum():,} of {count:,} classes have no correctly "
            f"classified image (such as {first!r}): she uses the mean of all their images"
        )
    taken = np.flatnonzero(correct | none_right[labelled.labels])
    labels = labelled.labels[taken]
    sums = np.zeros((count, bank.vectors.shape[1]))
    for part, block in bank.blocks(labelled.rows[taken]):
        add_by_class(sums, block, labels[part])
    vectors = sums / np.bincount(labels)[:, None]
    if count == len(bank.classes):
        return Patterns(vectors, None, None)
    classes = bank.classes[labelled.classes]
    return Patterns(vectors, classes, np.ascontiguousarray(classes.T))


PROTOTYPE_SCORES: dict[str, Score] = {
    "klm": Score(
        rank=rank_klm,
        fit=fit_klm,
        formula="-min_k KL(p | d_k), p = softmax(c/temperature), d_k the mean p of the bank's "
        "images predicted k",
        ranks_by="itself",
        source="Hendrycks et al., ICML 2022",
        use="compares whole softmaxes; needs no labels",
        limits="ignores the bias; classes never predicted have no d_k; images with margins above "
        "36 temperatures tie; with one class all images tie",
        parameters={"temperature": TEMPERATURE},
        needs="bank",
    ),
    "she": Score(
        rank=rank_she,
        fit=fit_she,
        formula="z'm_k, k the predicted class, m_k the mean of the bank's images of k that are "
        "classified correctly",
        ranks_by="itself",
        source="Zhang et al., ICLR 2023",
        use="no parameters; costs a product with one vector per image",
        limits="needs labels; uses only the predicted class",
        needs="bank",
    ),
}
