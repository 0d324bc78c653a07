"""Zero-shot OOD scores: from cosine similarities to one score per image.

`cosine` is float, shape (N, K): N images against K in-distribution (ID) classes. A score is
float64, shape (N,). Higher always means more in-distribution.

A score has two forms. The one that is *shown* (`mcm`, `sigmoid_mcm`, …) is the paper's formula; in
floating point it saturates, and thousands of images can share one value. The one that *ranks* is a
strictly rising function of it in exact arithmetic and does not saturate; every metric uses it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Scores = npt.NDArray[np.float64]

# exp(c / τ) is summed in float32 up to this temperature, where its rounding, times τ, stays below
# that of the cosines. Above, exp(c / τ) comes close to 1 for every class: exp(c / τ) - 1 is summed
# instead, in float64.
FLAT = 1.0


class Rows:
    """Some images' cosines, and what several scores need of them, each computed once.

    The array given becomes a work space: it is overwritten.
    """

    def __init__(self, cosine: Floats) -> None:
        self.best = cosine.argmax(axis=1)
        self.others = cosine.shape[1] - 1
        place = self.best[:, None]
        self.top: Scores = np.take_along_axis(cosine, place, axis=1)[:, 0].astype(np.float64)
        np.put_along_axis(cosine, place, -np.inf, axis=1)
        self._cosine = cosine
        self._leads: dict[float, Scores] = {}

    def lead(self, temperature: float) -> Scores:
        """Return max c - τ · log mean exp(c / τ), the mean over the *other* classes.

        How far the best class leads the others: it rises with the largest softmax probability at
        τ, and neither cancels nor saturates. It lies between the margin over the runner-up, its
        limit for small τ, and the distance to the others' mean, its limit for large τ. With a
        single class the probability is 1, and this is +inf.
        """
        if temperature not in self._leads:
            self._leads[temperature] = self._compute_lead(temperature)
        return self._leads[temperature]

    def log_odds(self, temperature: float) -> Scores:
        """Return log(p / (1 - p)) of the largest softmax probability p of cosine / temperature."""
        if not self.others:
            return np.full(len(self.top), np.inf)
        with np.errstate(over="ignore", under="ignore"):
            return self.lead(temperature) / temperature - math.log(self.others)

    def _compute_lead(self, temperature: float) -> Scores:
        if not self.others:
            return np.full(len(self.top), np.inf)
        margin, gaps = self._margin_and_gaps
        log_mean_exp = _log_mean_exp if temperature <= FLAT else _log_mean_exp_when_flat
        with np.errstate(over="ignore", under="ignore"):
            return margin - temperature * log_mean_exp(gaps, temperature)

    @cached_property
    def _margin_and_gaps(self) -> tuple[Scores, Floats]:
        """Return how far the runner-up lies below the best class, and each class below it.

        The best class's own gap is -inf, so that its exponential is 0.
        """
        runner_up: Floats = self._cosine.max(axis=1)
        self._cosine -= runner_up[:, None]
        return self.top - runner_up, self._cosine


def _log_mean_exp(gaps: Floats, temperature: float) -> Scores:
    """Return log mean exp(gaps / temperature) over all columns but the one that is -inf."""
    # The runner-up's gap is 0, and a factor that overflows to infinity would make it NaN.
    factor = min(1 / temperature, float(np.finfo(gaps.dtype).max))
    scaled = gaps * gaps.dtype.type(factor)
    np.exp(scaled, out=scaled)
    # A product with ones, because BLAS sums rows several times as fast as NumPy does.
    total = (scaled @ np.ones(scaled.shape[1], scaled.dtype)).astype(np.float64)
    log_mean: Scores = np.log(total / (gaps.shape[1] - 1))
    return log_mean


def _log_mean_exp_when_flat(gaps: Floats, temperature: float) -> Scores:
    """Return the same where exp(gaps / temperature) is nearly 1, keeping what it differs by."""
    scaled = np.multiply(gaps, 1 / temperature, dtype=np.float64)
    scaled[np.isneginf(gaps)] = 0.0
    np.expm1(scaled, out=scaled)
    log_mean: Scores = np.log1p(scaled.sum(axis=1) / (gaps.shape[1] - 1))
    return log_mean


def mcm(cosine: Floats, *, temperature: float = 1.0) -> Scores:
    """Return the largest softmax probability over the classes.

    Maximum concept matching, Ming et al., NeurIPS 2022: `temperature` divides the raw cosine.

    >>> mcm(np.array([[0.0, 0.0]]))
    array([0.5])
    """
    return _sigmoid(_rows(cosine).log_odds(temperature))


def sigmoid_mcm(cosine: Floats, *, scale: float, bias: float) -> Scores:
    """Return the largest sigmoid probability σ(scale · c + bias) over the classes.

    It rises with the largest cosine, so for every scale > 0 and every bias it ranks images
    exactly as `max_logit` does: a bias can move a threshold, never an AUROC.

    >>> sigmoid_mcm(np.array([[0.1, 0.3]]), scale=10.0, bias=-3.0)
    array([0.5])
    """
    with np.errstate(over="ignore", under="ignore"):
        return _sigmoid(scale * _rows(cosine).top + bias)


def max_logit(cosine: Floats) -> Scores:
    """Return the largest cosine; others call it MaxCosine.

    >>> max_logit(np.array([[0.25, 0.5]]))
    array([0.5])
    """
    return _rows(cosine).top


def energy(cosine: Floats, *, temperature: float) -> Scores:
    """Return temperature · logsumexp(c / temperature), the negative free energy.

    Liu et al., NeurIPS 2020. On raw cosines temperature 1 is nearly flat; the learned one is 1/s.

    >>> energy(np.array([[0.0, 0.0]]), temperature=1.0)
    array([0.69314718])
    """
    rows = _rows(cosine)
    # logsumexp = max c/τ - log p, and -log p = log(1 + exp(-log odds)).
    with np.errstate(under="ignore"):
        return rows.top + temperature * np.logaddexp(0.0, -rows.log_odds(temperature))


def _rows(cosine: Floats) -> Rows:
    return Rows(np.array(cosine, dtype=np.result_type(cosine, np.float32)))


def _energy_above_uniform(rows: Rows, *, temperature: float) -> Scores:
    """Return the energy less temperature · log K, which is τ · log mean exp(c / τ).

    The constant moves no rank, and at a large temperature its digits would drown the cosines'.
    """
    with np.errstate(over="ignore", under="ignore"):
        others = rows.others / (rows.others + 1) * np.expm1(-rows.lead(temperature) / temperature)
        above: Scores = rows.top + temperature * np.log1p(others)
    return above


def _sigmoid(logits: Scores) -> Scores:
    with np.errstate(under="ignore"):
        smaller = np.exp(-np.abs(logits))
    return np.where(logits < 0, smaller, 1.0) / (1.0 + smaller)


@dataclass(frozen=True)
class Score:
    """A score of the registry: the form that ranks, the form that is shown, what to tell of it.

    `rank` takes Rows and the parameters by name, `shown` cosines and the parameters. A default is
    a number, or "learned": taken from the model (a temperature is then 1/s).
    """

    rank: Callable[..., Scores]
    shown: Callable[..., Scores]
    formula: str
    source: str
    use: str
    defaults: Mapping[str, float | str] = field(default_factory=dict)


SCORES: dict[str, Score] = {
    "mcm": Score(
        rank=lambda rows, *, temperature: rows.lead(temperature),
        shown=mcm,
        formula="max_k softmax(c/temperature)_k",
        source="Ming et al., NeurIPS 2022",
        use="the field's baseline; temperature=learned is 1/s, 'MSP on CLIP'",
        defaults={"temperature": 1.0},
    ),
    "sigmoid-mcm": Score(
        rank=lambda rows, *, scale, bias: rows.top,
        shown=sigmoid_mcm,
        formula="max_k sigmoid(scale*c_k + bias)",
        source="SigLIP's own loss, Zhai et al., ICCV 2023",
        use="ranks exactly as max-logit; its absolute value is a probability",
        defaults={"scale": "learned", "bias": "learned"},
    ),
    "max-logit": Score(
        rank=lambda rows: rows.top,
        shown=max_logit,
        formula="max_k c_k",
        source="also called MaxCosine",
        use="no parameter to choose",
    ),
    "energy": Score(
        rank=_energy_above_uniform,
        shown=energy,
        formula="temperature*logsumexp_k(c/temperature)",
        source="Liu et al., NeurIPS 2020",
        use="counts every class that fits, not the best alone",
        defaults={"temperature": "learned"},
    ),
}
