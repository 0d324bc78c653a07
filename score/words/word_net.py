"""WordNet: its synsets, their lemmas, and which are below or above which.

A synset is named by its part of speech and its offset, such as n02012849, which is how ImageNet
names its classes. Only nouns and adjectives are read: the lists that negatives are mined from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.text import bounded
from oodcache.score.words.spelling import forms, plain

LIMIT = 2**26  # Bytes: four times WordNet's nouns.
NOUNS, ADJECTIVES = "data.noun", "data.adj"
# Numbered lines of the licence are above the synsets.
LICENCE, RELEASE = re.compile(r"  \d+ "), re.compile(r"WordNet (\d+\.\d+) Copyright")
# Offset, lexicographer's file, part of speech, number of lemmas (hexadecimal), and the rest.
LINE = re.compile(r"(\d{8}) \d\d ([nas]) ([0-9a-f]{2}) (.+)")
MARKER = re.compile(r"\((?:p|a|ip)\)$")  # Of an adjective's place in a sentence.
ABOVE = ("@", "@i")  # Pointers to a hypernym, and to what something is an instance of.
# The release whose offsets ImageNet's ids are.
OF_IDS = "3.0"


@dataclass(frozen=True)
class WordNet:
    """A release of WordNet: the `lemmas` of each synset, and the synsets right `above` it."""

    release: str
    lemmas: Mapping[str, Sequence[str]]
    above: Mapping[str, Sequence[str]]

    def synset(self, wordnet_id: str) -> set[str]:
        """Return the synset of an id of ImageNet's; none if unknown or of another release."""
        return {wordnet_id} & self.lemmas.keys() if self.release == OF_IDS else set()

    def senses(self, name: str) -> set[str]:
        """Return every synset that has a name among its lemmas, in any of its forms."""
        return {synset for form in forms(name) for synset in self._by_lemma.get(form, ())}

    def names(self, synsets: Iterable[str]) -> list[str]:
        """Return the lemmas of synsets, each once."""
        return list(dict.fromkeys(one for synset in synsets for one in self.lemmas.get(synset, ())))

    def ancestors(self, synsets: set[str]) -> set[str]:
        """Return all synsets above any of these, at any distance; none of these."""
        return _reached(synsets, self.above) - synsets

    def descendants(self, synsets: set[str]) -> set[str]:
        """Return all synsets below any of these, at any distance; none of these."""
        return _reached(synsets, self._below) - synsets

    @cached_property
    def _by_lemma(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for synset, lemmas in self.lemmas.items():
            for one in lemmas:
                found.setdefault(plain(one), []).append(synset)
        return found

    @cached_property
    def _below(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for synset, higher in self.above.items():
            for one in higher:
                found.setdefault(one, []).append(synset)
        return found


def read_wordnet(folder: Path) -> WordNet:
    """Return the WordNet in a folder with data.noun and, if it is there, data.adj.

    Raises InputError, with the line number, for files that are none of WordNet's.
    """
    if not (folder / NOUNS).is_file():
        raise InputError(
            f"{folder}: contains no {NOUNS}; give the folder with WordNet's database files"
        )
    files = [one for one in (folder / NOUNS, folder / ADJECTIVES) if one.is_file()]
    lemmas: dict[str, Sequence[str]] = {}
    above: dict[str, Sequence[str]] = {}
    releases = [_read(path, lemmas, above) for path in files]
    if len(set(releases)) > 1:
        raise InputError(f"{files[1]}: of WordNet {releases[1]}, but {NOUNS} of {releases[0]}")
    return WordNet(releases[0], lemmas, above)


def _read(path: Path, lemmas: dict[str, Sequence[str]], above: dict[str, Sequence[str]]) -> str:
    """Add the synsets of a file; return its release."""
    try:
        content = bounded(path, LIMIT, "a database file of WordNet")
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    lines = content.decode("utf-8", "replace").split("\n")
    count = next((at for at, line in enumerate(lines) if not LICENCE.match(line)), len(lines))
    release = RELEASE.search("\n".join(lines[:count]))
    if release is None:
        raise InputError(f"{path}: has no licence of WordNet at its top; give an unchanged file")
    for number, line in enumerate(lines[count:], count + 1):
        if not line:
            continue
        try:
            synset, lemmas[synset], above[synset] = _parsed(line)
        except (IndexError, ValueError):
            raise InputError(
                f"{path}: line {number} is not a WordNet synset; give an unchanged {path.name}"
            ) from None
    return release[1]


def _parsed(line: str) -> tuple[str, Sequence[str], Sequence[str]]:
    """Return a synset's name, its lemmas and the synsets above; raise ValueError if it is none."""
    found = LINE.match(line)
    if found is None:
        raise ValueError
    offset, part, hexadecimal, rest = found.groups()
    words = rest.split(" | ", 1)[0].split(" ")
    first = 2 * int(hexadecimal, 16)
    pointers = words[first + 1 : first + 1 + 4 * int(words[first])]
    if len(pointers) != 4 * int(words[first]):
        raise ValueError
    fours = zip(*(pointers[at::4] for at in range(4)), strict=True)
    above = [f"{_part(of)}{target}" for kind, target, of, _ in fours if kind in ABOVE]
    lemmas = [MARKER.sub("", one).replace("_", " ") for one in words[:first:2]]
    return f"{_part(part)}{offset}", lemmas, above


def _part(letter: str) -> str:
    """Return a part of speech; satellites of adjectives are adjectives."""
    return "a" if letter == "s" else letter


def _reached(start: set[str], steps: Mapping[str, Sequence[str]]) -> set[str]:
    """Return all that any number of steps from `start` reaches, with itself."""
    reached, ahead = set(start), list(start)
    while ahead:
        new = set(steps.get(ahead.pop(), ())) - reached
        reached |= new
        ahead += new
    return reached
