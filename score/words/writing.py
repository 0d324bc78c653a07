"""Negatives mined, and written into the cache. Knows no click."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from oodcache.cache import names
from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import Negatives, write_negatives
from oodcache.cache.store import store
from oodcache.cache.watch import Note
from oodcache.score.words.miner import mine


def mined(*, cache: Path, model: str, name: str, overwrite: bool, note: Note, **given: Any) -> None:
    """Mine negatives, write their file and say what it holds; refuse to replace one unasked."""
    path = names.negatives_path(cache, store.find_model(cache, model), name)
    if path.exists() and not overwrite:
        raise InputError(f"{path}: is there; mine anew with --overwrite, or give another -o NAME")
    versions = {library: version(library) for library in ("oodcache", "numpy")}
    found = mine(cache, model, name=name, note=note, versions=versions, **given)
    write_negatives(path, found)
    note(f"wrote {path}: {_told(found)}")


def _told(found: Negatives) -> str:
    words = sum(len(one.words) for one in found.lists)
    candidates = sum(one.candidates for one in found.lists)
    return f"{words:,} words of {candidates:,} (--keep {found.keep})"
