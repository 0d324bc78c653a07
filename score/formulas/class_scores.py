"""Class scores, from an image's cosines with the classes: formulas, sources, descriptions.

A score has two forms. The *shown* form is the paper's formula, which saturates in floating point:
thousands of images can share one value. The *ranking* form, which every metric uses, is a strictly
rising function of it that does not saturate: float64 (N,) from a tile, higher being more
in-distribution. The shown form is computed from the ranking form.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from oodcache.score.formulas.cosines import FAR, Rows, Scores
from oodcache.score.formulas.definition import BIAS, SCALE, TEMPERATURE, Parameter, Score
from oodcache.score.formulas.tile import Tile


def lead(tile: Tile, fitted: None, *, temperature: float) -> Scores:
    """Rank as `mcm`: by the lead of the nearest class over the others."""
    return tile.rows.lead(temperature)


def nearest(tile: Tile, fitted: None, **parameters: float) -> Scores:
    """Rank as `max-logit` and `sigmoid-mcm`: by the largest cosine, for any scale and bias."""
    return tile.rows.top


def energy(tile: Tile, fitted: None, *, temperature: float) -> Scores:
    """Rank as `energy`: by the energy minus temperature · log K."""
    return tile.rows.energy(temperature)


def certainty(tile: Tile, fitted: None, *, temperature: float) -> Scores:
    """Rank as `entropy`: by log((log K - H) / H), which keeps its digits at both ends."""
    rows = tile.rows
    if rows.classes == 1:
        return rows.log_odds(temperature)
    log_entropy = log_entropies(rows, temperature)
    divergence = math.log(rows.classes) - np.exp(log_entropy)
    log_divergence = np.log(np.maximum(divergence, np.finfo(float).tiny))
    near = rows.nearly_uniform(temperature)
    log_divergence[near.rows] = near.log_divergence
    log_entropy[near.rows] = np.log(math.log(rows.classes) - np.exp(near.log_divergence))
    ranks: Scores = log_divergence - log_entropy
    return ranks


def log_entropies(rows: Rows, temperature: float) -> Scores:
    """Return the logarithm of the entropy of softmax(c/τ), (N,), which keeps its digits near 0.

    With a single class it is -inf.
    """
    if rows.classes == 1:
        return -rows.margin
    # With q = 1 - p, H = H(p, q) + q · H(others): q is a factor of H, and may be e^-1000.
    log_odds = rows.log_odds(temperature)
    log_p, log_q = -softplus(-log_odds), -softplus(log_odds)
    total = rows.sum_exp(temperature)
    of_others = np.log(total) - rows.weighted_gaps(temperature) / (temperature * total)
    q = np.exp(log_q)
    of_p = np.exp(log_p) * np.where(q > 0, -np.log1p(-q) / np.where(q > 0, q, 1.0), 1.0)
    log_entropy: Scores = log_q + np.log(of_p - log_q + of_others)
    return log_entropy


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
    # No other class has more than half the probability, so 1 - p keeps its digits.
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
    """Return log total, or log sum exp(s · c + b) if all logits are far below 0.

    There softplus and sigmoid equal exp, and their sums may underflow.
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
        limits="ignores the bias; ranks as margin for a temperature near 0, as max c - mean c "
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
        use="its value is a probability, independent for each class",
        limits="ranks exactly as max-logit, for any scale and bias",
        parameters={"scale": SCALE, "bias": BIAS},
        probability=True,
    ),
    "max-logit": Score(
        rank=nearest,
        formula="max_k c_k",
        ranks_by="itself",
        source="Hendrycks et al., ICML 2022; also called MaxCosine",
        use="no parameters; works with a single class",
        limits="uses only the nearest class",
    ),
    "energy": Score(
        rank=energy,
        shown=lambda ranked, classes, *, temperature: ranked + temperature * math.log(classes),
        formula="temperature*logsumexp_k(c/temperature)",
        ranks_by="temperature * log mean exp(c/temperature)",
        source="Liu et al., NeurIPS 2020",
        use="counts every class that fits, not only the best",
        limits="a bias would add a constant; ranks as max-logit for a temperature near 0, as "
        "mean c for a large one",
        parameters={"temperature": TEMPERATURE},
    ),
    "entropy": Score(
        rank=certainty,
        shown=lambda ranked, classes, *, temperature: -math.log(classes) * _sigmoid(-ranked),
        formula="sum_k p_k*log(p_k), p = softmax(c/temperature)",
        ranks_by="log((log K - H)/H), H the entropy",
        source="Hendrycks and Gimpel, ICLR 2017; in MCM's code",
        use="uses the whole softmax, not only its maximum",
        limits="ignores the bias; ranks as mcm if one class has nearly all probability, as the "
        "variance of the cosines for a large temperature; with one class all images tie",
        parameters={"temperature": TEMPERATURE},
    ),
    "variance": Score(
        rank=unevenness,
        shown=_shown_variance,
        formula="var_k p_k, p = softmax(c/temperature)",
        ranks_by="log(V/(V_max - V)), V the variance, V_max = (1 - 1/K)/K",
        source="Ming et al., NeurIPS 2022, their code",
        use="as entropy, with more weight on the nearest class",
        limits="ignores the bias; ranks as mcm if one class has nearly all probability, as the "
        "variance of the cosines for a large temperature; with one class all images tie",
        parameters={"temperature": TEMPERATURE},
    ),
    "margin": Score(
        rank=margin,
        formula="c_(1) - c_(2), the largest cosine minus the second",
        ranks_by="itself",
        source="mcm's limit for a small temperature",
        use="no parameters; independent of scale and bias",
        limits="0 if two classes have the same text; infinite with one class",
    ),
    "gen": Score(
        rank=generalized_entropy,
        shown=lambda ranked, classes, **parameters: -np.exp(-ranked),
        formula="-sum over the `top` largest p_k of (p_k*(1 - p_k))^gamma, "
        "p = softmax(c/temperature)",
        ranks_by="minus the logarithm of that sum",
        source="Liu et al., CVPR 2023",
        use="an entropy that is sensitive to small probabilities",
        limits="ignores the bias; counts at most K classes; nearly constant if it counts all of "
        "them and the temperature makes the softmax nearly uniform",
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
        use="the energy of independent sigmoids: the bias decides which classes count",
        limits="ranks as energy at 1/scale, whatever the bias, if all logits are far below 0; as "
        "mean c if all are far above",
        parameters={"scale": SCALE, "bias": BIAS},
    ),
    "sigmoid-sum": Score(
        rank=sigmoid_sum,
        shown=lambda ranked, classes, **parameters: classes * _sigmoid(ranked),
        formula="sum_k sigmoid(scale*c_k + bias)",
        ranks_by="log(S/(K - S)), S that sum",
        source="the expected number of classes that fit, by SigLIP's own probabilities",
        use="counts the classes that fit, according to the model",
        limits="ranks as energy at 1/scale, whatever the bias, if all logits are far below 0; "
        "images tie if they have logits above 36 and below -36; with one class it ranks as "
        "max-logit",
        parameters={"scale": SCALE, "bias": BIAS},
    ),
}
