"""A dataset's images in a fixed order, and access to their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from oodcache.cache.files.images import ImageRows
from oodcache.cache.format.identity import CLASS_NUMBERS
from oodcache.extract.sources.image_files import LeftOut


class Contents(Protocol):
    """The bytes of a dataset's images, by row; worker processes get a copy by fork or pickle."""

    @property
    def root(self) -> Path:
        """Return the folder or file that contains them, for error messages."""

    def read(self, row: int) -> bytes:
        """Return an image's encoded bytes; raise OSError or ValueError if it cannot be read."""

    def is_there(self, row: int) -> bool:
        """Return whether the file with an image still exists, valid or not."""


@dataclass(frozen=True)
class Options:
    """Options for all sources of a command that have rows: the image root and columns.

    If None, the root is found by the first path, a column by its usual names.
    """

    image_root: Path | None = None
    path_column: str | None = None
    label_column: str | None = None
    image_column: str | None = None


UNSAID = Options()


@dataclass(frozen=True)
class ImageSource:
    """Where a dataset's images are, and in which `form`: a folder, a list, a table, tars or stored.

    `root` is that folder or file, `tars` are the single tars, `stored` the single Parquet or Arrow
    files that hold images. `expected` is the image count and
    `group` "near" or "far" (OOD) of a known dataset, otherwise None. `classes` are the ids that a
    known list's or folder's class numbers stand for, and `labels` says how its folders name
    classes. `beside` are the files of a folder of tars that are not read.
    """

    name: str
    root: Path
    expected: int | None = None
    group: str | None = None
    form: str = "folder"
    tars: tuple[Path, ...] = ()
    stored: tuple[Path, ...] = ()
    classes: tuple[str, ...] = ()
    data_root: Path | None = None
    options: Options = UNSAID
    beside: LeftOut = field(default_factory=LeftOut, compare=False)
    labels: str = ""


@dataclass(frozen=True)
class ImageListing:
    """The images of a source in a fixed order, and the fingerprint of that list.

    `fingerprint` is a SHA-256 over every path and size, and over labels that are not folders;
    `left_out` counts files that are not read, `notes` are messages for the user. With
    `numbered`, label "7" is class number 7, counted from 0, of the vocabulary that is scored.
    """

    source: ImageSource
    images: ImageRows
    fingerprint: str
    contents: Contents
    left_out: LeftOut = field(default_factory=LeftOut)
    numbered: bool = False
    notes: tuple[str, ...] = ()
    kind: str = "images"
    unit: str = "images"

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def rows(self) -> int:
        return len(self.images.paths)

    @property
    def origin(self) -> dict[str, Any]:
        """Return the `source` of a file's identity."""
        group = {"group": self.source.group} if self.source.group else {}
        labels = CLASS_NUMBERS if self.numbered else {}
        return {"name": self.name, "fingerprint": self.fingerprint, **group, **labels}


def fingerprint(paths: Sequence[bytes], sizes: Iterable[int]) -> str:
    """Return a SHA-256 over every path and size."""
    digest = hashlib.sha256()
    for path, size in zip(paths, sizes, strict=True):
        digest.update(b"%s\0%d\0" % (path, size))
    return digest.hexdigest()


def labelled_fingerprint(images: ImageRows, sizes: Iterable[int], *, numbered: bool) -> str:
    """Return a SHA-256 over every path, size and label, and whether labels are numbers.

    A corrected label makes another dataset.
    """
    digest = hashlib.sha256(b"labels\0numbers\0" if numbered else b"labels\0names\0")
    names = [*(name.encode() + b"\0" for name in images.label_names), b"\0\0"]  # -1 is the last.
    for path, size, label in zip(images.paths, sizes, images.labels.tolist(), strict=True):
        digest.update(b"%s\0%d\0%s" % (path, size, names[label]))
    return digest.hexdigest()
