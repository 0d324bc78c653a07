"""Merging a complete set of verified shards into one file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.files.images import (
    ImageBatch,
    ImageRows,
    Stored,
    check_any_ok,
    check_image_rows,
    write_columns,
    write_vectors,
)
from oodcache.cache.files.texts import TextFile, open_text_shard, store_texts
from oodcache.cache.format import rules, structure
from oodcache.cache.format.block_sums import Checksums, Version, sha256, version, version_of
from oodcache.cache.format.container import (
    InOrder,
    Sha256,
    check_identity,
    created,
    opened,
    write_head,
)
from oodcache.cache.format.identity import Identity
from oodcache.cache.format.place import Place, Run, shard_folder, shard_paths
from oodcache.cache.format.sibling import discard
from oodcache.cache.format.structure import Columns

VARIES = " + "  # Joins devices and library versions that differ between shards.


@dataclass(frozen=True)
class Shard:
    """A shard with a valid structure: its run, its place, and how many rows are not ok.

    What was read is kept, so that a merge need not open it again: for images the `columns`,
    `paths` and `checksums`, and the `offset` of the vectors in this `version` of the file.
    """

    path: Path
    run: Run
    place: Place
    dimension: int
    failed: int
    columns: Columns = field(compare=False, repr=False)
    paths: list[bytes] = field(compare=False, repr=False)
    checksums: Checksums | None = field(compare=False, repr=False)
    offset: int
    version: Version


@dataclass(frozen=True)
class Found:
    """The contents of a shard folder: valid shards, and why the others are not."""

    shards: tuple[Shard, ...]
    damaged: dict[Path, str]


def peek(path: Path, *, paths: bool = True) -> Shard:
    """Return the shard at `path`; raise RuleError if it breaks a rule.

    Without `paths`, image paths, which take the longest, are not read.
    """
    with opened(path) as file:
        read_from = version_of(file)
        found = structure.check(file, path, *structure.SHARDS)
        embeddings, ok = found.datasets["embeddings"], found.columns.get("ok")
        kind, is_read = structure.SHARDS[found.kind], paths and ok is not None
        assert found.place is not None
        return Shard(
            path,
            Run(kind, found.identity, embeddings.dtype, found.place.shard_rows),
            found.place,
            embeddings.shape[1],
            0 if ok is None else int(np.count_nonzero(~ok)),
            found.columns if ok is not None else {},  # A long vocabulary, in each of its shards.
            found.paths(path) if is_read else [],
            found.checksums,
            embeddings.id.get_offset(),
            read_from,
        )


def run_of(path: Path, kind: str, shard_rows: int) -> Run:
    """Return the run of a finished file as if it had been written in shards of `shard_rows`."""
    with opened(path) as file:
        found = structure.check(file, path, kind)
        return Run(kind, found.identity, found.datasets["embeddings"].dtype, shard_rows)


def find(target: Path, look: Callable[[Path], Shard] = peek) -> Found:
    """Return the shards of `target` in the order of their names; a missing folder has none."""
    shards, damaged = [], {}
    for path in shard_paths(target):
        try:
            shards.append(look(path))
        except RuleError as error:
            damaged[path] = str(error)
        except InputError:  # Merged and gone since the folder was listed, or not ours to read.
            if path.exists():
                raise
    return Found(tuple(shards), damaged)


def merge(target: Path, shards: Sequence[Shard]) -> None:
    """Write the file that `shards` make at `target`, then remove those in its shard folder.

    Raises InputError if they do not make one file (a gap, an overlap, another run), RuleError if
    one is damaged; then all of them stay.
    """
    ordered = check_fit(shards)
    identity = whole_identity(ordered)
    if ordered[0].run.kind == "images":
        _merge_images(target, ordered, identity)
    else:
        texts = read_texts(ordered, identity)
        vocabulary = texts.vocabulary
        store_texts(target, texts.stored, texts.norm, vocabulary=vocabulary, identity=identity)
    remove(target, [shard.path for shard in shards])


def remove(target: Path, shards: Sequence[Path]) -> None:
    """Remove the shards in the folder of `target`, and the folder if nothing else is in it."""
    folder = shard_folder(target)
    beside = {path for path in shards if path.parent == folder}
    if beside and not set(folder.glob("[!.]*")) - beside:
        discard(folder)
    for path in beside:
        path.unlink(missing_ok=True)


def check_fit(shards: Sequence[Shard]) -> list[Shard]:
    """Return shards in the order of their rows; raise InputError unless they are one whole run."""
    first, *others = ordered = sorted(shards, key=lambda shard: shard.place.first)
    for shard in others:
        if found := first.run.differences(shard.run):
            raise InputError(
                f"{shard.path}: made from {found[0]} than {first.path}: shards of two runs "
                "cannot be merged; remove those of one run with: oodcache cache rm"
            )
        if (shard.place.total, shard.dimension) != (first.place.total, first.dimension):
            raise InputError(f"{shard.path}: has another shape than {first.path}: one is forged")
    done = 0
    for shard, before in zip(ordered, [None, *ordered], strict=False):
        if shard.place.first < done:
            assert before is not None
            raise InputError(f"{shard.path}: repeats {shard.place} of {before.path}")
        if shard.place.first > done:
            raise _missing(done, shard.place.first, shard)
        done += shard.place.rows
    if done < first.place.total:
        raise _missing(done, first.place.total, first)
    return ordered


def _verify(path: Path, vectors: npt.NDArray[Any], expected: str) -> None:
    rules.check_vectors(path, hashlib.sha256(vectors.data).hexdigest(), expected)


def again(shard: Shard, *, paths: bool = False) -> Shard:
    """Read a shard again; raise InputError if it was replaced."""
    with _being_read(shard):
        found = peek(shard.path, paths=paths)
    _check_same(shard, found.run.identity, found.place)
    return found


@contextmanager
def _being_read(shard: Shard) -> Iterator[None]:
    try:
        yield
    except InputError:
        if shard.path.exists():
            raise
        what = "was merged or removed while it was read: run the command again"
        raise InputError(f"{shard.path}: {what}") from None


def _check_same(shard: Shard, identity: Identity, place: Place) -> None:
    if (identity, place) != (shard.run.identity, shard.place):
        raise InputError(f"{shard.path}: was replaced while it was read: run the command again")


def _missing(done: int, there: int, shard: Shard) -> InputError:
    rows = shard.place.shard_rows
    last = f" to {-(-there // rows)}" if there - done > rows else ""
    return InputError(
        f"{shard.path.parent}: rows {done} to {there - 1} are missing (shard "
        f"{done // rows + 1}{last} of {shard.place.count}): add them, or run the same oodcache "
        "extract again"
    )


def whole_identity(shards: Sequence[Shard]) -> Identity:
    """Return the first shard's identity, with devices and versions that differ joined."""
    return joined([shard.run.identity for shard in shards])


