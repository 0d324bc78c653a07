"""The embedded benchmark: small real images and two small learned models, nothing to download.

The digits are scikit-learn's `load_digits`. Its labels repeat 14 times, as if 14 writers had each
filled in one form of 130 digits (a few are lost). The models were trained on the first seven forms
and never saw the last seven; an interleaved split would leak handwriting.

A crop is one tile of a grid over a photograph; tiles do not overlap.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]

DEMO = Path(__file__).parent

MODELS: Mapping[str, Path] = MappingProxyType(
    {name: DEMO / name for name in ("tiny-clip", "tiny-sigmoid")}
)
"""The folder of each model, as open_clip's `local-dir:` takes it."""

CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven")
"""The in-distribution classes; a digit's label is its position here."""

NEVER_TRAINED = ("eight", "nine")
TEXTURES = ("brick", "grass", "gravel")
PHOTOS = ("china", "flower")

FIRST_UNSEEN = 906
"""The position in `load_digits` of the first digit of the eighth form."""

PHOTO_TILE = 40
TEXTURE_TILE = 32


@dataclass(frozen=True)
class Digits:
    """Digits of `load_digits`: images (N, 8, 8), labels and positions in `load_digits` (N,)."""

    images: Pixels
    labels: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]

    def where(self, keep: npt.NDArray[np.bool_]) -> Digits:
        """Return the digits for which `keep`, shape (N,), is true."""
        return Digits(self.images[keep], self.labels[keep], self.positions[keep])


@dataclass(frozen=True)
class Picture:
    """One image to write: its class folder, its file number, its pixels (H, W) or (H, W, 3)."""

    class_name: str
    number: int
    pixels: Pixels


def training_half() -> Digits:
    """Return the digits zero to seven of the first seven forms: the models' training data."""
    digits = _all_digits()
    return digits.where((digits.positions < FIRST_UNSEEN) & _in_distribution(digits))


def unseen_half() -> Digits:
    """Return the digits zero to seven of the last seven forms, most likely by other writers."""
    digits = _all_digits()
    return digits.where((digits.positions >= FIRST_UNSEEN) & _in_distribution(digits))


def eights_and_nines() -> Digits:
    """Return every eight and nine; no model was trained on them."""
    digits = _all_digits()
    return digits.where(~_in_distribution(digits))


def write_images(root: Path) -> None:
    """Write the missing datasets under `root` as `<dataset>/<class>/<number>.png`.

    A dataset's folder gets its name only when it is complete, so existing ones are kept.
    """
    root.mkdir(parents=True, exist_ok=True)
    for name, pictures in DATA_SETS.items():
        if not (root / name).is_dir():
            _write_whole(root / name, pictures())


def _write_whole(folder: Path, pictures: Iterator[Picture]) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as staging:
        whole = Path(staging) / folder.name
        for picture in pictures:
            _write_png(whole, picture)
        try:
            whole.rename(folder)
        except OSError:
            # Another run may have finished the folder first, with the same images.
            if not folder.is_dir():
                raise


def _write_png(folder: Path, picture: Picture) -> None:
    from PIL import Image  # Here, because the core installs without Pillow.

    path = folder / picture.class_name / f"{picture.number:04d}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture.pixels).save(path)


def _all_digits() -> Digits:
    from sklearn.datasets import load_digits

    # load_digits counts ink from 0 to 16, a greyscale PNG from 0 to 255.
    bunch: Any = load_digits()
    pixels = np.rint(bunch.images * 255 / 16).astype(np.uint8)
    return Digits(pixels, bunch.target.astype(np.int64), np.arange(len(pixels), dtype=np.int64))


def _in_distribution(digits: Digits) -> npt.NDArray[np.bool_]:
    return digits.labels < len(CLASS_NAMES)


def _digit_pictures(digits: Digits) -> Iterator[Picture]:
    names = CLASS_NAMES + NEVER_TRAINED
    for pixels, label, position in zip(digits.images, digits.labels, digits.positions, strict=True):
        yield Picture(names[label], int(position), pixels)


def _photo_pictures() -> Iterator[Picture]:
    from sklearn.datasets import load_sample_image

    for name in PHOTOS:
        yield from _tile_pictures(name, load_sample_image(f"{name}.jpg"), PHOTO_TILE)


def _texture_pictures() -> Iterator[Picture]:
    from PIL import Image

    for name in TEXTURES:
        with Image.open(DEMO / "textures" / f"{name}.jpg", formats=["JPEG"]) as image:
            yield from _tile_pictures(name, np.asarray(image), TEXTURE_TILE)


def _tile_pictures(name: str, photograph: Pixels, tile: int) -> Iterator[Picture]:
    """Yield the square tiles of `photograph`, row by row; a narrower rest is dropped."""
    rows, columns = photograph.shape[0] // tile, photograph.shape[1] // tile
    for number, (row, column) in enumerate(np.ndindex(rows, columns)):
        top, left = row * tile, column * tile
        yield Picture(name, number, photograph[top : top + tile, left : left + tile])


DATA_SETS: Mapping[str, Callable[[], Iterator[Picture]]] = MappingProxyType(
    {
        "digits": lambda: _digit_pictures(unseen_half()),
        "eight-nine": lambda: _digit_pictures(eights_and_nines()),
        "photos": _photo_pictures,
        "textures": _texture_pictures,
        "digits-train": lambda: _digit_pictures(training_half()),
    }
)
"""A function per dataset folder that yields its images, the in-distribution one first.

"digits-train" is the models' training data: a bank for scores that need one.
"""
