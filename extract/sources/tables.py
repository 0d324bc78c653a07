"""Image tables: CSV, TSV or Parquet, with a column of paths and optionally one of labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import delimited, parquet
from oodcache.extract.sources.listed_images import Entries, list_entries
from oodcache.extract.sources.listing import ImageListing, ImageSource

PARQUET = ".parquet"
SUFFIXES = (*delimited.DELIMITERS, PARQUET)
PATH_COLUMNS = ("path", "filepath", "filename", "image")
LABEL_COLUMNS = ("label", "class")


@dataclass(frozen=True)
class Columns:
    """The columns to read from a table; `label` is None if there is none."""

    path: str
    label: str | None


def list_table(source: ImageSource) -> ImageListing:
    """Return the images of a table, in its order, unlabelled without a label column."""
    is_parquet = source.root.suffix.lower() == PARQUET
    columns, entries = (_from_parquet if is_parquet else _from_text)(source)
    notes: tuple[str, ...] = ()
    if columns.label is None:
        usual = " or ".join(LABEL_COLUMNS)
        notes = (f"no column {usual}: the images are unlabelled; use --label-column for another",)
    return list_entries(source, entries, notes)


def _columns(source: ImageSource, header: Sequence[str]) -> Columns:
    options = source.options
    path = _column(source, header, options.path_column, PATH_COLUMNS, "--path-column")
    if path is None:
        is_parquet = source.root.suffix.lower() == PARQUET
        images = ", or --image-column NAME if it holds images" if is_parquet else ""
        raise InputError(
            f"{source.root}: has no column {', '.join(PATH_COLUMNS)}; has {_shown(header)}; "
            f"give --path-column NAME{images}"
        )
    label = _column(source, header, options.label_column, LABEL_COLUMNS, "--label-column")
    return Columns(path, label)


def _column(
    source: ImageSource,
    header: Sequence[str],
    given: str | None,
    usual: Sequence[str],
    option: str,
) -> str | None:
    if given is not None and given not in header:
        raise InputError(
            f"{source.root}: has no column {given!r}, which {option} names; has {_shown(header)}"
        )
    found = given or next((one for one in usual if one in header), None)
    if found is not None and header.count(found) > 1:
        raise InputError(f"{source.root}: has several columns {found!r}; give {option} another")
    return found


def _shown(header: Sequence[str]) -> str:
    shown = ", ".join(header[:10]) or "none"
    return f"{shown}{', …' * (len(header) > 10)}"


def _from_text(source: ImageSource) -> tuple[Columns, Entries]:
    """Read CSV or TSV; bytes that are not UTF-8 are kept in paths."""
    rows = ((line, cells) for line, cells in delimited.rows(source.root) if cells)
    line, header = next(rows, (0, []))
    delimited.check_delimiter(source.root, [(line, header)])
    header = [name.strip() for name in header]
    columns = _columns(source, header)
    at_path = header.index(columns.path)
    at_label = None if columns.label is None else header.index(columns.label)
    paths, labels, lines = [], [], []
    for line, cells in rows:
        if len(cells) != len(header):
            raise InputError(
                f"{source.root}: line {line} has {len(cells)} fields, the header {len(header)}; "
                "quote a field that contains the separator"
            )
        paths.append(os.fsencode(cells[at_path]))
        labels.append("" if at_label is None else cells[at_label].strip())
        lines.append(line)
    return columns, Entries(paths, labels, lines)


def _from_parquet(source: ImageSource) -> tuple[Columns, Entries]:
    path = source.root
    columns = _columns(source, parquet.column_names(path))
    values = parquet.read_values(path, columns.path)
    paths = [_bytes(source, row, one) for row, one in enumerate(values)]
    labels = [""] * len(paths)
    if columns.label is not None:
        labels = [_text(one) for one in parquet.read_values(path, columns.label)]
    return columns, Entries(paths, labels, range(len(paths)), unit="row")


def _bytes(source: ImageSource, row: int, value: bytes | str | int | None) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    what = "has no path" if value is None else f"has the path {value}, a number"
    raise InputError(f"{source.root}: row {row} {what}")


def _text(value: bytes | str | int | None) -> str:
    if isinstance(value, bytes):
        return os.fsdecode(value).strip()
    return "" if value is None else str(value).strip()
