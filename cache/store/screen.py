"""A screen that text is printed for: how many columns it has, and lines and tables that fit it.

Nothing is cut: a word that is too long for a line continues on the next one, and a cell of a
table that is too wide stands on a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells

GAP, HANGING, NARROW = "  ", 4, 10  # NARROW: columns that the last cell gets at least.
BOLD, DIM, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"
WORD = re.compile(r"(?:[^\s'\"\\]|\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\")+")


@dataclass(frozen=True)
class Screen:
    """What text is printed for: `width` is None if lines may be as long as they need.

    `styled` adds escape codes for bold text.
    """

    width: int | None = None
    styled: bool = False

    def fitted(self, line: str) -> str:
        """Return a line, continued on indented ones if it is too long."""
        return "\n".join(wrapped(line, self.width))

    def bold(self, line: str) -> str:
        """Return a line in bold, if the screen is styled."""
        return f"{BOLD}{line}{PLAIN}" if self.styled else line


WIDE = Screen()


@dataclass(frozen=True)
class PlainTable:
    """A table: the names of its columns, its rows, and the columns in `numbers`, aligned right.

    A row of one cell is a heading.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Collection[str] = ()

    def drawn(self, screen: Screen) -> str:
        """Return the table as text.

        A first cell that is wider than its column stands on the line above, a last one below.
        """
        widths = self._widths(screen.width)
        rule = min(sum(widths) + len(GAP) * (len(widths) - 1), screen.width or 10**9)
        lines = [*self._lines(self.columns, widths, screen), "─" * rule]
        for row in self.rows:
            if len(row) > 1:
                lines += self._lines(row, widths, screen)
            else:
                lines += map(screen.bold, wrapped(row[0], screen.width))
        return "".join(f"{line.rstrip()}\n" for line in lines)

    def _widths(self, width: int | None) -> list[int]:
        """Return the columns' widths: the last has what the others leave, the first the rest."""
        rows = [self.columns, *(row for row in self.rows if len(row) > 1)]
        first, *inner, last = (max(map(cell_len, cells)) for cells in zip(*rows, strict=True))
        if width is not None:
            room = width - sum(inner) - len(GAP) * (len(inner) + 1)
            last = min(last, max(NARROW, room - first))
            first = min(first, max(cell_len(self.columns[0]), room - last))
        return [first, *inner, last]

    def _lines(self, row: Sequence[str], widths: Sequence[int], screen: Screen) -> Iterator[str]:
        """Yield a row in one line, or with its first or last cell on lines of its own."""
        first, *inner, last = row
        if cell_len(first) > widths[0]:
            yield from wrapped(first, screen.width)
            first = ""
        is_wide = cell_len(last) > widths[-1]
        cells = [first, *inner, "" if is_wide else last]
        padded = map(self._padded, self.columns, cells, widths)
        yield GAP.join(padded).rstrip()
        if is_wide:
            yield from wrapped(" " * HANGING + last, screen.width, 0)

    def _padded(self, column: str, cell: str, width: int) -> str:
        blanks = " " * (width - cell_len(cell))
        return blanks + cell if column in self.numbers else cell + blanks


def wrapped(line: str, width: int | None, hanging: int = HANGING) -> Iterator[str]:
    """Yield a line in lines of at most `width` columns, those after the first further in.

    It is broken at a blank, or within a word that is too long for a line.

    >>> list(wrapped("path: photos/strays", 12))
    ['path:', '    photos/s', '    trays']
    """
    start = len(line) - len(line.lstrip(" "))
    while width is not None and cell_len(line) > width:
        whole = chop_cells(line[:width], width)[0]
        blank = line[: len(whole) + 1].rfind(" ")
        is_within = blank < 0 or not line[:blank].strip(" ")
        end = len(whole) if is_within else blank
        yield line[:end].rstrip(" ")
        further = min(start + hanging, width // 2)
        line = " " * further + line[end:].lstrip(" ")
    yield line


def wrapped_command(line: str, width: int | None, hanging: int = HANGING) -> Iterator[str]:
    r"""Yield a command in lines that a shell reads as one: all but the last end in a backslash.

    A word is never broken, and an option stays with its value where both fit.

    >>> list(wrapped_command("oodcache score --id pets --ood 'my strays'", 24))
    ['oodcache score \\', '    --id pets \\', "    --ood 'my strays'"]
    """
    if width is None or cell_len(line) <= width:
        yield line
        return
    found, indent = "", line[: len(line) - len(line.lstrip(" "))]
    for part in _parts(WORD.findall(line), width - len(indent) - hanging - len(" \\")):
        longer = f"{found} {part}" if found else indent + part
        if found and cell_len(longer) > width - len(" \\"):
            yield f"{found} \\"
            longer = indent + " " * hanging + part
        found = longer
    yield found


def _parts(words: Sequence[str], room: int) -> list[str]:
    """Return the words of a command, options joined with their values if they fit the room."""
    parts: list[str] = []
    for word in words:
        before = parts[-1] if parts else ""
        is_value = before.startswith("-") and " " not in before and not word.startswith("-")
        if is_value and cell_len(f"{before} {word}") <= room:
            parts[-1] = f"{before} {word}"
        else:
            parts.append(word)
    return parts
