"""The page's table: a line for each score and OOD set, with what it is sorted and filtered by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oodcache.report.grid import NONE, Key, by_row, interval, percent
from oodcache.score.result import Result


@dataclass(frozen=True)
class Column:
    """A heading; `number` says that numbers stand below it, `help` what they are."""

    name: str
    number: bool = False
    help: str = ""


@dataclass(frozen=True)
class Cell:
    """What is shown, and the number that it is sorted by, None for its text."""

    text: str
    sort: float | None = None
    classes: str = ""


@dataclass(frozen=True)
class Line:
    """A row of the table; `filters` has its value under each name of `filters()`."""

    cells: tuple[Cell, ...]
    filters: dict[str, str]
    best: bool


COLUMNS = (
    Column("score"),
    Column("model"),
    Column("template"),
    Column("OOD set"),
    Column("AUROC", True, "in %, ID positive"),
    Column("interval", True, "of the AUROC"),
    Column("FPR95", True, "in %: lower is better"),
    Column("AUPR in", True, "in %, ID positive"),
    Column("AUPR out", True, "in %, OOD positive"),
    Column("ID acc", True, "in %"),
    Column("ID", True, "images"),
    Column("OOD", True, "images"),
)


def name(key: Key) -> str:
    """Return what a row is called in one line.

    >>> name(("clip/openai", "a {}", "mcm"))
    'mcm · clip/openai · a {}'
    """
    model, template, score = key
    return " · ".join(one for one in (score, model, template) if one)


def filters(results: Sequence[Result]) -> dict[str, list[str]]:
    """Return the values that each filter offers; a filter with one value is left out."""
    found = {
        "score": [key[2] for key in by_row(results)],
        "model": [key[0] or NONE for key in by_row(results)],
        "template": [key[1] or NONE for key in by_row(results)],
        "OOD set": [one.ood for one in results],
    }
    return {name: once for name, all in found.items() if len(once := list(dict.fromkeys(all))) > 1}


def best(results: Sequence[Result]) -> dict[str, float]:
    """Return the highest AUROC on each OOD set."""
    found: dict[str, float] = {}
    for one in results:
        found[one.ood] = max(one.auroc, found.get(one.ood, 0.0))
    return found


def lines(results: Sequence[Result]) -> list[Line]:
    """Return a line for each result, in order."""
    highest, offered = best(results), filters(results)
    found = []
    for key, row in by_row(results).items():
        for one in row.values():
            model, template = key[0] or NONE, key[1] or NONE
            values = {"score": key[2], "model": model, "template": template, "OOD set": one.ood}
            found.append(
                Line(
                    (
                        *map(Cell, (key[2], model, template, one.ood)),
                        _percent(one.auroc, "auroc"),
                        Cell(interval(one.auroc_ci), None, "number"),
                        *map(_percent, (one.fpr95, one.aupr_in, one.aupr_out, one.id_accuracy)),
                        *(Cell(f"{count:,}", count, "number") for count in (one.n_id, one.n_ood)),
                    ),
                    {name: values[name] for name in offered},
                    one.auroc == highest[one.ood],
                )
            )
    return found


def _percent(fraction: float | None, classes: str = "") -> Cell:
    # What is not known sorts below all.
    return Cell(
        percent(fraction), -1.0 if fraction is None else fraction, f"number {classes}".strip()
    )
