"""The run of a plan: the model loaded once, what is missing written shard by shard, and merged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from oodcache.cache import merging, sibling
from oodcache.cache.errors import InputError
from oodcache.cache.image_file import open_images
from oodcache.cache.shards import shard_folder
from oodcache.extract.plan import Plan, Watch
from oodcache.extract.targets import (
    Target,
    check,
    is_settled,
    known_label,
    targets,
    wants_retry,
)


def run(planned: Plan, watch: Watch) -> list[Path]:
    """Extract what is not there yet; return every file of the plan, new or kept.

    A file or a shard that is there but was made from something else is refused before anything is
    encoded. With a share of the shards, a file may have to wait for the other shares.
    """
    label = known_label(planned)
    if label is not None:
        found = targets(planned, label)
        check(planned, found)
        if is_settled(planned, found):
            return _finish(planned, found, watch)
    from oodcache.extract import loading, tasks

    watch.note(f"loading {planned.resolved.request.requested} …")
    model = loading.load(planned.resolved, watch.note, with_texts=planned.texts is not None)
    found = targets(planned, model.signature.identity.label)
    check(planned, found, model.signature)
    for target in found:
        if target.there is None or wants_retry(planned, target):
            tasks.complete(target, planned, model, watch)
    return _finish(planned, found, watch)


def _finish(planned: Plan, found: Sequence[Target], watch: Watch) -> list[Path]:
    for target in found:
        if target.there is not None and not wants_retry(planned, target):
            _keep(target, watch)
        sibling.remove_stale(target.path)
        sibling.remove_stale(shard_folder(target.path))
    _check_bad(planned, found)
    return [target.path for target in found]


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
