"""Provenance of results as readable text, from untrusted JSON whatever it contains."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from oodcache.report.saved.results import Saved, mapping

Facts = tuple[tuple[str, str], ...]
# A digest of at least SHA-1's length, in two parts: print has the first alone.
_DIGEST = re.compile(r"\b([0-9a-f]{12})([0-9a-f]{28,})\b")
APART = ("command", "models", "files")


@dataclass(frozen=True)
class Named:
    """A model or a file, and its facts."""

    name: str
    facts: Facts


@dataclass(frozen=True)
class Provenance:
    """The command as typed, "" if unknown, and the facts behind the results."""

    command: str
    facts: Facts
    models: tuple[Named, ...]
    files: tuple[Named, ...]


def making(saved: Saved) -> Provenance:
    """Return the provenance of results, in its order."""
    given = saved.provenance
    files = given.get("files")
    models = mapping(given.get("models"))
    return Provenance(
        command=given["command"] if isinstance(given.get("command"), str) else "",
        facts=_facts(given, APART),
        models=tuple(Named(name, _facts(one)) for name, one in models.items()),
        files=tuple(
            Named(str(mapping(one).get("path", "?")), _facts(one, ("path",)))
            for one in (files if isinstance(files, list) else ())
        ),
    )


def digests_cut(text: str) -> Any:
    """Return text as HTML that prints each SHA digest by its first twelve letters."""
    from markupsafe import Markup, escape

    cut = r'<span class="digest">\1<span class="screen">\2</span></span>'
    return Markup(_DIGEST.sub(cut, str(escape(text))))


def _facts(value: object, without: tuple[str, ...] = ()) -> Facts:
    return tuple(
        (name.replace("_", " "), text)
        for name, one in mapping(value).items()
        if name not in without and one is not None and (text := _text(one))
    )


def _text(value: object) -> str:
    """Return a value as plain text: an object as a list of its facts, without empty ones.

    >>> _text({"numpy": "2.4", "tf32": False})
    'numpy 2.4, tf32 false'
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        facts = ((name, _text(one)) for name, one in value.items() if one not in (None, {}, []))
        return ", ".join(f"{name} {text}" for name, text in facts)
    return json.dumps(value)
