"""The completion of one file: an engine makes its missing shards, which are merged at the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.files import alike
from oodcache.cache.files.images import ImageFile, open_image_shard, open_images
from oodcache.cache.files.texts import TextRows, open_text_rows, open_vocabulary
from oodcache.cache.format import sibling
from oodcache.cache.format.place import Place, Run, share
from oodcache.cache.shards import merging
from oodcache.cache.shards.merging import Shard
from oodcache.cache.text import counted
from oodcache.cache.watch import Hint, Watch
from oodcache.extract.model.encoder import Encoder, Signature
from oodcache.extract.run import changes, cuts, decoding
from oodcache.extract.run.plan import Listing, Plan, TextListing
from oodcache.extract.run.targets import Target, stamp, wanted
from oodcache.extract.run.tasks import Job, Task, write
from oodcache.extract.run.timing import summary, timing_of
from oodcache.extract.run.tolerance import Tolerance


@dataclass(frozen=True)
class Work:
    """Tasks of one target; `advance` reports finished rows, `tolerance` counts bad images."""

    target: Target
    run: Run
    tasks: Sequence[Task]
    advance: Callable[[int], None]
    tolerance: Tolerance | None


class Engine(Protocol):
    """Runs tasks with a loaded model."""

    @property
    def signature(self) -> Signature:
        """Return what the model writes to every file."""

    def make(self, work: Work) -> list[str]:
        """Write the tasks' shards; return one line per failed shard, with the reason.

        Raises InputError if the run cannot continue.
        """


@dataclass(frozen=True)
class InProcess:
    """The engine that runs in this process, one shard after another."""

    planned: Plan
    model: Encoder
    watch: Watch

    @property
    def signature(self) -> Signature:
        return self.model.signature

    def make(self, work: Work) -> list[str]:
        """Write the tasks' shards; raise InputError at the first that fails."""
        listing, timing = work.target.listing, timing_of(work.target.listing)
        job = Job(self.planned, self.model, work.advance, timing)
        if isinstance(listing, TextListing):
            new = listing.under(work.target.added) if work.target.added else listing
            cuts.check(new, self.model.tokenize, self.watch.note)
        with decoding.watching_workers():
            done = write(work.target.path, listing, work.run, work.tasks, job, work.tolerance)
        faster = self.planned.faster(listing)
        if rotation := self.planned.rotation(listing, done.rotated):
            self.watch.note(rotation)
        if text := summary(listing.name, done.rows, listing.unit, timing.seconds(), faster):
            self.watch.note(Hint(text))
        return []


