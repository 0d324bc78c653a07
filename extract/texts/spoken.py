"""Class names as prompts say them: words for WordNet ids and numbers, spaces for underscores."""

from __future__ import annotations

import re
from collections.abc import Sequence

from oodcache.cache.errors import InputError
from oodcache.cache.text import counted
from oodcache.cache.watch import Note
from oodcache.extract.texts import imagenet
from oodcache.extract.texts.imagenet import PREFIXED, WORDNET_ID
from oodcache.extract.texts.mappings import NUMBER
from oodcache.extract.texts.word_lists import Columns

# "001.Black_footed_Albatross", as in CUB-200; "n02085620-Chihuahua", as in Stanford Dogs.
ORDINAL = re.compile(r"[0-9]+[._-]\s*((?![0-9]).*)")
THOUSAND = 1000


def spoken(columns: Columns, where: str, note: Note) -> Columns:
    """Return classes with names for prompts; a class keeps the name that it had as its id.

    Notes say what was changed, with an example. `where` names the source in notes and errors.
    Raises InputError if some names, or all, are WordNet ids that have no name here.
    """
    ids, raw = columns
    names = _of_ids(raw, where, note)
    if names is raw:
        names = _without_prefix(raw, where, note)
    names = _with_spaces(names, where, note)
    return (ids if any(ids) or names == raw else raw), names


def by_number(names: Sequence[str]) -> list[str]:
    """Return the names of class folders in order: by number if they are 0 to K-1, else as text.

    >>> by_number([str(number) for number in range(12)])[8:]
    ['8', '9', '10', '11']
    """
    return sorted(names, key=int) if are_class_numbers(names) else sorted(names)


def are_class_numbers(names: Sequence[str]) -> bool:
    """Return whether names are the numbers from 0 to K-1, in any order."""
    if not all(map(NUMBER.fullmatch, names)):
        return False
    return {int(name) for name in names} == set(range(len(names)))


def _of_ids(names: tuple[str, ...], where: str, note: Note) -> tuple[str, ...]:
    """Return ImageNet's names for its WordNet ids or its class numbers, or `names` itself."""
    if len(names) == THOUSAND and are_class_numbers(names):
        found = imagenet.thousand()[1]
        note(f"{where}: folders 0 … 999 are ImageNet's class numbers; prompts use its names")
        return tuple(found[int(name)] for name in names)
    ids = [name for name in names if WORDNET_ID.fullmatch(name)]
    if not ids:
        return names
    if len(ids) < len(names):
        other = next(name for name in names if not WORDNET_ID.fullmatch(name))
        raise InputError(
            f"{where}: {len(ids):,} of {counted(len(names), 'class')} are WordNet ids without a "
            f"name, such as {ids[0]}, and others, such as {other[:60]!r}, are not; write a file "
            "with an id, a tab and a name per line"
        )
    found_names = imagenet.named(ids)
    if found_names is None:
        raise InputError(
            f"{where}: its classes are WordNet ids, but not all are ImageNet's, so their names are "
            "unknown; write a file with an id, a tab and a name per line"
        )
    whose, named = found_names
    note(f"{where}: prompts use {whose}'s names for WordNet ids, such as {named[0]!r} for {ids[0]}")
    return named


def _without_prefix(names: tuple[str, ...], where: str, note: Note) -> tuple[str, ...]:
    """Return names without the numbers or WordNet ids before them, if all have one."""
    for pattern in (PREFIXED, ORDINAL):
        found = [match[1] for name in names if (match := pattern.fullmatch(name))]
        if len(found) == len(names) > 1:
            note(f"{where}: prompts omit what is before names: {found[0]!r} for {names[0]!r}")
            return tuple(found)
    return names


def _with_spaces(names: tuple[str, ...], where: str, note: Note) -> tuple[str, ...]:
    changed = tuple(re.sub("_+", " ", name).strip() or name for name in names)
    pairs = [(new, old) for new, old in zip(changed, names, strict=True) if new != old]
    if pairs:
        new, old = pairs[0]
        note(
            f"{where}: prompts have spaces for underscores in {counted(len(pairs), 'name')}: "
            f"{new!r} for {old!r}"
        )
    return changed
