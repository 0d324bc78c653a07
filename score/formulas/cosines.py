"""Cosines of N images with K classes, and the sums that scores share, each computed once.

Sums run over the *other* classes, all but the nearest, relative to the runner-up: nothing
overflows, and the two nearest classes, which decide most, enter in float64. A float32 sum moves a
score in its seventh digit, but still separates images whose cosines with their two nearest classes
differ, as far as float64 can represent the score.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Scores = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

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
# How often pairs of factors 1 + exp(-|x|) are multiplied before a logarithm is taken.
FOLDS = 3
# A larger exponent could overflow float32 once multiplied.
HIGHEST = 80.0
# Smaller logits are clipped: their exp is 0, and they could be -inf.
LEAST = -1e4
# Logits with a scale or bias above this are float64: float32 might overflow.
LARGE = 1e30


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
    float64 cosine of each image with one class; without it `cosine` has them.
    """

    def __init__(self, cosine: Floats, exact: Callable[[Places], Scores] | None = None) -> None:
        at = np.arange(len(cosine))
        read = exact or (lambda places: cosine[at, places].astype(np.float64))
        self.classes = cosine.shape[1]
        self.best: Places = cosine.argmax(axis=1)
        self.top = read(self.best)
        self.runner_up: Scores = np.full(len(cosine), -np.inf)
        self._hidden = at, self.best
        self._leads: dict[float, Scores] = {}
        self._latest: tuple[float, Floats] | None = None
        if self.classes > 1:
            cosine[self._hidden] = -np.inf
            second: Places = cosine.argmax(axis=1)
            second_largest = cosine[at, second]
            self.runner_up = read(second)
            self._order(second)
            cosine -= second_largest[:, None]
            # Low enough to add nothing to a sum of exponentials, but finite: times 0 it is 0.
            cosine[self._hidden] = np.finfo(cosine.dtype).min / 4
        self._gaps = cosine

    def _order(self, second: Places) -> None:
        """Swap the top two classes if their exact cosines are in the opposite order."""
        exchanged = self.runner_up > self.top
        if exchanged.any():
            self.best = np.where(exchanged, second, self.best)
            self.top, self.runner_up = (
                np.maximum(self.top, self.runner_up),
                np.minimum(self.top, self.runner_up),
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
        return _sum(self._exponentials(temperature))

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
        exponentials = self._exponentials(temperature)
        return _sum_of_products(exponentials, exponentials)

    def weighted_gaps(self, temperature: float) -> Scores:
        """Return the sum of exp(gap / τ) · gap over the others."""
        return _sum_of_products(self._exponentials(temperature), self._gaps)

    def _exponentials(self, temperature: float) -> Floats:
        """Return exp(gap / τ), 0 for the nearest class; the latest result is cached."""
        if self._latest is None or self._latest[0] != temperature:
            # An infinite factor would turn the runner-up's gap of 0 into NaN.
            factor = min(1 / temperature, float(np.finfo(self._gaps.dtype).max))
            scaled = self._gaps * self._gaps.dtype.type(factor)
            self._latest = temperature, np.exp(scaled, out=scaled)
        return self._latest[1]

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
        # Not `_sum`: BLAS results depend on the number of rows, which here other images decide.
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

    @cached_property
    def _spread(self) -> Scores:
        """Return the cosine of the nearest class minus that of the farthest."""
        self._gaps[self._hidden] = 0
        farthest = self._gaps.min(axis=1)
        self._gaps[self._hidden] = np.finfo(self._gaps.dtype).min / 4
        spread: Scores = self.margin - farthest
        return spread

    def softplus(self, scale: float, bias: float) -> Scores:
        """Return the sum of log(1 + exp(s · c + b)) over the others."""
        logits, highest = self._logits(scale, bias)
        linear: Scores | float = 0.0
        # Without positive logits this changes no bit, so images do not depend on others of a tile.
        if highest > 0:
            linear = _sum(np.maximum(logits, 0))
            np.abs(logits, out=logits)
            np.negative(logits, out=logits)
        np.exp(logits, out=logits)
        return linear + _sum(np.log1p(_folded(logits)))

    def log_sigmoids(self, scale: float, bias: float) -> tuple[Scores, Scores]:
        """Return log Σ σ(s · c + b) and log Σ σ(-s · c - b) over the others."""
        logits, highest = self._logits(scale, bias)
        if highest > HIGHEST:
            np.minimum(logits, HIGHEST, out=logits)
        np.exp(logits, out=logits)
        outside = logits + 1
        np.divide(1, outside, out=outside)
        outside[self._hidden] = 0
        logits *= outside
        negative = _sum(outside)
        return np.log(_sum(logits)), self._log_outside(negative, scale, bias)

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

    def _logits(self, scale: float, bias: float) -> tuple[Floats, float]:
        """Return s · c + b, -inf for the nearest class, and the largest."""
        held = self._gaps.dtype.type if max(scale, abs(bias)) < LARGE else np.float64
        logits = self._gaps * held(scale)
        runners_up = scale * self.runner_up + bias
        logits += runners_up.astype(logits.dtype)[:, None]
        logits[self._hidden] = -np.inf
        return logits, float(runners_up.max(initial=-np.inf))


def product(left: Floats, right: Floats, out: Floats | None = None) -> Floats:
    """Return the matrix product of finite numbers, in `out` if given."""
    # BLAS also computes on unused register lanes, and warns about them: numpy issue 24067.
    with np.errstate(invalid="ignore"):
        return np.asarray(np.matmul(left, right, out=out))


def _sum(terms: Floats) -> Scores:
    """Return each row's sum."""
    # A product with ones: BLAS sums rows several times as fast as NumPy.
    return product(terms, np.ones(terms.shape[1], terms.dtype)).astype(np.float64)


def _sum_of_products(left: Floats, right: Floats) -> Scores:
    """Return each row's sum of left times right."""
    total: Scores = np.einsum("ij,ij->i", left, right).astype(np.float64)
    return total


def _folded(values: Floats) -> Floats:
    """Return fewer columns with the same product of (1 + v); `values` is overwritten.

    (1 + a) · (1 + b) = 1 + (a + b + a · b): nothing is added to 1, so small values keep their
    digits, and an eighth of the logarithms is left.
    """
    for _ in range(FOLDS):
        half = values.shape[1] // 2
        if not half:
            break
        kept, other = values[:, -half:], values[:, -2 * half : -half]
        both = kept * other
        kept += other
        kept += both
        if values.shape[1] % 2:
            # The unpaired column moves next to the kept ones.
            values[:, half] = values[:, 0]
            values = values[:, half:]
        else:
            values = kept
    return values
