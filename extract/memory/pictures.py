"""One image in memory, of any accepted type: its pixels as the bytes of a file, and their SHA-256.

Accepted are PIL images, uint8 arrays (H, W) or (H, W, C) with 1, 3 or 4 channels, uint8 tensors
(H, W) or (C, H, W) with 1 or 3, and mappings with the `bytes` or the `path` of a file, as Hugging
Face stores them.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from oodcache.cache.errors import InputError
from oodcache.extract.model.pixels import ORIENTATION, UPRIGHT, orientation, rgb
from oodcache.extract.run.embedding import FreeFiles

WANTED = "expected a PIL image or a uint8 array (H, W, 3)"
NOT_TRANSFORMED = "give images without the transform: PIL images or uint8 arrays"


@dataclass(frozen=True)
class PictureFile:
    """The bytes of a file that decodes to an image's pixels, and a SHA-256 of these.

    The SHA-256 is over mode, size and pixels as RGB, and an EXIF orientation; over the file if the
    image was one already.
    """

    content: bytes
    digest: bytes


def as_file(image: object, where: str) -> PictureFile:
    """Return an image as a file; raise InputError, beginning with `where`, for another type.

    Raises whatever PIL or the file system raises if the pixels cannot be read.
    """
    if isinstance(image, Mapping):
        content = _encoded(image, where)
        return PictureFile(content, hashlib.sha256(b"file\0" + content).digest())
    picture = image if isinstance(image, Image.Image) else Image.fromarray(_pixels(image, where))
    turn, file, pixels = orientation(picture), io.BytesIO(), rgb(picture)
    pixels.save(file, "PPM")  # Begins with mode and size.
    content = file.getvalue()
    digest = hashlib.sha256(b"%d\0" % turn + content).digest()
    return PictureFile(content if turn == UPRIGHT else _turned(pixels, turn), digest)


def is_picture(value: object) -> bool:
    """Return whether a value is an image in memory, if perhaps of a type that is refused."""
    return isinstance(value, (Image.Image, np.ndarray, torch.Tensor))


def _turned(pixels: Image.Image, turn: int) -> bytes:
    """Return an uncompressed PNG, which carries an EXIF orientation."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[ORIENTATION] = turn
    pixels.save(file, "PNG", compress_level=0, exif=exif)
    return file.getvalue()


def _encoded(image: Mapping[Any, Any], where: str) -> bytes:
    """Return the bytes in a mapping, or those of the file that it names."""
    content, path = image.get("bytes"), image.get("path")
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    if isinstance(path, (str, os.PathLike)):
        return FreeFiles([os.fsencode(path)]).read(0)
    if {"bytes", "path"} & image.keys():  # An empty cell of a table.
        raise ValueError("has neither bytes nor a path")
    keys = ", ".join(map(str, image))[:80]
    raise InputError(f"{where} is a {type(image).__name__} of {keys}: {WANTED}")


def _pixels(image: object, where: str) -> npt.NDArray[np.uint8]:
    if isinstance(image, torch.Tensor):
        return _of_tensor(image, where)
    if not isinstance(image, np.ndarray):
        what = "None" if image is None else type(image).__name__
        raise InputError(f"{where} is {what}: {WANTED}")
    if image.dtype != np.uint8:
        raise InputError(f"{where} is {image.dtype}, not uint8 from 0 to 255: {NOT_TRANSFORMED}")
    shape = image.shape
    if image.ndim == 3 and shape[2] == 1:
        return image[:, :, 0]
    if image.ndim == 2 or (image.ndim == 3 and shape[2] in (3, 4)):
        return image
    hint = "; give image.transpose(1, 2, 0)" if image.ndim == 3 and shape[0] in (1, 3) else ""
    raise InputError(f"{where} has shape {shape}: expected (H, W, 3) or (H, W){hint}")


def _of_tensor(image: torch.Tensor, where: str) -> npt.NDArray[np.uint8]:
    """Return the pixels of a tensor, whose channels come first as everywhere in torch."""
    kind, shape = str(image.dtype).removeprefix("torch."), tuple(image.shape)
    if image.dtype != torch.uint8:
        raise InputError(
            f"{where} is a {kind} tensor {shape}, already preprocessed: {NOT_TRANSFORMED}"
        )
    if image.ndim == 3 and shape[0] in (1, 3):
        image = image.permute(1, 2, 0)
    elif image.ndim != 2:
        raise InputError(f"{where} is a tensor of shape {shape}: expected (3, H, W) or (H, W)")
    found: npt.NDArray[np.uint8] = np.ascontiguousarray(image.detach().cpu().numpy())
    return found[:, :, 0] if found.ndim == 3 and found.shape[2] == 1 else found
