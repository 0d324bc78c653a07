"""Noise: 15 images of five kinds, drawn at the size that a model reads, that are no files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.files.images import ImageRows
from oodcache.extract.sources.listing import ImageListing, ImageSource, fingerprint

NAME, FORM = "noise15", "noise"
KINDS = ("gaussian", "uniform", "poisson", "gamma", "salt-and-pepper")
EACH = 3
# What a file's identity says of them, besides the model's own preprocessing.
UNSCALED = {"noise": "from 0 to 1 at the model's size, without its mean and standard deviation"}

Pixels = npt.NDArray[np.float32]


class NoiseImage(bytes):
    """An image of noise: its one byte is its row."""

    def drawn(self, shape: tuple[int, ...]) -> Pixels:
        """Return its pixels (3, height, width), from 0 to 1, the same each time."""
        kind, number = divmod(self[0], EACH)
        three = _three(KINDS[kind], np.random.default_rng([15, kind]), (EACH, *shape))
        found: Pixels = three[number].astype(np.float32)
        return found


def _three(kind: str, draw: np.random.Generator, size: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return the three images of a kind, which have one range, as in TANL's code."""
    if kind == "uniform":
        return draw.random(size)
    if kind == "salt-and-pepper":
        return draw.random(size) >= 0.5
    found: npt.NDArray[Any]
    if kind == "poisson":
        found = draw.poisson(5.0, size)
    else:
        found = draw.gamma(2.0, 1.0, size) if kind == "gamma" else draw.standard_normal(size)
    scaled: npt.NDArray[Any] = (found - found.min()) / (found.max() - found.min())
    return scaled


@dataclass(frozen=True)
class NoiseContents:
    """The images of noise, by row."""

    root: Path = Path(NAME)

    def read(self, row: int) -> bytes:
        """Return an image that a preprocessing draws at its own size."""
        return NoiseImage([row])

    def is_there(self, row: int) -> bool:
        """Return that there is no file that could be missing."""
        return True


def source() -> ImageSource:
    """Return the source of noise, which needs no folder."""
    return ImageSource(NAME, Path(NAME), form=FORM)


def list_noise(found: ImageSource) -> ImageListing:
    """Return the images of noise, three of each kind, labelled by it."""
    paths = [f"{kind}/{number}".encode() for kind in KINDS for number in range(EACH)]
    labels = np.arange(len(KINDS)).repeat(EACH)
    images = ImageRows(paths, labels, KINDS)
    return ImageListing(found, images, fingerprint(paths, [0] * len(paths)), NoiseContents())
