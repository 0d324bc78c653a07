"""The members of a tar, in order, by where their bytes are: headers read once, data passed over.

A stranger's tar is read with distrust: nothing is unpacked, no link is followed, and what does not
end as a tar ends is refused, so that images are never missing in silence.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import one_line
from oodcache.extract.sources.listed_images import normal

BLOCK = tarfile.BLOCKSIZE
LONGEST_HEADER = 2**20  # Of a long name, or of pax records: it is read into memory.
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
    """A member that is no folder: its name, and which bytes of the tar are its own.

    `is_file` is false for links, devices and files with holes, whose bytes are not all there.
    """

    name: bytes
    offset: int
    size: int
    is_file: bool


def members(path: Path, file: BinaryIO) -> Iterator[Member]:
    """Yield the members of the tar at `path`, opened as `file`, but folders.

    Raises InputError for what is no tar, one that is compressed or cut short, and for a name that
    is absolute or climbs out.
    """
    _check_plain(path, file)
    size = os.fstat(file.fileno()).st_size
    tar = opened(path, file)
    while (found := following(path, tar)) is not None:
        name, is_file = name_of(path, found), found.isreg() and not found.issparse()
        if is_file and not 0 <= found.size <= size - found.offset_data:
            raise InputError(
                f"{path}: is cut short, or damaged: member {found.name!r} claims {found.size:,} "
                f"bytes at byte {found.offset_data:,} of {size:,}; get it again"
            )
        if not found.isdir():
            yield Member(name, found.offset_data, found.size, is_file)
    _check_end(path, file, tar.offset)


class _Header(tarfile.TarInfo):
    """A header that cannot make the library turn back, or read a file's whole rest as a name."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Return the header in a block; raise ReadError for one that no writer writes."""
        found = super().frombuf(buf, encoding, errors)
        if found.size < 0 or (found.type in HEADERS and found.size > LONGEST_HEADER):
            raise tarfile.ReadError(f"a header says that {found.size:,} bytes follow")
        return found


class Tar(tarfile.TarFile):
    """A tar that is read with distrust."""

    members: list[tarfile.TarInfo]  # What it has read so far.


def opened(path: Path, file: BinaryIO) -> Tar:
    """Return the tar at `path`, opened as `file`; refuse what is none."""
    try:
        return Tar.open(
            fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape", tarinfo=_Header
        )
    except InputError:  # Of what the tar is read from.
        raise
    except Exception as error:  # A stranger's header makes the library raise anything.
        raise InputError(f"{path}: is no tar that can be read: {one_line(error)}") from None


def following(path: Path, tar: Tar) -> tarfile.TarInfo | None:
    """Return the next header, None at the end; refuse what cannot be read."""
    before = tar.offset
    try:
        found = tar.next()
    except InputError:
        raise
    except Exception as error:  # As above.
        raise InputError(
            f"{path}: is cut short, or damaged, at byte {before:,}: {one_line(error)}; get it again"
        ) from None
    tar.members = []  # Or it keeps every header of a tar of millions.
    if found is not None and tar.offset <= found.offset:
        raise InputError(f"{path}: is damaged: member {found.name!r} ends before it begins")
    return found


def name_of(path: Path, found: tarfile.TarInfo) -> bytes:
    """Return a member's name as a folder's listing has it, "" for the tar's own folder."""
    name = found.name.encode("utf-8", "surrogateescape")
    kept = b"" if name in (b"", b".") else normal(name)
    if kept is None or kept.startswith(b"/"):
        raise InputError(
            f"{path}: member {found.name!r} leads out of the tar: nothing of it is read"
        )
    return kept


def _check_plain(path: Path, file: BinaryIO) -> None:
    start = file.read(8)
    file.seek(0)
    if not start:
        raise InputError(f"{path}: is empty, and no tar")
    for magic, command in PACKED.items():
        if start.startswith(magic):
            raise InputError(
                f"{path}: is compressed, so that no image can be read by itself: decompress it "
                f"({command}), and give what comes out"
            )


def _check_end(path: Path, file: BinaryIO, end: int) -> None:
    """Refuse what the library takes for an end without a word: any header that it cannot read."""
    file.seek(end)
    block = file.read(BLOCK)
    if len(block) < BLOCK or block.strip(b"\0"):
        what = "no end mark" if len(block) < BLOCK else "no header that can be read"
        raise InputError(
            f"{path}: is cut short, or damaged: has {what} at byte {end:,}; get it again"
        )
    while rest := file.read(2**20):
        if rest.strip(b"\0"):
            raise InputError(
                f"{path}: goes on after its end mark, as tars joined by cat do: give them one by "
                "one, as NAME='x/{0..9}.tar'"
            )
