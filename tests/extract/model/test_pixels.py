"""Claims about pixels: known ranges become 8 bits, unknown ones are an error, texts are ignored."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from oodcache.extract.model.pixels import decode, orientation, without_texts

GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)
BITS, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339


def tiff(values: Any, **tags: int) -> bytes:
    content = io.BytesIO()
    names = {"photometric": PHOTOMETRIC, "sample_format": SAMPLE_FORMAT}
    given = {names[name]: value for name, value in tags.items()}
    Image.fromarray(values).save(content, "TIFF", tiffinfo=given)
    return content.getvalue()


def tiff_by_hand(data: bytes, tags: dict[int, int], order: str = "<") -> bytes:
    """Return a TIFF of 16 x 16 pixels in one strip, with tags that Pillow does not write."""
    head = {256: 16, 257: 16, 259: 1, 273: 8, 277: 1, 278: 16, 279: len(data)} | tags
    entries = [
        struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0) for tag, value in sorted(head.items())
    ]
    directory = struct.pack(f"{order}H", len(entries)) + b"".join(entries) + bytes(4)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(f"{order}I", 8 + len(data)) + data + directory


def signed(values: Any, order: str = "<") -> bytes:
    array = np.asarray(values)
    tags = {BITS: 8 * array.itemsize, PHOTOMETRIC: 1, SAMPLE_FORMAT: 2}
    return tiff_by_hand(array.astype(array.dtype.newbyteorder(order)).tobytes(), tags, order)


def u32(values: Any) -> bytes:
    return tiff_by_hand(values.tobytes(), {BITS: 32, PHOTOMETRIC: 1, SAMPLE_FORMAT: 1})


def png16(values: Any) -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.asarray(values, np.uint16)).save(content, "PNG")
    return content.getvalue()


def inverted_bytes(values: Any) -> bytes:
    return tiff_by_hand(values.tobytes(), {BITS: 8, PHOTOMETRIC: 0})  # Pillow inverts as it saves.


def twelve_bits(values: Any) -> bytes:
    pairs = np.asarray(values, np.uint16).reshape(-1, 2)
    first, second = pairs[:, 0], pairs[:, 1]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], 1)
    return tiff_by_hand(packed.astype(np.uint8).tobytes(), {BITS: 12, PHOTOMETRIC: 1})


def pgm(values: Any, white: int) -> bytes:
    return b"P5 16 16 %d\n" % white + np.asarray(values).astype(">u2").tobytes()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(tiff(GREY.astype(np.float32) / 255), id="float, 0 to 1"),
        pytest.param(tiff(GREY.astype(np.float32)), id="float, 0 to 255"),
        pytest.param(tiff(1 - GREY.astype(np.float32) / 255, photometric=0), id="float, inverted"),
        pytest.param(tiff(GREY.astype(np.int32)), id="int32"),
        pytest.param(tiff(GREY.astype(np.uint16) * 257), id="uint16"),
        pytest.param(tiff(65535 - GREY.astype(np.uint16) * 257, photometric=0), id="u16 inverted"),
        pytest.param(inverted_bytes(255 - GREY), id="uint8, inverted"),
        pytest.param(signed(GREY.astype(np.int16)), id="int16"),
        pytest.param(signed(GREY.astype(np.int16), ">"), id="int16, big-endian"),
        pytest.param(twelve_bits(np.rint(GREY * (4095 / 255))), id="12 bits"),
        pytest.param(pgm(GREY.astype(np.uint16) * 257, 65535), id="PGM of 16 bits"),
        pytest.param(pgm(np.rint(GREY * (1023 / 255)), 1023), id="PGM of 10 bits"),
    ],
)
def test_numbers_of_a_known_range_are_the_grey_that_they_mean(content: bytes) -> None:
    found = np.asarray(decode(content).image)
    assert found.dtype == np.uint8
    assert np.array_equal(found, np.repeat(GREY[..., None], 3, 2))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tiff(GREY.astype(np.float32) * 100), "float pixels from 0 to 25500, whose range is unk"),
        (tiff(GREY.astype(np.float32) / 128), "float pixels from 0 to 1.99219, whose range is"),
        (tiff(GREY.astype(np.float32) / 255 - 0.5), "float pixels from -0.5 to 0.5"),
        (tiff(np.full((9, 9), np.nan, np.float32)), "float pixels that are not finite"),
        (tiff(GREY.astype(np.int32) * 1000), "32-bit integer pixels from 0 to 255000, whose range"),
        (tiff(-GREY.astype(np.int32)), "32-bit integer pixels from -255 to 0"),
        (signed(GREY.astype(np.int16) * 100), "signed 16-bit pixels from 0 to 25500, whose range"),
        (signed(GREY.astype(np.int16) - 99), "signed 16-bit pixels from -99 to 156"),
        (u32(GREY.astype(np.uint32) << 24), "unsigned 32-bit pixels from 0 to 4.27819e.09, whose"),
        (signed(GREY.astype(np.int8)), "signed 8-bit pixels from -128 to 127, whose range is unk"),
    ],
)
def test_numbers_of_an_unknown_range_are_an_error_that_names_it(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode(content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (png16(GREY), "16-bit pixels of at most 255: of which range"),
        (png16(GREY * np.uint16(4)), "16-bit pixels of at most 1020: of which range"),
        (tiff(GREY * np.uint16(16)), "16-bit pixels of at most 4080: of which range"),
        (tiff(GREY * np.uint16(16), photometric=0), "16-bit pixels of at most 4080: of which"),
        (tiff((GREY > 9).astype(np.int32)), "32-bit integer pixels of 0 and 1: a mask"),
        (signed((GREY > 9).astype(np.int16)), "signed 16-bit pixels of 0 and 1: a mask"),
        (tiff(GREY.astype(np.float32) / 255000), "float pixels of at most 0.001: of which range"),
    ],
)
def test_numbers_that_would_be_nearly_black_are_an_error(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode(content)


@pytest.mark.parametrize(
    ("content", "white"),
    [
        (png16(GREY * np.uint16(0)), 0),
        (png16(np.full((16, 16), 4096)), 16),
        (tiff(np.zeros((16, 16), np.float32)), 0),
        (tiff(np.full((16, 16), 1 / 255, np.float32)), 1),
        (tiff(np.zeros((16, 16), np.int32)), 0),
        (tiff(np.full((16, 16), 2, np.int32)), 2),
        (twelve_bits(GREY // 16), 1),
        (pgm(GREY * np.uint16(0) + 64, 65535), 0),
    ],
)
def test_black_and_dark_images_of_a_stated_range_are_read(content: bytes, white: int) -> None:
    assert np.asarray(decode(content).image).max() == white


def test_signed_bytes_without_a_sign_are_left_as_they_are() -> None:
    half = (GREY // 2).astype(np.int8)
    assert np.array_equal(np.asarray(decode(signed(half)).image)[..., 0], half)


def test_pillow_alone_would_give_other_pixels() -> None:
    """The reason for the rules: if Pillow learns one, ours can go."""
    with Image.open(io.BytesIO(tiff(GREY.astype(np.float32) / 255))) as image:
        assert np.asarray(image.convert("RGB")).max() <= 1


def png(texts: PngImagePlugin.PngInfo) -> bytes:
    content = io.BytesIO()
    Image.fromarray(GREY).save(content, "PNG", pnginfo=texts)
    return content.getvalue()


@pytest.mark.parametrize("kind", ["zTXt", "iTXt", "after the pixels"])
def test_a_text_that_unpacks_to_megabytes_is_no_reason_to_refuse_the_pixels(kind: str) -> None:
    texts = PngImagePlugin.PngInfo()
    long = "x" * 3 * 2**20
    if kind == "after the pixels":
        texts.add(b"zTXt", b"a\0\0" + zlib.compress(long.encode()), after_idat=True)
    elif kind == "zTXt":
        texts.add_text("a", long, zip=True)
    else:
        texts.add_itxt("a", long, zip=True)
    content = png(texts)
    with pytest.raises(ValueError, match="too large"), Image.open(io.BytesIO(content)) as image:
        image.load()
    assert np.array_equal(np.asarray(decode(content).image)[..., 0], GREY)


def test_without_texts_the_pixels_are_left_and_damage_stays_damage() -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("a", "b")
    content = png(texts)
    assert b"tEXt" in content
    assert without_texts(content) == png(PngImagePlugin.PngInfo())
    for cut in (8, 12, 40, len(content) - 30):
        with pytest.raises((OSError, SyntaxError, ValueError)):
            decode(content[:cut])


def turned(form: str, turn: int) -> bytes:
    exif, content = Image.Exif(), io.BytesIO()
    exif[0x0112] = turn
    options = {"quality": 100} if form == "JPEG" else {"lossless": True} if form == "WEBP" else {}
    Image.fromarray(GREY[:8]).convert("RGB").save(content, form, exif=exif, **options)
    return content.getvalue()


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_the_orientation_is_told_and_applied_if_asked_for(form: str, turn: int) -> None:
    content = turned(form, turn)
    found = decode(content)
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        stored, upright = image.convert("RGB"), ImageOps.exif_transpose(image).convert("RGB")
    assert found.orientation == turn
    assert np.array_equal(np.asarray(found.image), np.asarray(stored))
    assert np.array_equal(np.asarray(found.turned()), np.asarray(upright))


def test_a_tiff_is_turned_already() -> None:
    found = decode(turned("TIFF", 6))
    assert (found.image.size, found.orientation) == ((8, 16), 1)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_out_of_range_is_upright(value: int) -> None:
    assert decode(turned("JPEG", value)).orientation == 1


def test_damaged_exif_is_no_orientation_and_no_error() -> None:
    content = turned("JPEG", 6)
    damaged = content.replace(b"Exif\0\0", b"Exif\0\0\xff\xff\xff\xff", 1)
    assert decode(damaged).orientation == 1
    assert orientation(Image.new("L", (2, 2))) == 1
