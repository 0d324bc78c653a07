"""Checks of a user's score: one finite or infinite number per image, whatever the other images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Scores
from oodcache.score.own.batch import Batch

# A score may move by this share of the scores' standard deviation if other images change.
TOLERANCE = 1e-6
# Products of the images in float32 round differently by position: by this share of the scores.
ROUNDING = 4 * float(np.finfo(np.float32).eps)
REMEDY = (
    "a score must not depend on the other images of its batch; declare whole=True, for all images "
    "of a set at once (docs/own-score.md)"
)


def numbers(found: object, count: int, where: str) -> Scores:
    """Return what a function returned as scores, float64 (count,).

    Raises InputError, which names `where`, unless it is one number per image and none is NaN.
    """
    try:
        values = np.asarray(_in_numpy(found))
    except Exception as error:
        raise InputError(f"{where} returned {type(found).__name__}: {error}") from None
    expected = f"expected shape ({count},): one number per image"
    if values.shape != (count,):
        raise InputError(f"{where} returned {_kind(found, values)}; {expected}")
    if values.dtype.kind not in "fiub":
        raise InputError(f"{where} returned {values.dtype} values; {expected}")
    scores = values.astype(np.float64)
    if (wrong := np.isnan(scores)).any():
        raise InputError(
            f"{where} returned NaN for {wrong.sum():,} of {count:,} images, which cannot be ranked "
            f"(the first in row {int(wrong.argmax())} of its batch)"
        )
    return scores


def check_alone(batch: Batch, scores: Scores, call: Callable[[Batch], Scores], where: str) -> None:
    """Raise InputError if a score is random, or depends on the other images of its batch.

    It is called again with the same batch, the images reversed, and the first half of them.
    """
    half = slice(None, (len(scores) + 1) // 2)
    backwards = slice(None, None, -1)
    if row := _moved(scores, call(batch.part(slice(None))), rounding=0.0):
        raise InputError(f"{where} is random: the same batch gives {row}; draw with a fixed seed")
    for what, rows in (("reversed", backwards), ("its first half alone", half)):
        if row := _moved(scores[rows], call(batch.part(rows)), rounding=ROUNDING):
            raise InputError(f"{where} depends on other images: {row} ({what}); {REMEDY}")


def _moved(scores: Scores, again: Scores, *, rounding: float) -> str:
    """Return the two scores of the image that moves most, "" if none moves beyond tolerance."""
    finite = scores[np.isfinite(scores)]
    size = float(np.abs(finite).max(initial=0.0))
    spread = float(finite.std()) if len(finite) else 0.0
    with np.errstate(invalid="ignore"):
        moved = np.where(scores == again, 0.0, np.abs(scores - again))
    place = int(moved.argmax())
    if moved[place] <= TOLERANCE * spread + rounding * size:
        return ""
    return f"one image {scores[place]:.9g} and {again[place]:.9g}"


def _in_numpy(found: Any) -> Any:
    """Return a torch tensor of any kind and device as NumPy reads it, anything else as it is."""
    if not (hasattr(found, "detach") and hasattr(found, "is_floating_point")):
        return found
    plain = found.detach().cpu()
    # NumPy has no bfloat16.
    return (plain.double() if plain.is_floating_point() else plain).numpy()


def _kind(found: object, values: npt.NDArray[Any]) -> str:
    return "None" if found is None else f"shape {values.shape}"
