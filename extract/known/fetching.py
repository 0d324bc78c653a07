"""Known data sets fetched: loaded, checked, unpacked beside, counted, and only then named.

Whatever stops it, the same command goes on: with the part of an archive that has come, and with
unpacking from its beginning. What has its final name is whole.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.extract.known import checksums, downloading, unpacking
from oodcache.extract.sources import datasets
from oodcache.extract.sources.known_sets import FETCHED, KNOWN_SETS, Archive, KnownSet
from oodcache.extract.sources.listing import ImageSource

WORK = ".fetch"
# Of an image: photographs have less, and some come with other files.
MOST_MEMBERS, MOST_BYTES = 10, 4 * 10**6
GOES_ON = "the same command goes on from what is done"
ELSEWHERE = "give another --data-root"
ADVICE = {
    errno.ENOSPC: f"free some, or {ELSEWHERE}; {GOES_ON}",
    errno.EDQUOT: f"free some, or {ELSEWHERE}; {GOES_ON}",
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR), ELSEWHERE),
}


@dataclass(frozen=True)
class Fetched:
    """A set that is there now, and whether it was before."""

    counted: Counted
    was_there: bool


@dataclass(frozen=True)
class _Job:
    """One set to be fetched: what of it is where, below a data root."""

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
    """Fetch sets that are not there yet, one by one; yield each when it is there.

    `mirror` is the URL of a folder that has the archives. Raises InputError before anything is
    loaded for a name that cannot be fetched, and where another process is fetching.
    """
    jobs = [_job(name, data_root, mirror) for name in dict.fromkeys(names)]
    unpacking.check_python()
    with _of_disk(data_root), _locked(data_root):
        for job in jobs:
            there = _there(job)
            yield Fetched(there or _fetch(job, watch), there is not None)


def _job(name: str, data_root: Path, mirror: str | None) -> _Job:
    datasets.check_known(name)
    known = KNOWN_SETS[name]
    if known.archive is None:
        raise InputError(
            f"{name}: cannot be fetched: get it from {known.origin}, and put it in "
            f"{data_root / known.place}"
        )
    url = f"{mirror.rstrip('/')}/{known.archive.name}" if mirror else known.archive.url
    downloading.check_url(url)
    return _Job(name, known, known.archive, url, data_root)


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
            f"{data_root}: another oodcache data fetch is at work there: wait until it has ended"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _there(job: _Job) -> Counted | None:
    """Return the set if it is there already, whole; refuse what is in its way."""
    source = datasets.known(job.name, job.data_root)
    if source is None:
        if os.path.lexists(job.final):
            raise InputError(f"{job.final}: is in the way of {job.name}: move it elsewhere")
        return None
    found = count(source)
    if not found.is_whole:
        raise InputError(
            f"{found.root}: has {found.images:,} image{'s' * (found.images != 1)}, and {job.name} "
            f"{found.expected:,}: move it elsewhere, or remove it, and type the same command again"
        )
    _clear(job)
    downloading.forget(job.part)
    return found


def _fetch(job: _Job, watch: Watch) -> Counted:
    recorded = checksums.read(job.data_root)
    _clear(job)
    watch.note(f"loading {job.url} …")
    downloading.download(job.url, job.part, watch)
    size = job.part.stat().st_size
    downloading.check_room(job.work, size)
    megabytes = size // downloading.MB
    try:
        with _refused(job):
            with watch.progress(f"checking {job.archive.name}", megabytes, "MB") as advance:
                found = checksums.sums(job.part, advance)
            checksums.check(job.archive, found, recorded, job.data_root)
            with watch.progress(f"unpacking {job.archive.name}", megabytes, "MB") as advance:
                unpacking.unpack(job.part, job.unpacked, _limits(job), advance)
            _count(job)
        # All of it is on the disk before the name is: each file by itself would take minutes.
        os.sync()
        checksums.record(job.archive, job.url, found, recorded, job.data_root)
        (job.unpacked / job.archive.folder).rename(job.final)
    finally:
        _clear(job)
    os.sync()
    downloading.forget(job.part)
    named = datasets.known(job.name, job.data_root)
    assert named is not None, "it was found where it was unpacked"
    return Counted(job.name, named.root, job.known.images, job.known.images)


def _limits(job: _Job) -> unpacking.Limits:
    images = job.known.images
    return unpacking.Limits(job.archive.folder, MOST_MEMBERS * images, MOST_BYTES * images)


def _count(job: _Job) -> None:
    """Refuse what is unpacked if it is not the set, looked at as extract will."""
    source = datasets.known(job.name, job.unpacked)
    if source is None:
        raise InputError(f"{job.archive.name}: has no folder {job.known.folders[0]}")
    found = count(source)
    if not found.is_whole:
        raise InputError(
            f"{job.archive.name}: has {found.images:,} images in {job.known.folders[0]}, and "
            f"{job.name} has {found.expected:,}"
        )


@contextmanager
def _refused(job: _Job) -> Iterator[None]:
    """Remove an archive that is refused: it will not get better by being loaded to its end."""
    try:
        yield
    except InputError as error:
        downloading.forget(job.part)
        raise InputError(
            f"{error}; the archive is removed, and nothing has the name {job.final}"
        ) from None


def _clear(job: _Job) -> None:
    shutil.rmtree(job.unpacked, ignore_errors=True)


@contextmanager
def _of_disk(data_root: Path) -> Iterator[None]:
    """Turn an error of the system into one line, with what to do."""
    try:
        yield
    except OSError as error:
        where = os.fsdecode(error.filename) if error.filename else data_root
        advice = f": {ADVICE[error.errno]}" if error.errno in ADVICE else ""
        raise InputError(f"{where}: cannot be written: {error.strerror}{advice}") from None


@dataclass(frozen=True)
class Counted:
    """How many images a set has, of how many; of a list, how many of its files are not there."""

    name: str
    root: Path
    images: int
    expected: int
    missing: int = 0

    @property
    def is_whole(self) -> bool:
        """Return whether the images are as many as they should be, and all there."""
        return self.images == self.expected and not self.missing


def count(source: ImageSource) -> Counted:
    """Return how many images a known set has; refuse one that has none."""
    listing = datasets.list_images(source)
    assert source.expected is not None, "only known sets are counted"
    missing = 0
    if source.root.is_file():  # A list.
        missing = sum(not listing.contents.is_there(row) for row in range(listing.rows))
    return Counted(source.name, source.root, listing.rows, source.expected, missing)
