"""Conformal threshold of a score: it rejects few in-distribution (ID) images.

n images calibrate; the score was neither made nor chosen with them. An image is rejected if its
score is below the k-th smallest of theirs. A score is float64, (N,), in the ranking form; higher is
more ID, infinities rank as any number.

A new ID image that is exchangeable with the n is rejected with probability k / (n + 1), on average
over calibration sets, and less if scores tie (Vovk et al. 2005; Angelopoulos & Bates,
arXiv:2107.07511). The share that one set's threshold rejects is Beta(k, n + 1 - k), or less if
scores tie. Nothing is promised about OOD images.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Scores

# Of the bound for one set, unless the user asks for another.
USUAL_CONFIDENCE = 0.95
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Threshold:
    """The k-th smallest of n ascending `scores`, (n,).

    `alpha` is the share of ID images that may be rejected: on average over calibration sets if
    `confidence` is None, otherwise by this set's threshold, with that confidence.
    """

    scores: Scores
    k: int
    alpha: float
    confidence: float | None = None

    @property
    def n(self) -> int:
        """Return the number of calibration images."""
        return len(self.scores)

    @property
    def value(self) -> float:
        """Return the score below which an image is rejected."""
        return float(self.scores[self.k - 1])

    @property
    def of_set(self) -> float:
        """Return the confidence of `bound`."""
        return USUAL_CONFIDENCE if self.confidence is None else self.confidence

    @property
    def bound(self) -> float:
        """Return the largest share of ID that this set's threshold rejects, at `of_set`."""
        return beta_quantile(self.of_set, self.k, self.n)

    def keeps(self, scores: Scores) -> npt.NDArray[np.bool_]:
        """Return which images are judged ID: those at or above the threshold."""
        return scores >= self.value

    def p_values(self, scores: Scores) -> Scores:
        """Return (1 + number of calibration scores as low or lower) / (n + 1) for each image.

        It is at most k / (n + 1) exactly if `keeps` is false.
        """
        return (1 + np.searchsorted(self.scores, scores, side="right")) / (self.n + 1)


def calibrate(scores: Scores, alpha: float, confidence: float | None = None) -> Threshold:
    """Return the threshold that rejects at most `alpha` of ID, from scores of ID images.

    That holds on average over calibration sets, or with `confidence` for this set.

    >>> calibrate(np.arange(29.0), 0.1).value
    2.0

    Raises InputError if there are too few images, or if a score is NaN.
    """
    if unranked := int(np.count_nonzero(np.isnan(scores))):
        what = f"{unranked:,} of {len(scores):,} images have NaN scores"
        raise InputError(f"{what}, which cannot be ranked")
    k = place(len(scores), alpha, confidence)
    if not k:
        what = f"alpha {alpha:g}" + (f" with confidence {confidence:g}" if confidence else "")
        raise InputError(
            f"{len(scores):,} images are too few to calibrate: {what} needs at least "
            f"{least(alpha, confidence):,}; give more images, or a larger --alpha"
        )
    return Threshold(np.sort(scores), k, alpha, confidence)


def place(n: int, alpha: float, confidence: float | None = None) -> int:
    """Return k, the threshold's rank among n scores, counted from 1; 0 if n is too small.

    It is the largest k with k / (n + 1) at most `alpha`, or with `confidence` the largest whose
    Beta(k, n + 1 - k) is at most `alpha` with that probability.

    >>> place(29, 0.1), place(59, 0.05, 0.95), place(58, 0.05, 0.95)
    (3, 1, 0)
    """
    if confidence is None:
        # Exact for the decimals typed: 0.1 * (29 + 1) may be below 3 in floating point.
        return math.floor(Fraction(repr(alpha)) * (n + 1))
    from scipy.special import betainc

    below, above = 0, n + 1
    while above - below > 1:
        middle = (below + above) // 2
        # A tolerance, so that rounding does not decide ties: 1 - (1 - 0.5)^2 must reach 0.75.
        if float(betainc(middle, n + 1 - middle, alpha)) * (1 + 1e-12) >= confidence:
            below = middle
        else:
            above = middle
    return below


def least(alpha: float, confidence: float | None = None) -> int:
    """Return the smallest number of images that gives a threshold.

    >>> least(0.05), least(0.05, 0.95)
    (19, 59)
    """
    if confidence is None:
        return math.ceil(1 / Fraction(repr(alpha))) - 1
    n = max(1, math.ceil(math.log1p(-confidence) / math.log1p(-alpha)) - 1)
    # The quotient may be off by rounding, so `place` decides.
    while not place(n, alpha, confidence):
        n += max(1, n >> 40)
    return n


def beta_quantile(confidence: float, k: int, n: int) -> float:
    """Return the quantile of Beta(k, n + 1 - k) at `confidence`."""
    from scipy.special import betaincinv

    return float(betaincinv(k, n + 1 - k, confidence))
