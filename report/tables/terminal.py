"""Grids drawn for a terminal: as many OOD sets side by side as fit, the others below."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oodcache.cache.text import printable
from oodcache.report.tables.grid import Grid, GridRow, Line

INDENT, GAP = "  ", 2
# Wider than any table: Rich truncates numbers to make a table fit.
UNBOUNDED = 1_000_000


@dataclass(frozen=True)
class Column:
    """One OOD set: its two heading lines and the aligned lines of each row's cell."""

    header: tuple[str, str]
    cells: tuple[tuple[str, ...], ...]

    @cached_property
    def width(self) -> int:
        """Return how many terminal columns it takes."""
        lines = (line for cell in self.cells for line in cell)
        return max(map(cell_len, (*self.header, *lines)))

    def right(self, line: str) -> str:
        """Return a right-aligned line; Rich would strip trailing blanks."""
        return " " * (self.width - cell_len(line)) + line


def drawn(grids: Sequence[Grid], width: int | None, *, styled: bool | None = None) -> str:
    """Return the grids for a terminal of `width` columns, or as wide as needed if it is None.

    They are `styled` with escape codes if `width` is given, unless that is False.
    If the terminal is too narrow for a single OOD set, lines are too long rather than truncated.
    """
    styled = width is not None if styled is None else styled
    console = Console(
        width=UNBOUNDED,
        file=io.StringIO(),
        force_terminal=styled,
        force_jupyter=False,  # Otherwise a notebook shows what is only drawn.
        color_system="auto" if styled else None,
    )
    with console.capture() as capture:
        for place, grid in enumerate(grids):
            if place:
                console.print()
            _draw(console, grid, width)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _draw(console: Console, grid: Grid, width: int | None) -> None:
    columns = [_column(grid, place) for place in range(len(grid.ood_sets))]
    first = max(cell_len(grid.row_name), *(cell_len(_label(row)) for row in grid.rows))
    blocks = list(_fitting(columns, first, width))
    needed = max(_width(first, block) for block in blocks)
    text_width = max(width, needed) if width else None
    if grid.title:
        console.print(Text(printable(grid.title)), width=text_width)
        console.print()
    for block in blocks:
        console.print(
            _lines(first, block, [(Text(f"\n{grid.row_name}"), [_head(one) for one in block])])
        )
        console.print(Text("─" * _width(first, block)))
        above: tuple[str, ...] = ()
        for heading, run in groupby(enumerate(grid.rows), key=lambda row: row[1].heading):
            for line in heading[1:] if heading[:1] == above[:1] else heading:
                console.print(Text(printable(line), style="bold"), width=text_width)
            above = heading
            rows = [(Text(_label(row)), [_body(one, place) for one in block]) for place, row in run]
            console.print(_lines(first, block, rows))
        console.print()
    for note in grid.notes:
        console.print(Text(printable(note)), width=text_width)


def _fitting(columns: Sequence[Column], first: int, width: int | None) -> Iterator[list[Column]]:
    """Yield the columns that fit side by side within `width`."""
    block: list[Column] = []
    for column in columns:
        if block and width is not None and _width(first, [*block, column]) > width:
            yield block
            block = []
        block.append(column)
    yield block


def _width(first: int, block: Sequence[Column]) -> int:
    return first + sum(GAP + column.width for column in block)


def _lines(
    first: int, block: Sequence[Column], rows: Sequence[tuple[Text, Sequence[Text]]]
) -> Table:
    """Return rows without header or frame, their columns as wide as the block's."""
    lines = Table.grid(padding=(0, GAP, 0, 0))
    lines.add_column(width=first, no_wrap=True)
    for column in block:
        lines.add_column(width=column.width, no_wrap=True)
    for label, cells in rows:
        lines.add_row(label, *cells)
    return lines


def _label(row: GridRow) -> str:
    return INDENT * bool(row.heading) + printable(row.score)


def _head(column: Column) -> Text:
    return Text("\n".join(column.right(line) for line in column.header))


def _body(column: Column, place: int) -> Text:
    number, *below = (column.right(line) for line in column.cells[place])
    return Text("\n").join([Text(number), *(Text(line, style="dim") for line in below)])


def _column(grid: Grid, place: int) -> Column:
    """Return an OOD set's column, its numbers aligned."""
    cells = [row.cells[place] for row in grid.rows]
    count = len(grid.measures)
    numbers = [line for cell in cells for line in cell if len(line) == count]
    widths = [max(map(cell_len, one)) for one in zip(grid.measures, *numbers, strict=True)]
    return Column(
        (printable(grid.ood_sets[place]), _aligned(grid.measures, widths)),
        tuple(tuple(_aligned(line, widths) for line in cell) for cell in cells),
    )


def _aligned(line: Line, widths: Sequence[int]) -> str:
    """Return right-aligned numbers, or a left-aligned text that spans them."""
    if len(line) == len(widths):
        return " ".join(f"{one:>{width}}" for one, width in zip(line, widths, strict=True))
    whole = sum(widths) + len(widths) - 1
    return set_cell_size(line[0], max(whole, cell_len(line[0])))
