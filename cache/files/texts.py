"""A file of text embeddings, or a shard of one: a model's unit vectors for one vocabulary.

Row t·K + k is class k of K under template t. A long vocabulary is opened as rows that stay on
disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.format import rules, structure
from oodcache.cache.format.block_sums import check_sha256
from oodcache.cache.format.container import (
    check_identity,
    created,
    encoded,
    opened,
    renormalised,
    write_column,
    write_head,
    write_sum,
)
from oodcache.cache.format.identity import Identity
from oodcache.cache.format.place import Place
from oodcache.cache.format.structure import Structure

Vectors = npt.NDArray[np.float32]
Stored = npt.NDArray[np.floating[Any]]
BLOCK_ROWS = 8192
REPLACED = "was replaced while it was read: run the command again"


@dataclass(frozen=True)
class Vocabulary:
    """Classes in order: names may repeat (ImageNet's do), ids may not.

    `ids` are the source's own (WordNet ids, folder names), or all empty. Templates are as typed,
    with {} in place of the class name.
    """

    names: tuple[str, ...]
    ids: tuple[str, ...]
    templates: tuple[str, ...]


@dataclass(frozen=True)
class TextFile:
    """A valid file of text embeddings in memory, or a shard of one.

    `stored` has unit rows (T, K, D) as in the file, `norm` float32 (T, K) their lengths before
    they were normalised; of a shard, which has a `place`, they are (n, D) and (n,). `shards` is
    empty unless it is a set of shards read as one file: then it has the SHA-256 of each one's
    vectors.
    """

    path: Path
    identity: Identity
    vocabulary: Vocabulary
    stored: npt.NDArray[np.floating[Any]]
    norm: npt.NDArray[np.float32]
    place: Place | None = None
    shards: tuple[str, ...] = ()

    @cached_property
    def embeddings(self) -> Vectors:
        """Return the rows in float32, of unit length again where they are stored as float16."""
        return renormalised(self.stored)


@dataclass(frozen=True)
class TextRows:
    """A valid file of text embeddings: the vocabulary in memory, the vectors on disk.

    K classes and `dimension` D; `template` is an index into the vocabulary's. Vectors are checked
    by their SHA-256 when the file is opened, and by their norm as they are read; those of float16
    files are renormalised in float32. `shards` is as in `TextFile`. `places` are those of the
    templates in the file if they are only some of its own.
    """

    path: Path
    identity: Identity
    vocabulary: Vocabulary
    dimension: int
    shards: tuple[str, ...] = ()
    places: tuple[int, ...] = ()

    def under(self, templates: Sequence[str]) -> TextRows:
        """Return the same classes under only some of the templates."""
        there = {template: self._place(at) for at, template in enumerate(self.vocabulary.templates)}
        vocabulary = replace(self.vocabulary, templates=tuple(templates))
        return replace(
            self, vocabulary=vocabulary, places=tuple(there[template] for template in templates)
        )

    @property
    def rows(self) -> int:
        """Return the number of rows: templates times classes."""
        return len(self.vocabulary.templates) * len(self.vocabulary.names)

    def blocks(self, rows: int = BLOCK_ROWS, *, template: int = 0) -> Iterator[tuple[int, Vectors]]:
        """Yield (first class, the vectors from it on, float32 (at most `rows`, D))."""
        for first, block in self._blocks(
            range(0, len(self.vocabulary.names), rows), rows, template
        ):
            yield first, renormalised(block)

    def take(self, places: npt.NDArray[np.integer[Any]], *, template: int = 0) -> Vectors:
        """Return the vectors of these classes, in this order, float32 (m, D)."""
        taken = np.empty((len(places), self.dimension), np.float32)
        firsts = np.unique(places // BLOCK_ROWS) * BLOCK_ROWS
        for first, block in self._blocks(firsts.tolist(), BLOCK_ROWS, template):
            here = np.flatnonzero((places >= first) & (places < first + len(block)))
            taken[here] = renormalised(block[places[here] - first])
        return taken

    def stored_blocks(self, rows: int = BLOCK_ROWS) -> Iterator[Stored]:
        """Yield all rows in order, exactly as stored."""
        for template in range(len(self.vocabulary.templates)):
            yield from self.stored_under(template, rows)

    def stored_under(self, template: int, rows: int = BLOCK_ROWS) -> Iterator[Stored]:
        """Yield the rows of one template in order, exactly as stored."""
        firsts = range(0, len(self.vocabulary.names), rows)
        for _, block in self._blocks(firsts, rows, template):
            yield block

    def _blocks(
        self, firsts: Sequence[int], rows: int, template: int
    ) -> Iterator[tuple[int, Stored]]:
        count = len(self.vocabulary.names)
        with self._reading() as read:
            for first in firsts:
                yield first, read(self._place(template) * count + first, min(rows, count - first))

    def _place(self, template: int) -> int:
        return self.places[template] if self.places else template

    @contextmanager
    def _reading(self) -> Iterator[Callable[[int, int], Stored]]:
        """Yield a function (row, count) that reads rows of one template as stored and checks F5."""
        with opened(self.path) as file:
            found = structure.check(file, self.path, "texts")
            if found.identity != self.identity:
                raise InputError(f"{self.path}: {REPLACED}")
            stored = found.datasets["embeddings"]

            def read(row: int, count: int) -> Stored:
                template, first = divmod(row, len(self.vocabulary.names))
                block = np.empty((count, self.dimension), stored.dtype)
                stored.read_direct(block, np.s_[template, first : first + count])
                rules.check_rows(self.path, row, block, np.ones(count, bool))
                return block

            yield read


def open_texts(path: Path) -> TextFile:
    """Return the file at `path`; raise RuleError, naming the rule, if it is not valid."""
    return _read(path, "texts")


def open_text_rows(path: Path) -> TextRows:
    """Return the file at `path`; the norms of its vectors are checked when they are read."""
    with opened(path) as file:
        found = structure.check(file, path, "texts")
        check_sha256(path, found.datasets["embeddings"], found.identity.vectors)
        return _rows(path, found)


def open_unread_rows(path: Path) -> TextRows:
    """Return what `open_text_rows` does, without a SHA-256: for whoever computes it."""
    with opened(path) as file:
        return _rows(path, structure.check(file, path, "texts"))


def open_vocabulary(path: Path) -> Vocabulary:
    """Return the vocabulary of the file or shard at `path`; its vectors are not read."""
    with opened(path) as file:
        return _vocabulary(path, structure.check(file, path, "texts", "text-shard"))


def open_text_shard(path: Path) -> TextFile:
    """Return the shard at `path`, checked as `open_texts` does."""
    return _read(path, "text-shard")


def write_texts(
    path: Path,
    embeddings: Sequence[Vectors] | npt.NDArray[np.floating[Any]],
    norm: npt.NDArray[np.float32],
    *,
    vocabulary: Vocabulary,
    identity: Identity,
    dtype: npt.DTypeLike = np.float32,
) -> TextFile:
    """Write unit vectors, one (K, D) array per template, as the file at `path`; return it opened.

    `norm` is float32 (T, K): each vector's length before it was normalised.
    """
    stored = np.ascontiguousarray(embeddings, dtype)
    store_texts(path, stored, norm, vocabulary=vocabulary, identity=identity)
    return open_texts(path)


def store_texts(
    path: Path,
    stored: npt.NDArray[np.floating[Any]],
    norm: npt.NDArray[np.float32],
    *,
    vocabulary: Vocabulary,
    identity: Identity,
    place: Place | None = None,
) -> None:
    """Write contiguous unit vectors in their own type as the file at `path`.

    They are (T, K, D), or (n, D) with the `place` of a shard.
    """
    _check(path, vocabulary)
    _check_rows(path, stored)
    check_identity(path, identity)
    kind, digest = "texts" if place is None else "text-shard", hashlib.sha256(stored.data)
    with created(path) as write:
        write(_write_columns, stored, norm, vocabulary)
        write(write_head, kind, identity, digest.hexdigest(), place)


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
    stored = np.ascontiguousarray(embeddings, dtype)
    store_texts(path, stored, norm, vocabulary=vocabulary, identity=identity, place=place)


def _read(path: Path, kind: str) -> TextFile:
    with opened(path) as file:
        found = structure.check(file, path, kind)
        stored = found.datasets["embeddings"][:]
        vocabulary = _vocabulary(path, found)
    _check_rows(path, stored)
    rules.check_vectors(path, hashlib.sha256(stored.data).hexdigest(), found.identity.vectors)
    return TextFile(path, found.identity, vocabulary, stored, found.columns["norm"], found.place)


def _rows(path: Path, found: Structure) -> TextRows:
    dimension = found.datasets["embeddings"].shape[-1]
    return TextRows(path, found.identity, _vocabulary(path, found), dimension)


def _vocabulary(path: Path, found: Structure) -> Vocabulary:
    names, ids, templates = (
        rules.check_names(path, column, found.columns[column])
        for column in ("class_names", "class_ids", "templates")
    )
    vocabulary = Vocabulary(names, ids, templates)
    _check(path, vocabulary)
    return vocabulary


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
