"""Additions: vectors in memory, with their labels or names, written as a file of the cache."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import memory, row_names
from oodcache.cache.exchange.arrays import in_memory
from oodcache.cache.exchange.imported import Claim, model_in, of_model
from oodcache.cache.exchange.row_names import Labels
from oodcache.cache.files.images import ImageRows
from oodcache.cache.files.texts import Vocabulary
from oodcache.cache.format.identity import ModelIdentity
from oodcache.cache.format.logits import doubts
from oodcache.cache.store import store
from oodcache.cache.watch import Note, Watch
from oodcache.extract.imports import reading, writing
from oodcache.extract.imports.writing import Destination

FORM = "array"  # The format that the file names as its source.


@dataclass(frozen=True)
class Addition:
    """A file to be added below `cache`: dataset or vocabulary `name` of a model.

    `model` is one of the cache, as in `find_model`; its weights, scale and bias are taken. One that
    is not there is described by `weights`, `logit_scale` and `logit_bias`, as in an import.
    """

    cache: Path
    model: str
    name: str
    weights: str | None = None
    logit_scale: float | None = None
    logit_bias: float | None = None
    dtype: str | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in (None, "float32", "float16"):
            raise InputError(f"dtype is {self.dtype!r}; give float32 or float16")

    def images(self, vectors: Any, labels: Any, label_names: Any, paths: Any, watch: Watch) -> Path:
        """Write vectors (N, D) of images and return the file; `labels` and `paths` may be None."""
        found = in_memory("vectors", memory.array(vectors, "vectors"))
        count = found.shape[0] if found.shape else 0
        named = _labels(labels, label_names, count)
        rows = ImageRows(_paths(paths, count), named.label, named.names)
        return writing.add_images(self._destination(watch.note), found, rows, watch)

    def texts(
        self, vectors: Any, names: Any, ids: Any, templates: str | Sequence[str], note: Note
    ) -> Path:
        """Write vectors (T, K, D) of texts, or (K, D) for one template, and return the file."""
        several = (templates,) if isinstance(templates, str) else _texts(templates, "template")
        reading.check_templates(several)
        known = _texts(names, "names")
        own = ("",) * len(known) if ids is None else _texts(ids, "ids")
        _check_count("ids", len(own), "names", len(known))
        found = in_memory("vectors", memory.array(vectors, "vectors"))
        if len(found.shape) in (2, 3) and found.shape[-2] != len(known):
            raise InputError(
                f"names: has {len(known):,} names, but vectors {found.shape} are of "
                f"{found.shape[-2]:,} classes; give one name for each"
            )
        vocabulary = Vocabulary(known, own, several)
        return writing.add_texts(self._destination(note), found, vocabulary, note)

    def _destination(self, note: Note) -> Destination:
        return Destination(
            *(self.cache, self._claim(note), self.name, "vectors", FORM),
            dtype=self.dtype,
            overwrite=self.overwrite,
        )

    def _claim(self, note: Note) -> Claim:
        for doubt in doubts(self.logit_scale, self.logit_bias, typed=True):
            note(f"{doubt}; if so, add it again with the right one and --overwrite")
        described = Claim(self.model, self.weights, self.logit_scale, self.logit_bias)
        if self.weights is not None:
            return described
        there = store.known(self.cache)
        if store.find_models(there, self.model, part=True):
            label = store.find_model(self.cache, self.model)
            return of_model(self._scaled(model_in(self.cache, label)))
        if self.logit_scale is not None:
            return described
        labels = ", ".join(sorted({one.label for one in there})) or "none"
        raise InputError(
            f"{self.cache}: no embeddings of model {self.model!r} (there are: {labels}); to add a "
            "new model, give --weights, any name of its weights"
        )

    def _scaled(self, model: ModelIdentity) -> ModelIdentity:
        """Return a model of the cache with the scale and the bias that it may lack."""
        if model.logit_scale is None:
            return replace(model, logit_scale=self.logit_scale, logit_bias=self.logit_bias)
        for name, value in (("scale", self.logit_scale), ("bias", self.logit_bias)):
            if value not in (None, known := getattr(model, f"logit_{name}")):
                raise InputError(
                    f"--logit-{name} {value} contradicts {model.label} in the cache, which has "
                    f"{known}; omit it, or give --weights for another model"
                )
        return model


def _labels(given: Any, label_names: Any, count: int) -> Labels:
    """Return each row's label, from numbers or names, or -1 for all if `given` is None."""
    names = None if label_names is None else _texts(label_names, "label_names")
    if given is None:
        if names is not None:
            raise InputError("label_names: there are no labels to name: give labels")
        return Labels(np.full(count, -1), ())
    listed = given if memory.is_array(given) else list(given)
    if _are_texts(listed):
        found = _named(listed, names)
    else:
        found = row_names.numbered("labels", memory.array(listed, "labels"), names)
    _check_count("labels", len(found.label), "vectors", count)
    return found


def _are_texts(given: Any) -> bool:
    if isinstance(given, list):
        return any(one is None or isinstance(one, str) for one in given)
    return not memory.is_tensor(given) and np.asarray(given).dtype.kind in "OU"


def _named(given: Any, names: tuple[str, ...] | None) -> Labels:
    texts = given if isinstance(given, list) else np.asarray(given).tolist()
    if hasattr(given, "isna"):  # A column of pandas has NaN for None.
        texts = [None if is_gap else one for one, is_gap in zip(texts, given.isna(), strict=True)]
    for row, text in enumerate(texts):
        if text is not None and not isinstance(text, str):
            raise InputError(f"labels: row {row} is {text!r}; give names, and None for no label")
    if names is None and (mark := row_names.missing_among_numbers({*texts} - {None, ""})):
        what = f"{mark!r} is not a number; give None for no label"
        raise InputError(f"labels: row {texts.index(mark)}: {what}")
    return row_names.named("labels", texts, names)


def _paths(given: Any, count: int) -> list[bytes]:
    if given is None:
        return row_names.generated(count)
    if isinstance(given, (str, bytes)):
        raise InputError("paths: is one path; give a list with a path for each row")
    try:
        paths = [os.fsencode(one) for one in given]
    except TypeError as error:
        raise InputError(f"paths: {error}") from None
    _check_count("paths", len(paths), "vectors", count)
    return row_names.relative("paths", paths, first=0)


def _texts(given: Any, name: str) -> tuple[str, ...]:
    if isinstance(given, str):
        raise InputError(f"{name}: is one text; give a list")
    texts = tuple(given)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"{name}: row {row} is {text!r}; give texts")
    return tuple(str(text) for text in texts)  # NumPy's are a subclass.


def _check_count(name: str, found: int, other: str, wanted: int) -> None:
    if found != wanted:
        raise InputError(f"{name}: has {found:,} rows, but {other} has {wanted:,}")
