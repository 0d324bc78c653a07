"""A file of image embeddings, or a shard of one: a model's unit vectors for a dataset's images.

Row i of the file is image i.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.format import rules, structure
from oodcache.cache.format.block_sums import (
    BlockSums,
    Checksums,
    Sums,
    Version,
    check_sha256,
    version_of,
    write_checksums,
)
from oodcache.cache.format.container import (
    Sha256,
    Writer,
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
REASON_LIMIT = 500
BLOCK_ROWS = 2048  # 6 MB of 768 numbers: still in the processor's cache when it is checked.


@dataclass(frozen=True)
class ImageRows:
    """N images before any is encoded: paths, labels and label names."""

    paths: Sequence[bytes]
    labels: npt.NDArray[np.int64]
    label_names: Sequence[str]

    def cut(self, first: int, count: int) -> ImageRows:
        """Return the rows `first` to `first + count`."""
        rows = slice(first, first + count)
        return ImageRows(self.paths[rows], self.labels[rows], self.label_names)


@dataclass(frozen=True)
class ImageBatch:
    """Consecutive images, encoded: `vectors` (n, D) unit rows, `norm` (n,) their former lengths.

    `errors` maps each row of the batch that could not be decoded to the reason; such a row is
    all zeros.
    """

    vectors: npt.NDArray[np.floating[Any]]
    norm: npt.NDArray[np.float32]
    errors: dict[int, str] = field(default_factory=dict)

    def cut(self, first: int, count: int) -> ImageBatch:
        """Return the rows `first` to `first + count`."""
        errors = {
            row - first: reason
            for row, reason in self.errors.items()
            if first <= row < first + count
        }
        rows = slice(first, first + count)
        return ImageBatch(self.vectors[rows], self.norm[rows], errors)


@dataclass(frozen=True)
class ImageFile:
    """A valid file of image embeddings: small columns in memory, vectors on disk.

    `ok` is bool (N,): which images could be decoded. `label` is int64 (N,): an index into
    `label_names`, the source's own folder names, or -1. `norm` is float32 (N,): each vector's
    length before it was normalised. `place` is None unless it is a shard. `shards` is empty unless
    it is a set of shards read as one file: then it has the SHA-256 of each one's vectors. `checked`
    is the version of the file that was checked when it was opened, with its `checksums`.
    """

    path: Path
    identity: Identity
    rows: int
    dimension: int
    dtype: np.dtype[Any]
    ok: npt.NDArray[np.bool_]
    label: npt.NDArray[np.int64]
    norm: npt.NDArray[np.float32]
    label_names: tuple[str, ...]
    place: Place | None
    shards: tuple[str, ...] = ()
    checked: Version | None = field(default=None, compare=False, repr=False)
    checksums: Checksums | None = field(default=None, compare=False, repr=False)

    def blocks(self, rows: int = BLOCK_ROWS) -> Iterator[Vectors]:
        """Yield the unit vectors in order, float32 (at most `rows`, D); rows not ok are zeros.

        float16 files are renormalised in float32. Every block is a new array.
        """
        for block in self.stored_blocks(rows):
            yield renormalised(block)

    def blocks_with(
        self, wanted: npt.NDArray[np.int64], rows: int = BLOCK_ROWS
    ) -> Iterator[tuple[int, Vectors]]:
        """Yield (first row, block) as `blocks` does, but only blocks with a row of `wanted`."""
        # np.unique would import masked arrays, a tenth of a short command's time.
        firsts = np.flatnonzero(np.bincount(wanted // rows)) * rows
        for first, block in zip(firsts, self._stored_blocks(firsts, rows), strict=True):
            yield int(first), renormalised(block)

    def stored_blocks(self, rows: int = BLOCK_ROWS) -> Iterator[Stored]:
        """Yield what `blocks` does, exactly as stored."""
        return self._stored_blocks(range(0, self.rows, rows), rows)

    def _stored_blocks(self, firsts: Iterable[int], rows: int) -> Iterator[Stored]:
        with self._reading() as read:
            for first in firsts:
                yield read(first, min(rows, self.rows - first))

    def stored(self, first: int, count: int) -> ImageBatch:
        """Return the rows `first` to `first + count` exactly as stored."""
        with self._reading() as read:
            vectors = read(first, count)
        whole = ImageBatch(np.empty((0, self.dimension)), self.norm, self.errors())
        return ImageBatch(vectors, self.norm[first:][:count], whole.cut(first, count).errors)

    def paths(self) -> list[bytes]:
        """Return each image's path below its dataset's root, '/' between folders."""
        with self._reopened() as file:
            paths = file.paths(self.path)
        rules.check_paths(self.path, paths)
        return paths

    def errors(self) -> dict[int, str]:
        """Return the reason for each row that is not ok."""
        with self._reopened() as file:
            reasons = rules.check_names(self.path, "errors", file.columns["errors"])
        return dict(zip(np.flatnonzero(~self.ok).tolist(), reasons, strict=True))

    @contextmanager
    def _reading(self) -> Iterator[Callable[[int, int], Stored]]:
        """Yield a function (first, count) that reads rows as stored and checks F5 and F14.

        It reads whole blocks. A file without checksums is first held against its SHA-256 (F10).
        """
        with self._vectors() as (stored, sums):
            if sums.blocks is None:
                check_sha256(self.path, stored, self.identity.vectors)

            def read(first: int, count: int) -> Stored:
                around = sums.around(first, count)
                block = np.empty((around.stop - around.start, self.dimension), self.dtype)
                stored.read_direct(block, around)
                rules.check_rows(self.path, around.start, block, self.ok[around])
                sums.check(self.path, around.start, block)
                return block[first - around.start :][:count]

            yield read

    @contextmanager
    def _vectors(self) -> Iterator[tuple[h5py.Dataset, Checksums]]:
        """Yield the vectors and their checksums; a file that has changed is checked again."""
        with opened(self.path) as file:
            if self.checksums is not None and version_of(file) == self.checked:
                yield file["embeddings"], self.checksums
                return
        with self._reopened() as found:
            assert found.checksums is not None, "images have checksums"
            yield found.datasets["embeddings"], found.checksums

    @contextmanager
    def _reopened(self) -> Iterator[Structure]:
        """Open the file again; raise InputError if it was replaced."""
        with opened(self.path) as file:
            found = structure.check(file, self.path, "images", "image-shard")
            if (found.identity, found.place) != (self.identity, self.place):
                raise InputError(
                    f"{self.path}: was replaced while it was read: run the command again"
                )
            yield found


def open_images(path: Path) -> ImageFile:
    """Return the file at `path`; raise RuleError, naming the rule, if it is not valid."""
    return _open(path, "images")


def open_image_shard(path: Path) -> ImageFile:
    """Return the shard at `path`, checked as `open_images` does."""
    return _open(path, "image-shard")


def _open(path: Path, kind: str) -> ImageFile:
    with opened(path) as file:
        found = structure.check(file, path, kind)
        embeddings, names = found.datasets["embeddings"], found.columns["label_names"]
        return ImageFile(
            path=path,
            identity=found.identity,
            rows=embeddings.shape[0],
            dimension=embeddings.shape[1],
            dtype=embeddings.dtype,
            ok=found.columns["ok"],
            label=found.columns["label"],
            norm=found.columns["norm"],
            label_names=rules.check_names(path, "label_names", names),
            place=found.place,
            checked=version_of(file),
            checksums=found.checksums,
        )


def write_images(
    path: Path,
    batches: Iterable[ImageBatch],
    *,
    rows: ImageRows,
    identity: Identity,
    dtype: npt.DTypeLike = np.float32,
    place: Place | None = None,
) -> ImageFile:
    """Write `batches`, which follow the order of `rows`, as the file at `path`; return it opened.

    Vectors are written batch by batch, so memory does not grow with their number. With `place`, it
    is a shard. Raises InputError, and leaves no file, if the disk is full or no image could be
    decoded (which a shard may hold); before the first batch is requested, if `rows` breaks a
    rule.
    """
    if not rows.paths:
        raise InputError(f"{path}: not written: there are no images")
    check_image_rows(path, rows)
    check_identity(path, identity)
    kind = "images" if place is None else "image-shard"
    with created(path) as write, Sha256() as digest:
        outcome = write_vectors(write, digest, batches, len(rows.paths), np.dtype(dtype), path)
        if place is None:
            check_any_ok(path, outcome)
        write.later(write_columns, rows, outcome)
        write(write_head, kind, identity, digest.hexdigest(), place)
    return _open(path, kind)


@dataclass(frozen=True)
class Outcome:
    """The result of encoding N images: `norm` (N,), why rows failed, and the blocks' checksums."""

    norm: npt.NDArray[np.float32]
    errors: dict[int, str]
    sums: Sums


