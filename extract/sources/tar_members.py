"""The members of a tar, in order, with the position of their bytes; only headers are read.

Tars are untrusted: nothing is unpacked, no link is followed but a hard link to a file in the tar
itself, and a tar without a proper end is rejected, so that no images are silently missing.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Self

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import one_line
from oodcache.extract.sources.listed_images import normal, shown

BLOCK = tarfile.BLOCKSIZE
LONGEST_HEADER = 2**20  # Bytes of a long name or of pax records, which are read into memory.
HEADERS = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
PACKED = {
    b"\x1f\x8b": "gzip -dc",
    b"BZh": "bzip2 -dc",
    b"\xfd7zXZ\0": "xz -dc",
    b"\x28\xb5\x2f\xfd": "zstd -dc",
    b"PK\x03\x04": "unzip",
}


@dataclass(frozen=True)
class Member:
    """A member that is not a folder: its name, and the position of its bytes in the tar.

    `other` is "" for a file, else what it is: a link, a device or pipe, or a sparse file. A hard
    link to a file further up has that file's bytes.
    """

    name: bytes
    offset: int
    size: int
    other: str = ""


def members(path: Path, file: BinaryIO) -> Iterator[Member]:
    """Yield the members of the tar at `path`, opened as `file`, except folders.

    Raises InputError for a file that is not a tar, or is compressed or truncated, and for a name
    that is absolute or climbs up.
    """
    _check_plain(path, file)
    tar, targets = opened(path, file), _Targets(path)
    while (found := following(path, tar)) is not None:
        if found.isdir():
            name_of(path, found)
            continue
        one = _member(path, file, found)
        if found.islnk() and (target := targets.of(found)) is not None:
            one = replace(one, offset=target.offset, size=target.size, other="")
        targets.add(one)
        yield one
    _check_end(path, file, tar.offset)


def _member(path: Path, file: BinaryIO, found: tarfile.TarInfo) -> Member:
    name, other = name_of(path, found), _other(found)
    size = os.fstat(file.fileno()).st_size
    if not other and not 0 <= found.size <= size - found.offset_data:
        raise InputError(
            f"{path}: is truncated or damaged: member {_shown(found)} claims {found.size:,} "
            f"bytes at byte {found.offset_data:,} of {size:,}; get it again"
        )
    return Member(name, found.offset_data, found.size, other)


def _other(found: tarfile.TarInfo) -> str:
    if found.issym() or found.islnk():
        return "link"
    if found.issparse():
        return "sparse file"
    return "" if found.isreg() else "device or pipe"


class _Targets:
    """The files of a tar by name, for hard links; collected only once a link is met."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[bytes, Member] | None = None

    def add(self, one: Member) -> None:
        """Remember a file, if links are met at all."""
        if self._files is not None and not one.other:
            self._files[one.name] = one

    def of(self, link: tarfile.TarInfo) -> Member | None:
        """Return the file before `link` that a hard link leads to, None if there is none."""
        if self._files is None:
            self._files = {}
            with self._path.open("rb") as file:
                tar = opened(self._path, file)
                while (found := following(self._path, tar)) and found.offset < link.offset:
                    if not found.isdir():
                        self.add(_member(self._path, file, found))
        name = normal(link.linkname.encode("utf-8", "surrogateescape"))
        return self._files.get(name) if name else None


class _Header(tarfile.TarInfo):
    """A header that cannot make tarfile seek back, or read the rest of a file as a name."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Return the header in a block; raise ReadError for sizes that no writer writes."""
        found = super().frombuf(buf, encoding, errors)
        if found.size < 0 or (found.type in HEADERS and found.size > LONGEST_HEADER):
            raise tarfile.ReadError(f"a header claims that {found.size:,} bytes follow")
        return found


class Tar(tarfile.TarFile):
    """An untrusted tar."""

    members: list[tarfile.TarInfo]  # Those read so far.


def opened(path: Path, file: BinaryIO) -> Tar:
    """Return the tar at `path`, opened as `file`; raise InputError if it is not a tar."""
    try:
        return Tar.open(
            fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape", tarinfo=_Header
        )
    except InputError:  # From the file object.
        raise
    except Exception as error:  # Tarfile can raise anything on an untrusted header.
        raise InputError(f"{path}: is not a readable tar: {one_line(error)}") from None


def following(path: Path, tar: Tar) -> tarfile.TarInfo | None:
    """Return the next header, None at the end; raise InputError if it cannot be read."""
    before = tar.offset
    try:
        found = tar.next()
    except InputError:
        raise
    except Exception as error:  # As above.
        raise InputError(
            f"{path}: is truncated or damaged, at byte {before:,}: {one_line(error)}; get it again"
        ) from None
    tar.members = []  # Otherwise it keeps every header of a tar of millions.
    if found is not None and tar.offset <= found.offset:
        raise InputError(f"{path}: is damaged: member {_shown(found)} ends before it starts")
    return found


def _shown(found: tarfile.TarInfo) -> str:
    return shown(found.name.encode("utf-8", "surrogateescape"))


def name_of(path: Path, found: tarfile.TarInfo) -> bytes:
    """Return a member's name as in a folder listing, "" for the tar's own folder."""
    name = found.name.encode("utf-8", "surrogateescape")
    kept = b"" if name in (b"", b".") else normal(name)
    if kept is None or kept.startswith(b"/"):
        raise InputError(f"{path}: member {_shown(found)} leads out of the tar, which is rejected")
    return kept


def _check_plain(path: Path, file: BinaryIO) -> None:
    start = file.read(8)
    file.seek(0)
    if not start:
        raise InputError(f"{path}: is empty, not a tar")
    for magic, command in PACKED.items():
        if start.startswith(magic):
            raise InputError(
                f"{path}: is compressed, so single images cannot be read: decompress it "
                f"({command}) and give the result"
            )


def _check_end(path: Path, file: BinaryIO, end: int) -> None:
    """Reject an unreadable header, which tarfile silently takes for the end."""
    file.seek(end)
    block = file.read(BLOCK)
    if len(block) < BLOCK or block.strip(b"\0"):
        what = "no end mark" if len(block) < BLOCK else "no header that can be read"
        raise InputError(
            f"{path}: is truncated or damaged: has {what} at byte {end:,}; get it again"
        )
    while rest := file.read(2**20):
        if rest.strip(b"\0"):
            raise InputError(
                f"{path}: continues after its end mark, like tars joined by cat: give them one by "
                "one, as NAME='x/{0..9}.tar'"
            )
