"""A file under construction: written beside its final name, which it gets once it is whole."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oodcache.cache.errors import InputError

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
    """Give a new file beside `path` to write to; on success it becomes `path`, else it goes.

    Raises InputError if it cannot be written: use it around nothing but the writing.
    """
    with unfinished(path) as part, writing(path):
        yield part


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Do what `sibling` does, but let the caller's own errors pass as they are.

    File and folder are synced to disk before the name means "done". Two writers of one path each
    have a file of their own, and the last to finish wins.
    """
    with writing(path):
        part = _created(path)
    try:
        yield part
        with writing(path):
            _sync(part)
            part.replace(path)
            _sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an error of the system into one line: which file cannot be written, why, what to do."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else " ".join(str(error).split())
        advice = f": {ADVICE[error.errno]}" if error.errno in ADVICE else ""
        raise InputError(f"{path}: cannot be written: {reason}{advice}") from error


def _created(path: Path) -> Path:
    """Return a new, empty file beside `path`, with the permissions that any new file gets."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:  # Which is what the system says of a file in a folder's place.
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}{SUFFIX}")
    part.touch(exist_ok=False)
    return part


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
