"""Known datasets: downloaded, verified, unpacked, counted, and only then moved into place.

After an interruption, the same command resumes the download and restarts unpacking. A folder
with its final name is complete.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.text import counted
from oodcache.cache.watch import Hint, Watch
from oodcache.extract.known import checksums, downloading, unpacking
from oodcache.extract.known.known_set import FETCHED, LABELLED, Archive, KnownSet
from oodcache.extract.sources import datasets
from oodcache.extract.sources.listing import ImageSource

WORK = ".fetch"
# Limits per image: photographs are smaller, but some sets have other files.
MOST_MEMBERS, MOST_BYTES = 10, 4 * 10**6
RESUMES = "run the same command again to resume"
ELSEWHERE = "give another --data-root"
ADVICE = {
    errno.ENOSPC: f"free some, or {ELSEWHERE}; {RESUMES}",
    errno.EDQUOT: f"free some, or {ELSEWHERE}; {RESUMES}",
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR), ELSEWHERE),
}


@dataclass(frozen=True)
class Fetched:
    """A dataset that exists now, and whether it did before."""

    counted: Counted
    was_there: bool


@dataclass(frozen=True)
class _Fetch:
    """One dataset to fetch, with its paths below a data root."""

    name: str
    known: KnownSet
    archive: Archive
    url: str
    data_root: Path

    @property
    def final(self) -> Path:
        return self.data_root / self.known.place

    @property
    def work(self) -> Path:
        return self.data_root / FETCHED / WORK

    @property
    def part(self) -> Path:
        return self.work / f"{self.archive.name}.part"

    @property
    def unpacked(self) -> Path:
        return self.work / self.name


def fetch(
    names: Sequence[str], data_root: Path, watch: Watch, mirror: str | None = None
) -> Iterator[Fetched]:
    """Fetch missing datasets one by one; yield each when it exists.

    `mirror` is the URL of a folder with the archives. Raises InputError before any download if a
    name cannot be fetched, or if another process is fetching.
    """
    jobs = [_job(name, data_root, mirror) for name in dict.fromkeys(names)]
    unpacking.check_python()
    with _of_disk(data_root), _locked(data_root):
        for job in jobs:
            there = _there(job)
            yield Fetched(there or _fetch(job, watch), there is not None)


def _job(name: str, data_root: Path, mirror: str | None) -> _Fetch:
    known = datasets.of_name(name)
    if known.archive is None:
        raise InputError(
            f"{name}: cannot be fetched: get it from {known.origin}, and put it in "
            f"{data_root / known.place}"
        )
    url = f"{mirror.rstrip('/')}/{known.archive.name}" if mirror else known.archive.url
    downloading.check_url(url)
    return _Fetch(name, known, known.archive, url, data_root)


@contextmanager
def _locked(data_root: Path) -> Iterator[None]:
    """Keep any other process from fetching into the same data root."""
    downloading.check_library()
    from filelock import FileLock, Timeout

    work = data_root / FETCHED / WORK
    work.mkdir(parents=True, exist_ok=True)
    lock = FileLock(work / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{data_root}: another oodcache data fetch is running there: wait until it ends"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _there(job: _Fetch) -> Counted | None:
    """Return the dataset if it exists and is complete; reject what is in its way."""
    source = datasets.known(job.name, job.data_root)
    if source is None:
        if os.path.lexists(job.final):
            raise InputError(f"{job.final}: is in the way of {job.name}: move it elsewhere")
        return None
    found = count(source)
    if not found.is_whole:
        raise InputError(
            f"{found.root}: has {counted(found.images, 'image')}, but {job.name} has "
            f"{found.expected:,}: move or remove it, and run the same command again"
        )
    shutil.rmtree(job.unpacked, ignore_errors=True)
    downloading.forget(job.part)
    return found


def _fetch(job: _Fetch, watch: Watch) -> Counted:
    recorded = checksums.read(job.data_root)
    shutil.rmtree(job.unpacked, ignore_errors=True)
    watch.note(Hint(f"downloading {job.url} …"))
    downloading.download(job.url, job.part, watch)
    size = job.part.stat().st_size
    downloading.check_room(job.work, size)
    images = job.archive.images or job.known.images
    assert images is not None, "the images of an archive are counted"
    megabytes = size // downloading.MB
    limits = unpacking.Limits(job.archive.folder, MOST_MEMBERS * images, MOST_BYTES * images)
    try:
        with _removed_if_rejected(job):
            with watch.progress(f"checking {job.archive.name}", megabytes, "MB") as advance:
                found = checksums.sums(job.part, advance)
            checksums.check(job.archive, found, recorded, job.data_root)
            with watch.progress(f"unpacking {job.archive.name}", megabytes, "MB") as advance:
                unpacking.unpack(job.part, job.unpacked, limits, advance)
            _count(job)
        # Sync before the rename, all at once: each file by itself would take minutes.
        os.sync()
        checksums.record(job.archive, job.url, found, recorded, job.data_root)
        (job.unpacked / job.archive.folder).rename(job.final)
    finally:
        shutil.rmtree(job.unpacked, ignore_errors=True)
    os.sync()
    downloading.forget(job.part)
    named = datasets.known(job.name, job.data_root)
    assert named is not None, "it was found where it was unpacked"
    return Counted(job.name, named.root, job.known.images or 0, job.known.images)


def _count(job: _Fetch) -> None:
    """Reject unpacked images that are not the dataset, as extract would list them."""
    source = datasets.known(job.name, job.unpacked)
    if source is None:
        raise InputError(f"{job.archive.name}: has no folder {job.known.unpacked}")
    found = count(source)
    if not found.is_whole:
        raise InputError(
            f"{job.archive.name}: has {found.images:,} images in {job.known.unpacked}, but "
            f"{job.name} has {found.expected:,}"
        )


@contextmanager
def _removed_if_rejected(job: _Fetch) -> Iterator[None]:
    """Remove an archive that is rejected, because resuming its download would not help."""
    try:
        yield
    except InputError as error:
        downloading.forget(job.part)
        raise InputError(
            f"{error}; the archive was removed, and {job.final} was not created"
        ) from None


@contextmanager
def _of_disk(data_root: Path) -> Iterator[None]:
    """Turn an OSError into one line with advice."""
    try:
        yield
    except OSError as error:
        where = os.fsdecode(error.filename) if error.filename else data_root
        advice = f": {ADVICE[error.errno]}" if error.errno in ADVICE else ""
        raise InputError(f"{where}: cannot be written: {error.strerror}{advice}") from None


@dataclass(frozen=True)
class Counted:
    """The counts of a dataset's images, of those expected, and of listed files that are missing.

    `expected` is None if the published count is not known. `unlabelled` counts images without a
    class, where classes are expected: in ID sets and those under covariate shift.
    """

    name: str
    root: Path
    images: int
    expected: int | None
    missing: int = 0
    unlabelled: int = 0

    @property
    def is_whole(self) -> bool:
        """Return whether the count is as expected and no file or class is missing."""
        is_wrong = self.expected is not None and self.images != self.expected
        return not (is_wrong or self.missing or self.unlabelled)


def count(source: ImageSource) -> Counted:
    """Count the images of a known dataset; raise InputError if it has none."""
    listing = datasets.list_images(source)
    known, missing = datasets.of_name(source.name), 0
    if source.root.is_file():  # A list.
        missing = sum(not listing.contents.is_there(row) for row in range(listing.rows))
    bare = int(np.count_nonzero(listing.images.labels < 0)) if known.role in LABELLED else 0
    return Counted(source.name, source.root, listing.rows, source.expected, missing, bare)
