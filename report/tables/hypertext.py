"""Grids as HTML, for a notebook: tables and their notes, with every text escaped.

The best number of a column is bold, the second best underlined.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from itertools import groupby

from oodcache.cache.text import printable
from oodcache.report.tables.best import SMALL, marks_of, meaning
from oodcache.report.tables.grid import Cell, Grid, GridRow
from oodcache.report.tables.measured import arranged

MARKS = {0: "{}", 1: "<b>{}</b>", 2: "<u>{}</u>", SMALL: "<small>{}</small>"}


def to_html(grids: Sequence[Grid]) -> str:
    """Return the grids as HTML without scripts or styles of a page: a table and its notes each."""
    return "\n".join(["<div>", *(_grid(one) for one in grids), "</div>"])


def _grid(grid: Grid) -> str:
    grid = arranged(grid)
    count = len(grid.measures)
    arrows = grid.arrows or ("",) * count
    measures = [" ".join(filter(None, one)) for one in zip(grid.measures, arrows, strict=True)]
    headings = (*grid.labels, *measures * len(grid.ood_sets))
    groups = [(name, count * len([*of])) for name, of in groupby(grid.groups)]
    lines = [
        *([f"<p><b>{_plain(grid.title)}</b></p>"] if grid.title else []),
        "<table>",
        "<thead>",
        *([_above(groups, len(grid.labels))] if groups else []),
        _above([(name, count) for name in grid.ood_sets], len(grid.labels)),
        f"<tr>{''.join(f'<th>{_plain(one)}</th>' for one in headings)}</tr>",
        "</thead>",
        "<tbody>",
        *(line for row in grid.rows for line in _lines(row, count)),
        "</tbody>",
        "</table>",
        *(f"<p><small>{_plain(note)}</small></p>" for note in (*grid.notes, meaning(grid)) if note),
    ]
    return "\n".join(lines)


def _above(spans: Sequence[tuple[str, int]], left: int) -> str:
    """Return a line of headings over several columns each."""
    named = "".join(f'<th colspan="{wide}">{_plain(name)}</th>' for name, wide in spans)
    return f'<tr><th colspan="{left}"></th>{named}</tr>'


def _lines(row: GridRow, count: int) -> Iterator[str]:
    """Yield the lines of a row; its labels span all of them."""
    height = max(map(len, row.cells))
    for place in range(height):
        labels = (f'<th rowspan="{height}">{_plain(one)}</th>' for one in row.labels)
        marks = marks_of(row, place, count)
        cells = (_cell(cell, place, marked) for cell, marked in zip(row.cells, marks, strict=True))
        yield f"<tr>{''.join((*(labels if place == 0 else ()), *cells))}</tr>"


def _cell(cell: Cell, place: int, marks: Sequence[int]) -> str:
    line = cell[place] if place < len(cell) else ("",)
    if (place > 0 and len(line) == 1) or len(line) != len(marks):
        return f'<td colspan="{len(marks)}"><small>{_plain(line[0])}</small></td>'
    numbers = (MARKS[mark].format(_plain(one)) for mark, one in zip(marks, line, strict=True))
    return "".join(f"<td>{one}</td>" for one in numbers)


def _plain(text: str) -> str:
    return html.escape(printable(text))