def joined(identities: Sequence[Identity]) -> Identity:
    """Return the first identity, with devices and library versions that differ joined."""
    first = identities[0]
    precision = _joined([one.precision for one in identities], {"device"})
    versions = _joined([one.versions for one in identities], set(first.versions))
    return replace(first, precision=precision, versions=versions)


def _joined(given: Sequence[Any], varies: set[str]) -> dict[str, Any]:
    found = dict(given[0])
    for name in varies & set(found):
        values = [str(one[name]).split(VARIES) for one in given if name in one]
        found[name] = VARIES.join(sorted({one for some in values for one in some}))
    return found


def _merge_images(target: Path, shards: Sequence[Shard], identity: Identity) -> None:
    check_identity(target, identity)
    with created(target) as write, Sha256() as digest, InOrder("verify") as verifying:
        batches, place = _batches(shards, verifying), shards[0].place
        outcome = write_vectors(write, digest, batches, place.total, shards[0].run.dtype, target)
        check_any_ok(target, outcome)
        names = shards[0].columns["label_names"]
        rows = ImageRows(
            [path for shard in shards for path in shard.paths],
            np.concatenate([shard.columns["label"] for shard in shards]),
            rules.check_names(shards[0].path, "label_names", names),
        )
        check_image_rows(target, rows)
        write.later(write_columns, rows, outcome)
        write(write_head, "images", identity, digest.hexdigest())
        verifying.now(lambda: None)


