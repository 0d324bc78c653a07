"""A file of negatives: the words that mining kept, and everything that determined the choice.

JSON with the words only: their vectors are in the text files that it names. Writer and reader
check the rules N1 to N9 of docs/cache-format.md.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

from oodcache.cache.errors import FileError, RuleError
from oodcache.cache.format.identity import FILE_NAME
from oodcache.cache.format.rules import one_line, repeated, shown
from oodcache.cache.format.sibling import sibling
from oodcache.cache.json_text import content_sum, parse_json, read_limited

SUM = "sha256"
# The first versions with these fields; only a file with nearest words has `near`.
SIGNED, TEMPLATES, NEAR = 2, 3, 4
SINCE = {SUM: SIGNED, "templates": TEMPLATES, "near": NEAR}
FORMAT, VERSIONS = "oodcache-negatives", (1, SIGNED, TEMPLATES, NEAR)
AVERAGE = "average"
LIMIT = 2**24  # Bytes: five times all of WordNet's words.
NEGATIVE, CSP = "negative", "csp"
RULES = {
    "N1": "one JSON object of at most 16 MiB with format oodcache-negatives and version 1 to 4",
    "N2": "exactly the fields of this page, of their types",
    "N3": "model, pretrained and vocabularies are names for files; a SHA-256 is one",
    "N4": "percentiles are from 0 to 100; keep is a share or a count",
    "N5": "vocabularies differ; roles are negative or csp; at least one list is of negatives",
    "N6": "words are distinct texts, and no list has more words, far and near, than candidates",
    "N7": "sha256 is the SHA-256 of all other fields; version 1 has none",
    "N8": "templates differ, and template is the only one, or average; before version 3, none",
    "N9": "only lists of negatives have near words, and in version 4 there are near and far words",
}
SHA256 = re.compile(r"[0-9a-f]{64}")
SHARE, COUNT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)%"), re.compile(r"[1-9]\d{0,8}")


@dataclass(frozen=True)
class WordList:
    """The words kept from one vocabulary, by increasing distance, ties by word.

    `vectors` is the SHA-256 of its vectors under `templates`, `template` the only one of them, or
    "average". Old files do not say which templates: there they are empty, and it is the SHA-256
    of all vectors at that time. `role` is "negative", or "csp" for a conjugated pool. `percentile`
    of a word's cosines with the classes is its distance; `candidates` counts the words to choose
    from. `near` are the nearest words, by decreasing distance, ties by word.
    """

    vocabulary: str
    vectors: str
    template: str
    role: str
    percentile: float
    candidates: int
    words: tuple[str, ...]
    templates: tuple[str, ...] = ()
    near: tuple[str, ...] = ()


@dataclass(frozen=True)
class Negatives:
    """A file of negatives, mined with the classes of one vocabulary for one model.

    `classes` is that vocabulary, `class_vectors` the SHA-256 of its vectors under `templates`,
    `template` the only one of them, or "average"; all as in `WordList`. `keep` is as typed: a
    share of each list, such as 15%, or a number of words of all lists together.
    """

    path: Path
    model: str
    pretrained: str
    weights: str
    architecture: Mapping[str, Any]
    classes: str
    class_vectors: str
    template: str
    keep: str
    lists: tuple[WordList, ...]
    versions: Mapping[str, str]
    templates: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Return `model/pretrained`, the model's folder in the cache."""
        return f"{self.model}/{self.pretrained}"

    @property
    def percentile(self) -> float:
        """Return the percentile of the negatives; a pool's may differ."""
        return next(one.percentile for one in self.lists if one.role == NEGATIVE)

    @property
    def nearest(self) -> int:
        return sum(len(one.near) for one in self.lists)

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def digest(self) -> str:
        """Return a SHA-256 over all words in their order, list by list."""
        lists = ["\n".join((one.vocabulary, *one.words)) for one in self.lists]
        lists += ["\n".join(("", one.vocabulary, *one.near)) for one in self.lists if one.near]
        return hashlib.sha256("\0".join(lists).encode()).hexdigest()


