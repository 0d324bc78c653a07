"""Word lists: text files, WordNet's index files, and adjectives joined to superclasses.

A list is two columns of equal length, ids and names; ids are all empty if there are none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.text import read_lines

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


def read(path: Path) -> Columns:
    """Return the names in a file with lines of a name, of an id, a tab and a name, or of WordNet.

    Raises InputError, with the line number, for a line that is none of these or repeats another.
    """
    lines = _lines(path)
    licence = _licence(lines)
    if licence or INDEX.fullmatch(lines[0]):
        names = _lemmas(path, lines, licence)
        ids = ("",) * len(names)
        _check_distinct(path, names, licence + 1)
        return ids, names
    pairs = [line.split("\t") if "\t" in line else ["", line] for line in lines]
    for number, pair in enumerate(pairs, 1):
        _check_line(path, number, pair, with_id="\t" in lines[0])
    ids, names = (tuple(part.strip() for part in column) for column in zip(*pairs, strict=True))
    _check_distinct(path, ids if ids[0] else names)
    return ids, names


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


def _lines(path: Path) -> list[str]:
    lines = read_lines(path, "; --classes NAME=FILE expects a file of names")
    if not lines:
        raise InputError(f"{path}: is empty; expected a class name per line")
    return lines


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


def _check_line(path: Path, number: int, pair: list[str], *, with_id: bool) -> None:
    if not pair[-1].strip():
        raise InputError(f"{path}: line {number} is blank; remove it")
    if len(pair) != 2 or bool(pair[0].strip()) != with_id or "\0" in "".join(pair):
        wanted = "an id, a tab and a name, as in line 1" if with_id else "a name without a tab"
        raise InputError(f"{path}: line {number}: expected {wanted}")


def _check_distinct(path: Path, keys: Sequence[str], start: int = 1) -> None:
    first: dict[str, int] = {}
    for number, key in enumerate(keys, start):
        if key in first:
            raise InputError(
                f"{path}: line {number} repeats line {first[key]}, {key!r}; remove one, or "
                "distinguish them by ids: an id, a tab, a name"
            )
        first[key] = number
