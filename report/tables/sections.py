"""The tables of results: measures, then each further thing asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from oodcache.report.tables.best import (
    Rows,
    Versus,
    is_behind,
    rival,
    versus,
)
from oodcache.report.tables.clean import clean_grid
from oodcache.report.tables.grid import (
    NONE,
    Cell,
    Grid,
    Key,
    asked_tprs,
    by_row,
    fpr_field,
    fpr_name,
    interval,
    laid,
    percent,
)
from oodcache.report.tables.measured import INTERVAL, STANDARD, measured
from oodcache.report.tables.notes.caption import caption, short_caption
from oodcache.report.tables.notes.stream_notes import keeps_some
from oodcache.report.tables.published import published_tables
from oodcache.report.tables.significance import SIGNIFICANT, p_value
from oodcache.report.tables.spectrum import drop_grid
from oodcache.score.measures.result import Counterpart, Difference, Result

_IN_ORDERS = (
    "Scores that learn from a stream are compared only within one order; ±: the standard deviation "
    "of the difference over the shuffles.",
)
_OF_ORDER = (
    "A row with an order is compared with the rows of the same order and with those without one; "
    "best of order: none of these is better. A row without an order is compared with all rows.",
)
_OF_RATIO = (
    "For a ratio all scores are taken on the images that it keeps; a row without an order is not "
    "called behind a row of a ratio.",
)
_OF_KIND = (
    "Scores are compared on the same positives: each kind of them has its own best row, and its "
    "own pairs. The test takes csid images as independent of the ID images.",
)


def sections(
    results: Sequence[Result],
    differences: Sequence[Difference],
    published: Sequence[Counterpart] | None = None,
    *,
    explain: bool = False,
    columns: Sequence[str] = STANDARD,
) -> list[Grid]:
    """Return the table of measures, then one for each further thing asked for.

    The first has the `columns`, and at most three notes, or all of them with `explain`.
    """
    where = "Below" if INTERVAL in columns else ""
    notes = caption(results, where) if explain else short_caption(results, where)
    grids = [measured(results, notes, columns, differences)]
    grids += further(results)
    if any(one.bootstrap is not None for one in results):
        grids.append(_bootstrap(results))
    if any(one.calibration is not None for one in results):
        grids.append(_calibration(results))
    if differences:
        grids.append(_differences(results, differences))
    return [*grids, *published_tables(published or ())]


def further(results: Sequence[Result]) -> list[Grid]:
    """Return the full spectrum's drop, clean numbers and selective classification, if asked for."""
    found = [drop_grid(results), clean_grid(results)]
    if any(one.selective for one in results):
        from oodcache.report.tables.selective import selective_grid

        found.append(selective_grid(results))
    return [one for one in found if one is not None]


def _bootstrap(results: Sequence[Result]) -> Grid:
    tprs = asked_tprs(results)

    def cell(one: Result) -> Cell:
        found = one.bootstrap or {}
        bounds = (found.get(fpr_field(tpr)) for tpr in tprs)
        return (tuple(NONE if one is None else interval(one) for one in bounds),)

    return laid(
        results,
        [fpr_name(tpr) for tpr in tprs],
        cell,
        title="FPR: 95 % bootstrap intervals, in %",
        notes=[
            *_halves(results),
            "--format json and csv have the intervals of the other measures.",
        ],
    )


def _halves(results: Sequence[Result]) -> Iterator[str]:
    """Yield how intervals of streams were drawn, if there are any."""
    given = [one.stream for one in results if one.bootstrap and one.stream and not one.is_average]
    lengths = sorted({one.images for one in given})
    if lengths:
        images = " to ".join(f"{one:,}" for one in dict.fromkeys((lengths[0], lengths[-1])))
        yield (
            "For scores that learn from a stream, each resample replays half of the images, drawn "
            f"without replacement; the interval is rescaled to the whole stream of {images} images."
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
        title="Reliability at an absolute threshold",
        notes=[
            "ID and OOD: the share of each kept at p = 0.5, in %. Brier score and expected "
            "calibration error (ECE, 15 equal bins): at the ID prevalence of these sets, and below "
            "it with ID and OOD weighted equally."
        ],
    )


def _differences(results: Sequence[Result], differences: Sequence[Difference]) -> Grid:
    """Return how far each score is behind the best one it was compared with."""
    against = versus(differences)
    compared = {one.ood for one in differences}
    rows = by_row(results)
    orders = {one.stream.order for one in results if one.stream is not None}
    names = tuple(dict.fromkeys(one.ood for one in results if one.ood in compared))
    base = laid(results, ("behind", "p"), lambda one: ())
    return replace(
        base,
        title="AUROC behind the best score of the column, in percentage points",
        ood_sets=names,
        rows=tuple(
            replace(row, cells=tuple(_behind(rows, name, against, key, best) for name in names))
            for row, key, best in zip(base.rows, rows, _best(rows, orders), strict=True)
        ),
        notes=(
            "p: two-sided paired DeLong test on the same images, Holm-adjusted over all pairs of "
            f"the column; * marks p < {SIGNIFICANT}. Below: the difference's 95 % interval.",
            *(_IN_ORDERS if any(one.orders for one in differences) else ()),
            *(_OF_ORDER if len(orders) > 1 else ()),
            *(_OF_KIND if len({one.id for one in differences}) > 1 else ()),
            *(_OF_RATIO if any(map(keeps_some, results)) and _has_others(results) else ()),
            f"--format json has {_pairs(len(differences))}, with unadjusted p.",
        ),
    )


def _has_others(results: Sequence[Result]) -> bool:
    return any(one.stream is None for one in results)


def _pairs(count: int) -> str:
    return f"all {count:,} pairs" if count > 1 else "the only pair"


def _best(rows: Rows, orders: Collection[str]) -> Iterator[str]:
    """Yield what each row is called if it is the best: with several orders, the best of its own."""
    for by_set in rows.values():
        is_of_one = any(one.stream is not None for one in by_set.values())
        yield "best of order" if is_of_one and len(orders) > 1 else "best"


def _behind(rows: Rows, ood: str, against: Versus, key: Key, called: str) -> Cell:
    """Return the row's distance from the best row it was compared with."""
    one = rival(rows, ood, against, key)
    if one is None:
        return ((NONE, NONE),)
    if not is_behind(rows, ood, one):
        return ((called, ""),)
    mark = "*" if one.p_holm < SIGNIFICANT else ""
    spread = "" if one.deviation is None else f" ± {percent(one.deviation)}"
    numbers = (f"{percent(one.difference)}{spread}{mark}", p_value(one.p_holm))
    if one.difference == 0 and one.ci is None:
        return (numbers,)
    return (numbers, (interval(one.ci),))


def _fraction(value: float | None) -> str:
    return NONE if value is None else f"{value:.4f}"
