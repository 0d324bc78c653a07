"""A data set's images in a fixed order, and where the bytes of each are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from oodcache.cache.image_file import ImageRows


class Contents(Protocol):
    """The bytes of a data set's images, by row; decoding processes get a copy by fork or pickle."""

    @property
    def root(self) -> Path:
        """Return the folder or file that they are in, as errors name it."""

    def read(self, row: int) -> bytes:
        """Return an image's bytes as they are stored; raise OSError or ValueError if it cannot."""

    def is_there(self, row: int) -> bool:
        """Return whether the file that holds an image is still there, whatever it holds."""


@dataclass(frozen=True)
class ImageSource:
    """Where a data set's images are.

    `expected` is a known set's count and `group` how far from ImageNet the field takes it to be,
    "near" or "far"; None where that is not known.
    """

    name: str
    root: Path
    expected: int | None = None
    group: str | None = None


@dataclass(frozen=True)
class ImageListing:
    """The images of a source in a fixed order, and what tells one such list from another.

    `fingerprint` is a SHA-256 over every path and size; `others` counts files that are no images.
    """

    source: ImageSource
    images: ImageRows
    fingerprint: str
    contents: Contents
    others: int = 0
    kind: str = "images"
    unit: str = "images"

    @property
    def name(self) -> str:
        """Return the data set's name."""
        return self.source.name

    @property
    def rows(self) -> int:
        """Return how many images there are."""
        return len(self.images.paths)

    @property
    def origin(self) -> dict[str, Any]:
        """Return what a file says of where its rows are from: its identity's `source`."""
        group = {"group": self.source.group} if self.source.group else {}
        return {"name": self.name, "fingerprint": self.fingerprint, **group}


def fingerprint(paths: Sequence[bytes], sizes: Iterable[int]) -> str:
    """Return a SHA-256 over every path and size."""
    digest = hashlib.sha256()
    for path, size in zip(paths, sizes, strict=True):
        digest.update(b"%s\0%d\0" % (path, size))
    return digest.hexdigest()
