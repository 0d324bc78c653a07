"""The tables of a report, one below the other: measures, then each further thing asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from oodcache.report.tables.caption import caption, short_caption
from oodcache.report.tables.grid import (
    NONE,
    Cell,
    Grid,
    Key,
    asked_tprs,
    by_row,
    fpr_name,
    interval,
    laid,
    measured,
    percent,
)
from oodcache.report.tables.published import published_tables
from oodcache.score.measures.result import Difference, Result

if TYPE_CHECKING:
    from oodcache.score.measures.result import Counterpart

Versus = Mapping[tuple[str, Key], Mapping[Key, Difference]]

SIGNIFICANT = 0.05


def sections(
    results: Sequence[Result],
    differences: Sequence[Difference],
    published: Sequence[Counterpart] | None = None,
    *,
    explain: bool = False,
) -> list[Grid]:
    """Return the table of measures, then one for each further thing that was asked for.

    Below the first are at most three notes, or all of them to `explain` it.
    """
    grids = [measured(results, caption(results) if explain else short_caption(results))]
    if any(one.bootstrap is not None for one in results):
        grids.append(_bootstrap(results))
    if any(one.calibration is not None for one in results):
        grids.append(_calibration(results))
    if differences:
        grids.append(_differences(results, differences))
    return [*grids, *published_tables(published or ())]


def _bootstrap(results: Sequence[Result]) -> Grid:
    tprs = asked_tprs(results)

    def cell(one: Result) -> Cell:
        found = one.bootstrap or {}
        bounds = (found.get("fpr95" if float(tpr) == 0.95 else f"fpr_at_tpr_{tpr}") for tpr in tprs)
        return (tuple(NONE if one is None else interval(one) for one in bounds),)

    return laid(
        results,
        [fpr_name(tpr) for tpr in tprs],
        cell,
        title="FPR: 95 % bootstrap intervals, in %",
        notes=["Those of the other measures are in --format json and csv."],
    )


def _calibration(results: Sequence[Result]) -> Grid:
    def cell(one: Result) -> Cell:
        found = one.calibration
        if not isinstance(found, Mapping):
            return ((found or NONE,),)
        kept = (percent(found["kept_id"]), percent(found["kept_ood"]))
        errors = (_fraction(found["brier"]), _fraction(found["ece"]))
        balanced = (_fraction(found["brier_balanced"]), _fraction(found["ece_balanced"]))
        return ((*kept, *errors), ("", "", *balanced))

    return laid(
        results,
        ("ID", "OOD", "Brier", "ECE"),
        cell,
        title="As probabilities of being ID",
        notes=[
            "ID and OOD: the share in % of each that is kept at p = 0.5. Brier score and expected "
            "calibration error (15 equal bins), target 1 for ID: at the prevalence of ID in these "
            "sets, and below it with ID and OOD weighing the same."
        ],
    )


def _differences(results: Sequence[Result], differences: Sequence[Difference]) -> Grid:
    """Return how far each score is behind the best one that it was compared with.

    All pairs of many scores would flood a terminal, and most of them are of no interest.
    """
    versus = _versus(differences)
    compared = {one.ood for one in differences}
    rows = by_row(results)
    names = tuple(dict.fromkeys(one.ood for one in results if one.ood in compared))
    base = laid(results, ("behind", "p"), lambda one: ())
    return replace(
        base,
        title="AUROC behind the best score of the column, in points",
        ood_sets=names,
        rows=tuple(
            replace(row, cells=tuple(_behind(rows, name, versus, key) for name in names))
            for row, key in zip(base.rows, rows, strict=True)
        ),
        notes=(
            "p: paired DeLong test on the same images, two-sided, after Holm over all pairs of the "
            f"column; * marks p < {SIGNIFICANT}. Below: the difference's 95 % interval.",
            f"All {len(differences):,} pairs, with p before Holm, are in --format json.",
        ),
    )


def _versus(differences: Sequence[Difference]) -> Versus:
    """Return, for each OOD set and row, its differences from the others, of the others' sign."""
    found: dict[tuple[str, Key], dict[Key, Difference]] = {}
    for one in differences:
        ci = None if one.ci is None else (-one.ci[1], -one.ci[0])
        turned = replace(one, first=one.second, second=one.first, difference=-one.difference, ci=ci)
        for each in (one, turned):
            found.setdefault((each.ood, each.second), {})[each.first] = each
    return found


def _behind(rows: Mapping[Key, Mapping[str, Result]], ood: str, versus: Versus, key: Key) -> Cell:
    """Return the row's distance from the best of the rows that it was compared with."""
    others = versus.get((ood, key), {})
    if not others:
        return ((NONE, NONE),)
    best = max((key, *others), key=lambda one: rows[one][ood].auroc)
    if best == key:
        return (("best", ""),)
    one = others[best]
    mark = "*" if one.p_holm < SIGNIFICANT else ""
    numbers = (f"{percent(one.difference)}{mark}", _p(one.p_holm))
    if one.difference == 0 and one.ci is None:
        return (numbers,)
    return (numbers, (interval(one.ci),))


def _p(p: float) -> str:
    """Return a p-value to three places, without the zero that all have."""
    if p < 0.001:
        return "<.001"
    return f"{p:.3f}".removeprefix("0")


def _fraction(value: float | None) -> str:
    return NONE if value is None else f"{value:.4f}"
