"""Delimited text: the rows of a .csv or .tsv file, each with the number of its first line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.arrays import reading
from oodcache.cache.format.rules import shown
from oodcache.cache.text import HEAD, check_stream, reject_utf16

DELIMITERS = {".csv": ",", ".tsv": "\t"}
Row = tuple[int, list[str]]


def rows(path: Path) -> Iterator[Row]:
    """Yield each row with the number of its first line; a blank line is a row without cells.

    The text is UTF-8, with or without a byte order mark; other bytes become lone surrogates, as in
    file names. Raises InputError, with the line, for text that is not CSV or TSV.
    """
    with reading(path):
        check_stream(path)
        with path.open("rb") as file:
            reject_utf16(path, file.read(HEAD))
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as text:
        reader = csv.reader(text, delimiter=DELIMITERS[path.suffix.lower()], strict=True)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                kind = path.suffix[1:].upper()
                raise InputError(f"{path}: line {line}: not {kind}: {error}") from None
            for cell in cells:
                if cell[:1].isspace() and cell.lstrip().startswith('"'):
                    what = f"{shown(cell)} has a blank before its quote; remove the blank"
                    raise InputError(f"{path}: line {line}: {what}")
            yield line, cells


def check_delimiter(path: Path, sample: Sequence[Row]) -> None:
    """Raise InputError if another delimiter splits every row of a sample, the header included.

    European spreadsheets separate by semicolons, and write decimal commas.
    """
    own = DELIMITERS[path.suffix.lower()]
    other = {";": "semicolons", "\t": "tabs"} if own == "," else {";": "semicolons", ",": "commas"}
    for mark, called in other.items():
        if sample and len(sample[0][1]) == 1 and all(mark in own.join(row) for _, row in sample):
            wanted = "commas, and decimal points" if own == "," else "tabs"
            raise InputError(f"{path}: is separated by {called}; save it with {wanted}")
