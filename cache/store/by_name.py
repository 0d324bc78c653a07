"""Files of the cache by what a user types: a path, a name of datasets or vocabularies, a model."""

from __future__ import annotations

import os
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.format.place import FOLDER
from oodcache.cache.store import store
from oodcache.cache.store.store import Entry
from oodcache.cache.text import cut

ENDINGS = (".h5", ".json", FOLDER)
MOST_LISTED = 6


def find(cache: Path, typed: str) -> list[Path]:
    """Return the files that `typed` refers to: a path, all files of a name, or all of a model.

    What ends as our files do is a path, and what else exists, unless a file of the cache is called
    so. Raises InputError if nothing is called so.
    """
    if Path(typed).suffix in ENDINGS:
        return [Path(typed)]
    there = everything(cache)
    labels = store.find_models(there, typed)
    found = [one.path for one in there if one.label in labels] or named(there, typed)
    if not found and os.path.lexists(typed):
        return [Path(typed)]
    if not found:
        known = cut(sorted({one.name for one in there}), MOST_LISTED, ", ") or "none"
        raise InputError(
            f"{typed}: no such file, and {cache} has no model, dataset or vocabulary of that name "
            f"(there are: {known}); list its files with: oodcache cache ls"
        )
    return found


def everything(cache: Path) -> list[Entry]:
    """Return all files of the cache, finished or begun, sorted by path."""
    found = {*store.known(cache), *store.negatives(cache)}
    return sorted(found, key=lambda entry: entry.path)


def named(there: list[Entry], name: str) -> list[Path]:
    """Return the files of a dataset, vocabulary or negatives called `name`, of any model."""
    return [entry.path for entry in there if entry.name == name]
