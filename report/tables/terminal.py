"""Grids drawn for a terminal: as many OOD sets side by side as fit, the others below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby

from rich.cells import cell_len, set_cell_size

from oodcache.cache.store.screen import DIM, PLAIN, Screen, wrapped
from oodcache.cache.text import printable
from oodcache.report.tables.grid import Grid, GridRow, Line

INDENT, GAP = "  ", 2
NAMES = 3  # A name of an OOD set takes at most this part of a terminal's width.
MEASURES = 6  # With more of them, OOD sets are below one another even where no width is known.


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
        """Return a right-aligned line."""
        return " " * (self.width - cell_len(line)) + line


def drawn(grids: Sequence[Grid], width: int | None, *, styled: bool = False) -> str:
    """Return the grids for a terminal of `width` columns, or as wide as needed if it is None.

    `styled` adds escape codes: bold headings and best numbers, dim intervals.
    Long labels and names of OOD sets have lines of their own. If the terminal is too narrow for the
    numbers of a single OOD set, lines are too long rather than truncated.
    """
    screen = Screen(width, styled)
    lines: list[str] = []
    for place, grid in enumerate(grids):
        lines += [""] * bool(place)
        lines += _grid_lines(grid, screen)
        if styled and grid.bold:
            lines += wrapped(grid.bold, width, 0)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _grid_lines(grid: Grid, screen: Screen) -> Iterator[str]:
    width = screen.width
    columns = [_column(grid, place, width) for place in range(len(grid.ood_sets))]
    first = _first_width(grid, columns, width)
    is_long = width is None and len(grid.measures) > MEASURES
    blocks = [[one] for one in columns] if is_long else list(_fitting(columns, first, width))
    needed = max(_width(first, block) for block in blocks)
    text_width = max(width, needed) if width else None
    if grid.title:
        yield from wrapped(printable(grid.title), text_width, 0)
        yield ""
    for block in blocks:
        yield from _header(grid, first, block)
        yield "─" * _width(first, block)
        above: tuple[str, ...] = ()
        for heading, run in groupby(enumerate(grid.rows), key=lambda row: row[1].heading):
            for line in heading[1:] if heading[:1] == above[:1] else heading:
                yield from map(screen.bold, wrapped(printable(line), text_width, 0))
            above = heading
            for place, row in run:
                yield from _row(_label(row), place, first, block, screen)
        yield ""
    for note in grid.notes:
        yield from wrapped(printable(note), text_width, 0)


def _first_width(grid: Grid, columns: Sequence[Column], width: int | None) -> int:
    """Return the width of the labels, less than the longest has if no OOD set fits beside it."""
    name = cell_len(grid.row_name)
    first = max(name, *(cell_len(_label(row)) for row in grid.rows))
    if width is None:
        return first
    return min(first, max(name, width - GAP - max(column.width for column in columns)))


def _header(grid: Grid, first: int, block: Sequence[Column]) -> Iterator[str]:
    """Yield the names of the OOD sets, the longest from the first line on, and their measures."""
    height = max(len(column.header) for column in block)
    heads = [("",) * (height - len(one.header)) + one.header for one in block]
    for label, *parts in zip(("",) * (height - 1) + (grid.row_name,), *heads, strict=True):
        yield _line(label, first, [one.right(part) for one, part in zip(block, parts, strict=True)])


def _row(
    label: str, place: int, first: int, block: Sequence[Column], screen: Screen
) -> Iterator[str]:
    """Yield the lines of a row; a label that is too wide stands above its numbers."""
    if cell_len(label) > first:
        yield from wrapped(label, _width(first, block))
        label = ""
    bodies = [_body(column, place, screen) for column in block]
    blank = [" " * column.width for column in block]
    for at in range(max(map(len, bodies))):
        parts = [body[at] if at < len(body) else blank[of] for of, body in enumerate(bodies)]
        yield _line("" if at else label, first, parts)


def _line(label: str, first: int, parts: Sequence[str]) -> str:
    return (" " * GAP).join([label + " " * (first - cell_len(label)), *parts])


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


def _label(row: GridRow) -> str:
    return INDENT * bool(row.heading) + printable(row.score)


def _body(column: Column, place: int, screen: Screen) -> list[str]:
    """Return the lines of a cell: its numbers, the best in bold, and dim intervals below."""
    shown, *below = map(column.right, column.cells[place])
    if not screen.styled:
        return [shown, *below]
    left = column.width - cell_len(column.cells[place][0])
    for start, end in reversed(column.bold[place]):
        first, last = left + start, left + end
        shown = shown[:first] + screen.bold(shown[first:last]) + shown[last:]
    return [shown, *(f"{DIM}{line}{PLAIN}" for line in below)]


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
