"""Images in an Arrow file, as Dataset.save_to_disk writes it: rows listed, and images read.

Nothing but messages' positions, and the paths and labels, is kept in memory: the file is mapped.
Buffers are as untrusted as the file, and checked before a value is taken from them.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.image_columns import ImageColumns
from oodcache.cache.exchange.image_rows import RowFacts
from oodcache.cache.exchange.parquet import check_pyarrow
from oodcache.cache.text import check_stream, listed

FILE_MAGIC = b"ARROW1\0\0"  # Before the stream, in Arrow's file format.
ENDS = (b"\xff\xff\xff\xff\0\0\0\0", b"\0\0\0\0")  # Of a stream; the second before Arrow 0.15.


@dataclass(frozen=True)
class Mapped:
    """A mapped file: its schema, and the position of every batch of rows."""

    file: Any
    schema: Any
    places: list[int]

    def batch(self, place: int) -> Any:
        """Return a batch of rows without copying them; raise ValueError if it is damaged."""
        from pyarrow import ipc

        self.file.seek(self.places[place])
        message = _message(self.file, "record batch")
        if _is_compressed(message.metadata):
            raise ValueError("its batches are compressed: write it without compression")
        return ipc.read_record_batch(message, self.schema)


def schema(path: Path) -> Any:
    """Return a file's schema; raise InputError if it is no Arrow file."""
    with _reading(path):
        return _mapped(path).schema


def facts(path: Path, columns: ImageColumns) -> RowFacts:
    """Return what a file says of its images; only paths, labels and sizes are read."""
    from pyarrow import compute

    found = RowFacts()
    with _reading(path):
        mapped = _mapped(path)
        for place in range(len(mapped.places)):
            batch = mapped.batch(place)
            content = _checked(batch, columns)
            for name in {columns.image, columns.label} - {None}:
                batch.column(name).validate(full=True)
            sizes = compute.binary_length(content).fill_null(-1).to_pylist()
            found.is_empty = found.is_empty and content.null_count == len(content)
            found.add(path, columns, _without_bytes(batch, columns), sizes)
    return found


class ArrowImages:
    """An open Arrow file of images."""

    def __init__(self, path: Path, columns: ImageColumns) -> None:
        self._columns = columns
        self._mapped = _mapped(path)
        counts = (self._mapped.batch(one).num_rows for one in range(len(self._mapped.places)))
        self._starts = list(accumulate(counts, initial=0))
        self._place = -1
        self._content: Any = None

    def read(self, row: int) -> bytes | None:
        """Return an image's encoded bytes, None for null; raise ValueError if it is damaged."""
        place = bisect_right(self._starts, row) - 1
        if place != self._place:
            self._content = _checked(self._mapped.batch(place), self._columns)
            self._place = place
        found: bytes | None = self._content[row - self._starts[place]].as_py()
        return found


def _mapped(path: Path) -> Mapped:
    """Return a file, mapped; its messages are found without reading the rows."""
    import pyarrow as pa
    from pyarrow import ipc

    file = pa.memory_map(str(path))
    if file.read(len(FILE_MAGIC)) != FILE_MAGIC:
        file.seek(0)
    found = ipc.read_schema(_message(file, "schema"))
    if encoded := [one.name for one in found if "dictionary<" in str(one.type)]:
        raise ValueError(
            f"column {listed(encoded[:1])} is stored as categories (dictionary): cast it to its "
            "values, or write Parquet"
        )
    places = []
    while True:
        at = file.tell()
        try:
            message = ipc.read_message(file)
        except EOFError:
            break
        if message.type == "record batch":
            places.append(at)
    file.seek(at)
    if not file.read(8).startswith(ENDS):
        raise ValueError(f"it has no end mark at byte {at:,}, so it is truncated; get it again")
    return Mapped(file, found, places)


def _message(file: Any, kind: str) -> Any:
    """Return the next message; raise ValueError if it is another, which Arrow would not notice."""
    from pyarrow import ipc

    found = ipc.read_message(file)
    if found.type != kind:
        raise ValueError(f"a {found.type} stands where a {kind} is expected")
    return found


def _checked(batch: Any, columns: ImageColumns) -> Any:
    """Return the column of encoded images, its positions checked; null where a struct is."""
    column = batch.column(columns.image)
    if columns.is_struct:
        column.validate()
        names = [one.name for one in column.type]
        column = column.flatten()[names.index("bytes")]
    column.validate(full=True)
    return column


def _without_bytes(batch: Any, columns: ImageColumns) -> Any:
    """Return a batch of paths and labels alone."""
    import pyarrow as pa

    arrays = {}
    if columns.has_path:
        image = batch.column(columns.image)
        names = [one.name for one in image.type]
        arrays[columns.image] = pa.StructArray.from_arrays(
            [image.flatten()[names.index("path")]], ["path"]
        )
    if columns.label is not None:
        arrays[columns.label] = batch.column(columns.label)
    return pa.record_batch(arrays) if arrays else None


def _is_compressed(metadata: Any) -> bool:
    """Return whether a record batch's buffers are compressed: their claimed sizes are unchecked.

    Arrow has verified the message, a flatbuffer, but does not tell.
    """
    data = memoryview(metadata)

    def field(table: int, number: int) -> int:
        """Return the position of a table's field, 0 if it has none."""
        layout = table - struct.unpack_from("<i", data, table)[0]
        length, at = struct.unpack_from("<H", data, layout)[0], 4 + 2 * number
        offset = struct.unpack_from("<H", data, layout + at)[0] if at < length else 0
        return table + offset if offset else 0

    header = field(struct.unpack_from("<I", data)[0], 2)
    batch = header + struct.unpack_from("<I", data, header)[0]
    return field(batch, 3) != 0


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn the errors of a missing, unknown or damaged file into one line."""
    check_pyarrow(path)
    import pyarrow as pa

    try:
        check_stream(path)
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: cannot be read: No such file or directory") from None
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError, EOFError, struct.error) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: is not a readable Arrow file: {reason}") from None
