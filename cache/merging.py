"""Shards merged to the one file that they make, once all are there and each is verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from oodcache.cache import rules, structure
from oodcache.cache.container import InOrder, Sha256, check_identity, created, opened, write_head
from oodcache.cache.errors import InputError, RuleError
from oodcache.cache.identity import Identity
from oodcache.cache.image_file import (
    ImageBatch,
    ImageRows,
    check_image_rows,
    read_images,
    refuse_nothing,
    write_columns,
    write_vectors,
)
from oodcache.cache.shards import Place, Run, shard_folder
from oodcache.cache.sibling import discard
from oodcache.cache.text_file import open_text_shard, write_texts

VARIES = " + "  # Between what the machines of one run had: devices, versions of libraries.


@dataclass(frozen=True)
class Shard:
    """A shard whose structure is checked: its run, its place, and how many rows are not ok."""

    path: Path
    run: Run
    place: Place
    dimension: int
    failed: int


@dataclass(frozen=True)
class Found:
    """What lies in a folder of shards: those that can be read, and why the others cannot."""

    shards: tuple[Shard, ...]
    damaged: dict[Path, str]


def peek(path: Path) -> Shard:
    """Return what the shard at `path` says of itself; raise RuleError if it breaks a rule."""
    with opened(path) as file:
        found = structure.check(file, path, *structure.SHARDS)
        embeddings, ok = found.datasets["embeddings"], found.columns.get("ok")
        assert found.place is not None
        return Shard(
            path,
            Run(
                structure.SHARDS[found.kind],
                found.identity,
                embeddings.dtype,
                found.place.shard_rows,
            ),
            found.place,
            embeddings.shape[1],
            0 if ok is None else int(np.count_nonzero(~ok)),
        )


def run_of(path: Path, kind: str, shard_rows: int) -> Run:
    """Return the run that a finished file would be of, had it been cut into `shard_rows`."""
    with opened(path) as file:
        found = structure.check(file, path, kind)
        return Run(kind, found.identity, found.datasets["embeddings"].dtype, shard_rows)


def find(target: Path) -> Found:
    """Return the shards of `target`, in the order of their names; a missing folder holds none."""
    shards, damaged = [], {}
    for path in sorted(shard_folder(target).glob("*.h5")):
        if path.name.startswith("."):
            continue
        try:
            shards.append(peek(path))
        except RuleError as error:
            damaged[path] = str(error)
        except InputError:  # Merged and gone since the folder was listed, or not ours to read.
            if path.exists():
                raise
    return Found(tuple(shards), damaged)


def merge(target: Path, shards: Sequence[Shard]) -> None:
    """Write the file that `shards` make at `target`, then remove those that lie beside it.

    Raises InputError if they do not make one file: a gap, an overlap, another run; RuleError if
    one is damaged. Then all of them stay.
    """
    ordered = check_fit(shards)
    identity = _merged(ordered)
    if ordered[0].run.kind == "images":
        _merge_images(target, ordered, identity)
    else:
        _merge_texts(target, ordered, identity)
    remove(target, [shard.path for shard in shards])


def remove(target: Path, shards: Sequence[Path]) -> None:
    """Remove those shards that lie beside `target`; the folder too, where nothing else is in it."""
    folder = shard_folder(target)
    beside = {path for path in shards if path.parent == folder}
    if beside and not set(folder.glob("[!.]*")) - beside:
        discard(folder)
    for path in beside:
        path.unlink(missing_ok=True)


def check_fit(shards: Sequence[Shard]) -> list[Shard]:
    """Return shards in the order of their rows; refuse what is not the whole of one run."""
    first, *others = ordered = sorted(shards, key=lambda shard: shard.place.first)
    for shard in others:
        if found := first.run.differences(shard.run):
            raise InputError(
                f"{shard.path}: made from {found[0]} than {first.path}: shards of two runs "
                "cannot be merged; remove those of one"
            )
        if (shard.place.total, shard.dimension) != (first.place.total, first.dimension):
            raise InputError(f"{shard.path}: of another shape than {first.path}: one is forged")
    done = 0
    for shard, before in zip(ordered, [None, *ordered], strict=False):
        if shard.place.first < done:
            assert before is not None
            raise InputError(f"{shard.path}: holds {shard.place} again, as {before.path} does")
        if shard.place.first > done:
            raise _missing(done, shard.place.first, shard)
        done += shard.place.rows
    if done < first.place.total:
        raise _missing(done, first.place.total, first)
    return ordered


def _verify(path: Path, vectors: npt.NDArray[Any], expected: str) -> None:
    rules.check_vectors(path, hashlib.sha256(vectors.data).hexdigest(), expected)


def _check_same(shard: Shard, identity: Identity, rows: int) -> None:
    if (identity, rows) != (shard.run.identity, shard.place.rows):
        raise InputError(f"{shard.path}: was replaced while it was read: run that again")


def _missing(done: int, there: int, shard: Shard) -> InputError:
    rows = shard.place.shard_rows
    last = f" to {-(-there // rows)}" if there - done > rows else ""
    return InputError(
        f"{shard.path.parent}: rows {done} to {there - 1} are missing (shard "
        f"{done // rows + 1}{last} of {shard.place.count}): add them, or run the same oodcache "
        "extract again"
    )


def _merged(shards: Sequence[Shard]) -> Identity:
    """Return the identity of the whole: of the first shard, with whatever varies between them."""
    identities = [shard.run.identity for shard in shards]
    first = identities[0]
    precision = _joined([one.precision for one in identities], {"device"})
    versions = _joined([one.versions for one in identities], set(first.versions))
    return replace(first, precision=precision, versions=versions)


def _joined(given: Sequence[Any], varies: set[str]) -> dict[str, Any]:
    joined = dict(given[0])
    for name in varies & set(joined):
        joined[name] = VARIES.join(sorted({str(one[name]) for one in given if name in one}))
    return joined


def _merge_images(target: Path, shards: Sequence[Shard], identity: Identity) -> None:
    place, gathered = shards[0].place, _Gathered([], [])
    check_identity(target, identity)
    with created(target) as write, Sha256() as digest, InOrder("verify") as verifying:
        batches = _batches(shards, gathered, verifying)
        outcome = write_vectors(write, digest, batches, place.total, shards[0].run.dtype, target)
        refuse_nothing(target, outcome)
        rows = gathered.rows()
        check_image_rows(target, rows)
        write.later(write_columns, rows, outcome)
        write(write_head, "images", identity, digest.hexdigest())
        verifying.now(lambda: None)


@dataclass(frozen=True)
class _Gathered:
    """What is known of the images of the shards that were read."""

    paths: list[bytes]
    others: list[ImageRows]

    def rows(self) -> ImageRows:
        labels = np.concatenate([one.labels for one in self.others])
        return ImageRows(self.paths, labels, self.others[0].label_names)


def _batches(
    shards: Sequence[Shard], gathered: _Gathered, verifying: InOrder
) -> Iterator[ImageBatch]:
    for shard in shards:
        rows, batch, identity = read_images(shard.path, "image-shard")
        _check_same(shard, identity, len(rows.paths))
        if gathered.others and rows.label_names != gathered.others[0].label_names:
            raise InputError(f"{shard.path}: has other label names than {shards[0].path}")
        gathered.paths.extend(rows.paths)
        gathered.others.append(rows)
        verifying.later(_verify, shard.path, batch.vectors, identity.vectors)
        yield batch


def _merge_texts(target: Path, shards: Sequence[Shard], identity: Identity) -> None:
    read = [open_text_shard(shard.path) for shard in shards]
    vocabulary = read[0].vocabulary
    for shard, one in zip(shards, read, strict=True):
        _check_same(shard, one.identity, len(one.norm))
        _verify(one.path, one.embeddings, one.identity.vectors)
        if one.vocabulary != vocabulary:
            raise InputError(f"{one.path}: has another vocabulary than {read[0].path}")
    shape = (len(vocabulary.templates), len(vocabulary.names))
    write_texts(
        target,
        np.concatenate([one.embeddings for one in read]).reshape(*shape, -1),
        np.concatenate([one.norm for one in read]).reshape(shape),
        vocabulary=vocabulary,
        identity=identity,
        dtype=shards[0].run.dtype,
    )
