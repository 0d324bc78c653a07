"""Numbers of the page's script as typed arrays: little-endian bytes in base64.

The script reads `{"type": "f4", "base64": …}`, NaN standing for no number, "f8", "u1", "u2", "u4",
and "q2": shares from 0 to 65,534 of the way from `low` to `high`, 65,535 standing for no number.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

# Shorter lists are shorter as JSON.
FEWEST = 12
STEPS = 65_534
Number = float | int | None


def is_packable(values: Sequence[object]) -> bool:
    """Return whether values are numbers, or None, and worth packing."""
    return len(values) >= FEWEST and all(
        one is None or (isinstance(one, int | float) and not isinstance(one, bool))
        for one in values
    )


def packed(values: Sequence[Number]) -> dict[str, str]:
    """Return numbers in the smallest type: whole ones as they are, others as six digits need."""
    if all(isinstance(one, int) and one >= 0 for one in values):
        whole = np.array(values, np.uint64)
        kind = next(one for one in ("u1", "u2", "u4", "f8") if _holds(one, int(whole.max())))
        return {"type": kind, "base64": _base64(whole.astype(f"<{kind}"))}
    numbers = np.array([np.nan if one is None else one for one in values], np.float64)
    size = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
    is_single = not len(size) or (size.max() < 1e38 and size.min() > 1e-37)
    kind = "f4" if is_single else "f8"
    return {"type": kind, "base64": _base64(numbers.astype(f"<{kind}"))}


def quantised(values: Sequence[Number]) -> dict[str, Any]:
    """Return numbers to 65,534 steps between the lowest and the highest, two bytes each.

    >>> quantised([])
    {'type': 'q2', 'low': 0.0, 'high': 0.0, 'base64': ''}
    """
    known = [float(one) for one in values if one is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    steps = [
        STEPS + 1 if one is None else round(STEPS * (one - low) / ((high - low) or 1.0))
        for one in values
    ]
    return {"type": "q2", "low": low, "high": high, "base64": _base64(np.array(steps, "<u2"))}


def _holds(kind: str, largest: int) -> bool:
    return kind == "f8" or largest <= int(np.iinfo(kind).max)


def _base64(numbers: npt.NDArray[Any]) -> str:
    return base64.b64encode(numbers.tobytes()).decode()
