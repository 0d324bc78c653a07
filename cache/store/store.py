"""The files in the cache folder: models, datasets, vocabularies and negatives."""

from __future__ import annotations

import errno
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.format import structure
from oodcache.cache.format.container import opened
from oodcache.cache.format.identity import LOADED_FROM, Identity
from oodcache.cache.format.place import FOLDER, shard_folder, shard_paths, target_of
from oodcache.cache.names import SHORT_NAMES, own_name, sizes
from oodcache.cache.shards.merging import peek
from oodcache.cache.text import cut, meant

KINDS = ("images", "texts")
NEGATIVES = "negatives"
FILE_NAME = re.compile(r"[A-Za-z0-9._-]+")
LABEL = re.compile(r"[^/\0]+/[^/\0]+")
NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
MOST_LISTED = 8
FOLDERS = ("local-dir", "transformers")  # Prefixes of a recorded model that is a folder.


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


def entries(cache: Path, label: str | None = None) -> list[Entry]:
    """Return the finished files of the cache, or of one model, sorted; none without a folder.

    Raises InputError if a folder cannot be read.
    """
    return _entries(cache, label, KINDS, lambda path: path if path.suffix == ".h5" else None)


def known(cache: Path, label: str | None = None) -> list[Entry]:
    """Return the files that are finished or begun, of the cache or of one model, sorted."""
    both = {*entries(cache, label), *begun(cache, label)}
    return sorted(both, key=lambda entry: entry.path)


def begun(cache: Path, label: str | None = None) -> list[Entry]:
    """Return the files of the cache, or of one model, that have a folder of shards, sorted."""
    return _entries(
        *(cache, label, KINDS),
        lambda path: target_of(path) if path.suffix == FOLDER and path.is_dir() else None,
    )


def negatives(cache: Path, label: str | None = None) -> list[Entry]:
    """Return the files of negatives of the cache, or of one model, sorted."""
    return _entries(
        *(cache, label, (NEGATIVES,)), lambda path: path if path.suffix == ".json" else None
    )


def meant_target(path: Path) -> Path | None:
    """Return the file whose shards `path` refers to, None if it refers to itself.

    It refers to shards if it is their folder, or a missing file that has some.
    """
    if path.suffix == FOLDER and path.is_dir():
        return target_of(path)
    return path if not path.exists() and shard_folder(path).is_dir() else None


def _entries(
    cache: Path,
    label: str | None,
    kinds: Sequence[str],
    target: Callable[[Path], Path | None],
) -> list[Entry]:
    models = [one for name in _inside(cache) for one in _inside(name)]
    if label is not None:  # What lies beside it is not read.
        models = [cache / label]
    paths = [target(path) for one in models for kind in kinds for path in _inside(one / kind)]
    return [
        Entry(path, f"{path.parts[-4]}/{path.parts[-3]}", path.parts[-2])
        for path in sorted(path for path in paths if path is not None)
        if not path.name.startswith(".")
    ]


def _inside(folder: Path) -> list[Path]:
    """Return what is in a folder, nothing if it is not one; raise InputError if it is closed."""
    try:
        return list(folder.iterdir())
    except OSError as error:
        if error.errno in NO_FOLDER or folder.name == "lost+found":
            return []
        raise InputError(f"{folder}: cannot be read: {error.strerror}") from None


def read_identity(entry: Entry) -> Identity:
    """Return a file's identity, after checking head and layout; no column is read."""
    with opened(entry.path) as file:
        return structure.check_identity(file, entry.path, entry.kind)


def find_model(cache: Path, model: str) -> str:
    """Return the `name/pretrained` in the cache that `model` refers to.

    `model` is as passed to `extract --model` (a short name, `NAME/PRETRAINED`, or the string that
    files or shards record as requested, with its prefix or without; a folder by any path to it),
    as passed to `extract --name`, or any part of `name/pretrained` that only one model has. Raises
    InputError if none or several match, and for a short name that only a folder is called.
    """
    for whole in (model, SHORT_NAMES.get(model)):
        if whole is not None and LABEL.fullmatch(whole) and known(cache, whole):
            return whole
    there = known(cache)
    matches = find_models(there, model, part=True)
    if own := [label for label in matches if _is_namesake(label, model)]:
        short = model.casefold()
        raise InputError(
            f"{cache}: no embeddings of model {model!r}, which stands for {SHORT_NAMES[short]}; "
            f"for your own weights of that name: --model {cut(own, MOST_LISTED, ' or ')}"
        )
    if len(matches) > 1:
        matches = _of_first_layout(there, matches, model)
    if len(matches) == 1:
        return matches[0]
    if matches:
        some = cut(matches, MOST_LISTED, " or ")
        raise InputError(f"{cache}: model {model!r} matches several models: give --model {some}")
    if "," in model:
        each = " ".join(f"--model {shlex.quote(one.strip())}" for one in model.split(","))
        what = f"--model {shlex.quote(model)}: is one name"
        raise InputError(f"{what}; where several are accepted, repeat the option: {each}")
    every = sorted({entry.label for entry in there})
    labels = cut(every, MOST_LISTED, ", ")
    names = [one for one in _names(every) if sizes(one) == sizes(model)]
    question = "" if model in SHORT_NAMES else meant(model, names)
    command = f"oodcache extract --model {shlex.quote(model)} --classes NAME=FILE NAME=FOLDER"
    if SHORT_NAMES.get(model, model).endswith("/demo"):
        command = "oodcache demo"
    raise InputError(
        f"{cache}: no embeddings of model {model!r} (there are: {labels or 'none'}); "
        f"{question}make them with: {command}"
    )


