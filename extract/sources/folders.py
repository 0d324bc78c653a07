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
from oodcache.extract.sources.listing import ImageListing, ImageSource, fingerprint

SUFFIXES = frozenset(
    b".jpg .jpeg .jpe .png .bmp .gif .webp .tif .tiff .ppm .pgm .pbm .pnm .jp2".split()
)
LARGEST = 2**30


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
    found, others = [], 0
    for path, size in _files(os.fsencode(source.root)):
        if is_image(path):
            found.append((path, size))
        else:
            others += 1
    if not found:
        raise InputError(
            f"{source.root}: contains no images ({others:,} other files); "
            "supported: .jpg, .png, .webp, …"
        )
    found.sort()
    paths = [path for path, _ in found]
    return ImageListing(
        source,
        by_folder(paths),
        fingerprint(paths, (size for _, size in found)),
        FolderContents(source.root, paths),
        others,
    )


def has_images(root: Path) -> bool:
    """Return whether there is any image below a folder."""
    return any(is_image(path) for path, _ in _files(os.fsencode(root)))


def is_image(path: bytes) -> bool:
    """Return whether a file has an image's extension.

    >>> [is_image(path) for path in (b"a/b.JPEG", b"a/b.txt", b".png")]
    [True, False, False]
    """
    return os.path.splitext(path)[1].lower() in SUFFIXES


def by_folder(paths: Sequence[bytes]) -> ImageRows:
    """Return images labelled by the first folder of their paths, unlabelled at the root."""
    folders = [path.split(b"/", 1)[0] if b"/" in path else None for path in paths]
    names = sorted({folder for folder in folders if folder is not None})
    place = {name: index for index, name in enumerate(names)}
    labels = np.array([-1 if one is None else place[one] for one in folders], np.int64)
    return ImageRows(paths, labels, [name.decode(errors="backslashreplace") for name in names])


def _files(
    root: bytes, below: bytes = b"", seen: frozenset[tuple[int, int]] = frozenset()
) -> Iterator[tuple[bytes, int]]:
    """Yield (path below root, size) of every file; a folder linked into itself is read once."""
    here = os.path.join(root, below) if below else root
    try:
        status = os.stat(here)
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            return
        with os.scandir(here) as listing:
            entries = [entry for entry in listing if not entry.name.startswith(b".")]
    except OSError as error:
        raise InputError(f"{os.fsdecode(here)}: cannot be listed: {error.strerror}") from None
    for entry in entries:
        path = b"/".join([below, entry.name]) if below else entry.name
        if entry.is_dir():
            yield from _files(root, path, seen | {identity})
        else:
            try:
                yield path, entry.stat().st_size
            except OSError:  # A dangling link: decoding it will report an error.
                yield path, -1
