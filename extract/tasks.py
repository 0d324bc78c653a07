"""The tasks of a run: each encodes the rows of one shard and writes it; the last one merges."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from oodcache.cache import merging
from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.image_file import (
    ImageBatch,
    ImageFile,
    open_image_shard,
    open_images,
    write_images,
)
from oodcache.cache.merging import Shard
from oodcache.cache.shards import Place, Run, shard_folder, share
from oodcache.cache.text_file import write_text_shard
from oodcache.extract import images
from oodcache.extract.encoder import Encoder
from oodcache.extract.listing import Contents, ImageListing
from oodcache.extract.plan import Plan, TextListing, Watch
from oodcache.extract.targets import Target, stamp, wanted

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


def complete(target: Target, planned: Plan, model: Encoder, watch: Watch) -> None:
    """Make what is missing of this process's share of the shards; merge if all are there then.

    Another run may finish the same file meanwhile: then there is nothing left to do.
    """
    run = wanted(planned, target.listing, model.signature)
    try:
        with images.watching_workers():
            _write_missing(target, run, planned, model, watch)
        _merge(target, run, watch)
    except InputError:
        if not _finished_elsewhere(target, run):
            raise
        merging.remove(target.path, [one.path for one in _of_run(target.path, run)])
        watch.note(f"{target.path}: was finished by another run meanwhile")


def merge(path: Path, shards: Sequence[Shard]) -> None:
    """Merge shards that are all there; where no image at all is ok, drop them and say so."""
    nothing = sum(shard.failed for shard in shards) == shards[0].place.total
    try:
        merging.merge(path, shards)
    except RuleError as error:
        raise InputError(f"{error}; remove it and type the same command again") from None
    finally:
        if nothing:
            merging.remove(path, [shard.path for shard in shards])


def _write_missing(target: Target, run: Run, planned: Plan, model: Encoder, watch: Watch) -> None:
    listing, places = target.listing, run.places(target.listing.rows)
    begun = {one.place.first: one for one in target.begun if one.run.key == run.key}
    if planned.settings.overwrite:
        others = [one.path for one in target.begun if one.run.key != run.key]
        merging.remove(target.path, [*others, *target.damaged])
    mine = share(places, planned.settings.part, planned.settings.parts)
    tasks = _tasks(target, mine, begun, planned)
    if not mine:
        part = f"--shard {planned.settings.part}/{planned.settings.parts}"
        watch.note(f"{listing.name}: no shard falls to {part}: there are {len(places):,}")
    elif done := len(mine) - len(tasks):
        watch.note(f"{listing.name}: {done:,} of {len(mine):,} shards are there: going on")
    if not tasks:
        return
    rows, folder = sum(task.place.rows for task in tasks), shard_folder(target.path)
    with watch.progress(f"{listing.kind} {listing.name}", rows, listing.unit) as advance:
        job = Job(planned, model, advance)
        if isinstance(listing, TextListing):
            _write_texts(folder, run, listing, tasks, job)
        else:
            _write_images(folder, run, listing, tasks, job)


def _tasks(
    target: Target, mine: Sequence[Place], begun: Mapping[int, Shard], planned: Plan
) -> list[Task]:
    """Return what is to be made: shards that are missing, and with --retry-failed bad ones."""
    whole = None
    if planned.settings.retry_failed and target.there is not None:
        whole = open_images(target.path)
    tasks = []
    for place in mine:
        shard = begun.get(place.first)
        if shard is None:
            tasks.append(Task(place, whole, place.first))
        elif planned.settings.retry_failed and shard.failed:
            tasks.append(Task(place, open_image_shard(shard.path)))
    return tasks


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


def _merge(target: Target, run: Run, watch: Watch) -> None:
    """Merge the shards if all are there, and say what was written; or say what is missing."""
    ours = _of_run(target.path, run)
    count = run.places(target.listing.rows)[0].count
    if len(ours) == count:
        _refuse_replacing(target, run)
        merge(target.path, ours)
        watch.note(f"wrote {target.path}: {_summary(target)}")
    elif not _finished_elsewhere(target, run):
        watch.note(
            f"{target.listing.name}: {len(ours):,} of {count:,} shards are there; whoever writes "
            "the last one merges them"
        )


def _refuse_replacing(target: Target, run: Run) -> None:
    """Refuse to replace a file of another run, put there since this one began."""
    if stamp(target.path) in (None, target.stamp):
        return
    found = run.differences(merging.run_of(target.path, run.kind, run.shard_rows))
    if found:
        raise InputError(
            f"{target.path}: was made meanwhile by another run, from {found[0]}; the shards of "
            "this one stay: to put theirs in its place, type the same command with --overwrite"
        )


def _of_run(path: Path, run: Run) -> list[Shard]:
    return [one for one in merging.find(path).shards if one.run.key == run.key]


def _finished_elsewhere(target: Target, run: Run) -> bool:
    """Return whether the file that this run would make was put in its place since it began."""
    if stamp(target.path) in (None, target.stamp):
        return False
    try:
        return merging.run_of(target.path, run.kind, run.shard_rows).key == run.key
    except InputError:
        return False


def _summary(target: Target) -> str:
    listing = target.listing
    if isinstance(listing, TextListing):
        templates = len(listing.vocabulary.templates)
        classes = f"{len(listing.vocabulary.names):,} classes"
        return f"{classes}, {templates:,} template{'s' * (templates > 1)}"
    names, bad = len(listing.images.label_names), ""
    folders = f" in {names:,} class folder{'s' * (names > 1)}" if names else ""
    written = open_images(target.path)
    if failed := int(np.count_nonzero(~written.ok)):
        row, reason = next(iter(written.errors().items()))
        bad = (
            f"; {failed:,} could not be decoded, the first "
            f"{os.fsdecode(listing.images.paths[row])!r} ({reason}); "
            f"see: oodcache cache info {target.path}"
        )
    return f"{written.rows:,} image{'s' * (written.rows > 1)}{folders}{bad}"
