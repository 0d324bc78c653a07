"""Grids drawn for a terminal: as many OOD sets side by side as fit, the others below."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oodcache.cache.store.screen import wrapped
from oodcache.cache.text import printable
from oodcache.report.tables.grid import Grid, GridRow, Line

INDENT, GAP = "  ", 2
NAMES = 3  # A name of an OOD set takes at most this part of a terminal's width.
MEASURES = 6  # With more of them, OOD sets are below one another even where no width is known.
# Wider than any table: Rich truncates numbers to make a table fit.
UNBOUNDED = 1_000_000


@dataclass(frozen=True)
class Column:
    """One OOD set: its heading lines and the aligned lines of each row's cell.

    `bold` has for each row where its best numbers start and end in the first line.
    """

    header: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    bold: tuple[tuple[tuple[int, int], ...], ...]

    @cached_property
    def width(self) -> int:
        """Return how many terminal columns it takes."""
        lines = (line for cell in self.cells for line in cell)
        return max(map(cell_len, (*self.header, *lines)))

    def right(self, line: str) -> str:
        """Return a right-aligned line; Rich would strip trailing blanks."""
        return " " * (self.width - cell_len(line)) + line


def drawn(grids: Sequence[Grid], width: int | None, *, styled: bool = False) -> str:
    """Return the grids for a terminal of `width` columns, or as wide as needed if it is None.

    `styled` adds escape codes: bold headings and best numbers, dim intervals.
    Long labels and names of OOD sets have lines of their own. If the terminal is too narrow for the
    numbers of a single OOD set, lines are too long rather than truncated.
    """
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
            if styled and grid.bold:
                console.print(Text(grid.bold), width=width)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _draw(console: Console, grid: Grid, width: int | None) -> None:
    columns = [_column(grid, place, width) for place in range(len(grid.ood_sets))]
    first = _first_width(grid, columns, width)
    is_long = width is None and len(grid.measures) > MEASURES
    blocks = [[one] for one in columns] if is_long else list(_fitting(columns, first, width))
    needed = max(_width(first, block) for block in blocks)
    text_width = max(width, needed) if width else None
    if grid.title:
        console.print(Text(printable(grid.title)), width=text_width)
        console.print()
    for block in blocks:
        console.print(_header(grid, first, block))
        console.print(Text("─" * _width(first, block)))
        above: tuple[str, ...] = ()
        for heading, run in groupby(enumerate(grid.rows), key=lambda row: row[1].heading):
            for line in heading[1:] if heading[:1] == above[:1] else heading:
                console.print(Text(printable(line), style="bold"), width=text_width)
            above = heading
            for part in _rows([(_label(row), place) for place, row in run], first, block):
                console.print(part)
        console.print()
    for note in grid.notes:
        console.print(Text(printable(note)), width=text_width)


def _first_width(grid: Grid, columns: Sequence[Column], width: int | None) -> int:
    """Return the width of the labels, less than the longest has if no OOD set fits beside it."""
    name = cell_len(grid.row_name)
    first = max(name, *(cell_len(_label(row)) for row in grid.rows))
    if width is None:
        return first
    return min(first, max(name, width - GAP - max(column.width for column in columns)))


def _header(grid: Grid, first: int, block: Sequence[Column]) -> Table:
    """Return the names of the OOD sets, the longest from the first line on, and their measures."""
    height = max(len(column.header) for column in block)
    heads = [("",) * (height - len(one.header)) + one.header for one in block]
    cells = [
        Text("\n".join(map(column.right, lines)))
        for column, lines in zip(block, heads, strict=True)
    ]
    return _lines(first, block, [(Text("\n" * (height - 1) + grid.row_name), cells)])


def _rows(
    labelled: Sequence[tuple[str, int]], first: int, block: Sequence[Column]
) -> Iterator[Text | Table]:
    """Yield rows; a label that is too wide stands on lines of its own above its numbers."""
    waiting: list[tuple[Text, list[Text]]] = []
    for label, place in labelled:
        body = [_body(one, place) for one in block]
        if cell_len(label) > first:
            if waiting:
                yield _lines(first, block, waiting)
            yield Text("\n".join(wrapped(label, _width(first, block))))
            waiting, label = [], ""
        waiting.append((Text(label), body))
    yield _lines(first, block, waiting)


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


def _body(column: Column, place: int) -> Text:
    numbers, *below = (column.right(line) for line in column.cells[place])
    shown = Text(numbers)
    left = column.width - cell_len(column.cells[place][0])
    for start, end in column.bold[place]:
        shown.stylize("bold", left + start, left + end)
    return Text("\n").join([shown, *(Text(line, style="dim") for line in below)])


def _column(grid: Grid, place: int, width: int | None) -> Column:
    """Return an OOD set's column, its numbers aligned; a long name has several lines."""
    cells = [row.cells[place] for row in grid.rows]
    count = len(grid.measures)
    numbers = [line for cell in cells for line in cell if len(line) == count]
    widths = [max(map(cell_len, one)) for one in zip(grid.measures, *numbers, strict=True)]
    widest = None if width is None else max(sum(widths) + count - 1, width // NAMES)
    return Column(
        (*wrapped(printable(grid.ood_sets[place]), widest, 0), _aligned(grid.measures, widths)),
        tuple(tuple(_aligned(line, widths) for line in cell) for cell in cells),
        tuple(_best(row.places[place] if row.places else (), widths) for row in grid.rows),
    )


def _best(places: Sequence[int], widths: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Return where the best numbers of an aligned line start and end."""
    ends = [end + at for at, end in enumerate(accumulate(widths))]
    return tuple(
        (end - width, end) for end, width, of in zip(ends, widths, places, strict=False) if of == 1
    )


def _aligned(line: Line, widths: Sequence[int]) -> str:
    """Return right-aligned numbers, or a left-aligned text that spans them."""
    if len(line) == len(widths):
        return " ".join(f"{one:>{width}}" for one, width in zip(line, widths, strict=True))
    whole = sum(widths) + len(widths) - 1
    return set_cell_size(line[0], max(whole, cell_len(line[0])))
