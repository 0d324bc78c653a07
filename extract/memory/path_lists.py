"""Images given as a list of paths: files in the order of the list."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageRows
from oodcache.extract.memory.row_labels import RowNotes, as_labels, below_root
from oodcache.extract.run.embedding import FreeFiles
from oodcache.extract.sources.listed_images import shown
from oodcache.extract.sources.listing import (
    ImageListing,
    ImageSource,
    fingerprint,
    labelled_fingerprint,
)


@dataclass(frozen=True)
class Typed:
    """The paths as they were given, and each file's size, -1 if it is missing."""

    raw: list[bytes]
    sizes: list[int]


def listed(name: str, paths: Sequence[Any], notes: RowNotes) -> ImageListing:
    """Return the files as a dataset; their rows have the paths below their common folder.

    Raises InputError, with the place, for a path that repeats, and if no file exists.
    """
    notes.check(len(paths))
    typed = _typed(paths)
    if max(typed.sizes) < 0:
        first = shown(typed.raw[0])
        raise InputError(f"images: none of {len(paths):,} files exists; the first is {first}")
    rows = _rows(typed.raw) if notes.paths is None else below_root(notes.paths)
    given = [None] * len(paths) if notes.labels is None else notes.labels
    labels = as_labels(given, notes.label_names, "labels")
    images = ImageRows(rows, labels.labels, labels.names)
    if labels.names:
        found = labelled_fingerprint(images, typed.sizes, numbered=labels.numbered)
    else:
        found = fingerprint(rows, typed.sizes)
    source = ImageSource(name, Path(name), form="list")
    return ImageListing(source, images, found, FreeFiles(typed.raw), numbered=labels.numbered)


def _typed(paths: Sequence[Any]) -> Typed:
    raw = [os.fsencode(one) for one in paths]
    return Typed(raw, [_size(one) for one in raw])


def _size(path: bytes) -> int:
    try:
        return Path(os.fsdecode(path)).stat().st_size
    except (OSError, ValueError):
        return -1


def _rows(raw: Sequence[bytes]) -> list[bytes]:
    """Return the paths below their common folder, whatever folder they were typed from."""
    try:
        return below_root([Path(os.fsdecode(one)).absolute() for one in raw])
    except InputError as error:
        raise InputError(str(error).replace("paths[", "images[")) from None
