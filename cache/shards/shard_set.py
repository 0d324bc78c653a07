"""A complete set of shards, read as the file that it makes, without a merge.

A finished file takes precedence over its shards. The path of a set is its shard folder.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from oodcache.cache.errors import InputError
from oodcache.cache.files import images as image_file
from oodcache.cache.files import texts
from oodcache.cache.files.images import ImageFile, Stored
from oodcache.cache.files.texts import TextFile, TextRows
from oodcache.cache.format import rules
from oodcache.cache.format.place import FOLDER, shard_folder
from oodcache.cache.format.structure import Columns
from oodcache.cache.shards import merging
from oodcache.cache.shards.merging import Found, Shard

AGAIN = "run the same oodcache extract again"
SHOWN = 5
IN_MEMORY = ("ok", "label", "norm")
File = TypeVar("File")


@dataclass(frozen=True, kw_only=True)
class ImageShards(ImageFile):
    """Shards of images as one file. Each is opened when read, and must not have changed."""

    parts: tuple[Shard, ...]

    def paths(self) -> list[bytes]:
        """Return each image's path below its dataset's root, '/' between folders."""
        paths = [path for part in self.parts for path in merging.again(part, paths=True).paths]
        rules.check_paths(self.path, paths)
        return paths

    def errors(self) -> dict[int, str]:
        """Return the reason for each row that is not ok."""
        reasons: list[str] = []
        for part in self.parts:
            if part.failed:
                stored = merging.again(part).columns["errors"]
                reasons += rules.check_names(part.path, "errors", stored)
        return dict(zip(np.flatnonzero(~self.ok).tolist(), reasons, strict=True))

    @contextmanager
    def _reading(self) -> Iterator[Callable[[int, int], Stored]]:
        yield lambda first, count: _rows(self.parts, first, self.ok[first : first + count])


@dataclass(frozen=True, kw_only=True)
class TextShards(TextRows):
    """Shards of texts as one file of rows that stay on disk."""

    parts: tuple[Shard, ...]

    @contextmanager
    def _reading(self) -> Iterator[Callable[[int, int], Stored]]:
        yield lambda row, count: _rows(self.parts, row, np.ones(count, bool))


def open_images(path: Path) -> ImageFile:
    """Return the images of the file at `path`, or of its complete set of shards.

    For a set, `identity.vectors` is empty: it is unknown until every shard has been read.
    """
    return _either(
        path, image_file.open_images, lambda one: _of_images(one, complete(one, "images"))
    )


def open_texts(path: Path) -> TextFile:
    """Return the texts of the file at `path`, or of its complete set of shards."""
    return _either(path, texts.open_texts, lambda one: _texts(one, complete(one, "texts")))


def open_text_rows(path: Path) -> TextRows:
    """Return what `open_texts` does, with vectors on disk; those of a set are verified once."""
    return _either(path, texts.open_text_rows, _text_rows)


def read(target: Path) -> ImageFile | TextFile:
    """Return the contents of the complete set of shards of `target`, with the vectors' SHA-256."""
    shards = complete(target)
    if shards[0].run.kind == "texts":
        return _texts(target, shards)
    images, digest = _of_images(target, shards), hashlib.sha256()
    for block in images.stored_blocks():
        digest.update(block.data)
    return replace(images, identity=replace(images.identity, vectors=digest.hexdigest()))


def is_complete(target: Path) -> bool:
    """Return whether the shards of `target` make one file."""
    try:
        complete(target)
    except InputError:
        return False
    return True


def complete(target: Path, kind: str | None = None) -> list[Shard]:
    """Return the shards that make the file `target`, in order, without image paths.

    Raises InputError unless they are all shards of one run, each once, readable, and of `kind`.
    """
    found = merging.find(target, _light())
    for path, damage in found.damaged.items():
        raise damaged(damage, path)
    _check_all_there(target, found)
    shards = merging.check_fit(found.shards)
    if kind is not None and shards[0].run.kind != kind:
        raise InputError(f"{shards[0].path}: holds {shards[0].run.kind}, not {kind}")
    return shards


