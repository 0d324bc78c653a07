"""How results were made, as text for people: from a stranger's JSON, whatever it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oodcache.report.saved import Saved

Facts = tuple[tuple[str, str], ...]
APART = ("command", "models", "files")


@dataclass(frozen=True)
class Named:
    """A model or a file, and what is told of it."""

    name: str
    facts: Facts


@dataclass(frozen=True)
class Provenance:
    """The command that was typed, "" if that is not known, and what was made from what."""

    command: str
    facts: Facts
    models: tuple[Named, ...] = field(default=())
    files: tuple[Named, ...] = field(default=())


def making(saved: Saved) -> Provenance:
    """Return what the provenance of results tells, in its order."""
    told = saved.provenance
    files = told.get("files")
    return Provenance(
        command=told["command"] if isinstance(told.get("command"), str) else "",
        facts=_facts({name: one for name, one in told.items() if name not in APART}),
        models=tuple(Named(name, _facts(one)) for name, one in _object(told.get("models")).items()),
        files=tuple(
            Named(str(_object(one).get("path", "?")), _facts(_object(one), leave_out=("path",)))
            for one in (files if isinstance(files, list) else ())
        ),
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _facts(told: object, leave_out: tuple[str, ...] = ()) -> Facts:
    return tuple(
        (name.replace("_", " "), _text(one))
        for name, one in _object(told).items()
        if name not in leave_out and one is not None
    )


def _text(value: object) -> str:
    """Return a value as people write it: an object as a list of its facts.

    >>> _text({"numpy": "2.4", "tf32": False})
    'numpy 2.4, tf32 false'
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items())
    return json.dumps(value)
