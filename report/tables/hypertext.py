"""Grids as HTML, for a notebook: tables and their notes, with every text escaped."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from oodcache.cache.text import printable
from oodcache.report.tables.grid import Cell, Grid, GridRow


def to_html(grids: Sequence[Grid]) -> str:
    """Return the grids as HTML without scripts or styles of a page: a table and its notes each."""
    return "\n".join(["<div>", *(_grid(one) for one in grids), "</div>"])


def _grid(grid: Grid) -> str:
    count = len(grid.measures)
    above = "".join(f'<th colspan="{count}">{_plain(name)}</th>' for name in grid.ood_sets)
    headings = (*grid.labels, *grid.measures * len(grid.ood_sets))
    lines = [
        *([f"<p><b>{_plain(grid.title)}</b></p>"] if grid.title else []),
        "<table>",
        "<thead>",
        f'<tr><th colspan="{len(grid.labels)}"></th>{above}</tr>',
        f"<tr>{''.join(f'<th>{_plain(one)}</th>' for one in headings)}</tr>",
        "</thead>",
        "<tbody>",
        *(line for row in grid.rows for line in _lines(row, count)),
        "</tbody>",
        "</table>",
        *(f"<p><small>{_plain(note)}</small></p>" for note in grid.notes),
    ]
    return "\n".join(lines)


def _lines(row: GridRow, count: int) -> Iterator[str]:
    """Yield the lines of a row; its labels span all of them."""
    height = max(map(len, row.cells))
    for place in range(height):
        labels = (f'<th rowspan="{height}">{_plain(one)}</th>' for one in row.labels)
        cells = (_cell(cell, place, count) for cell in row.cells)
        yield f"<tr>{''.join((*(labels if place == 0 else ()), *cells))}</tr>"


def _cell(cell: Cell, place: int, count: int) -> str:
    line = cell[place] if place < len(cell) else ("",)
    if len(line) == count:
        return "".join(f"<td>{_plain(one)}</td>" for one in line)
    return f'<td colspan="{count}"><small>{_plain(line[0])}</small></td>'


def _plain(text: str) -> str:
    return html.escape(printable(text))
