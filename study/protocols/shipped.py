"""The protocols that come with oodcache, by name, and those of a user, by file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.store.screen import WIDE, PlainTable, Screen
from oodcache.cache.text import meant, printable
from oodcache.study.protocols import reading
from oodcache.study.protocols.protocol import Protocol

NAMES = (
    *("mos", "openood-imagenet", "openood-imagenet200", "openood-cifar10", "openood-cifar100"),
    *("mcm-fine-grained", "imagenet10-20", "ninco-clean"),
)
SUFFIX = ".toml"
COLUMNS = ("benchmark", "ID", "OOD", "csid", "what it is")


def path_of(typed: str) -> Path:
    """Return the file of a protocol's name, or the file that was typed.

    Raises InputError for a name that is none.
    """
    if typed in NAMES:
        return Path(str(files("oodcache.study.protocols").joinpath(typed + SUFFIX)))
    if not typed.lower().endswith(SUFFIX):
        raise InputError(
            f"benchmark {typed[:60]!r} is not known; {meant(typed, NAMES)}there are: "
            f"{', '.join(NAMES)}, or a protocol of your own: FILE{SUFFIX}"
        )
    return Path(typed)


def find(typed: str) -> Protocol:
    """Return the protocol of a name or of a file."""
    return reading.read(path_of(typed), typed)


def every() -> list[Protocol]:
    """Return all protocols that come with oodcache."""
    return [find(name) for name in NAMES]


def to_json(protocols: Sequence[Protocol]) -> str:
    """Return a JSON list of objects with the keys of a protocol's file."""
    return json.dumps([asdict(one) for one in protocols], indent=1) + "\n"


def table(protocols: Sequence[Protocol], screen: Screen = WIDE) -> str:
    """Return a table that fits a screen."""
    rows = [[printable(cell) for cell in _cells(one)] for one in protocols]
    return PlainTable(COLUMNS, rows, COLUMNS[2:4]).drawn(screen)


def _cells(one: Protocol) -> tuple[str, ...]:
    """Return a protocol's name, ID sets, numbers of OOD and csid sets, and description."""
    first, *others = dict.fromkeys(run.id for run in one.runs)
    inside = f"{first} and {len(others):,} more" if others else first
    outside = {name for run in one.runs for name in run.outside}
    shifted = {name for run in one.runs for name in run.csid}
    return one.name, inside, str(len(outside)), str(len(shifted)), one.about