def read_negatives(path: Path) -> Negatives:
    """Return the file at `path`; raise RuleError, naming the rule, if it is not valid."""
    try:
        content = read_limited(path, LIMIT)
    except ValueError as error:
        raise FileError(path, f"{error}; expected a .json file of negatives") from None
    return _checked(path, content)


def write_negatives(path: Path, negatives: Negatives) -> Negatives:
    """Write the file at `path` atomically; return it as it would be read."""
    stored = {name: value for name, value in asdict(negatives).items() if name != "path"}
    version = NEAR if negatives.nearest else TEMPLATES
    for one in stored["lists"] if version < NEAR else ():
        del one["near"]
    whole = {"format": FORMAT, "version": version, **stored}
    text = json.dumps({**whole, SUM: content_sum(whole)}, indent=1, allow_nan=False)
    content = text.encode() + b"\n"
    found = _checked(path, content)
    with sibling(path) as part:
        part.write_bytes(content)
    return found


def parse_keep(text: str) -> Fraction | int:
    """Return a share, above 0 and at most 1, or a count, at least 1; raise ValueError otherwise.

    >>> parse_keep("15%"), parse_keep("10000")
    (Fraction(3, 20), 10000)
    """
    if COUNT.fullmatch(text):
        return int(text)
    found = SHARE.fullmatch(text)
    if found is None or not 0 < Fraction(found[1]) <= 100:
        raise ValueError(f"{shown(text)} is not a share, such as 15%, or a count, such as 10000")
    return Fraction(found[1]) / 100


def _checked(path: Path, content: bytes) -> Negatives:
    if len(content) > LIMIT:
        raise RuleError(path, "N1", f"has more than {LIMIT} bytes")
    try:
        found = parse_json(content.decode())
    except ValueError as error:
        raise RuleError(path, "N1", f"is not valid JSON: {one_line(error)}") from None
    _check_head(path, found)
    version = found["version"]
    unknown = {"path", *(name for name, first in SINCE.items() if version < first)}
    wanted = {*_fields(Negatives), "format", "version", SUM} - unknown
    _check_types(path, "it", found, wanted)
    stored = found.pop(SUM, None)
    expected = content_sum(found)
    for place, one in enumerate(found["lists"]):
        _check_types(path, f"list {place}", one, _fields(WordList) - unknown)
    for one in (found, *found["lists"]):
        one |= {name: tuple(one[name]) for name in ("words", "templates", "near") if name in one}
    known = {name: found[name] for name in found if name not in ("format", "version")}
    known["lists"] = tuple(WordList(**one) for one in found["lists"])
    negatives = Negatives(path=path, **known)
    _check_names(negatives)
    _check_parameters(negatives)
    _check_lists(negatives)
    _check_words(negatives)
    _check_near(negatives, version)
    if version >= TEMPLATES:
        _check_templates(negatives)
    if version >= SIGNED and stored != expected:
        what = f"its SHA-256 is {expected[:8]}…, not {shown(stored[:8])}…: it was changed after"
        raise RuleError(path, "N7", f"{what} it was written; mine the words again")
    return negatives


def _check_head(path: Path, found: object) -> None:
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        given = found.get("format") if isinstance(found, dict) else type(found).__name__
        raise RuleError(path, "N1", f"its format is {shown(given)}, not {FORMAT!r}")
    version = found.get("version")
    if version not in VERSIONS or isinstance(version, bool):
        what = f"version is {shown(version)}, but this oodcache reads 1 to {NEAR}"
        raise RuleError(path, "N1", what)


def _fields(of: type[WordList | Negatives]) -> set[str]:
    return {field.name for field in fields(of)}


