"""Scores that compare the classes with negative texts: words that name none of them.

d is log Σ_k exp(c_k/τ) - log Σ_j exp(c_j/τ), over the classes k and a group of negatives j.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.score.formulas.class_scores import log_sigmoid_sums, softplus
from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.definition import (
    BIAS,
    DROP,
    MINED,
    SCALE,
    TEMPERATURE,
    USE,
    Parameter,
    Score,
)
from oodcache.score.formulas.negative_sums import Asked, NegativeSums
from oodcache.score.formulas.tile import Tile
from oodcache.score.kernel.label_sums import Exponential, Sigmoid, sums_of

Key = tuple[object, ...]
# The only row, the only group.
FIRST = np.zeros(1, np.intp)


@dataclass(frozen=True)
class Fitted:
    """A score's sums over `count` negatives: entry `key` of what `sums` computes for a tile."""

    sums: NegativeSums
    key: Key
    count: int


def grouped(count: int, groups: int, *, seed: int, use_remainder: bool) -> Places:
    """Return the group of each of `count` negatives, in their order, -1 for dropped ones.

    As in the paper, the remainder (the last ones, which fill no group) is dropped first, then the
    rest is permuted and split. With `use_remainder` all are permuted and the first groups get one
    more.

    >>> grouped(5, 2, seed=0, use_remainder=False)
    array([ 0,  1,  0,  1, -1])
    """
    used = count if use_remainder else count - count % groups
    group = np.full(count, -1)
    parts = np.array_split(np.random.default_rng(seed).permutation(used), groups)
    for number, part in enumerate(parts):
        group[part] = number
    return group


def _fit_groups(name: str, *, csp: bool) -> Callable[..., Fitted]:
    def fit(
        sums: NegativeSums,
        *,
        temperature: float,
        groups: float,
        seed: float,
        remainder: float,
        number: float,
        percentile: float,
    ) -> Fitted:
        """Request Σ exp(c/τ) over each group."""
        places = sums.choose(percentile or None, int(number) or None, csp=csp)
        if groups > len(places):
            raise InputError(
                f"{name}: groups={groups:g}, but {sums.name} has only {len(places)} negatives; "
                f"use {name}:groups={len(places)} or fewer"
            )
        group = grouped(len(places), int(groups), seed=int(seed), use_remainder=bool(remainder))
        kept = group >= 0
        key = (name, temperature, groups, seed, remainder, number, percentile)
        asked = Asked(Exponential(temperature), places[kept], group[kept], int(groups))
        sums.ask(key, asked)
        return Fitted(sums, key, len(places))

    return fit


def against_groups(tile: Tile, fitted: Fitted, *, temperature: float, **others: float) -> Scores:
    """Rank as `neglabel`: by log Σ_g σ(d_g) - log Σ_g σ(-d_g), the log-odds of the mean σ(d_g)."""
    inside = softplus(-tile.rows.log_odds(temperature))
    lead = inside - relative(fitted.sums.of(tile)[fitted.key], tile, temperature)
    return log_odds_of_mean(lead)


def relative(log_sums: Scores, tile: Tile, temperature: float) -> Scores:
    """Return logarithms of sums of exp(c/τ) over the nearest class's term."""
    found: Scores = log_sums - tile.rows.top / temperature
    return found


def log_odds_of_mean(leads: Scores) -> Scores:
    """Return the log-odds of the mean over groups of σ(d_g), (N,), from d_g (groups, N)."""
    return _log_sum(-softplus(-leads)) - _log_sum(-softplus(leads))


def _log_sum(logarithms: Scores) -> Scores:
    """Return each column's log Σ exp."""
    largest = logarithms.max(axis=0)
    # If all are -inf, their sum is 0; -inf minus -inf would be NaN.
    finite = np.where(np.isfinite(largest), largest, 0.0)
    total: Scores = finite + np.log(np.exp(logarithms - finite).sum(axis=0))
    return total


def _fit_sigmoid(
    sums: NegativeSums, *, scale: float, bias: float, number: float, percentile: float
) -> Fitted:
    """Request Σ σ(s·c + b) and Σ σ(-s·c - b)."""
    places = sums.choose(percentile or None, int(number) or None, csp=False)
    key = ("neglabel-sigmoid", scale, bias, number, percentile)
    one = np.zeros_like(places)
    for sign in (1, -1):
        sums.ask((*key, sign), Asked(Sigmoid(scale, bias, sign), places, one, 1))
    return Fitted(sums, key, len(places))


def sigmoids_against(
    tile: Tile, fitted: Fitted, *, scale: float, bias: float, **others: float
) -> Scores:
    """Rank as `neglabel-sigmoid`: by log mean σ of the classes minus that of the negatives."""
    found = fitted.sums.of(tile)
    present, missing = (found[(*fitted.key, sign)][0] for sign in (1, -1))
    inside = _log_mean(*log_sigmoid_sums(tile.rows, scale, bias), tile.rows.classes)
    return inside - _log_mean(present, missing, fitted.count)


def _log_mean(present: Scores, missing: Scores, count: int) -> Scores:
    """Return the log of a mean of sigmoids, from log Σ σ(x) and log Σ σ(-x)."""
    small = present - math.log(count)
    lacking = np.exp(np.minimum(missing - math.log(count), -math.log(2)))
    mean: Scores = np.where(present < missing, small, np.log1p(-lacking))
    return mean


