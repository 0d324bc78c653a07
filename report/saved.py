"""Results read back from the JSON that `oodcache score` and `oodcache metrics` write.

A stranger's file: whatever is not as `results.to_json` writes it is refused in one line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from oodcache.cache.errors import InputError
from oodcache.cache.format.rules import shown
from oodcache.report.tables.formats import FORMAT, VERSION
from oodcache.report.tables.grid import key
from oodcache.score.formulas.registry import SCORES
from oodcache.score.inputs.question import OWN, PREDICTED, bank_label
from oodcache.score.measures.result import FPR_CONVENTIONS, Difference, Pick, Result

LARGEST = 2**28
Row = TypeVar("Row", Result, Difference)
CALIBRATED = (
    *("kept_id", "kept_ood", "prevalence"),
    *("brier", "ece", "brier_balanced", "ece_balanced"),
)
SCORE_AGAIN = "score again, with --output FILE.json"


@dataclass(frozen=True)
class Saved:
    """What a file of results holds; `path` is where it was."""

    path: Path
    results: tuple[Result, ...]
    differences: tuple[Difference, ...]
    provenance: Mapping[str, Any]


def read(path: Path) -> Saved:
    """Return the results in a file; raise InputError, in one line, where it holds none."""
    whole = _whole(path)
    if whole.get("format", FORMAT) != FORMAT or not isinstance(whole.get("results"), list):
        raise InputError(f"{path}: holds no results of oodcache; {SCORE_AGAIN}")
    if (version := whole.get("version")) != VERSION:
        of = "of no version" if version is None else f"of version {shown(version)}"
        raise InputError(f"{path}: results {of}, and this oodcache reads {VERSION}; {SCORE_AGAIN}")
    results = _rows(path, whole, "results", _result)
    differences = _rows(path, whole, "differences", _difference)
    if not results:
        raise InputError(f"{path}: holds no result; {SCORE_AGAIN}")
    _check_once(path, results)
    provenance = whole.get("provenance")
    if not isinstance(provenance, dict):
        raise InputError(f"{path}: 'provenance' is no object; {SCORE_AGAIN}")
    return Saved(path, results, differences, provenance)


def _whole(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise InputError(f"{path}: is larger than {LARGEST:,} bytes, which no results are")
    try:
        whole = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON: {error}; {SCORE_AGAIN}") from None
    if not isinstance(whole, dict):
        raise InputError(f"{path}: holds no results of oodcache; {SCORE_AGAIN}")
    return whole


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _rows(
    path: Path,
    whole: Mapping[str, Any],
    name: str,
    made: Callable[[Mapping[str, Any]], Row],
) -> tuple[Row, ...]:
    rows = []
    for number, row in enumerate(whole.get(name) or ()):
        try:
            rows.append(made(row))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise InputError(
                f"{path}: {name[:-1]} {number}, from 0: {what}; {SCORE_AGAIN}"
            ) from None
    return tuple(rows)


def _result(row: Mapping[str, Any]) -> Result:
    """Return a row as the Result that it was; raise ValueError for what is no such thing."""
    row = _with_bank_labels(row)
    found = {one.name: row[one.name] for one in fields(Result)}
    for name in ("id", "ood", "score"):
        _check(name, found[name], str)
    for name in ("model", "pretrained", "classes", "template", "group", "negatives", "bank"):
        _check(name, found[name], str, type(None))
    if found["bank_labels"] not in (None, OWN, PREDICTED):
        raise ValueError(f"'bank_labels' is {shown(found['bank_labels'])}")
    for name in ("n_id", "n_ood", "ties", "distinct", "shared_images"):
        _check(name, found[name], int)
    for name in ("auroc", "aupr_in", "aupr_out", "fpr95"):
        _fraction(name, found[name])
    if found["id_accuracy"] is not None:
        _fraction("id_accuracy", found["id_accuracy"])
    for name in ("fpr_at_tpr", "fpr95_by_convention"):
        for number in _mapping(name, found[name]).values():
            _fraction(name, number)
    for name, number in _mapping("parameters", found["parameters"]).items():
        _check("parameters", number, str, float, int)
        if name not in SCORES[found["score"]].defaults:
            raise ValueError(f"'parameters' has {shown(name)}, which {found['score']!r} has not")
    if found["fpr_convention"] not in FPR_CONVENTIONS:
        raise ValueError(f"'fpr_convention' is {shown(found['fpr_convention'])}")
    found["templates"] = tuple(_texts("templates", found["templates"]))
    found["auroc_ci"] = _interval("auroc_ci", found["auroc_ci"])
    if found["bootstrap"] is not None:
        found["bootstrap"] = {
            name: _interval("bootstrap", one)
            for name, one in _mapping("bootstrap", found["bootstrap"]).items()
        }
    if not isinstance(found["calibration"], str | None):
        given = _mapping("calibration", found["calibration"])
        for name in CALIBRATED:
            _fraction(f"calibration.{name}", given.get(name))
    found["picked"] = None if found["picked"] is None else _pick(found["picked"])
    return Result(**found)


def _with_bank_labels(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row that says whose labels its bank has: 0.1 wrote "NAME (labels predicted)"."""
    bank = row.get("bank")
    if "bank_labels" in row or not isinstance(bank, str):
        return {"bank_labels": None, **row}
    name = bank.removesuffix(bank_label("", PREDICTED))
    return {**row, "bank": name, "bank_labels": OWN if name == bank else PREDICTED}


def _pick(row: Mapping[str, Any]) -> Pick:
    found = {one.name: _mapping("picked", row)[one.name] for one in fields(Pick)}
    _check("on", found["on"], str)
    _check("tried", found["tried"], int)
    _fraction("auroc", found["auroc"])
    for count in _mapping("shared_images", found["shared_images"]).values():
        _check("shared_images", count, int)
    return Pick(**found)


def _difference(row: Mapping[str, Any]) -> Difference:
    found = {one.name: row[one.name] for one in fields(Difference)}
    for name in ("id", "ood"):
        _check(name, found[name], str)
    for name in ("first", "second"):
        if len(found[name]) != 3 or not isinstance(found[name][2], str):
            raise ValueError(f"{name!r} is {shown(found[name])}, not a model, template and score")
        found[name] = tuple(found[name])
    for name in ("p", "p_holm"):
        _fraction(name, found[name])
    _number("difference", found["difference"])
    found["ci"] = _interval("ci", found["ci"])
    return Difference(**found)


def _check(name: str, value: Any, *types: type) -> None:
    if not isinstance(value, types) or isinstance(value, bool):
        raise ValueError(f"{name!r} is {shown(value)}")


def _number(name: str, value: Any) -> None:
    _check(name, value, float, int)
    if not math.isfinite(value):
        raise ValueError(f"{name!r} is {value}")


def _fraction(name: str, value: Any) -> None:
    _number(name, value)
    if not 0 <= value <= 1:
        raise ValueError(f"{name!r} is {value}, no fraction")


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name!r} is {shown(value)}")
    return value


def _texts(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{name!r} is {shown(value)}")
    return value


def _interval(name: str, value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{name!r} is {shown(value)}, not two numbers")
    for one in value:
        _number(name, one)
    return value[0], value[1]


def _check_once(path: Path, results: tuple[Result, ...]) -> None:
    """Refuse two results of one score and OOD set, of which a table would show the last."""
    seen = set()
    for one in results:
        name = (*key(one), one.id, one.ood)
        if name in seen:
            raise InputError(f"{path}: has two results of {shown(key(one)[2])} on {shown(one.ood)}")
        seen.add(name)
