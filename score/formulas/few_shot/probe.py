"""Scores of a linear probe, a logistic regression on a bank: `probe`, `probe-zero-shot`.

N images, K classes, D dimensions. Both rank by log(p / (1 - p)), p their largest probability, which
does not saturate: images with p = 1 in floating point still differ.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.text import counted
from oodcache.cache.watch import Hint
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
# The loosest power of ten with which AUROC and FPR95 agree with those of 1e-11 to four digits, on
# the embedded benchmark and on 100 and 200 classes of 16 random vectors of 512 dimensions. In
# float32 they do not, whatever the tolerance.
TOLERANCE, STEPS = 1e-9, 10_000
# The choice of C needs less. A looser one, also scikit-learn's own 1e-4, stops where it started: at
# the solution of a smaller C, so that a larger one is never chosen.
TOLERANCE_OF_CHOICE = 1e-6
LONG = 60.0  # Seconds of a cross-validation that are worth a note.


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
    fitted = _fitted(bank, _regression(C, TOLERANCE), vectors, labels)
    weights, intercepts = fitted.coef_, fitted.intercept_
    if len(weights) == 1:  # Of two classes there is one row, their difference.
        weights = np.concatenate([np.zeros_like(weights), weights])
        intercepts = np.concatenate([np.zeros_like(intercepts), intercepts])
    return LinearProbe(weights, intercepts, labelled.classes)


def _regression(C: float, tolerance: float) -> Any:
    """Return scikit-learn's logistic regression, which starts again where it ended."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, tol=tolerance, max_iter=STEPS, warm_start=True)


def _fitted(bank: Bank, regression: Any, vectors: Scores, labels: Integers) -> Any:
    """Return the regression, fitted; a note reports one that did not converge."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ConvergenceWarning)
        regression.fit(vectors, labels)
    if any(issubclass(one.category, ConvergenceWarning) for one in warned):
        C = regression.C
        bank.note(
            f"bank {bank.name}: the logistic regression of probe has not converged at C = {C:g}; "
            f"use a smaller one, such as --score probe:C={C / 10:g}"
        )
    return regression


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
    # The images are sorted by class: a place in its class is the place minus the class's first.
    fold = (np.arange(len(labels)) - np.searchsorted(labels, labels)) % folds
    losses, began = [], time.monotonic()
    for one in range(folds):
        losses.append(_held_out(bank, vectors, labels, fold == one))
        if one == 0:
            _tell_time(bank, folds, (time.monotonic() - began) * folds)
    found = TRIED[int(np.argmin(np.mean(losses, axis=0)))]
    bank.note(f"bank {bank.name}: probe has C = {found:g}, by cross-validation in {folds} folds")
    return found


def _held_out(
    bank: Bank, vectors: Scores, labels: Integers, held: npt.NDArray[np.bool_]
) -> list[float]:
    """Return the mean log loss on the images held out, at every C that is tried, rising."""
    from sklearn.metrics import log_loss

    losses, every = [], np.unique(labels)
    regression = _regression(TRIED[0], TOLERANCE_OF_CHOICE)
    for C in TRIED:
        # The solution of one C is near that of the next.
        _fitted(bank, regression.set_params(C=C), vectors[~held], labels[~held])
        found = regression.predict_proba(vectors[held])
        losses.append(float(log_loss(labels[held], found, labels=every)))
    return losses


def _tell_time(bank: Bank, folds: int, seconds: float) -> None:
    """Note after the first fold how long all take, if that is minutes."""
    if seconds >= LONG:
        count, about = folds * len(TRIED), counted(round(seconds / 60), "minute")
        bank.note(
            Hint(
                f"bank {bank.name}: {count} regressions to choose the C of probe: about {about}; "
                f"to fit one only, give it, such as --score probe:C={UNTRIED:g}"
            )
        )


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
