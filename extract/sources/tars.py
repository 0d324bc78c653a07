"""Images in WebDataset tars: members with one key are a sample; nothing is unpacked.

The key of `cat/a.seg.png` is `cat/a`: the name up to the first dot of its base name.
"""

from __future__ import annotations

import json
import os
import stat
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.arrays import reading
from oodcache.cache.files.images import ImageRows
from oodcache.extract.sources import image_files
from oodcache.extract.sources.folders import LARGEST, by_folder
from oodcache.extract.sources.image_files import LONGEST, LeftOut, is_image
from oodcache.extract.sources.labels import from_texts
from oodcache.extract.sources.listed_images import shown
from oodcache.extract.sources.listing import ImageListing, ImageSource, labelled_fingerprint
from oodcache.extract.sources.tar_members import Member, members

LABEL_LIMIT = 2**20
LABEL_KEYS = ("label", "cls", "class")  # In a .json object; the first one found.
AT_ONCE = 16  # Open tars per process.
TAR_BITS = 48  # Bits of an offset in a tar; the tar's index is above them.
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TarContents:
    """Images by tar, offset and size.

    Each process opens tars for itself, on demand.
    """

    root: Path
    tars: Sequence[Path]
    tar_sizes: Sequence[int]
    tar: Integers
    offset: Integers
    size: Integers
    _opened: dict[int, _Descriptor] = field(default_factory=dict, compare=False, repr=False)

    def read(self, row: int) -> bytes:
        """Return an image's bytes; raise OSError or ValueError if its tar has changed."""
        if self.size[row] > LARGEST:
            raise ValueError(f"{self.size[row]:,} bytes; the limit is {LARGEST:,}")
        place = int(self.tar[row])
        opened = self._descriptor(place)
        if (size := opened.size()) != self.tar_sizes[place]:
            before = self.tar_sizes[place]
            raise ValueError(f"its tar has {size:,} bytes, but had {before:,} when it was listed")
        return opened.read(int(self.offset[row]), int(self.size[row]))

    def is_there(self, row: int) -> bool:
        """Return whether an image's tar exists with unchanged size."""
        place = int(self.tar[row])
        try:
            return self.tars[place].stat().st_size == self.tar_sizes[place]
        except OSError:
            return False

    def _descriptor(self, place: int) -> _Descriptor:
        found = self._opened.get(place)
        if found is None:
            for old in list(self._opened)[: 1 - AT_ONCE]:
                self._opened.pop(old, None)  # Closed once unused.
            found = self._opened[place] = _Descriptor(self.tars[place])
        return found

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the open files, which belong to one process."""
        return {**self.__dict__, "_opened": {}}


class _Descriptor:
    """An open file that is read by offset: no position is shared over a fork."""

    def __init__(self, path: Path) -> None:
        self._number = -1
        self._number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(self._number).st_mode):
            raise ValueError("its tar is not a regular file")

    def size(self) -> int:
        return os.fstat(self._number).st_size

    def read(self, offset: int, size: int) -> bytes:
        parts: list[bytes] = []
        while size > 0:
            part = os.pread(self._number, size, offset)
            if not part:
                raise ValueError("its tar ends before it does")
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return b"".join(parts)

    def __del__(self) -> None:
        if self._number >= 0:
            os.close(self._number)


@dataclass(frozen=True)
class _Sample:
    """The members of a key, from byte `at` on: an image and the text of its label.

    Either is None if missing.
    """

    key: bytes
    at: int
    image: Member | None
    label: str | None


@dataclass
class _Samples:
    """The images found so far; `seen` maps each key to its tar and offset.

    Compact, for millions of images: equal labels share one text.
    """

    paths: list[bytes] = field(default_factory=list)
    labels: list[str | None] = field(default_factory=list)
    tar: array[int] = field(default_factory=lambda: array("q"))
    offset: array[int] = field(default_factory=lambda: array("q"))
    size: array[int] = field(default_factory=lambda: array("q"))
    seen: dict[bytes, int] = field(default_factory=dict)
    texts: dict[str | None, str | None] = field(default_factory=dict)
    left_out: LeftOut = field(default_factory=LeftOut)
    imageless: int = 0


def list_tars(source: ImageSource) -> ImageListing:
    """Return the images of all tars, in the order of their members.

    Labels are from .cls or .json members, or the first folders if there are none at all. Raises
    InputError for a repeated key, a sample of two images, and an invalid label.
    """
    found, sizes = _Samples(), []
    for place, path in enumerate(source.tars):
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is not a file, so not a tar")
        with reading(path), path.open("rb") as file:
            sizes.append(os.fstat(file.fileno()).st_size)
            _add(found, source, place, file)
    if not found.paths:
        raise InputError(
            f"{source.root}: its tars contain no images ({found.left_out.note or 'they are empty'})"
        )
    tar, offset, size = (np.array(one, np.int64) for one in (found.tar, found.offset, found.size))
    images, numbered = _labelled(source, found)
    return ImageListing(
        source,
        images,
        labelled_fingerprint(images, size.tolist(), numbered=numbered),
        TarContents(source.root, source.tars, sizes, tar, offset, size),
        found.left_out,
        numbered,
        tuple(_notes(found)),
    )


def _add(found: _Samples, source: ImageSource, place: int, file: BinaryIO) -> None:
    path = source.tars[place]
    for sample in _samples(found, path, file):
        spot = (place << TAR_BITS) + sample.at
        before = found.seen.setdefault(sample.key, spot)
        if before != spot:
            other, at = source.tars[before >> TAR_BITS], before % (1 << TAR_BITS)
            raise InputError(
                f"{path}: key {shown(sample.key)} at byte {sample.at:,} repeats the key of "
                f"a sample in {other} at byte {at:,}: a sample's members must be consecutive"
            )
        if sample.image is None:
            found.imageless += 1
            continue
        found.paths.append(sample.image.name)
        found.labels.append(found.texts.setdefault(sample.label, sample.label))
        found.tar.append(place)
        found.offset.append(sample.image.offset)
        found.size.append(sample.image.size)


def _samples(found: _Samples, path: Path, file: BinaryIO) -> Iterator[_Sample]:
    """Yield the samples, which have an image or a label; count other members."""
    for key, group in groupby(_visible(found, members(path, file)), _key):
        images, labels = [], dict[bytes, Member]()
        for member in group:
            if is_image(member.name) or _starts_like_an_image(member, file):
                images.append(member)
            elif (extension := _extension(member)) in (b"cls", b"json"):
                if labels.setdefault(extension, member) is not member:
                    raise InputError(f"{path}: {shown(member.name)} occurs twice")
            else:
                found.left_out.add(member.name)
        if len(images) > 1:
            one, other = (shown(image.name) for image in images[:2])
            raise InputError(
                f"{path}: {one} and {other} belong to one sample, {shown(key)}, whose "
                "name ends at its first dot; a sample has one image: rename them, or unpack the "
                "tar and give the folder"
            )
        if images:
            yield _Sample(key, images[0].offset, images[0], _label(path, file, labels))
        elif labels:
            yield _Sample(key, next(iter(labels.values())).offset, None, None)


def _visible(found: _Samples, walked: Iterable[Member]) -> Iterator[Member]:
    """Yield files that no name leaves out, as in a folder; count the others, and links."""
    for member in walked:
        if (what := image_files.tar_aside(member.name)) is not None:
            found.left_out.add_as(what)
        elif member.other:
            found.left_out.add_as(member.other, unread=is_image(member.name))
        else:
            yield member


def _starts_like_an_image(member: Member, file: BinaryIO) -> bool:
    if image_files.extension(member.name):
        return False
    start = os.pread(file.fileno(), min(member.size, LONGEST), member.offset)
    return image_files.starts_like_an_image(start)


def _key(member: Member) -> bytes:
    folder, slash, base = member.name.rpartition(b"/")
    return folder + slash + base.split(b".", 1)[0]


def _extension(member: Member) -> bytes:
    return member.name.rpartition(b"/")[2].partition(b".")[2].lower()


def _label(path: Path, file: BinaryIO, labels: dict[bytes, Member]) -> str | None:
    """Return the label in a .cls, or else a .json; None if there is none."""
    member = labels.get(b"cls") or labels.get(b"json")
    if member is None:
        return None
    where = f"{path}: {shown(member.name)}"
    if member.size > LABEL_LIMIT:
        raise InputError(
            f"{where}: {member.size:,} bytes; the limit for a label is {LABEL_LIMIT:,}"
        )
    content = os.pread(file.fileno(), member.size, member.offset)
    if b"cls" in labels:
        try:
            return content.decode().strip()
        except UnicodeDecodeError:
            raise InputError(f"{where}: is not UTF-8 text") from None
    return _of_json(where, content)


def _of_json(where: str, content: bytes) -> str | None:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise InputError(f"{where}: is not valid JSON") from None
    if not isinstance(value, dict):
        raise InputError(f"{where}: is not a JSON object")
    label = next((value[key] for key in LABEL_KEYS if key in value), None)
    if label is None:
        return None
    if isinstance(label, bool) or not isinstance(label, (int, str)):
        raise InputError(f"{where}: its label is neither an integer nor a text")
    return str(label).strip()


def _labelled(source: ImageSource, found: _Samples) -> tuple[ImageRows, bool]:
    if not any(label is not None for label in found.labels):
        return by_folder(found.paths), False

    def where(row: int) -> str:
        return f"{source.tars[found.tar[row]]}: {shown(found.paths[row])}"

    read = from_texts([label or "" for label in found.labels], where)
    return ImageRows(found.paths, read.labels, read.names), read.numbered


def _notes(found: _Samples) -> Iterator[str]:
    if found.imageless:
        yield f"samples without an image, skipped: {found.imageless:,}"
    without = found.labels.count(None)
    if 0 < without < len(found.labels):
        yield f"images without a label: {without:,} have neither a .cls nor a .json with a label"
