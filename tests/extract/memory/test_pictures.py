"""Claims about one image in memory."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from oodcache.cache.errors import InputError
from oodcache.extract.memory.pictures import as_file
from oodcache.extract.model.pixels import ORIENTATION, decode

COLOURS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
GREYS = COLOURS[:, :, 0]
WHERE = "images[3]"


def pixels(image: object) -> np.ndarray[Any, Any]:
    """Return what is decoded from an image's file."""
    return np.asarray(decode(as_file(image, WHERE).content).image)


@pytest.mark.parametrize(
    "image",
    [
        COLOURS,
        Image.fromarray(COLOURS),
        torch.from_numpy(COLOURS).permute(2, 0, 1),
        COLOURS[:, ::-1][:, ::-1],
        np.dstack([COLOURS, COLOURS[..., :1]]),  # An alpha channel is dropped, as that of a file.
    ],
)
def test_an_images_file_has_its_pixels(image: object) -> None:
    assert np.array_equal(pixels(image), COLOURS)


@pytest.mark.parametrize(
    "image",
    [
        GREYS,
        GREYS[:, :, None],
        Image.fromarray(GREYS),
        torch.from_numpy(GREYS.copy()),
        torch.from_numpy(GREYS.copy())[None],
    ],
)
def test_a_grey_image_becomes_rgb(image: object) -> None:
    assert np.array_equal(pixels(image), np.repeat(GREYS[:, :, None], 3, 2))


def test_a_palettes_pixels_are_its_colours() -> None:
    image = Image.fromarray(COLOURS).convert("P", palette=Image.Palette.ADAPTIVE)
    assert np.array_equal(pixels(image), np.asarray(image.convert("RGB")))


def test_equal_pixels_of_any_type_have_one_digest() -> None:
    file = io.BytesIO()
    Image.fromarray(COLOURS).save(file, "PNG")
    some = [COLOURS, Image.fromarray(COLOURS), Image.open(file, formats=["PNG"])]
    digests = {as_file(image, WHERE).digest for image in some}
    assert len(digests) == 1
    assert len(digests.pop()) == 32


def test_other_pixels_or_another_shape_have_another_digest() -> None:
    changed = COLOURS.copy()
    changed[2, 2, 2] ^= 1
    some = [COLOURS, changed, COLOURS.reshape(7, 5, 3)]
    assert len({as_file(image, WHERE).digest for image in some}) == 3


def test_an_exif_orientation_is_kept_and_changes_the_digest() -> None:
    file, exif = io.BytesIO(), Image.Exif()
    exif[ORIENTATION] = 6
    Image.fromarray(COLOURS).save(file, "PNG", exif=exif)
    turned = as_file(Image.open(file, formats=["PNG"]), WHERE)
    assert decode(turned.content).orientation == 6
    assert np.array_equal(np.asarray(decode(turned.content).image), COLOURS)
    assert turned.digest != as_file(COLOURS, WHERE).digest


def test_bytes_of_a_file_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "image.jpg"
    Image.fromarray(COLOURS).save(path)
    content = path.read_bytes()
    assert as_file({"bytes": content, "path": None}, WHERE).content == content
    assert as_file({"bytes": None, "path": str(path)}, WHERE).content == content
    with pytest.raises(ValueError, match="neither bytes nor a path"):
        as_file({"bytes": None, "path": None}, WHERE)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (None, "images[3] is None: expected a PIL image or a uint8 array (H, W, 3)"),
        (7, "images[3] is int: "),
        (COLOURS / 255, "images[3] is float64, not uint8 from 0 to 255: give images without"),
        (COLOURS.transpose(2, 0, 1), "(3, 5, 7): expected (H, W, 3) or (H, W); give image.trans"),
        (np.zeros((5, 7, 5), np.uint8), "images[3] has shape (5, 7, 5): expected (H, W, 3)"),
        (torch.zeros(3, 5, 7), "is a float32 tensor (3, 5, 7), already preprocessed: give images"),
        (torch.zeros(5, 7, 3, dtype=torch.uint8), "(5, 7, 3): expected (3, H, W) or (H, W)"),
        ({"pixel_values": 1}, "images[3] is a dict of pixel_values: expected"),
    ],
)
def test_another_type_is_refused_with_its_place(image: object, said: str) -> None:
    with pytest.raises(InputError) as refused:
        as_file(image, WHERE)
    assert said in str(refused.value)