def write_vectors(
    write: Writer,
    digest: Sha256,
    batches: Iterable[ImageBatch],
    count: int,
    dtype: np.dtype[Any],
    path: Path,
) -> Outcome:
    """Write `embeddings`, `count` rows checked by F5, while the next batch is computed.

    Returns once the last batch is queued: writing and `digest` may still be running.
    """
    done, norm, errors = 0, np.zeros(count, np.float32), dict[int, str]()
    sums = BlockSums(count)
    for batch in batches:
        stored = np.ascontiguousarray(batch.vectors, dtype)
        ok = np.ones(len(stored), bool)
        ok[list(batch.errors)] = False
        digest.add(stored)
        write.later(_write_rows, done, stored, count)
        rules.check_rows(path, done, stored, ok)
        sums.add(stored)
        norm[done : done + len(stored)] = batch.norm
        errors.update({done + place: reason for place, reason in batch.errors.items()})
        done += len(stored)
    assert done == count, f"{done} vectors for {count} images"
    return Outcome(norm, errors, sums.values())


def check_any_ok(path: Path, outcome: Outcome) -> None:
    """Reject a file without any image that is ok."""
    if len(outcome.errors) == len(outcome.norm):
        raise InputError(
            f"{path}: not written: none of {len(outcome.norm)} images could be decoded, "
            f"the first: {outcome.errors[0]}"
        )


