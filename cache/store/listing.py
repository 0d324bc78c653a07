"""The list of all files, finished or begun, that `oodcache cache ls` prints."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oodcache.cache.errors import FileError, InputError
from oodcache.cache.files.negatives import read_negatives
from oodcache.cache.format.place import shard_folder, shard_paths
from oodcache.cache.shards import merging
from oodcache.cache.shards.summary import Begun, Summary, runs, summarise
from oodcache.cache.store import store
from oodcache.cache.store.screen import WIDE, PlainTable, Screen
from oodcache.cache.text import counted, megabytes, printable

AGES = ((1, "s"), (60, "min"), (3600, "h"), (86400, "d"), (365 * 86400, "y"))
COLUMNS = ("file", "rows", "dimension", "dtype", "MB", "age", "bad", "state")
NUMBERS = {"rows", "dimension", "MB", "age", "bad"}
TWICE = 2  # At least two of a unit: "90 min" is clearer than "1 h".


@dataclass(frozen=True)
class Listed:
    """One file of the cache; its fields are the keys of JSON, in docs/output/results.md."""

    path: str
    model: str
    kind: str
    name: str
    state: str
    rows: int | None
    dimension: int | None
    dtype: str | None
    templates: int | None
    classes: int | None
    bad: int | None
    shards: dict[str, int | None] | None
    bytes: int
    modified: str
    error: str | None
    near: int | None = None  # The nearest words of negatives, besides `rows`.
    reason: str | None = None  # The error as the table shows it: without `path`.


def listed(cache: Path) -> list[Listed]:
    """Return every file of the cache, finished or begun, in order; read no vector."""
    entries, begun = store.entries(cache), store.begun(cache)
    finished, with_shards, negatives = set(entries), set(begun), set(store.negatives(cache))
    return [
        _listed_negatives(entry)
        if entry in negatives
        else _listed(entry, entry in finished, entry in with_shards)
        for entry in sorted(finished | with_shards | negatives, key=lambda entry: entry.path)
    ]


def nothing(cache: Path) -> str:
    """Return the message for a cache without files."""
    return (
        f"{cache}: contains no embeddings; create some: oodcache demo, or oodcache extract --help"
    )


def to_json(files: Sequence[Listed]) -> str:
    """Return a JSON list of objects; path bytes that are not UTF-8 become lone surrogates."""
    rows = [asdict(one) for one in files]
    for row in rows:
        del row["reason"]
    return json.dumps(rows, indent=1) + "\n"


def table(files: Sequence[Listed], screen: Screen = WIDE, *, now: float | None = None) -> str:
    """Return a table that fits a screen, with each model as a heading."""
    now, model = time.time() if now is None else now, None
    width = max((len(one.kind) for one in files), default=0)
    rows: list[Sequence[str]] = []
    for one in files:
        rows += [(printable(one.model),)] if one.model != model else []
        rows.append([printable(cell) for cell in _cells(one, now, width)])
        model = one.model
    return PlainTable(COLUMNS, rows, NUMBERS).drawn(screen)


def _listed(entry: store.Entry, is_finished: bool, has_shards: bool) -> Listed:
    summary, errors, known, found = None, list[str](), list[Begun](), None
    reasons = list[str]()
    if is_finished:
        try:
            summary = summarise(entry.path, entry.kind)
        except InputError as error:
            errors.append(str(error))
            reasons.append(_reason(error))
    if has_shards:
        try:
            found = merging.find(entry.path)
            known, errors = runs(found.shards), [*errors, *found.damaged.values()]
            if summary is None and not is_finished and known:
                summary = summarise(known[0].shards[0].path)
        except InputError as error:
            errors.append(str(error))
    reasons += errors[len(reasons) :]  # Those of shards name their own files.
    paths = [entry.path] * is_finished + shard_paths(entry.path) * has_shards
    size, modified = _on_disk(paths, shard_folder(entry.path))
    state = "complete" if summary else "not valid"
    return Listed(
        path=str(entry.path if is_finished else shard_folder(entry.path)),
        model=entry.label,
        kind=entry.kind,
        name=entry.name,
        state=state if is_finished else _begun(known, errors),
        shards={"done": known[0].done if known else 0, "of": known[0].of if known else None}
        if has_shards
        else None,
        bytes=size,
        modified=modified,
        error="; ".join(errors) or None,
        reason="; ".join(reasons) or None,
        **_counts(summary, known),
    )


def _reason(error: InputError) -> str:
    return error.found if isinstance(error, FileError) else str(error)


def _begun(known: Sequence[Begun], errors: Sequence[str]) -> str:
    """Return whether the shards can be read as one file: all of one run, each once."""
    is_whole = len(known) == 1 and len(known[0].shards) == known[0].done == known[0].of
    return "complete" if is_whole and not errors else "incomplete"


def _listed_negatives(entry: store.Entry) -> Listed:
    """Return a file of negatives; its rows are its words, without the nearest ones."""
    rows, near, error, reason = None, None, None, None
    try:
        found_words = read_negatives(entry.path)
        rows, near = sum(len(one.words) for one in found_words.lists), found_words.nearest
    except InputError as found:
        error, reason = str(found), _reason(found)
    size, modified = _on_disk([entry.path], entry.path)
    return Listed(
        path=str(entry.path),
        model=entry.label,
        kind=entry.kind,
        name=entry.name,
        state="not valid" if error else "complete",
        shards=None,
        bytes=size,
        modified=modified,
        error=error,
        reason=reason,
        near=near,
        **{**_counts(None, ()), "rows": rows},
    )


def _counts(summary: Summary | None, known: Sequence[Begun]) -> dict[str, Any]:
    if summary is None:
        names = ("rows", "dimension", "dtype", "templates", "classes", "bad")
        return dict.fromkeys(names)
    if summary.place is None:
        rows, bad = summary.rows, summary.bad
    else:  # A shard: count the whole run.
        rows, bad = summary.place.total, sum(shard.failed for shard in known[0].shards)
    return {
        "rows": rows,
        "dimension": summary.shape[-1],
        "dtype": str(summary.dtype),
        "templates": summary.templates,
        "classes": summary.classes,
        "bad": bad,
    }


def _on_disk(paths: Sequence[Path], folder: Path) -> tuple[int, str]:
    """Return the size of files and the time of the newest, or of their folder if none exist."""
    found = list(_stats(paths))
    newest = max((one.st_mtime for one in found or _stats([folder])), default=0.0)
    time_of = datetime.fromtimestamp(int(newest), UTC)
    return sum(one.st_size for one in found), time_of.strftime("%Y-%m-%dT%H:%M:%SZ")


def _stats(paths: Sequence[Path]) -> Iterator[os.stat_result]:
    for path in paths:
        with suppress(OSError):  # Merged and gone since the folder was listed.
            yield path.lstat()


def _cells(one: Listed, now: float, width: int) -> tuple[str, ...]:
    rows = "–" if one.rows is None else f"{one.rows:,}"
    if one.templates is not None:
        rows = f"{one.templates:,} x {one.classes:,}"
    elif one.near:
        rows += f" + {one.near:,} near"
    modified = datetime.fromisoformat(one.modified).timestamp()
    return (
        f"  {one.kind:{width}}  {one.name}",
        rows,
        "–" if one.dimension is None else f"{one.dimension:,}",
        one.dtype or "–",
        megabytes(one.bytes),
        age(now - modified),
        "–" if one.bad is None else f"{one.bad:,}",
        _state(one),
    )


def age(seconds: float) -> str:
    """Return an age in the largest unit of which it has at least two; the future is 0 s.

    >>> [age(one) for one in (-5, 119, 120, 7200, 3 * 86400, 800 * 86400)]
    ['0 s', '119 s', '2 min', '2 h', '3 d', '2 y']
    """
    seconds = max(0, math.floor(seconds))
    length, unit = max(one for one in AGES if seconds >= TWICE * one[0] or one[0] == 1)
    return f"{seconds // length} {unit}"


def _state(one: Listed) -> str:
    said = [one.state] if one.state == "complete" else []
    if one.shards is not None:
        of, done = one.shards["of"], one.shards["done"]
        if of is not None:
            said.append(f"{done:,} of {counted(of, 'shard')}")
        elif one.error is None:
            said.append("no shard yet")
    if one.error is not None:
        said.append(f"NOT VALID: {one.reason}")
    return "; ".join(said)
