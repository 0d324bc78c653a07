"""The scores of an image's cosines with the classes: formulas, sources, and what to tell of them.

A score has two forms. The one that is *shown* is the paper's formula; in floating point it
saturates, and thousands of images can share one value. The one that *ranks* is a strictly rising
function of it in exact arithmetic and does not saturate: a float64 (N,) from a tile, higher being
more in-distribution. Every metric uses it. Either follows from the other, so only the ranking form
is computed from the cosines.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from oodcache.score.formulas.cosines import FAR, Rows, Scores
from oodcache.score.formulas.definition import BIAS, SCALE, TEMPERATURE, Parameter, Score
from oodcache.score.formulas.tile import Tile


def lead(tile: Tile, fitted: None, *, temperature: float) -> Scores:
    """Rank as `mcm`: by how far the nearest class leads the others."""
    return tile.rows.lead(temperature)


def nearest(tile: Tile, fitted: None, **parameters: float) -> Scores:
    """Rank as `max-logit` and `sigmoid-mcm`: by the largest cosine, whatever scale and bias."""
    return tile.rows.top


def energy(tile: Tile, fitted: None, *, temperature: float) -> Scores:
    """Rank as `energy`: by the energy less temperature · log K."""
    return tile.rows.energy(temperature)


def certainty(tile: Tile, fitted: None, *, temperature: float) -> Scores:
    """Rank as `entropy`: by log((log K - H) / H), which keeps its digits at both ends."""
    rows = tile.rows
    log_odds = rows.log_odds(temperature)
    if rows.classes == 1:
        return log_odds
    # With q = 1 - p: H = H(p, q) + q · H(others), so q is a factor of H, and may be e^-1000.
    log_p, log_q = -softplus(-log_odds), -softplus(log_odds)
    total = rows.sum_exp(temperature)
    of_others = np.log(total) - rows.weighted_gaps(temperature) / (temperature * total)
    q = np.exp(log_q)
    of_p = np.exp(log_p) * np.where(q > 0, -np.log1p(-q) / np.where(q > 0, q, 1.0), 1.0)
    log_entropy = log_q + np.log(of_p - log_q + of_others)
    divergence = math.log(rows.classes) - np.exp(log_entropy)
    log_divergence = np.log(np.maximum(divergence, np.finfo(float).tiny))
    near = rows.nearly_uniform(temperature)
    log_divergence[near.rows] = near.log_divergence
    log_entropy[near.rows] = np.log(math.log(rows.classes) - np.exp(near.log_divergence))
    ranks: Scores = log_divergence - log_entropy
    return ranks


def unevenness(tile: Tile, fitted: None, *, temperature: float) -> Scores:
    """Rank as `variance`: by log(V / (V_max - V)), which keeps its digits at both ends."""
    rows = tile.rows
    log_odds = rows.log_odds(temperature)
    if rows.classes == 1:
        return log_odds
    # With q = 1 - p and r the others' shares of it: 1 - sum p² = q · (2 - q · (1 + sum r²)).
    log_q = -softplus(log_odds)
    squares = rows.squares(temperature) / rows.sum_exp(temperature) ** 2
    log_missing = log_q + np.log(2 - np.exp(log_q) * (1 + squares))
    largest = 1 - 1 / rows.classes
    log_variance = np.log(np.maximum(largest - np.exp(log_missing), np.finfo(float).tiny))
    near = rows.nearly_uniform(temperature)
    log_variance[near.rows] = near.log_variance - math.log(rows.classes)
    log_missing[near.rows] = np.log(largest - np.exp(log_variance[near.rows]))
    ranks: Scores = log_variance - log_missing
    return ranks


def margin(tile: Tile, fitted: None) -> Scores:
    """Rank as `margin`."""
    return tile.rows.margin


def generalized_entropy(
    tile: Tile, fitted: None, *, temperature: float, gamma: float, top: float
) -> Scores:
    """Rank as `gen`: by minus the logarithm of the generalized entropy."""
    rows = tile.rows
    log_odds = rows.log_odds(temperature)
    counted = min(int(top), rows.classes) - 1
    log_p, log_q = -softplus(-log_odds), -softplus(log_odds)
    if not counted:
        return -gamma * (log_p + log_q)
    # No other class has more than half the probability, so that 1 - p keeps its digits.
    others = (rows.nearest_gaps(counted) - rows.margin[:, None]) / temperature + log_p[:, None]
    np.minimum(others, -math.log(2), out=others)
    others += np.log1p(-np.exp(others))
    terms = gamma * np.column_stack([log_p + log_q, others])
    largest = terms.max(axis=1)
    log_sum: Scores = largest + np.log(np.exp(terms - largest[:, None]).sum(axis=1))
    return -log_sum


def joint_energy(tile: Tile, fitted: None, *, scale: float, bias: float) -> Scores:
    """Rank as `joint-energy`: by its logarithm."""
    rows = tile.rows
    logits = scale * rows.top + bias
    total = softplus(logits)
    if rows.classes > 1:
        total += rows.softplus(scale, bias)
    return _log_or_far(total, rows, scale, bias)


def sigmoid_sum(tile: Tile, fitted: None, *, scale: float, bias: float) -> Scores:
    """Rank as `sigmoid-sum`: by log(S / (K - S)), which keeps its digits at both ends."""
    rows = tile.rows
    if rows.classes == 1:
        return scale * rows.top + bias
    present, missing = log_sigmoid_sums(rows, scale, bias)
    return present - missing


def log_sigmoid_sums(rows: Rows, scale: float, bias: float) -> tuple[Scores, Scores]:
    """Return log Σ σ(s · c + b) and log Σ σ(-s · c - b) over all classes."""
    logits = scale * rows.top + bias
    if rows.classes == 1:
        return -softplus(-logits), -softplus(logits)
    inside, outside = rows.log_sigmoids(scale, bias)
    total = np.exp(np.logaddexp(-softplus(-logits), inside))
    missing: Scores = np.logaddexp(-softplus(logits), outside)
    return _log_or_far(total, rows, scale, bias), missing


def _log_or_far(total: Scores, rows: Rows, scale: float, bias: float) -> Scores:
    """Return log total; where all logits are far below 0, log sum exp(s · c + b) instead.

    There both softplus and sigmoid are exp, and their sums may underflow.
    """
    far = scale * rows.top + bias < FAR
    log_total: Scores = np.log(np.where(far, 1.0, total))
    if far.any():
        temperature = min(1 / scale, np.finfo(float).max)
        energies = scale * rows.energy(temperature) + bias + math.log(rows.classes)
        log_total = np.where(far, energies, log_total)
    return log_total


def softplus(logits: Scores) -> Scores:
    """Return log(1 + exp(x)), which is -log σ(-x)."""
    found: Scores = np.maximum(logits, 0) + np.log1p(np.exp(-np.abs(logits)))
    return found


def _sigmoid(logits: Scores) -> Scores:
    smaller = np.exp(-np.abs(logits))
    return np.where(logits < 0, smaller, 1.0) / (1.0 + smaller)


def _shown_mcm(ranked: Scores, classes: int, *, temperature: float) -> Scores:
    return _sigmoid(ranked / temperature - math.log(max(classes - 1, 1)))


def _shown_variance(ranked: Scores, classes: int, **parameters: float) -> Scores:
    return _sigmoid(ranked) * (1 - 1 / classes) / classes


CLASS_SCORES: dict[str, Score] = {
    "mcm": Score(
        rank=lead,
        shown=_shown_mcm,
        formula="max_k softmax(c/temperature)_k",
        ranks_by="max c - temperature * log mean of the others' exp(c/temperature)",
        source="Ming et al., NeurIPS 2022",
        use="the field's baseline; temperature=learned is 1/s, 'MSP on CLIP'",
        limits="blind to the bias; ranks as margin for a temperature near 0, as max c - mean c "
        "for a large one; with one class all images tie",
        parameters={"temperature": replace(TEMPERATURE, default=1.0)},
        probability=True,
    ),
    "sigmoid-mcm": Score(
        rank=nearest,
        shown=lambda ranked, classes, *, scale, bias: _sigmoid(scale * ranked + bias),
        formula="max_k sigmoid(scale*c_k + bias)",
        ranks_by="max c",
        source="SigLIP's own loss, Zhai et al., ICCV 2023",
        use="its absolute value is a probability for each class apart",
        limits="ranks exactly as max-logit, whatever its scale and bias",
        parameters={"scale": SCALE, "bias": BIAS},
        probability=True,
    ),
    "max-logit": Score(
        rank=nearest,
        formula="max_k c_k",
        ranks_by="itself",
        source="Hendrycks et al., ICML 2022; also called MaxCosine",
        use="no parameter to choose; works with a single class",
        limits="sees one class",
    ),
    "energy": Score(
        rank=energy,
        shown=lambda ranked, classes, *, temperature: ranked + temperature * math.log(classes),
        formula="temperature*logsumexp_k(c/temperature)",
        ranks_by="temperature * log mean exp(c/temperature)",
        source="Liu et al., NeurIPS 2020",
        use="counts every class that fits, not the best alone",
        limits="a bias adds itself to every image; ranks as max-logit for a temperature near 0, "
        "as mean c for a large one",
        parameters={"temperature": TEMPERATURE},
    ),
    "entropy": Score(
        rank=certainty,
        shown=lambda ranked, classes, *, temperature: -math.log(classes) * _sigmoid(-ranked),
        formula="sum_k p_k*log(p_k), p = softmax(c/temperature)",
        ranks_by="log((log K - H)/H), H the entropy",
        source="Hendrycks and Gimpel, ICLR 2017; in MCM's code",
        use="a softmax whose whole shape counts, not its top alone",
        limits="blind to the bias; ranks as mcm where one class has nearly all, as the variance of "
        "the cosines for a large temperature; with one class all images tie",
        parameters={"temperature": TEMPERATURE},
    ),
    "variance": Score(
        rank=unevenness,
        shown=_shown_variance,
        formula="var_k p_k, p = softmax(c/temperature)",
        ranks_by="log(V/(V_max - V)), V the variance, V_max = (1 - 1/K)/K",
        source="Ming et al., NeurIPS 2022, their code",
        use="as entropy, with more weight on the nearest class",
        limits="blind to the bias; ranks as mcm where one class has nearly all, as the variance of "
        "the cosines for a large temperature; with one class all images tie",
        parameters={"temperature": TEMPERATURE},
    ),
    "margin": Score(
        rank=margin,
        formula="c_(1) - c_(2), the largest cosine less the second",
        ranks_by="itself",
        source="mcm's limit for a small temperature",
        use="no parameter to choose; blind to scale and bias",
        limits="two classes with the same text make it 0; with one class it is infinite",
    ),
    "gen": Score(
        rank=generalized_entropy,
        shown=lambda ranked, classes, **parameters: -np.exp(-ranked),
        formula="-sum over the `top` largest p_k of (p_k*(1 - p_k))^gamma, "
        "p = softmax(c/temperature)",
        ranks_by="minus the logarithm of that sum",
        source="Liu et al., CVPR 2023",
        use="an entropy that hears the small probabilities",
        limits="blind to the bias; counts at most K classes; nearly flat where it counts them "
        "all at a temperature that makes the softmax nearly uniform",
        parameters={
            "temperature": TEMPERATURE,
            "gamma": Parameter(0.1),
            "top": Parameter(100.0, least=1, whole=True),
        },
    ),
    "joint-energy": Score(
        rank=joint_energy,
        shown=lambda ranked, classes, **parameters: np.exp(ranked),
        formula="sum_k softplus(scale*c_k + bias)",
        ranks_by="its logarithm",
        source="Wang et al., NeurIPS 2021",
        use="the energy of independent sigmoids: the bias says which classes count",
        limits="ranks as energy at 1/scale where all logits lie far below 0, and then no bias "
        "counts; as mean c where all lie far above",
        parameters={"scale": SCALE, "bias": BIAS},
    ),
    "sigmoid-sum": Score(
        rank=sigmoid_sum,
        shown=lambda ranked, classes, **parameters: classes * _sigmoid(ranked),
        formula="sum_k sigmoid(scale*c_k + bias)",
        ranks_by="log(S/(K - S)), S that sum",
        source="the expected number of classes that fit, by SigLIP's own probabilities",
        use="counts the classes that the model says fit",
        limits="ranks as energy at 1/scale where all logits lie far below 0, and then no bias "
        "counts; images tie where logits lie beyond 36 on both sides of 0; with one class it ranks "
        "as max-logit",
        parameters={"scale": SCALE, "bias": BIAS},
    ),
}
