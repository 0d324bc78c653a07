"""Names on the page that the user replaced: in its table, its menus and its script's data.

Notes and provenance keep the names of the results, as do single images and their classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from oodcache.report.content import ImageRow
from oodcache.report.html.lines import PageLine
from oodcache.report.tables.grid import Grid
from oodcache.score.measures.result import MEASURES

FIELDS = {one.name for one in MEASURES}  # Keys of data, whatever a dataset is called.
BETWEEN = " · "
Named = Mapping[str, str]
Of = TypeVar("Of")


def renamed(text: str, named: Named) -> str:
    """Return a name with what was replaced in it: all of it, or parts such as its model.

    >>> renamed("mcm · ViT-B-16", {"mcm": "MCM"})
    'MCM · ViT-B-16'
    """
    return named.get(text) or BETWEEN.join(named.get(one, one) for one in text.split(BETWEEN))


def renamed_line(line: PageLine, named: Named) -> PageLine:
    """Return a row of the table with names replaced in its cells and its filter values."""
    cells = tuple(
        one
        if "number" in one.classes
        else replace(one, text=renamed(one.text, named), small=renamed(one.small, named))
        for one in line.cells
    )
    filters = {name: renamed(value, named) for name, value in line.filters.items()}
    return replace(line, cells=cells, filters=filters)


def renamed_grid(grid: Grid, named: Named) -> Grid:
    """Return a table with names replaced in its headings and labels, but not in its notes."""

    def new(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(renamed(one, named) for one in texts)

    rows = (
        replace(
            row,
            heading=new(row.heading),
            labels=new(row.labels),
            score=renamed(row.score, named),
        )
        for row in grid.rows
    )
    return replace(grid, ood_sets=new(grid.ood_sets), rows=tuple(rows))


def renamed_row(row: ImageRow, named: Named) -> ImageRow:
    """Return a row of image scores with names replaced, but not those of single images.

    Its `key` is kept: the script tells the models of its maps by it.
    """

    def new(by_set: Mapping[str, Of]) -> dict[str, Of]:
        return {renamed(name, named): one for name, one in by_set.items()}

    return replace(
        row,
        id=renamed(row.id, named),
        n_ood=new(row.n_ood),
        curve=replace(row.curve, kept_ood=new(row.curve.kept_ood)),
        ranked=replace(row.ranked, ood=new(row.ranked.ood)),
        shown=replace(row.shown, ood=new(row.shown.ood)),
        reliability=None if row.reliability is None else new(row.reliability),
        fooled_ood=new(row.fooled_ood),
        failing_ood=new(row.failing_ood),
        same=new(row.same),
        bands=new(row.bands),
    )


def renamed_data(value: Any, named: Named) -> Any:
    """Return data of JSON with names replaced in texts and keys."""
    if isinstance(value, str):
        return renamed(value, named)
    if isinstance(value, list | tuple):
        return [renamed_data(one, named) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key if key in FIELDS else renamed(key, named): renamed_data(one, named)
        for key, one in value.items()
    }
