"""The output of an import: vectors of images or texts, written as a file of the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.exchange import arrays as foreign
from oodcache.cache.exchange import imported
from oodcache.cache.exchange.arrays import Array
from oodcache.cache.exchange.imported import Claim
from oodcache.cache.files import alike
from oodcache.cache.files.images import ImageBatch, ImageRows, write_images
from oodcache.cache.files.texts import Vocabulary, open_text_rows, write_texts
from oodcache.cache.format.identity import Identity, ModelIdentity
from oodcache.cache.shards.summary import summarise
from oodcache.cache.text import counted
from oodcache.cache.watch import Hint, Note, Watch
from oodcache.extract.texts import vocabularies

Lengths = list[npt.NDArray[np.float32]]  # Of the rows that were normalised.
ROUNDED = 1e-3  # Lengths this near to 1 are unit vectors of another program, in 16 bits.


@dataclass(frozen=True)
class Destination:
    """Where vectors go: the dataset or vocabulary `name` of the model that `claim` describes.

    `origin` is their name in messages, `form` the kind of file that they come from. `dtype` is the
    storage type, float32 if None.
    """

    cache: Path
    claim: Claim
    name: str
    origin: str
    form: str
    dtype: str | None = None
    overwrite: bool = False

    @property
    def stored(self) -> np.dtype[Any]:
        """Return the storage type."""
        return np.dtype(self.dtype or np.float32)


def add_images(to: Destination, vectors: Array, rows: ImageRows, watch: Watch) -> Path:
    """Write the vectors of images, float (N, D), and return the file; it may be there already."""
    target = names.image_path(to.cache, to.claim.label, names.check_name(to.name, "dataset"))
    foreign.check_vectors(vectors, 2)
    _check_dimension(to, target, vectors)
    lengths: Lengths = []
    model = to.claim.identity(to.cache, target)
    identity = _identity(to, model, _fingerprint(rows), vectors)
    if is_there(target, to.overwrite, identity, to.stored, _later_sum(vectors, to), watch.note):
        return target
    with watch.progress(f"import {to.name}", vectors.shape[0], "rows") as advance:
        written = write_images(
            target,
            _batches(vectors, lengths, advance),
            rows=rows,
            identity=identity,
            dtype=to.stored,
        )
    _note_normalised(to, vectors.shape[0], lengths, watch.note)
    failed = int(np.count_nonzero(~written.ok))
    bad = f"; {failed:,} are not ok: see oodcache cache info {target}" if failed else ""
    line = f"wrote {target}: {vectors.shape[0]:,} images x {written.dimension}{bad}"
    watch.note(line if failed else Hint(line))
    return target


def add_texts(to: Destination, vectors: Array, vocabulary: Vocabulary, note: Note) -> Path:
    """Write the vectors of texts, float (T, K, D) or (K, D) for one template; return the file."""
    target = names.text_path(to.cache, to.claim.label, names.check_name(to.name, "vocabulary"))
    foreign.check_vectors(vectors, 2, 3)
    shape = (len(vocabulary.templates), len(vocabulary.names), vectors.shape[-1])
    unit = _unit_texts(vectors, vocabulary, shape)
    _check_dimension(to, target, vectors)
    model = to.claim.identity(to.cache, target)
    if model.logit_scale is None:
        raise InputError(f"{target}: texts need the model's scale: {_scale_of(to.claim)}")
    identity = _identity(to, model, vocabularies.fingerprint(vocabulary), vectors)
    if is_there(target, to.overwrite, identity, to.stored, _later_sum(vectors, to), note):
        return target
    write_texts(
        target,
        unit.vectors.reshape(shape),
        unit.norm.reshape(shape[:2]),
        vocabulary=vocabulary,
        identity=identity,
        dtype=to.stored,
    )
    _note_normalised(to, len(unit.norm), [unit.norm[unit.changed]], note)
    templates = counted(shape[0], "template")
    note(Hint(f"wrote {target}: {counted(shape[1], 'class')}, {templates}"))
    if same := alike.within(open_text_rows(target)):
        note(f"{to.name}: {same}")
    return target


def is_there(
    target: Path,
    overwrite: bool,
    identity: Identity,
    dtype: np.dtype[Any],
    vectors: Callable[[], str],
    note: Note,
) -> bool:
    """Return whether the same import wrote `target` before; reject another file there.

    `vectors` computes the SHA-256 of the vectors as they would be stored.
    """
    if overwrite or not target.exists():
        return False
    found = summarise(target)
    wanted = replace(identity, versions=found.identity.versions, vectors=found.identity.vectors)
    if (found.identity, found.dtype) != (wanted, dtype) or found.identity.vectors != vectors():
        what = "already exists with other contents"
        raise InputError(f"{target}: {what}; use --overwrite, or another name")
    note(f"{target}: imported already, with the same contents")
    return True


def _check_dimension(to: Destination, target: Path, vectors: Array) -> None:
    if not (to.overwrite and target.exists()):  # All files of a model may be replaced, one by one.
        to.claim.check_dimension(to.cache, target, to.origin, vectors.shape[-1])


def _identity(to: Destination, model: ModelIdentity, fingerprint: str, vectors: Array) -> Identity:
    return imported.identity(
        *(model,),
        name=to.name,
        fingerprint=fingerprint,
        form=to.form,
        stored=str(vectors.dtype),
    )


def _unit_texts(
    vectors: Array, vocabulary: Vocabulary, shape: tuple[int, int, int]
) -> foreign.Unit:
    """Return the rows of texts of a shape, normalised; raise InputError if one cannot be."""
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
    return unit


def _scale_of(claim: Claim) -> str:
    if claim.like is not None:
        return f"no file of {claim.label} has it; give --model, --weights and --logit-scale"
    return "give --logit-scale (100 for OpenAI's CLIP), and --logit-bias if it has one"


def _later_sum(vectors: Array, to: Destination) -> Callable[[], str]:
    """Return a function that computes the SHA-256 of an array's rows as an import stores them."""

    def computed() -> str:
        digest = hashlib.sha256()
        for block in vectors.blocks():
            unit = foreign.unit(block.reshape(-1, block.shape[-1]))
            digest.update(np.ascontiguousarray(unit.vectors, to.stored).data)
        return digest.hexdigest()

    return computed


def _batches(
    vectors: Array, lengths: Lengths, advance: Callable[[int], None]
) -> Iterator[ImageBatch]:
    for block in vectors.blocks():
        unit = foreign.unit(block)
        lengths.append(unit.norm[unit.changed])
        yield ImageBatch(unit.vectors, unit.norm, unit.errors)
        advance(len(block))


def _note_normalised(to: Destination, rows: int, lengths: Lengths, note: Note) -> None:
    """Note how many vectors were not of length 1, and if the folder began with other weights."""
    changed = np.concatenate(lengths)
    if np.any(np.abs(changed - 1) > ROUNDED):
        note(
            f"{to.origin}: normalised {changed.size:,} of {rows:,} rows, with lengths from "
            f"{changed.min():.4g} to {changed.max():.4g}"
        )
    for path, other in islice(to.claim.siblings(to.cache), 1):  # All before it were compared.
        if other.weights != to.claim.weights_label:
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
