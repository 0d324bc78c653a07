"""Other programs' scores, read from files and measured into one table."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from oodcache.cache.errors import InputError
from oodcache.cache.format import versions
from oodcache.cache.names import RESERVED
from oodcache.cache.text import readable
from oodcache.cache.watch import Watch
from oodcache.score.files.reading import UNNAMED, NoNumberError, SetScores, read
from oodcache.score.measures import groups, measurement
from oodcache.score.measures.differences import differences
from oodcache.score.measures.measurement import NONE_KNOWN, Key
from oodcache.score.measures.orders.paired_orders import PairedRow
from oodcache.score.measures.result import Conventions
from oodcache.score.measures.selective.answers import Outcomes, outcomes_of
from oodcache.score.measures.spectrum.pairs import by_kind
from oodcache.score.measures.spectrum.positives import check_id
from oodcache.score.measures.spectrum.spectrum import FULL
from oodcache.score.provenance import of_bootstrap
from oodcache.score.scoring import Measured

CSID = "--csid"


class Source(NamedTuple):
    """What --id, --ood or --csid gives: a file, and the name of its dataset, or of one of them."""

    option: str
    name: str | None
    path: Path


class OneSet(NamedTuple):
    """A dataset's scores by (model, template), (None, None) for another program's."""

    option: str
    name: str
    path: Path
    parts: dict[Key, SetScores]


def parsed(option: str, text: str) -> Source:
    """Return the source that FILE or NAME=FILE gives; either may contain a '='."""
    name, equals, file = text.partition("=")
    splits = [(text[:place], text[place + 1 :]) for place, one in enumerate(text) if one == "="]
    if not equals or Path(text).exists():
        return Source(option, None, Path(text))
    name, file = next((one for one in splits if one[1] and Path(one[1]).exists()), (name, file))
    if not file:
        what = f"{option} {text}: names no file (is a shell variable unset?)"
        raise InputError(f"{what}; use NAME=FILE or FILE")
    if not name:
        raise InputError(f"{option} {text!r}: write NAME=FILE or FILE")
    return Source(option, name, Path(file))


def measure(
    typed: Mapping[str, Sequence[str]],
    *,
    columns: Sequence[str],
    correct: str | None = None,
    lower_is_id: bool,
    conventions: Conventions,
    compare_scores: bool,
    command: str,
    watch: Watch,
) -> Measured:
    """Return the results of the given columns, or of the only one, of the files.

    `typed` has the sources of each option, "--id" first, then "--ood" and perhaps "--csid": a
    source is FILE or NAME=FILE. `correct` is the column of the ID file that tells which images are
    classified correctly. `lower_is_id` negates all scores. `command` is what was typed.
    """
    sources = [parsed(option, one) for option, every in typed.items() for one in every]
    paths = dict.fromkeys(one.path for one in sources)
    files = {path: read(path, columns, correct) for path in paths}
    for part in (part for parts in files.values() for part in parts if lower_is_id):
        for scores in part.scores.values():
            scores *= -1
    sets = [_picked(one, files[one.path]) for one in sources]
    _check(sets)
    rows = [_row(sets, key, column) for key in sets[0].parts for column in _columns(sets[0])]
    digests = {path: _digest(path) for path in paths}
    return measured(
        *(rows, sets[0].name),
        outcomes={} if correct is None else _outcomes(sources[0], correct),
        csid=[one.name for one in sets if one.option == CSID],
        conventions=conventions,
        compare_scores=compare_scores,
        provenance={
            "command": command,
            "lower_is_id": lower_is_id,
            "files": [_identified(one, columns, digests[one.path]) for one in sets],
        },
        watch=watch,
    )


def measured(
    rows: Sequence[PairedRow],
    id_set: str,
    *,
    conventions: Conventions,
    compare_scores: bool,
    provenance: Mapping[str, Any],
    watch: Watch,
    csid: Sequence[str] = (),
    outcomes: Mapping[Key, Outcomes] = NONE_KNOWN,
) -> Measured:
    """Return the results of rows of scores, and the differences between rows if asked for.

    The sets of `csid` count as ID, in rows of their own. `outcomes` are as in
    `measurement.results`. The convention and the versions are added to `provenance`.
    """
    _check_selective(conventions, outcomes, csid)
    outside = [one for one in rows[0].scores if one not in (id_set, *csid)]
    groups.check(conventions.groups, outside)
    results = measurement.results(
        *(rows, id_set), conventions=conventions, watch=watch, csid=csid, outcomes=outcomes
    )
    compared = [
        one
        for name, of_kind in (by_kind(rows, id_set, csid) if compare_scores else ())
        for one in differences(of_kind, name, watch=watch)
    ]
    made_with = {
        "fpr_convention": conventions.fpr_convention,
        **of_bootstrap(conventions),
        "versions": versions.of_arrays(),
    }
    return Measured(tuple(results), tuple(compared), {**provenance, **made_with})


def _outcomes(source: Source, column: str) -> dict[Key, Outcomes]:
    """Return what a column of the ID file tells of its images, 1 or 0, by model and template."""
    path = source.path
    if path.suffix.lower() == ".npy":
        raise InputError(f"{path}: has no columns, so no --correct {column}; use .csv or .npz")
    try:
        found = _picked(source, read(path, [column])).parts
    except NoNumberError as error:
        what = "is empty or not a number: 1 or 0 is expected"
        raise InputError(f"{error.where} {what}") from None
    each = {key: next(iter(part.scores.values())) for key, part in found.items()}
    return {key: outcomes_of(one, f"{path}: column {column!r}") for key, one in each.items()}


def _check_selective(
    conventions: Conventions, outcomes: Mapping[Key, Outcomes], csid: Sequence[str]
) -> None:
    """Raise InputError for selective classification of images whose errors are unknown."""
    if not conventions.selective:
        return
    if not outcomes:
        raise InputError(
            "--selective: which ID images are classified correctly is unknown; give --correct "
            "NAME, a column of the ID file with 1 for a correct one and 0 for another"
        )
    if csid:
        raise InputError(
            "--selective: other programs' csid images are not known to be classified correctly; "
            "omit --csid, or measure them in another run"
        )


def _row(sets: Sequence[OneSet], key: Key, column: str) -> PairedRow:
    """Return a column's scores of all sets; a file's only column may have any name."""
    parts = {one.name: one.parts[key] for one in sets}
    scores = {
        name: part.scores.get(column, next(iter(part.scores.values())))
        for name, part in parts.items()
    }
    return PairedRow((*key, column), scores, {name: part.images for name, part in parts.items()})


def _picked(source: Source, parts: Sequence[SetScores]) -> OneSet:
    """Return the scores of a source: all of a file, or one dataset's of several."""
    there = list(dict.fromkeys(part.data_set for part in parts))
    if there == [None]:
        name = readable(source.name or source.path.stem)
    elif source.name is None and len(there) == 1:
        name = str(there[0])
    elif source.name in there:
        name = str(source.name)
    else:
        found = f"scores of the datasets {', '.join(map(str, there))}"
        wanted = f"{source.option} {there[0]}={source.path}"
        raise InputError(f"{source.path}: contains {found}; name one, as in {wanted}")
    if name in RESERVED or name == FULL:
        what = "rows on csid images" if name == FULL else "averages in results"
        raise InputError(
            f"{source.option} {name!r} is reserved for {what}; "
            f"use another: {source.option} NAME={source.path}"
        )
    chosen = [part for part in parts if part.data_set in (None, name)]
    by_key = {(part.model, part.template): part for part in chosen}
    return OneSet(source.option, name, source.path, by_key)


