"""A gzipped tar of images unpacked, with distrust.

Nothing is written outside of the folder, no link or device is made, and no more is written than a
data set can have. An archive that is damaged, cut short or goes on after its end is refused.
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
    """What an archive may hold at most, and the one folder that all of it is in."""

    folder: str
    members: int
    size: int


def check_python() -> None:
    """Refuse a Python that cannot unpack with distrust."""
    if not hasattr(tarfile, "data_filter"):
        raise InputError(
            "unpacking needs a Python whose tarfile has filters, 3.11.4 or newer; this is "
            f"{platform.python_version()}"
        )


def unpack(path: Path, folder: Path, limits: Limits, advance: Callable[[int], None]) -> None:
    """Unpack a gzipped tar into a folder, hidden files left out; `advance` is told MB of it.

    Raises InputError, which names the member, for what is not to be unpacked; what is in the folder
    by then is the caller's to remove. An OSError of the disk passes.
    """
    with path.open("rb") as file:
        if (start := file.read(16))[:2] != MAGIC:
            raise InputError(f"{path}: is no gzipped tar: it begins with {start!r}")
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
    """What a gzip file holds, read forwards, no more of it than the limits let."""

    def __init__(self, path: Path, file: BinaryIO, limits: Limits) -> None:
        self.path, self.limits = path, limits
        self.unpacked, self.last = gzip.GzipFile(fileobj=file), b""

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        self.last = self.unpacked.read(size)
        if self.unpacked.tell() > self.limits.size:
            raise InputError(_too_large(self.path, self.limits))
        return self.last

    def seek(self, place: int) -> int:
        """Go to a place further on."""
        assert place >= self.unpacked.tell(), "a tar is read once, from its beginning"
        return self.unpacked.seek(place)

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self.unpacked.tell()


def _unpack(path: Path, tar: Tar, found: tarfile.TarInfo, folder: Path, limits: Limits) -> None:
    parts = name_of(path, found).split(b"/")
    if found.type not in PLAIN or found.issparse():
        raise InputError(f"{path}: member {found.name!r} is {_kind(found)}, and no image")
    if found.size < 0 or tar.offset > limits.size:
        raise InputError(f"{_too_large(path, limits)} with member {found.name!r}")
    if parts == [b""] or any(part.startswith(b".") for part in parts):
        return  # The tar's own folder, and what a Mac or an editor leaves: no listing looks there.
    if parts[0] != limits.folder.encode():
        raise InputError(f"{path}: member {found.name!r} is not in its folder {limits.folder}/")
    try:
        tar.extract(found, folder, set_attrs=False, filter="data")
    except DAMAGE as error:
        raise InputError(
            f"{path}: is cut short, or damaged, in member {found.name!r}: {one_line(error)}"
        ) from None


def _kind(found: tarfile.TarInfo) -> str:
    if found.issym() or found.islnk():
        return f"a link to {found.linkname!r}"
    return "a file with holes" if found.issparse() else "a device or the like"


def _too_large(path: Path, limits: Limits) -> str:
    return f"{path}: unpacks to more than {limits.size / MB:,.0f} MB"


def _check_end(path: Path, stream: _Unpacked) -> None:
    """Refuse what the library takes for an end without a word, and read the checksum of gzip."""
    is_end = len(stream.last) == BLOCK and not stream.last.strip(b"\0")
    try:
        while is_end and (rest := stream.read(2**20)):
            is_end = not rest.strip(b"\0")
    except DAMAGE as error:
        raise InputError(f"{path}: is cut short, or damaged: {one_line(error)}") from None
    if not is_end:
        raise InputError(f"{path}: is cut short, or damaged, or goes on after its end mark")
