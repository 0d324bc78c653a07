"""Claims about parquet: rows that other programs read, a column of a stranger's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import export, parquet
from oodcache.cache.files.images import ImageBatch, ImageRows, open_images, write_images
from oodcache.cache.files.texts import open_texts


def ignore(done: int) -> None:
    """Be told how many rows are done."""


def test_images_are_a_row_each(image_file: Path, tmp_path: Path) -> None:
    images = open_images(image_file)
    export.export(images, tmp_path / "x.parquet", ignore)
    rows = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert [row["path"] for row in rows] == images.paths()  # Bytes: one is no UTF-8.
    assert [row["label"] for row in rows] == [0, 1, -1, 0, 1, 0]
    names = ["cat", "dog", None, "cat", "dog", "cat"]
    assert [row["label_name"] for row in rows] == names
    assert [row["ok"] for row in rows] == [True, True, False, True, False, True]
    assert [row["error"] for row in rows] == [None, None, "cut short", None, "no image", None]
    found = np.array([row["embedding"] for row in rows], np.float32)
    np.testing.assert_array_equal(found, np.concatenate(list(images.blocks())))
    schema = pq.read_schema(tmp_path / "x.parquet")
    assert schema.field("embedding").type == pa.list_(pa.float32(), 4)
    identity = json.loads(schema.metadata[b"oodcache"])
    assert identity["vectors"] == images.identity.vectors


def test_paths_that_are_text_are_text(tmp_path: Path, identity: Any) -> None:
    rows = ImageRows(["größe.png".encode()], np.array([-1]), ())
    batch = ImageBatch(np.array([[1, 0]], np.float16), np.ones(1, np.float32))
    images = write_images(
        tmp_path / "x.h5", [batch], rows=rows, identity=identity, dtype=np.float16
    )
    export.export(images, tmp_path / "x.parquet", ignore)
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.column("path").to_pylist() == ["größe.png"]
    assert table.column("embedding").to_pylist() == [[1, 0]]


def test_texts_are_a_row_for_each_class_under_each_template(
    text_file: Path, tmp_path: Path
) -> None:
    export.export(open_texts(text_file), tmp_path / "t.parquet", ignore)
    rows = pq.read_table(tmp_path / "t.parquet").to_pylist()
    assert [(row["template"], row["class_name"], row["class_id"]) for row in rows] == [
        (template, name, one)
        for template in ("a {}", "a photo of a {}")
        for name, one in (("cat", "n1"), ("dog", "n2"), ("größer", "n3"))
    ]
    found = np.array([row["embedding"] for row in rows], np.float32).reshape(2, 3, 4)
    np.testing.assert_array_equal(found, open_texts(text_file).embeddings)


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    def write(**columns: Any) -> Path:
        pq.write_table(pa.table(columns), tmp_path / "m.parquet", row_group_size=3)
        return tmp_path / "m.parquet"

    return write


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()])
def test_a_column_of_texts_is_read_as_bytes(table: Callable[..., Path], kind: Any) -> None:
    values = [f"ü/{row}" for row in range(10)]
    raw = (
        values
        if pa.types.is_string(kind) or pa.types.is_large_string(kind)
        else ([value.encode() for value in values])
    )
    path = table(image_path=pa.array(raw, kind), caption=values)
    assert parquet.read_texts(path, "image_path") == [value.encode() for value in values]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"caption": ["a"]}, "has no column 'image_path'; has 'caption'"),
        ({"image_path": [1]}, "column 'image_path' holds int64, not texts"),
        ({"image_path": ["a"] * 7 + [None]}, "row 7 has no image_path"),
    ],
)
def test_a_column_that_is_none_is_refused(
    table: Callable[..., Path], columns: dict[str, Any], words: str
) -> None:
    path = table(**columns)
    with pytest.raises(InputError) as refused:
        parquet.read_texts(path, "image_path")
    assert str(refused.value) == f"{path}: {words}"


def test_a_file_cut_anywhere_is_refused_in_one_line(table: Callable[..., Path]) -> None:
    path = table(image_path=["a", "b"])
    whole = path.read_bytes()
    for size in range(0, len(whole), 11):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match="is not a readable parquet file") as refused:
            parquet.read_texts(path, "image_path")
        assert "\n" not in str(refused.value)
    path.unlink()
    with pytest.raises(InputError, match="cannot be read: No such file or directory"):
        parquet.read_texts(path, "image_path")


def test_a_column_of_texts_bytes_or_integers_is_read_with_its_gaps(tmp_path: Path) -> None:
    columns = {
        "text": ["a", None],
        "number": [None, 7],
        "bytes": [b"\xff", b""],
        "none": [None, None],
    }
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    assert parquet.column_names(tmp_path / "x.parquet") == list(columns)
    for name, values in columns.items():
        assert parquet.read_values(tmp_path / "x.parquet", name) == values


def test_a_column_of_anything_else_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [[1], [2]]}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="column 'x' holds list<.*>, not texts or integers"):
        parquet.read_values(tmp_path / "x.parquet", "x")
