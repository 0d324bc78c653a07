"""Score of a training-free adapter: class logits raised by the training images nearby, `tip`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oodcache.score.formulas.bank import BLOCK, Bank
from oodcache.score.formulas.cosines import Places, Rows, Scores, product
from oodcache.score.formulas.definition import TEMPERATURE, Parameter, Score
from oodcache.score.formulas.few_shot.probe import CERTAIN, shown_probability
from oodcache.score.formulas.tile import Tile, Vectors


@dataclass(frozen=True, eq=False)
class CacheAdapter:
    """The labelled images of a bank, sorted by class: `vectors` float32 (n, D), `labels` (n,)."""

    vectors: Vectors
    labels: Places

    def raised(self, tile: Tile, beta: float) -> Scores:
        """Return each class's sum of exp(-beta (1 - z'x)) over its images x, float64 (N, K)."""
        found = np.zeros((len(tile.vectors), len(tile.classes)))
        for start in range(0, len(self.vectors), BLOCK):
            part = slice(start, start + BLOCK)
            cosine = product(tile.precise, self.vectors[part].astype(np.float64).T)
            near = np.exp(beta * (cosine - 1))
            labels = self.labels[part]
            firsts = np.flatnonzero(np.diff(labels, prepend=-1))
            found[:, labels[firsts]] += np.add.reduceat(near, firsts, axis=1)
        return found


def fit_tip(bank: Bank, *, alpha: float, beta: float, temperature: float) -> CacheAdapter:
    """Return the labelled images by class; raise InputError without labels."""
    bank.need_labels("tip")
    return bank.computed(_by_class)


def rank_tip(
    tile: Tile, fitted: CacheAdapter, *, alpha: float, beta: float, temperature: float
) -> Scores:
    """Return the log-odds of the largest probability; with one class all images tie."""
    cosine = product(tile.precise, tile.columns.astype(np.float64))
    # The logits in units of the temperature, so that a small one overflows none.
    unit = min(temperature, 1.0)
    logits = cosine * (unit / temperature) + unit * alpha * fitted.raised(tile, beta)
    return np.minimum(Rows(logits).log_odds(unit), CERTAIN)


def _by_class(bank: Bank) -> CacheAdapter:
    labelled = bank.labelled
    rows = labelled.rows[np.argsort(labelled.labels, kind="stable")]
    return CacheAdapter(bank.vectors[rows], bank.labels[rows].astype(np.intp))


ADAPTER_SCORES: dict[str, Score] = {
    "tip": Score(
        rank=rank_tip,
        fit=fit_tip,
        shown=shown_probability,
        formula="max_k softmax(c/temperature + alpha * sum_x exp(-beta*(1 - z'x)) [x is of k])_k, "
        "x the bank's images",
        ranks_by="log(p / (1 - p)), p that",
        source="Tip-Adapter, training-free, Zhang et al., ECCV 2022, which searches alpha and beta "
        "on labelled images; the defaults are ours",
        use="class texts and a few images of each class, without fitting anything",
        limits="needs labels; ignores the bias; the sum grows with the images of a class, so alpha "
        "that suits 1 does not suit 1,000; with one class all images tie",
        parameters={
            "alpha": Parameter(1.0, from_least=True),
            "beta": Parameter(1.0),
            "temperature": TEMPERATURE,
        },
        probability=True,
        needs="bank",
    ),
}
