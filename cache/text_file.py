"""One file of text embeddings: a model's unit vectors for one vocabulary under each template."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from oodcache.cache import rules
from oodcache.cache.container import (
    check_identity,
    created,
    encoded,
    opened,
    renormalised,
    write_column,
    write_head,
)
from oodcache.cache.identity import Identity

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


def open_texts(path: Path) -> TextFile:
    """Return the file at `path`, checked; raise RuleError, naming the rule, if it is not valid."""
    with opened(path) as file:
        identity = rules.check(file, path, "texts")
        stored = file["embeddings"][:]
        names, ids, templates = (
            rules.check_names(path, column, file[column][:])
            for column in ("class_names", "class_ids", "templates")
        )
    vocabulary = Vocabulary(names, ids, templates)
    _check(path, vocabulary)
    _check_rows(path, stored)
    return TextFile(path, identity, vocabulary, renormalised(stored))


def write_texts(
    path: Path,
    embeddings: Sequence[Vectors],
    norm: npt.NDArray[np.float32],
    *,
    vocabulary: Vocabulary,
    identity: Identity,
) -> TextFile:
    """Write unit vectors, one (K, D) array a template, as the file at `path`; return it opened.

    `norm` is float32 (T, K): each vector's length before it was normalised.
    """
    stored = np.ascontiguousarray(embeddings, np.float32)
    _check(path, vocabulary)
    _check_rows(path, stored)
    check_identity(path, identity)
    with created(path) as write:
        write(_write_columns, stored, norm, vocabulary)
        write(write_head, "texts", identity, hashlib.sha256(stored.data).hexdigest())
    return open_texts(path)


def _check(path: Path, vocabulary: Vocabulary) -> None:
    rules.check_texts(path, "class_names", vocabulary.names)
    rules.check_texts(path, "class_ids", vocabulary.ids)
    rules.check_texts(path, "templates", vocabulary.templates)
    rules.check_vocabulary(path, vocabulary.ids, vocabulary.templates)


def _check_rows(path: Path, stored: npt.NDArray[Any]) -> None:
    rows = stored.reshape(-1, stored.shape[-1])
    rules.check_rows(path, 0, rows, np.ones(len(rows), bool))


def _write_columns(
    file: h5py.File, stored: Vectors, norm: npt.NDArray[np.float32], vocabulary: Vocabulary
) -> None:
    file["embeddings"] = stored
    write_column(file, "norm", np.asarray(norm, np.float32))
    write_column(file, "class_names", encoded(vocabulary.names))
    write_column(file, "class_ids", encoded(vocabulary.ids))
    write_column(file, "templates", encoded(vocabulary.templates))
