"""Published numbers in tables, with your own and the difference below each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from oodcache.report.tables.grid import NONE, Cell, Grid, GridRow, percent
from oodcache.score.measures.result import Compared, Counterpart

BELOW = "Published numbers in %; below each, yours and the difference in percentage points."
LABELS = ("model", "source", "prompt", "FPR", "method")
NAMED = 2  # Rows of one note that are named.
PROMPTS = {
    "openai": "OpenAI's 80 templates",
    "learned": "learned",
    "ensemble": "an ensemble of its own",
}
CLAIM = (
    "Your numbers use each row's score, its prompt, its FPR convention and its order of images, "
    "not those of the tables above. The published numbers are quoted, not verified: image loaders "
    "differ (MCM's own resizes differently), and the study's inputs were not released."
)


def published_tables(rows: Sequence[Counterpart]) -> list[Grid]:
    """Return a table of accuracies and one of OOD measures, each only if a row has such numbers.

    The notes below the last one tell what is missing or differs from the sources.
    """
    accurate = [one for one in rows if one.accuracy is not None]
    measured = [one for one in rows if one.auroc or one.fpr95]
    grids = []
    if accurate:
        cells = [(_cell([one.accuracy]),) for one in accurate]
        grids.append(_grid("Published: ID accuracy", ("accuracy",), ("ID",), accurate, cells))
    if measured:
        names = tuple(dict.fromkeys(name for one in measured for name in (*one.auroc, *one.fpr95)))
        title, both = "Published: AUROC and FPR95", ("AUROC", "FPR95")
        found = [
            tuple(_cell([one.auroc.get(name), one.fpr95.get(name)]) for name in names)
            for one in measured
        ]
        grids.append(_grid(title, both, names, measured, found))
    return [*grids[:-1], *(replace(one, notes=(BELOW, *_notes(rows))) for one in grids[-1:])]


def _grid(
    title: str,
    measures: tuple[str, ...],
    names: tuple[str, ...],
    rows: Sequence[Counterpart],
    cells: Sequence[tuple[Cell, ...]],
) -> Grid:
    """Return a row for each counterpart under its source, prompt and FPR convention, if any."""
    return Grid(
        title,
        measures,
        names,
        LABELS,
        tuple(
            GridRow((one.model, _source(one)), _labels(one), one.method, of_row)
            for one, of_row in zip(rows, cells, strict=True)
        ),
        row_name="method",
    )


def _cell(numbers: Sequence[Compared | None]) -> Cell:
    """Return the published line and, if your own number is known, a line of it and of the gap."""
    printed = tuple(NONE if one is None else percent(one.published) for one in numbers)
    if all(one is None or one.own is None for one in numbers):
        return (printed,)
    own = tuple(NONE if one is None else percent(one.own) for one in numbers)
    return printed, own, tuple(NONE if one is None else _points(one.difference) for one in numbers)


def _points(difference: float | None) -> str:
    return NONE if difference is None else f"{100 * difference:+z.2f}"


def _source(one: Counterpart) -> str:
    of = f", FPR {one.fpr_convention}" if one.fpr_convention else ""
    return f"{one.source}, prompt {_prompt(one)}{of}"


def _prompt(one: Counterpart) -> str:
    return PROMPTS.get(one.template) or repr(one.template)


def _labels(one: Counterpart) -> tuple[str, ...]:
    return one.model, one.source, _prompt(one), one.fpr_convention or NONE, one.method


def _notes(rows: Sequence[Counterpart]) -> Iterator[str]:
    """Yield each note once, with its rows: two by name, more by their count."""
    several = len({one.model for one in rows}) > 1
    notes: dict[str, list[Counterpart]] = {}
    for one in rows:
        for text in filter(None, (*one.missing, *one.unlike, one.note)):
            notes.setdefault(text, []).append(one)
    for text, of in notes.items():
        names = list(
            dict.fromkeys(
                f"{one.source}, {one.method}{f' on {one.model}' if several else ''}" for one in of
            )
        )
        yield f"{text} ({_named(names, is_every=len(of) == len(rows) > 1)})"
    yield CLAIM


def _named(names: Sequence[str], *, is_every: bool) -> str:
    """Return which rows a note is of."""
    if is_every:
        return "every row"
    few = "; ".join(names[:NAMED])
    return few if len(names) <= NAMED else f"{len(names)} rows, such as {names[0]}"
