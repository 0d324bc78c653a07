"""The page's first picture: AUROC with its interval for the best rows, as parts of its axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from oodcache.report.findings.ranking import ranking
from oodcache.report.html.renaming import Named, renamed
from oodcache.report.tables.grid import interval, key, model_names, names, percent, ranges_of
from oodcache.score.measures.result import Result

MOST = 20  # Rows; the heat map has the others.
CHANCE = 50.0
_TICKS = 6
_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


@dataclass(frozen=True)
class ForestRow:
    """A row: its name, AUROC and interval as text, and their places on the axis, from 0 to 100.

    `low` and `high` are None without an interval. `is_range` tells a range over several draws of a
    bank from an interval. `model` numbers the models, for their colours.
    """

    name: str
    model: int
    text: str
    bounds: str
    point: float
    low: float | None
    high: float | None
    is_best: bool
    is_range: bool


@dataclass(frozen=True)
class Tick:
    """A tick of the axis: its text, and its place from 0 to 100."""

    text: str
    place: float


@dataclass(frozen=True)
class Forest:
    """The rows on one OOD set or average, the best first, and how many more there are.

    `models` has the names of several models, by number. `chance` is the place of an AUROC of 50 %,
    None if it is outside the axis. `lines` says what the rows' lines are.
    """

    ood: str
    rows: tuple[ForestRow, ...]
    more: int
    ticks: tuple[Tick, ...]
    chance: float | None
    models: tuple[str, ...]
    lines: str


def forest(results: Sequence[Result], new: Named | None = None) -> Forest:
    """Return the best rows of the findings' ranking as a picture; `new` names replace theirs."""
    new = new or {}
    ranked = ranking(results).rows
    rows = ranked[:MOST]
    ends = [100 * end for one in rows for end in (one.auroc, *(_ends(one) or ()))]
    axis = _axis(min(ends), max(ends))
    called, models = names(map(key, results)), model_names(map(key, rows))
    numbers = {model: number for number, model in enumerate(models)}

    def place(percentage: float) -> float:
        return round(100 * (percentage - axis[0]) / (axis[-1] - axis[0]), 3)

    def row(one: Result) -> ForestRow:
        low, high = _ends(one) or (None, None)
        return ForestRow(
            renamed(called[key(one)], new),
            numbers[key(one)[0]],
            percent(one.auroc),
            interval(_ends(one)),
            place(100 * one.auroc),
            None if low is None else place(100 * low),
            None if high is None else place(100 * high),
            one.auroc == rows[0].auroc,
            ranges_of(one) is not None,
        )

    return Forest(
        ood=renamed(rows[0].ood, new),
        rows=tuple(map(row, rows)),
        more=len(ranked) - len(rows),
        ticks=tuple(Tick(f"{one:g}", place(one)) for one in axis),
        chance=place(CHANCE) if axis[0] <= CHANCE <= axis[-1] else None,
        models=tuple(renamed(one, new) for one in models.values()) if len(models) > 1 else (),
        lines=_lines([ranges_of(one) is not None for one in rows]),
    )


def _lines(has_range: Sequence[bool]) -> str:
    """Return what the lines of the rows are.

    >>> _lines([True]), _lines([False, True])
    ('its range over draws', 'its 95 % interval (thin: range over draws)')
    """
    if all(has_range):
        return "its range over draws"
    return f"its 95 % interval{' (thin: range over draws)' if any(has_range) else ''}"


def _ends(one: Result) -> tuple[float, float] | None:
    """Return the interval of the AUROC, or its range over several draws of a bank."""
    return (ranges_of(one) or {}).get("auroc", one.auroc_ci)


def _axis(low: float, high: float) -> list[float]:
    """Return ticks in percent around the ends, a few round numbers.

    >>> _axis(80.3, 93.5)
    [80.0, 85.0, 90.0, 95.0]
    >>> _axis(100.0, 100.0)
    [99.9, 100.0]
    """
    step = next((one for one in _STEPS if (high - low) / one <= _TICKS - 1), _STEPS[-1])
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if first == last:
        first, last = (first - 1, last) if last * step >= 100 else (first, last + 1)
    return [round(step * place, 6) for place in range(first, last + 1)]
