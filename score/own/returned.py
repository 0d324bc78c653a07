"""What a user's function returns: one finite or infinite number per image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Scores
from oodcache.score.own.mistakes import message


def numbers(found: object, count: int, where: str) -> Scores:
    """Return what a function returned as scores, float64 (count,).

    Raises InputError, which names `where`, unless it is one number per image and none is NaN.
    """
    try:
        values = np.asarray(_in_numpy(found))
    except Exception as error:
        raise InputError(f"{where} returned {type(found).__name__}: {message(error)}") from None
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


def _in_numpy(found: Any) -> Any:
    """Return a torch tensor of any kind and device as NumPy reads it, anything else as it is."""
    if not (hasattr(found, "detach") and hasattr(found, "is_floating_point")):
        return found
    plain = found.detach().cpu()
    # NumPy has no bfloat16.
    return (plain.double() if plain.is_floating_point() else plain).numpy()


def _kind(found: object, values: npt.NDArray[Any]) -> str:
    return "None" if found is None else f"shape {values.shape}"
