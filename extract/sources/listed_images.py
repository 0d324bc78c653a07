"""Images named by a list or a table: their root and rows."""

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

LONGEST = 108  # Bytes of a path in a message.
PARENTS = 3  # Parents of a list's folder where its images are searched.
TRIED = 100  # First images of a list that are searched, and as many of the others.
# OpenOOD's folders of images, next to its folder of lists.
INSIDE = ("", "images_largescale", "images_classic")


@dataclass(frozen=True)
class Entries:
    """The entries of a list or table: a path, a label and a line number each.

    A missing label is "". `unit` is what the numbers count: "line" or "row".
    """

    paths: Sequence[bytes]
    labels: Sequence[str]
    lines: Sequence[int]
    unit: str = "line"


def list_entries(
    source: ImageSource, entries: Entries, notes: tuple[str, ...] = ()
) -> ImageListing:
    """Return the images in the order of the entries, below one root.

    Raises InputError, with the line, for a path that leaves the root or repeats, and if none of
    the files exists.
    """
    cleaned = [_clean(source, entries, row) for row in range(len(entries.paths))]
    if not cleaned:
        raise InputError(f"{source.root}: lists no image")
    root = _root(source, cleaned)
    paths = [_below(source, entries, row, root, path) for row, path in enumerate(cleaned)]
    _check_distinct(source, entries, paths)
    sizes = [_size(root, path) for path in paths]
    if max(sizes) < 0:
        raise InputError(
            f"{source.root}: none of its {len(paths):,} files is below {root}, the first is "
            f"{shown(paths[0])}; give --image-root FOLDER"
        )
    found = _classes(source, entries)
    images = ImageRows(paths, found.labels, found.names)
    fingerprint = labelled_fingerprint(images, sizes, numbered=found.numbered)
    contents = FolderContents(root, paths)
    return ImageListing(source, images, fingerprint, contents, numbered=found.numbered, notes=notes)


def normal(path: bytes) -> bytes | None:
    """Return a path as in a folder listing; None if it climbs up or is not a file's path.

    >>> [normal(path) for path in (b"./a//b.jpg", b"a/../b.jpg", b".")]
    [b'a/b.jpg', None, None]
    """
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    if not parts or b".." in parts or b"\0" in path or path.endswith(b"/"):
        return None
    return b"/" * path.startswith(b"/") + b"/".join(parts)


def shown(path: bytes) -> str:
    """Return an untrusted path as text in quotes, without its middle if it is long.

    >>> len(shown(b"x" * 10**6))
    113
    """
    cut = path if len(path) <= LONGEST else path[: LONGEST // 2] + b"..." + path[-LONGEST // 2 :]
    return repr(os.fsdecode(cut))


def _clean(source: ImageSource, entries: Entries, row: int) -> bytes:
    path = normal(entries.paths[row])
    if path is None:
        raise InputError(
            f"{_where(source, entries, row)}: {shown(entries.paths[row])} is not an image path; "
            "use paths without '..'"
        )
    return path


def _where(source: ImageSource, entries: Entries, row: int) -> str:
    return f"{source.root}: {entries.unit} {entries.lines[row]}"


def _root(source: ImageSource, paths: Sequence[bytes]) -> Path:
    """Return --image-root, or the first usual folder that contains the first path that is there.

    Of a long list only some paths are tried: where none of them is, the list is far from its
    images.
    """
    given = source.options.image_root
    if given is not None:
        if not given.is_dir():
            raise InputError(f"{given}: no such folder; --image-root is the folder of the images")
        return given
    candidates = _candidates(source)
    first = paths[0]
    for path in [*paths[:TRIED], *paths[TRIED :: 1 + len(paths) // TRIED]]:
        for root in candidates:
            relative = _relative(root, path)
            if relative is not None and os.path.lexists(os.fsencode(root) + b"/" + relative):
                return root
    looked = ", ".join(str(one) for one in candidates[:3])
    type_next = "/" if first.startswith(b"/") else "FOLDER"
    raise InputError(
        f"{source.root}: its first image, {shown(first)}, is not below {looked}"
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
    """Return an absolute path; links are kept unless the path has '..'."""
    return path.resolve() if ".." in path.parts else path.absolute()


def _relative(root: Path, path: bytes) -> bytes | None:
    """Return a path relative to the root, None if it is absolute and not below it."""
    if not path.startswith(b"/"):
        return path
    above = os.fsencode(_whole(root)).rstrip(b"/") + b"/"
    return path[len(above) :] if path.startswith(above) else None


def _below(source: ImageSource, entries: Entries, row: int, root: Path, path: bytes) -> bytes:
    relative = _relative(root, path)
    if relative is None:
        raise InputError(
            f"{_where(source, entries, row)}: {shown(path)} is absolute and not below "
            f"{root}; give --image-root / or a common parent"
        )
    return relative


def _check_distinct(source: ImageSource, entries: Entries, paths: Sequence[bytes]) -> None:
    first: dict[bytes, int] = {}
    for row, path in enumerate(paths):
        if (before := first.setdefault(path, row)) != row:
            raise InputError(
                f"{_where(source, entries, row)} repeats {entries.unit} {entries.lines[before]}, "
                f"{shown(path)}: remove one"
            )


def _size(root: Path, path: bytes) -> int:
    """Return a file's size, -1 if it is missing: decoding it will report an error."""
    try:
        return (root / os.fsdecode(path)).stat().st_size
    except OSError:
        return -1


def _classes(source: ImageSource, entries: Entries) -> ImageLabels:
    """Return the labels; for a known list, class ids instead of class numbers."""
    found = from_texts(entries.labels, lambda row: _where(source, entries, row))
    if not source.classes:
        return found
    for name in found.names:
        if not found.numbered or int(name) >= len(source.classes):
            where = _where(source, entries, entries.labels.index(name))
            raise InputError(
                f"{where}: label {name!r} is not a class number from 0 to {len(source.classes) - 1}"
            )
    return ImageLabels(found.labels, tuple(source.classes[int(name)] for name in found.names))