def _is_namesake(label: str, model: str) -> bool:
    """Return whether weights of the user's own are called like a short name, which was typed.

    >>> _is_namesake("local/clip-0123abcd", "CLIP"), _is_namesake("local/mine-0123abcd", "mine")
    (True, False)
    """
    name = own_name(label)
    return name != label and name.casefold() == model.casefold() and name.casefold() in SHORT_NAMES


def _names(labels: Sequence[str]) -> list[str]:
    """Return every whole name that `find_model` takes for one of the labels."""
    short = [name for name, label in SHORT_NAMES.items() if label in labels]
    parts = [part for label in labels for part in label.split("/")]
    return [*short, *map(own_name, labels), *parts, *labels]


def find_models(there: Sequence[Entry], model: str, *, part: bool = False) -> list[str]:
    """Return each `name/pretrained` among entries that `model` refers to, whole or in `part`.

    Files are opened only if several models have it as a name or a pretrained tag, or none has:
    one of each model, and all only if that one and no part says whose it is.
    """
    labels = sorted({entry.label for entry in there})
    for exact in (model, SHORT_NAMES.get(model)):
        if exact in labels:
            return [exact]
    named = [label for label in labels if model in label.split("/")]
    named = named or [label for label in labels if own_name(label) == model]
    if len(named) == 1:
        return named
    asked = [entry for entry in there if not named or entry.label in named]
    firsts = list({entry.label: entry for entry in reversed(asked)}.values())
    found = _asked_for(firsts, model) or named or (_with_part(labels, model) if part else [])
    return found or _asked_for(asked, model)


def _asked_for(entries: Sequence[Entry], model: str) -> list[str]:
    return sorted({entry.label for entry in entries if _is_asked(identity_of(entry), model)})


def _is_asked(identity: Identity | None, model: str) -> bool:
    """Return whether a file's recorded model was typed: a folder in any spelling of its path."""
    if identity is None:
        return False
    prefix, _, path = identity.model.requested.rpartition(":")
    if model in (identity.model.requested, path) or str(Path(model)) == path:
        return True
    typed_prefix, _, typed = model.rpartition(":")
    if prefix not in FOLDERS or typed_prefix not in ("", prefix):
        return False
    folder = _folder(identity)
    # A name in another script, which no label has.
    is_name = not FILE_NAME.fullmatch(model) and model == folder.name
    return is_name or _is_same_folder(Path(typed), folder)


def _folder(identity: Identity) -> Path:
    """Return the folder that a model was loaded from, as far as the file says."""
    places, path = identity.source.get(LOADED_FROM), identity.model.requested.rpartition(":")[2]
    return Path(str(places.get("folder", path) if isinstance(places, dict) else path))


def _of_first_layout(there: Sequence[Entry], labels: Sequence[str], model: str) -> list[str]:
    """Return labels without those of a folder in transformers' layout that has open_clip's, too.

    Without a prefix that one counts, as for `extract`.
    """
    read = [(entry.label, identity_of(entry)) for entry in there if entry.label in labels]
    asked = [(label, one) for label, one in read if one is not None and _is_asked(one, model)]
    starts = tuple(f"{prefix}:" for prefix in FOLDERS)
    first, second = (
        {(label, _folder(one)) for label, one in asked if one.model.requested.startswith(start)}
        for start in starts
    )
    folders = {folder for _, folder in first}
    return [one for one in labels if one not in {who for who, what in second if what in folders}]


def _is_same_folder(typed: Path, recorded: Path) -> bool:
    """Return whether both paths lead to one folder, which is there."""
    with suppress(OSError, RuntimeError, ValueError):  # Too long, no home, a null byte.
        return typed.expanduser().samefile(recorded.expanduser()) and recorded.is_dir()
    return False


def _with_part(labels: Sequence[str], model: str) -> list[str]:
    """Return each `name/pretrained` that contains `model`, unless that is another model's name."""
    if model in SHORT_NAMES or not model:
        return []
    return [label for label in labels if model.casefold() in label.casefold()]


def identity_of(entry: Entry) -> Identity | None:
    """Return the identity of a file or its shards, None if nothing is valid."""
    try:
        return read_identity(entry)
    except InputError:
        return next(_identities_of_shards(entry.path), None)


def _identities_of_shards(target: Path) -> Iterator[Identity]:
    for path in shard_paths(target):
        with suppress(InputError):  # Damaged, or not ours to read.
            yield peek(path, paths=False).run.identity
