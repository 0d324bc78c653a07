"""Results as text: a table to read, CSV, JSON, Markdown and LaTeX.

CSV and JSON hold every measure, a row for each score and OOD set, as fractions. The tables hold
AUROC and FPR95 in percent, a row for each score and a column for each OOD set.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oodcache.score.result import Result
from oodcache.score.variants import Variant

MEASURES = "AUROC FPR95"
INDENT, GAP = "  ", 2


@dataclass(frozen=True)
class Grid:
    """Results laid out as a table: a cell is (AUROC, FPR95) in percent, as text."""

    ood_sets: tuple[str, ...]
    rows: tuple[GridRow, ...]


@dataclass(frozen=True)
class GridRow:
    """One model and score of a grid, its accuracy in percent, and a cell for each OOD set."""

    model: str
    score: str
    accuracy: str
    cells: tuple[tuple[str, str], ...]


def grid(results: Sequence[Result]) -> Grid:
    """Return the layout: rows and columns in the order in which the results name them."""
    ood_sets = tuple(dict.fromkeys(one.ood for one in results))
    by_row: dict[tuple[str, str], dict[str, Result]] = {}
    for one in results:
        label = Variant(one.score, one.parameters).label
        by_row.setdefault((f"{one.model}/{one.pretrained}", label), {})[one.ood] = one
    return Grid(
        ood_sets,
        tuple(
            GridRow(
                model,
                score,
                _percent(next(iter(cells.values())).id_accuracy),
                tuple(
                    (_percent(cells[name].auroc), _percent(cells[name].fpr95))
                    if name in cells
                    else ("–", "–")
                    for name in ood_sets
                ),
            )
            for (model, score), cells in by_row.items()
        ),
    )


def caption(results: Sequence[Result]) -> list[str]:
    """Return the lines below a table: what was compared, how, and what cannot differ."""
    first = results[0]
    prompts = dict.fromkeys(one.templates for one in results)
    written = "; ".join(
        repr(one[0]) if len(one) == 1 else f"the average of {len(one)} templates" for one in prompts
    )
    lines = [
        f"ID {first.id} ({first.n_id:,} images), classes {first.classes}, prompt {written}.",
        "AUROC and FPR95 in %, ID positive. FPR convention: "
        f"{first.fpr_convention} (the highest threshold that keeps at least 95 % of ID).",
    ]
    if any(one.score == "sigmoid-mcm" for one in results):
        lines.append(
            "sigmoid-mcm rises with the largest cosine: it ranks as max-logit does, whatever its "
            "scale and bias."
        )
    return lines


def table(results: Sequence[Result], provenance: Mapping[str, Any], width: int | None) -> str:
    """Return the table for a terminal of `width` columns, or as wide as it needs for None.

    OOD sets that do not fit beside each other go into further tables below. A terminal that is
    too narrow even for one of them gets lines that are too long, never numbers cut short.
    """
    laid = grid(results)
    parts = [_drawn(laid, places) for places in _fitting(laid, width)]
    console = Console(width=10_000, file=io.StringIO(), force_terminal=width is not None)
    needed = max(console.measure(part).maximum for part in parts)
    with console.capture() as capture:
        for part in parts:
            console.print(part, width=needed)
            console.print()
        for line in caption(results):
            console.print(Text(line), width=max(width, needed) if width else None)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _fitting(laid: Grid, width: int | None) -> Iterator[list[int]]:
    """Yield the OOD sets, by their places, that stand beside each other within `width`."""
    first = max(len(one) for row in laid.rows for one in (*_heading(row), INDENT + row.score))
    used, places = first, list[int]()
    for place, name in enumerate(laid.ood_sets):
        needed = GAP + max(len(name), len(MEASURES), *(len(one) for one in _column(laid, place)))
        if places and width is not None and used + needed > width:
            yield places
            used, places = first, []
        used += needed
        places.append(place)
    yield places


def _drawn(laid: Grid, places: Sequence[int]) -> Table:
    """Return some OOD sets' columns: a heading for each model, and its scores below."""
    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), pad_edge=False, show_edge=False)
    drawn.add_column("score", no_wrap=True, vertical="bottom")
    columns = [_column(laid, place) for place in places]
    for place in places:
        drawn.add_column(Text(f"{laid.ood_sets[place]}\n{MEASURES}"), justify="right", no_wrap=True)
    previous = None
    for number, row in enumerate(laid.rows):
        if row.model != previous:
            drawn.add_row(Text("\n".join(_heading(row)), style="bold"))
        drawn.add_row(Text(INDENT + row.score), *(Text(column[number]) for column in columns))
        previous = row.model
    return drawn


