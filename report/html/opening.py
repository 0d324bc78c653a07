"""What the page's figures show first: the best row with curves, and why a better one has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oodcache.report.content import Content
from oodcache.report.findings.ranking import ranking
from oodcache.report.html.renaming import Named, renamed
from oodcache.report.tables.grid import key, names
from oodcache.score.measures.result import Result


@dataclass(frozen=True)
class Opening:
    """The place of the first row shown, and its OOD set, "" for the row's first.

    `note` says why the best row of the results has no curves, "" if it has some.
    """

    row: int = 0
    ood: str = ""
    note: str = ""


def opening(results: Sequence[Result], content: Content, named: Named) -> Opening:
    """Return the row with the highest AUROC among those with curves, in the findings' ranking."""
    if not content.rows:
        return Opening()
    places = {row.key: place for place, row in enumerate(content.rows)}
    ranked = ranking(results)
    first = next((one for one in ranked.rows if key(one) in places), None)
    lacks_best = not any(key(one) in places for one in ranked.best)
    note = _note(ranked.best[0], results, named) if lacks_best else ""
    if first is None:
        return Opening(note=note)
    place = places[key(first)]
    has_set = first.ood in content.rows[place].n_ood
    return Opening(place, renamed(first.ood, named) if has_set else "", note)


def _note(best: Result, results: Sequence[Result], named: Named) -> str:
    called = renamed(names(map(key, results))[key(best)], named)
    return (
        f"{called} has the highest AUROC, but no curves: {_why(best)}. The rows in the Score menu "
        "have curves."
    )


def _why(best: Result) -> str:
    if best.stream is not None:
        return "it learns from a stream, which scores an image anew in each order"
    if best.shots is not None:
        return "it is measured with several banks, and each scores an image anew"
    return "the scores of its images are not known"
