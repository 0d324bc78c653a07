"""Image data sets: known by name under a data root, or any folder of images; listed, not read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.image_file import ImageRows
from oodcache.cache.names import check_name

SUFFIXES = frozenset(
    b".jpg .jpeg .jpe .png .bmp .gif .webp .tif .tiff .ppm .pgm .pbm .pnm .jp2".split()
)


@dataclass(frozen=True)
class KnownSet:
    """A data set of the field: how many images it has, and where below a data root it is."""

    images: int
    folders: tuple[str, ...]


KNOWN_SETS = {
    "imagenet-val": KnownSet(
        50_000, ("imagenet/val", "imagenet_1k/val", "images_largescale/imagenet_1k/val")
    ),
    "iNaturalist": KnownSet(10_000, ("iNaturalist", "images_largescale/inaturalist")),
    "SUN": KnownSet(10_000, ("SUN",)),
    "Places": KnownSet(10_000, ("Places",)),
    "Textures": KnownSet(5_640, ("dtd/images", "Textures/dtd/images", "Textures")),
}
PREFIXES = ("MOS", "ImageNet_OOD_dataset", "")


@dataclass(frozen=True)
class ImageSource:
    """Where a data set's images are; `expected` is a known set's count, else None."""

    name: str
    root: Path
    expected: int | None


@dataclass(frozen=True)
class ImageListing:
    """The images below a root in a fixed order, and what tells one such list from another.

    `fingerprint` is a SHA-256 over every path and size; `others` counts files that are no images.
    """

    source: ImageSource
    images: ImageRows
    fingerprint: str
    others: int
    kind: str = "images"
    unit: str = "images"

    @property
    def name(self) -> str:
        """Return the data set's name."""
        return self.source.name

    @property
    def rows(self) -> int:
        """Return how many images there are."""
        return len(self.images.paths)


def find(specification: str, data_root: Path) -> ImageSource:
    """Return the source that a known name or NAME=PATH means; refuse what is not there."""
    name, equals, path = specification.partition("=")
    if equals:
        source = ImageSource(check_name(name, "data set"), Path(path), None)
    elif name in KNOWN_SETS:
        source = ImageSource(name, _known_root(name, data_root), KNOWN_SETS[name].images)
    else:
        own = f"{Path(name).name}={name}" if Path(name).is_dir() else "NAME=FOLDER"
        raise InputError(
            f"data set {name!r} is not known (known are: {', '.join(KNOWN_SETS)}); "
            f"for a folder of your own type {own}"
        )
    if not source.root.is_dir():
        what = "is not a folder" if source.root.exists() else "no such folder"
        raise InputError(f"{source.root}: {what}; {name}=FOLDER wants a folder of images")
    return source


def _known_root(name: str, data_root: Path) -> Path:
    if not data_root.is_dir():
        raise InputError(
            f"{data_root}: no such data root, where {name} would be; "
            "give --data-root FOLDER or set OODCACHE_DATA"
        )
    candidates = [
        data_root / prefix / folder for folder in KNOWN_SETS[name].folders for prefix in PREFIXES
    ]
    for candidate in candidates:
        if candidate.is_dir():
            images = candidate / "images"
            return images if images.is_dir() else candidate
    looked = ", ".join(str(one.relative_to(data_root)) for one in candidates[:3])
    raise InputError(
        f"{data_root}: holds no {name} (looked for {looked}, …); "
        f"give --data-root FOLDER, or {name}=FOLDER"
    )


def list_images(source: ImageSource) -> ImageListing:
    """Return all images below the source's root, sorted by path; follows links, skips dot files.

    The label is the first folder below the root; images directly in the root have none.
    """
    found, others = [], 0
    root = os.fsencode(source.root)
    for path, size in _files(root):
        if os.path.splitext(path)[1].lower() in SUFFIXES:
            found.append((path, size))
        else:
            others += 1
    if not found:
        raise InputError(
            f"{source.root}: holds no images ({others:,} other files); "
            "wanted are .jpg, .png, .webp, … in it or in class folders below it"
        )
    found.sort()
    digest = hashlib.sha256()
    for path, size in found:
        digest.update(b"%s\0%d\0" % (path, size))
    return ImageListing(source, _labelled([path for path, _ in found]), digest.hexdigest(), others)


def _labelled(paths: list[bytes]) -> ImageRows:
    folders = [path.split(b"/", 1)[0] if b"/" in path else None for path in paths]
    names = sorted({folder for folder in folders if folder is not None})
    place = {name: index for index, name in enumerate(names)}
    labels = np.array([-1 if one is None else place[one] for one in folders], np.int64)
    return ImageRows(paths, labels, [name.decode(errors="backslashreplace") for name in names])


def _files(
    root: bytes, below: bytes = b"", seen: frozenset[tuple[int, int]] = frozenset()
) -> Iterator[tuple[bytes, int]]:
    """Yield (path below root, size) of every file; a folder linked into itself is entered once."""
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
            except OSError:  # A dangling link: its row will say why it cannot be decoded.
                yield path, -1
