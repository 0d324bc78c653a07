"""The tasks of a run: each encodes and writes one shard."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageBatch, ImageFile, write_images
from oodcache.cache.files.stored_prompts import stored_rows
from oodcache.cache.files.texts import TextRows, write_text_shard
from oodcache.cache.format.identity import Identity
from oodcache.cache.format.place import Place, Run, shard_folder
from oodcache.cache.shards.merging import joined
from oodcache.extract.model.encoder import Encoded, Encoder
from oodcache.extract.run import decoding
from oodcache.extract.run.plan import Listing, Plan, TextListing
from oodcache.extract.run.timing import Timing
from oodcache.extract.run.tolerance import Tolerance
from oodcache.extract.run.transfer import Transfer, pipelined
from oodcache.extract.sources.listing import Contents, ImageListing

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating[Any]]
TOKENS_AHEAD = 4  # Batches.


@dataclass(frozen=True)
class Task:
    """A shard to make; rows that are ok in `known`, from its row `offset` on, are reused.

    Known texts are the vocabulary under the first of its templates.
    """

    place: Place
    known: ImageFile | TextRows | None = None
    offset: int = 0

    @property
    def missing(self) -> Flags:
        """Return which rows to encode: those not ok or not there, or all if none are known."""
        if self.known is None:
            return np.ones(self.place.rows, bool)
        if isinstance(self.known, TextRows):
            return np.arange(self.offset, self.offset + self.place.rows) >= self.known.rows
        return ~self.known.ok[self.offset : self.offset + self.place.rows]

    @property
    def new(self) -> range:
        """Return the shard's own rows that known texts do not have: the last ones."""
        rows = range(self.place.rows)
        return rows[self.place.rows - int(np.count_nonzero(self.missing)) :]

    def batches(self, batch_size: int) -> list[range]:
        """Return the shard's own rows in batches; no batch spans two shards."""
        rows = range(self.place.rows)
        return [rows[first : first + batch_size] for first in rows[::batch_size]]

    def prompts(self, classes: int, batch_size: int) -> list[range]:
        """Return the shard's own new rows in batches, of which none spans two templates.

        So a template has the same batches, and the same vectors to the last bit, whether it is
        encoded with others or added to them.
        """
        found, first = [], self.new.start
        while first < self.new.stop:
            left = classes - (self.place.first + first) % classes
            found.append(range(first, min(first + batch_size, first + left, self.new.stop)))
            first = found[-1].stop
        return found

    def whole(self, batch: range) -> range:
        """Return a batch's rows as rows of the whole dataset or vocabulary."""
        return range(self.place.first + batch.start, self.place.first + batch.stop)


@dataclass(frozen=True)
class Job:
    """What every task needs; `advance` is called with the number of rows just finished."""

    planned: Plan
    model: Encoder
    advance: Callable[[int], None]
    timing: Timing


@dataclass(frozen=True)
class Written:
    """How many rows were encoded, and how many of their images have an EXIF rotation."""

    rows: int
    rotated: int = 0


def write(
    path: Path,
    listing: Listing,
    run: Run,
    tasks: Sequence[Task],
    job: Job,
    tolerance: Tolerance | None = None,
) -> Written:
    """Write shards of the file at `path` one by one, inside `watching_workers`.

    Returns what was encoded. Raises InputError if more images are unreadable than the
    `tolerance` allows.
    """
    folder = shard_folder(path)
    try:
        if isinstance(listing, TextListing):
            return Written(_write_texts(folder, run, listing, tasks, job))
        bad = Tolerance(listing, 1) if tolerance is None else tolerance
        return _write_images(folder, run, listing, tasks, job, bad)
    except BaseException:
        with suppress(OSError):  # Only an empty folder is removed: there is nothing to resume.
            folder.rmdir()
        raise


def _write_texts(
    folder: Path, run: Run, listing: TextListing, tasks: Sequence[Task], job: Job
) -> int:
    """Write the tasks' shards; return how many prompts were encoded."""
    classes, batch_size = len(listing.vocabulary.names), job.planned.settings.batch_size
    batches = [task.prompts(classes, batch_size) for task in tasks]
    rows = [task.whole(batch) for task, own in zip(tasks, batches, strict=True) for batch in own]
    # The thread ends before image decoding forks this process.
    with closing(
        ahead((job.model.tokens(listing.prompts(some)) for some in rows), TOKENS_AHEAD)
    ) as tokens:
        transfer = Transfer(job.model.device)
        encoded = pipelined(tokens, lambda batch: batch, job.model.prompts, transfer, job.timing)
        for task, own in zip(tasks, batches, strict=True):
            vectors, norms, identity = _known_texts(task, run)
            job.advance(task.place.rows - len(task.new))
            for batch in own:
                one = next(encoded)[1]
                vectors.append(one.vectors.numpy())
                norms.append(one.norm.numpy())
                job.advance(len(batch))
            write_text_shard(
                folder / task.place.file_name,
                np.concatenate(vectors),
                np.concatenate(norms),
                vocabulary=listing.vocabulary,
                identity=identity,
                dtype=run.dtype,
                place=task.place,
            )
    return sum(map(len, rows))


