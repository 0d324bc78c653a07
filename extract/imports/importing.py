"""Import of other tools' embeddings into the cache, and export of cached ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.exchange import arrays as foreign
from oodcache.cache.exchange import export as exporting
from oodcache.cache.exchange import exported, imported
from oodcache.cache.exchange.arrays import Array
from oodcache.cache.exchange.imported import Claim
from oodcache.cache.files import alike
from oodcache.cache.files.images import ImageBatch, ImageFile, ImageRows, open_images, write_images
from oodcache.cache.files.texts import TextFile, open_text_rows, open_texts, write_texts
from oodcache.cache.format.identity import Identity
from oodcache.cache.format.logits import doubts
from oodcache.cache.shards import shard_set
from oodcache.cache.shards.summary import summarise
from oodcache.cache.store import store
from oodcache.cache.store.verification import kind_of
from oodcache.cache.text import counted
from oodcache.cache.watch import Hint, Note, Progress
from oodcache.extract.imports import reading
from oodcache.extract.imports.reading import Import
from oodcache.extract.texts import vocabularies

Lengths = list[npt.NDArray[np.float32]]  # Of the rows that were normalised.


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
        _import_images(given, form, arrays, note, progress)
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
    if _is_there(target, given, file.identity, dtype, lambda: file.identity.vectors, note):
        return
    model = file.identity.model
    for doubt in doubts(model.logit_scale, model.logit_bias, typed=True):
        note(f"{given.source}: {doubt}")
    rows = file.columns["norm"].size
    with progress(f"import {target.stem}", rows, "rows") as advance:
        file.write(target, dtype=given.dtype, advance=advance)
    note(Hint(f"wrote {target}: {rows:,} rows, exactly as exported"))


def _import_images(
    given: Import, form: str, arrays: Mapping[str, Array], note: Note, progress: Progress
) -> None:
    assert given.dataset is not None
    claim, name = _claim(given, note), names.check_name(given.dataset, "dataset")
    target = names.image_path(given.cache, claim.label, name)
    vectors = foreign.pick(given.source, arrays)
    foreign.check_vectors(vectors, 2)
    for line in reading.remarks(given, arrays):
        note(line)
    count = vectors.shape[0]
    labels = reading.labels(given, arrays, count)
    rows = ImageRows(reading.paths(given, count), labels.label, labels.names)
    lengths: Lengths = []
    identity = imported.identity(
        claim.identity(given.cache, target),
        name=name,
        fingerprint=_fingerprint(rows),
        form=form,
        stored=str(vectors.dtype),
    )
    dtype = np.dtype(given.dtype or np.float32)
    if _is_there(target, given, identity, dtype, lambda: _sum(vectors, dtype), note):
        return
    with progress(f"import {name}", count, "rows") as advance:
        written = write_images(
            target,
            _batches(vectors, lengths, advance),
            rows=rows,
            identity=identity,
            dtype=dtype,
        )
    _note_normalised(given, claim, count, lengths, note)
    failed = int(np.count_nonzero(~written.ok))
    bad = f"; {failed:,} are not ok: see oodcache cache info {target}" if failed else ""
    line = f"wrote {target}: {count:,} images x {written.dimension}{bad}"
    note(line if failed else Hint(line))


def _import_texts(given: Import, form: str, arrays: Mapping[str, Array], note: Note) -> None:
    name, vocabulary = reading.vocabulary(given)
    claim = _claim(given, note)
    target = names.text_path(given.cache, claim.label, name)
    vectors = foreign.pick(given.source, arrays)
    foreign.check_vectors(vectors, 2, 3)
    for line in reading.remarks(given, arrays):
        note(line)
    shape = (len(vocabulary.templates), len(vocabulary.names), vectors.shape[-1])
    if vectors.shape not in (shape, shape[shape[0] == 1 :]):
        raise InputError(
            f"{vectors.origin}: has shape {vectors.shape}, expected {shape}: templates, classes, "
            "numbers"
        )
    unit = foreign.unit(vectors.whole().reshape(-1, shape[-1]))
    for row, reason in unit.errors.items():
        template, place = divmod(row, shape[1])
        raise InputError(
            f"{vectors.origin}: the vector of {vocabulary.names[place]!r} under "
            f"{vocabulary.templates[template]!r} (row {row}) {reason}"
        )
    model = claim.identity(given.cache, target)
    if model.logit_scale is None:
        raise InputError(
            f"{target}: texts need the model's scale: give --logit-scale (100 for OpenAI's CLIP), "
            "and --logit-bias if it has one"
        )
    identity = imported.identity(
        model,
        name=name,
        fingerprint=vocabularies.fingerprint(vocabulary),
        form=form,
        stored=str(vectors.dtype),
    )
    dtype = np.dtype(given.dtype or np.float32)
    if _is_there(target, given, identity, dtype, lambda: _sum(vectors, dtype), note):
        return
    write_texts(
        target,
        unit.vectors.reshape(shape),
        unit.norm.reshape(shape[:2]),
        vocabulary=vocabulary,
        identity=identity,
        dtype=dtype,
    )
    _note_normalised(given, claim, len(unit.norm), [unit.norm[unit.changed]], note)
    templates = counted(shape[0], "template")
    note(Hint(f"wrote {target}: {counted(shape[1], 'class')}, {templates}"))
    if same := alike.within(open_text_rows(target)):
        note(f"{name}: {same}")


def _claim(given: Import, note: Note) -> Claim:
    if given.model is None:
        raise InputError(f"{given.source}: give --model NAME, the model that made it")
    for doubt in doubts(given.logit_scale, given.logit_bias, typed=True):
        note(f"{doubt}; if so, import again with the right one and --overwrite")
    return Claim(given.model, given.weights, given.logit_scale, given.logit_bias)


def _is_there(
    target: Path,
    given: Import,
    identity: Identity,
    dtype: np.dtype[Any],
    vectors: Callable[[], str],
    note: Note,
) -> bool:
    """Return whether the same import wrote `target` before; reject another file there.

    `vectors` computes the SHA-256 of the vectors as they would be stored.
    """
    if given.overwrite or not target.exists():
        return False
    found = summarise(target)
    wanted = replace(identity, versions=found.identity.versions, vectors=found.identity.vectors)
    if (found.identity, found.dtype) != (wanted, dtype) or found.identity.vectors != vectors():
        raise InputError(f"{target}: already exists; use --overwrite, or other names")
    note(f"{target}: imported already, with the same contents")
    return True


def _sum(vectors: Array, dtype: np.dtype[Any]) -> str:
    """Return the SHA-256 of an array's rows as an import stores them."""
    digest = hashlib.sha256()
    for block in vectors.blocks():
        unit = foreign.unit(block.reshape(-1, block.shape[-1]))
        digest.update(np.ascontiguousarray(unit.vectors, dtype).data)
    return digest.hexdigest()


