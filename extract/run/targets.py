"""What is there of a plan's files, finished or begun, and whether this run may go on with it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.format.identity import OVERRIDDEN
from oodcache.cache.format.place import Run
from oodcache.cache.shards import merging
from oodcache.cache.shards.merging import Shard
from oodcache.cache.store import store
from oodcache.extract.model.request import ARITHMETIC, PREPROCESSING, TORCHVISION
from oodcache.extract.run.plan import Listing, Plan

if TYPE_CHECKING:  # Importing it takes seconds, and a cache that is whole needs none of it.
    from oodcache.extract.model.encoder import Signature

Stamp = tuple[int, int] | None


@dataclass(frozen=True)
class Target:
    """A file of the plan.

    `there` is what the finished file is made from, None where none is or it is to be overwritten;
    `failed` counts its rows that are not ok. `stamp` tells that file from one put in its place.
    `begun` are the shards beside it, whatever they are made from; `damaged` those that cannot be
    read, which are made again under the same name if they are of this run.
    """

    listing: Listing
    path: Path
    there: Run | None
    failed: int
    stamp: Stamp
    begun: tuple[Shard, ...]
    damaged: tuple[Path, ...]

    @property
    def waiting(self) -> list[Shard]:
        """Return the shards beside the finished file, if they are all of a run like its own.

        They are what a process left that was killed as it merged, or before.
        """
        assert self.there is not None
        alike = [
            shard
            for shard in self.begun
            if replace(self.there, shard_rows=shard.run.shard_rows).key == shard.run.key
        ]
        return alike if alike and len(alike) == alike[0].place.count else []


def known_label(planned: Plan) -> str | None:
    """Return the model's `name/pretrained` if it is known before the weights are loaded.

    Weights of the user's own are named by their hash; the cache may know the files they came in.
    """
    resolved = planned.resolved
    if not resolved.is_local:
        return resolved.label
    for entry in store.entries(planned.cache):
        if entry.label.rsplit("-", 1)[0] == resolved.label:
            # A broken file of another model is in nobody's way.
            with suppress(InputError):
                if store.read_identity(entry).model.checkpoint == resolved.checkpoint:
                    return entry.label
    return None


def targets(planned: Plan, label: str) -> list[Target]:
    """Return each file that the plan wants, texts first, and what is there of it."""
    return [_target(planned, one, label) for one in planned.listings]


def stamp(path: Path) -> Stamp:
    """Return what changes when another file is put at `path`, None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def is_settled(planned: Plan, found: Sequence[Target]) -> bool:
    """Return whether every file is there, made from the very files that would be loaded now."""
    return all(
        one.there is not None
        and one.there.identity.model.checkpoint == planned.resolved.checkpoint
        and not wants_retry(planned, one)
        for one in found
    )


def wants_retry(planned: Plan, target: Target) -> bool:
    """Return whether the finished file has rows that are to be done again."""
    return planned.settings.retry_failed and target.failed > 0


def check(planned: Plan, found: Sequence[Target], loaded: Signature | None = None) -> None:
    """Refuse if a file or a shard that is there is not what this run would make.

    Before the model is loaded the request tells; afterwards what was loaded does.
    """
    for target in found:
        if target.there is not None:
            differs = _differences(planned, target, target.there, loaded)
            if differs:
                raise InputError(
                    f"{target.path}: is there, made from {differs[0]}; make it anew with "
                    "--overwrite, or give another name or --cache"
                )
        for shard in () if planned.settings.overwrite else target.begun:
            differs = _differences(planned, target, shard.run, loaded)
            if differs:
                raise InputError(
                    f"{shard.path}: is there, of a run begun with {differs[0]}; go on with that "
                    "one by its own command, or drop its shards with --overwrite"
                )


def _target(planned: Plan, listing: Listing, label: str) -> Target:
    is_images = listing.kind == "images"
    path = (names.image_path if is_images else names.text_path)(planned.cache, label, listing.name)
    kept = path.exists() and not planned.settings.overwrite
    there, failed = None, 0
    if kept:
        there = merging.run_of(path, listing.kind, planned.settings.shard_rows)
        failed = int((~open_images(path).ok).sum()) if is_images else 0
    found = merging.find(path)
    return Target(listing, path, there, failed, stamp(path), found.shards, tuple(found.damaged))


def _differences(planned: Plan, target: Target, run: Run, loaded: Signature | None) -> list[str]:
    """Return in words what sets apart the run that is there from the one that is planned."""
    listing, request, identity = target.listing, planned.resolved.request, run.identity
    given = identity.encoding.get(OVERRIDDEN)
    overrides = {
        key: identity.encoding.get(key)
        for key in PREPROCESSING
        if isinstance(given, list) and key in given
    }
    precision = identity.precision.get("autocast")
    is_fast = identity.encoding.get("decoder") == TORCHVISION
    arithmetic = {name: bool(identity.precision.get(name)) for name in ARITHMETIC}
    differs = {
        "another list of inputs": identity.source["fingerprint"] != listing.fingerprint,
        f"precision {precision}": precision != request.precision,
        **{
            f"precision {precision} {_option(name, is_on)}": is_on != getattr(request, name)
            for name, is_on in arithmetic.items()
        },
        f"--dtype {run.dtype}": run.dtype != planned.settings.dtype,
        f"--shard-rows {run.shard_rows}": run.shard_rows != planned.settings.shard_rows,
        "other preprocessing": listing.kind == "images"
        and overrides != dict(request.preprocessing),
        f"other preprocessing, {_option('fast_decode', is_fast)}": listing.kind == "images"
        and is_fast != request.fast_decode,
    }
    words = [what for what, so in differs.items() if so]
    if loaded is not None and not words:
        words = wanted(planned, listing, loaded).differences(run)
    return words


def _option(name: str, is_on: bool) -> str:
    return f"{'with' if is_on else 'without'} --{name.replace('_', '-')}"


def wanted(planned: Plan, listing: Listing, loaded: Signature) -> Run:
    """Return the run that makes a listing's file with the model that is loaded."""
    identity = loaded.identify(listing.kind, listing.origin)
    settings = planned.settings
    return Run(listing.kind, identity, np.dtype(settings.dtype), settings.shard_rows)
