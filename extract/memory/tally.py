"""A tally of images in memory as they go by: their digests, labels and paths."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageRows
from oodcache.extract.memory.row_labels import RowNotes, as_labels, below_root
from oodcache.extract.run.plan import MEMORY
from oodcache.extract.sources.labels import ImageLabels, from_classes
from oodcache.extract.sources.listing import Contents, ImageListing, ImageSource

SIZE = hashlib.sha256().digest_size
UNREADABLE = bytes(SIZE)


@dataclass(frozen=True)
class Element:
    """An element of a dataset: an image, and what comes with it."""

    image: object
    label: object = None
    path: str | None = None


@dataclass
class Tally:
    """What was seen of N images: `digests` has SIZE bytes for each, UNREADABLE if it failed."""

    notes: RowNotes
    label_names: tuple[str, ...] | None = None
    digests: bytearray = field(default_factory=bytearray)
    labels: list[object] = field(default_factory=list)
    paths: list[str | None] = field(default_factory=list)

    def add(self, sample: Element, digest: bytes) -> None:
        """Count an image."""
        self.digests += digest
        self.labels.append(sample.label)
        self.paths.append(sample.path)

    def listing(self, name: str, contents: Contents) -> ImageListing:
        """Return the images as a dataset; raise InputError for labels or paths that do not fit."""
        self.notes.check(len(self.labels))
        labels, paths = self._labels(), self._paths()
        images = ImageRows(paths, labels.labels, labels.names)
        return ImageListing(
            ImageSource(name, Path(name), form=MEMORY),
            images,
            self._fingerprint(images, numbered=labels.numbered),
            contents,
            numbered=labels.numbered,
        )

    def _labels(self) -> ImageLabels:
        names = self.notes.label_names
        if names is None:
            names = self.label_names
        if self.notes.labels is not None:
            return as_labels(self.notes.labels, names, "labels")
        found = as_labels(self.labels, names, "the label of images")
        if names is None or self.notes.label_names is not None:
            return found
        # The dataset's own names: those that occur, as in a folder and in the same dataset's files.
        return from_classes(found.labels.tolist(), names, str)

    def _paths(self) -> list[bytes]:
        """Return the paths that the user or else the dataset gives, or else each row's number."""
        if self.notes.paths is not None:
            return below_root(self.notes.paths)
        own = [path for path in self.paths if path]
        if len(own) == len(self.paths):
            try:
                return below_root([Path(path).absolute() for path in own])
            except InputError:  # Equal names in several folders, say.
                pass
        return [b"%d" % row for row in range(len(self.paths))]

    def _fingerprint(self, images: ImageRows, *, numbered: bool) -> str:
        """Return a SHA-256 over the pixels in order, and over labels and paths if there are any."""
        whole = hashlib.sha256(b"pixels\0" + bytes(self.digests))
        if images.label_names:
            whole.update(b"\0numbers\0" if numbered else b"\0names\0")
            whole.update("\0".join(images.label_names).encode())
            whole.update(np.asarray(images.labels, "<i8").tobytes())
        if any(path != b"%d" % row for row, path in enumerate(images.paths)):
            whole.update(b"\0paths\0" + b"\0".join(images.paths))
        return whole.hexdigest()


def file_name(path: object) -> str | None:
    """Return a path as text, None for anything else."""
    return os.fspath(path) if isinstance(path, (str, Path)) else None
