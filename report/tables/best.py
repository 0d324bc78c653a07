"""The best numbers of each column, and the second best: of AUROC as far as tests can tell.

Without tests a row is compared with those on the same positives and in the same stream order.
Numbers are compared as they are written: what looks equal is equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from oodcache.report.tables.grid import Cell, Grid, GridRow, Key, by_row
from oodcache.report.tables.notes.stream_notes import keeps_some
from oodcache.report.tables.significance import SIGNIFICANT
from oodcache.score.measures.result import HEADLINES, Difference, Result

Rows = Mapping[Key, Mapping[str, Result]]
Versus = Mapping[tuple[str, Key], Mapping[Key, Difference]]

HIGHER, LOWER = "↑", "↓"
SMALL = -1  # A mark as 1 and 2 are, of intervals.
FEWEST = 3  # Numbers from which on a second best is marked.
TESTABLE = HEADLINES["auroc"].heading
BEST = "Bold: the best of each column."
UNTESTED = "Bold: the best of each column; with --compare also AUROCs not different from it at 5 %."
TESTED = (
    "Bold: the best of each column, and AUROCs not different from it at 5 % (paired DeLong test, "
    "Holm-adjusted)"
)


def versus(differences: Sequence[Difference]) -> Versus:
    """Return, for each OOD set and row, each other row's AUROC minus the row's own."""
    found: dict[tuple[str, Key], dict[Key, Difference]] = {}
    for one in differences:
        for each in (one, turned(one)):
            found.setdefault((each.ood, each.second), {})[each.first] = each
    return found


def turned(one: Difference) -> Difference:
    """Return a difference as that of the second row minus the first."""
    ci = None if one.ci is None else (-one.ci[1], -one.ci[0])
    return replace(one, first=one.second, second=one.first, difference=-one.difference, ci=ci)


def rival(rows: Rows, ood: str, against: Versus, key: Key) -> Difference | None:
    """Return the lead of the best other row that a row was compared with, None without any."""
    others = against.get((ood, key), {})
    if rows[key][ood].stream is None:
        # A ratio keeps other images than this row has.
        whole = {one: of for one, of in others.items() if not keeps_some(rows[one][ood])}
        others = whole or others
    # By the difference on the same images: a ratio's row has fewer than the others.
    return max(
        others.values(),
        key=lambda one: (one.difference, rows[one.first][ood].auroc),
        default=None,
    )


def is_behind(rows: Rows, ood: str, lead: Difference) -> bool:
    """Return whether the rival with this lead is better."""
    first, second = (rows[one][ood].auroc for one in (lead.first, lead.second))
    return lead.difference > 0 or (lead.difference == 0 and first > second)


def with_best(
    grid: Grid, results: Sequence[Result], differences: Sequence[Difference] | None
) -> Grid:
    """Return the grid of `results` with the places of its numbers, and the note on the best.

    `differences` is None if there can be none.
    """
    rows, against = by_row(results), versus(differences or ())
    kinds = [_kind(next(iter(row.values()))) for row in rows.values()]
    places = [[[0] * len(grid.measures) for _ in grid.ood_sets] for _ in grid.rows]
    for column, ood in enumerate(grid.ood_sets):
        tested = _tested(rows, ood, against)
        for measure, (heading, arrow) in enumerate(zip(grid.measures, grid.arrows, strict=True)):
            numbers = [_number(row.cells[column], measure) for row in grid.rows]
            known = tested if heading == TESTABLE else {}
            for row, place in enumerate(_ranked(numbers, kinds, arrow, known)):
                places[row][column][measure] = place
    marked = zip(grid.rows, places, strict=True)
    found = tuple(replace(row, places=tuple(map(tuple, of))) for row, of in marked)
    is_any = any(1 in of for row in found for of in row.places)
    return replace(grid, rows=found, bold=_note(results, differences) if is_any else "")


def meaning(grid: Grid) -> str:
    """Return what the marks of the best and the second best mean, "" if there are none."""
    if any(2 in of for row in grid.rows for of in row.places):
        return f"{grid.bold} Underlined: the second best."
    return grid.bold


def marks_of(row: GridRow, place: int, count: int) -> Sequence[Sequence[int]]:
    """Return for each OOD set the marks of a line of `count` numbers, by its place in the cells.

    Below numbers with places are intervals, which are SMALL.
    """
    if place == 0 and row.places:
        return row.places
    return [(SMALL if row.places else 0,) * count] * len(row.cells)


def _note(results: Sequence[Result], differences: Sequence[Difference] | None) -> str:
    if not differences:
        return BEST if differences is None else UNTESTED
    untested = any(one.is_average for one in results)
    return f"{TESTED}; of averages the best alone." if untested else f"{TESTED}."


def _tested(rows: Rows, ood: str, against: Versus) -> dict[int, bool]:
    """Return by place, of the rows with a test, whether no rival is better by that test."""
    leads = {
        place: rival(rows, ood, against, key)
        for place, (key, row) in enumerate(rows.items())
        if ood in row
    }
    return {
        place: not is_behind(rows, ood, one) or one.p_holm >= SIGNIFICANT
        for place, one in leads.items()
        if one is not None
    }


def _ranked(
    numbers: Sequence[float | None],
    kinds: Sequence[tuple[str, str]],
    arrow: str,
    tested: Mapping[int, bool],
) -> list[int]:
    """Return 1 for the best numbers of each kind, 2 for the second best, else 0.

    `tested` tells of some places whether they are the best; one number is no best, nor are equal
    ones, unless tests say so. Several bests by tests have no second.
    """
    found = [int(tested.get(place, False)) for place in range(len(numbers))]
    if not arrow:
        return found
    pick = max if arrow == HIGHER else min
    for kind in dict.fromkeys(kinds):
        own = {
            place: number
            for place, number in enumerate(numbers)
            if kinds[place] == kind and number is not None
        }
        open_ = {place: number for place, number in own.items() if place not in tested}
        if len(set(open_.values())) > 1:
            best = pick(open_.values())
            found = [1 if open_.get(place) == best else one for place, one in enumerate(found)]
        if sum(tested.get(place, False) for place in own) > 1:
            continue
        rest = {place: number for place, number in own.items() if not found[place]}
        if rest and len(rest) < len(own) and len(own) >= FEWEST:
            second = pick(rest.values())
            found = [2 if rest.get(place) == second else one for place, one in enumerate(found)]
    return found


def _number(cell: Cell, measure: int) -> float | None:
    """Return the number that a cell shows, without its standard deviation; None for a dash."""
    try:
        return float(cell[0][measure].split()[0])
    except (IndexError, ValueError):
        return None


def _kind(one: Result) -> tuple[str, str]:
    """Return what two rows must share to be comparable without a test: positives and order."""
    return one.id, "" if one.stream is None else one.stream.order
