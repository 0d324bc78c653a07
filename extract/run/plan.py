"""A plan of an extraction: all inputs found and listed before any model is loaded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.files.texts import Vocabulary
from oodcache.cache.format.place import SHARD_ROWS
from oodcache.cache.text import counted
from oodcache.cache.watch import Hint, Watch
from oodcache.extract.model.request import ModelRequest, Resolved, resolve
from oodcache.extract.sources import datasets
from oodcache.extract.sources.listing import UNSAID, ImageListing, ImageSource, Options
from oodcache.extract.texts import spoken, vocabularies
from oodcache.extract.texts.vocabularies import DEFAULT_TEMPLATE, fingerprint

MEMORY = "memory"  # The form of images that are no files.
SHOWN = 120  # Characters of a sample prompt.
FEW_FILES = 8  # Files of rows that are listed in about a second.


@dataclass(frozen=True)
class TextListing:
    """A named vocabulary, with the fingerprint of its names, ids and templates.

    `is_untyped` if its template is the default one because none was given.
    """

    name: str
    vocabulary: Vocabulary
    fingerprint: str
    is_untyped: bool = False
    kind: str = "texts"
    unit: str = "prompts"

    @property
    def origin(self) -> dict[str, Any]:
        """Return the `source` of a file's identity."""
        return {"name": self.name, "fingerprint": self.fingerprint}

    @property
    def rows(self) -> int:
        """Return the number of prompts."""
        return len(self.vocabulary.templates) * len(self.vocabulary.names)

    def prompts(self, rows: range) -> list[str]:
        """Return the prompts of `rows`: row t·K + k is class k of K under template t."""
        names, templates = self.vocabulary.names, self.vocabulary.templates
        places = (divmod(row, len(names)) for row in rows)
        return [templates[template].replace("{}", names[place]) for template, place in places]

    def new_to(self, cached: Vocabulary) -> tuple[str, ...]:
        """Return the templates to add to a cached vocabulary of the same classes, in order.

        The default template is not added unless it was typed.
        """
        mine, there = self.vocabulary, set(cached.templates)
        if self.is_untyped or (mine.names, mine.ids) != (cached.names, cached.ids):
            return ()
        return tuple(one for one in mine.templates if one not in there)

    def under(self, templates: Sequence[str]) -> TextListing:
        """Return a listing of the same classes under other templates."""
        vocabulary = replace(self.vocabulary, templates=tuple(templates))
        return replace(self, vocabulary=vocabulary, fingerprint=fingerprint(vocabulary))

    def samples(self) -> str:
        """Return the first, the middle and the last prompt, for the user to look at."""
        rows = dict.fromkeys((0, self.rows // 2, self.rows - 1))
        shown = [self.prompts(range(row, row + 1))[0] for row in rows]
        return ", ".join(repr(one if len(one) <= SHOWN else f"{one[:SHOWN]}…") for one in shown)


Listing = TextListing | ImageListing


@dataclass(frozen=True)
class Settings:
    """Settings of a run.

    This process makes share `part` of `parts`, from 1. `retry_failed` retries rows that are not ok.
    `max_bad` is the largest share of unreadable images that is accepted.
    """

    dtype: str = "float32"
    batch_size: int = 256
    shard_rows: int = SHARD_ROWS
    part: int = 1
    parts: int = 1
    overwrite: bool = False
    retry_failed: bool = False
    max_bad: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """A request as typed: images of `sources`, names of `classes`, or both.

    Without `workers`, `default_workers` chooses. `options` apply to lists and tables.
    """

    model: ModelRequest
    cache: Path
    data_root: Path
    sources: Sequence[str] = ()
    classes: str | None = None
    templates: Sequence[str] = ()
    workers: int | None = None
    settings: Settings = Settings()
    options: Options = UNSAID


@dataclass(frozen=True)
class Plan:
    """What to extract: all inputs are listed, nothing is loaded.

    `workers` are processes that decode images; `threads` do so if images are in memory.
    """

    resolved: Resolved
    images: tuple[ImageListing, ...]
    texts: TextListing | None
    cache: Path
    workers: int
    settings: Settings
    threads: int = 0

    @property
    def listings(self) -> tuple[Listing, ...]:
        """Return all listings, texts first."""
        return (*((self.texts,) if self.texts else ()), *self.images)

    def place(self, listing: Listing) -> int:
        """Return which listing this is, though templates may have been added to it."""
        whose = [(one.kind, one.name) for one in self.listings]
        return whose.index((listing.kind, listing.name))

    def rotation(self, listing: Listing, rotated: int) -> str:
        """Return the note on images whose EXIF rotation is not applied, "" if there are none."""
        if not rotated or self.resolved.request.exif:
            return ""
        carry = "carries" if rotated == 1 else "carry"
        return (
            f"{listing.name}: {counted(rotated, 'image')} {carry} a rotation, which is not "
            "applied, as in open_clip; --exif applies it"
        )

    def faster(self, listing: Listing) -> str:
        """Return the options that would decode a listing faster, "" if all are already set."""
        if isinstance(listing, TextListing) or listing.source.form == MEMORY:
            return ""
        processors = os.cpu_count() or 1
        options = [] if self.workers >= processors else [f"--workers {processors}"]
        if self.resolved.is_of_open_clip and not self.resolved.request.fast_decode:
            options.append("--fast-decode (for all datasets: files with and without it do not mix)")
        return " and ".join(options)


def plan(asked: Extraction, watch: Watch) -> Plan:
    """Return the plan; raise InputError if an input is missing, before any model is loaded."""
    if not asked.sources and asked.classes is None:
        raise InputError(
            "nothing to extract: name a dataset (imagenet-val, or NAME=FOLDER), --classes, or both"
        )
    asked.model.check_texts(asked.classes)
    listings = images(asked.sources, asked.data_root, asked.options, watch)
    texts = None
    if asked.classes is not None:
        typed = (asked.classes, asked.templates, watch.note)
        found = vocabularies.find(*typed, options=asked.options, data_root=asked.data_root)
        texts = named(*found, are_typed=bool(asked.templates))
    elif asked.templates:
        raise InputError("--template needs class names: give --classes too")
    workers = asked.workers
    if workers is None:
        largest = max((one.rows for one in listings), default=0)
        workers = default_workers(largest, asked.settings.batch_size)
    return Plan(resolve(asked.model), listings, texts, asked.cache, workers, asked.settings)


def images(
    sources: Sequence[str], data_root: Path, options: Options, watch: Watch
) -> tuple[ImageListing, ...]:
    """Return the images of each source; raise InputError if one is missing or given twice."""
    found = [datasets.find(one, data_root, options) for one in sources]
    _check_once(found)
    datasets.check_options(found, options)
    return tuple(_listed(source, watch) for source in found)


def named(name: str, vocabulary: Vocabulary, *, are_typed: bool = True) -> TextListing:
    """Return a vocabulary under its name, with its fingerprint.

    A default template that was not typed is never added to a cached vocabulary.
    """
    is_untyped = not are_typed and vocabulary.templates == (DEFAULT_TEMPLATE,)
    return TextListing(name, vocabulary, fingerprint(vocabulary), is_untyped)


def _listed(source: ImageSource, watch: Watch) -> ImageListing:
    if count := len(source.tars):
        watch.note(Hint(f"{source.name}: reading the headers of {counted(count, 'tar')} …"))
    if (count := len(source.stored)) > FEW_FILES:
        watch.note(Hint(f"{source.name}: reading the rows of {counted(count, 'file')} …"))
    listing = datasets.list_images(source)
    count = listing.rows
    if source.expected is not None and count != source.expected:
        watch.note(
            f"{source.name}: {counted(count, 'image')} under {source.root}, "
            f"{source.expected:,} expected"
        )
    own = (listing.left_out.note, _numbered_folders(listing))
    for text in (*filter(None, own), *listing.notes):
        watch.note(f"{source.name}: {text}")
    return listing


def _numbered_folders(listing: ImageListing) -> str:
    """Return a note on folders 0 … 999, "" for others."""
    labels = listing.images.label_names
    if listing.source.form != "folder" or len(labels) != spoken.THOUSAND:
        return ""
    told = "folders 0 … 999 are class numbers, as in ImageNet-V2: score it with --classes imagenet"
    return told if spoken.are_class_numbers(labels) else ""


def _check_once(sources: Iterable[ImageSource]) -> None:
    seen: dict[str, ImageSource] = {}
    for source in sources:
        before = seen.setdefault(source.name, source)
        if before is source:
            continue
        text = f"dataset {source.name!r} is given twice: each needs its own name"
        if before.tars and source.tars:
            text += f"; for several tars, quote the braces: '{source.name}=x/{{0..9}}.tar'"
        if before.stored and source.stored:
            text += f"; for several files, quote the pattern: '{source.name}=x/test-*.parquet'"
        raise InputError(text)


def default_workers(count: int, batch_size: int) -> int:
    """Return one worker process per processor, at most 8; 0 if `count` images fit in one batch."""
    return min(8, os.cpu_count() or 1) if count > batch_size else 0
