"""Images in memory that can be indexed: listed in one pass over their pixels, read in another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.extract.memory.pictures import as_file
from oodcache.extract.memory.row_labels import RowNotes
from oodcache.extract.memory.tally import SIZE, UNREADABLE, Element, Tally
from oodcache.extract.sources.listing import ImageListing


@dataclass(frozen=True)
class Indexed:
    """N images by number: `sample(row)` returns one, and may raise anything if it is bad.

    It raises InputError for what is no image at all. `label_names` are the dataset's own.
    """

    count: int
    sample: Callable[[int], Element]
    label_names: Sequence[str] | None = None


@dataclass(frozen=True)
class MemoryContents:
    """The images as files, made when they are read: one at a time, whatever thread asks."""

    root: Path
    sample: Callable[[int], Element]
    digests: bytes
    lock: Lock = field(default_factory=Lock, compare=False)

    def read(self, row: int) -> bytes:
        """Return an image's file; raise InputError if its pixels have changed since the listing."""
        with self.lock:
            file = as_file(self.sample(row).image, place(row))
        before = self.digests[SIZE * row : SIZE * (row + 1)]
        if before not in (file.digest, UNREADABLE):
            raise InputError(
                f"{place(row)} had other pixels when it was read again: remove what is random from "
                "the dataset (such as a transform), or extract a list of its images"
            )
        return file.content

    def is_there(self, row: int) -> bool:
        """Return that the image exists: it is no file that could vanish."""
        return True


def listed(name: str, found: Indexed, notes: RowNotes, watch: Watch) -> ImageListing:
    """Return the images as a dataset, once all their pixels were read for the fingerprint.

    Raises InputError, with the row, for what is no image, and for labels that do not fit.
    """
    notes.check(found.count)
    names = None if found.label_names is None else tuple(found.label_names)
    tally = Tally(notes, names)
    with watch.progress(f"reading {name}", found.count, "images") as advance:
        for row in range(found.count):
            add(tally, partial(found.sample, row), row)
            advance(1)
    return tally.listing(name, MemoryContents(Path(name), found.sample, bytes(tally.digests)))


def add(tally: Tally, sample: Callable[[], Element], row: int) -> bytes | Exception:
    """Count an image; return its file, or what was raised if it cannot be read."""
    found = Element(None)
    try:
        found = sample()
        file = as_file(found.image, place(row))
    except InputError:
        raise
    except Exception as error:  # A user's dataset may raise anything; its row will say what.
        tally.add(found, UNREADABLE)
        return error
    tally.add(found, file.digest)
    return file.content


def place(row: int) -> str:
    """Return the name of a row in errors."""
    return f"images[{row}]"
