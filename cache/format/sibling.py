"""A file written under a temporary name, and renamed once it is complete.

Until then it is called `.<name>.<eight digits>.part` and locked by its writer. An unlocked one is
left over from a killed writer, and is removed when the same file is written again.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

from oodcache.cache.errors import InputError

if sys.platform != "win32":  # There, a file in use cannot be removed anyway.
    import fcntl

Stream = TypeVar("Stream", bound=IO[Any])
SUFFIX = ".part"
ELSEWHERE = "give another folder with --cache or --output"
ADVICE = {
    errno.ENOSPC: f"free some, or {ELSEWHERE}",
    errno.EDQUOT: f"free some, or {ELSEWHERE}",
    errno.EFBIG: f"raise the limit (ulimit -f), or {ELSEWHERE}",
    errno.EACCES: ELSEWHERE,
    errno.EPERM: ELSEWHERE,
    errno.EROFS: ELSEWHERE,
}


@contextmanager
def sibling(path: Path) -> Iterator[Path]:
    """Yield a temporary file to write; rename it to `path` on success, otherwise remove it.

    Raises InputError for any OSError inside the block: use it around the writing only.
    """
    with unfinished(path) as part, writing(path):
        yield part


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Do what `sibling` does, but let the caller's own OSErrors pass.

    File and folder are synced to disk before the rename. Two writers of one path each have their
    own file, and the last to finish wins. A link stays: the file that it leads to is written.
    Raises InputError if `path` is a device or a named pipe, which a rename would replace.
    """
    with writing(path):
        path = _regular(path)
        _make_folder(path.parent)
        remove_stale(path)
    # Named before it is created, so that it is removed whenever Ctrl-C comes.
    part, lock = path.with_name(_part_name(path)), None
    try:
        with writing(path):
            lock = _created(part)
        yield part
        with writing(path):
            _sync(part)
            part.replace(path)
            _sync(path.parent)
    finally:
        with suppress(OSError):  # Such as a name that is too long, already reported.
            part.unlink(missing_ok=True)
        if lock is not None:
            os.close(lock)


@contextmanager
def flushed(stream: Stream) -> Iterator[Stream]:
    """Close a stream that the block has flushed; what it failed to flush does not raise again."""
    try:
        yield stream
    finally:
        with suppress(OSError):
            stream.close()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait for the folder's lock and hold it, so that files in it are replaced one at a time.

    Without support for locks, as in some network file systems, it does not wait.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _locked(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)


def remove_stale(path: Path) -> None:
    """Remove what killed writers of `path` left; keep what is being written."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*{SUFFIX}"):
        if part.is_dir():  # Left by `discard`.
            shutil.rmtree(part, ignore_errors=True)
            continue
        with suppress(OSError):  # Already removed, or not ours to remove.
            descriptor = os.open(part, os.O_RDWR)
            try:
                if _locked(descriptor, wait=False):
                    part.unlink()
            finally:
                os.close(descriptor)


def remove_stale_in(folder: Path) -> None:
    """Remove what killed writers of any file left in a folder; keep what is being written."""
    for name in {part.name[1:].rsplit(".", 2)[0] for part in folder.glob(f".*.*{SUFFIX}")}:
        remove_stale(folder / name)


def discard(folder: Path) -> None:
    """Remove a folder: rename it first, so that it disappears at once."""
    with writing(folder):
        remove_stale(folder)
        trash = folder.with_name(_part_name(folder))
        with suppress(FileNotFoundError):
            folder.rename(trash)
            _sync(folder.parent)
            shutil.rmtree(trash, ignore_errors=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError into one line: which file cannot be written, why, what to do."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else " ".join(str(error).split())
        advice = f": {ADVICE[error.errno]}" if error.errno in ADVICE else ""
        raise InputError(f"{path}: cannot be written: {reason}{advice}") from error


def _regular(path: Path) -> Path:
    """Return the path that a link leads to; raise InputError for what is no regular file."""
    found = Path(os.path.realpath(path)) if path.is_symlink() else path
    if path.exists() and not (path.is_file() or path.is_dir()):
        what = "is a device or a named pipe, which is not replaced"
        raise InputError(f"{path}: {what}; give the name of a file, or print without --output")
    return found


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents, and sync each one's parent."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        _make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError:  # There is a file in the folder's place.
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
    _sync(folder.parent)


def _created(part: Path) -> int:
    """Make an empty file with default permissions; return its lock.

    Before it is locked, another writer may remove it as stale.
    """
    while True:
        lock = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        _locked(lock, wait=True)
        if part.exists():
            return lock
        os.close(lock)


def _locked(descriptor: int, *, wait: bool) -> bool:
    """Lock a file until it is closed; return False if it is in use or locks are not supported."""
    if sys.platform == "win32":
        return False
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        return True
    return False


def _part_name(path: Path) -> str:
    return f".{path.name}.{secrets.token_hex(4)}{SUFFIX}"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
