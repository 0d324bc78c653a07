"""Sweeps: the headline measures against a parameter, the template or the shots of several values.

A line joins results with the same model, template, score, other parameters and OOD set.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from oodcache.cache.text import counted
from oodcache.report.saved.results import Saved, mapping
from oodcache.report.tables.grid import by_row, key, model_names, ranges_of
from oodcache.score.formulas.definition import LEARNED, NONE
from oodcache.score.measures.result import HEADLINES, ORDERED, Result
from oodcache.score.measures.spectrum.spectrum import KINDS
from oodcache.score.onepass.variants import Variant, learned_numbers

TEMPLATE, SHOTS = "template", "shots"


@dataclass(frozen=True)
class SweepLine:
    """One OOD set's results at every value of the parameter, in ascending order.

    `score` is written without the parameter; `template` is None if it is what varies. `words`
    has the word typed for a value, such as "learned", None for a number. A value is the number
    that a word stands for, or the word itself if that is unknown. `measured` has each headline
    measure at every value, `ranges` its least and largest over several draws of a bank.
    """

    model: str | None
    template: str | None
    score: str
    ood: str
    values: tuple[float | str, ...]
    words: tuple[str | None, ...]
    measured: Mapping[str, tuple[float, ...]]
    auroc_ci: tuple[tuple[float, float] | None, ...]
    ranges: Mapping[str, tuple[tuple[float, float] | None, ...]]


@dataclass(frozen=True)
class Sweep:
    """A parameter measured at several values, or "template" or "shots", and its lines."""

    parameter: str
    lines: tuple[SweepLine, ...]


def sweeps(saved: Saved) -> list[Sweep]:
    """Return a sweep for each parameter with lines of two values or more.

    Shots are the first, the template is the last.
    """
    parameters = dict.fromkeys(name for one in saved.results for name in one.parameters)
    models = {**model_names(map(key, saved.results)), None: None}
    found = []
    for name in (SHOTS, *parameters, TEMPLATE):
        lines = tuple(replace(one, model=models[one.model]) for one in _lines(saved, name))
        found += [Sweep(name, lines)] if lines else []
    return found


def _lines(saved: Saved, parameter: str) -> tuple[SweepLine, ...]:
    groups: dict[tuple[Any, ...], list[Result]] = {}
    for rows in by_row(saved.results).values():
        for one in rows.values():
            if _has(one, parameter):
                groups.setdefault(_all_else(one, parameter), []).append(one)
    return tuple(
        _line(saved, rows, parameter)
        for rows in groups.values()
        if len({_value(one, parameter) for one in rows}) > 1
    )


def _has(one: Result, parameter: str) -> bool:
    if parameter == SHOTS:
        return one.shots is not None
    return parameter in one.parameters or (parameter == TEMPLATE and one.template is not None)


def _all_else(one: Result, parameter: str) -> tuple[Any, ...]:
    others = {name: value for name, value in one.parameters.items() if name != parameter}
    template = None if parameter == TEMPLATE else one.template
    bank = None if parameter == SHOTS else one.bank
    fitted = (one.negatives, bank, one.bank_labels)
    sides = (one.id, one.ood)
    score = (one.score, json.dumps(others, sort_keys=True))
    return (key(one)[0], template, *score, *fitted, *sides)


def _value(one: Result, parameter: str) -> float | str:
    if parameter == SHOTS and one.shots is not None:
        return float(one.shots.per_class)
    return str(one.template) if parameter == TEMPLATE else one.parameters[parameter]


def _line(saved: Saved, rows: list[Result], parameter: str) -> SweepLine:
    points = [(_number(saved, one, parameter), one) for one in rows]
    # Words without a number come first, in the order measured.
    points.sort(key=lambda point: -math.inf if isinstance(point[0], str) else point[0])
    first = rows[0]
    others = {name: value for name, value in first.parameters.items() if name != parameter}
    typed = [_value(one, parameter) for _, one in points]
    label = Variant(first.score, others).label if others else first.score
    if parameter != SHOTS and first.shots is not None:
        label = ORDERED.format(label, counted(first.shots.per_class, "shot"))
    return SweepLine(
        model=key(first)[0],
        template=None if parameter == TEMPLATE else first.template,
        score=label if first.spectrum is None else KINDS.format(label, first.id),
        ood=first.ood,
        values=tuple(value for value, _ in points),
        words=tuple(one if isinstance(one, str) else None for one in typed),
        measured={name: tuple(getattr(one, name) for _, one in points) for name in HEADLINES},
        auroc_ci=tuple(one.auroc_ci for _, one in points),
        ranges={
            name: tuple((ranges_of(one) or {}).get(name) for _, one in points) for name in HEADLINES
        },
    )


def _number(saved: Saved, one: Result, parameter: str) -> float | str:
    """Return the number that a value is or stands for, or the word if that is unknown."""
    typed = _value(one, parameter)
    if not isinstance(typed, str):
        return float(typed)
    if typed == NONE:
        return 0.0
    model = mapping(mapping(saved.provenance.get("models")).get(str(key(one)[0])))
    scale, bias = model.get("logit_scale"), model.get("logit_bias")
    if typed != LEARNED or parameter == TEMPLATE or not isinstance(scale, float) or scale <= 0:
        return typed
    known = bias if isinstance(bias, float) else None
    # A user's own score may have the word for something else.
    return learned_numbers(scale, known).get(parameter, typed)