def damaged(found: object, shard: Path) -> InputError:
    """Return the error for a shard that cannot be read, with the command that removes it."""
    if shard.parent.suffix != FOLDER:
        return InputError(f"{found}; expected a shard: was it copied completely?")
    remedy = f"oodcache cache rm {shlex.quote(str(shard))}"
    return InputError(f"{found}; remove it with: {remedy} and {AGAIN}")


def _either(path: Path, finished: Callable[[Path], File], made: Callable[[Path], File]) -> File:
    if not path.exists() and shard_folder(path).is_dir():
        try:
            return made(path)
        except InputError:
            if not path.exists():
                raise  # Otherwise the shards were merged meanwhile.
    return finished(path)


def _check_all_there(target: Path, found: Found) -> None:
    from oodcache.cache.shards.summary import runs

    known = runs(found.shards)
    if not known:
        raise InputError(f"{shard_folder(target)}: contains no shard: {AGAIN}")
    if len(known) == 1 and (missing := known[0].missing):
        more = f" and {len(missing) - SHOWN:,} more ranges" * (len(missing) > SHOWN)
        raise InputError(
            f"{shard_folder(target)}: {known[0].done:,} of {known[0].of:,} shards exist "
            f"(missing: {', '.join(missing[:SHOWN])}{more}); {AGAIN}"
        )


def _light() -> Callable[[Path], Shard]:
    """Return a `peek` that keeps neither paths nor errors, and equal label names once."""
    known: dict[tuple[str, bytes], npt.NDArray[np.bytes_]] = {}

    def look(path: Path) -> Shard:
        shard = merging.peek(path, paths=False)
        if not shard.columns:
            return shard
        names = shard.columns["label_names"]
        names = known.setdefault((names.dtype.str, names.tobytes()), names)
        kept: Columns = {name: shard.columns[name] for name in IN_MEMORY}
        return replace(shard, columns={**kept, "label_names": names})

    return look


def _of_images(target: Path, shards: Sequence[Shard]) -> ImageShards:
    first = shards[0]
    names = first.columns["label_names"]
    for shard in shards:
        merging.check_label_names(shard, first)
    ok, label, norm = (
        np.concatenate([shard.columns[name] for shard in shards]) for name in IN_MEMORY
    )
    return ImageShards(
        path=shard_folder(target),
        identity=replace(merging.whole_identity(shards), vectors=""),
        rows=first.place.total,
        dimension=first.dimension,
        dtype=first.run.dtype,
        ok=ok,
        label=label,
        norm=norm,
        label_names=rules.check_names(first.path, "label_names", names),
        place=None,
        shards=_sums(shards),
        parts=tuple(replace(shard, columns={}) for shard in shards),
    )


def _texts(target: Path, shards: Sequence[Shard]) -> TextFile:
    found = merging.read_texts(shards, merging.whole_identity(shards))
    vectors = hashlib.sha256(found.stored.data).hexdigest()
    identity = replace(found.identity, vectors=vectors)
    return replace(found, path=shard_folder(target), identity=identity, shards=_sums(shards))


def _text_rows(target: Path) -> TextRows:
    shards, digest = complete(target, "texts"), hashlib.sha256()
    for one in merging.text_shards(shards):
        digest.update(one.stored.data)
    return TextShards(
        path=shard_folder(target),
        identity=replace(merging.whole_identity(shards), vectors=digest.hexdigest()),
        vocabulary=one.vocabulary,
        dimension=shards[0].dimension,
        shards=_sums(shards),
        parts=tuple(shards),
    )


def _sums(shards: Sequence[Shard]) -> tuple[str, ...]:
    return tuple(shard.run.identity.vectors for shard in shards)


def _rows(parts: Sequence[Shard], first: int, ok: npt.NDArray[np.bool_]) -> Stored:
    """Return `len(ok)` rows from `first` on, each shard's rows checked under its own path."""
    block = np.empty((len(ok), parts[0].dimension), parts[0].run.dtype)
    done = 0
    while done < len(block):
        part = parts[(first + done) // parts[0].place.shard_rows]
        row = first + done - part.place.first
        share = slice(done, min(len(block), done + part.place.rows - row))
        block[share] = merging.checked_rows(part, row, ok[share])
        done = share.stop
    return block
