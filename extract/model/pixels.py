"""An image's bytes decoded to 8-bit RGB; numbers whose range is unknown are an error.

Pillow alone would clip 16-bit grey to white, and floats from 0 to 1, signed and inverted numbers to
black or to a negative.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from oodcache.cache.image_formats import FORMATS

PNG = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")  # A PNG's chunks that Pillow limits in size.
BITS, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # Tags of a TIFF.
WHITE_IS_ZERO, SIGNED = 0, 2
MOST_OF_12_BITS = 4095
WHICH = "of which range? Save it with 8 bits, or with all of its type's range"
MASK = "a mask, or of which range? Save it with 8 bits"
ORIENTATION, UPRIGHT = 274, 1
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class RgbImage:
    """An image as RGB, and its EXIF orientation, 1 to 8, which is not applied; 1 is upright."""

    image: Image.Image
    orientation: int = UPRIGHT

    def turned(self) -> Image.Image:
        """Return the image with its orientation applied."""
        turn = TURNS.get(self.orientation)
        return self.image if turn is None else self.image.transpose(turn)


def decode(content: bytes) -> RgbImage:
    """Return an image as RGB; raise PIL's error or ValueError if it cannot be decoded.

    As in ImageFolder and open_clip, a palette becomes colours before resizing, an alpha channel is
    dropped, and EXIF orientation is ignored.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _loaded(content) as image:
            return RgbImage(rgb(image), orientation(image))


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8, of a loaded image; a TIFF's is applied by then."""
    try:
        found = image.getexif().get(ORIENTATION, UPRIGHT)
    except Exception:  # Damaged EXIF may raise anything, and the pixels are good.
        return UPRIGHT
    return found if found in TURNS else UPRIGHT


def rgb(image: Image.Image) -> Image.Image:
    """Return a loaded or lazy image as RGB; raise ValueError if its numbers have no known range.

    Known are 8 and 16 bits without a sign, 12 bits in a TIFF, floats from 0 to 1, and whole numbers
    from 0 to 255 of any type. Numbers so small that they would be nearly black have another range.
    """
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_grey(image)).convert("RGB")
    if image.mode == "L" and _tag(image, SAMPLE_FORMAT) == SIGNED:
        _check_whole(np.asarray(image).astype(np.int8), "signed 8-bit")
    return image.convert("RGB")


def _grey(image: Image.Image) -> npt.NDArray[np.uint8]:
    values, white = np.asarray(image, np.float64), 65535
    if _tag(image, BITS) == 12:
        white = MOST_OF_12_BITS
    elif image.mode == "F":
        white = _white_of_floats(values)
    elif image.mode == "I" and image.format != "PPM":  # Pillow scales a PPM to 16 bits.
        what = _integers(image)
        if what == "unsigned 32-bit":  # Which Pillow reads as signed.
            values = values % 2**32
        _check_whole(values, what)
        if values.max(initial=0) == 1:
            raise ValueError(f"{what} pixels of 0 and 1: {MASK}")
        white = 255
    elif image.mode != "I" and 0 < (high := values.max(initial=0)) <= MOST_OF_12_BITS:
        raise ValueError(f"16-bit pixels of at most {high:g}: {WHICH}")
    if _tag(image, PHOTOMETRIC) == WHITE_IS_ZERO:  # Which Pillow applies to 8 bits only.
        values = white - values
    # Not values * 255 / white, which would round some of 16 bits otherwise.
    return (values / (white / 255)).round().clip(0, 255).astype(np.uint8)


def _integers(image: Image.Image) -> str:
    if _tag(image, BITS) == 16:
        return "signed 16-bit"
    is_signed = image.format != "TIFF" or _tag(image, SAMPLE_FORMAT) == SIGNED
    return "32-bit integer" if is_signed else "unsigned 32-bit"


def _white_of_floats(values: npt.NDArray[np.float64]) -> int:
    if not np.isfinite(values).all():
        raise ValueError("float pixels that are not finite")
    low, high = values.min(initial=0), values.max(initial=0)
    if low >= 0 and 0 < high < 1 / 255:
        raise ValueError(f"float pixels of at most {high:g}: {WHICH}")
    if low >= 0 and high <= 1:
        return 1
    _check_whole(values, "float")
    return 255


def _check_whole(values: npt.NDArray[np.float64] | npt.NDArray[np.int8], what: str) -> None:
    """Raise ValueError unless all are whole numbers from 0 to 255."""
    low, high = values.min(initial=0), values.max(initial=0)
    if low < 0 or high > 255 or (values != np.floor(values)).any():
        raise ValueError(
            f"{what} pixels from {low:g} to {high:g}, whose range is unknown: save it with 8 bits"
        )


def _tag(image: Image.Image, tag: int) -> int | None:
    """Return the first value of a TIFF's tag, None if there is none."""
    value: Any = getattr(image, "tag_v2", {}).get(tag) if image.format == "TIFF" else None
    found: int | None = value[0] if isinstance(value, tuple) and value else value
    return found


def _loaded(content: bytes) -> Image.Image:
    """Return an opened image with its pixels; long texts in a PNG are no reason to refuse it."""
    try:
        return _opened(content)
    except ValueError:
        if not content.startswith(PNG) or (bare := without_texts(content)) == content:
            raise
        return _opened(bare)


def _opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content), formats=FORMATS)
    image.load()
    return image


def without_texts(png: bytes) -> bytes:
    """Return a PNG without texts and colour profile, whose unpacking Pillow limits to 1 MiB."""
    parts, at = [png[: len(PNG)]], len(PNG)
    while at < len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4])
        if png[at + 4 : at + 8] not in TEXTS:
            parts.append(png[at:end])
        at = end
    return b"".join(parts)
