"""The table of measures: which columns it has, the best of each, and near and far OOD sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from oodcache.report.tables.grid import (
    Cell,
    Grid,
    GridRow,
    asked_tprs,
    by_row,
    fpr_field,
    fpr_name,
    interval,
    laid,
    spread,
)
from oodcache.score.measures.result import GROUPS, MEASURES, Result

ACCURACY, INTERVAL, FPR = "accuracy", "interval", "fpr"
# The FPR is shown at each requested TPR.
NAMED = {one.name.replace("_", "-"): one for one in MEASURES if not one.by_convention}
COLUMNS = (*NAMED, FPR, INTERVAL, ACCURACY)
STANDARD = ("auroc", FPR, INTERVAL, ACCURACY)
HIGHER, LOWER = "↑", "↓"
FEWEST = 3  # Rows from which on a second best is marked.


@dataclass(frozen=True)
class MeasuredColumn:
    """A column below each OOD set: its heading, its arrow, and a result's number as text."""

    heading: str
    arrow: str
    text: Callable[[Result], str]


def parsed(text: str) -> tuple[str, ...]:
    """Return the names of columns typed with commas; raise ValueError for others.

    >>> parsed("fpr,auroc")
    ('fpr', 'auroc')
    """
    names = [one.strip() for one in text.split(",")]
    if unknown := [one for one in names if one not in COLUMNS]:
        raise ValueError(f"{unknown[0][:60]!r} is no column; there are {', '.join(COLUMNS)}")
    if len({*names}) < len(names):
        raise ValueError(f"{text[:60]!r} has a column twice")
    if not {*names} & {*NAMED, FPR}:
        raise ValueError(f"{text[:60]!r} has no measure; add one of {', '.join((*NAMED, FPR))}")
    if INTERVAL in names and "auroc" not in names:
        raise ValueError(f"{text[:60]!r} has no auroc, which {INTERVAL} is of; add it")
    return tuple(names)


def measured(
    results: Sequence[Result], notes: Sequence[str] = (), columns: Sequence[str] = STANDARD
) -> Grid:
    """Return the columns asked for in percent: by default AUROC, its interval below, and the FPR.

    There is no line of intervals if none can be estimated. Several shuffles of a stream have their
    standard deviation behind each mean.
    """
    shown = list(_columns(results, columns))
    has_interval = INTERVAL in columns and any(one.auroc_ci is not None for one in results)

    def cell(one: Result) -> Cell:
        numbers = tuple(each.text(one) for each in shown)
        return (numbers, (interval(one.auroc_ci),)) if has_interval else (numbers,)

    grid = laid(results, [one.heading for one in shown], cell, notes=notes)
    if ACCURACY not in columns:
        grid = _without_accuracy(grid)
    grid = replace(grid, arrows=tuple(one.arrow for one in shown), groups=_groups(results))
    return _placed(grid, results)


def _columns(results: Sequence[Result], names: Iterable[str]) -> Iterable[MeasuredColumn]:
    for name in names:
        if name in NAMED:
            yield _measure(name)
        elif name == FPR:
            yield from map(_rate, asked_tprs(results))


def _measure(name: str) -> MeasuredColumn:
    about = NAMED[name]
    arrow = LOWER if about.lower_is_better else HIGHER
    return MeasuredColumn(
        about.heading, arrow, lambda one: spread(one, getattr(one, about.name), about.name)
    )


def _rate(tpr: str) -> MeasuredColumn:
    return MeasuredColumn(
        fpr_name(tpr), LOWER, lambda one: spread(one, one.fpr_at_tpr.get(tpr), fpr_field(tpr))
    )


def _without_accuracy(grid: Grid) -> Grid:
    """Return a grid without the column of ID accuracy, which is the last of its labels."""
    if "ID acc" not in grid.labels:
        return grid
    rows = (replace(one, labels=one.labels[:-1]) for one in grid.rows)
    return replace(grid, labels=grid.labels[:-1], rows=tuple(rows))


def _groups(results: Sequence[Result]) -> tuple[str, ...]:
    """Return what each OOD set is grouped under: near or far OOD; empty if none is."""
    of = {one.ood: one.group for one in results}
    found = tuple(f"{group} OOD" if group in GROUPS else "" for group in of.values())
    return found if any(found) else ()


def _placed(grid: Grid, results: Sequence[Result]) -> Grid:
    """Return a grid that knows the best and the second best number of each column.

    Rows are compared with those of the same stream order and positives. Numbers are compared as
    they are written: what looks equal is equal.
    """
    kinds = [_kind(next(iter(row.values()))) for row in by_row(results).values()]
    places = [[[0] * len(grid.measures) for _ in grid.ood_sets] for _ in grid.rows]
    for kind in dict.fromkeys(kinds):
        own = [place for place, one in enumerate(kinds) if one == kind]
        for column in range(len(grid.ood_sets)):
            for measure, arrow in enumerate(grid.arrows):
                numbers = [_number(grid.rows[place].cells[column], measure) for place in own]
                for place, found in zip(own, _ranked(numbers, arrow), strict=True):
                    places[place][column][measure] = found
    rows = zip(grid.rows, places, strict=True)
    return replace(grid, rows=tuple(replace(row, places=tuple(map(tuple, of))) for row, of in rows))


def _kind(one: Result) -> tuple[str, str]:
    return "" if one.stream is None else one.stream.order, one.id


def _number(cell: Cell, measure: int) -> float | None:
    """Return the number that a cell shows, without its standard deviation; None for a dash."""
    try:
        return float(cell[0][measure].split()[0])
    except (IndexError, ValueError):
        return None


def _ranked(numbers: Sequence[float | None], arrow: str) -> list[int]:
    """Return 1 for the best numbers, 2 for the second best, else 0; one number is no best."""
    there = [one for one in numbers if one is not None]
    ordered = sorted({*there}, reverse=arrow == HIGHER)
    marked = dict(zip(ordered, (1, 2) if len(there) >= FEWEST else (1,), strict=False))
    if len(ordered) < 2:
        return [0] * len(numbers)
    return [0 if one is None else marked.get(one, 0) for one in numbers]


def arranged(grid: Grid) -> Grid:
    """Return a grid with its OOD sets by group: near, far, then the others."""
    if not grid.groups:
        return grid
    first = [f"{group} OOD" for group in GROUPS]
    order = sorted(
        range(len(grid.ood_sets)),
        key=lambda place: (
            first.index(grid.groups[place]) if grid.groups[place] in first else len(first)
        ),
    )

    def row(one: GridRow) -> GridRow:
        places = tuple(one.places[place] for place in order) if one.places else ()
        return replace(one, cells=tuple(one.cells[place] for place in order), places=places)

    return replace(
        grid,
        ood_sets=tuple(grid.ood_sets[place] for place in order),
        groups=tuple(grid.groups[place] for place in order),
        rows=tuple(map(row, grid.rows)),
    )
