"""The table of measures: which columns it has, and near and far OOD sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from oodcache.report.tables.best import HIGHER, LOWER, with_best
from oodcache.report.tables.grid import (
    LEAKS,
    Cell,
    Grid,
    GridRow,
    asked_tprs,
    fpr_field,
    fpr_name,
    interval,
    laid,
    leaks,
    ranges_of,
    spread,
)
from oodcache.score.measures.result import GROUPS, MEASURES, Difference, Result

ACCURACY, INTERVAL, FPR = "accuracy", "interval", "fpr"
# The FPR is shown at each requested TPR.
NAMED = {one.name.replace("_", "-"): one for one in MEASURES if not one.by_convention}
COLUMNS = (*NAMED, FPR, LEAKS, INTERVAL, ACCURACY)
STANDARD = ("auroc", FPR, LEAKS, INTERVAL, ACCURACY)


@dataclass(frozen=True)
class MeasuredColumn:
    """A column below each OOD set: its heading, its arrow, and a result's number as text.

    `name` is that of its measure among the ranges over draws, "" if it is none.
    """

    heading: str
    arrow: str
    text: Callable[[Result], str]
    name: str = ""


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
    results: Sequence[Result],
    notes: Sequence[str] = (),
    columns: Sequence[str] = STANDARD,
    differences: Sequence[Difference] | None = None,
) -> Grid:
    """Return the columns asked for in percent: by default AUROC, its interval below, and the FPR.

    Rows of scores that compare with words have their leaks behind, if there are such rows. There is
    no line of intervals if none can be estimated. Several shuffles of a stream have their
    standard deviation behind each mean, several draws of a bank their range below it.
    `differences` tell which AUROCs are as good as the best, None if there can be none.
    """
    shown = list(_columns(results, columns))
    has_interval = INTERVAL in columns and any(one.auroc_ci is not None for one in results)

    def cell(one: Result) -> Cell:
        numbers = tuple(each.text(one) for each in shown)
        if INTERVAL in columns and (ranges := ranges_of(one)) is not None:
            return numbers, tuple(
                interval(ranges.get(each.name)) if each.name else "" for each in shown
            )
        return (numbers, (interval(one.auroc_ci),)) if has_interval else (numbers,)

    grid = laid(results, [one.heading for one in shown], cell, notes=notes)
    if ACCURACY not in columns:
        grid = _without_accuracy(grid)
    grid = replace(grid, arrows=tuple(one.arrow for one in shown), groups=_groups(results))
    return with_best(grid, results, differences)


def _columns(results: Sequence[Result], names: Iterable[str]) -> Iterator[MeasuredColumn]:
    for name in names:
        if name in NAMED:
            yield _measure(name)
        elif name == FPR:
            yield from map(_rate, asked_tprs(results))
        elif name == LEAKS and any(one.leaks is not None for one in results):
            yield MeasuredColumn(LEAKS, "", leaks)


def _measure(name: str) -> MeasuredColumn:
    about = NAMED[name]
    arrow = LOWER if about.lower_is_better else HIGHER
    return MeasuredColumn(
        about.heading,
        arrow,
        lambda one: spread(one, getattr(one, about.name), about.name),
        about.name,
    )


def _rate(tpr: str) -> MeasuredColumn:
    field = fpr_field(tpr)
    return MeasuredColumn(
        fpr_name(tpr), LOWER, lambda one: spread(one, one.fpr_at_tpr.get(tpr), field), field
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
