"""Arrays in memory of any library, as NumPy's: NumPy, torch, pandas, lists of numbers or arrays.

A library is known by what its arrays can do, so none is imported here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError

AnyArray = npt.NDArray[Any]


def is_tensor(given: object) -> bool:
    """Return whether `given` is a tensor, as torch's are: on a device, perhaps with gradients."""
    return all(hasattr(given, name) for name in ("detach", "cpu", "numpy"))


def is_array(given: object) -> bool:
    """Return whether `given` is an array of any library, a tensor included."""
    return isinstance(given, np.ndarray) or is_tensor(given) or hasattr(given, "__array__")


def array(given: Any, name: str) -> AnyArray:
    """Return an array, a tensor on any device, or a list of numbers or arrays as NumPy's.

    It shares memory where it can. bfloat16, which NumPy lacks, becomes float32. Raises InputError,
    naming the argument `name`, for anything else, and for lists of unequal lengths.
    """
    if isinstance(given, np.ma.MaskedArray):
        raise InputError(f"{name}: is a masked array; give one without gaps")
    try:
        found = np.asarray(_converted(given, name))
    except (TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{name}: {type(given).__name__} is no array: {reason}") from None
    if found.dtype.hasobject:
        raise InputError(f"{name}: {type(given).__name__} of Python objects; give numbers")
    return found


def _converted(given: Any, name: str) -> Any:
    if is_tensor(given):
        tensor = given.detach().cpu()
        return (tensor.float() if "bfloat16" in str(tensor.dtype) else tensor).numpy()
    if isinstance(given, (list, tuple)) and any(map(is_array, given)):
        rows = [array(one, name) for one in given]
        shape = rows[0].shape
        if others := {row.shape for row in rows} - {shape}:
            raise InputError(f"{name}: arrays of unequal shapes, {shape} and {min(others)}")
        return np.stack(rows)
    return given
