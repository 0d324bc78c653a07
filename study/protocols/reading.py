"""A protocol read from its TOML file, which is untrusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from oodcache.cache import subsets
from oodcache.cache.errors import InputError
from oodcache.cache.names import check_name
from oodcache.cache.text import cut, meant
from oodcache.cache.toml_text import read_toml
from oodcache.extract.known.fine_grained import FINE_GRAINED
from oodcache.extract.sources import braces
from oodcache.extract.sources.known_sets import KNOWN_SETS, known_set
from oodcache.extract.texts import vocabularies
from oodcache.score.measures.result import AVERAGE
from oodcache.study.protocols.protocol import (
    CSID,
    FAR,
    ID,
    NEAR,
    OUTSIDE,
    OWN_AVERAGES,
    SELECT_ON,
    Protocol,
    ProtocolRun,
    data_set,
)

LISTS = (*OUTSIDE, CSID, "templates")
OF_RUN = (ID, "classes", *LISTS, SELECT_ON, "groups")
KEYS = ("about", "sets", "runs", *OF_RUN)
LONGEST = 60


def read(path: Path, name: str) -> Protocol:
    """Return the protocol in the file at `path` under a name, which is what a user types for it.

    Raises InputError with the file, the key, what it is and what to write instead.
    """
    table = read_toml(path, "a protocol")
    top = _Section(str(path), table)
    top.check_keys(KEYS)
    places = {one: _place(top, one, table) for one in top.table("sets")}
    runs = tuple(_run(one, places) for one in _sections(top))
    protocol = Protocol(name, top.text("about"), runs, places)
    named = {*protocol.data_sets}
    if unused := [one for one in places if one not in named]:
        raise InputError(f"{path}: sets: {unused[0]!r} has no role; name it in ood, or omit it")
    return protocol


@dataclass(frozen=True)
class _Section:
    """The keys of a file, or of one of its runs; `where` is the beginning of an error."""

    where: str
    keys: Mapping[str, Any]

    def error(self, what: str) -> InputError:
        return InputError(f"{self.where}: {what}")

    def check_keys(self, known: Sequence[str]) -> None:
        if unknown := [one for one in self.keys if one not in known]:
            question = meant(unknown[0], known)
            typed = _short(unknown[0])
            raise self.error(f"unknown key {typed}; {question}there are: {', '.join(known)}")

    def text(self, key: str, example: str = "") -> str:
        """Return a text that must be there."""
        value = self.keys.get(key)
        if value is None:
            raise self.error(f'{key} is missing; write for example: {key} = "{example or "…"}"')
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"{key} is {_short(value)}, not a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of different texts, empty without the key."""
        return self.as_texts(key, self.keys.get(key, []))

    def as_texts(self, key: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.error(f'{key} is {_short(value)}, not a list of texts: {key} = ["…", "…"]')
        if twice := [one for place, one in enumerate(value) if one in value[:place]]:
            raise self.error(f"{key}: {_short(twice[0])} is given twice")
        return tuple(value)

    def table(self, key: str) -> Mapping[str, Any]:
        """Return a table, empty without the key."""
        value = self.keys.get(key, {})
        if not isinstance(value, dict):
            raise self.error(f"{key} is {_short(value)}, not a table; start it with [{key}]")
        return value


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"


def _sections(top: _Section) -> list[_Section]:
    """Return the keys of each run: its own, and the file's for those that it does not have."""
    shared = {key: value for key, value in top.keys.items() if key in OF_RUN}
    if "runs" not in top.keys:
        return [_Section(top.where, shared)]
    runs = top.keys["runs"]
    if not isinstance(runs, list) or not runs or not all(isinstance(one, dict) for one in runs):
        raise top.error("runs is no list of tables; start each with a line [[runs]]")
    found = []
    for number, run in enumerate(runs, 1):
        where = f"{top.where}: [[runs]] number {number}"
        _Section(where, run).check_keys(OF_RUN)
        found.append(_Section(where, {**shared, **run}))
    return found


def _run(section: _Section, places: Mapping[str, str]) -> ProtocolRun:
    lists = {key: section.texts(key) for key in LISTS}
    lists["templates"] = lists["templates"] or ProtocolRun.templates
    run = ProtocolRun(
        id=section.text(ID, "imagenet-val"),
        classes=_classes(section),
        select_on=section.text(SELECT_ON) if SELECT_ON in section.keys else None,
        groups=_groups(section, [one for key in OUTSIDE for one in lists[key]]),
        **lists,
    )
    for template in run.templates:
        if template.count("{}") != 1:
            raise section.error(f"templates: {_short(template)} must contain {{}} once")
    if not run.outside:
        raise section.error('names no OOD set; write for example: far = ["iNaturalist", "SUN"]')
    _check_sets(section, run, places)
    return run


def _check_sets(section: _Section, run: ProtocolRun, places: Mapping[str, str]) -> None:
    """Raise InputError for a set that is not known, and for one in two roles."""
    seen: list[tuple[str, str]] = []
    for role, typed in _typed(run):
        _check_set(section, role, typed, places)
        for of_other, other in seen:
            if typed == other:
                what = f"{_short(typed)} is also {of_other}; a set has one role"
                raise section.error(f"{role}: {what}")
            if data_set(typed) == data_set(other) and data_set(typed) in (typed, other):
                what = f"{_short(typed)} shares images with {other} ({of_other})"
                raise section.error(f"{role}: {what}")
        seen.append((role, typed))


def _typed(run: ProtocolRun) -> list[tuple[str, str]]:
    """Return each set with its role, also one that has two."""
    several = [(role, one) for role in (*OUTSIDE, CSID) for one in getattr(run, role)]
    last = [] if run.select_on is None else [(SELECT_ON, run.select_on)]
    return [(ID, run.id), *several, *last]


def _check_set(section: _Section, role: str, typed: str, places: Mapping[str, str]) -> None:
    name, colon, subset = typed.partition(":")
    if colon and subset not in subsets.NAMES:
        names = ", ".join(subsets.NAMES)
        what = f"{_short(typed)}: no subset {_short(subset)} (there are: {names})"
        raise section.error(f"{role}: {what}")
    if name not in places and known_set(name) is None:
        question = meant(name, (*places, *KNOWN_SETS))
        raise section.error(
            f"{role}: {_short(name)} is not a known dataset (oodcache data ls all); {question}"
            f'say where it is, below the data root, under [sets]: NAME = "FOLDER or LIST"'
        )


def _place(top: _Section, name: str, table: Mapping[str, Any]) -> str:
    """Return where a set of the file's own is."""
    try:
        check_name(name, "dataset")
    except InputError as error:
        raise top.error(f"sets: {error}") from None
    return _below(top, f"sets: {name}", table["sets"][name])


def _below(section: _Section, key: str, path: object) -> str:
    """Return a path that stays below the data root."""
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise section.error(f"{key} is {_short(path)}, not a path below the data root")
    if any(PurePosixPath(one).is_absolute() or ".." in one.split("/") for one in _each(path)):
        raise section.error(f"{key} is {_short(path)}; give a path below the data root, without ..")
    return path


def _each(path: str) -> list[str]:
    """Return every path that braces name; others are part of a name."""
    try:
        return braces.expand(path)
    except InputError:
        return [path]


def _classes(section: _Section) -> str:
    """Return the vocabulary: a known one, or NAME=PATH."""
    typed = section.text("classes", "imagenet")
    name, equals, path = typed.partition("=")
    if equals:
        try:
            check_name(name, "vocabulary")
        except InputError as error:
            raise section.error(f"classes: {error}") from None
        return f"{name}={_below(section, 'classes', path)}"
    known = (*vocabularies.KNOWN, *subsets.NAMES, *FINE_GRAINED)
    if typed not in known:
        raise section.error(
            f"classes: {_short(typed)} is not known (known are: {', '.join(known)}); for class "
            "names of your own write NAME=FILE, with the file below the data root"
        )
    return typed


def _groups(section: _Section, outside: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the averages of one's own, over OOD sets of the run."""
    found = {}
    for name, sets in section.table("groups").items():
        key = f"groups: {name}"
        if name in (NEAR, FAR):
            raise section.error(f"{key} has a name of its own: list these sets as {NEAR} or {FAR}")
        try:
            check_name(name, "group")
        except InputError as error:
            raise section.error(f"groups: {error}") from None
        if name in OWN_AVERAGES or name.startswith(AVERAGE):
            what = f"{key}: this name is kept for averages; choose another, such as my-{name[:40]}"
            raise section.error(what)
        found[name] = section.as_texts(key, sets)
        if not found[name]:
            raise section.error(f"{key} is empty; list OOD sets of this file, or omit it")
        if unknown := [one for one in found[name] if one not in outside]:
            every = cut(outside, 6, ", ") or "none"
            raise section.error(f"{key}: {_short(unknown[0])} is no OOD set here ({every})")
    return found
