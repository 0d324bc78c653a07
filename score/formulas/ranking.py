"""The forms that rank: a float64 (N,) from Rows for each score, higher being more in-distribution.

In exact arithmetic each is a strictly rising function of the score's shown form, and it keeps its
digits where that one saturates. `scores` has the formulas, their sources, and the way back.
"""

from __future__ import annotations

import math

import numpy as np

from oodcache.score.formulas.cosines import FAR, Rows, Scores


def lead(rows: Rows, *, temperature: float) -> Scores:
    """Rank as `mcm`: by how far the nearest class leads the others."""
    return rows.lead(temperature)


def nearest(rows: Rows, **parameters: float) -> Scores:
    """Rank as `max-logit` and `sigmoid-mcm`: by the largest cosine, whatever scale and bias."""
    return rows.top


def energy(rows: Rows, *, temperature: float) -> Scores:
    """Rank as `energy`: by the energy less temperature · log K."""
    return rows.energy(temperature)


def certainty(rows: Rows, *, temperature: float) -> Scores:
    """Rank as `entropy`: by log((log K - H) / H), which keeps its digits at both ends."""
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


def unevenness(rows: Rows, *, temperature: float) -> Scores:
    """Rank as `variance`: by log(V / (V_max - V)), which keeps its digits at both ends."""
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


def margin(rows: Rows) -> Scores:
    """Rank as `margin`."""
    return rows.margin


def generalized_entropy(rows: Rows, *, temperature: float, gamma: float, top: float) -> Scores:
    """Rank as `gen`: by minus the logarithm of the generalized entropy."""
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


def joint_energy(rows: Rows, *, scale: float, bias: float) -> Scores:
    """Rank as `joint-energy`: by its logarithm."""
    logits = scale * rows.top + bias
    total = softplus(logits)
    if rows.classes > 1:
        total += rows.softplus(scale, bias)
    return _log_or_far(total, rows, scale, bias)


def sigmoid_sum(rows: Rows, *, scale: float, bias: float) -> Scores:
    """Rank as `sigmoid-sum`: by log(S / (K - S)), which keeps its digits at both ends."""
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
