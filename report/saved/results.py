"""Results read back from the JSON that `oodcache score` and `oodcache metrics` write.

The file is untrusted: whatever `to_json` would not write is rejected in one line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from oodcache.cache.errors import InputError
from oodcache.cache.format.json_fields import Fields
from oodcache.cache.format.rules import one_line, shown
from oodcache.cache.json_text import content_sum, parse_json
from oodcache.cache.text import check_stream
from oodcache.report.saved.leaks import leak_count
from oodcache.report.saved.selective import saved_selective
from oodcache.report.saved.shots import shots
from oodcache.report.saved.spectrum import spectrum
from oodcache.report.saved.streams import stream_measures
from oodcache.report.tables.formats import FORMAT, SUM, VERSION
from oodcache.report.tables.grid import key
from oodcache.score.formulas.registry import SCORES
from oodcache.score.inputs.question import OWN, PREDICTED, bank_label
from oodcache.score.measures import probability
from oodcache.score.measures.result import (
    AVERAGE,
    FPR_CONVENTIONS,
    MEASURES,
    Compared,
    Counterpart,
    Difference,
    Pick,
    Result,
)

LARGEST = 2**28
# Fields that older results lack.
LATE = (
    *("bank_shared_images", "stream", "spectrum", "average_of", "leaks", "shots"),
    *("selective", "clean"),
)
LEAST = {"n_id": 1, "n_ood": 1, "ties": 0, "distinct": 1, "shared_images": 0}
Row = TypeVar("Row", Result, Difference, Counterpart)
SINCE = {*LATE, *(one.name for one in MEASURES)}
NEWER = {one.name for one in fields(Result) if one.default is not MISSING and one.name in SINCE}
NAMES = ("format", "version", "results", "differences", "provenance", "published", "notes")
SCORE_AGAIN = "score again, with --output FILE.json"


@dataclass(frozen=True)
class Saved:
    """The content of a results file at `path`; `published` is None without --published."""

    path: Path
    results: tuple[Result, ...]
    differences: tuple[Difference, ...]
    provenance: Mapping[str, Any]
    published: tuple[Counterpart, ...] | None = None


def read(path: Path) -> Saved:
    """Return the results in a file; raise InputError, in one line, if they are not valid."""
    return parsed(_content(path), path)


def parsed(content: bytes, path: Path) -> Saved:
    """Return the results in the content of a file at `path`, as `read` does."""
    whole = _whole(content, path)
    if whole.get("format", FORMAT) != FORMAT or not isinstance(whole.get("results"), list):
        raise InputError(f"{path}: contains no oodcache results; {SCORE_AGAIN}")
    if (version := whole.get("version")) != VERSION:
        found = "without a version" if version is None else f"of version {shown(version)}"
        what = f"results {found}, but this oodcache reads version {VERSION}"
        raise InputError(f"{path}: {what}; {SCORE_AGAIN}")
    results = _rows(path, whole, "results", _result)
    differences = _rows(path, whole, "differences", _difference)
    if not results:
        raise InputError(f"{path}: contains no results; {SCORE_AGAIN}")
    _check_once(path, results)
    provenance = whole.get("provenance")
    if not isinstance(provenance, dict):
        raise InputError(f"{path}: 'provenance' is not an object; {SCORE_AGAIN}")
    _check_unchanged(path, whole)
    published = _rows(path, whole, "published", _counterpart) if "published" in whole else None
    return Saved(path, results, differences, provenance, published)


def _check_unchanged(path: Path, whole: Mapping[str, Any]) -> None:
    """Reject results that were changed after they were written; those of 0.1 have no SHA-256."""
    others = {name: value for name, value in whole.items() if name != SUM}
    if strange := [name for name in others if name not in NAMES]:
        raise InputError(f"{path}: no results have {shown(strange[0])}; {SCORE_AGAIN}")
    if SUM in whole and whole[SUM] != content_sum(others):
        raise InputError(
            f"{path}: was changed after it was written: its SHA-256 is another; {SCORE_AGAIN}, or, "
            f"if you changed it on purpose, remove {SUM!r} from it"
        )


def mapping(value: object) -> Mapping[str, Any]:
    """Return an untrusted value as an object, an empty one if it is not."""
    return value if isinstance(value, dict) else {}


def _content(path: Path) -> bytes:
    try:
        check_stream(path)
        with path.open("rb") as file:  # It may be a pipe of the shell.
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    if len(content) > LARGEST:
        raise InputError(f"{path}: larger than {LARGEST:,} bytes, too large for results")
    return content


def _whole(content: bytes, path: Path) -> dict[str, Any]:
    try:
        # UTF-16 or with a mark at its start, as editors on Windows save it.
        whole = parse_json(content.decode(json.detect_encoding(content)))
    except UnicodeDecodeError:
        raise InputError(f"{path}: not JSON: it is not text; {SCORE_AGAIN}") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {one_line(error)}; {SCORE_AGAIN}") from None
    if not isinstance(whole, dict):
        raise InputError(f"{path}: contains no oodcache results; {SCORE_AGAIN}")
    return whole


def _rows(
    path: Path,
    whole: Mapping[str, Any],
    name: str,
    made: Callable[[Mapping[str, Any]], Row],
) -> tuple[Row, ...]:
    rows, untrusted = [], whole.get(name) or ()
    if not isinstance(untrusted, list | tuple):
        raise InputError(f"{path}: {name!r} is not a list; {SCORE_AGAIN}")
    for number, row in enumerate(untrusted):
        try:
            rows.append(made(row))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else str(error)
            where = f"{path}: {name.removesuffix('s')} {number} (counted from 0)"
            raise InputError(f"{where}: {what}; {SCORE_AGAIN}") from None
    return tuple(rows)


def _result(row: Mapping[str, Any]) -> Result:
    """Return a row as a Result; raise ValueError if it is not one."""
    row = _with_bank_labels(row)
    # A measure that is newer than the file has a default.
    known = [one for one in fields(Result) if one.name in row or one.name not in NEWER]
    found, given = {one.name: row[one.name] for one in known}, Fields(row)
    for name in ("id", "ood", "score"):
        given.typed(name, str)
    for name in ("model", "pretrained", "classes", "template", "group", "negatives", "bank"):
        given.typed(name, str, type(None))
    if found["bank_labels"] not in (None, OWN, PREDICTED):
        wanted = f"{OWN}, {PREDICTED} or null"
        raise ValueError(f"'bank_labels' is {shown(found['bank_labels'])}, not {wanted}")
    if (found["bank"] is None) != (found["bank_labels"] is None):
        raise ValueError("'bank' and 'bank_labels' are null together, or neither is")
    for name, least in LEAST.items():
        given.count(name, least)
    if found.get("bank_shared_images") is not None:
        in_bank = Fields(given.mapping("bank_shared_images"), "bank_shared_images.")
        for name in in_bank.values:
            in_bank.typed(name, int)
    for one in MEASURES:
        if one.name in found:
            given.fraction(one.name, optional=one.name in NEWER)
    given.fraction("id_accuracy", optional=True)
    for name in ("fpr_at_tpr", "fpr95_by_convention"):
        inner = Fields(given.mapping(name), f"{name}.")
        for at in inner.values:
            inner.fraction(at)
    parameters = Fields(given.mapping("parameters"), "parameters.")
    for name in parameters.values:
        parameters.typed(name, str, float, int)
        if not _is_parameter(found["score"], name):
            raise ValueError(f"'parameters' has {shown(name)}, unknown to {shown(found['score'])}")
    if found["fpr_convention"] not in FPR_CONVENTIONS:
        raise given.wrong("fpr_convention", f"one of {', '.join(FPR_CONVENTIONS)}")
    found["templates"] = given.texts("templates", empty=True)
    found["auroc_ci"] = given.interval("auroc_ci")
    if found["bootstrap"] is not None:
        bounds = Fields(given.mapping("bootstrap"), "bootstrap.")
        found["bootstrap"] = {name: bounds.interval(name) for name in bounds.values}
    if not isinstance(found["calibration"], str | None):
        worth = Fields(given.mapping("calibration"), "calibration.")
        for name in probability.MEASURES:
            Fields({name: worth.values.get(name)}, worth.where).fraction(name)
    if found.get("stream") is not None:
        found["stream"] = stream_measures(given.mapping("stream"))
    if found.get("spectrum") is not None:
        found["spectrum"] = spectrum(given.mapping("spectrum"), found["id"])
    if found.get("shots") is not None:
        found["shots"] = shots(given.mapping("shots"))
    if found.get("selective") is not None:
        found["selective"] = saved_selective(given.mapping("selective"))
    if found.get("clean") is not None:
        found["clean"] = _clean(given, found)
    if found.get("average_of") is not None:
        found["average_of"] = given.texts("average_of")
        if not found["ood"].startswith(AVERAGE):
            raise given.wrong("average_of", "null for a single OOD set")
    if found.get("leaks") is not None:
        found["leaks"] = leak_count(given.mapping("leaks"))
    found["picked"] = None if found["picked"] is None else _pick(given.mapping("picked"))
    return Result(**found)


def _clean(given: Fields, row: Mapping[str, Any]) -> Result:
    """Return the row of the images that were not dropped, of the same score and sets."""
    found = _result(given.mapping("clean"))
    same = ("id", "ood", "score", "model", "template", "parameters")
    if found.clean is not None or any(getattr(found, name) != row[name] for name in same):
        raise ValueError("'clean' is not a row of the same score and sets")
    return found


def _is_parameter(score: str, name: str) -> bool:
    """Return whether a score may have a parameter; those of users' own scores are unknown."""
    return name in SCORES[score].defaults if score in SCORES else name.isidentifier()


