"""Images in a folder, with or without class folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageRows
from oodcache.extract.sources.image_files import (
    LONGEST,
    LeftOut,
    archives_alone,
    aside,
    extension,
    is_image,
    starts_like_an_image,
)
from oodcache.extract.sources.listing import ImageListing, ImageSource, fingerprint

LARGEST = 2**30
NOWHERE: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class FolderContents:
    """Files by their paths below a root."""

    root: Path
    paths: Sequence[bytes]

    def read(self, row: int) -> bytes:
        """Return a file's bytes; raise OSError or ValueError if it is not a readable file.

        Opened without blocking, because a pipe may have an image's name.
        """
        descriptor = os.open(self._path(row), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ValueError("not a regular file")
            if status.st_size > LARGEST:
                raise ValueError(f"{status.st_size:,} bytes; the limit is {LARGEST:,}")
            return file.read()

    def is_there(self, row: int) -> bool:
        """Return whether an image's path exists, whatever it is."""
        return os.path.lexists(self._path(row))

    def _path(self, row: int) -> bytes:
        return os.fsencode(self.root) + b"/" + self.paths[row]


def list_folder(source: ImageSource) -> ImageListing:
    """Return all images below the source's root, sorted by path; follows links, skips dot files.

    The label is the first folder below the root; images in the root itself have none.
    """
    found, left_out = images_below(source.root)
    if not found:
        archives = archives_alone(source.name, str(source.root), left_out)
        raise InputError("; ".join(archives) or nothing_in(str(source.root), left_out))
    paths = [path for path, _ in found]
    return ImageListing(
        source,
        by_folder(paths),
        fingerprint(paths, (size for _, size in found)),
        FolderContents(source.root, paths),
        left_out,
    )


def images_below(root: Path) -> tuple[list[tuple[bytes, int]], LeftOut]:
    """Return path and size of every image below a folder, sorted by path, and what is left out."""
    left_out = LeftOut()
    return sorted(_images(os.fsencode(root), left_out)), left_out


def nothing_in(root: str, left_out: LeftOut) -> str:
    """Return the error for a folder without images."""
    why = left_out.note or "no visible files"
    return f"{root}: contains no images ({why}); supported: .jpg, .png, .webp, .avif, …"


def by_folder(paths: Sequence[bytes]) -> ImageRows:
    """Return images labelled by the first folder of their paths, unlabelled at the root."""
    folders = [path.split(b"/", 1)[0] if b"/" in path else None for path in paths]
    names = sorted({folder for folder in folders if folder is not None})
    place = {name: index for index, name in enumerate(names)}
    labels = np.array([-1 if one is None else place[one] for one in folders], np.int64)
    return ImageRows(paths, labels, [name.decode(errors="backslashreplace") for name in names])


def _images(root: bytes, left_out: LeftOut) -> Iterator[tuple[bytes, int]]:
    """Yield (path below root, size) of every image; count all other files."""
    for path, entry in _files(root, left_out):
        if is_image(path) or (not extension(path) and _starts_like_an_image(entry)):
            yield path, _size(entry)
        else:
            left_out.add(path)


def _files(
    root: bytes, left_out: LeftOut, below: bytes = b"", seen: frozenset[tuple[int, int]] = NOWHERE
) -> Iterator[tuple[bytes, os.DirEntry[bytes]]]:
    """Yield every file with its path below root; a folder linked into itself is read once."""
    here = os.path.join(root, below) if below else root
    try:
        status = os.stat(here)
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            return
        with os.scandir(here) as listing:
            entries = list(listing)
    except OSError as error:
        raise InputError(f"{os.fsdecode(here)}: cannot be listed: {error.strerror}") from None
    for entry in entries:
        path = b"/".join([below, entry.name]) if below else entry.name
        is_folder = _is_folder(entry)
        if (what := aside(entry.name, is_folder=is_folder)) is not None:
            left_out.add_as(what or ("hidden folder of images" if _has_images(entry) else ""))
        elif is_folder:
            yield from _files(root, left_out, path, seen | {identity})
        else:
            yield path, entry


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link that leads to itself: its row will report an error.
        return False


def _has_images(entry: os.DirEntry[bytes]) -> bool:
    """Return whether this is a folder that has images, not counting folders in it."""
    try:
        return entry.is_dir() and any(is_image(one) for one in os.listdir(entry.path))
    except OSError:
        return False


def _size(entry: os.DirEntry[bytes]) -> int:
    """Return a file's size, -1 for a broken link: decoding it will report an error."""
    try:
        return entry.stat().st_size
    except OSError:
        return -1


def _starts_like_an_image(entry: os.DirEntry[bytes]) -> bool:
    try:
        if not entry.is_file():  # A pipe would block.
            return False
        with open(entry.path, "rb", buffering=0) as file:
            return starts_like_an_image(file.read(LONGEST))
    except OSError:
        return False
