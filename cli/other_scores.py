"""Scores of other programs, read from files and measured into one table. Knows no click."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from oodcache.cache.errors import InputError
from oodcache.score.comparison import compare
from oodcache.score.result import AVERAGE, Conventions
from oodcache.score.score_files import UNNAMED, Part, read
from oodcache.score.scores import Scores
from oodcache.scoring import Scored

Progress = Callable[[str, int, str], AbstractContextManager[Callable[[int], None]]]
Head = tuple[str | None, str | None]
MEANS = (AVERAGE, f"{AVERAGE}-near", f"{AVERAGE}-far")


class Source(NamedTuple):
    """What --id or --ood names: a file, and what its images, or some of them, are called."""

    option: str
    name: str | None
    path: Path


class OneSet(NamedTuple):
    """A data set's scores under each (model, template), (None, None) of another program's."""

    name: str
    path: Path
    parts: dict[Head, Part]


def parsed(option: str, text: str) -> Source:
    """Return the source that FILE or NAME=FILE names; either may itself hold a '='."""
    name, equals, file = text.partition("=")
    splits = [(text[:place], text[place + 1 :]) for place, one in enumerate(text) if one == "="]
    if not equals or Path(text).exists():
        return Source(option, None, Path(text))
    name, file = next((one for one in splits if Path(one[1]).exists()), (name, file))
    if not name or not file:
        raise InputError(f"{option} {text!r}: write NAME=FILE, or FILE alone")
    return Source(option, name, Path(file))


def measure(
    id_source: str,
    ood_sources: Sequence[str],
    *,
    columns: Sequence[str],
    lower_is_id: bool,
    conventions: Conventions,
    compare_scores: bool,
    command: Sequence[str],
    note: Callable[[str], None],
    progress: Progress,
) -> Scored:
    """Return the results of every column, or of the only one, of the files named.

    A source is FILE or NAME=FILE. `lower_is_id` turns all scores round. `command` is what was
    typed after `oodcache`.
    """
    sources = [parsed("--id", id_source), *(parsed("--ood", one) for one in ood_sources)]
    paths = dict.fromkeys(one.path for one in sources)
    files = {path: _turned(read(path, columns), lower_is_id) for path in paths}
    sets = [_picked(one, files[one.path]) for one in sources]
    _check(sets)
    results = []
    for head, first in sets[0].parts.items():
        for column in first.scores:
            of_column = {one.name: _scores(one.parts[head], column) for one in sets}
            id_scores = of_column.pop(sets[0].name)
            results += compare(
                _common(head, column, sets[0], len(id_scores), conventions),
                id_scores,
                of_column,
                conventions=conventions,
                groups=dict.fromkeys(of_column),
                shared_images=dict.fromkeys(of_column, 0),
                probability=None,
            )
    return Scored(
        tuple(results),
        {
            "command": shlex.join(["oodcache", *command]),
            "fpr_convention": conventions.fpr_convention,
            "files": [_identified(path, files[path]) for path in paths],
            "versions": {name: version(name) for name in ("oodcache", "numpy")},
        },
    )


def _scores(part: Part, column: str) -> Scores:
    """Return a column, or the only one of a file that calls it otherwise or not at all."""
    only = next(iter(part.scores.values()))
    return part.scores.get(column, only)


def _common(
    head: Head, column: str, id_set: OneSet, images: int, conventions: Conventions
) -> dict[str, Any]:
    """Return the fields of a result that do not depend on the OOD set."""
    model, slash, pretrained = (head[0] or "").partition("/")
    return {
        "model": model or None,
        "pretrained": pretrained if slash else None,
        "classes": None,
        "template": head[1],
        "templates": (),
        "id": id_set.name,
        "n_id": images,
        "id_accuracy": None,
        "score": column,
        "parameters": {},
        "fpr_convention": conventions.fpr_convention,
    }


def _turned(parts: Sequence[Part], lower_is_id: bool) -> Sequence[Part]:
    if lower_is_id:
        for part in parts:
            for scores in part.scores.values():
                scores *= -1
    return parts


def _picked(source: Source, parts: Sequence[Part]) -> OneSet:
    """Return the scores that a source names: all of a file, or a data set's of a saved one."""
    there = list(dict.fromkeys(part.data_set for part in parts))
    if there == [None]:
        name = source.name or source.path.stem
    elif source.name is None and len(there) == 1:
        name = str(there[0])
    elif source.name in there:
        name = str(source.name)
    else:
        found = f"scores of the data sets {', '.join(map(str, there))}"
        wanted = f"{source.option} {there[0]}={source.path}"
        raise InputError(f"{source.path}: holds {found}; name one, as in {wanted}")
    if name in MEANS:
        raise InputError(
            f"{source.option} {name!r} is what results call their mean; "
            f"give another name: {source.option} NAME={source.path}"
        )
    chosen = [part for part in parts if part.data_set in (None, name)]
    return OneSet(name, source.path, {(part.model, part.template): part for part in chosen})


def _check(sets: Sequence[OneSet]) -> None:
    """Refuse two sets of one name or of the same scores, and other models than the ID set's."""
    for place, one in enumerate(sets):
        for other in sets[:place]:
            if one.name == other.name:
                what = f"two data sets are called {one.name!r}"
                raise InputError(f"{what}; give another name: NAME={one.path}")
            if next(iter(one.parts.values())) is next(iter(other.parts.values())):
                what = f"is both {other.name!r} and {one.name!r}"
                raise InputError(f"{one.path}: {what}: its images cannot be told apart")
        if one.parts.keys() != sets[0].parts.keys():
            raise InputError(
                f"{one.path}: has scores of {_written(one)}, and {sets[0].path} of "
                f"{_written(sets[0])}: they are to be of the same models and templates"
            )
        wanted, found = _columns(sets[0]), _columns(one)
        if UNNAMED not in (*found, *wanted) and found != wanted:
            raise InputError(
                f"{one.path}: its scores are called {', '.join(found)}, and those of "
                f"{sets[0].path} {', '.join(wanted)}; pick with --column NAME"
            )


def _written(one: OneSet) -> str:
    return ", ".join(
        f"{model} with {template!r}" if model else "another program"
        for model, template in one.parts
    )


def _columns(one: OneSet) -> list[str]:
    return list(next(iter(one.parts.values())).scores)


def _identified(path: Path, parts: Sequence[Part]) -> Mapping[str, Any]:
    """Return what identifies a file: path, SHA-256, and how many scores were read."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    rows = sum(len(next(iter(part.scores.values()))) for part in parts)
    return {"path": str(path), "sha256": digest, "rows": rows}