def _with_bank_labels(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row with a `bank_labels` field: 0.1 wrote "NAME (labels predicted)" instead."""
    bank = row.get("bank")
    if "bank_labels" in row or not isinstance(bank, str):
        return {"bank_labels": None, **row}
    name = bank.removesuffix(bank_label("", PREDICTED))
    return {**row, "bank": name, "bank_labels": OWN if name == bank else PREDICTED}


def _pick(row: Mapping[str, Any]) -> Pick:
    found, given = {one.name: row[one.name] for one in fields(Pick)}, Fields(row)
    given.typed("on", str)
    given.typed("tried", int)
    given.fraction("auroc")
    for count in given.mapping("shared_images").values():
        Fields({"shared_images": count}).typed("shared_images", int)
    return Pick(**found)


def _difference(row: Mapping[str, Any]) -> Difference:
    row = {"orders": None, "deviation": None, **row}  # Of 0.1.
    found, given = {one.name: row[one.name] for one in fields(Difference)}, Fields(row)
    for name in ("id", "ood"):
        given.typed(name, str)
    for name in ("first", "second"):
        if len(found[name]) != 3 or not isinstance(found[name][2], str):
            raise given.wrong(name, "a model, template and score")
        found[name] = tuple(found[name])
    for name in ("p", "p_holm"):
        given.fraction(name)
    given.number("difference")
    if row["orders"] is not None:
        orders = Fields(given.mapping("orders"), "orders.")
        for name in orders.values:
            orders.number(name)
    given.typed("deviation", float, int, type(None))
    return Difference(**found | {"ci": given.interval("ci")})


def _counterpart(row: Mapping[str, Any]) -> Counterpart:
    row = {"stream": None, "settings": "", "precision": "", "where": "", **row}  # Of 0.1.
    found, given = {one.name: row[one.name] for one in fields(Counterpart)}, Fields(row)
    for name in ("source", "model", "method", "template", "note", "settings", "precision", "where"):
        given.typed(name, str)
    for name in ("score", "fpr_convention", "stream"):
        given.typed(name, str, type(None))
    found |= {name: given.texts(name, empty=True) for name in ("missing", "unlike")}
    if found["accuracy"] is not None:
        found["accuracy"] = _compared(given.mapping("accuracy"), "accuracy")
    for name in ("auroc", "fpr95"):
        by_set = Fields(given.mapping(name), f"{name}.")
        found[name] = {one: _compared(by_set.mapping(one), name) for one in by_set.values}
    return Counterpart(**found)


def _compared(row: Mapping[str, Any], where: str) -> Compared:
    given = Fields(row, f"{where}.").expect("published", "own", "difference")
    given.fraction("published")
    given.fraction("own", optional=True)
    given.typed("difference", float, int, type(None))
    return Compared(**row)


def _check_once(path: Path, results: tuple[Result, ...]) -> None:
    """Reject two results of one score and OOD set: a table would show only the last."""
    seen = set()
    for one in results:
        name = (*key(one), one.id, one.ood)
        if name in seen:
            what = f"{shown(key(one)[2])} on {shown(one.ood)}"
            raise InputError(f"{path}: contains two results of {what}")
        seen.add(name)
