"""Verifying, merging and removing files, with the lines that `oodcache cache` prints."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from oodcache.cache import names
from oodcache.cache.errors import InputError, RuleError, UnreadError
from oodcache.cache.files import alike
from oodcache.cache.files.negatives import read_negatives
from oodcache.cache.files.texts import open_text_rows
from oodcache.cache.format.place import Run, shard_folder, shard_paths
from oodcache.cache.shards import merging
from oodcache.cache.shards.merging import Shard
from oodcache.cache.shards.shard_set import damaged
from oodcache.cache.shards.summary import summarise
from oodcache.cache.store import removal, store
from oodcache.cache.store.verification import kind_of, verify
from oodcache.cache.text import counted, megabytes
from oodcache.cache.watch import Progress

SHOWN = 20


def verified(
    files: Sequence[Path], cache: Path, *, quick: bool, progress: Progress
) -> Iterator[str]:
    """Yield a line for each file, valid or broken; raise InputError at the end if any is broken."""
    paths = [path for file in files for path in _meant(file)] if files else _all(cache)
    broken, unread = list[Path](), list[Path]()
    for path in paths:
        try:
            _verify(path, quick, progress)
            yield f"sound  {path}"
            yield from () if quick else _alike(path)
        except InputError as error:
            if not files and not os.path.lexists(path):
                yield f"gone   {path}: was merged or removed meanwhile"
                continue
            is_unread = isinstance(error, UnreadError)
            (unread if is_unread else broken).append(path)
            yield f"{'UNREAD' if is_unread else 'BROKEN'} {error}"
    if unread and not broken:
        of = counted(len(paths), "file")
        raise InputError(f"{len(unread):,} of {of} could not be read: see above")
    if broken and not any(path.is_file() for path in broken):
        raise InputError(f"{broken[0]}: not a file; list the files with: oodcache cache ls")
    if broken:
        verb = "is" if len(broken) == 1 else "are"
        commands = {"negatives" if path.suffix == ".json" else "extract" for path in broken}
        how = " and ".join(f"oodcache {one} --overwrite" for one in sorted(commands))
        raise InputError(
            f"{len(broken):,} of {counted(len(paths), 'file')} {verb} broken; remake the broken "
            f"files with: {how}"
        )


def _verify(path: Path, quick: bool, progress: Progress) -> None:
    if path.suffix == ".json":
        read_negatives(path)
        return
    if quick:
        verify(path, quick=True)
        return
    with progress(f"verify {path.name}", summarise(path).rows, "rows") as advance:
        verify(path, advance=advance)


def _alike(path: Path) -> Iterator[str]:
    """Yield a line on the classes of a text file that share one vector, if there are any."""
    is_texts = path.suffix != ".json" and kind_of(path) == "texts"
    if is_texts and (same := alike.within(open_text_rows(path))):
        yield f"equal  {path}: {same}"


def _meant(file: Path) -> list[Path]:
    target = store.meant_target(file)
    if target is None:
        return [file]
    if not (found := shard_paths(target)):
        raise InputError(f"{shard_folder(target)}: contains no shard")
    return found


def _all(cache: Path) -> list[Path]:
    whole = [entry.path for entry in store.entries(cache)]
    shards = [path for entry in store.begun(cache) for path in shard_paths(entry.path)]
    negatives = [entry.path for entry in store.negatives(cache)]
    if not whole and not shards and not negatives:
        raise InputError(f"{cache}: contains no embeddings to verify")
    return [*whole, *shards, *negatives]


def merged(files: Sequence[Path], cache: Path) -> Iterator[str]:
    """Yield a line for each merged file; raise InputError at the end if shards make no file.

    `files` are targets or shard folders, each merged in place, and shards from anywhere, which
    must make one file of the cache. Without files, all that are begun are merged.
    """
    loose = [file for file in files if _is_shard(file)]
    targets = [store.meant_target(file) or file for file in files if file not in loose]
    if not files:
        targets = [entry.path for entry in store.begun(cache)]
        if not targets and not (whole := store.entries(cache)):
            raise InputError(f"{cache}: contains no embeddings to merge")
        if not targets:
            yield f"{cache}: {counted(len(whole), 'file')}, all merged already"
    refused = []
    for target in dict.fromkeys(targets):
        try:
            yield _merge_beside(target)
        except InputError as error:
            refused.append(error)
            if len(targets) + len(loose) > 1:
                yield f"FAILED {error}"
    if loose:
        yield _merge_loose(loose, cache)
    if refused:
        raise (
            refused[0]
            if len(targets) + len(loose) == 1
            else InputError(
                f"{len(refused):,} of {counted(len(targets), 'file')} could not be merged"
            )
        )


def _is_shard(file: Path) -> bool:
    """Return whether a file is a shard rather than a target."""
    try:
        return store.meant_target(file) is None and summarise(file).place is not None
    except RuleError as error:
        raise damaged(error, file) from None


def _merge_beside(target: Path) -> str:
    found = merging.find(target)
    for path, damage in found.damaged.items():
        if path.exists():  # Otherwise it was merged and removed meanwhile.
            raise damaged(damage, path)
    if found.shards:
        return _merge(target, found.shards)
    if not target.exists():
        raise InputError(f"{shard_folder(target)}: contains no shard: run oodcache extract again")
    summarise(target)
    return f"{target}: merged already"


def _merge_loose(files: Sequence[Path], cache: Path) -> str:
    shards = [merging.peek(file) for file in dict.fromkeys(files)]
    run = shards[0].run
    target = names.place(
        cache, run.kind, run.identity.model.label, str(run.identity.source["name"])
    )
    folder = shard_folder(target)
    if all(shard.path.parent.resolve() == folder.resolve() for shard in shards):
        return _merge(target, [replace(one, path=folder / one.path.name) for one in shards])
    if not target.exists():
        return _merge(target, shards)
    # Never replaced: the target may have rows, from --retry-failed, that the shards lack.
    merging.check_fit(shards)
    _check_same(target, run)
    return f"{target}: merged already, from the same run; the given shards were not changed"


def _merge(target: Path, shards: Sequence[Shard]) -> str:
    """Merge shards; an existing target is replaced only by shards of its own run."""
    run = shards[0].run
    try:
        _check_fit(target, shards)
        if target.exists():
            _check_same(target, run)
        merging.merge(target, shards)
    except InputError as error:
        gone = not all(shard.path.exists() for shard in shards)
        if gone and _is_of(target, run):
            return f"{target}: merged already, by another process"
        for shard in shards:
            if isinstance(error, RuleError) and error.path == shard.path:
                raise damaged(error, shard.path) from None
        raise
    rows, failed = shards[0].place.total, sum(shard.failed for shard in shards)
    count = counted(len(shards), "shard")
    return f"{target}: merged {count}, {counted(rows, 'row')}, {failed:,} not ok"


def _check_fit(target: Path, shards: Sequence[Shard]) -> None:
    kind = shards[0].run.kind
    if target.parent.name in store.KINDS and target.parent.name != kind:
        raise InputError(f"{shards[0].path}: holds {kind}, not {target.parent.name}")
    try:
        merging.check_fit(shards)
    except InputError as error:
        if not _is_of(target, shards[0].run):
            raise
        folder = shlex.quote(str(shard_folder(target)))
        raise InputError(
            f"{error}; or, as {target} is complete, remove the shards: oodcache cache rm {folder}"
        ) from None


def _check_same(target: Path, run: Run) -> None:
    """Reject replacing a file that another run made, or that cannot be read."""
    remedy = f"remove it first: oodcache cache rm {shlex.quote(str(target))}"
    try:
        differences = _differences(target, run)
    except InputError as error:
        raise InputError(f"{error}; to replace it by the merged shards, {remedy}") from None
    if differences:
        raise InputError(
            f"{target}: exists, made from {differences[0]} than the shards; to replace it, "
            f"{remedy}, or run oodcache extract --overwrite again"
        )


def _is_of(target: Path, run: Run) -> bool:
    try:
        return not _differences(target, run)
    except InputError:
        return False


def _differences(target: Path, run: Run) -> list[str]:
    found = summarise(target, run.kind)
    return Run(run.kind, found.identity, found.dtype, run.shard_rows).differences(run)


def announced(found: removal.Removal) -> Iterator[str]:
    """Yield the files to remove, at most the first 20."""
    for path in found.files[:SHOWN]:
        yield f"  {path}"
    if len(found.files) > SHOWN:
        yield f"  … and {len(found.files) - SHOWN:,} more"


def amount(found: removal.Removal) -> str:
    """Return the number and size of the files to remove.

    >>> amount(removal.Removal((), (), ()))
    '0 files, 0 MB'
    """
    return f"{counted(len(found.files), 'file')}, {megabytes(found.size)} MB"
