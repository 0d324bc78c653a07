"""Reliability of a score as the probability of being ID: measures on an absolute scale.

Unlike ranking metrics, they depend on a bias. The target is 1 for ID and 0 for OOD.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from oodcache.score.measures.metrics import Floats, Integers

NOT_A_PROBABILITY = "not a probability"
BINS = 15


def probability_measures(id_probability: Floats, ood_probability: Floats) -> dict[str, float]:
    """Return every measure of the probabilities of being ID, by name.

    - `kept_id`, `kept_ood`: the share of each side at or above 0.5;
    - `prevalence`: the share of ID among all images;
    - `brier`: the mean of (p - target)^2, Brier, Monthly Weather Review 1950;
    - `ece`: the expected calibration error, Guo et al., ICML 2017: the mean over 15 bins of equal
      width, weighted by their images, of |mean p - share of ID|; p is in bin floor(15 p), 1 in the
      last;
    - `brier_balanced`, `ece_balanced`: the same with both sides weighted equally.
    """
    ids, oods = (np.asarray(one, np.float64) for one in (id_probability, ood_probability))
    assert min(ids.min(), oods.min()) >= 0 and max(ids.max(), oods.max()) <= 1
    return {name: measure(ids, oods) for name, measure in MEASURES.items()}


@dataclass(frozen=True)
class Bins:
    """Non-empty bins of p: mean p, the share of ID, and the number of images, all (B,)."""

    mean: Floats
    share: Floats
    count: Integers


def reliability(id_probability: Floats, ood_probability: Floats) -> Bins:
    """Return a reliability diagram in the bins of `ece`, at the data's prevalence.

    The mean over images of |mean - share| is `ece`. Niculescu-Mizil and Caruana, ICML 2005.
    """
    ids, oods = (np.asarray(one, np.float64) for one in (id_probability, ood_probability))
    both = np.concatenate([ids, oods])
    total, inside = _in_bins(both, np.ones(len(both))), _in_bins(ids, np.ones(len(ids)))
    there = total > 0
    mean = _in_bins(both, both)[there] / total[there]
    return Bins(mean, inside[there] / total[there], total[there].astype(np.int64))


def _brier(ids: Floats, oods: Floats, prevalence: float) -> float:
    id_error, ood_error = float(np.mean((1 - ids) ** 2)), float(np.mean(oods**2))
    return prevalence * id_error + (1 - prevalence) * ood_error


def _expected_error(ids: Floats, oods: Floats, prevalence: float) -> float:
    """Return the calibration error, with weight `prevalence` for ID and the rest for OOD."""
    # In each bin, (share of ID - mean p) times its weight is ID's missing p minus OOD's excess p.
    missing = _in_bins(ids, 1 - ids) * (prevalence / len(ids))
    excess = _in_bins(oods, oods) * ((1 - prevalence) / len(oods))
    return float(np.abs(missing - excess).sum())


def _prevalence(ids: Floats, oods: Floats) -> float:
    return len(ids) / (len(ids) + len(oods))


def bins_of(probability: Floats) -> Integers:
    """Return the bin of each probability, from 0; an edge belongs to the bin above it.

    >>> bins_of(np.array([0.0, 0.5, 1.0]))
    array([ 0,  7, 14])
    """
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)


def _in_bins(probability: Floats, amount: Floats) -> Floats:
    return np.asarray(np.bincount(bins_of(probability), weights=amount, minlength=BINS), np.float64)


MEASURES: dict[str, Callable[[Floats, Floats], float]] = {
    "kept_id": lambda ids, oods: float(np.mean(ids >= 0.5)),
    "kept_ood": lambda ids, oods: float(np.mean(oods >= 0.5)),
    "prevalence": _prevalence,
    "brier": lambda ids, oods: _brier(ids, oods, _prevalence(ids, oods)),
    "ece": lambda ids, oods: _expected_error(ids, oods, _prevalence(ids, oods)),
    "brier_balanced": lambda ids, oods: _brier(ids, oods, 0.5),
    "ece_balanced": lambda ids, oods: _expected_error(ids, oods, 0.5),
}
