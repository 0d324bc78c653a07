"""Checksums of image embeddings, one for each block of rows, and of the paths: rule F14.

They are root attributes, which readers of 0.1 ignore. A file made before them has none: its
vectors are held against their SHA-256 (F10) before the first row is handed out.
"""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64, xxh3_64_intdigest

from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.format import rules
from oodcache.cache.format.storage import is_of
from oodcache.cache.text import counted

BLOCKS, PATHS = "checksums", "path_checksum"
ROWS = 2048
MOST = 8000  # An attribute holds at most 64 kB.
PIECE = 2**20
Sums = npt.NDArray[np.uint64]
Version = tuple[int, ...]


def block_rows(rows: int) -> int:
    """Return the rows under one checksum: 2,048, doubled until an attribute can hold all sums.

    >>> block_rows(50_000), block_rows(16_384_001)
    (2048, 4096)
    """
    size = ROWS
    while -(-rows // size) > MOST:
        size *= 2
    return size


class BlockSums:
    """The checksums of `rows` rows that are added in order, any number at a time."""

    def __init__(self, rows: int) -> None:
        self._rows = self._left = block_rows(rows)
        self._sum, self._done = xxh3_64(), list[int]()

    def add(self, stored: npt.NDArray[Any]) -> None:
        """Add contiguous rows as they are stored."""
        while len(stored):
            some, stored = stored[: self._left], stored[self._left :]
            self._sum.update(some.data)
            self._left -= len(some)
            if not self._left:
                self._finish()

    def values(self) -> Sums:
        """Return the checksums of all rows added."""
        if self._left < self._rows:
            self._finish()
        return np.array(self._done, "<u8")

    def _finish(self) -> None:
        self._done.append(self._sum.intdigest())
        self._sum.reset()
        self._left = self._rows


@dataclass(frozen=True)
class Checksums:
    """The checksums in a file of `rows` rows; `blocks` and `paths` are None if it has none."""

    rows: int
    blocks: Sums | None = field(compare=False, repr=False)
    paths: int | None

    def around(self, first: int, count: int) -> slice:
        """Return the whole blocks that contain `count` rows from `first` on."""
        if self.blocks is None:
            return slice(first, first + count)
        size = block_rows(self.rows)
        return slice(first // size * size, min(self.rows, -(-(first + count) // size) * size))

    def check(self, path: Path, first: int, stored: npt.NDArray[Any]) -> None:
        """Reject whole blocks, from row `first` on, that differ from their checksums (F14)."""
        if self.blocks is None:
            return
        size = block_rows(self.rows)
        for start in range(0, len(stored), size):
            if (
                xxh3_64_intdigest(stored[start : start + size].data)
                != self.blocks[(first + start) // size]
            ):
                last = min(first + start + size, self.rows) - 1
                what = f"rows {first + start} to {last} of 'embeddings' differ from their checksum"
                raise RuleError(path, "F14", f"{what}: {rules.CHANGED}")

    def check_paths(self, path: Path, stored: npt.NDArray[np.bytes_]) -> None:
        """Reject a column of paths that differs from its checksum (F14)."""
        if self.paths is not None and self.paths != path_sum(stored):
            what = "'path' differs from its checksum: it changed after it was written"
            raise RuleError(path, "F14", what)


def path_sum(stored: npt.NDArray[np.bytes_]) -> np.uint64:
    """Return the checksum of a column of paths."""
    return np.uint64(xxh3_64_intdigest(np.ascontiguousarray(stored).data))


def write_checksums(file: h5py.File, blocks: Sums, paths: npt.NDArray[np.bytes_]) -> None:
    """Write the checksums of all rows and of the paths."""
    file.attrs[BLOCKS], file.attrs[PATHS] = blocks, path_sum(paths)


def stored_checksums(file: h5py.File, path: Path, rows: int) -> Checksums:
    """Return the checksums in a file; raise RuleError if only some are there, or others (F14)."""
    count = -(-rows // block_rows(rows))
    blocks = _attribute(file, path, BLOCKS, (count,))
    paths = _attribute(file, path, PATHS, ())
    if (blocks is None) != (paths is None):
        there, lacking = (BLOCKS, PATHS) if paths is None else (PATHS, BLOCKS)
        raise RuleError(path, "F14", f"has the attribute {there}, but not {lacking}")
    return Checksums(rows, blocks, None if paths is None else int(paths))


def _attribute(file: h5py.File, path: Path, name: str, shape: tuple[int, ...]) -> Sums | None:
    if not h5py.h5a.exists(file.id, name.encode()):
        return None
    found = h5py.h5a.open(file.id, name.encode())
    if found.shape != shape or not is_of(found, "uint64"):
        wanted = counted(math.prod(shape), "value")
        raise RuleError(path, "F14", f"attribute {name} is not {wanted} of type uint64")
    stored: Sums = np.empty(shape, "<u8")
    found.read(stored)
    return stored


def check_sha256(path: Path, embeddings: h5py.Dataset, expected: str) -> None:
    """Reject vectors on disk whose SHA-256 is not the one in the identity (F10)."""
    handle = h5py.h5i.get_file_id(embeddings.id).get_vfd_handle()
    size = embeddings.size * embeddings.dtype.itemsize
    start = embeddings.id.get_offset()
    rules.check_vectors(path, sha256(path, version(os.fstat(handle)), start, size), expected)


def version(status: os.stat_result) -> Version:
    """Return what tells one version of a file from another."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def version_of(file: h5py.File) -> Version:
    """Return the version of an open file."""
    return version(os.fstat(file.id.get_vfd_handle()))


@lru_cache(maxsize=1024)
def sha256(path: Path, version: Version, start: int, size: int) -> str:
    """Return the SHA-256 of a part of a file, computed once per `version` of the file."""
    digest, piece = hashlib.sha256(), memoryview(bytearray(PIECE))
    try:
        with path.open("rb") as file:
            file.seek(start)
            while size and (count := file.readinto(piece[:size])):
                digest.update(piece[:count])
                size -= count
    except OSError as error:  # It was opened a moment ago: removed since, perhaps.
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return digest.hexdigest()
