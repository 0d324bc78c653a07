"""Word lists: WordNet's index files, and adjectives joined to superclasses.

A list is two columns of equal length, ids and names; ids are all empty if there are none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError

Columns = tuple[tuple[str, ...], tuple[str, ...]]
# Chen et al., NeurIPS 2024.
SUPERCLASSES = (
    *("environment", "space", "object", "scene", "place", "item", "area"),
    *("view", "thing", "pattern", "structure", "landscape", "vista", "creature"),
)
SEED = 0
# WordNet's files have numbered lines of the licence, then lines of the index:
# lemma, part of speech, number of synsets, number of pointers, …, the last synset's offset.
LICENCE, OWNER = re.compile(r"  \d+ "), "Princeton University"
INDEX = re.compile(r"(\S+) [nvar] \d+ \d+ (?:\S+ )*\d{8}\s*")


def is_wordnet(lines: Sequence[str]) -> bool:
    """Return whether lines are a file of WordNet's index, or another one with its licence."""
    return bool(_licence(lines) or INDEX.fullmatch(lines[0]))


def lemmas(path: Path, lines: Sequence[str]) -> Columns:
    """Return the lemmas of WordNet's index, with spaces for '_', and no ids.

    Raises InputError, with the line number, for a line that is none of an index or repeats another.
    """
    licence = _licence(lines)
    names = _lemmas(path, lines, licence)
    _check_distinct(path, names, licence + 1)
    return ("",) * len(names), names


def conjugated(columns: Columns) -> Columns:
    """Return each adjective joined to a superclass, drawn in the order of the list.

    The pool of CSP: Chen et al., *Conjugated Semantic Pool Improves OOD Detection with Pre-trained
    Vision-Language Models*, NeurIPS 2024.

    >>> conjugated((("", ""), ("nice", "old")))
    (('', ''), ('nice landscape', 'old thing'))
    """
    ids, adjectives = columns
    drawn = np.random.default_rng(SEED).integers(len(SUPERCLASSES), size=len(adjectives))
    pairs = zip(adjectives, drawn.tolist(), strict=True)
    return ids, tuple(f"{adjective} {SUPERCLASSES[place]}" for adjective, place in pairs)


def first_lemmas(lemmas: str, ids: Sequence[str]) -> tuple[str, ...]:
    """Return the first lemma of each id; lines of `lemmas` are an id, a tab and its lemmas.

    >>> first_lemmas("n1\\tcat, true cat", ["n1"])
    ('cat',)
    """
    by_id = dict(line.split("\t") for line in lemmas.split("\n") if line)
    return tuple(by_id[one].split(",")[0].strip() for one in ids)


def _licence(lines: Sequence[str]) -> int:
    """Return how many lines of the licence are at the top of a WordNet file."""
    count = next((at for at, line in enumerate(lines) if not LICENCE.match(line)), len(lines))
    return count if any(OWNER in line for line in lines[:count]) else 0


def _lemmas(path: Path, lines: Sequence[str], licence: int) -> tuple[str, ...]:
    """Return the lemmas of WordNet's index below the licence, with spaces for '_'."""
    lemmas = []
    for number, line in enumerate(lines[licence:], licence + 1):
        found = INDEX.fullmatch(line)
        if found is None:
            raise InputError(
                f"{path}: line {number} is not a WordNet index line, though the lines above are; "
                "expected an unchanged index.noun, index.adj, index.verb or index.adv"
            )
        lemmas.append(found[1].replace("_", " "))
    if not lemmas:
        raise InputError(f"{path}: contains WordNet's licence but no words")
    return tuple(lemmas)


def _check_distinct(path: Path, keys: Sequence[str], start: int) -> None:
    first: dict[str, int] = {}
    for number, key in enumerate(keys, start):
        if key in first:
            raise InputError(
                f"{path}: line {number} repeats line {first[key]}, {key!r}; remove one"
            )
        first[key] = number
