"""Scores of the classes, straight from cosines (N, K)."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from oodcache.score.formulas.class_scores import CLASS_SCORES
from oodcache.score.formulas.cosines import Floats, Rows, Scores


def ranked(score: str, cosine: Floats, **parameters: float) -> Scores:
    """Return the ranking form of a score of CLASS_SCORES: float64 (N,)."""
    rows = Rows(np.array(cosine, dtype=np.result_type(cosine, np.float32)))
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        return CLASS_SCORES[score].rank(SimpleNamespace(rows=rows), None, **parameters)


def shown(score: str, cosine: Floats, **parameters: float) -> Scores:
    """Return the paper's form of a score of CLASS_SCORES: float64 (N,)."""
    ranks = ranked(score, cosine, **parameters)
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        return CLASS_SCORES[score].shown(ranks, cosine.shape[1], **parameters)
