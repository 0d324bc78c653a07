"""How AUROC and FPR95 follow a parameter or the template, wherever several values were measured.

A line joins results that are equal in all else: model, template, score, other parameters, OOD set.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oodcache.report.saved import Saved
from oodcache.report.tables.grid import by_row, key
from oodcache.score.formulas.definition import LEARNED, NONE
from oodcache.score.measures.result import Result
from oodcache.score.onepass.variants import Variant

TEMPLATE = "template"


@dataclass(frozen=True)
class Line:
    """What one OOD set's results are at every value of the parameter, numbers rising.

    `score` is written without the parameter, `template` is None where that is what varies. `words`
    has the word that was typed for a value, such as "learned", None for a number. A value is the
    number that a word stands for, or the word itself where nobody knows.
    """

    model: str | None
    template: str | None
    score: str
    ood: str
    values: tuple[float | str, ...]
    words: tuple[str | None, ...]
    auroc: tuple[float, ...]
    auroc_ci: tuple[tuple[float, float] | None, ...]
    fpr95: tuple[float, ...]


@dataclass(frozen=True)
class Sweep:
    """A parameter of which several values were measured, or "template", and its lines."""

    parameter: str
    lines: tuple[Line, ...]


def sweeps(saved: Saved) -> list[Sweep]:
    """Return a sweep for each parameter with lines of two values or more, the template last."""
    parameters = dict.fromkeys(name for one in saved.results for name in one.parameters)
    found = [Sweep(name, _lines(saved, name)) for name in (*parameters, TEMPLATE)]
    return [one for one in found if one.lines]


def _lines(saved: Saved, parameter: str) -> tuple[Line, ...]:
    groups: dict[tuple[Any, ...], list[Result]] = {}
    for rows in by_row(saved.results).values():
        for one in rows.values():
            if parameter in one.parameters or (parameter == TEMPLATE and one.template is not None):
                groups.setdefault(_all_else(one, parameter), []).append(one)
    return tuple(
        _line(saved, rows, parameter)
        for rows in groups.values()
        if len({_value(one, parameter) for one in rows}) > 1
    )


def _all_else(one: Result, parameter: str) -> tuple[Any, ...]:
    others = {name: value for name, value in one.parameters.items() if name != parameter}
    template = None if parameter == TEMPLATE else one.template
    fitted = (one.negatives, one.bank, one.bank_labels)
    return (key(one)[0], template, one.score, json.dumps(others, sort_keys=True), *fitted, one.ood)


def _value(one: Result, parameter: str) -> float | str:
    return str(one.template) if parameter == TEMPLATE else one.parameters[parameter]


def _line(saved: Saved, rows: list[Result], parameter: str) -> Line:
    points = [(_number(saved, one, parameter), one) for one in rows]
    # What stands for no number comes first, in the order in which it was measured.
    points.sort(key=lambda point: -math.inf if isinstance(point[0], str) else point[0])
    first = rows[0]
    others = {name: value for name, value in first.parameters.items() if name != parameter}
    typed = [_value(one, parameter) for _, one in points]
    return Line(
        model=key(first)[0],
        template=None if parameter == TEMPLATE else first.template,
        score=Variant(first.score, others).label if others else first.score,
        ood=first.ood,
        values=tuple(value for value, _ in points),
        words=tuple(one if isinstance(one, str) else None for one in typed),
        auroc=tuple(one.auroc for _, one in points),
        auroc_ci=tuple(one.auroc_ci for _, one in points),
        fpr95=tuple(one.fpr95 for _, one in points),
    )


def _number(saved: Saved, one: Result, parameter: str) -> float | str:
    """Return the number that a value is or stands for, or the word where nobody knows."""
    typed = _value(one, parameter)
    if not isinstance(typed, str):
        return float(typed)
    if typed == NONE:
        return 0.0
    model = _mapping(_mapping(saved.provenance.get("models")).get(str(key(one)[0])))
    scale, bias = model.get("logit_scale"), model.get("logit_bias")
    if typed != LEARNED or parameter == TEMPLATE or not isinstance(scale, float) or scale <= 0:
        return typed
    known = bias if isinstance(bias, float) else None
    return Variant(one.score, one.parameters).numbers(logit_scale=scale, logit_bias=known)[
        parameter
    ]


def _mapping(value: object) -> Mapping[str, Any]:
    """Return a stranger's JSON as an object, an empty one if it is none."""
    return value if isinstance(value, dict) else {}
