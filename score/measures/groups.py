"""Groups of OOD sets, near, far and the user's own: which averages a table has, and of what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import shown
from oodcache.cache.text import listed
from oodcache.score.measures.result import AVERAGE, GROUPS

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
Own = Mapping[str, Sequence[str]]


class Averaged(NamedTuple):
    """A row of averages: what it is called instead of an OOD set, its group, and its sets."""

    name: str
    group: str | None
    members: tuple[str, ...]


def averages(groups: Mapping[str, str | None], own: Own) -> list[Averaged]:
    """Return the averages of a table: over all sets, near, far, and each of the user's `own`.

    `groups` has "near", "far" or None for each set. A single set has no average but one's own;
    near and far need several sets, but not all. One's own is left out if the table lacks a set.
    """
    found = [Averaged(AVERAGE, None, (*groups,))] if len(groups) > 1 else []
    for group in GROUPS:
        members = tuple(name for name, of_set in groups.items() if of_set == group)
        if 1 < len(members) < len(groups):
            found.append(Averaged(f"{AVERAGE}-{group}", group, members))
    for group, names in own.items():
        if groups.keys() >= {*names}:
            found.append(Averaged(f"{AVERAGE}-{group}", group, (*names,)))
    return found


def parsed(typed: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return groups typed NAME=SET,SET; raise InputError for anything else.

    >>> parsed(["scenes=SUN,Places"])
    {'scenes': ('SUN', 'Places')}
    """
    found: dict[str, tuple[str, ...]] = {}
    for one in typed:
        name, _, sets = one.partition("=")
        members = tuple(each.strip() for each in sets.split(","))
        if not name or not all(members):
            raise InputError(f"--group {one[:120]!r}: write NAME=SET,SET, with names of --ood sets")
        if name in found:
            raise InputError(f"--group {name[:60]}: given twice; list all its sets in one")
        found[name] = members
    return found


def check(own: Own, ood_sets: Sequence[str]) -> None:
    """Raise InputError for groups that are none: of sets that are not measured, or of a taken name.

    `ood_sets` are those of the run.
    """
    if not isinstance(own, Mapping):
        raise InputError(f"groups is {shown(own)[:120]}, not {{name: [set, set]}}")
    for name, members in own.items():
        _check_name(name, ood_sets)
        _check_members(f"--group {name[:60]}", members, ood_sets)


def _check_name(name: object, ood_sets: Sequence[str]) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InputError(
            f"--group {shown(name)[:80]}: is no name; use letters, digits, '.', '_' and '-', "
            "starting with a letter or digit"
        )
    if name in GROUPS or name.startswith(AVERAGE):
        what = f"--group {name[:60]}: the name is taken"
        raise InputError(f"{what}; choose another, such as my-{name[:60]}")
    if f"{AVERAGE}-{name}" in ood_sets:
        raise InputError(
            f"--group {name[:60]}: its row would be called like the set {AVERAGE}-{name[:60]}; "
            "choose another name"
        )


def _check_members(what: str, members: object, ood_sets: Sequence[str]) -> None:
    if isinstance(members, str) or not isinstance(members, Sequence) or not members:
        raise InputError(f"{what}: {shown(members)[:120]} is no list of sets; name OOD sets")
    there = f"the OOD sets are {listed(ood_sets)}"
    if unknown := [one for one in members if one not in ood_sets]:
        raise InputError(f"{what}: {listed(unknown[:2])}: not among the OOD sets; {there}")
    if twice := [one for place, one in enumerate(members) if one in members[:place]]:
        raise InputError(f"{what}: {listed(twice[:1])} is listed twice; give each set once")
