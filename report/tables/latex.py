"""Grids as LaTeX, as papers have them: booktabs, the best bold, the second best underlined."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from oodcache.cache.text import printable
from oodcache.report.tables.best import SMALL, marks_of, meaning
from oodcache.report.tables.grid import Cell, Grid, GridRow
from oodcache.report.tables.measured import arranged

NEEDS = r"\usepackage{booktabs}"
MARKS = {0: "{}", 1: r"\textbf{{{}}}", 2: r"\underline{{{}}}", SMALL: r"\scriptsize {}"}

# Characters by those before them with which fonts would join them to another one.
LIGATURES = {"-": ("-", "–"), "–": ("-", "–"), "'": ("'",), ",": (",",)}


def to_latex(grid: Grid) -> str:
    """Return a tabular, its notes above it as comments."""
    grid = arranged(grid)
    count = len(grid.measures)
    left = ["r" if name == "ID acc" else "l" for name in grid.labels]
    comments = [line for line in (grid.title, *grid.notes, meaning(grid)) if line]
    arrows = grid.arrows or ("",) * count
    measures = [" ".join(filter(None, one)) for one in zip(grid.measures, arrows, strict=True)]
    lines = [
        f"% In the preamble: {NEEDS}",
        *(f"% {printable(' '.join(line.split()))}" for line in comments),
        rf"\begin{{tabular}}{{{''.join(left)}{'r' * (count * len(grid.ood_sets))}}}",
        r"\toprule",
        *_headings(grid),
        _line([*grid.labels, *map(plain, measures * len(grid.ood_sets))]),
        r"\midrule",
        *_rows(grid),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    line = " & ".join(cells) + r" \\"
    # Behind the end of a line or a rule, these would begin an argument.
    return "{}" + line if line.lstrip().startswith(("[", "*")) else line


def _headings(grid: Grid) -> Iterator[str]:
    """Yield the lines that name groups of OOD sets, if there are any, and the OOD sets."""
    count, left = len(grid.measures), len(grid.labels)
    if grid.groups:
        runs = [(name, len([*of])) for name, of in groupby(grid.groups)]
        yield from _spans([(name, count * sets) for name, sets in runs], left)
    yield from _spans([(name, count) for name in grid.ood_sets], left)


def _spans(spans: Sequence[tuple[str, int]], left: int) -> Iterator[str]:
    """Yield a line of names over several columns each, and the rules below them."""
    cells, rules, first = [""] * left, [], left + 1
    for name, columns in spans:
        cells.append(_over(plain(name), columns))
        if name:
            rules.append(rf"\cmidrule(lr){{{first}-{first + columns - 1}}}")
        first += columns
    yield _line(cells)
    yield "".join(rules)


def _over(text: str, columns: int) -> str:
    return rf"\multicolumn{{{columns}}}{{c}}{{{text}}}"


def _rows(grid: Grid) -> Iterator[str]:
    """Yield the rows, with a rule between models, each of which is named once."""
    of_models = "model" in grid.labels
    before: str | None = None
    for row in grid.rows:
        is_same = of_models and row.labels[0] == before
        if of_models and before is not None and not is_same:
            yield r"\midrule"
        before = row.labels[0]
        yield from map(_line, _lines(row, len(grid.measures), is_same=is_same))


def _lines(row: GridRow, count: int, *, is_same: bool) -> Iterator[list[str]]:
    """Yield the lines of a row; only the first has its labels, without a model named before."""
    labels = [*map(plain, row.labels)]
    if is_same:
        labels[0] = ""
    for place in range(max(map(len, row.cells))):
        marks = marks_of(row, place, count)
        cells = [
            part
            for cell, marked in zip(row.cells, marks, strict=True)
            for part in _cell(cell, place, marked)
        ]
        yield [*(labels if place == 0 else [""] * len(labels)), *cells]


def _cell(cell: Cell, place: int, marks: Sequence[int]) -> list[str]:
    if place >= len(cell):
        return [""] * len(marks)
    if place > 0 and len(cell[place]) == 1:
        return [_over(rf"\scriptsize {_signed(cell[place][0])}", len(marks))]
    if len(cell[place]) == len(marks):
        marked = zip(marks, cell[place], strict=True)
        return [MARKS[mark].format(_signed(one)) for mark, one in marked]
    return [_over(_signed(cell[place][0]), len(marks))]


def _signed(number: str) -> str:
    """Return a cell in LaTeX, its negative numbers with a sign instead of a hyphen."""
    return plain(re.sub(r"(?<![^\s(])-(?=\d)", "−", number))


def plain(name: str) -> str:
    """Return a name as text in LaTeX, whatever it contains."""
    special = {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        # The default font encoding has other characters in these places.
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "–": "--",
        "−": "$-$",
        "`": r"\`{}",
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
        "±": r"$\pm$",
    }
    text = printable(name)
    return "".join(
        ("{}" if before in LIGATURES.get(one, ()) else "")
        + special.get(one, "\\" + one if one in "&%$#_{}" else one)
        for before, one in zip(("", *text), text, strict=False)
    )
