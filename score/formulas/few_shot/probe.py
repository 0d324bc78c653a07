"""Scores of a linear probe, a logistic regression on a bank: `probe`, `probe-zero-shot`.

N images, K classes, D dimensions. Both rank by log(p / (1 - p)), p their largest probability, which
does not saturate: images with p = 1 in floating point still differ.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.score.formulas.bank import Bank, Integers
from oodcache.score.formulas.cosines import Places, Rows, Scores, product
from oodcache.score.formulas.definition import TEMPERATURE, Parameter, Score
from oodcache.score.formulas.tile import Tile, digests

CV = "cv"
CROSS_VALIDATED = 0.0  # What the word stands for: no number that is accepted.
TRIED = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
UNTRIED = 100.0  # The middle of those tried, for a bank that cannot be cut into folds.
FOLDS = 5
# The largest float: an infinite score would be no number to subtract or to store.
CERTAIN = float(np.finfo(float).max)
# scikit-learn's own tolerance, 1e-4, stops at probabilities that are off by a tenth and more.
TOLERANCE, STEPS = 1e-11, 10_000


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """A logistic regression: `weights` (C, D) and `intercepts` (C,) of the classes with images.

    `places` (C,) are those classes among all K.
    """

    weights: Scores
    intercepts: Scores
    places: Places

    def rows(self, tile: Tile) -> Rows:
        """Return the logits of a tile's images as rows, computed in float64."""
        return Rows(product(tile.precise, self.weights.T) + self.intercepts)

    def complements(self, tile: Tile, classes: int) -> Scores:
        """Return 1 - p of every class, (N, K); 1 for a class without images."""
        found = np.ones((len(tile.vectors), classes))
        found[:, self.places] = complements(self.rows(tile), 1.0)
        return found


def complements(rows: Rows, temperature: float) -> Scores:
    """Return 1 - softmax, (N, K), which keeps its digits where the softmax is close to 1."""
    if rows.classes == 1:
        return np.zeros((len(rows.top), 1))
    found: Scores = -np.expm1(rows.log_probabilities(temperature))
    return found


def fit_probe(bank: Bank, *, C: float) -> LinearProbe:
    """Return the logistic regression on the labelled images; raise InputError without labels.

    C is scikit-learn's inverse regularisation; CROSS_VALIDATED chooses it, with a note.
    """
    bank.need_labels("probe")
    return bank.computed(_probe, C)


def rank_probe(tile: Tile, fitted: LinearProbe, *, C: float) -> Scores:
    """Return the log-odds of the largest probability; with one class all images tie."""
    return np.minimum(fitted.rows(tile).log_odds(1.0), CERTAIN)


def fit_with_zero_shot(bank: Bank, *, C: float, temperature: float) -> LinearProbe:
    """Return the logistic regression of `fit_probe`."""
    bank.need_labels("probe-zero-shot")
    return bank.computed(_probe, C)


def rank_with_zero_shot(tile: Tile, fitted: LinearProbe, *, C: float, temperature: float) -> Scores:
    """Return the log-odds of the largest mean of the zero-shot and the probe's probability."""
    rows = tile.rows
    outside = (complements(rows, temperature) + fitted.complements(tile, rows.classes)) / 2
    least = outside.min(axis=1)
    odds: Scores = np.log1p(-least) - np.log(np.maximum(least, np.finfo(float).tiny))
    return odds


def shown_probability(ranked: Scores, classes: int, **parameters: float) -> Scores:
    """Return the largest probability, from its log-odds."""
    probability: Scores = 1 / (1 + np.exp(-ranked))
    return probability


