"""Inputs of a detector in Python: paths, images and vectors, told apart by what they can do.

Neither torch nor Pillow is imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import memory
from oodcache.cache.text import listed
from oodcache.cache.watch import Note
from oodcache.detect.detector import SavedDetector
from oodcache.detect.fields import check_unit
from oodcache.score.formulas.tile import Vectors

PATH, PICTURE, VECTORS = "path", "picture", "vectors"
NEARLY = 1e-2  # How far a norm may be from 1 after rounding to 8 bits, as bfloat16 does.


@dataclass(frozen=True, eq=False)
class Input:
    """One input, of a `kind`.

    A path is text; a picture is PIL's, uint8 (H, W), or (H, W, C) with 1, 3 or 4 channels, or a
    function that returns the bytes of a file; vectors are float32 (n, D) of unit rows.
    """

    kind: str
    value: Any

    @property
    def count(self) -> int:
        """Return the number of images, taking a path for one."""
        return len(self.value) if self.kind == VECTORS else 1


def is_path(given: object) -> bool:
    """Return whether this is the path of a file or a folder, or a name; bytes of a file are not."""
    is_typed = isinstance(given, bytes) and given != b"" and b"\0" not in given
    return is_typed or isinstance(given, (str, os.PathLike))


def as_list(images: Any) -> Any:
    """Return an array or a column of texts, or of any objects, as a list; others as they are."""
    if getattr(getattr(images, "dtype", None), "kind", "") in ("O", "S", "T", "U"):
        return images.tolist()
    return images


def inputs(images: Any, saved: SavedDetector, note: Note = lambda text: None) -> Iterator[Input]:
    """Yield one input, or each of several, as soon as it is there.

    `note` is told of pixels that could be one image or three.

    Raises InputError for what is neither a path, nor an image, nor unit vectors of the detector's
    model.
    """
    images = as_list(images)
    if (found := _one(images, saved, "the array", note)) is not None:
        yield from found
        return
    if is_dataset(images):
        from oodcache.extract.memory import kinds

        yield from (Input(PICTURE, file) for file in kinds.files(images))
        return
    if isinstance(images, Mapping):
        raise InputError(_unknown(images, saved))
    try:
        several = iter(images)
    except TypeError:
        raise InputError(_unknown(images, saved)) from None
    for place, labelled in enumerate(several):
        one = _without_label(labelled)
        if (found := _one(one, saved, f"item {place}", note)) is None:
            raise InputError(f"item {place}: {_unknown(one, saved)}")
        yield from found


def is_dataset(images: object) -> bool:
    """Return whether this is a dataset of torch or of Hugging Face, or a mapping of its splits."""
    if isinstance(images, Mapping):
        return bool(images) and all(map(_is_table, images.values()))
    is_indexed = hasattr(images, "__len__") and hasattr(images, "__getitem__")
    is_of_torch = is_indexed and not hasattr(images, "__iter__")
    return _is_table(images) or (is_of_torch and not hasattr(images, "__array__"))


def _is_table(images: object) -> bool:
    return hasattr(images, "features") and hasattr(images, "cast_column")


def _without_label(element: Any) -> Any:
    """Return the image or vector of a pair with its label, and anything else as it is."""
    if isinstance(element, tuple) and len(element) == 2:
        image, label = element
        if _is_image(image) and (not _is_image(label) or getattr(label, "ndim", 1) == 0):
            return image
    return element


def _is_image(given: object) -> bool:
    return memory.is_array(given) or (hasattr(given, "convert") and hasattr(given, "getbands"))


def together(several: Sequence[Input]) -> Iterator[tuple[str, Any]]:
    """Yield consecutive inputs of one kind: the kind with a list, or with vectors (n, D)."""
    for kind, group in groupby(several, lambda one: one.kind):
        values = [one.value for one in group]
        if kind == VECTORS:
            yield kind, values[0] if len(values) == 1 else np.concatenate(values)
        else:
            yield kind, values


def windows(several: Iterator[Input], size: int) -> Iterator[list[Input]]:
    """Yield consecutive inputs of `size` images together, or more if one input has more.

    If reading an input raises, those before it are yielded first.
    """
    window, count = list[Input](), 0
    try:
        for one in several:
            window.append(one)
            count += one.count
            if count >= size:
                yield window
                window, count = [], 0
    except Exception:
        if window:
            yield window
        raise
    if window:
        yield window


def _one(given: Any, saved: SavedDetector, name: str, note: Note) -> list[Input] | None:
    """Return the inputs in a path, an image or an array; None for anything else."""
    if is_path(given):
        return [Input(PATH, os.fsdecode(given))]
    if hasattr(given, "convert") and hasattr(given, "getbands"):
        return [Input(PICTURE, given)]
    if not (memory.is_array(given) or _is_vector(given)):
        return None
    found = memory.array(given, name)
    if found.dtype.kind == "f" and found.ndim in (1, 2):
        is_half = found.itemsize == 2 or "bfloat16" in str(getattr(given, "dtype", ""))
        rows = found.reshape(-1, found.shape[-1])
        return [Input(VECTORS, _unit(rows, saved, name, is_half=is_half))]
    if found.dtype != np.uint8:
        what = f"{name}: {found.dtype} {found.shape} is neither vectors nor an image"
        raise InputError(
            f"{what}: give unit vectors, float (n, {saved.dimension}), or uint8 (H, W, 3)"
        )
    return _pictures(found, name, is_tensor=memory.is_tensor(given), note=note)


def _pictures(found: Any, name: str, *, is_tensor: bool, note: Note) -> list[Input]:
    """Return the images in uint8 pixels, with channels last."""
    is_stack = memory.is_stack(found.shape, name, is_tensor=is_tensor)
    if is_tensor and (found.ndim == 4 or (found.ndim == 3 and not is_stack)):
        found = np.moveaxis(found, -3, -1)
    elif is_stack and found.ndim == 3 and len(found) == 3:
        note(
            f"{name}: uint8 {found.shape} is 3 grey images; if it is one image with its channels "
            "first, give np.moveaxis(x, 0, -1)"
        )
    return [Input(PICTURE, one) for one in (found if is_stack else [found])]


def _is_vector(given: Any) -> bool:
    """Return whether this is a list of numbers."""
    return isinstance(given, (list, tuple)) and bool(given) and isinstance(given[0], float)


def _unit(given: Any, saved: SavedDetector, name: str, *, is_half: bool) -> Vectors:
    """Return vectors in float32; those of 16 bits are of unit length again."""
    saved.check_vectors(given.shape[1], name)
    vectors: Vectors = given.astype(np.float32, copy=False)
    if is_half:
        norm = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
        near = np.abs(norm - 1) <= NEARLY
        vectors = np.where(near, vectors.T / np.where(near, norm, 1), vectors.T).T
        vectors = vectors.astype(np.float32)
    check_unit(vectors, name, advice="; divide each vector by its norm")
    return vectors


def _unknown(given: Any, saved: SavedDetector) -> str:
    if isinstance(given, Mapping) and given:  # A row of a Hugging Face dataset, or a batch.
        column = next((one for one in given if one == "image"), next(iter(given)))
        column = repr(column)[:60]
        return (
            f"{type(given).__name__} of {listed(given)} is not an image: give that which has the "
            f"images, such as x[{column}]"
        )
    return (
        f"{type(given).__name__} is not an image: give paths, images (PIL, or uint8 arrays), or "
        f"unit vectors, float (n, {saved.dimension})"
    )