def complete(target: Target, planned: Plan, engine: Engine, watch: Watch) -> list[str]:
    """Write the missing shards of this process's share; merge if all shards exist afterwards.

    Returns one line per failed shard, with the reason. If another run finishes the same file
    meanwhile, nothing is left to do.
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
        watch.note(Hint(f"{target.path}: another run finished it meanwhile"))
    return []


def merge(path: Path, shards: Sequence[Shard]) -> None:
    """Merge a complete set of shards; if no image is ok, remove them and raise InputError."""
    nothing = sum(shard.failed for shard in shards) == shards[0].place.total
    try:
        merging.merge(path, shards)
    except RuleError as error:
        raise InputError(f"{error}; remove it and run the same command again") from None
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
        watch.note(Hint(f"{listing.name}: nothing to do for {part}: only {len(places):,} shards"))
    elif done := len(mine) - len(tasks):
        watch.note(Hint(f"{listing.name}: resuming: {done:,} of {len(mine):,} shards are done"))
    if not tasks:
        return []
    if isinstance(listing, TextListing):
        _note_prompts(listing, target.added, watch)
        if planned.settings.overwrite:
            _note_lost(listing, target.path, watch)
    rows = sum(task.place.rows for task in tasks)
    with watch.progress(f"{listing.kind} {listing.name}", rows, listing.unit) as advance:
        return engine.make(
            Work(target, run, tasks, advance, _tolerance(target, begun, tasks, planned))
        )


def _note_prompts(listing: TextListing, added: Sequence[str], watch: Watch) -> None:
    new = listing.under(added) if added else listing
    watch.note(f"{listing.name}: prompts such as {new.samples()}")
    if added:
        count = len(listing.vocabulary.templates)
        watch.note(
            f"{listing.name}: adding {counted(len(added), 'template')} to the {count - len(added)} "
            f"in the cache; an average of all is now one of {count}"
        )


def _note_lost(listing: TextListing, path: Path, watch: Watch) -> None:
    with suppress(InputError):  # A file that is missing or damaged has nothing to lose.
        cached = open_vocabulary(path)
        if lost := changes.lost_templates(listing.name, cached, listing.vocabulary):
            watch.note(lost)


def _tolerance(
    target: Target, begun: Mapping[int, Shard], tasks: Sequence[Task], planned: Plan
) -> Tolerance | None:
    """Return the count of unreadable images, starting with the shards that are kept."""
    if isinstance(target.listing, TextListing):
        return None
    retried = {task.place.first for task in tasks}
    kept = [shard for first, shard in begun.items() if first not in retried]
    rows, failed = (sum(one.place.rows for one in kept), sum(one.failed for one in kept))
    return Tolerance(target.listing, planned.settings.max_bad, rows, failed)


def _tasks(
    target: Target, mine: Sequence[Place], begun: Mapping[int, Shard], planned: Plan
) -> list[Task]:
    """Return the tasks: missing shards and, with --retry-failed, shards with unreadable images."""
    whole: ImageFile | TextRows | None = None
    if target.added:
        whole = open_text_rows(target.path)
    elif planned.settings.retry_failed and target.finished is not None:
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
    """Merge the shards if all exist, otherwise report how many do; return if the file exists."""
    ours = _of_run(target.path, run)
    count = run.places(target.listing.rows)[0].count
    if len(ours) == count:
        with _alone(target):
            _check_replacing(target, run, ours)
            merge(target.path, ours)
        watch.note(written(target.listing, target.path, len(target.added)))
        is_texts = isinstance(target.listing, TextListing)
        if is_texts and (same := alike.within(open_text_rows(target.path))):
            watch.note(f"{target.listing.name}: {same}")
        return True
    if _finished_elsewhere(target, run):
        merging.remove(target.path, [one.path for one in ours])
        return True
    text = (
        f"{target.listing.name}: {len(ours):,} of {count:,} shards are done; the process that "
        "writes the last one merges them"
    )
    watch.note(Hint(text))
    return False


def _alone(target: Target) -> AbstractContextManager[None]:
    """Return a lock against others that replace the file: each adds its templates to the last."""
    is_texts = isinstance(target.listing, TextListing)
    return sibling.alone(target.path.parent) if is_texts else nullcontext()


def _check_replacing(target: Target, run: Run, ours: Sequence[Shard]) -> None:
    """Raise InputError if another run has written a different file since this one began."""
    if stamp(target.path) in (None, target.stamp):
        return
    found = run.differences(merging.run_of(target.path, run.kind, run.shard_rows))
    if found and target.added:
        merging.remove(target.path, [one.path for one in ours])
        raise InputError(
            f"{target.path}: another run wrote it while this one added templates to it; run the "
            "same command again: it adds them to what is there now"
        )
    if found:
        raise InputError(
            f"{target.path}: another run wrote it meanwhile, from {found[0]}; this run's shards "
            "are kept: to replace the file, run the same command with --overwrite"
        )


def _of_run(path: Path, run: Run) -> list[Shard]:
    return [one for one in merging.find(path).shards if one.run.key == run.key]


def _finished_elsewhere(target: Target, run: Run) -> bool:
    """Return whether another run has written the very file that this run would make."""
    if stamp(target.path) in (None, target.stamp):
        return False
    try:
        return merging.run_of(target.path, run.kind, run.shard_rows).key == run.key
    except InputError:
        return False


def written(listing: Listing, path: Path, added: int = 0) -> str:
    """Return a line on a finished file, a Hint if all its images could be decoded.

    `added` counts the templates that were added to it.
    """
    if isinstance(listing, TextListing):
        templates = len(listing.vocabulary.templates)
        classes = counted(len(listing.vocabulary.names), "class")
        new = f" ({added} new)" if added else ""
        return Hint(f"wrote {path}: {classes}, {counted(templates, 'template')}{new}")
    names, bad = len(listing.images.label_names), ""
    what = "in {:,} class folder" if listing.source.form == "folder" else "with {:,} label"
    labels = f" {what.format(names)}{'s' * (names > 1)}" if names else ""
    file = open_images(path)
    if failed := int(np.count_nonzero(~file.ok)):
        row, reason = next(iter(file.errors().items()))
        bad = (
            f"; {failed:,} could not be decoded, first "
            f"{os.fsdecode(listing.images.paths[row])!r} ({reason}); "
            f"see: oodcache cache info {path}"
        )
    line = f"wrote {path}: {counted(file.rows, 'image')}{labels}{bad}"
    return line if bad else Hint(line)
