"""A probe of a user's score: its scores of a few mixtures of class vectors, kept in a detector.

The SHA-256 of a file does not cover what that file imports, nor the variables that a function uses.
Scores that moved show such a change.
"""

from __future__ import annotations

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.detect.detector import SavedDetector, Scorer, checked
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Vectors
from oodcache.score.onepass.onepass import score_images
from oodcache.score.own.function import OwnScore

MOST = 16
# Other processors round differently, and a score may magnify that: by less than these shares of
# the standard deviation of the calibration scores, and of the probe's own scores.
OF_SPREAD, OF_SIZE = 1e-3, 1e-5


def probed(scorer: Scorer) -> Scores | None:
    """Return a user's scores of at most 16 vectors; None if it gives none, or is built in."""
    if not isinstance(scorer.variant.own, OwnScore):
        return None
    try:
        return _scores(scorer)
    except InputError:
        return None  # Such as the logarithm of what is never below 0 for an image.


def check_probe(detector: SavedDetector) -> None:
    """Raise InputError if a user's score differs from when its detector was made."""
    before = detector.probe
    if before is None:
        return
    found = _scores(detector.scorer)
    label = detector.scorer.variant.label
    if len(found) != len(before):
        raise InputError(f"'score.code.scores' has {len(before):,} numbers, not {len(found):,}")
    with np.errstate(invalid="ignore"):
        moved = np.where(found == before, 0.0, np.abs(found - before))
    size = np.abs(before[np.isfinite(before)]).max(initial=0.0)
    if not (moved <= OF_SPREAD * _spread(detector) + OF_SIZE * size).all():
        at = int(np.nan_to_num(moved, nan=np.inf).argmax())
        raise InputError(
            f"{label} scores otherwise than when the detector was made ({found[at]:.6g}, not "
            f"{before[at]:.6g}): its code, what it imports or a variable that it uses has "
            "changed; give them as they were, or calibrate again"
        )


def _scores(scorer: Scorer) -> Scores:
    vectors = _mixtures(scorer.classes.vectors)
    variants, fits = [scorer.variant], [checked(scorer.fit)]
    found: Scores = score_images(
        [vectors], len(vectors), scorer.classes, variants, fits=fits
    ).scores[0]
    return found


def _mixtures(classes: Vectors) -> Vectors:
    """Return unit vectors between each of the first classes and the next, nearer the first.

    A class itself is at distance 0 from one, where a distance is rounding.
    """
    some = classes[:MOST].astype(np.float64)
    mixed = some + 0.5 * np.roll(some, -1, axis=0)
    norm = np.linalg.norm(mixed, axis=1, keepdims=True)
    return np.asarray(mixed / np.maximum(norm, np.finfo(np.float64).tiny), np.float32)


def _spread(detector: SavedDetector) -> float:
    finite = detector.threshold.scores[np.isfinite(detector.threshold.scores)]
    return float(finite.std()) if len(finite) else 0.0
