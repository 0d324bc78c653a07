"""Numbers of the page's script as typed arrays, one after another.

In the script's data stands `{"type": "f4", "at": 96, "length": 24}` for an array that begins at
byte 96: first the lowest byte of every number, then the next, to the highest. In "f4" and "f8" NaN
stands for no number. "u1", "u2" and "u4" are whole numbers, "d1", "d2" and "d4" the steps of rising
ones from 0. "q1" are 255 levels from `low` to `high`, and 255 stands for no number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# Shorter lists are shorter as JSON.
FEWEST = 12
LEVELS = 254
NUMBERS = {int, float, type(None)}
Number = float | int | None
Integers = npt.NDArray[np.int64]


class PackedArrays:
    """The bytes of all arrays of a page, which grow as arrays are added."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def bytes(self) -> bytes:
        """Return the bytes of all arrays."""
        return b"".join(self._parts)

    def packed(self, value: Any) -> Any:
        """Return values as JSON's, dataclasses as objects, long lists of numbers as arrays."""
        if is_dataclass(value):
            value = vars(value)
        if isinstance(value, Mapping):
            return {key: self.packed(one) for key, one in value.items()}
        if not isinstance(value, list | tuple):
            return value
        return self.numbers(value) if _is_long(value) else [self.packed(one) for one in value]

    def numbers(self, values: Sequence[Number]) -> dict[str, Any]:
        """Return an array of numbers: whole ones are exact, others have 19 binary digits."""
        counts = [one for one in values if isinstance(one, int)]
        if values and len(counts) == len(values) and min(counts) >= 0 and max(counts) < 2**32:
            whole = np.array(counts, np.int64)
            steps = np.diff(whole, prepend=0)
            is_rising = bool((steps >= 0).all())
            return self._whole("d" if is_rising else "u", steps if is_rising else whole)
        numbers = np.array([np.nan if one is None else one for one in values], np.float64)
        size = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
        is_single = not len(size) or (size.max() < 1e38 and size.min() > 1e-37)
        kind = "f4" if is_single else "f8"
        return self._added(kind, _rounded(numbers) if is_single else numbers.astype("<f8"))

    def levels(self, values: Sequence[Number]) -> dict[str, Any]:
        """Return an array of numbers to the nearest of 255 levels, a byte each.

        >>> PackedArrays().levels([1.0, None, 3.0])
        {'type': 'q1', 'at': 0, 'length': 3, 'low': 1.0, 'high': 3.0}
        """
        numbers = np.array([np.nan if one is None else one for one in values], np.float64)
        known = numbers[~np.isnan(numbers)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
        steps = (LEVELS * (numbers - low) / ((high - low) or 1.0)).round()
        found = np.where(np.isnan(numbers), LEVELS + 1, steps).astype(np.uint8)
        return {**self._added("q1", found), "low": low, "high": high}

    def _whole(self, kind: str, whole: Integers) -> dict[str, Any]:
        size = next(one for one in (1, 2, 4) if int(whole.max()) < 256**one)
        return self._added(f"{kind}{size}", whole.astype(f"<u{size}"))

    def _added(self, kind: str, numbers: npt.NDArray[Any]) -> dict[str, Any]:
        # Bytes of one place in their numbers are alike, and compress together.
        planes = numbers.view(np.uint8).reshape(len(numbers), numbers.itemsize).T
        at, packed = self._length, planes.tobytes()
        self._parts.append(packed)
        self._length += len(packed)
        return {"type": kind, "at": at, "length": len(numbers)}


def _rounded(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return numbers to 19 binary digits: the others are not shown, and do not compress."""
    found = numbers.astype("<f4")
    bits = found.view("<u4")
    rounded = ((bits + np.uint32(16)) & np.uint32(0xFFFFFFE0)).view("<f4")
    return np.where(np.isnan(found), found, rounded)


def _is_long(values: Sequence[object]) -> bool:
    """Return whether values are numbers, or None, and worth an array."""
    return len(values) >= FEWEST and set(map(type, values)) <= NUMBERS
