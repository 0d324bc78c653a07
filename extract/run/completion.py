"""What is missing of a file, made by an engine task by task, and merged once all is there."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.files.images import open_image_shard, open_images
from oodcache.cache.format.place import Place, Run, share
from oodcache.cache.shards import merging
from oodcache.cache.shards.merging import Shard
from oodcache.cache.watch import Watch
from oodcache.extract.model.encoder import Encoder, Signature
from oodcache.extract.run import decoding
from oodcache.extract.run.plan import Plan, TextListing
from oodcache.extract.run.targets import Target, stamp, wanted
from oodcache.extract.run.tasks import Job, Task, write
from oodcache.extract.run.timing import summary, timing_of
from oodcache.extract.run.tolerance import Tolerance


@dataclass(frozen=True)
class Work:
    """Tasks of one target that are to be made, and whom to tell how many rows are done.

    Of images, `tolerance` counts the bad ones.
    """

    target: Target
    run: Run
    tasks: Sequence[Task]
    advance: Callable[[int], None]
    tolerance: Tolerance | None


class Engine(Protocol):
    """Whoever makes tasks, with a model that is loaded and has a signature."""

    @property
    def signature(self) -> Signature:
        """Return what the model leaves in every file."""

    def make(self, work: Work) -> list[str]:
        """Make the tasks' shards; return what could not be made and why, a line for each.

        Raises InputError if nothing can go on.
        """


@dataclass(frozen=True)
class InProcess:
    """The engine that is this process: one shard after the other."""

    planned: Plan
    model: Encoder
    watch: Watch

    @property
    def signature(self) -> Signature:
        """Return what the model leaves in every file."""
        return self.model.signature

    def make(self, work: Work) -> list[str]:
        """Make the tasks' shards, or raise InputError at the first that cannot be made."""
        listing, timing = work.target.listing, timing_of(work.target.listing)
        job = Job(self.planned, self.model, work.advance, timing)
        with decoding.watching_workers():
            count = write(work.target.path, listing, work.run, work.tasks, job, work.tolerance)
        faster = self.planned.faster(listing)
        told = summary(listing.name, count, listing.unit, timing.seconds(), faster)
        if told is not None:
            self.watch.note(told)
        return []


def complete(target: Target, planned: Plan, engine: Engine, watch: Watch) -> list[str]:
    """Make what is missing of this process's share of the shards; merge if all are there then.

    Returns what could not be made and why, a line for each shard. Another run may finish the same
    file meanwhile: then there is nothing left to do.
    """
    run = wanted(planned, target.listing, engine.signature)
    try:
        failed = _make_missing(target, run, planned, engine, watch)
        if not _merge(target, run, watch):
            return failed
    except InputError:
        if not _finished_elsewhere(target, run):
            raise
        merging.remove(target.path, [one.path for one in _of_run(target.path, run)])
        watch.note(f"{target.path}: was finished by another run meanwhile")
    return []


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


def _make_missing(
    target: Target, run: Run, planned: Plan, engine: Engine, watch: Watch
) -> list[str]:
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
        return []
    rows = sum(task.place.rows for task in tasks)
    with watch.progress(f"{listing.kind} {listing.name}", rows, listing.unit) as advance:
        return engine.make(
            Work(target, run, tasks, advance, _tolerance(target, begun, tasks, planned))
        )


def _tolerance(
    target: Target, begun: Mapping[int, Shard], tasks: Sequence[Task], planned: Plan
) -> Tolerance | None:
    """Return the count of bad images that begins with the shards that are there and stay."""
    if isinstance(target.listing, TextListing):
        return None
    again = {task.place.first for task in tasks}
    there = [shard for first, shard in begun.items() if first not in again]
    rows, failed = (sum(one.place.rows for one in there), sum(one.failed for one in there))
    return Tolerance(target.listing, planned.settings.max_bad, rows, failed)


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


def _merge(target: Target, run: Run, watch: Watch) -> bool:
    """Merge the shards if all are there, and say what was written; or say what is missing.

    Returns whether the file that the run makes is there.
    """
    ours = _of_run(target.path, run)
    count = run.places(target.listing.rows)[0].count
    if len(ours) == count:
        _refuse_replacing(target, run)
        merge(target.path, ours)
        watch.note(f"wrote {target.path}: {_summary(target)}")
        return True
    if _finished_elsewhere(target, run):
        return True
    watch.note(
        f"{target.listing.name}: {len(ours):,} of {count:,} shards are there; whoever writes "
        "the last one merges them"
    )
    return False


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
    what = "in {:,} class folder" if listing.source.form == "folder" else "with {:,} label"
    labels = f" {what.format(names)}{'s' * (names > 1)}" if names else ""
    written = open_images(target.path)
    if failed := int(np.count_nonzero(~written.ok)):
        row, reason = next(iter(written.errors().items()))
        bad = (
            f"; {failed:,} could not be decoded, the first "
            f"{os.fsdecode(listing.images.paths[row])!r} ({reason}); "
            f"see: oodcache cache info {target.path}"
        )
    return f"{written.rows:,} image{'s' * (written.rows > 1)}{labels}{bad}"
