"""Claims about images in Parquet: rows listed without their bytes, images read in any order."""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from samples.extract.stored import structs, write_parquet

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import image_parquet
from oodcache.cache.exchange.image_columns import ImageColumns
from oodcache.cache.exchange.image_parquet import ParquetImages, facts

COLUMNS = ImageColumns("image", True, True, "label", None)
PLAIN = ImageColumns("image", False, False, None, None)
IMAGES = [bytes([row]) * (row + 1) for row in range(11)]


def written(path: Path, rows: int = 4, **options: Any) -> Path:
    images = structs([(image, f"{row}.png") for row, image in enumerate(IMAGES)])
    table = pa.table({"id": range(11), "image": images, "label": [f"c{row}" for row in range(11)]})
    return write_parquet(path, table, rows, **options)


@pytest.mark.parametrize("use_dictionary", [True, False])
@pytest.mark.parametrize("rows", [1, 4, 11])
def test_every_image_is_read_in_any_order(tmp_path: Path, rows: int, use_dictionary: bool) -> None:
    path = written(tmp_path / "x.parquet", rows, use_dictionary=use_dictionary)
    images = ParquetImages(path, COLUMNS)
    order = [*range(11), 10, 10, 0, *random.Random(rows).sample(range(11), 11)]
    assert [images.read(row) for row in order] == [IMAGES[row] for row in order]


def test_rows_are_listed_with_paths_labels_and_the_size_of_their_group(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet")
    found = facts(path, COLUMNS)
    assert found.paths == [b"%d.png" % row for row in range(11)]
    assert found.labels == [f"c{row}" for row in range(11)]
    assert len({*found.sizes}) == 3
    assert [found.sizes.count(one) for one in dict.fromkeys(found.sizes)] == [4, 4, 3]
    assert not found.is_empty


def test_listing_reads_no_image(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(400_000)
    table = pa.table({"image": structs([(noise, "a.png")]), "label": [1]})
    path = write_parquet(tmp_path / "x.parquet", table, compression="NONE", use_dictionary=False)
    content = path.read_bytes()
    path.write_bytes(content.replace(noise, bytes(len(noise))))  # The footer has none of it.
    assert facts(path, COLUMNS).paths == [b"a.png"]
    assert ParquetImages(path, COLUMNS).read(0) == bytes(len(noise))


def test_null_is_none_be_it_the_struct_or_its_bytes(tmp_path: Path) -> None:
    table = pa.table({"image": structs([None, (None, "a.png"), (b"x", None)]), "label": [1, 2, 3]})
    path = write_parquet(tmp_path / "x.parquet", table)
    images = ParquetImages(path, COLUMNS)
    assert [images.read(row) for row in range(3)] == [None, None, b"x"]
    assert facts(path, COLUMNS).paths == [None, b"a.png", None]


def test_a_file_without_any_bytes_is_known_without_reading_them(tmp_path: Path) -> None:
    table = pa.table({"image": structs([(None, "a"), (None, "b")]), "label": [1, 2]})
    assert facts(write_parquet(tmp_path / "x.parquet", table), COLUMNS).is_empty


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_a_column_of_plain_bytes_is_read(tmp_path: Path, kind: Any) -> None:
    table = pa.table({"image": pa.array([b"a", None, b"c"], kind)})
    path = write_parquet(tmp_path / "x.parquet", table, 2)
    assert [ParquetImages(path, PLAIN).read(row) for row in range(3)] == [b"a", None, b"c"]
    assert len(facts(path, PLAIN).sizes) == 3


def test_a_dictionary_of_one_large_image_takes_its_memory_once(tmp_path: Path) -> None:
    large = bytes(2**18)
    table = pa.table({"image": structs([(large, None)] * 50), "label": range(50)})
    path = write_parquet(
        *(tmp_path / "x.parquet", table, 50),
        use_dictionary=["image.bytes"],
        dictionary_pagesize_limit=2**30,
        compression="zstd",
    )
    del table
    assert path.stat().st_size < 2**16
    before, most = pa.total_allocated_bytes(), 0
    images = ParquetImages(path, COLUMNS)
    for row in range(50):
        assert images.read(row) == large
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < 8 * len(large)


def compact(number: int) -> bytes:
    """Return an integer as Thrift's compact protocol writes it."""
    number, out = (number << 1) ^ (number >> 63), b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def footer(rows: int, depth: int) -> bytes:
    """Return a file of no row group whose footer claims rows, and a schema of nested groups."""
    group, leaf = b"\x35\x02\x18\x01a\x15\x02\0", b"\x15\x02\x25\x02\x18\x01a\0"
    count = depth + 2
    sizes = bytes([count & 127 | 128, count >> 7 & 127 | 128, count >> 14])
    schema = b"\x48\x01r\x15\x02\0" + group * depth + leaf
    text = b"\x15\x04\x19\xfc" + sizes + schema + b"\x16" + compact(rows) + b"\x19\x0c\0"
    return b"PAR1" + text + struct.pack("<I", len(text)) + b"PAR1"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not a readable parquet file"),
        (b"PAR1" + bytes(20), "is not a readable parquet file"),
        (footer(0, 300_000), "too deeply nested"),
        (b"PAR1" + struct.pack("<I", 2**30) + b"PAR1", "footer has 1,073,741,824 bytes"),
    ],
)
def test_what_is_no_parquet_is_rejected_in_one_line(
    tmp_path: Path, content: bytes, why: str
) -> None:
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(InputError, match=why) as refused:
        image_parquet.schema(tmp_path / "x.parquet")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


def test_a_named_pipe_is_rejected_before_it_is_opened(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "x.parquet")
    with pytest.raises(InputError, match="x.parquet: is a device or a named pipe; expected a file"):
        image_parquet.schema(pipe)


def test_rows_that_are_only_claimed_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(footer(10**12, 1))
    with pytest.raises(InputError, match="1,000,000,000,000 rows are claimed, 0 in its row groups"):
        facts(tmp_path / "x.parquet", PLAIN)


def test_any_number_of_nulls_in_a_small_file_are_rejected(tmp_path: Path) -> None:
    table = pa.table({"image": pa.nulls(100_000, pa.binary())})
    path = write_parquet(tmp_path / "x.parquet", table, 100_000)
    with pytest.raises(InputError, match=r"100,000 rows are claimed, .* \d{3} bytes"):
        facts(path, PLAIN)


def test_a_damaged_page_is_an_error_of_its_rows_only(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet", use_dictionary=False, compression="NONE")
    content = bytearray(path.read_bytes())
    at = content.index(IMAGES[4] + struct.pack("<I", 6))
    content[at - 4 : at] = b"\xff\xff\xff\x7f"  # The length of the fifth image.
    path.write_bytes(bytes(content))
    images = ParquetImages(path, COLUMNS)
    for row in (5, 4):
        with pytest.raises((ValueError, OSError)):
            images.read(row)
    assert [images.read(row) for row in (3, 8, 0)] == [IMAGES[row] for row in (3, 8, 0)]
