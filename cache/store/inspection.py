"""The description of one file, finished or begun, that `oodcache cache info` prints."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from oodcache.cache.files.images import ImageFile, open_image_shard, open_images
from oodcache.cache.files.negatives import Negatives, read_negatives
from oodcache.cache.files.texts import Vocabulary, open_vocabulary
from oodcache.cache.format.identity import Identity
from oodcache.cache.format.place import FOLDER, Place, shard_folder, target_of
from oodcache.cache.shards import merging
from oodcache.cache.shards.summary import Begun, Summary, runs, summarise
from oodcache.cache.store import store
from oodcache.cache.text import counted, megabytes

SHOWN = 20
MORE = "use --all to list them"


def describe(path: Path, *, everything: bool = False) -> Iterator[str]:
    """Yield a description of one file line by line; long lists are cut unless `everything`."""
    limit = None if everything else SHOWN
    target = store.meant_target(path)
    if target is not None:
        yield from _describe_begun(target, limit)
        return
    if path.suffix == ".json":
        yield from _describe_negatives(read_negatives(path), limit)
        return
    found = summarise(path)
    yield f"{path}: {_size(found)}"
    if found.place is not None:
        yield from _describe_place(path, found, found.place)
    elif shard_folder(path).is_dir():
        for run in runs(merging.find(path).shards):
            yield f"next to it: {_progress(run)} of run {run.shards[0].place.run[:8]}"
    yield from _describe_identity(found.identity)
    yield f"vectors: sha256 {found.identity.vectors}"
    yield f"ok: {counted(found.rows - found.bad, 'row')}, not ok: {found.bad:,}"
    if found.norm.size:
        low, middle, high = found.norm.min(), np.median(found.norm), found.norm.max()
        yield f"norms before normalising: {low:.4g} to {high:.4g}, median {middle:.4g}"
    if found.templates is None:
        images = (open_images if found.place is None else open_image_shard)(path)
        yield from _describe_images(images, limit)
    else:
        yield from _describe_texts(open_vocabulary(path), limit)


def _describe_identity(identity: Identity) -> Iterator[str]:
    fields: Mapping[str, Any] = asdict(identity)
    for group in ("model", "source", "encoding", "precision", "versions"):
        yield f"{group}:"
        for name, value in fields[group].items():
            yield f"  {name}: {value if isinstance(value, str) else json.dumps(value)}"


def _describe_place(path: Path, found: Summary, place: Place) -> Iterator[str]:
    model, name = found.identity.model, found.identity.source["name"]
    kind = "images" if found.templates is None else "texts"
    target = f"{model.label}/{kind}/{name}.h5 of a cache"
    if path.parent.suffix == FOLDER:
        target = str(target_of(path.parent))
    yield f"shard: {place.number:,} of {place.count:,}, {place} of {place.total:,}"
    yield f"of: {target}"
    yield f"run: {place.run}"


def _describe_begun(target: Path, limit: int | None) -> Iterator[str]:
    folder, found = shard_folder(target), merging.find(target)
    known = runs(found.shards)
    yield f"{folder}: shards of {target}, which {'exists' if target.exists() else 'does not exist'}"
    for run in known:
        yield from _describe_run(run, target, limit)
    if len(known) > 1:
        yield f"{len(known)} runs have shards here: remove those of all but one"
    for damage in found.damaged.values():
        yield f"DAMAGED {damage}"
    for path in found.damaged:
        yield f"remove it and run extract again: oodcache cache rm {shlex.quote(str(path))}"
    if not known and not found.damaged:
        yield "no shard yet"
    if known:
        yield from _describe_identity(known[0].shards[0].run.identity)


def _describe_run(run: Begun, target: Path, limit: int | None) -> Iterator[str]:
    place, rows = run.shards[0].place, sum(shard.place.rows for shard in run.shards)
    yield f"run: {place.run}"
    yield f"  {_progress(run)}, {rows:,} of {counted(place.total, 'row')}"
    yield f"  not ok so far: {sum(shard.failed for shard in run.shards):,}"
    if run.missing:
        some = run.missing
        more = f" … and {len(some) - limit:,} more" if limit and len(some) > limit else ""
        yield f"  missing: shards {', '.join(some[:limit])}{more}"
        yield "  to resume: run the same oodcache extract again"
    else:
        yield f"  to merge them: oodcache cache merge {shlex.quote(str(target))}"


def _describe_images(file: ImageFile, limit: int | None) -> Iterator[str]:
    if unlabelled := int(np.count_nonzero(file.label < 0)):
        yield f"unlabelled: {unlabelled:,}"
    if file.label_names:
        counts = np.bincount(file.label[file.label >= 0], minlength=len(file.label_names))
        spread = ""
        if limit and len(counts) > limit:
            spread = f", {counts.min():,} to {counts.max():,} images each"
            spread += f", median {np.median(counts):,g}"
        noun = "class number" if file.identity.has_class_numbers else "name"
        yield f"labels: {counted(len(counts), noun)}{spread}"
        both = zip(file.label_names, counts.tolist(), strict=True)
        yield from _some([f"{name}: {count:,}" for name, count in both], limit)
    errors = file.errors()
    if errors:
        paths = file.paths()
        yield f"not decoded: {counted(len(errors), 'image')}"
        lines = [f"row {row}: {os.fsdecode(paths[row])}: {errors[row]}" for row in errors]
        yield from _some(lines, limit)


def _describe_texts(vocabulary: Vocabulary, limit: int | None) -> Iterator[str]:
    yield "templates:"
    yield from _some(vocabulary.templates, limit)
    yield "classes:"
    both = zip(vocabulary.ids, vocabulary.names, strict=True)
    yield from _some([f"{one}  {name}" if one else name for one, name in both], limit)


def _describe_negatives(found: Negatives, limit: int | None) -> Iterator[str]:
    words = sum(len(one.words) for one in found.lists)
    candidates = sum(one.candidates for one in found.lists)
    near = f", and the {counted(found.nearest, 'nearest word')}" if found.nearest else ""
    yield f"{found.path}: {counted(words, 'negative')} of {candidates:,} candidates{near}"
    yield f"model: {found.label}, weights {found.weights}"
    yield f"classes: {found.classes}, {found.template}, vectors sha256 {found.class_vectors}"
    yield f"keep: {found.keep}"
    for one in found.lists:
        kept = f"{len(one.words):,} of {one.candidates:,}"
        yield f"{one.role}: {one.vocabulary}, {one.template}, percentile {one.percentile:g}: {kept}"
        yield f"  vectors: sha256 {one.vectors}"
        yield from _some(one.words, limit)
        if one.near:
            yield f"  the {counted(len(one.near), 'nearest word')}:"
            yield from _some(one.near, limit)
    yield "versions:"
    yield from (f"  {name}: {version}" for name, version in found.versions.items())


def _some(lines: Sequence[str], limit: int | None) -> Iterator[str]:
    """Yield the lines, indented; only the first `limit`, with the number of others."""
    yield from (f"  {line}" for line in lines[:limit])
    if limit and len(lines) > limit:
        yield f"  … and {len(lines) - limit:,} more: {MORE}"


def _progress(run: Begun) -> str:
    return f"{run.done:,} of {counted(run.of, 'shard')}"


def _size(found: Summary) -> str:
    what = counted(found.rows, "image")
    if found.templates is not None and found.classes is not None:
        product = counted(found.templates, "template"), counted(found.classes, "class")
        what = " x ".join(product)
        if found.place is not None:
            what = f"{counted(found.rows, 'row')} of {what}"
    size = megabytes(found.path.stat().st_size)
    return f"{what} x {found.shape[-1]:,}, {found.dtype}, {size} MB"
