"""The files in the cache folder: models, datasets, vocabularies and negatives."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.format import structure
from oodcache.cache.format.container import opened
from oodcache.cache.format.identity import Identity
from oodcache.cache.format.place import FOLDER, shard_folder, shard_paths, target_of
from oodcache.cache.names import SHORT_NAMES
from oodcache.cache.shards.merging import peek

KINDS = ("images", "texts")
NEGATIVES = "negatives"


@dataclass(frozen=True)
class Entry:
    """One file of the cache: its path, its model's `name/pretrained` and its kind.

    It may be finished, or begun (with shards in a folder next to `path`), or both.
    """

    path: Path
    label: str
    kind: str

    @property
    def name(self) -> str:
        return self.path.stem


def entries(cache: Path) -> list[Entry]:
    """Return the finished files of the cache, sorted; none if the folder is missing."""
    return _entries(cache.glob("*/*/*/*.h5"))


def known(cache: Path) -> list[Entry]:
    """Return the files of the cache that are finished or begun, sorted."""
    return sorted({*entries(cache), *begun(cache)}, key=lambda entry: entry.path)


def begun(cache: Path) -> list[Entry]:
    """Return the files of the cache that have a folder of shards, sorted."""
    return _entries(
        target_of(folder) for folder in cache.glob(f"*/*/*/*{FOLDER}") if folder.is_dir()
    )


def negatives(cache: Path) -> list[Entry]:
    """Return the files of negatives in the cache, sorted."""
    return _entries(cache.glob(f"*/*/{NEGATIVES}/*.json"), (NEGATIVES,))


def meant_target(path: Path) -> Path | None:
    """Return the file whose shards `path` refers to, None if it refers to itself.

    It refers to shards if it is their folder, or a missing file that has some.
    """
    if path.suffix == FOLDER and path.is_dir():
        return target_of(path)
    return path if not path.exists() and shard_folder(path).is_dir() else None


def _entries(paths: Iterable[Path], kinds: Sequence[str] = KINDS) -> list[Entry]:
    return [
        Entry(path, f"{path.parts[-4]}/{path.parts[-3]}", path.parts[-2])
        for path in sorted(paths)
        if path.parts[-2] in kinds and not path.name.startswith(".")
    ]


def read_identity(entry: Entry) -> Identity:
    """Return a file's identity, after checking its structure."""
    with opened(entry.path) as file:
        return structure.check(file, entry.path, entry.kind).identity


def find_model(cache: Path, model: str) -> str:
    """Return the `name/pretrained` in the cache that `model` refers to.

    `model` is as passed to `extract --model`: a short name, `NAME/PRETRAINED`, or the string that
    files or shards record as requested. Raises InputError if none or several match.
    """
    there = known(cache)
    matches = find_models(there, model)
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise InputError(
            f"{cache}: model {model!r} matches several models: give --model {' or '.join(matches)}"
        )
    labels = sorted({entry.label for entry in there})
    command = f"oodcache extract --model {shlex.quote(model)} --classes NAME=FILE NAME=FOLDER"
    if SHORT_NAMES.get(model, model).endswith("/demo"):
        command = "oodcache demo"
    raise InputError(
        f"{cache}: no embeddings of model {model!r} (there are: {', '.join(labels) or 'none'}); "
        f"make them with: {command}"
    )


def find_models(there: Sequence[Entry], model: str) -> list[str]:
    """Return each `name/pretrained` among entries that `model` refers to, as in `find_model`."""
    labels = sorted({entry.label for entry in there})
    for exact in (model, SHORT_NAMES.get(model)):
        if exact in labels:
            return [exact]
    matches = sorted({entry.label for entry in there if _requested(entry) == model})
    return matches or [label for label in labels if label.split("/")[1] == model]


def _requested(entry: Entry) -> str | None:
    """Return the requested model of a file or its shards, None if nothing is valid."""
    try:
        return read_identity(entry).model.requested
    except InputError:
        return next(_requested_of_shards(entry.path), None)


def _requested_of_shards(target: Path) -> Iterator[str]:
    for path in shard_paths(target):
        with suppress(InputError):  # Damaged, or not ours to read.
            yield peek(path, paths=False).run.identity.model.requested
