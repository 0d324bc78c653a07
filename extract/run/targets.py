"""The files of a plan as found on disk, finished or begun, and whether this run can resume them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.images import open_images
from oodcache.cache.files.texts import Vocabulary, open_vocabulary
from oodcache.cache.format.identity import OVERRIDDEN
from oodcache.cache.format.place import Run, shard_folder
from oodcache.cache.shards import merging
from oodcache.cache.shards.merging import Shard
from oodcache.extract.known import noise
from oodcache.extract.model.own_weights import is_of
from oodcache.extract.model.request import ARITHMETIC, PREPROCESSING, TORCHVISION
from oodcache.extract.run.changes import changes
from oodcache.extract.run.plan import Listing, Plan, TextListing
from oodcache.extract.sources.listing import ImageListing
from oodcache.extract.texts.vocabularies import DEFAULT_TEMPLATE

if TYPE_CHECKING:  # The import takes seconds, and a complete cache does not need it.
    from oodcache.extract.model.encoder import Signature

Stamp = tuple[int, int] | None


@dataclass(frozen=True)
class Target:
    """A file of the plan.

    `finished` describes the finished file, None if missing or to be overwritten; `failed`
    counts its rows that are not ok. `stamp` changes when the file is replaced. `begun` are the
    shards next to it, of any run; `damaged` those that cannot be read. `added` are templates that
    the finished file lacks: the listing has its templates, then these.
    """

    listing: Listing
    path: Path
    finished: Run | None
    failed: int
    stamp: Stamp
    begun: tuple[Shard, ...]
    damaged: tuple[Path, ...]
    added: tuple[str, ...] = ()

    @property
    def templates(self) -> tuple[str, ...]:
        """Return all templates of a vocabulary to which some are added, otherwise none."""
        if self.added and isinstance(self.listing, TextListing):
            return self.listing.vocabulary.templates
        return ()

    @property
    def is_whole(self) -> bool:
        """Return whether a finished vocabulary has all that is asked, whatever is begun beside."""
        is_texts = isinstance(self.listing, TextListing)
        return is_texts and self.finished is not None and not self.added

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
        and is_of(one.finished.identity.model, planned.resolved)
        and not is_incomplete(planned, one)
        for one in found
    )


def is_incomplete(planned: Plan, target: Target) -> bool:
    """Return whether the finished file has rows to retry, or lacks templates."""
    return bool(target.added) or (planned.settings.retry_failed and target.failed > 0)


def check(planned: Plan, found: Sequence[Target], loaded: Signature | None = None) -> None:
    """Raise InputError if an existing file or shard is not what this run would make.

    Compares with the request before the model is loaded, with `loaded` afterwards.
    """
    for target in found:
        if target.finished is not None:
            rows = _rows(target)
            if differs := _differences(planned, target, target.finished, rows, loaded):
                raise InputError(
                    f"{target.path}: {differs[0]}; {_adding(target)}use --overwrite to replace "
                    f"it, or store the {target.listing.kind} under another name (OTHER=PATH) or in "
                    "another --cache"
                )
        for shard in () if planned.settings.overwrite or target.is_whole else target.begun:
            if differs := _differences(planned, target, shard.run, shard.place.total, loaded):
                raise InputError(f"{shard.path}: {_beginning(target, shard.run, differs[0])}")


def _beginning(target: Target, run: Run, differs: str) -> str:
    """Return how shards differ, and what to do: another run may be making them now."""
    resume = f"resume it with its own command, or drop its shards with {_dropping(target)}"
    if target.added and run.identity.source["fingerprint"] != target.listing.fingerprint:
        return (
            "another run is adding other templates: wait for it, and run the same command again; "
            f"if it was stopped, {resume}"
        )
    return f"{differs}; {resume.replace('it', 'that run', 1)}"


def _rows(target: Target) -> int:
    """Return the number of rows of a finished file."""
    if isinstance(target.listing, TextListing):
        cached = open_vocabulary(target.path)
        return len(cached.names) * len(cached.templates)
    return open_images(target.path).rows


def _adding(target: Target) -> str:
    """Return how to add the default template if it was not typed, "" if that is not asked."""
    listing = target.listing
    if not isinstance(listing, TextListing) or not listing.is_untyped:
        return ""
    cached, mine = open_vocabulary(target.path), listing.vocabulary
    if (cached.names, cached.ids) != (mine.names, mine.ids) or DEFAULT_TEMPLATE in cached.templates:
        return ""
    return f"add it with --template '{DEFAULT_TEMPLATE}', "


def _dropping(target: Target) -> str:
    """Return how to remove shards; --overwrite would drop a cached vocabulary's templates, too."""
    if isinstance(target.listing, TextListing) and target.finished is not None:
        return f"oodcache cache rm {shlex.quote(str(shard_folder(target.path)))}"
    return "--overwrite"


def _target(planned: Plan, listing: Listing, label: str) -> Target:
    is_images = listing.kind == "images"
    path = (names.image_path if is_images else names.text_path)(planned.cache, label, listing.name)
    kept = path.exists() and not planned.settings.overwrite
    # Before all else: a run that finishes the file from here on is then seen to have done so.
    before, finished, failed, added = stamp(path), None, 0, tuple[str, ...]()
    if kept:
        finished = merging.run_of(path, listing.kind, planned.settings.shard_rows)
        failed = int((~open_images(path).ok).sum()) if is_images else 0
        if isinstance(listing, TextListing):
            listing, added = _beside(listing, open_vocabulary(path))
    found = merging.find(path)
    return Target(
        listing, path, finished, failed, before, found.shards, tuple(found.damaged), added
    )


def _beside(listing: TextListing, cached: Vocabulary) -> tuple[TextListing, tuple[str, ...]]:
    """Return the listing of a cached vocabulary with new templates behind its own, and these."""
    mine, added = listing.vocabulary, listing.new_to(cached)
    is_there = (mine.names, mine.ids) == (cached.names, cached.ids)
    if added or (is_there and set(mine.templates) <= set(cached.templates)):
        return listing.under((*cached.templates, *added)), added
    return listing, ()


def _differences(
    planned: Plan, target: Target, run: Run, rows: int, loaded: Signature | None
) -> list[str]:
    """Return in words how the run that wrote `rows` rows differs from the planned one."""
    listing, request, identity = target.listing, planned.resolved.request, run.identity
    is_finished = run is target.finished
    if is_finished and target.added:
        # All that the templates to add change.
        source = {**identity.source, "fingerprint": listing.fingerprint}
        run = replace(run, identity=replace(identity, source=source))
    elif identity.source["fingerprint"] != listing.fingerprint:
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
    if isinstance(listing, ImageListing) and listing.source.form == noise.FORM:
        identity = replace(identity, encoding={**identity.encoding, **noise.UNSCALED})
    settings = planned.settings
    return Run(listing.kind, identity, np.dtype(settings.dtype), settings.shard_rows)
