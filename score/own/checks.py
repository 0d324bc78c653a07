"""Checks that a user's score is of each image alone: not random, whatever the other images.

A score is computed again with the images in another place of the batch, where products in float32
round differently. A square root near 0 or an arccos near 1 magnifies that by a thousand, so a score
that moves is computed again from the same numbers in float64. It depends on other images if it
still moves. One that converts its input to float32 gives the same scores; its input is nudged
instead, and it may move as far as rounding moves it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Vectors
from oodcache.score.own.batch import Batch

Call = Callable[[Batch], Scores]
# A score may move by this share of the scores' standard deviation if other images change.
TOLERANCE = 1e-6
# Products of the images in float32 round differently by position: by this share of the scores.
ROUNDING = 4 * float(np.finfo(np.float32).eps)
# A score may move this much further than by `NUDGES` nudges of that size.
NUDGES, TIMES = 4, 4
REMEDY = (
    "a score must not depend on the other images of its batch; declare whole=True, for all images "
    "of a set at once (docs/own-score.md)"
)
IN_FLOAT64 = "if that is rounding, compute in float64; "
# A dependence on other images that moves scores by less is most likely rounding.
SMALL = 1e-2


def check_alone(batch: Batch, scores: Scores, call: Call, where: str) -> None:
    """Raise InputError if a score is random, or depends on the other images of its batch.

    It is called again with the same batch, the images reversed, the first half of them, and the
    first one, as a detector calls it.
    """
    half = slice(None, (len(scores) + 1) // 2)
    backwards = slice(None, None, -1)
    if row := _moved(scores, call(batch.part(slice(None))), np.zeros(1)):
        raise InputError(f"{where} is random: the same batch gives {row}; draw with a fixed seed")
    parts = {"reversed": backwards, "its first half alone": half, "alone": slice(1)}
    for what, rows in parts.items():
        again = call(batch.part(rows))
        row = _moved(scores[rows], again, _rounding(scores))
        if row and not _is_rounding(batch, scores, again, rows, call):
            small = bool(_distance(scores[rows], again).max() <= SMALL * _spread(scores))
            raise InputError(
                f"{where} depends on other images: {row} ({what}); {IN_FLOAT64 * small}{REMEDY}"
            )


def check_repeats(scores: Scores, again: Scores, where: str) -> None:
    """Raise InputError if two replays of the same images give other scores."""
    if row := _moved(scores, again, np.zeros(1)):
        raise InputError(
            f"{where} is random: two replays of the same images give {row}; draw with a fixed "
            "seed, and set all that changes in start"
        )


def _is_rounding(batch: Batch, scores: Scores, again: Scores, rows: slice, call: Call) -> bool:
    """Return whether scores that move, `again` at some `rows`, do so by rounding alone."""
    try:
        precise = call(batch.changed(_precise))
        if not np.array_equal(precise, scores):
            of_part = call(batch.part(rows).changed(_precise))
            allowed = TOLERANCE * _spread(scores) + _rounding(precise)
            return bool((_distance(precise[rows], of_part) <= allowed).all())
    except InputError:
        pass  # Torch multiplies no float64 with float32.
    nudged = [call(batch.changed(partial(_nudged, one))) for one in range(NUDGES)]
    furthest = np.max([_distance(scores, one) for one in nudged], axis=0)
    return not _moved(scores[rows], again, np.sort(TIMES * furthest[rows]) + _rounding(scores))


def _moved(scores: Scores, again: Scores, rounding: Scores) -> str:
    """Return the two scores of the image that moves most, "" if none moves beyond tolerance.

    `rounding` is (1,), or (N,) in ascending order: the image that moves most may move as far as
    rounding moves any, the next as far as it moves the next.
    """
    moved = _distance(scores, again)
    if (np.sort(moved) <= TOLERANCE * _spread(scores) + rounding).all():
        return ""
    place = int(moved.argmax())
    return f"one image {scores[place]:.9g} and {again[place]:.9g}"


def _distance(scores: Scores, again: Scores) -> Scores:
    with np.errstate(invalid="ignore"):
        return np.where(scores == again, 0.0, np.abs(scores - again))


def _spread(scores: Scores) -> float:
    finite = scores[np.isfinite(scores)]
    return float(finite.std()) if len(finite) else 0.0


def _rounding(scores: Scores) -> Scores:
    """Return what rounding of scores of this size moves, (1,)."""
    finite = scores[np.isfinite(scores)]
    return np.array([ROUNDING * np.abs(finite).max(initial=0.0)])


def _precise(name: str, values: Vectors) -> Any:
    """Return the same numbers in float64."""
    return values.astype(np.float64)


def _nudged(number: int, name: str, values: Vectors) -> Vectors:
    """Return a batch's images or cosines, each number changed by as little as rounding may.

    Nudge 0 makes all larger, 1 makes all smaller, others do either at random.
    """
    if name not in ("images", "cosines"):
        return values
    sides = np.full(values.shape, number == 0)
    if number > 1:
        sides = np.random.default_rng(number).integers(0, 2, values.shape).astype(bool)
    return values * np.where(sides, np.float32(1 + ROUNDING), np.float32(1 - ROUNDING))
