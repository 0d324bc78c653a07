"""The tasks of a run: each encodes the rows of one shard and writes it, and waits for little."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageBatch, ImageFile, write_images
from oodcache.cache.files.texts import write_text_shard
from oodcache.cache.format.place import Place, Run, shard_folder
from oodcache.extract.model.encoder import Encoded, Encoder
from oodcache.extract.run import decoding
from oodcache.extract.run.plan import Listing, Plan, TextListing
from oodcache.extract.run.timing import Timing
from oodcache.extract.run.tolerance import Tolerance
from oodcache.extract.run.transfer import Transfer, pipelined
from oodcache.extract.sources.listing import Contents, ImageListing

Flags = npt.NDArray[np.bool_]
Batch = TypeVar("Batch")
TOKENS_AHEAD = 4  # Batches.


@dataclass(frozen=True)
class Task:
    """A shard to be made; rows that are ok in `known`, from its row `offset` on, are taken over."""

    place: Place
    known: ImageFile | None = None
    offset: int = 0

    @property
    def missing(self) -> Flags:
        """Return which rows are to be encoded: those not ok, and all where none are known."""
        if self.known is None:
            return np.ones(self.place.rows, bool)
        return ~self.known.ok[self.offset : self.offset + self.place.rows]

    def batches(self, batch_size: int) -> list[range]:
        """Return the shard's own rows, so many at a time: no batch reaches into another shard."""
        rows = range(self.place.rows)
        return [rows[first : first + batch_size] for first in rows[::batch_size]]

    def whole(self, batch: range) -> range:
        """Return the rows of the data set or vocabulary that a batch's rows of the shard are."""
        return range(self.place.first + batch.start, self.place.first + batch.stop)


@dataclass(frozen=True)
class Job:
    """What every task needs: the plan, the model, and whom to tell how many rows are done."""

    planned: Plan
    model: Encoder
    advance: Callable[[int], None]
    timing: Timing


def write(
    path: Path,
    listing: Listing,
    run: Run,
    tasks: Sequence[Task],
    job: Job,
    tolerance: Tolerance | None = None,
) -> int:
    """Make shards of the file at `path`, each whole before the next; use `watching_workers`.

    Returns how many rows were encoded. Raises InputError at more bad images than the `tolerance`.
    """
    folder = shard_folder(path)
    if isinstance(listing, TextListing):
        return _write_texts(folder, run, listing, tasks, job)
    bad = Tolerance(listing, 1) if tolerance is None else tolerance
    return _write_images(folder, run, listing, tasks, job, bad)


def _write_texts(
    folder: Path, run: Run, listing: TextListing, tasks: Sequence[Task], job: Job
) -> int:
    """Write the shards of some tasks; return how many prompts were encoded."""
    batch_size = job.planned.settings.batch_size
    rows = [task.whole(batch) for task in tasks for batch in task.batches(batch_size)]
    # The thread is gone before images are decoded, by forks of this process.
    with closing(
        ahead((job.model.tokens(listing.prompts(some)) for some in rows), TOKENS_AHEAD)
    ) as tokens:
        encoded = _pipelined(tokens, lambda batch: batch, job.model.prompts, job)
        for task in tasks:
            whole = _gathered(encoded, task, job)
            write_text_shard(
                folder / task.place.file_name,
                whole.vectors.numpy(),
                whole.norm.numpy(),
                vocabulary=listing.vocabulary,
                identity=run.identity,
                dtype=run.dtype,
                place=task.place,
            )
    return sum(map(len, rows))


def _gathered(encoded: Iterator[tuple[Any, Encoded]], task: Task, job: Job) -> Encoded:
    """Return a shard's vectors, taken batch by batch."""
    parts = []
    for batch in task.batches(job.planned.settings.batch_size):
        parts.append(next(encoded)[1])
        job.advance(len(batch))
    vectors, norm = [one.vectors for one in parts], [one.norm for one in parts]
    return Encoded(torch.cat(vectors), torch.cat(norm))


def _write_images(
    folder: Path,
    run: Run,
    listing: ImageListing,
    tasks: Sequence[Task],
    job: Job,
    tolerance: Tolerance,
) -> int:
    """Write the shards of some tasks; return how many images were encoded."""
    rows = [
        task.whole(batch)
        for task in tasks
        for batch in task.batches(job.planned.settings.batch_size)
        if task.missing[batch.start : batch.stop].any()
    ]
    encoded = _encoded(listing, rows, job)
    for task in tasks:
        write_images(
            folder / task.place.file_name,
            _mended(task, encoded, job, tolerance),
            rows=listing.images.cut(task.place.first, task.place.rows),
            identity=run.identity,
            dtype=run.dtype,
            place=task.place,
        )
    return sum(map(len, rows))


def _mended(
    task: Task, encoded: Iterator[ImageBatch], job: Job, tolerance: Tolerance
) -> Iterator[ImageBatch]:
    """Yield a shard's batches: known ones, and encoded ones for those with a row to be encoded.

    Every row is encoded among the same others as it was, or would have been, at first.
    """
    known = None
    if task.known is not None:
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


def _encoded(listing: ImageListing, rows: Sequence[range], job: Job) -> Iterator[ImageBatch]:
    """Return an iterator over the encoded batches; the workers behind it are forked already."""
    decoded = decoding.batches(
        listing.contents,
        job.model.preprocessing,
        rows,
        workers=job.planned.workers,
        pin_memory=job.model.device.type == "cuda",
    )
    whole = _pipelined(decoded, lambda batch: batch.images, job.model.images, job)
    return (
        _batch(batch, encoded, listing.contents, some)
        for (batch, encoded), some in zip(whole, rows, strict=True)
    )


def _pipelined(
    batches: Iterable[Batch],
    tensor: Callable[[Batch], torch.Tensor],
    encode: Callable[[torch.Tensor], Encoded],
    job: Job,
) -> Iterator[tuple[Batch, Encoded]]:
    return pipelined(batches, tensor, encode, Transfer(job.model.device), job.timing)


def _batch(
    decoded: decoding.Decoded, encoded: Encoded, contents: Contents, rows: range
) -> ImageBatch:
    errors = dict(decoded.errors)
    if errors and not any(contents.is_there(row) for row in rows):
        raise InputError(
            f"{contents.root}: is gone, or was emptied: type the same command again when it is "
            "back; what is done stays"
        )
    vectors, norm = encoded.vectors.numpy(), encoded.norm.numpy()
    for place in np.flatnonzero(~np.isfinite(norm)).tolist():
        errors.setdefault(place, "the model gave values that are not finite")
    blank = sorted(errors)
    vectors[blank], norm[blank] = 0, 0
    return ImageBatch(vectors, norm, errors)


Item = TypeVar("Item")


def ahead(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    """Yield the items in order, while a thread makes up to `depth` that follow.

    What making one raises is raised where it would have been yielded. The thread begins with the
    first item, and has ended once the last is taken or the generator is closed.
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
