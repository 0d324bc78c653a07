"""Results as text: tables to read, CSV, JSON, Markdown, LaTeX and HTML.

JSON holds everything, CSV every measure in a row for each score and OOD set, both as fractions.
Tables hold AUROC with its interval and the FPR in percent, a row for each score and a column for
each OOD set, then a table for each further thing asked for.

A new format is a line of `FORMATS`. Help texts import this module, so heavy imports are local.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oodcache.cache.json_text import content_sum
from oodcache.cache.text import check_ending, inert, printable
from oodcache.score.measures.result import Counterpart, Difference, Result

if TYPE_CHECKING:
    from oodcache.report.tables.grid import Grid

AS_JSON = (
    *("templates", "parameters", "fpr_at_tpr", "fpr95_by_convention", "bootstrap", "calibration"),
    *("picked", "bank_shared_images", "stream", "spectrum", "average_of", "leaks", "shots"),
    *("selective", "clean"),
)
INTERVAL, LATEX = "auroc_ci", "latex"
FORMAT, VERSION = "oodcache results", 1
SUM = "sha256"
SURROGATE = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class TableLook:
    """How tables are written: for whom, how much of them, and which columns.

    They fit a terminal of `width` columns, or are as wide as needed if it is None. `styled` adds a
    terminal's escape codes, `explain` all notes. `columns` is None for the usual ones.
    """

    width: int | None = None
    styled: bool = False
    explain: bool = False
    columns: Sequence[str] | None = None


PLAIN = TableLook()


def text(
    form: str,
    results: Sequence[Result],
    differences: Sequence[Difference],
    provenance: Mapping[str, Any],
    published: Sequence[Counterpart] | None = None,
    *,
    look: TableLook = PLAIN,
) -> str:
    """Return results, and whatever else was asked for, in a format.

    LaTeX always has all notes, as comments. `published` is None if published numbers were not asked
    for.
    """
    whole = FORMATS[form].whole
    if whole is not None:
        return whole(results, differences, provenance, published)
    from oodcache.report.tables.measured import STANDARD
    from oodcache.report.tables.sections import sections

    explain, columns = look.explain or form == LATEX, look.columns or STANDARD
    grids = sections(results, differences, published, explain=explain, columns=columns)
    return written(grids, form, look.width, styled=look.styled)


def written(
    grids: Sequence[Grid], form: str, width: int | None = None, *, styled: bool = False
) -> str:
    """Return tables of any kind in a format of `OF_TABLES`."""
    of_tables = FORMATS[form].tables
    assert of_tables is not None
    return of_tables(grids, width, styled)


def to_csv(
    results: Sequence[Result],
    differences: Sequence[Difference],
    provenance: Mapping[str, Any],
    published: Sequence[Counterpart] | None = None,
) -> str:
    """Return a line for each score and OOD set; lists and mappings are JSON within a cell.

    The interval of AUROC has two columns. Differences, published numbers and the paths of streams
    are in JSON only.
    Control characters in names are escaped; a name such as "=x" is kept: see `to_spreadsheet`.
    """
    return _csv(results, printable)


def to_spreadsheet(results: Sequence[Result], *others: Any) -> str:
    """Return the lines of `to_csv` with texts that no spreadsheet runs as formulas."""
    return _csv(results, lambda text: inert(printable(text)))


def _csv(results: Sequence[Result], written: Callable[[str], str]) -> str:
    names = [name for one in fields(Result) for name in _csv_names(one.name)]
    lines = io.StringIO()
    writer = csv.DictWriter(lines, names, lineterminator="\n")
    writer.writeheader()
    for one in results:
        row = asdict(_without_path(one))
        row |= dict(zip(_csv_names(INTERVAL), row.pop(INTERVAL) or ("", ""), strict=True))
        for name in AS_JSON:
            row[name] = None if row[name] is None else json.dumps(row[name], ensure_ascii=False)
        writer.writerow(
            {name: written(cell) if isinstance(cell, str) else cell for name, cell in row.items()}
        )
    return lines.getvalue()


def _without_path(one: Result) -> Result:
    """Return a result without the path of its stream, which is hundreds of numbers."""
    return one if one.stream is None else replace(one, stream=replace(one.stream, path=None))


def to_json(
    results: Sequence[Result],
    differences: Sequence[Difference],
    provenance: Mapping[str, Any],
    published: Sequence[Counterpart] | None = None,
) -> str:
    """Return all results and differences as fractions, provenance, all notes and a SHA-256."""
    from oodcache.report.tables.notes.caption import caption

    whole: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "results": [asdict(one) for one in results],
        "differences": [asdict(one) for one in differences],
        "provenance": dict(provenance),
    }
    if published is not None:
        whole["published"] = [asdict(one) for one in published]
    whole["notes"] = caption(results) if results else []
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False)
    whole = json.loads(SURROGATE.sub(_escaped, text))  # As it is read back: tuples are lists.
    whole[SUM] = content_sum(whole)
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _escaped(byte: re.Match[str]) -> str:
    """Return a byte of a name that is not UTF-8, such as \\xff, as JSON that UTF-8 can store."""
    return f"\\\\x{ord(byte[0]) & 0xFF:02x}"


def _csv_names(name: str) -> tuple[str, ...]:
    return (f"{name}_low", f"{name}_high") if name == INTERVAL else (name,)


def _terminal(grids: Sequence[Grid], width: int | None, styled: bool) -> str:
    from oodcache.report.tables import terminal

    return terminal.drawn(grids, width, styled=styled)


def _latex(grids: Sequence[Grid], *_: Any) -> str:
    from oodcache.report.tables.latex import to_latex

    return "\n".join(map(to_latex, grids))


def _html(grids: Sequence[Grid], *_: Any) -> str:
    from oodcache.report.tables.hypertext import to_html

    return to_html(grids) + "\n"


def _markdown(grid: Grid) -> str:
    measures = " / ".join(grid.measures)
    header = [*grid.labels, *(f"{name} {measures}" for name in grid.ood_sets)]
    numbers = len(grid.ood_sets) + ("ID acc" in grid.labels)
    rules = ["---"] * (len(header) - numbers) + ["---:"] * numbers
    lines = [[*map(_plain_markdown, header)], rules]
    for row in grid.rows:
        cells = (
            "<br>".join(" / ".join(_plain_markdown(one) for one in line if one) for line in cell)
            for cell in row.cells
        )
        lines.append([*map(_plain_markdown, row.labels), *cells])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    above = [_plain_markdown(grid.title)] if grid.title else []
    return "\n\n".join([*above, table, *map(_plain_markdown, grid.notes)]) + "\n"


def _plain_markdown(name: str) -> str:
    # Markdown ignores an underscore within a word, and most names of weights have one.
    special = r"[\\|*`<\[~]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])"
    return re.sub(special, r"\\\g<0>", printable(name))


@dataclass(frozen=True)
class Format:
    """A format: the ending of its files, and what writes either whole results or tables."""

    ending: str = ""
    whole: Callable[..., str] | None = None
    tables: Callable[[Sequence[Grid], int | None, bool], str] | None = None


FORMATS = {
    "table": Format(".txt", tables=_terminal),
    "csv": Format(".csv", whole=to_csv),
    "spreadsheet": Format(whole=to_spreadsheet),
    "json": Format(".json", whole=to_json),
    "markdown": Format(".md", tables=lambda grids, *_: "\n".join(map(_markdown, grids))),
    LATEX: Format(".tex", tables=_latex),
    "html": Format(".html", tables=_html),
}
ENDINGS = tuple(one.ending for one in FORMATS.values() if one.ending)
OF_TABLES = tuple(name for name, one in FORMATS.items() if one.tables)
WHOLE = tuple(name for name, one in FORMATS.items() if one.whole)


def by_ending(path: Path) -> str:
    """Return the format of a file by its ending: a table for .txt or none.

    Raises InputError for other endings.
    """
    return {one.ending: name for name, one in FORMATS.items()}[check_ending(path, ENDINGS)]
