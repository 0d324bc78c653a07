"""Unpacking an untrusted gzipped tar of images.

Nothing is written outside the folder, no link or device is created, and the size is limited to what
a dataset can have. An archive that is damaged, truncated or continues after its end is rejected.
"""

from __future__ import annotations

import gzip
import platform
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import one_line
from oodcache.extract.sources.tar_members import BLOCK, Tar, following, name_of, opened

MAGIC = b"\x1f\x8b"
PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.DIRTYPE)
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError)
MB = 10**6


@dataclass(frozen=True)
class Limits:
    """The limits of an archive, and the one folder that contains all of it."""

    folder: str
    members: int
    size: int


def check_python() -> None:
    """Reject a Python that cannot unpack safely."""
    if not hasattr(tarfile, "data_filter"):
        raise InputError(
            "unpacking needs a Python whose tarfile has filters, 3.11.4 or newer; this is "
            f"{platform.python_version()}"
        )


def unpack(path: Path, folder: Path, limits: Limits, advance: Callable[[int], None]) -> None:
    """Unpack a gzipped tar into a folder, without hidden files; `advance` is called with MB read.

    Raises InputError, with the member, for what must not be unpacked; the caller removes what is in
    the folder by then. OSErrors of the disk pass.
    """
    with path.open("rb") as file:
        if (start := file.read(16))[:2] != MAGIC:
            raise InputError(f"{path}: is not a gzipped tar: it starts with {start!r}")
        file.seek(0)
        stream = _Unpacked(path, file, limits)
        tar = opened(path, cast(BinaryIO, stream))
        told, count = 0, 0
        while (found := following(path, tar)) is not None:
            count += 1
            if count > limits.members:
                raise InputError(f"{path}: has more than {limits.members:,} members")
            _unpack(path, tar, found, folder, limits)
            advance(file.tell() // MB - told)
            told = file.tell() // MB
        _check_end(path, stream)


class _Unpacked:
    """The contents of a gzip file, read forwards up to the limits."""

    def __init__(self, path: Path, file: BinaryIO, limits: Limits) -> None:
        self.path, self.limits = path, limits
        self.unpacked, self.last = gzip.GzipFile(fileobj=file), b""

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end."""
        self.last = self.unpacked.read(size)
        if self.unpacked.tell() > self.limits.size:
            raise InputError(_too_large(self.path, self.limits))
        return self.last

    def seek(self, place: int) -> int:
        """Skip forwards to an offset."""
        assert place >= self.unpacked.tell(), "a tar is read once, from its beginning"
        return self.unpacked.seek(place)

    def tell(self) -> int:
        """Return the offset."""
        return self.unpacked.tell()


def _unpack(path: Path, tar: Tar, found: tarfile.TarInfo, folder: Path, limits: Limits) -> None:
    parts = name_of(path, found).split(b"/")
    if found.type not in PLAIN or found.issparse():
        raise InputError(f"{path}: member {found.name!r} is {_kind(found)}, not an image")
    if found.size < 0 or tar.offset > limits.size:
        raise InputError(f"{_too_large(path, limits)} with member {found.name!r}")
    if parts == [b""] or any(part.startswith(b".") for part in parts):
        return  # The tar's own folder, and hidden files of a Mac or an editor.
    if parts[0] != limits.folder.encode():
        raise InputError(f"{path}: member {found.name!r} is not in its folder {limits.folder}/")
    try:
        tar.extract(found, folder, set_attrs=False, filter="data")
    except DAMAGE as error:
        raise InputError(
            f"{path}: is truncated or damaged, in member {found.name!r}: {one_line(error)}"
        ) from None


def _kind(found: tarfile.TarInfo) -> str:
    if found.issym() or found.islnk():
        return f"a link to {found.linkname!r}"
    return "a sparse file" if found.issparse() else "a device or pipe"


def _too_large(path: Path, limits: Limits) -> str:
    return f"{path}: unpacks to more than {limits.size / MB:,.0f} MB"


def _check_end(path: Path, stream: _Unpacked) -> None:
    """Reject an unreadable header, which tarfile takes for the end, and read gzip's checksum."""
    is_end = len(stream.last) == BLOCK and not stream.last.strip(b"\0")
    try:
        while is_end and (rest := stream.read(2**20)):
            is_end = not rest.strip(b"\0")
    except DAMAGE as error:
        raise InputError(f"{path}: is truncated or damaged: {one_line(error)}") from None
    if not is_end:
        raise InputError(f"{path}: is truncated or damaged, or continues after its end mark")
