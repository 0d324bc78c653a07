"""Images in a Parquet file: rows listed without their bytes, and images read row by row.

A row group is read from its start, one image at a time, and only the column of images; the next
image continues there. Memory is that of a page and an image, not of the row group.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.image_columns import ImageColumns
from oodcache.cache.exchange.image_rows import RowFacts
from oodcache.cache.exchange.parquet import check_pyarrow, reading
from oodcache.cache.text import check_stream

# Rows of paths and labels, and of images: a page of a few bytes may hold a long text for each.
AT_ONCE, FEW = 32, 4
BUFFER = 2**16  # Bytes read at once, where the whole column would be read otherwise.
LARGEST_FOOTER = 2**26  # Bytes; unpacked it is several times larger.


def schema(path: Path) -> Any:
    """Return a file's Arrow schema; raise InputError if it is no Parquet file."""
    check_pyarrow(path)
    _check_footer(path)
    with reading(path) as file:
        return file.schema_arrow


def facts(path: Path, columns: ImageColumns) -> RowFacts:
    """Return what a file says of its images; only paths and labels are read."""
    found = RowFacts()
    with reading(path) as file:
        _check_rows(path, file.metadata)
        for group in range(file.metadata.num_row_groups):
            # Of a column's metadata Python asks in vain, and dies, if its statistics are damaged.
            about, before = file.metadata.row_group(group), len(found.sizes)
            for rows, batch in _described(file, group, columns):
                found.add(path, columns, batch, [about.total_byte_size] * rows)
            if (rows := len(found.sizes) - before) != about.num_rows:
                raise InputError(
                    f"{path}: is damaged: row group {group} claims {about.num_rows:,} rows, but "
                    f"has {rows:,}; get it again"
                )
    found.is_empty = columns.has_path and _is_empty(path, columns)
    return found


def _described(file: Any, group: int, columns: ImageColumns) -> Iterator[tuple[int, Any]]:
    """Yield a row group's batches of paths and labels with their number of rows."""
    if not columns.described:
        yield file.metadata.row_group(group).num_rows, None
        return
    for batch in file.iter_batches(AT_ONCE, [group], columns.described, use_threads=False):
        yield batch.num_rows, batch


def _is_empty(path: Path, columns: ImageColumns) -> bool:
    """Return whether no row has bytes; the first one that has some ends the search."""
    with reading(path) as file:
        for batch in file.iter_batches(FEW, columns=[columns.content], use_threads=False):
            (content,) = batch.column(0).flatten()
            if content.null_count < len(content):
                return False
    return True


class ParquetImages:
    """An open Parquet file of images."""

    def __init__(self, path: Path, columns: ImageColumns) -> None:
        from pyarrow import parquet

        self._column = columns.content
        self._is_struct = columns.is_struct
        self._file = parquet.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER)
        about = self._file.metadata
        counts = (about.row_group(group).num_rows for group in range(about.num_row_groups))
        self._starts = list(accumulate(counts, initial=0))
        self._group, self._next = -1, 0
        self._images: Iterator[bytes | None] = iter(())

    def read(self, row: int) -> bytes | None:
        """Return an image's encoded bytes, None for null; raise ValueError if it is damaged.

        Rows that rise are read without starting anew.
        """
        group = bisect_right(self._starts, row) - 1
        if group != self._group or row < self._next:
            self._images = self._from_start(group)
            self._group, self._next = group, self._starts[group]
        try:
            while self._next < row:
                next(self._images)
                self._next += 1
            self._next += 1
            return next(self._images)
        except BaseException as error:
            self._group = -1
            if isinstance(error, StopIteration):
                raise ValueError(f"row group {group} has fewer rows than it claims") from None
            raise

    def first(self) -> bytes | None:
        """Return the first image's encoded bytes, None if there is none."""
        return self.read(0) if self._starts[-1] else None

    def _from_start(self, group: int) -> Iterator[bytes | None]:
        # One row at a time: a dictionary may hold one large image that all rows use.
        for batch in self._file.iter_batches(1, [group], [self._column], use_threads=False):
            for value in batch.column(0):
                found = value.as_py()
                yield found["bytes"] if self._is_struct and found is not None else found


def _check_footer(path: Path) -> None:
    """Reject a footer so large that its objects would fill the memory."""
    try:
        check_stream(path)  # Opening a named pipe would wait for ever.
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 8))
            end = file.read(8)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    length = int.from_bytes(end[:4], "little")
    if end[4:] == b"PAR1" and length > LARGEST_FOOTER:
        raise InputError(f"{path}: its footer has {length:,} bytes, more than {LARGEST_FOOTER:,}")


def _check_rows(path: Path, about: Any) -> None:
    """Reject more rows than bytes: null takes none, so any number could be claimed."""
    size = path.stat().st_size
    counts = [about.row_group(group).num_rows for group in range(about.num_row_groups)]
    if min(counts, default=0) < 0 or sum(counts) != about.num_rows or about.num_rows > size:
        raise InputError(
            f"{path}: is damaged: {about.num_rows:,} rows are claimed, {sum(counts):,} in its row "
            f"groups, {size:,} bytes; get it again"
        )
