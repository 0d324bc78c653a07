"""Figures of results: the rows that are chosen, with the images behind them, drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.report.figures.choice import FigureChoice
from oodcache.report.figures.figure_rows import FigureRows
from oodcache.report.figures.kinds import KINDS, Subject, choose, draw, rows_of
from oodcache.report.saved.results import Saved
from oodcache.score.measures.result import Result
from oodcache.study.gathering import Sources, content

if TYPE_CHECKING:
    from oodcache.report.figures.kinds import Figure

NAMED = ("fooled", "classes")


def drawn(
    kind: str,
    saved: Saved,
    choice: FigureChoice,
    look: Mapping[str, Any],
    sources: Sources,
    watch: Watch,
) -> Figure:
    """Return a figure of results; `look` has the fields of Subject that are not the default.

    Raises InputError for names that are not in the results, and if a kind shows images of which
    the scores are not known.
    """
    chosen = choose(kind, saved, choice)
    if chosen.left_out:
        watch.note(chosen.left_out)
    subject = Subject(saved, chosen, choice, note=watch.note, **look)
    if KINDS[kind].of_images:
        subject = _with_images(subject, kind, sources, watch)
    return draw(kind, subject)


def _with_images(subject: Subject, kind: str, sources: Sources, watch: Watch) -> Subject:
    """Return the subject with the images behind its rows, and thumbnails if it shows any."""
    typed = {one.partition("=")[0] for one in sources.typed}
    wanted = replace(subject.saved, results=_shown(subject.chosen, typed))
    found = content(wanted, sources, watch, pictures=kind == "fooled")
    rows = rows_of(subject.chosen, found)
    # Scores of another program give curves, but their images have no paths.
    if kind in NAMED and not any(row.fooled_id for row in rows):
        raise InputError(
            f"{kind} shows images, but {subject.saved.path} does not name any: "
            "use results of oodcache score"
        )
    return replace(subject, rows=rows, thumbnails=found.thumbnails)


def _shown(chosen: FigureRows, typed: set[str]) -> tuple[Result, ...]:
    """Return the results of the sets to draw, and of those whose folders are `typed`."""
    return tuple(
        one
        for one in chosen.results
        if one.ood in chosen.ood_sets or one.ood.partition(":")[0] in typed
    )
