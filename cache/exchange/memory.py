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


def is_stack(shape: tuple[int, ...], name: str, *, is_tensor: bool) -> bool:
    """Return whether uint8 pixels of a shape are N images, False if they are one.

    In NumPy channels come last: (H, W) and (H, W, C) are one image, (N, H, W) and (N, H, W, C) are
    N, where C is 1, 3 or 4. In torch they come first, and C is 1 or 3: (C, H, W) is one image, and
    (N, C, H, W) are N. Raises InputError, beginning with `name`, for any other shape.

    >>> is_stack((60000, 28, 28), "images", is_tensor=True)
    True
    """
    axes = len(shape)
    last, first = shape[-1:], shape[-3:-2]
    if axes not in (2, 3, 4) or 0 in shape:
        raise _no_pixels(shape, name, "", is_tensor=is_tensor)
    if axes == 2 or (first[0] in (1, 3) if is_tensor else last[0] in (1, 3, 4)):
        return axes == 4
    elsewhere = (last if is_tensor else first)[0] in (1, 3, 4)
    if axes == 3 and not (is_tensor and elsewhere):
        return True
    hint = "first: x.movedim(-1, -3)" if is_tensor else "last: np.moveaxis(x, -3, -1)"
    advice = f"; channels come {hint}" if elsewhere else ""
    raise _no_pixels(shape, name, advice, is_tensor=is_tensor)


def _no_pixels(shape: tuple[int, ...], name: str, advice: str, *, is_tensor: bool) -> InputError:
    one, many = ("(3, H, W)", "(N, 3, H, W)") if is_tensor else ("(H, W, 3)", "(N, H, W, 3)")
    return InputError(
        f"{name} is uint8{' tensor' * is_tensor} {shape}: expected one image, (H, W) or {one}, or "
        f"N images, (N, H, W) or {many}{advice}"
    )


def array(given: Any, name: str) -> AnyArray:
    """Return an array, a tensor on any device, or a list of numbers or arrays as NumPy's.

    It shares memory where it can. bfloat16, which NumPy lacks, becomes float32. Raises InputError,
    naming the argument `name`, for anything else, and for lists of unequal lengths.
    """
    if np.ma.is_masked(given):
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