def _check_types(path: Path, what: str, found: object, wanted: set[str]) -> None:
    if not isinstance(found, dict) or set(found) != wanted:
        given = sorted(found) if isinstance(found, dict) else type(found).__name__
        raise RuleError(path, "N2", f"{what} holds {shown(given)}, not {sorted(wanted)}")
    for name in sorted(wanted):
        wants, is_of = TYPES.get(name, ("a text", _is_text))
        if not is_of(found[name]):
            raise RuleError(path, "N2", f"{name} of {what} is {shown(found[name])}, not {wants}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _are_texts(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(map(_is_text, value))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


TYPES = {
    "version": ("a number", _is_count),
    "architecture": ("an object", lambda value: isinstance(value, dict)),
    "lists": ("a list", lambda value: isinstance(value, list)),
    "versions": (
        "an object of texts",
        lambda value: isinstance(value, dict) and _are_texts(list(value.values())),
    ),
    "percentile": ("a number", _is_number),
    "candidates": ("a count", _is_count),
    **dict.fromkeys(("words", "templates", "near"), ("a list of texts", _are_texts)),
}


def _check_names(found: Negatives) -> None:
    files = [found.model, found.pretrained, found.classes, *(one.vocabulary for one in found.lists)]
    for name in files:
        if not FILE_NAME.fullmatch(name):
            raise RuleError(found.path, "N3", f"{shown(name)} is not a valid file name")
    for digest in (found.class_vectors, *(one.vectors for one in found.lists)):
        if not SHA256.fullmatch(digest):
            raise RuleError(found.path, "N3", f"{shown(digest)} is not a SHA-256 in hexadecimal")


def _check_parameters(found: Negatives) -> None:
    for one in found.lists:
        if not 0 <= one.percentile <= 100:
            raise RuleError(found.path, "N4", f"percentile is {shown(one.percentile)}")
    try:
        parse_keep(found.keep)
    except ValueError as error:
        raise RuleError(found.path, "N4", f"keep: {error}") from None


def _check_lists(found: Negatives) -> None:
    roles = {one.role for one in found.lists}
    if twice := repeated([one.vocabulary for one in found.lists]):
        raise RuleError(found.path, "N5", f"vocabulary {shown(twice)} is listed twice")
    if others := sorted(roles - {NEGATIVE, CSP}):
        raise RuleError(found.path, "N5", f"role is {shown(others[0])}, not negative or csp")
    if NEGATIVE not in roles:
        raise RuleError(found.path, "N5", "there is no list of negatives")


def _check_words(found: Negatives) -> None:
    for one in found.lists:
        if (count := len(one.words) + len(one.near)) > one.candidates:
            what = f"{one.vocabulary} has {count} words of {one.candidates} candidates"
            raise RuleError(found.path, "N6", what)
    if twice := repeated([word for one in found.lists for word in (*one.words, *one.near)]):
        raise RuleError(found.path, "N6", f"word {shown(twice)} is listed twice")


def _check_near(found: Negatives, version: int) -> None:
    if pools := [one.vocabulary for one in found.lists if one.near and one.role == CSP]:
        raise RuleError(found.path, "N9", f"{pools[0]} is a conjugated pool with near words")
    if version == NEAR and not found.nearest:
        raise RuleError(found.path, "N9", "version is 4, but no list has near words")
    if found.nearest and not any(one.words for one in found.lists if one.role == NEGATIVE):
        raise RuleError(found.path, "N9", "has near words, but no far ones")


def _check_templates(found: Negatives) -> None:
    of_all: list[Negatives | WordList] = [found, *found.lists]
    for one in of_all:
        if twice := repeated(one.templates):
            raise RuleError(found.path, "N8", f"template {shown(twice)} is listed twice")
        several = len(one.templates) > 1
        if not one.templates or one.template != (AVERAGE if several else one.templates[0]):
            what = f"template is {shown(one.template)}, but templates are "
            what += shown(list(one.templates))
            raise RuleError(found.path, "N8", what)
