"""One file of text embeddings, or a shard of one: a model's unit vectors for one vocabulary.

Row t·K + k is class k of K under template t.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from oodcache.cache import rules, structure
from oodcache.cache.container import (
    check_identity,
    created,
    encoded,
    opened,
    renormalised,
    write_column,
    write_head,
    write_sum,
)
from oodcache.cache.identity import Identity
from oodcache.cache.shards import Place
from oodcache.cache.structure import Structure

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Vocabulary:
    """Classes by their place: names may repeat (ImageNet's do), ids never.

    `ids` are the source's own (WordNet ids, folder names), or all empty where there are none.
    A template is stored as it was typed; the class name stands where {} is.
    """

    names: tuple[str, ...]
    ids: tuple[str, ...]
    templates: tuple[str, ...]


@dataclass(frozen=True)
class TextFile:
    """A valid file of text embeddings, in memory: `embeddings` float32 (T, K, D), unit rows."""

    path: Path
    identity: Identity
    vocabulary: Vocabulary
    embeddings: Vectors


@dataclass(frozen=True)
class StoredTexts:
    """All of a valid file: `embeddings` (T, K, D) as they are stored, `norm` float32 (T, K)."""

    identity: Identity
    vocabulary: Vocabulary
    embeddings: npt.NDArray[np.floating[Any]]
    norm: npt.NDArray[np.float32]


@dataclass(frozen=True)
class TextShard:
    """A valid shard of text embeddings, in memory: `embeddings` (n, D) as stored, `norm` (n,)."""

    path: Path
    identity: Identity
    vocabulary: Vocabulary
    embeddings: npt.NDArray[np.floating[Any]]
    norm: npt.NDArray[np.float32]
    place: Place


def open_texts(path: Path) -> TextFile:
    """Return the file at `path`, checked; raise RuleError, naming the rule, if it is not valid."""
    found, vocabulary, stored = _read(path, "texts")
    return TextFile(path, found.identity, vocabulary, renormalised(stored))


def read_texts(path: Path) -> StoredTexts:
    """Return all of the file at `path`, checked as `open_texts` does."""
    found, vocabulary, stored = _read(path, "texts")
    return StoredTexts(found.identity, vocabulary, stored, found.columns["norm"])


def open_text_shard(path: Path) -> TextShard:
    """Return the shard at `path`, checked as `open_texts` does."""
    found, vocabulary, stored = _read(path, "text-shard")
    assert found.place is not None
    return TextShard(path, found.identity, vocabulary, stored, found.columns["norm"], found.place)


def write_texts(
    path: Path,
    embeddings: Sequence[Vectors] | npt.NDArray[np.floating[Any]],
    norm: npt.NDArray[np.float32],
    *,
    vocabulary: Vocabulary,
    identity: Identity,
    dtype: npt.DTypeLike = np.float32,
) -> TextFile:
    """Write unit vectors, one (K, D) array a template, as the file at `path`; return it opened.

    `norm` is float32 (T, K): each vector's length before it was normalised.
    """
    stored = np.ascontiguousarray(embeddings, dtype)
    _write(path, stored, norm, vocabulary, identity, None)
    return open_texts(path)


def write_text_shard(
    path: Path,
    embeddings: npt.NDArray[np.floating[Any]],
    norm: npt.NDArray[np.float32],
    *,
    vocabulary: Vocabulary,
    identity: Identity,
    dtype: npt.DTypeLike,
    place: Place,
) -> None:
    """Write the unit vectors (n, D) of some rows of a vocabulary as the shard at `path`."""
    _write(path, np.ascontiguousarray(embeddings, dtype), norm, vocabulary, identity, place)


def _read(path: Path, kind: str) -> tuple[Structure, Vocabulary, npt.NDArray[np.floating[Any]]]:
    with opened(path) as file:
        found = structure.check(file, path, kind)
        stored = found.datasets["embeddings"][:]
        names, ids, templates = (
            rules.check_names(path, column, found.columns[column])
            for column in ("class_names", "class_ids", "templates")
        )
    vocabulary = Vocabulary(names, ids, templates)
    _check(path, vocabulary)
    _check_rows(path, stored)
    return found, vocabulary, stored


def _write(
    path: Path,
    stored: npt.NDArray[np.floating[Any]],
    norm: npt.NDArray[np.float32],
    vocabulary: Vocabulary,
    identity: Identity,
    place: Place | None,
) -> None:
    _check(path, vocabulary)
    _check_rows(path, stored)
    check_identity(path, identity)
    kind, digest = "texts" if place is None else "text-shard", hashlib.sha256(stored.data)
    with created(path) as write:
        write(_write_columns, stored, norm, vocabulary)
        write(write_head, kind, identity, digest.hexdigest(), place)


def _check(path: Path, vocabulary: Vocabulary) -> None:
    rules.check_texts(path, "class_names", vocabulary.names)
    rules.check_texts(path, "class_ids", vocabulary.ids)
    rules.check_texts(path, "templates", vocabulary.templates)
    rules.check_vocabulary(path, vocabulary.ids, vocabulary.templates)


def _check_rows(path: Path, stored: npt.NDArray[Any]) -> None:
    rows = stored.reshape(-1, stored.shape[-1])
    rules.check_rows(path, 0, rows, np.ones(len(rows), bool))


def _write_columns(
    file: h5py.File,
    stored: npt.NDArray[Any],
    norm: npt.NDArray[np.float32],
    vocabulary: Vocabulary,
) -> None:
    file["embeddings"] = stored
    columns = {
        "norm": np.asarray(norm, np.float32),
        "class_names": encoded(vocabulary.names),
        "class_ids": encoded(vocabulary.ids),
        "templates": encoded(vocabulary.templates),
    }
    for name, column in columns.items():
        write_column(file, name, column)
    write_sum(file, *columns.values())
