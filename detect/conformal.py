"""From a score to a decision: the threshold that refuses few in-distribution (ID) images.

n images calibrate, none of which the score was made or chosen with. An image is refused if its
score lies below the k-th smallest of theirs. A score is float64, (N,), in the form that ranks;
higher is more ID, infinities rank as any number.

Where a new ID image is exchangeable with the n, it is refused with probability k / (n + 1), and
less where scores tie: on average over sets that calibrate (Vovk et al. 2005; Angelopoulos & Bates,
arXiv:2107.07511). The share that one set's threshold refuses is Beta(k, n + 1 - k), or less where
scores tie. What it does to images that are not ID, nothing here says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Scores

# What is said of one set where nobody asked for another confidence.
USUAL_CONFIDENCE = 0.95
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Threshold:
    """The k-th smallest of n scores, `scores` (n,), which rise.

    `alpha` is the share of ID images that may be refused: on average over sets that calibrate
    where `confidence` is None, else by this set's threshold, with that confidence.
    """

    scores: Scores
    k: int
    alpha: float
    confidence: float | None = None

    @property
    def n(self) -> int:
        """Return how many images calibrated."""
        return len(self.scores)

    @property
    def value(self) -> float:
        """Return the score below which an image is refused."""
        return float(self.scores[self.k - 1])

    @property
    def of_set(self) -> float:
        """Return the confidence that `bound` holds with."""
        return USUAL_CONFIDENCE if self.confidence is None else self.confidence

    @property
    def bound(self) -> float:
        """Return what this set's threshold refuses of ID at most, with confidence `of_set`."""
        return beta_quantile(self.of_set, self.k, self.n)

    def keeps(self, scores: Scores) -> npt.NDArray[np.bool_]:
        """Return which images are taken for ID: those at or above the threshold."""
        return scores >= self.value

    def p_values(self, scores: Scores) -> Scores:
        """Return (1 + how many that calibrated are as low or lower) / (n + 1) for each image.

        It is at most k / (n + 1) exactly where `keeps` is false.
        """
        return (1 + np.searchsorted(self.scores, scores, side="right")) / (self.n + 1)


def calibrate(scores: Scores, alpha: float, confidence: float | None = None) -> Threshold:
    """Return the threshold that scores of ID images give, refusing at most `alpha` of ID.

    Without `confidence` that is meant on average over sets that calibrate, else of this very set.

    >>> calibrate(np.arange(29.0), 0.1).value
    2.0

    Raises InputError where there are too few images, or a score is no number.
    """
    if unranked := int(np.count_nonzero(np.isnan(scores))):
        raise InputError(f"{unranked:,} of {len(scores):,} images have NaN for a score: no rank")
    k = place(len(scores), alpha, confidence)
    if not k:
        raise InputError(_too_few(len(scores), alpha, confidence))
    return Threshold(np.sort(scores), k, alpha, confidence)


def place(n: int, alpha: float, confidence: float | None = None) -> int:
    """Return k, the place of the threshold among n scores, from 1; 0 where n are too few.

    Without `confidence` the largest k with k / (n + 1) at most `alpha`; with it the largest whose
    Beta(k, n + 1 - k) is at most `alpha` with that probability.

    >>> place(29, 0.1), place(59, 0.05, 0.95), place(58, 0.05, 0.95)
    (3, 1, 0)
    """
    if confidence is None:
        # Of the decimals that were typed: 0.1 * (29 + 1) may come out below 3 in floating point.
        return math.floor(Fraction(repr(alpha)) * (n + 1))
    below, above = 0, n + 1
    while above - below > 1:
        middle = (below + above) // 2
        if _surely(middle, n, alpha) >= confidence:
            below = middle
        else:
            above = middle
    return below


def least(alpha: float, confidence: float | None = None) -> int:
    """Return how many images it takes to have a threshold.

    >>> least(0.05), least(0.05, 0.95)
    (19, 59)
    """
    if confidence is None:
        return math.ceil(1 / Fraction(repr(alpha))) - 1
    n = max(1, math.ceil(math.log1p(-confidence) / math.log1p(-alpha)) - 1)
    # The quotient may be off by rounding; what decides is what `place` decides by.
    while not place(n, alpha, confidence):
        n += max(1, n >> 40)
    return n


def beta_quantile(confidence: float, k: int, n: int) -> float:
    """Return what Beta(k, n + 1 - k) is at most with probability `confidence`."""
    from scipy.special import betaincinv

    return float(betaincinv(k, n + 1 - k, confidence))


def _surely(k: int, n: int, alpha: float) -> float:
    """Return the probability that Beta(k, n + 1 - k) is at most `alpha`."""
    from scipy.special import betainc

    # Where it equals the confidence, rounding would decide: 1 - (1 - 0.5)^2 is to reach 0.75.
    return float(betainc(k, n + 1 - k, alpha)) * (1 + 1e-12)


def _too_few(n: int, alpha: float, confidence: float | None) -> str:
    needed = least(alpha, confidence)
    what = f"alpha {alpha:g}" + (f" with confidence {confidence:g}" if confidence else "")
    return (
        f"{n:,} images are too few to calibrate: {what} takes at least {needed:,}; "
        "give more images, or a larger --alpha"
    )
