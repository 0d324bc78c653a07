"""The tasks of a run: each encodes the rows of one shard and writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.image_file import ImageBatch, ImageFile, write_images
from oodcache.cache.shards import Place, Run, shard_folder
from oodcache.cache.text_file import write_text_shard
from oodcache.extract import images
from oodcache.extract.encoder import Encoder
from oodcache.extract.listing import Contents, ImageListing
from oodcache.extract.plan import Listing, Plan, TextListing

Flags = npt.NDArray[np.bool_]


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


@dataclass(frozen=True)
class Job:
    """What every task needs: the plan, the model, and whom to tell how many rows are done."""

    planned: Plan
    model: Encoder
    advance: Callable[[int], None]


def write(path: Path, listing: Listing, run: Run, tasks: Sequence[Task], job: Job) -> None:
    """Make shards of the file at `path`, each whole before the next; use `watching_workers`."""
    folder = shard_folder(path)
    if isinstance(listing, TextListing):
        _write_texts(folder, run, listing, tasks, job)
    else:
        _write_images(folder, run, listing, tasks, job)


def _write_texts(
    folder: Path, run: Run, listing: TextListing, tasks: Sequence[Task], job: Job
) -> None:
    for task in tasks:
        encoded = []
        for batch in task.batches(job.planned.settings.batch_size):
            first = task.place.first
            rows = range(first + batch.start, first + batch.stop)
            encoded.append(job.model.prompts(listing.prompts(rows)))
            job.advance(len(rows))
        write_text_shard(
            folder / task.place.file_name,
            np.concatenate([one.vectors for one in encoded]),
            np.concatenate([one.norm for one in encoded]),
            vocabulary=listing.vocabulary,
            identity=run.identity,
            dtype=run.dtype,
            place=task.place,
        )


def _write_images(
    folder: Path, run: Run, listing: ImageListing, tasks: Sequence[Task], job: Job
) -> None:
    rows = [
        range(task.place.first + batch.start, task.place.first + batch.stop)
        for task in tasks
        for batch in task.batches(job.planned.settings.batch_size)
        if task.missing[batch.start : batch.stop].any()
    ]
    encoded = _encoded(listing, rows, job)
    for task in tasks:
        write_images(
            folder / task.place.file_name,
            _mended(task, encoded, job),
            rows=listing.images.cut(task.place.first, task.place.rows),
            identity=run.identity,
            dtype=run.dtype,
            place=task.place,
        )


def _mended(task: Task, encoded: Iterator[ImageBatch], job: Job) -> Iterator[ImageBatch]:
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
        yield _patched(old, new, missing)
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
    decoded = images.batches(
        listing.contents,
        job.model.preprocess,
        rows,
        workers=job.planned.workers,
        pin_memory=job.model.device.type == "cuda",
    )
    return (
        _batch(job.model, batch, listing.contents, some)
        for batch, some in zip(decoded, rows, strict=True)
    )


def _batch(model: Encoder, decoded: images.Decoded, contents: Contents, rows: range) -> ImageBatch:
    errors = dict(decoded.errors)
    if errors and not any(contents.is_there(row) for row in rows):
        raise InputError(
            f"{contents.root}: is gone, or was emptied: type the same command again when it is "
            "back; what is done stays"
        )
    encoded = model.images(decoded.images)
    for place in np.flatnonzero(~np.isfinite(encoded.norm)).tolist():
        errors.setdefault(place, "the model gave values that are not finite")
    blank = sorted(errors)
    vectors, norm = encoded.vectors.copy(), encoded.norm.copy()
    vectors[blank], norm[blank] = 0, 0
    return ImageBatch(vectors, norm, errors)
