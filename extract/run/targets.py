"""The files of a plan as found on disk, finished or begun, and whether this run can resume them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from oodcache.extract.run.changes import changes
from oodcache.extract.run.plan import Listing, Plan

if TYPE_CHECKING:  # The import takes seconds, and a complete cache does not need it.
    from oodcache.extract.model.encoder import Signature

Stamp = tuple[int, int] | None


@dataclass(frozen=True)
class Target:
    """A file of the plan.

    `finished` describes the finished file, None if missing or to be overwritten; `failed`
    counts its rows that are not ok. `stamp` changes when the file is replaced. `begun` are the
    shards next to it, of any run; `damaged` those that cannot be read.
    """

    listing: Listing
    path: Path
    finished: Run | None
    failed: int
    stamp: Stamp
    begun: tuple[Shard, ...]
    damaged: tuple[Path, ...]

    @property
    def waiting(self) -> list[Shard]:
        """Return a complete set of shards left next to the finished file by a run like its own."""
        assert self.finished is not None
        alike = [
            shard
            for shard in self.begun
            if replace(self.finished, shard_rows=shard.run.shard_rows).key == shard.run.key
        ]
        return alike if alike and len(alike) == alike[0].place.count else []


def known_label(planned: Plan) -> str | None:
    """Return the model's `name/pretrained` if it is known before the weights are loaded.

    Local weights are named by their hash, which the cache may know from their files.
    """
    resolved = planned.resolved
    if not resolved.is_local:
        return resolved.label
    for entry in store.entries(planned.cache):
        if entry.label.rsplit("-", 1)[0] == resolved.label:
            with suppress(InputError):  # A broken file of another model does not matter.
                if store.read_identity(entry).model.checkpoint == resolved.checkpoint:
                    return entry.label
    return None


def targets(planned: Plan, label: str) -> list[Target]:
    """Return each file of the plan as found on disk, texts first."""
    return [_target(planned, one, label) for one in planned.listings]


def stamp(path: Path) -> Stamp:
    """Return a value that changes when the file at `path` is replaced, None if there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def is_settled(planned: Plan, found: Sequence[Target]) -> bool:
    """Return whether every file exists, made from the model files that would be loaded now."""
    return all(
        one.finished is not None
        and one.finished.identity.model.checkpoint == planned.resolved.checkpoint
        and not wants_retry(planned, one)
        for one in found
    )


def wants_retry(planned: Plan, target: Target) -> bool:
    """Return whether the finished file has rows to retry."""
    return planned.settings.retry_failed and target.failed > 0


def check(planned: Plan, found: Sequence[Target], loaded: Signature | None = None) -> None:
    """Raise InputError if an existing file or shard is not what this run would make.

    Compares with the request before the model is loaded, with `loaded` afterwards.
    """
    for target in found:
        if target.finished is not None:
            is_images = target.listing.kind == "images"
            rows = open_images(target.path).rows if is_images else target.listing.rows
            if differs := _differences(planned, target, target.finished, rows, loaded):
                raise InputError(
                    f"{target.path}: {differs[0]}; use --overwrite to replace it, or choose "
                    "another name or --cache"
                )
        for shard in () if planned.settings.overwrite else target.begun:
            if differs := _differences(planned, target, shard.run, shard.place.total, loaded):
                raise InputError(
                    f"{shard.path}: {differs[0]}; resume that run with its own command, or drop "
                    "its shards with --overwrite"
                )


def _target(planned: Plan, listing: Listing, label: str) -> Target:
    is_images = listing.kind == "images"
    path = (names.image_path if is_images else names.text_path)(planned.cache, label, listing.name)
    kept = path.exists() and not planned.settings.overwrite
    # Before all else: a run that finishes the file from here on is then seen to have done so.
    before, finished, failed = stamp(path), None, 0
    if kept:
        finished = merging.run_of(path, listing.kind, planned.settings.shard_rows)
        failed = int((~open_images(path).ok).sum()) if is_images else 0
    found = merging.find(path)
    return Target(listing, path, finished, failed, before, found.shards, tuple(found.damaged))


def _differences(
    planned: Plan, target: Target, run: Run, rows: int, loaded: Signature | None
) -> list[str]:
    """Return in words how the run that wrote `rows` rows differs from the planned one."""
    listing, request, identity = target.listing, planned.resolved.request, run.identity
    if identity.source["fingerprint"] != listing.fingerprint:
        is_finished = run is target.finished
        return [changes(listing, rows, target.path if is_finished else None)]
    given = identity.encoding.get(OVERRIDDEN)
    overrides = {
        key: identity.encoding.get(key)
        for key in PREPROCESSING
        if isinstance(given, list) and key in given
    }
    precision = identity.precision.get("autocast")
    is_turned = identity.encoding.get("exif") is True
    is_fast = identity.encoding.get("decoder") == TORCHVISION
    arithmetic = {name: bool(identity.precision.get(name)) for name in ARITHMETIC}
    differs = {
        f"precision {precision}": precision != request.precision,
        **{
            f"precision {precision} {_option(name, is_on)}": is_on != getattr(request, name)
            for name, is_on in arithmetic.items()
        },
        f"--dtype {run.dtype}": run.dtype != planned.settings.dtype,
        f"--shard-rows {run.shard_rows}": run.shard_rows != planned.settings.shard_rows,
        _preprocessing(overrides, request.preprocessing): listing.kind == "images"
        and overrides != dict(request.preprocessing),
        f"other preprocessing, {_option('fast_decode', is_fast)}": listing.kind == "images"
        and is_fast != request.fast_decode,
        f"other preprocessing, {_option('exif', is_turned)}": listing.kind == "images"
        and is_turned != request.exif,
    }
    words = [what for what, so in differs.items() if so]
    if loaded is not None and not words:
        words = wanted(planned, listing, loaded).differences(run)
    return [f"made with {what}" for what in words]


def _preprocessing(made: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Return the first option whose value a file was made with, or without, unlike this run."""
    key = next((one for one in PREPROCESSING if made.get(one) != asked.get(one)), "")
    option = f"--image-{key.replace('_', '-')}"
    if key not in made:
        return f"other preprocessing, without {option}"
    value = made[key]
    text = " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return f"other preprocessing, with {option} {text}"


def _option(name: str, is_on: bool) -> str:
    return f"{'with' if is_on else 'without'} --{name.replace('_', '-')}"


def wanted(planned: Plan, listing: Listing, loaded: Signature) -> Run:
    """Return the run that makes a listing's file with the loaded model."""
    identity = loaded.identify(listing.kind, listing.origin)
    settings = planned.settings
    return Run(listing.kind, identity, np.dtype(settings.dtype), settings.shard_rows)
