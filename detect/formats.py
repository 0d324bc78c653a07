"""Decisions as text: lines to read, CSV and JSON lines. Each image is written as it is judged.

A new format is a line of `FORMATS`. Help texts import this module, so it imports nothing heavy.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from oodcache.cache.text import check_ending, inert, printable

if TYPE_CHECKING:
    from oodcache.detect.decisions import Decision

COLUMNS = ("path", "decision", "score", "p_value", "nearest", "probability", "error")


def as_text(decisions: Sequence[Decision]) -> str:
    """Return a line each, tab-separated, the path last; unprintable characters are escaped."""
    return "".join("\t".join(map(printable, _cells(one))) + "\n" for one in decisions)


def as_csv(decisions: Sequence[Decision]) -> str:
    """Return a row of COLUMNS each, with all digits.

    Unprintable characters are escaped; bytes of names that are not UTF-8 are kept.
    """
    return _rows(decisions, _escaped)


def as_spreadsheet(decisions: Sequence[Decision]) -> str:
    """Return CSV whose texts no spreadsheet runs as formulas, whoever named the images."""
    return _rows(decisions, lambda text: inert(_escaped(text)))


def _rows(decisions: Sequence[Decision], written: Callable[[str], str]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for one in decisions:
        cells = _values(one).values()
        rows.writerow([written(cell) if isinstance(cell, str) else cell for cell in cells])
    return text.getvalue()


def _escaped(text: str) -> str:
    return "".join(one if "\udc80" <= one <= "\udcff" else printable(one) for one in text)


def as_jsonl(decisions: Sequence[Decision]) -> str:
    """Return an object of COLUMNS each; bytes that are not UTF-8 are lone surrogates."""
    return "".join(
        json.dumps({name: _finite(value) for name, value in _values(one).items()}) + "\n"
        for one in decisions
    )


def _cells(one: Decision) -> list[str]:
    if one.score is None:
        return ["error", "-", "-", one.error or "", "-", one.path or ""]
    numbers = [f"{value:.6g}" for value in (one.score, one.p_value, one.probability)]
    return [one.word, *numbers[:2], one.nearest or "", numbers[2], one.path or ""]


def _values(one: Decision) -> dict[str, str | float | None]:
    return {
        "path": one.path,
        "decision": one.word,
        **{name: getattr(one, name) for name in COLUMNS[2:]},
    }


def _finite(value: str | float | None) -> str | float | None:
    """Return a value that JSON can hold: an infinite score as text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True)
class Lines:
    """A format of decisions: what writes a batch, the line above all, the ending of its files."""

    written: Callable[[Sequence[Decision]], str]
    head: str = ""
    ending: str = ""


FORMATS = {
    "text": Lines(as_text, ending=".txt"),
    "csv": Lines(as_csv, ",".join(COLUMNS) + "\n", ".csv"),
    "spreadsheet": Lines(as_spreadsheet, ",".join(COLUMNS) + "\n"),
    "jsonl": Lines(as_jsonl, ending=".jsonl"),
}

ENDINGS = tuple(one.ending for one in FORMATS.values() if one.ending)


def by_ending(path: Path) -> str:
    """Return the format of a file by its ending: text for .txt or none.

    Raises InputError for other endings.
    """
    return {one.ending: name for name, one in FORMATS.items()}[check_ending(path, ENDINGS)]