def write_columns(file: h5py.File, rows: ImageRows, outcome: Outcome) -> None:
    """Write all columns except `embeddings`."""
    ok = np.ones(len(outcome.norm), bool)
    ok[list(outcome.errors)] = False
    reasons = [_one_line(outcome.errors[row]) for row in sorted(outcome.errors)]
    columns = {
        "norm": outcome.norm,
        "ok": ok,
        "label": np.asarray(rows.labels, np.int64),
        "errors": encoded(reasons),
        "label_names": encoded(rows.label_names),
    }
    for name, column in columns.items():
        write_column(file, name, column)
    write_sum(file, *columns.values())
    paths = np.array(list(rows.paths), np.bytes_)
    write_column(file, "path", paths, compression="gzip", shuffle=True)
    write_checksums(file, outcome.sums, paths)


def _write_rows(file: h5py.File, first: int, stored: npt.NDArray[Any], count: int) -> None:
    if first == 0:
        file.create_dataset("embeddings", (count, stored.shape[1]), stored.dtype)
    file["embeddings"].write_direct(stored, dest_sel=np.s_[first : first + len(stored)])


def check_image_rows(path: Path, rows: ImageRows) -> None:
    """Reject paths, labels and label names that break a rule."""
    rules.check_paths(path, rows.paths)
    rules.check_labels(path, rows.labels, len(rows.label_names))
    rules.check_texts(path, "label_names", rows.label_names)


def _one_line(reason: str) -> str:
    """Return a reason that a column can store; it may quote a path that is not UTF-8."""
    line = " ".join(reason.replace("\0", " ").split())[:REASON_LIMIT]
    return line.encode(errors="backslashreplace").decode()