def _fit_envisioned(
    sums: NegativeSums, *, temperature: float, beta: float, number: float, percentile: float
) -> Fitted:
    """Request Σ exp(c/τ) over all negatives, and the largest cosine."""
    places = sums.choose(percentile or None, int(number) or None, csp=False)
    key = ("eoe", temperature, number, percentile)
    one = np.zeros_like(places)
    sums.ask((*key, "sum"), Asked(Exponential(temperature), places, one, 1))
    sums.ask_largest((*key, "largest"), places)
    return Fitted(sums, key, len(places))


def envisioned(
    tile: Tile, fitted: Fitted, *, temperature: float, beta: float, **others: float
) -> Scores:
    """Rank as `eoe`: by log (v + β) / (1 - v), a ratio of sums of positive terms."""
    found = fitted.sums.of(tile)
    total = found[(*fitted.key, "sum")][0]
    cosine = found[(*fitted.key, "largest")]
    largest = (cosine - tile.rows.top) / temperature
    # As it was rounded in the sum: a term that is alone leaves nothing.
    own = sums_of(Exponential(temperature), 1, len(cosine))
    own.add(cosine[None].astype(np.float32), FIRST, FIRST)
    share = np.exp(np.minimum(own.logarithms()[0] - total, 0.0))
    rest = relative(total, tile, temperature) + np.log1p(-share)
    others_of_all = np.logaddexp(-tile.rows.log_odds(temperature), rest)
    above = np.logaddexp(math.log1p(beta), (math.log(beta) if beta else -math.inf) + others_of_all)
    below = np.logaddexp(others_of_all, math.log1p(beta) + largest)
    ranks: Scores = above - below
    return ranks


def _shown_share(ranked: Scores, classes: int, **parameters: float) -> Scores:
    return np.exp(-softplus(-ranked))


def _shown_eoe(ranked: Scores, classes: int, *, beta: float, **parameters: float) -> Scores:
    return np.exp(-softplus(-ranked)) - beta * np.exp(-softplus(ranked))


_MINED = {MINED: 0.0}
_CHOICE = {
    "number": Parameter(MINED, least=1, whole=True, words=_MINED),
    "percentile": Parameter(MINED, most=100, words=_MINED),
}
_GROUPS = {
    "temperature": replace(TEMPERATURE, default=0.01),
    "groups": Parameter(100.0, least=1, whole=True),
    "seed": Parameter(0.0, most=2**32 - 1, whole=True),
    "remainder": Parameter(DROP, least=None, words={DROP: 0.0, USE: 1.0}),
    **_CHOICE,
}
NEGATIVE_SCORES: dict[str, Score] = {
    "neglabel": Score(
        fit=_fit_groups("neglabel", csp=False),
        rank=against_groups,
        shown=_shown_share,
        formula="mean over groups g of S/(S + N_g), S = sum_k exp(c_k/temperature), "
        "N_g = sum_(j in g) exp(c_j/temperature)",
        ranks_by="its log-odds: log sum_g sigmoid(d_g) - log sum_g sigmoid(-d_g), "
        "d_g = log S - log N_g",
        source="Jiang et al., ICLR 2024",
        use="the field's strongest zero-shot score if words can name what is not ID",
        limits="ignores the bias; images tie if they have d_g above 36 and below -36, which takes "
        "temperatures well below 0.01",
        parameters=_GROUPS,
        probability=True,
        needs="negatives",
    ),
    "neglabel-sigmoid": Score(
        fit=_fit_sigmoid,
        rank=sigmoids_against,
        shown=_shown_share,
        formula="I/(I + N), I = mean_k sigmoid(scale*c_k + bias), N = mean_j sigmoid(scale*c_j + "
        "bias) over the negatives",
        ranks_by="its log-odds, log I - log N",
        source="neglabel's ratio with SigLIP's own probabilities",
        use="counts the negatives as the model was trained to",
        limits="with all logits far below 0 it ranks as neglabel with one group at 1/scale, "
        "whatever the bias; far above 0 by the mean exp(-scale*c) of negatives over that of "
        "classes; images tie if they have logits above 36 and below -36",
        parameters={"scale": SCALE, "bias": BIAS, **_CHOICE},
        probability=True,
        needs="negatives",
    ),
    "eoe": Score(
        fit=_fit_envisioned,
        rank=envisioned,
        shown=_shown_eoe,
        formula="v = max_k p_k - beta*max_j p_j, p = softmax(c/temperature) over classes k and "
        "negatives j together",
        ranks_by="log((v + beta)/(1 - v))",
        source="Cao et al., ICML 2024",
        use="for a few outlier names, written by a language model or by hand",
        limits="ignores the bias; nearly constant at temperature 1 with many names",
        parameters={
            "temperature": replace(TEMPERATURE, default=1.0),
            "beta": Parameter(0.25, from_least=True),
            **_CHOICE,
        },
        needs="negatives",
    ),
    "csp": Score(
        fit=_fit_groups("csp", csp=True),
        rank=against_groups,
        shown=_shown_share,
        formula="neglabel's, over its negatives and the conjugated pool '{adjective} {superclass}'",
        ranks_by="its log-odds, as neglabel",
        source="Chen et al., NeurIPS 2024",
        use="as neglabel, with more general negatives, each near many OOD images",
        limits="as neglabel; mine the pool with oodcache negatives --csp",
        parameters=_GROUPS,
        probability=True,
        needs="negatives",
    ),
}
