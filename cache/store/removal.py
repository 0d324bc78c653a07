"""Removal of a file or a model; files of other formats are never removed."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import read_negatives
from oodcache.cache.format.place import FOLDER, shard_folder, shard_paths
from oodcache.cache.format.sibling import remove_stale, remove_stale_in
from oodcache.cache.store import by_name, store
from oodcache.cache.store.verification import kind_of
from oodcache.cache.text import cut

WANTED = "an .h5 file of embeddings, a .json file of negatives, a folder of shards or a model"


@dataclass(frozen=True)
class Removal:
    """What to remove: `files`, and `folders`, inner ones first, if they are then empty.

    Leftovers of killed writers are removed from `swept` folders, and next to the files.
    """

    files: tuple[Path, ...]
    swept: tuple[Path, ...]
    folders: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Return the size of the files in bytes."""
        return sum(path.lstat().st_size for path in self.files)


def find(cache: Path, subject: str) -> Removal:
    """Return what to remove for `subject`, a path, a model of the cache, or the name of one file.

    Raises InputError for what is not a file of ours.
    """
    if Path(subject).suffix in (".h5", ".json", FOLDER):
        return _of_path(cache, Path(subject))
    there = by_name.everything(cache)
    labels, named = store.find_models(there, subject), by_name.named(there, subject)
    if named and (labels or len(named) > 1):
        some = cut([*labels, *map(str, named)], 3, " or ")
        raise InputError(f"{cache}: {subject!r} is several files: give one of them: {some}")
    if named:
        return _of_path(cache, named[0])
    if len(labels) == 1:
        return _of_model(cache, [entry for entry in there if entry.label == labels[0]])
    if labels:
        raise InputError(f"{cache}: {subject!r} matches several models: give {' or '.join(labels)}")
    models = ", ".join(sorted({entry.label for entry in there})) or "none"
    raise InputError(f"{subject}: is not {WANTED} of {cache} (there are: {models})")


def remove(removal: Removal) -> list[Path]:
    """Remove it; return what is left in the folders: in use, or not ours."""
    for path in removal.files:
        path.unlink(missing_ok=True)
        remove_stale(path)
    for folder in removal.swept:
        remove_stale(folder)
        remove_stale_in(folder)
    for folder in removal.folders:
        with suppress(OSError):  # Not empty: the model has other files.
            folder.rmdir()
    return [path for folder in removal.swept for path in sorted(folder.glob("*"))]


def _of_path(cache: Path, path: Path) -> Removal:
    if path.suffix == ".h5" and not path.exists() and not path.is_symlink():
        path = shard_folder(path) if shard_folder(path).is_dir() else path
    parents = _parents(cache, path)
    if path.suffix == FOLDER:
        _check_folder(cache, path)
        files = shard_paths(path)
        if not parents and not (files and all(_is_valid(one) for one in files)):
            raise InputError(
                f"{path}: is not in {cache}, and contains other files than shards: not removed"
            )
        return Removal(tuple(files), (path,), (path, *parents))
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode) and not (parents and stat.S_ISLNK(mode)):
        raise InputError(f"{path}: is not a file: not removed; expected {WANTED}")
    if not parents and not _is_valid(path):
        raise InputError(
            f"{path}: is not of this format and not in {cache}: not removed; if it is a damaged "
            "file of another cache, give its folder with --cache"
        )
    return Removal((path,), (), parents)


def _of_model(cache: Path, there: Sequence[store.Entry]) -> Removal:
    begun = {shard_folder(entry.path) for entry in there if entry.kind in store.KINDS}
    shards = sorted(folder for folder in begun if folder.is_dir())
    files = [entry.path for entry in there if entry.path.exists() or entry.path.is_symlink()]
    files += [path for folder in shards for path in shard_paths(folder)]
    for path in (*files, *shards):
        if not _parents(cache, path):
            raise InputError(f"{path}: is behind a link, not in {cache}: not removed")
    for folder in shards:
        _check_folder(cache, folder)
    for path in files:
        if path.is_dir() and not path.is_symlink():
            raise InputError(f"{path}: is a folder, not a file: not removed")
    kinds = sorted({entry.path.parent for entry in there})
    above = [*kinds, kinds[0].parent, kinds[0].parent.parent]
    return Removal(tuple(files), (*shards, *kinds), (*shards, *above))


def _parents(cache: Path, path: Path) -> tuple[Path, ...]:
    """Return the folders between a path in the cache and the cache, inner ones first.

    Empty if the path is not in the cache's layout, or only through a link.
    """
    try:
        parts = (path.parent.resolve() / path.name).relative_to(cache.resolve()).parts
    except ValueError:
        return ()
    kinds = (store.NEGATIVES,) if path.suffix == ".json" else store.KINDS
    if len(parts) not in (4, 5) or parts[2] not in kinds or parts[-1].startswith("."):
        return ()
    if len(parts) == 5 and (Path(parts[3]).suffix, path.suffix) != (FOLDER, ".h5"):
        return ()
    return tuple(path.parents)[: len(parts) - 1]


def _check_folder(cache: Path, folder: Path) -> None:
    """Reject what is not a folder, such as a link to one elsewhere."""
    if not stat.S_ISDIR(folder.lstat().st_mode):
        raise InputError(f"{folder}: is not a folder, or is a link to one: not removed")


def _is_valid(path: Path) -> bool:
    """Return whether a file has our format's head."""
    try:
        (read_negatives if path.suffix == ".json" else kind_of)(path)
    except InputError:
        return False
    return True