def _batches(
    vectors: Array, lengths: Lengths, advance: Callable[[int], None]
) -> Iterator[ImageBatch]:
    for block in vectors.blocks():
        unit = foreign.unit(block)
        lengths.append(unit.norm[unit.changed])
        yield ImageBatch(unit.vectors, unit.norm, unit.errors)
        advance(len(block))


def _note_normalised(given: Import, claim: Claim, rows: int, lengths: Lengths, note: Note) -> None:
    """Note how many vectors were normalised, and if the model's folder began with other weights."""
    changed = np.concatenate(lengths)
    if changed.size:
        note(
            f"{given.source}: normalised {changed.size:,} of {rows:,} rows, with lengths from "
            f"{changed.min():.4g} to {changed.max():.4g}"
        )
    for path, other in islice(claim.siblings(given.cache), 1):  # All before it were compared.
        if other.weights != claim.weights_label:
            note(
                f"{path}: has other weights, {other.weights}, which are never scored together; if "
                "they are the same model's, import with those --weights"
            )


def _fingerprint(rows: ImageRows) -> str:
    """Return a SHA-256 over every path and label name, in order."""
    digest = hashlib.sha256()
    names_of = (*rows.label_names, "")  # -1 counts from the end.
    for path, label in zip(rows.paths, rows.labels.tolist(), strict=True):
        digest.update(path + b"\0" + names_of[label].encode() + b"\0")
    return digest.hexdigest()
