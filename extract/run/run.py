"""The run of a plan: load the model once, write the missing shards, merge them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.format import sibling
from oodcache.cache.format.place import shard_folder
from oodcache.cache.shards import merging
from oodcache.cache.text import counted
from oodcache.cache.watch import Hint, Watch
from oodcache.extract.model.names import options, twins
from oodcache.extract.model.own_weights import check_name, known_label, named_as_before
from oodcache.extract.model.request import TRANSFORMERS, Resolved
from oodcache.extract.run.plan import Plan
from oodcache.extract.run.targets import (
    Target,
    check,
    is_incomplete,
    is_settled,
    targets,
)

if TYPE_CHECKING:  # The import takes seconds, and a complete cache does not need it.
    from oodcache.extract.run.completion import Engine

Start = Callable[[Plan, Watch], "AbstractContextManager[Engine]"]
SHOWN = 5


@contextmanager
def in_process(planned: Plan, watch: Watch) -> Iterator[Engine]:
    """Yield the engine of this process, with its model loaded."""
    _check_here(planned.resolved)
    from oodcache.extract.model import loading
    from oodcache.extract.run import completion

    watch.note(Hint(f"loading {planned.resolved.request.requested} …"))
    with_texts = planned.texts is not None
    model = loading.load(planned.resolved, watch.note, with_texts=with_texts)
    yield completion.InProcess(planned, model, watch)


def _check_here(resolved: Resolved) -> None:
    """Raise InputError for a checkpoint of transformers that is not here, before the imports."""
    if resolved.architecture.startswith(TRANSFORMERS) and not resolved.is_local:
        from oodcache.extract.model.names import repositories  # Its import takes a moment.

        repository = resolved.architecture.removeprefix(TRANSFORMERS)
        repositories.check_here(repository, resolved.request.requested)


def run(planned: Plan, watch: Watch, start: Start = in_process) -> list[Path]:
    """Extract what is missing; return every file of the plan, new or kept.

    Raises InputError, before anything is encoded, if an existing file or shard was made from other
    inputs or settings. With --shard, a file may have to wait for other processes' shards. `start`
    opens the engine, and is called only if one is needed.
    """
    options.check(planned.resolved)  # First: the cache would advise --overwrite.
    resolved = named_as_before(planned.cache, planned.resolved)
    planned = replace(planned, resolved=resolved)
    label = known_label(planned.cache, resolved)
    if label is not None:
        found = targets(planned, label)
        check(planned, found)
        if is_settled(planned, found):
            return _finish(planned, found, watch)
    if (twin := twins.said(resolved.architecture, resolved.request.requested)) is not None:
        watch.note(twin)
    with start(planned, watch) as engine:
        from oodcache.extract.run.completion import complete

        check_name(planned.cache, resolved, watch.note, engine.signature)
        found = targets(planned, engine.signature.identity.label)
        check(planned, found, engine.signature)
        failed = [
            line
            for target in found
            if target.finished is None or is_incomplete(planned, target)
            for line in complete(target, planned, engine, watch)
        ]
    return _finish(planned, found, watch, failed)


def _finish(
    planned: Plan, found: Sequence[Target], watch: Watch, failed: Sequence[str] = ()
) -> list[Path]:
    for target in found:
        if target.finished is not None and not is_incomplete(planned, target):
            _keep(target, watch)
        sibling.remove_stale(target.path)
        sibling.remove_stale(shard_folder(target.path))
    if failed:
        more = f"; and {len(failed) - SHOWN:,} more" if len(failed) > SHOWN else ""
        raise InputError(
            f"{counted(len(failed), 'shard')} failed: {'; '.join(failed[:SHOWN])}"
            f"{more}; all others are done: fix the cause and run the same command again"
        )
    _check_bad(planned, found)
    return [target.path for target in found]


def _keep(target: Target, watch: Watch) -> None:
    """Report that a file is kept; finish a merge that a killed process left unfinished."""
    if target.waiting:
        merging.merge(target.path, target.waiting)
        watch.note(Hint(f"merged the shards beside {target.path}"))
    elif target.begun:
        watch.note(_begun(target))
    watch.note(Hint(f"kept {target.path}"))


def _begun(target: Target) -> str:
    """Return what shards beside a finished file are, and how to go on with them or drop them."""
    assert target.finished is not None
    folder, count = shard_folder(target.path), counted(len(target.begun), "shard")
    fingerprint = target.finished.identity.source["fingerprint"]
    if all(one.run.identity.source["fingerprint"] == fingerprint for one in target.begun):
        return (
            f"{folder}: {count} of a run that replaces the finished file; resume it with "
            "--overwrite, or remove them with: oodcache cache rm"
        )
    return (
        f"{folder}: {count} of an unfinished run with other templates; resume it with its own "
        f"command, or remove them with: oodcache cache rm {shlex.quote(str(folder))}"
    )


def _check_bad(planned: Plan, found: Sequence[Target]) -> None:
    """Raise InputError, once all is written, for datasets with too many unreadable images."""
    for target in found:
        if target.listing.kind == "texts" or planned.settings.max_bad >= 1:
            continue
        rows, failed, where = _counted(target)
        if failed > planned.settings.max_bad * rows:
            raise InputError(
                f"{target.listing.name}: {failed:,} of {rows:,} images cannot be read, more than "
                f"--max-bad {planned.settings.max_bad:g}; see: oodcache cache info {where}; once "
                "they can be read, use --retry-failed, or --overwrite if file sizes change"
            )


def _counted(target: Target) -> tuple[int, int, Path]:
    """Return the number of rows, the number of those not ok, and the path."""
    if target.path.exists():
        ok = open_images(target.path).ok
        return len(ok), int(np.count_nonzero(~ok)), target.path
    shards = merging.find(target.path).shards
    rows, failed = (sum(one.place.rows for one in shards), sum(one.failed for one in shards))
    return rows, failed, shard_folder(target.path)