def _check(sets: Sequence[OneSet]) -> None:
    """Reject two sets with one name or the same scores, or with other models than the ID set."""
    check_id(sets[0].name, [one.name for one in sets if one.option == CSID])
    for place, one in enumerate(sets):
        for other in sets[:place]:
            if one.name == other.name:
                what = f"two datasets are named {one.name!r}"
                raise InputError(f"{what}; use another name: NAME={one.path}")
            if next(iter(one.parts.values())) is next(iter(other.parts.values())):
                raise InputError(f"{one.path}: given as both {other.name!r} and {one.name!r}")
        if one.parts.keys() != sets[0].parts.keys():
            raise InputError(
                f"{one.path}: scores of {_written(one)}, but {sets[0].path} has scores of "
                f"{_written(sets[0])}; both need the same models and templates"
            )
        wanted, found = _columns(sets[0]), _columns(one)
        if UNNAMED not in (*found, *wanted) and found != wanted:
            raise InputError(
                f"{one.path}: its columns are {', '.join(found)}, but those of {sets[0].path} "
                f"are {', '.join(wanted)}; pick with --column NAME"
            )


def _written(one: OneSet) -> str:
    return ", ".join(
        f"{model} with {template!r}" if model else "another program"
        for model, template in one.parts
    )


def _columns(one: OneSet) -> list[str]:
    return list(next(iter(one.parts.values())).scores)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _identified(one: OneSet, typed: Sequence[str], digest: str) -> Mapping[str, Any]:
    """Return how to find a set's scores again, and how many there are."""
    named = [] if _columns(one) == [UNNAMED] else _columns(one)
    return {
        "path": str(one.path),
        "sha256": digest,
        "data_set": one.name,
        "side": one.option.removeprefix("--"),
        "columns": list(typed) or named,
        "rows": sum(len(next(iter(part.scores.values()))) for part in one.parts.values()),
    }
