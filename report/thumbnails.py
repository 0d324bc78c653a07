"""Thumbnails of images, as text to embed in a page."""

from __future__ import annotations

import base64
import io
import warnings
from typing import TYPE_CHECKING

import numpy as np

from oodcache.cache.image_formats import FORMATS

if TYPE_CHECKING:
    from PIL import Image

SIDE = 176
QUALITY = 65
LARGEST_PIXELS = 2**27


def thumbnail(content: bytes) -> str | None:
    """Return an image as a JPEG of at most 176 x 176 pixels, in base64; None if unreadable.

    The EXIF orientation is applied. Only the pixels are kept, re-encoded: no metadata.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                if image.width * image.height > LARGEST_PIXELS:
                    return None
                image.draft("RGB", (SIDE * 2, SIDE * 2))
                small = _colours(ImageOps.exif_transpose(image))
            small.thumbnail((SIDE, SIDE))
    except Exception:  # Untrusted bytes: whatever they raise, there is no thumbnail.
        return None
    packed = io.BytesIO()
    Image.frombytes("RGB", small.size, small.tobytes()).save(packed, "JPEG", quality=QUALITY)
    return base64.b64encode(packed.getvalue()).decode()


def _colours(image: Image.Image) -> Image.Image:
    """Return an image as RGB; greys of more than 8 bits are stretched, or they would be clipped."""
    if image.mode != "F" and not image.mode.startswith("I"):
        return image.convert("RGB")
    from PIL.Image import fromarray

    values = np.asarray(image, np.float64)
    low, high = values.min(), values.max()
    grey = (values - low) / max(high - low, 1e-9) * 255
    return fromarray(grey.astype(np.uint8)).convert("RGB")
