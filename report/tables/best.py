"""The best rows of each column: those whose AUROC no other row exceeds, as far as tests can tell.

Rows are compared on the same positives only, and those of a ratio, which have fewer images, only
with each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from oodcache.report.tables.grid import Grid, Key, by_row
from oodcache.report.tables.notes.stream_notes import keeps_some
from oodcache.report.tables.significance import SIGNIFICANT
from oodcache.score.measures.result import Difference, Result

Rows = Mapping[Key, Mapping[str, Result]]
Versus = Mapping[tuple[str, Key], Mapping[Key, Difference]]

UNTESTED = (
    "Bold: the best AUROC of a column; with --compare also those not different from it at 5 %."
)
TESTED = (
    "Bold: the best AUROC of a column, and those not different from it at 5 % (paired DeLong test, "
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


def with_best(grid: Grid, results: Sequence[Result], differences: Sequence[Difference]) -> Grid:
    """Return the grid of `results` with its best rows, and the note on them, if there are any."""
    rows, against = by_row(results), versus(differences)
    found = [
        frozenset(ood for ood in row if _is_best(rows, ood, against, key))
        for key, row in rows.items()
    ]
    note = UNTESTED
    if differences:
        untested = any(one.is_average for one in results)
        note = f"{TESTED}; of averages the best alone." if untested else f"{TESTED}."
    return replace(
        grid,
        rows=tuple(replace(row, best=best) for row, best in zip(grid.rows, found, strict=True)),
        bold=note if any(found) else "",
    )


def _is_best(rows: Rows, ood: str, against: Versus, key: Key) -> bool:
    lead = rival(rows, ood, against, key)
    if lead is not None:
        return not is_behind(rows, ood, lead) or lead.p_holm >= SIGNIFICANT
    own = rows[key][ood]
    peers = [
        row[ood].auroc
        for other, row in rows.items()
        if ood in row and (ood, other) not in against and _kind(row[ood]) == _kind(own)
    ]
    return len(peers) > 1 and own.auroc == max(peers)


def _kind(one: Result) -> tuple[str, str | None]:
    """Return what two rows must share to be comparable: positives, and a ratio's order."""
    return one.id, one.stream.order if one.stream is not None and keeps_some(one) else None
