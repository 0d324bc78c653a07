"""Parquet, with the optional pyarrow: embeddings written, columns of untrusted files read.

Both work in blocks, so that memory does not grow with the number of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile
from oodcache.cache.text import check_stream, listed

GROUP_ROWS = 8192  # Rows per row group, which readers read as one.
IDENTITY = b"oodcache"  # The key of the identity's JSON in the file's metadata.


def can_read() -> bool:
    """Return whether pyarrow is installed."""
    return find_spec("pyarrow") is not None


def check_pyarrow(path: Path) -> None:
    """Raise InputError with the install command if pyarrow is missing."""
    if not can_read():
        raise InputError(f"{path}: parquet needs pyarrow: type  pip install 'oodcache[io]'")


def read_texts(path: Path, column: str) -> list[bytes]:
    """Return a column of texts, as UTF-8, or of bytes; read no other column."""
    texts = []
    for row, one in enumerate(read_values(path, column, integers=False)):
        if one is None:
            raise InputError(f"{path}: row {row} has no {column}")
        texts.append(one if isinstance(one, bytes) else str(one).encode())
    return texts


def column_names(path: Path) -> list[str]:
    """Return the names of a file's columns in order."""
    check_pyarrow(path)
    with reading(path) as file:
        return list(file.schema_arrow.names)


def read_values(
    path: Path, column: str, *, integers: bool = True
) -> list[bytes | str | int | None]:
    """Return a column of texts, bytes or integers, with None for null; read no other column."""
    check_pyarrow(path)
    values: list[bytes | str | int | None] = []
    with reading(path) as file:
        schema = file.schema_arrow
        if column not in schema.names:
            raise InputError(f"{path}: has no column {column!r}; has {listed(schema.names)}")
        kind, wanted = schema.field(column).type, "texts or integers" if integers else "texts"
        if not _is_readable(kind, integers):
            raise InputError(f"{path}: column {column!r} holds {kind}, not {wanted}")
        for batch in file.iter_batches(columns=[column], batch_size=GROUP_ROWS):
            values += batch.column(0).to_pylist()
    return values


def write_images(
    output: Path, images: ImageFile, identity: bytes, advance: Callable[[int], None]
) -> None:
    """Write one row per image."""
    import pyarrow as pa

    paths, errors = images.paths(), images.errors()
    is_text = all(_is_utf8(path) for path in paths)
    fields = {
        "path": pa.string() if is_text else pa.binary(),
        "label": pa.int64(),
        "label_name": pa.string(),
        "ok": pa.bool_(),
        "error": pa.string(),
        "norm": pa.float32(),
    }
    with _writing(output, fields, images.dimension, identity) as write:
        first = 0
        for block in images.stored_blocks(GROUP_ROWS):
            rows = range(first, first + len(block))
            some = slice(first, first + len(block))
            labels = images.label[some].tolist()
            columns = [
                [path.decode() for path in paths[some]] if is_text else paths[some],
                labels,
                [images.label_names[label] if label >= 0 else None for label in labels],
                images.ok[some],
                [errors.get(row) for row in rows],
                images.norm[some],
            ]
            write(columns, block)
            first += len(block)
            advance(len(block))


def write_texts(
    output: Path, texts: TextFile, identity: bytes, advance: Callable[[int], None]
) -> None:
    """Write one row per class and template."""
    import pyarrow as pa

    vocabulary, count = texts.vocabulary, len(texts.vocabulary.names)
    fields = {name: pa.string() for name in ("template", "class_name", "class_id")}
    fields["norm"] = pa.float32()
    with _writing(output, fields, texts.stored.shape[-1], identity) as write:
        for place, template in enumerate(vocabulary.templates):
            ids = [one or None for one in vocabulary.ids]
            columns = [[template] * count, vocabulary.names, ids, texts.norm[place]]
            write(columns, texts.stored[place])
            advance(count)


@contextmanager
def _writing(
    output: Path, fields: dict[str, Any], dimension: int, identity: bytes
) -> Iterator[Callable[[list[Any], Any], None]]:
    """Yield a function that writes some rows: their columns, then their embeddings."""
    import pyarrow as pa
    from pyarrow import parquet

    # Not as float16: few readers of parquet support it.
    vectors = pa.list_(pa.float32(), dimension)
    schema = pa.schema([*fields.items(), ("embedding", vectors)], metadata={IDENTITY: identity})
    repeating = [name for name in fields if name in ("label_name", "template", "error")]
    with parquet.ParquetWriter(output, schema, use_dictionary=repeating) as writer:

        def write(columns: list[Any], block: Any) -> None:
            flat = pa.array(np.ascontiguousarray(block, np.float32).reshape(-1))
            arrays = [
                pa.array(column, kind)
                for column, kind in zip(columns, fields.values(), strict=True)
            ]
            arrays.append(pa.FixedSizeListArray.from_arrays(flat, dimension))
            writer.write_batch(pa.record_batch(arrays, schema=schema))

        yield write


@contextmanager
def reading(path: Path) -> Iterator[Any]:
    """Yield an untrusted file, opened; turn the errors of opening and reading it into one line."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        check_stream(path)
        with parquet.ParquetFile(path) as file:
            yield file
    except FileNotFoundError:
        raise InputError(f"{path}: cannot be read: No such file or directory") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: is not a readable parquet file: {reason}") from None


def _is_readable(kind: Any, integers: bool) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind) and integers:  # Categories, each stored once.
        kind = kind.value_type
    texts = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    others = (types.is_integer, types.is_null) if integers else ()
    return any(is_one(kind) for is_one in (*texts, *others))


def _is_utf8(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True
