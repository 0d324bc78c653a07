"""The run of a plan: the model loaded once, what is missing written shard by shard, and merged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.format import sibling
from oodcache.cache.format.place import shard_folder
from oodcache.cache.shards import merging
from oodcache.cache.watch import Watch
from oodcache.extract.run.plan import Plan
from oodcache.extract.run.targets import (
    Target,
    check,
    is_settled,
    known_label,
    targets,
    wants_retry,
)

if TYPE_CHECKING:  # Importing it takes seconds, and a cache that is whole needs none of it.
    from oodcache.extract.run.completion import Engine

Start = Callable[[Plan, Watch], "AbstractContextManager[Engine]"]
SHOWN = 5


@contextmanager
def in_process(planned: Plan, watch: Watch) -> Iterator[Engine]:
    """Give the engine that is this process, its model loaded."""
    from oodcache.extract.model import loading
    from oodcache.extract.run import completion

    watch.note(f"loading {planned.resolved.request.requested} …")
    with_texts = planned.texts is not None
    model = loading.load(planned.resolved, watch.note, with_texts=with_texts)
    yield completion.InProcess(planned, model, watch)


def run(planned: Plan, watch: Watch, start: Start = in_process) -> list[Path]:
    """Extract what is not there yet; return every file of the plan, new or kept.

    A file or a shard that is there but was made from something else is refused before anything is
    encoded. With a share of the shards, a file may have to wait for the other shares. `start`
    gives the engine that makes the shards, once one is needed.
    """
    label = known_label(planned)
    if label is not None:
        found = targets(planned, label)
        check(planned, found)
        if is_settled(planned, found):
            return _finish(planned, found, watch)
    with start(planned, watch) as engine:
        from oodcache.extract.run.completion import complete

        found = targets(planned, engine.signature.identity.label)
        check(planned, found, engine.signature)
        failed = [
            line
            for target in found
            if target.there is None or wants_retry(planned, target)
            for line in complete(target, planned, engine, watch)
        ]
    return _finish(planned, found, watch, failed)


def _finish(
    planned: Plan, found: Sequence[Target], watch: Watch, failed: Sequence[str] = ()
) -> list[Path]:
    for target in found:
        if target.there is not None and not wants_retry(planned, target):
            _keep(target, watch)
        sibling.remove_stale(target.path)
        sibling.remove_stale(shard_folder(target.path))
    if failed:
        raise InputError(_failed(failed))
    _check_bad(planned, found)
    return [target.path for target in found]


def _failed(lines: Sequence[str]) -> str:
    """Say in one line which shards could not be made, and why."""
    more = f"; and {len(lines) - SHOWN:,} more" if len(lines) > SHOWN else ""
    count = f"{len(lines):,} shard{'s were' if len(lines) > 1 else ' was'} not made"
    return (
        f"{count}: {'; '.join(lines[:SHOWN])}{more}; all others are done: once that is mended, "
        "type the same command again"
    )


def _keep(target: Target, watch: Watch) -> None:
    """Say that a file is kept; finish the merge that a killed process left beside it."""
    if target.waiting:
        merging.merge(target.path, target.waiting)
        watch.note(f"merged the shards beside {target.path}")
    elif target.begun:
        count = f"{len(target.begun):,} shard{'s' * (len(target.begun) > 1)}"
        watch.note(
            f"{shard_folder(target.path)}: {count} of a run to replace the finished file; go on "
            "with it by --overwrite, or remove them: oodcache cache rm"
        )
    watch.note(f"kept {target.path}")


def _check_bad(planned: Plan, found: Sequence[Target]) -> None:
    """Refuse, now that all is written, data sets with more bad images than are put up with."""
    for target in found:
        if target.listing.kind == "texts" or planned.settings.max_bad >= 1:
            continue
        rows, failed, where = _counted(target)
        if failed > planned.settings.max_bad * rows:
            raise InputError(
                f"{target.listing.name}: {failed:,} of {rows:,} images are bad, more than "
                f"--max-bad {planned.settings.max_bad:g}; see: oodcache cache info {where}; "
                "once they can be read: --retry-failed, or --overwrite if their sizes change"
            )


def _counted(target: Target) -> tuple[int, int, Path]:
    """Return how many rows there are, how many of them not ok, and where."""
    if target.path.exists():
        ok = open_images(target.path).ok
        return len(ok), int(np.count_nonzero(~ok)), target.path
    shards = merging.find(target.path).shards
    rows, failed = (sum(one.place.rows for one in shards), sum(one.failed for one in shards))
    return rows, failed, shard_folder(target.path)
