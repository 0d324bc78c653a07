"""Delimited text: the rows of a .csv or .tsv file, each with the number of its first line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.arrays import reading
from oodcache.cache.text import reject_utf16

DELIMITERS = {".csv": ",", ".tsv": "\t"}
Row = tuple[int, list[str]]


def rows(path: Path) -> Iterator[Row]:
    """Yield each row with the number of its first line; a blank line is a row without cells.

    The text is UTF-8, with or without a byte order mark; other bytes become lone surrogates, as in
    file names. Raises InputError, with the line, for text that is not CSV or TSV.
    """
    with reading(path), path.open("rb") as head:
        reject_utf16(path, head.read(2))
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        reader = csv.reader(file, delimiter=DELIMITERS[path.suffix.lower()], strict=True)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                kind = path.suffix[1:].upper()
                raise InputError(f"{path}: line {line}: not {kind}: {error}") from None
            yield line, cells
