"""A protocol: the datasets of a benchmark by their roles, and the class names, as its file says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.text import cut
from oodcache.extract.texts.vocabularies import DEFAULT_TEMPLATE

ID, NEAR, FAR, OOD, CSID, SELECT_ON = "id", "near", "far", "ood", "csid", "select_on"
OUTSIDE = (NEAR, FAR, OOD)
# The averages of near and far sets that are others than the known ones, as groups of `score`.
OWN_AVERAGES = {f"own-{group}": group for group in (NEAR, FAR)}


@dataclass(frozen=True)
class ProtocolRun:
    """One table of a protocol: an ID set against OOD sets, with one vocabulary.

    A set is NAME or NAME:SUBSET. `classes` is as `extract --classes` takes it, with a path below
    the data root. `near`, `far` and `ood`, the OOD sets of no such group, share none. `groups` are
    averages of the file's own over some of them. Without `templates` the prompt is extract's.
    """

    id: str
    classes: str
    near: tuple[str, ...] = ()
    far: tuple[str, ...] = ()
    ood: tuple[str, ...] = ()
    csid: tuple[str, ...] = ()
    select_on: str | None = None
    templates: tuple[str, ...] = (DEFAULT_TEMPLATE,)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def without(self, names: Collection[str]) -> ProtocolRun:
        """Return the run without some of its sets, as typed; those of other roles than ID."""
        kept: dict[str, Any] = {
            role: tuple(one for one in getattr(self, role) if one not in names)
            for role in (*OUTSIDE, CSID)
        }
        groups = {
            group: left
            for group, sets in self.groups.items()
            if (left := tuple(one for one in sets if one not in names))
        }
        select_on = None if self.select_on in names else self.select_on
        return replace(self, **kept, groups=groups, select_on=select_on)

    @property
    def vocabulary(self) -> str:
        """Return the name of the vocabulary in the cache."""
        return self.classes.partition("=")[0]

    @property
    def outside(self) -> tuple[str, ...]:
        """Return all OOD sets."""
        return (*self.near, *self.far, *self.ood)

    @property
    def roles(self) -> dict[str, str]:
        """Return the role of each set as typed, in the order of a table."""
        found = {self.id: ID}
        for role in (*OUTSIDE, CSID):
            found |= dict.fromkeys(getattr(self, role), role)
        return found | ({self.select_on: SELECT_ON} if self.select_on is not None else {})


@dataclass(frozen=True)
class Protocol:
    """A benchmark: one run or several, and the places of sets that are not known by name.

    `places` are paths below the data root.
    """

    name: str
    about: str
    runs: tuple[ProtocolRun, ...]
    places: Mapping[str, str] = field(default_factory=dict)

    def without(self, names: Sequence[str]) -> Protocol:
        """Return the protocol without some of its sets.

        Raises InputError for one that it does not have, for an ID set, and if no OOD set is left.
        """
        every = {typed: role for run in self.runs for typed, role in run.roles.items()}
        for name in names:
            if name not in every or any(name == run.id for run in self.runs):
                others = [typed for typed, role in every.items() if role != ID]
                what = "an ID set" if name in every else "no set of the benchmark"
                there = cut(others, 12, ", ")
                raise InputError(f"--without {name[:60]!r} is {what}; others are: {there}")
        runs = tuple(run.without(names) for run in self.runs)
        if empty := [run.id for run in runs if not run.outside]:
            raise InputError(f"--without leaves no OOD set for {empty[0]}")
        return replace(self, runs=runs)

    @property
    def data_sets(self) -> dict[str, str]:
        """Return the role of each dataset, subsets taken together, in order."""
        found: dict[str, str] = {}
        for run in self.runs:
            for typed, role in run.roles.items():
                found.setdefault(data_set(typed), role)
        return found

    @property
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """Return the templates of each vocabulary, as its `classes` are typed."""
        found: dict[str, tuple[str, ...]] = {}
        for run in self.runs:
            templates = (*found.get(run.classes, ()), *run.templates)
            found[run.classes] = tuple(dict.fromkeys(templates))
        return found

    def source(self, name: str, data_root: Path) -> str:
        """Return a dataset as `extract` takes it: its known name, or NAME=PATH."""
        return f"{name}={data_root / self.places[name]}" if name in self.places else name

    def titles(self) -> list[str]:
        """Return a name for each run, unlike the others': its ID set, and a number if needed."""
        names = [run.id.replace(":", "-") for run in self.runs]
        found: list[str] = []
        for number, name in enumerate(names, 1):
            numbered = (f"{name}-{one}" for one in count(number))
            free = (one for one in numbered if one not in (*names, *found))
            found.append(name if names.count(name) == 1 else next(free))
        return found


def data_set(typed: str) -> str:
    """Return the dataset of NAME or NAME:SUBSET."""
    return typed.partition(":")[0]
