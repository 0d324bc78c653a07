"""Images that a list or a table names: below which root they are, and a row for each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageRows
from oodcache.extract.sources.folders import FolderContents
from oodcache.extract.sources.labels import ImageLabels, from_texts
from oodcache.extract.sources.listing import ImageListing, ImageSource, labelled_fingerprint

PARENTS = 3  # Of a list's folder, in which its images are looked for.
# A benchmark's lists lie beside these folders of OpenOOD's, in a folder of their own.
INSIDE = ("", "images_largescale", "images_classic")


@dataclass(frozen=True)
class Entries:
    """What a file names, in its order: a path and a label each, and the number of its line.

    A label that is not there is "". `unit` is "line", or what else the numbers count.
    """

    paths: Sequence[bytes]
    labels: Sequence[str]
    lines: Sequence[int]
    unit: str = "line"


def list_entries(
    source: ImageSource, entries: Entries, notes: tuple[str, ...] = ()
) -> ImageListing:
    """Return the images in the order that they are named in, found below one root.

    Raises InputError, with the line, for a path that leads out of the root or stands twice, and
    where not one of the files is there.
    """
    cleaned = [_clean(source, entries, row) for row in range(len(entries.paths))]
    if not cleaned:
        raise InputError(f"{source.root}: names no image")
    root = _root(source, cleaned[0])
    paths = [_below(source, entries, row, root, path) for row, path in enumerate(cleaned)]
    _check_distinct(source, entries, paths)
    sizes = [_size(root, path) for path in paths]
    if max(sizes) < 0:
        raise InputError(
            f"{source.root}: none of its {len(paths):,} files is below {root}, the first being "
            f"{os.fsdecode(paths[0])!r}; give --image-root FOLDER"
        )
    found = _classes(source, entries)
    images = ImageRows(paths, found.labels, found.names)
    fingerprint = labelled_fingerprint(images, sizes, numbered=found.numbered)
    contents = FolderContents(root, paths)
    return ImageListing(source, images, fingerprint, contents, numbered=found.numbered, notes=notes)


def normal(path: bytes) -> bytes | None:
    """Return a path as a folder's listing would have it; None for one that climbs, or is none.

    >>> [normal(path) for path in (b"./a//b.jpg", b"a/../b.jpg", b".")]
    [b'a/b.jpg', None, None]
    """
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    if not parts or b".." in parts or b"\0" in path or path.endswith(b"/"):
        return None
    return b"/" * path.startswith(b"/") + b"/".join(parts)


def _clean(source: ImageSource, entries: Entries, row: int) -> bytes:
    path = normal(entries.paths[row])
    if path is None:
        shown = os.fsdecode(entries.paths[row])
        raise InputError(
            f"{_where(source, entries, row)}: {shown!r} is no path of an image below a folder, "
            "without '..'"
        )
    return path


def _where(source: ImageSource, entries: Entries, row: int) -> str:
    return f"{source.root}: {entries.unit} {entries.lines[row]}"


def _root(source: ImageSource, first: bytes) -> Path:
    """Return --image-root, or the first of the usual places below which the first path is."""
    given = source.options.image_root
    if given is not None:
        if not given.is_dir():
            raise InputError(
                f"{given}: no such folder; --image-root is where images are looked for"
            )
        return given
    candidates = _candidates(source)
    for root in candidates:
        relative = _relative(root, first)
        if relative is not None and os.path.lexists(os.fsencode(root) + b"/" + relative):
            return root
    looked = ", ".join(str(one) for one in candidates[:3])
    type_next = "/" if first.startswith(b"/") else "FOLDER"
    raise InputError(
        f"{source.root}: its first image, {os.fsdecode(first)!r}, is not below {looked}"
        f"{', …' * (len(candidates) > 3)}; give --image-root {type_next}"
    )


def _candidates(source: ImageSource) -> list[Path]:
    folder = _whole(source.root).parent
    above = [folder, *folder.parents[:PARENTS]]
    if source.data_root is not None:
        above.append(_whole(source.data_root))
    found = [one / inside for one in above for inside in INSIDE]
    return [one for one in dict.fromkeys(found) if one.is_dir()]


def _whole(path: Path) -> Path:
    """Return a path from `/`, as it is written: a link's own folder is where one looks for it."""
    return path.resolve() if ".." in path.parts else path.absolute()


def _relative(root: Path, path: bytes) -> bytes | None:
    """Return a path below the root, None where it is an absolute one that is not."""
    if not path.startswith(b"/"):
        return path
    above = os.fsencode(_whole(root)).rstrip(b"/") + b"/"
    return path[len(above) :] if path.startswith(above) else None


def _below(source: ImageSource, entries: Entries, row: int, root: Path, path: bytes) -> bytes:
    relative = _relative(root, path)
    if relative is None:
        raise InputError(
            f"{_where(source, entries, row)}: {os.fsdecode(path)!r} is absolute, and not below "
            f"{root}; give --image-root / or a folder that all are below"
        )
    return relative


def _check_distinct(source: ImageSource, entries: Entries, paths: Sequence[bytes]) -> None:
    first: dict[bytes, int] = {}
    for row, path in enumerate(paths):
        if (before := first.setdefault(path, row)) != row:
            raise InputError(
                f"{_where(source, entries, row)} repeats {entries.unit} {entries.lines[before]}, "
                f"{os.fsdecode(path)!r}: take one out"
            )


def _size(root: Path, path: bytes) -> int:
    """Return a file's size, -1 where it is missing: its row will say so when it is decoded."""
    try:
        return (root / os.fsdecode(path)).stat().st_size
    except OSError:
        return -1


def _classes(source: ImageSource, entries: Entries) -> ImageLabels:
    """Return the labels; of a known list, whose classes have ids, those in place of numbers."""
    found = from_texts(entries.labels, lambda row: _where(source, entries, row))
    if not source.classes:
        return found
    for name in found.names:
        if not found.numbered or int(name) >= len(source.classes):
            where = _where(source, entries, entries.labels.index(name))
            raise InputError(
                f"{where}: label {name!r} is no class number from 0 to {len(source.classes) - 1}"
            )
    return ImageLabels(found.labels, tuple(source.classes[int(name)] for name in found.names))
