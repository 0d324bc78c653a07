"""Claims about small pictures for a page."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from samples.extract.ghostscript import EPS, install

from oodcache.report.thumbnails import thumbnail


def packed(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, form, **options)
    return content.getvalue()


def black(side: int) -> bytes:
    """Return a square PNG of one bit a pixel, written without an image of that size."""
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes(side * (1 + side // 8)), 1)
    chunks = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def unpacked(text: str | None) -> Image.Image:
    assert text is not None
    return Image.open(io.BytesIO(base64.b64decode(text)))


@pytest.mark.parametrize(
    ("size", "small"), [((400, 200), (176, 88)), ((30, 20), (30, 20)), ((1, 900), (1, 176))]
)
def test_it_is_a_small_jpeg_of_the_same_shape(
    size: tuple[int, int], small: tuple[int, int]
) -> None:
    made = unpacked(thumbnail(packed(Image.new("RGB", size, (200, 30, 40)))))
    assert (made.format, made.size) == ("JPEG", small)
    assert np.abs(np.asarray(made).astype(int).mean((0, 1)) - (200, 30, 40)).max() < 4


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "I;16", "F"])
def test_every_mode_becomes_colours(mode: str) -> None:
    form = "TIFF" if mode in ("CMYK", "F") else "PNG"
    assert unpacked(thumbnail(packed(Image.new(mode, (9, 9)), form))).mode == "RGB"


@pytest.mark.parametrize("kind", [np.uint16, np.float32, np.int32])
def test_deep_greys_are_shown_and_not_clipped(kind: Any) -> None:
    ramp = np.tile(np.linspace(0, 1, 64), (64, 1))
    deep = ramp.astype(kind) if kind == np.float32 else (ramp * 60_000).astype(kind)
    made = np.asarray(unpacked(thumbnail(packed(Image.fromarray(deep), "TIFF"))), int)
    assert np.abs(made[..., 0] - ramp * 255).max() < 8


def test_it_is_turned_as_its_camera_was_held_and_says_nothing_of_it() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "where I live"
    made = thumbnail(packed(Image.new("RGB", (40, 20)), "JPEG", exif=exif))
    assert unpacked(made).size == (20, 40)
    assert not unpacked(made).getexif()


def test_a_large_photograph_takes_little() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), np.uint8)
    made = thumbnail(packed(Image.fromarray(noise), "JPEG"))
    assert made is not None and len(made) < 12_000


def test_what_is_no_image_has_no_picture() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 20, 3), np.uint8)
    whole = packed(Image.fromarray(noise), "JPEG")
    bomb = black(20_000)
    for content in (b"", b"<svg onload=alert(1)>", whole[:30], whole[: len(whole) // 2], bomb):
        assert thumbnail(content) is None
    assert thumbnail(black(1000)) is not None


def test_no_image_starts_ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = install(tmp_path, monkeypatch)
    assert thumbnail(EPS) is None
    assert not mark.exists()