def _probe(bank: Bank, C: float) -> LinearProbe:
    labelled = bank.labelled
    vectors = bank.vectors[labelled.rows].astype(np.float64)
    if len(labelled.classes) == 1:
        return LinearProbe(np.zeros((1, vectors.shape[1])), np.zeros(1), labelled.classes)
    # By hashes of the vectors, so that neither folds nor rounding depend on the order of the bank.
    order = np.lexsort((digests(bank.vectors[labelled.rows]), labelled.labels))
    vectors, labels = vectors[order], labelled.labels[order].astype(np.int64)
    if C == CROSS_VALIDATED:
        C = _chosen(bank, vectors, labels)
    fitted = _regression(bank, vectors, labels, C)
    weights, intercepts = fitted.coef_, fitted.intercept_
    if len(weights) == 1:  # Of two classes there is one row, their difference.
        weights = np.concatenate([np.zeros_like(weights), weights])
        intercepts = np.concatenate([np.zeros_like(intercepts), intercepts])
    return LinearProbe(weights, intercepts, labelled.classes)


def _regression(bank: Bank, vectors: Scores, labels: Integers, C: float) -> Any:
    """Return scikit-learn's logistic regression; a note reports one that did not converge."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ConvergenceWarning)
        found = LogisticRegression(C=C, tol=TOLERANCE, max_iter=STEPS).fit(vectors, labels)
    if any(issubclass(one.category, ConvergenceWarning) for one in warned):
        bank.note(
            f"bank {bank.name}: the logistic regression of probe has not converged at C = {C:g}; "
            f"use a smaller one, such as --score probe:C={C / 10:g}"
        )
    return found


def _chosen(bank: Bank, vectors: Scores, labels: Integers) -> float:
    """Return the C of least log loss on held-out folds, each with images of every class.

    With fewer images than FOLDS in a class there are as many folds as images; with one there are
    none, and C is UNTRIED. A note tells either.
    """
    least = int(np.bincount(labels).min())
    if least < 2:
        bank.note(
            f"bank {bank.name}: a class has one image, so no fold can be held out for probe: "
            f"C = {UNTRIED:g}"
        )
        return UNTRIED
    folds = min(FOLDS, least)
    losses = [_held_out(bank, vectors, labels, C, folds) for C in TRIED]
    found = TRIED[int(np.argmin(losses))]
    bank.note(f"bank {bank.name}: probe has C = {found:g}, by cross-validation in {folds} folds")
    return found


def _held_out(bank: Bank, vectors: Scores, labels: Integers, C: float, folds: int) -> float:
    """Return the mean log loss on the folds, into which each class's images are dealt in turn."""
    from sklearn.metrics import log_loss

    # The images are sorted by class: a place in its class is the place minus the class's first.
    first = np.searchsorted(labels, labels)
    fold: npt.NDArray[np.intp] = (np.arange(len(labels)) - first) % folds
    losses, every = [], np.unique(labels)
    for one in range(folds):
        fitted = _regression(bank, vectors[fold != one], labels[fold != one], C)
        held = fold == one
        losses.append(log_loss(labels[held], fitted.predict_proba(vectors[held]), labels=every))
    return float(np.mean(losses))


_C = Parameter(CV, words={CV: CROSS_VALIDATED})
PROBE_SCORES: dict[str, Score] = {
    "probe": Score(
        rank=rank_probe,
        fit=fit_probe,
        shown=shown_probability,
        formula="max_k softmax(Wz + b)_k, a logistic regression fitted on the bank's labels",
        ranks_by="log(p / (1 - p)), p that",
        source="common practice; scikit-learn's LogisticRegression",
        use="learns the classes from a few images each, without class texts",
        limits="needs labels; its own accuracy is not the ID accuracy of the table, which is "
        "zero-shot; C=cv needs two images in each class; with one class all images tie",
        parameters={"C": _C},
        probability=True,
        needs="bank",
    ),
    "probe-zero-shot": Score(
        rank=rank_with_zero_shot,
        fit=fit_with_zero_shot,
        shown=shown_probability,
        formula="max_k (softmax(c/temperature)_k + p_k) / 2, p the probabilities of probe",
        ranks_by="log(q / (1 - q)), q that",
        source="after COOkeD, ICCVW 2025, which averages three classifiers: this is not COOkeD",
        use="images and class texts together, where either alone is unsure",
        limits="needs labels; ignores the bias; a class without images has p = 0; with one class "
        "all images tie",
        parameters={"C": _C, "temperature": TEMPERATURE},
        probability=True,
        needs="bank",
    ),
}
