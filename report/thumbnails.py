"""Small pictures of images, as text that a page holds in itself."""

from __future__ import annotations

import base64
import io
import warnings

SIDE = 112
QUALITY = 70
LARGEST_PIXELS = 2**27


def thumbnail(content: bytes) -> str | None:
    """Return an image as a JPEG of at most 112 x 112 pixels, in base64; None if it is none.

    It is for people, so it is turned as its EXIF orientation says. Nothing of the file's own is
    kept: the pixels are encoded anew.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as image:
                if image.width * image.height > LARGEST_PIXELS:
                    return None
                image.draft("RGB", (SIDE * 2, SIDE * 2))
                small = ImageOps.exif_transpose(image).convert("RGB")
            small.thumbnail((SIDE, SIDE))
    except Exception:  # A stranger's bytes: whatever they raise, there is no picture.
        return None
    packed = io.BytesIO()
    Image.frombytes("RGB", small.size, small.tobytes()).save(packed, "JPEG", quality=QUALITY)
    return base64.b64encode(packed.getvalue()).decode()
