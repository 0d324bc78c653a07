"""One file of image embeddings: a model's unit vectors for every image of one data set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from oodcache.cache import rules
from oodcache.cache.container import (
    Writer,
    check_identity,
    created,
    encoded,
    opened,
    renormalised,
    write_column,
    write_head,
)
from oodcache.cache.errors import InputError
from oodcache.cache.identity import Identity

Vectors = npt.NDArray[np.float32]
REASON_LIMIT = 500


@dataclass(frozen=True)
class ImageRows:
    """What is known of N images before any is encoded: row i of the file is image i."""

    paths: Sequence[bytes]
    labels: npt.NDArray[np.int64]
    label_names: Sequence[str]


@dataclass(frozen=True)
class ImageBatch:
    """Some consecutive images, encoded: `vectors` (n, D) unit rows, `norm` (n,) before that.

    `errors` gives the reason for each row, by its place in the batch, that could not be decoded;
    such a row is all zeros.
    """

    vectors: Vectors
    norm: npt.NDArray[np.float32]
    errors: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ImageFile:
    """A valid file of image embeddings, opened: small columns in memory, vectors on disk.

    `ok` is bool (N,): which images could be decoded. `label` is int64 (N,): an index into
    `label_names`, the source's own folder names, or -1.
    """

    path: Path
    identity: Identity
    rows: int
    dimension: int
    dtype: np.dtype[Any]
    ok: npt.NDArray[np.bool_]
    label: npt.NDArray[np.int64]
    label_names: tuple[str, ...]

    def blocks(self, rows: int = 8192) -> Iterator[Vectors]:
        """Yield the unit vectors in order, float32 (at most `rows`, D); rows not ok are zeros.

        float16 files are renormalised in float32. Every block is a new array.
        """
        with self._reopened() as file:
            stored = file["embeddings"]
            for first in range(0, self.rows, rows):
                block = np.empty((min(rows, self.rows - first), self.dimension), self.dtype)
                stored.read_direct(block, np.s_[first : first + len(block)])
                rules.check_rows(self.path, first, block, self.ok[first : first + len(block)])
                yield renormalised(block)

    def paths(self) -> list[bytes]:
        """Return each image's path below its data set's root, '/' between folders."""
        with self._reopened() as file:
            paths: list[bytes] = file["path"][:].tolist()
        rules.check_paths(self.path, paths)
        return paths

    def errors(self) -> dict[int, str]:
        """Return the reason for each row that is not ok."""
        with self._reopened() as file:
            reasons = rules.check_names(self.path, "errors", file["errors"][:])
        return dict(zip(np.flatnonzero(~self.ok).tolist(), reasons, strict=True))

    @contextmanager
    def _reopened(self) -> Iterator[h5py.File]:
        """Open the file again; refuse another one that was put in its place since."""
        with opened(self.path) as file:
            if rules.check(file, self.path, "images") != self.identity:
                raise InputError(f"{self.path}: was replaced while it was read: run that again")
            yield file


def open_images(path: Path) -> ImageFile:
    """Return the file at `path`, checked; raise RuleError, naming the rule, if it is not valid."""
    with opened(path) as file:
        identity = rules.check(file, path, "images")
        rows, dimension = file["embeddings"].shape
        return ImageFile(
            path=path,
            identity=identity,
            rows=rows,
            dimension=dimension,
            dtype=file["embeddings"].dtype,
            ok=file["ok"][:],
            label=file["label"][:].astype(np.int64),
            label_names=rules.check_names(path, "label_names", file["label_names"][:]),
        )


def write_images(
    path: Path,
    batches: Iterable[ImageBatch],
    *,
    rows: ImageRows,
    identity: Identity,
    dtype: npt.DTypeLike = np.float32,
) -> ImageFile:
    """Write `batches`, which follow the order of `rows`, as the file at `path`; return it opened.

    The vectors go to disk batch by batch, so memory does not grow with their number. Raises
    InputError, leaving nothing, if no image at all could be decoded or the disk is full; before
    the first batch is asked for, if `rows` breaks a rule.
    """
    _check(path, rows)
    check_identity(path, identity)
    with created(path) as write:
        vectors = _write_vectors(write, batches, rows, np.dtype(dtype), path)
        write(_write_image_columns, rows)
        write(write_head, "images", identity, vectors)
    return open_images(path)


def _check(path: Path, rows: ImageRows) -> None:
    if not rows.paths:
        raise InputError(f"{path}: not written: there are no images")
    rules.check_paths(path, rows.paths)
    rules.check_labels(path, rows.labels, len(rows.label_names))
    rules.check_texts(path, "label_names", rows.label_names)


def _write_vectors(
    write: Writer, batches: Iterable[ImageBatch], rows: ImageRows, dtype: np.dtype[Any], path: Path
) -> str:
    """Write embeddings, norm, ok and errors; return the SHA-256 of the embeddings' bytes."""
    count, done, digest = len(rows.paths), 0, hashlib.sha256()
    norm, errors = np.zeros(count, np.float32), dict[int, str]()
    for batch in batches:
        stored = np.ascontiguousarray(batch.vectors.astype(dtype))
        ok = np.array([place not in batch.errors for place in range(len(stored))])
        rules.check_rows(path, done, stored, ok)
        write(_write_rows, done, stored, count)
        digest.update(stored.data)
        norm[done : done + len(stored)] = batch.norm
        errors.update({done + place: reason for place, reason in batch.errors.items()})
        done += len(stored)
    assert done == count, f"{done} vectors for {count} images"
    if len(errors) == count:
        raise InputError(
            f"{path}: not written: none of {count} images could be decoded, "
            f"the first because: {errors[0]}"
        )
    write(_write_outcomes, norm, errors)
    return digest.hexdigest()


def _write_rows(file: h5py.File, first: int, stored: npt.NDArray[Any], count: int) -> None:
    if first == 0:
        file.create_dataset("embeddings", (count, stored.shape[1]), stored.dtype)
    file["embeddings"].write_direct(stored, dest_sel=np.s_[first : first + len(stored)])


def _write_outcomes(file: h5py.File, norm: npt.NDArray[np.float32], errors: dict[int, str]) -> None:
    write_column(file, "norm", norm)
    write_column(file, "ok", np.array([row not in errors for row in range(len(norm))]))
    write_column(file, "errors", encoded([_one_line(errors[row]) for row in sorted(errors)]))


def _one_line(reason: str) -> str:
    """Return a reason as a column can hold it; it may quote a path that is not UTF-8."""
    line = " ".join(reason.replace("\0", " ").split())[:REASON_LIMIT]
    return line.encode(errors="backslashreplace").decode()


def _write_image_columns(file: h5py.File, rows: ImageRows) -> None:
    paths = np.array(list(rows.paths), np.bytes_)
    write_column(file, "path", paths, compression="gzip", shuffle=True)
    write_column(file, "label", np.asarray(rows.labels, np.int64))
    write_column(file, "label_names", encoded(rows.label_names))
