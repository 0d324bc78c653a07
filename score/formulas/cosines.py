"""Cosines of N images with K classes, and the sums that scores share, each computed once.

Sums run over the *other* classes, all but the nearest, relative to the runner-up: nothing
overflows, and the two nearest classes, which decide most, enter in float64. A float32 sum moves a
score a little (docs/scores.md derives how far), but still separates images whose cosines with their
two nearest classes differ, as far as float64 can represent the score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oodcache.cache.computed_once import computed_once
from oodcache.score.kernel.choice import kernel
from oodcache.score.kernel.definition import HIDDEN, Exact, Found, RowSums, Terms
from oodcache.score.kernel.definition import Floats as Floats
from oodcache.score.kernel.definition import Places as Places
from oodcache.score.kernel.definition import Scores as Scores

# Up to this temperature exp(gap / τ) is summed in float32: its rounding, times τ, stays below that
# of the cosines. Above, exp(gap / τ) is close to 1, so exp(gap / τ) - 1 is summed in float64.
FLAT = 1.0
# If logits differ by less, the softmax is nearly uniform: its distance from uniform is computed
# from the differences, in float64, not as a difference of two larger numbers.
NEARLY_UNIFORM = 1.0
# Below, a lead divided by the temperature could overflow, and images would tie at infinity.
COLD = 1e-300
# Smaller differences of logits are stretched to this, and the result, which is quadratic in them,
# is scaled back, with a relative error of the same size.
SMALLEST_SPREAD = 1e-6
# A float32 sum of exponentials below exp(FAR) is recomputed in float64, from the largest.
FAR = -40.0
# Smaller logits are clipped: their exp is 0, and they could be -inf.
LEAST = -1e4


@dataclass(frozen=True)
class NearlyUniform:
    """How far a softmax p over K classes is from uniform, in the `rows` where it is close.

    `log_divergence` is log(log K - H(p)), `log_variance` log(mean (K · p - 1)²); -inf if all
    cosines are equal.
    """

    rows: Places
    log_divergence: Scores
    log_variance: Scores


class Rows:
    """Cosines of N images with K classes, and the quantities that several scores need.

    `top` and `runner_up` are the two largest cosines, float64 (N,), `best` the class of the first;
    with a single class the runner-up is -inf. `cosine` (N, K) is overwritten. `exact` returns the
    float64 cosines of each image with some classes; without it `cosine` has them. Sums `wanted` are
    computed in one sweep, others when they are asked for, and then join it.
    """

    def __init__(
        self, cosine: Floats, exact: Exact | None = None, wanted: list[RowSums] | None = None
    ) -> None:
        self.classes = cosine.shape[1]
        self._gaps = cosine
        self._wanted = [] if wanted is None else wanted
        self._leads: dict[float, Scores] = {}
        self._found: Found = {}
        if self.classes > 1:
            # Each once: two threads may have added the same.
            asked = tuple(dict.fromkeys(self._wanted))
            places, values, self._found = kernel().read(cosine, exact, asked)
        else:
            places = np.zeros(cosine.shape, np.intp)
            values = cosine.astype(np.float64) if exact is None else exact(places)
        self._hidden = np.arange(len(cosine)), places[:, 0].copy()
        # The exact cosines of the two nearest may be in the opposite order.
        exchanged = values[:, -1] > values[:, 0]
        self.best: Places = np.where(exchanged, places[:, -1], places[:, 0])
        self.top: Scores = values.max(axis=1)
        self.runner_up: Scores = (
            values.min(axis=1) if self.classes > 1 else np.full(len(cosine), -np.inf)
        )

    @property
    def margin(self) -> Scores:
        """Return the top cosine minus the runner-up's, +inf with a single class."""
        return self.top - self.runner_up

    def lead(self, temperature: float) -> Scores:
        """Return max c - τ · log mean exp(c / τ), the mean over the *other* classes.

        It rises with the largest softmax probability at τ, and neither cancels nor saturates. It
        lies between the margin, its limit for small τ, and the distance to the others' mean, its
        limit for large τ. With a single class it is +inf.
        """
        if temperature not in self._leads:
            self._leads[temperature] = self._lead(temperature)
        return self._leads[temperature]

    def _lead(self, temperature: float) -> Scores:
        if self.classes == 1:
            return self.margin
        others = self.classes - 1
        if temperature <= FLAT:
            sharp: Scores = self.margin - temperature * np.log(self.sum_exp(temperature) / others)
            return sharp
        scaled = np.multiply(self._gaps, 1 / temperature, dtype=np.float64)
        scaled[self._hidden] = 0.0
        np.expm1(scaled, out=scaled)
        flat: Scores = self.margin - temperature * np.log1p(scaled.sum(axis=1) / others)
        return flat

    def log_odds(self, temperature: float) -> Scores:
        """Return log(p / (1 - p)) of the largest softmax probability p of c / τ."""
        if self.classes == 1:
            return self.margin
        return self.lead(temperature) / max(temperature, COLD) - math.log(self.classes - 1)

    def energy(self, temperature: float) -> Scores:
        """Return τ · log mean exp(c / τ), the mean over all classes.

        The energy's constant τ · log K is omitted: it does not change ranks, and at a large
        temperature it would swamp the cosines' digits.
        """
        share = (self.classes - 1) / self.classes
        others = share * np.expm1(-self.lead(temperature) / temperature)
        energy: Scores = self.top + temperature * np.log1p(others)
        return energy

    def sum_exp(self, temperature: float) -> Scores:
        """Return the sum of exp(gap / τ) over the others, at least the runner-up's 1."""
        return self._sums(RowSums(Terms.EXP, _scale(temperature)))[0]

    def _sums(self, asked: RowSums) -> tuple[Scores, ...]:
        if asked not in self._found:
            self._found |= kernel().sums(self._gaps, self.runner_up, [asked])
            if asked not in self._wanted:
                self._wanted.append(asked)
        return self._found[asked]

    def log_probabilities(self, temperature: float) -> Scores:
        """Return log softmax(c / τ), (N, K), at least -10,000; values near 0 keep their digits."""
        logits = np.subtract(self._gaps, self.margin[:, None], dtype=np.float64)
        logits[self._hidden] = 0
        logits = np.maximum(logits / temperature, LEAST)
        others = np.exp(logits)
        others[self._hidden] = 0
        log_softmax: Scores = logits - np.log1p(others.sum(axis=1))[:, None]
        return log_softmax

    def squares(self, temperature: float) -> Scores:
        """Return the sum of the squares of exp(gap / τ) over the others."""
        return self._sums(RowSums(Terms.MOMENTS, _scale(temperature)))[1]

    def weighted_gaps(self, temperature: float) -> Scores:
        """Return the sum of exp(gap / τ) · gap over the others."""
        return self._sums(RowSums(Terms.MOMENTS, _scale(temperature)))[2]

    def nearest_gaps(self, count: int) -> Floats:
        """Return the gaps of the `count` nearest other classes, unordered."""
        others = self.classes - 1
        assert count <= others
        if count < others:
            return np.partition(self._gaps, self.classes - count, axis=1)[:, self.classes - count :]
        ordered = np.sort(self._gaps, axis=1)
        return ordered[:, 1:]

    def nearly_uniform(self, temperature: float) -> NearlyUniform:
        """Return how far softmax(c / τ) is from uniform, in the rows where it is close."""
        rows = np.flatnonzero(self._spread / temperature < NEARLY_UNIFORM)
        some = slice(None) if len(rows) == len(self._gaps) else rows
        spread = self._spread[some] / temperature
        stretch = SMALLEST_SPREAD / np.clip(spread, np.finfo(float).tiny, SMALLEST_SPREAD)
        logits = self._gaps[some].astype(np.float64)
        logits[np.arange(len(rows)), self._hidden[1][some]] = self.margin[some]
        logits /= temperature  # Separately: the product could overflow if all cosines are equal.
        logits *= stretch[:, None]
        # No product by BLAS: its bits depend on the number of rows, which here other images decide.
        logits -= logits.mean(axis=1, keepdims=True)
        excess = np.expm1(logits)
        mean = excess.mean(axis=1)
        weighted = _sum_of_products(logits, excess) / self.classes + logits.mean(axis=1)
        squares = _sum_of_products(excess, excess) / self.classes
        shrink = -2 * np.log(stretch)
        return NearlyUniform(
            rows,
            log_divergence=shrink + np.log(weighted / (1 + mean) - np.log1p(mean)),
            log_variance=shrink + np.log(squares - mean**2) - 2 * np.log1p(mean),
        )

    @computed_once
    def _spread(self) -> Scores:
        """Return the cosine of the nearest class minus that of the farthest."""
        self._gaps[self._hidden] = 0
        farthest = self._gaps.min(axis=1)
        self._gaps[self._hidden] = HIDDEN
        spread: Scores = self.margin - farthest
        return spread

    def softplus(self, scale: float, bias: float) -> Scores:
        """Return the sum of log(1 + exp(s · c + b)) over the others."""
        return self._sums(RowSums(Terms.SOFTPLUS, scale, bias))[0]

    def log_sigmoids(self, scale: float, bias: float) -> tuple[Scores, Scores]:
        """Return log Σ σ(s · c + b) and log Σ σ(-s · c - b) over the others."""
        inside, outside = self._sums(RowSums(Terms.SIGMOIDS, scale, bias))
        return np.log(inside), self._log_outside(outside, scale, bias)

    def _log_outside(self, negative: Scores, scale: float, bias: float) -> Scores:
        """Return log Σ σ(-x) over the others, recomputed in float64 where that sum is tiny."""
        found: Scores = np.log(negative)
        tiny = np.flatnonzero(negative < math.exp(FAR))
        if len(tiny):
            logits = scale * (self._gaps[tiny] + self.runner_up[tiny, None]) + bias
            logits[np.arange(len(tiny)), self._hidden[1][tiny]] = np.inf
            least = logits.min(axis=1)
            found[tiny] = np.log(np.exp(least[:, None] - logits).sum(axis=1)) - least
        return found


def product(left: Floats, right: Floats, out: Floats | None = None) -> Floats:
    """Return the matrix product of finite numbers, in `out` if given."""
    # BLAS also computes on unused register lanes, and warns about them: numpy issue 24067.
    with np.errstate(invalid="ignore"):
        return np.asarray(np.matmul(left, right, out=out))


def _scale(temperature: float) -> float:
    return 1 / temperature if temperature > COLD else np.finfo(float).max


def _sum_of_products(left: Floats, right: Floats) -> Scores:
    """Return each row's sum of left times right."""
    total: Scores = np.einsum("ij,ij->i", left, right).astype(np.float64)
    return total