def _heading(row: GridRow) -> tuple[str, str]:
    return row.model, f"ID accuracy {row.accuracy}"


def _column(laid: Grid, place: int) -> list[str]:
    """Return an OOD set's cells, the two numbers of each in line with the others'."""
    cells = [row.cells[place] for row in laid.rows]
    auroc, fpr = (max(5, *(len(cell[one]) for cell in cells)) for one in (0, 1))
    return [f"{cell[0]:>{auroc}} {cell[1]:>{fpr}}" for cell in cells]


def to_csv(results: Sequence[Result], provenance: Mapping[str, Any]) -> str:
    """Return a line for each score and OOD set; lists and parameters as JSON within a cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [one.name for one in fields(Result)], lineterminator="\n")
    writer.writeheader()
    for one in results:
        row = asdict(one)
        for name in ("templates", "parameters"):
            row[name] = json.dumps(row[name], ensure_ascii=False)
        writer.writerow(row)
    return text.getvalue()


def to_json(results: Sequence[Result], provenance: Mapping[str, Any]) -> str:
    """Return every result and what made them, as fractions."""
    rows = [asdict(one) for one in results]
    whole = {"results": rows, "provenance": dict(provenance)}
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_markdown(results: Sequence[Result], provenance: Mapping[str, Any]) -> str:
    """Return the table in GitHub's Markdown."""
    laid = grid(results)
    head = ["model", "score", "ID acc", *(f"{name} AUROC / FPR95" for name in laid.ood_sets)]
    lines = [head, ["---", "---", *["---:"] * (len(head) - 2)]]
    for row in laid.rows:
        cells = [" / ".join(cell) for cell in row.cells]
        lines.append([row.model, row.score, row.accuracy, *cells])
    text = "\n".join("| " + " | ".join(_escaped(line, "|", "\\|")) + " |" for line in lines)
    return text + "\n\n" + "\n\n".join(caption(results)) + "\n"


def to_latex(results: Sequence[Result], provenance: Mapping[str, Any]) -> str:
    """Return the table in LaTeX, for the booktabs package."""
    laid = grid(results)
    spans = [rf"\multicolumn{{2}}{{c}}{{{_latex(name)}}}" for name in laid.ood_sets]
    measures = ["AUROC", "FPR95"] * len(laid.ood_sets)
    body = [
        [row.model, row.score, row.accuracy, *(one for cell in row.cells for one in cell)]
        for row in laid.rows
    ]
    lines = [
        *(f"% {line}" for line in caption(results)),
        rf"\begin{{tabular}}{{ll{'r' * (1 + 2 * len(laid.ood_sets))}}}",
        r"\toprule",
        " & ".join(["", "", "", *spans]) + r" \\",
        " & ".join(["model", "score", "ID acc", *measures]) + r" \\",
        r"\midrule",
        *(" & ".join(_latex(cell) for cell in row) + r" \\" for row in body),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


FORMATS: dict[str, Callable[[Sequence[Result], Mapping[str, Any]], str]] = {
    "table": lambda results, provenance: table(results, provenance, None),
    "csv": to_csv,
    "json": to_json,
    "markdown": to_markdown,
    "latex": to_latex,
}


def _percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:.2f}"


def _escaped(cells: Sequence[str], character: str, escape: str) -> list[str]:
    return [cell.replace(character, escape) for cell in cells]


def _latex(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(
        special.get(one, "\\" + one if one in "&%$#_{}" else one) for one in text
    ).replace("–", "--")
