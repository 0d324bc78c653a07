"""Import of other tools' embeddings into the cache, and export of cached ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import arrays as foreign
from oodcache.cache.exchange import export as exporting
from oodcache.cache.exchange import exported
from oodcache.cache.exchange.arrays import Array
from oodcache.cache.exchange.imported import Claim, of_file
from oodcache.cache.files.images import ImageFile, ImageRows, open_images
from oodcache.cache.files.texts import TextFile, open_texts
from oodcache.cache.format.logits import doubts
from oodcache.cache.shards import shard_set
from oodcache.cache.store import store
from oodcache.cache.store.verification import kind_of
from oodcache.cache.watch import Hint, Note, Progress, Watch
from oodcache.extract.imports import reading, writing
from oodcache.extract.imports.reading import Import
from oodcache.extract.imports.writing import Destination


def export(path: Path, output: Path, note: Note, progress: Progress) -> None:
    """Write a file of the cache as `output`, in the format of its extension."""
    exporting.check_output(output)
    target = store.meant_target(path)
    file = _opened(path) if target is None else shard_set.read(target)
    rows = file.norm.size
    with progress(f"export {path.stem}", rows, "rows") as advance:
        exporting.export(file, output, advance)
    note(Hint(f"wrote {output}: {rows:,} rows"))


def _opened(path: Path) -> ImageFile | TextFile:
    kind = kind_of(path)
    if kind not in store.KINDS:
        raise InputError(f"{path}: is a shard; merge it first: oodcache cache merge")
    return open_images(path) if kind == "images" else open_texts(path)


def import_(given: Import, note: Note, progress: Progress) -> None:
    """Write another tool's embeddings, or our own exported ones, as a file of the cache."""
    if given.dataset is not None and given.classes is not None:
        raise InputError("--dataset is for images, --classes for texts: give one of them")
    form, arrays = reading.opened(given.source)
    if "identity" in arrays:
        _import_exported(given, arrays, note, progress)
    elif given.dataset is not None:
        reading.reject(given, "images were given", *reading.OF_TEXTS)
        _import_images(given, form, arrays, Watch(note, progress))
    elif given.classes is not None:
        reading.reject(given, "texts were given", *reading.OF_IMAGES)
        _import_texts(given, form, arrays, note)
    else:
        raise InputError(
            f"{given.source}: give --dataset NAME for images, or --classes NAME=names.txt for texts"
        )


def _import_exported(
    given: Import, arrays: Mapping[str, Array], note: Note, progress: Progress
) -> None:
    """Write an exported file back; it contains all that options could give."""
    reading.reject(given, "the file describes itself", *reading.OF_ALL)
    file = exported.opened(given.source, arrays)
    target = file.target(given.cache)
    dtype = np.dtype(given.dtype or file.embeddings.dtype.newbyteorder("="))
    if writing.is_there(
        *(target, given.overwrite, file.identity, dtype), lambda: file.identity.vectors, note
    ):
        return
    model = file.identity.model
    for doubt in doubts(model.logit_scale, model.logit_bias, typed=True):
        note(f"{given.source}: {doubt}")
    rows = file.columns["norm"].size
    with progress(f"import {target.stem}", rows, "rows") as advance:
        file.write(target, dtype=given.dtype, advance=advance)
    note(Hint(f"wrote {target}: {rows:,} rows, exactly as exported"))


def _import_images(given: Import, form: str, arrays: Mapping[str, Array], watch: Watch) -> None:
    assert given.dataset is not None
    to = _destination(given, given.dataset, form, watch.note)
    vectors = foreign.pick(given.source, arrays)
    foreign.check_vectors(vectors, 2)
    for line in reading.remarks(given, arrays):
        watch.note(line)
    count = vectors.shape[0]
    labels = reading.labels(given, arrays, count)
    rows = ImageRows(reading.paths(given, count), labels.label, labels.names)
    writing.add_images(to, vectors, rows, watch)


def _import_texts(given: Import, form: str, arrays: Mapping[str, Array], note: Note) -> None:
    name, vocabulary = reading.vocabulary(given)
    to = _destination(given, name, form, note)
    vectors = foreign.pick(given.source, arrays)
    for line in reading.remarks(given, arrays):
        note(line)
    writing.add_texts(to, vectors, vocabulary, note)


def _destination(given: Import, name: str, form: str, note: Note) -> Destination:
    return Destination(
        *(given.cache, _claim(given, note), name, str(given.source), form),
        dtype=given.dtype,
        overwrite=given.overwrite,
    )


def _claim(given: Import, note: Note) -> Claim:
    if given.like is not None:
        return of_file(given.like)
    if given.model is None:
        raise InputError(
            f"{given.source}: give --model NAME, the model that made it, or --like FILE, a cached "
            "file of that model"
        )
    for doubt in doubts(given.logit_scale, given.logit_bias, typed=True):
        note(f"{doubt}; if so, import again with the right one and --overwrite")
    return Claim(given.model, given.weights, given.logit_scale, given.logit_bias)
