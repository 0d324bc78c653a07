"""Parquet and Arrow files that hold images, with the schema that Hugging Face's library writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import ipc, parquet

STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
IMAGE = {"_type": "Image"}


def class_label(*names: str) -> dict[str, Any]:
    return {"names": list(names), "_type": "ClassLabel"}


def structs(images: Sequence[tuple[bytes | None, str | None] | None]) -> pa.Array:
    """Return images as (bytes, path); None is null."""
    rows = [one and {"bytes": one[0], "path": one[1]} for one in images]
    return pa.array(rows, STRUCT)


def table(columns: Mapping[str, Any], features: Mapping[str, Any] | None = None) -> pa.Table:
    """Return a table, with features as the library stores them if they are given."""
    found = pa.table(columns)
    if features is None:
        return found
    metadata = json.dumps({"info": {"features": features}})
    return found.replace_schema_metadata({"huggingface": metadata})


def write_parquet(path: Path, written: pa.Table, rows: int = 4, **options: Any) -> Path:
    """Write row groups of so many rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(written, path, row_group_size=rows, **options)
    return path


def write_arrow(path: Path, written: pa.Table, rows: int = 4, **options: Any) -> Path:
    """Write a stream of batches of so many rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = written.combine_chunks()
    with pa.OSFile(str(path), "wb") as file, ipc.new_stream(file, written.schema, **options) as to:
        to.write_table(written, max_chunksize=rows)
    return path


def write_saved(folder: Path, *tables: pa.Table) -> Path:
    """Write a folder as Dataset.save_to_disk does."""
    names = [f"data-{at:05d}-of-{len(tables):05d}.arrow" for at in range(len(tables))]
    for name, one in zip(names, tables, strict=True):
        write_arrow(folder / name, one)
    state = {"_data_files": [{"filename": name} for name in names], "_split": None}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text("{}")
    return folder