def _known_texts(task: Task, run: Run) -> tuple[list[Floats], list[Floats], Identity]:
    """Return a shard's known vectors and norms, if any, and its identity.

    The identity also names the devices and library versions that the known vectors are from.
    """
    if not isinstance(task.known, TextRows) or len(task.new) == task.place.rows:
        return [], [], run.identity
    vectors, norm = stored_rows(task.known, task.offset, task.place.rows)
    return [vectors], [norm], joined([run.identity, task.known.identity])


def _write_images(
    folder: Path,
    run: Run,
    listing: ImageListing,
    tasks: Sequence[Task],
    job: Job,
    tolerance: Tolerance,
) -> Written:
    """Write the tasks' shards; return what was encoded."""
    rows = [
        task.whole(batch)
        for task in tasks
        for batch in task.batches(job.planned.settings.batch_size)
        if task.missing[batch.start : batch.stop].any()
    ]
    rotated = Counter[str]()
    encoded = _encoded(listing, rows, job, rotated)
    for task in tasks:
        write_images(
            folder / task.place.file_name,
            _mended(task, encoded, job, tolerance),
            rows=listing.images.cut(task.place.first, task.place.rows),
            identity=run.identity,
            dtype=run.dtype,
            place=task.place,
        )
    return Written(sum(map(len, rows)), rotated["images"])


def _mended(
    task: Task, encoded: Iterator[ImageBatch], job: Job, tolerance: Tolerance
) -> Iterator[ImageBatch]:
    """Yield a shard's batches: known rows, and newly encoded ones where rows are missing.

    Every row is encoded in the same batch as in an undisturbed run.
    """
    known = None
    if isinstance(task.known, ImageFile):
        known = task.known.stored(task.offset, task.place.rows)
    for batch in task.batches(job.planned.settings.batch_size):
        missing = task.missing[batch.start : batch.stop]
        new = next(encoded) if missing.any() else None
        old = known.cut(batch.start, len(batch)) if known else None
        whole = _patched(old, new, missing)
        tolerance.add(task.whole(batch), whole.errors)
        yield whole
        job.advance(len(batch))


def _patched(old: ImageBatch | None, new: ImageBatch | None, missing: Flags) -> ImageBatch:
    if old is None or new is None:
        whole = old or new
        assert whole is not None
        return whole
    vectors, norm = old.vectors.copy(), old.norm.copy()
    vectors[missing], norm[missing] = new.vectors[missing], new.norm[missing]
    return ImageBatch(vectors, norm, {row: why for row, why in new.errors.items() if missing[row]})


def _encoded(
    listing: ImageListing, rows: Sequence[range], job: Job, rotated: Counter[str]
) -> Iterator[ImageBatch]:
    """Return an iterator over the encoded batches, with its workers already forked."""
    # First: the thread that pins batches takes the current device, which this sets.
    transfer = Transfer(job.model.device)
    decoded = decoding.batches(
        listing.contents,
        job.model.preprocessing,
        rows,
        workers=job.planned.workers,
        pin_memory=job.model.device.type == "cuda",
        threads=job.planned.threads,
    )
    decoded = _counting(decoded, rotated)
    whole = pipelined(decoded, lambda batch: batch.images, job.model.images, transfer, job.timing)
    return (
        _batch(batch, encoded, listing.contents, some)
        for (batch, encoded), some in zip(whole, rows, strict=True)
    )


def _counting(
    decoded: Iterator[decoding.Decoded], rotated: Counter[str]
) -> Iterator[decoding.Decoded]:
    for batch in decoded:
        rotated["images"] += batch.rotated
        yield batch


def _batch(
    decoded: decoding.Decoded, encoded: Encoded, contents: Contents, rows: range
) -> ImageBatch:
    if decoded.errors and not any(contents.is_there(row) for row in rows):
        raise InputError(
            f"{contents.root}: missing or empty: run the same command again once it is back; "
            "finished shards are kept"
        )
    vectors, norm = encoded.vectors.numpy(), encoded.norm.numpy()
    errors = {**encoded.unfit(), **decoded.errors}
    blank = sorted(errors)
    vectors[blank], norm[blank] = 0, 0
    return ImageBatch(vectors, norm, errors)


Item = TypeVar("Item")


def ahead(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    """Yield the items in order, while a thread prepares up to `depth` of the next ones.

    An exception is raised in place of its item. The thread ends with the last item, or when the
    generator is closed.
    """
    iterator, end = iter(items), object()
    waiting: deque[Future[object]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        try:
            for _ in range(depth):
                waiting.append(thread.submit(next, iterator, end))
            while (item := waiting.popleft().result()) is not end:
                waiting.append(thread.submit(next, iterator, end))
                yield cast(Item, item)
        finally:
            for one in waiting:
                one.cancel()