def _batches(shards: Sequence[Shard], verifying: InOrder) -> Iterator[ImageBatch]:
    for shard in shards:
        check_label_names(shard, shards[0])
        reasons = rules.check_names(shard.path, "errors", shard.columns["errors"])
        failed = np.flatnonzero(~shard.columns["ok"]).tolist()
        vectors = np.empty((shard.place.rows, shard.dimension), shard.run.dtype)
        read_rows(shard, 0, vectors)
        verifying.later(_verify, shard.path, vectors, shard.run.identity.vectors)
        yield ImageBatch(vectors, shard.columns["norm"], dict(zip(failed, reasons, strict=True)))


def check_label_names(shard: Shard, first: Shard) -> None:
    """Reject a shard of images whose label names are not those of the first."""
    if not np.array_equal(shard.columns["label_names"], first.columns["label_names"]):
        raise InputError(f"{shard.path}: has other label names than {first.path}")


def read_rows(shard: Shard, first: int, vectors: npt.NDArray[np.floating[Any]]) -> None:
    """Fill `vectors` with a shard's rows from `first` on, unchecked, without HDF5, which is slower.

    A file that was rewritten meanwhile is read again, and must be the same shard.
    """
    with suppress(OSError), shard.path.open("rb") as file:
        if version(os.fstat(file.fileno())) == shard.version:
            file.seek(shard.offset + first * vectors.strides[0])
            if file.readinto(vectors.data.cast("B")) == vectors.nbytes:
                return
    read_rows(again(shard), first, vectors)


def checked_rows(shard: Shard, first: int, ok: npt.NDArray[np.bool_]) -> Stored:
    """Return `len(ok)` rows of a shard from `first` on, checked by F5 and F14, or F10 if it is old.

    `ok` tells which of them are not zeros. Whole blocks are read, rows around `first` too.
    """
    sums, count = shard.checksums or Checksums(shard.place.rows, None, None), len(ok)
    if shard.checksums is not None and sums.blocks is None:
        size = shard.place.rows * shard.dimension * shard.run.dtype.itemsize
        with _being_read(shard):
            found = sha256(shard.path, shard.version, shard.offset, size)
        rules.check_vectors(shard.path, found, shard.run.identity.vectors)
    around = sums.around(first, count)
    block: Stored = np.empty((around.stop - around.start, shard.dimension), shard.run.dtype)
    read_rows(shard, around.start, block)
    rows = block[first - around.start :][:count]
    rules.check_rows(shard.path, first, rows, ok)
    sums.check(shard.path, around.start, block)
    return rows


def read_texts(shards: Sequence[Shard], identity: Identity) -> TextFile:
    """Return the texts that shards make, under `identity`, with all vectors in memory."""
    first = shards[0]
    vectors = np.empty((first.place.total, first.dimension), first.run.dtype)
    norm = np.empty(len(vectors), np.float32)
    for one in text_shards(shards):
        assert one.place is not None
        rows = slice(one.place.first, one.place.first + one.place.rows)
        vectors[rows], norm[rows], vocabulary = one.stored, one.norm, one.vocabulary
    shape = (len(vocabulary.templates), len(vocabulary.names))
    stored = vectors.reshape(*shape, -1)
    return TextFile(first.path.parent, identity, vocabulary, stored, norm.reshape(shape))


def text_shards(shards: Sequence[Shard]) -> Iterator[TextFile]:
    """Yield shards of texts, opened one by one, verified, with the same vocabulary."""
    vocabulary = None
    for shard in shards:
        with _being_read(shard):
            one = open_text_shard(shard.path)
        assert one.place is not None
        _check_same(shard, one.identity, one.place)
        vocabulary = vocabulary or one.vocabulary
        if one.vocabulary != vocabulary:
            raise InputError(f"{one.path}: has another vocabulary than {shards[0].path}")
        yield replace(one, vocabulary=vocabulary)  # Kept in memory once.
