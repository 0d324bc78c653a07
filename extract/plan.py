"""What to extract: everything found and listed, and nothing loaded, before a model is touched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from oodcache.cache import names, store
from oodcache.cache.errors import InputError
from oodcache.cache.identity import OVERRIDDEN, Identity
from oodcache.cache.text_file import Vocabulary
from oodcache.extract import datasets, vocabularies
from oodcache.extract.datasets import ImageListing
from oodcache.extract.requests import (
    PREPROCESSING,
    ModelRequest,
    Resolved,
    resolve,
)

if TYPE_CHECKING:  # Importing it takes seconds, and a cache that is whole needs none of it.
    from oodcache.extract.encoder import Encoder


@dataclass(frozen=True)
class TextListing:
    """A vocabulary under its name, and the fingerprint of its names, ids and templates."""

    name: str
    vocabulary: Vocabulary
    fingerprint: str


@dataclass(frozen=True)
class Plan:
    """What to extract: everything is found and listed, nothing is loaded."""

    resolved: Resolved
    images: tuple[ImageListing, ...]
    texts: TextListing | None
    cache: Path
    batch_size: int
    workers: int
    overwrite: bool

    @property
    def listings(self) -> tuple[TextListing | ImageListing, ...]:
        """Return everything to be extracted, texts first."""
        return (*((self.texts,) if self.texts else ()), *self.images)


@dataclass(frozen=True)
class Target:
    """A file of the plan; `identity` is that of the file that is there and kept, else None."""

    listing: TextListing | ImageListing
    path: Path
    identity: Identity | None


@dataclass(frozen=True)
class Watch:
    """Where a run tells what it does: `note` a line, `progress` over a known number of things.

    `progress(description, total, unit)` gives a function to call with how many are done more.
    """

    note: Callable[[str], None]
    progress: Callable[[str, int, str], AbstractContextManager[Callable[[int], None]]]


def plan(
    request: ModelRequest,
    *,
    sources: Sequence[str],
    classes: str | None,
    templates: Sequence[str],
    data_root: Path,
    cache: Path,
    batch_size: int,
    workers: int | None,
    overwrite: bool,
    watch: Watch,
) -> Plan:
    """Return what is to be done; refuse whatever is missing before any model is loaded."""
    if not sources and classes is None:
        raise InputError(
            "nothing to extract: name a data set (imagenet-val, or NAME=FOLDER), --classes, or both"
        )
    found = [datasets.find(one, data_root) for one in sources]
    listings = [_listed(source, watch) for source in found]
    _check_once([one.source.name for one in listings])
    texts = None
    if classes is not None:
        name, vocabulary = vocabularies.find(classes, templates)
        texts = TextListing(name, vocabulary, vocabularies.fingerprint(vocabulary))
    elif templates:
        raise InputError("--template says how to write class names: give --classes too")
    return Plan(
        resolved=resolve(request),
        images=tuple(listings),
        texts=texts,
        cache=cache,
        batch_size=batch_size,
        workers=_default_workers(listings, batch_size) if workers is None else workers,
        overwrite=overwrite,
    )


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
    found = []
    for one in planned.listings:
        if isinstance(one, TextListing):
            path, kind = names.text_path(planned.cache, label, one.name), "texts"
        else:
            path, kind = names.image_path(planned.cache, label, one.source.name), "images"
        kept = path.exists() and not planned.overwrite
        identity = store.read_identity(store.Entry(path, label, kind)) if kept else None
        found.append(Target(one, path, identity))
    return found


def is_settled(planned: Plan, found: Sequence[Target]) -> bool:
    """Return whether every file is there, made from the very files that would be loaded now."""
    return all(
        one.identity is not None and one.identity.model.checkpoint == planned.resolved.checkpoint
        for one in found
    )


def check_kept(planned: Plan, found: Sequence[Target], loaded: Encoder | None = None) -> None:
    """Refuse if a file that is there is not what this run would make.

    Before the model is loaded the request tells; afterwards what was loaded does.
    """
    for target in found:
        if target.identity is None:
            continue
        differs = _differs_from_request(planned, target, target.identity)
        if loaded is not None:
            differs |= _differs_from_model(loaded, target, target.identity)
        for what, so in differs.items():
            if so:
                raise InputError(
                    f"{target.path}: is there, made from {what}; make it anew with --overwrite, "
                    "or give another name or --cache"
                )


def _differs_from_request(planned: Plan, target: Target, identity: Identity) -> dict[str, bool]:
    request, precision = planned.resolved.request, identity.precision.get("autocast")
    is_images = isinstance(target.listing, ImageListing)
    given = identity.encoding.get(OVERRIDDEN)
    overrides = {
        key: identity.encoding.get(key)
        for key in PREPROCESSING
        if isinstance(given, list) and key in given
    }
    return {
        "another list of inputs": identity.source["fingerprint"] != target.listing.fingerprint,
        f"precision {precision}": precision != request.precision,
        "other preprocessing": is_images and overrides != dict(request.preprocessing),
    }


def _differs_from_model(loaded: Encoder, target: Target, identity: Identity) -> dict[str, bool]:
    is_images = isinstance(target.listing, ImageListing)
    encoding = loaded.preprocessing if is_images else loaded.tokenizing
    return {
        "other weights": identity.model.weights != loaded.identity.weights,
        "another architecture": (
            dict(identity.model.architecture) != dict(loaded.identity.architecture)
        ),
        "other preprocessing" if is_images else "another tokenizer": (
            dict(identity.encoding) != dict(encoding)
        ),
    }


def _listed(source: datasets.ImageSource, watch: Watch) -> ImageListing:
    listing = datasets.list_images(source)
    count = len(listing.rows.paths)
    if source.expected is not None and count != source.expected:
        watch.note(
            f"{source.name}: {count:,} images under {source.root}, {source.expected:,} expected"
        )
    if listing.others:
        watch.note(f"{source.name}: files left out because they are not images: {listing.others:,}")
    return listing


def _check_once(given: Iterable[str]) -> None:
    seen = set()
    for name in given:
        if name in seen:
            raise InputError(f"data set {name!r} is given twice: each wants a name of its own")
        seen.add(name)


def _default_workers(listings: Sequence[ImageListing], batch_size: int) -> int:
    """Return as many workers as processors, eight at most; none for what is done at once."""
    largest = max((len(one.rows.paths) for one in listings), default=0)
    return min(8, os.cpu_count() or 1) if largest > batch_size else 0
