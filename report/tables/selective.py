"""Selective classification in tables: the errors among the images that each score accepts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from oodcache.report.tables.grid import (
    NONE,
    Cell,
    Grid,
    asked_tprs,
    by_row,
    fpr_name,
    laid,
    percent,
)
from oodcache.score.measures.result import Result
from oodcache.score.measures.selective.risk import COVERAGES
from oodcache.score.measures.selective.selective import SELECTIVE, RiskMeasures, Selective

ALONE = "ID alone"


def selective_grid(results: Sequence[Result]) -> Grid | None:
    """Return a column for the ID set alone and one for each OOD set, None if none was asked for."""
    known = [one for one in results if one.selective is not None]
    if not known:
        return None
    tprs = asked_tprs(known)
    kept = [f"TPR{fpr_name(tpr).removeprefix('FPR')}" for tpr in tprs]
    shares = [f"{100 * float(share):g} %" for share in COVERAGES]
    names = ("OOD:ID", "AURC", "AUGRC", *shares, *kept)

    def numbers(ratio: str, of: RiskMeasures) -> tuple[str, ...]:
        covered = (percent(of.accuracy_at_coverage.get(share)) for share in COVERAGES)
        accepted = (percent(of.accuracy_at_tpr.get(tpr)) for tpr in tprs)
        return (ratio, percent(of.aurc), percent(of.augrc), *covered, *accepted)

    def cell(one: Result) -> Cell:
        found = one.selective
        if found is None:
            return ((NONE,) * len(names),)
        ratio = _ratio(one, found)
        return (numbers(ratio, found.with_ood), numbers("1:1", found.balanced))

    base = laid(known, names, cell, title="Selective classification, in %", notes=[*_notes(known)])
    firsts = [next(iter(row.values())).selective for row in by_row(known).values()]
    rows = (
        replace(row, cells=((numbers(NONE, one.id_alone),), *row.cells))
        for row, one in zip(base.rows, filter(None, firsts), strict=True)
    )
    return replace(base, ood_sets=(ALONE, *base.ood_sets), rows=tuple(rows))


def _ratio(one: Result, found: Selective) -> str:
    """Return how many OOD images there are for each ID image whose class is known."""
    return "mean" if one.is_average else f"{one.n_ood / found.images:.2f}:1"


def _notes(known: Sequence[Result]) -> Iterator[str]:
    yield (
        "Lower is better: AURC, the mean over coverages of the share of errors among accepted "
        "images, and AUGRC, of accepted errors among all images. Higher is better: the accuracy "
        "of the 80, 90 and 95 % of images that score highest, and of those at or above the "
        "threshold that keeps a share of ID."
    )
    yield (
        "An ID image is an error if its nearest class is not its own; with an OOD set, so is every "
        "OOD image: first at the ratio of these images, below with OOD and ID weighted 1:1."
    )
    counts = {one.id: (one.selective.images, one.n_id) for one in known if one.selective}
    unknown = [f"{n - images:,} of {name}" for name, (images, n) in counts.items() if n > images]
    if unknown:
        yield f"Left out, as their class is unknown: {', '.join(unknown)}."
    if any(name.startswith(SELECTIVE) for one in known for name in one.bootstrap or ()):
        yield "--format json and csv have the bootstrap's intervals."
