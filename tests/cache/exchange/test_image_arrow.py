"""Claims about images in Arrow files: rows listed, images read, and what a hostile file can do."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import ipc
from samples.extract.stored import structs, write_arrow

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import image_arrow
from oodcache.cache.exchange.image_arrow import ArrowImages, facts
from oodcache.cache.exchange.image_columns import ImageColumns

COLUMNS = ImageColumns("image", True, True, "label", None)
PLAIN = ImageColumns("image", False, False, None, None)
IMAGES = [bytes([row]) * (row + 1) for row in range(11)]


def table() -> pa.Table:
    images = structs([(image, f"{row}.png") for row, image in enumerate(IMAGES)])
    return pa.table({"id": range(11), "image": images, "label": [f"c{row}" for row in range(11)]})


@pytest.mark.parametrize("rows", [1, 4, 11])
def test_every_image_is_read_in_any_order(tmp_path: Path, rows: int) -> None:
    images = ArrowImages(write_arrow(tmp_path / "x.arrow", table(), rows), COLUMNS)
    order = [*range(11), 10, 10, 0, *random.Random(rows).sample(range(11), 11)]
    assert [images.read(row) for row in order] == [IMAGES[row] for row in order]


def test_rows_are_listed_with_paths_labels_and_sizes(tmp_path: Path) -> None:
    found = facts(write_arrow(tmp_path / "x.arrow", table()), COLUMNS)
    assert found.paths == [b"%d.png" % row for row in range(11)]
    assert found.labels == [f"c{row}" for row in range(11)]
    assert found.sizes == [row + 1 for row in range(11)]
    assert not found.is_empty


def test_arrows_file_format_is_read_too(tmp_path: Path) -> None:
    with ipc.new_file(str(tmp_path / "x.arrow"), table().schema) as writer:
        writer.write_table(table(), max_chunksize=4)
    assert facts(tmp_path / "x.arrow", COLUMNS).sizes == [row + 1 for row in range(11)]
    assert ArrowImages(tmp_path / "x.arrow", COLUMNS).read(9) == IMAGES[9]


def test_null_is_none_be_it_the_struct_or_its_bytes(tmp_path: Path) -> None:
    rows = pa.table({"image": structs([None, (None, "a.png"), (b"x", None)]), "label": [1, 2, 3]})
    path = write_arrow(tmp_path / "x.arrow", rows)
    images = ArrowImages(path, COLUMNS)
    assert [images.read(row) for row in range(3)] == [None, None, b"x"]
    found = facts(path, COLUMNS)
    assert (found.paths, found.sizes) == ([None, b"a.png", None], [-1, -1, 1])
    empty = pa.table({"image": structs([None, (None, "a.png")]), "label": [1, 2]})
    assert facts(write_arrow(tmp_path / "y.arrow", empty), COLUMNS).is_empty


def test_a_column_of_plain_bytes_is_read(tmp_path: Path) -> None:
    path = write_arrow(tmp_path / "x.arrow", pa.table({"image": pa.array([b"a", None, b"c"])}), 2)
    assert [ArrowImages(path, PLAIN).read(row) for row in range(3)] == [b"a", None, b"c"]
    assert facts(path, PLAIN).sizes == [1, -1, 1]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda content: b"", "is not a readable Arrow file"),
        (lambda content: b"\xff\xff\xff\xff\0\xff\xff\x7f" + content[8:], "not a readable Arrow"),
        (lambda content: content[:-8], "no end mark"),
        (lambda content: content[: len(content) // 2], "is not a readable Arrow file"),
        (lambda content: b"PK" + content, "is not a readable Arrow file"),
    ],
)
def test_a_damaged_file_is_rejected_in_one_line(tmp_path: Path, change: Any, why: str) -> None:
    path = write_arrow(tmp_path / "x.arrow", table())
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=why) as refused:
        image_arrow.schema(path)
        facts(path, COLUMNS)
    assert len(str(refused.value)) < 400


def test_batches_that_are_compressed_are_not_unpacked(tmp_path: Path) -> None:
    bomb = pa.table({"image": structs([(bytes(2**20), None)] * 3), "label": [1, 2, 3]})
    options = ipc.IpcWriteOptions(compression="zstd")
    path = write_arrow(tmp_path / "x.arrow", bomb, options=options)
    with pytest.raises(InputError, match="compressed: write it without compression"):
        facts(path, COLUMNS)


def test_categories_are_rejected_with_what_to_write(tmp_path: Path) -> None:
    labels = pa.array(["a", "b"]).dictionary_encode()
    rows = pa.table({"image": structs([(b"x", None)] * 2), "label": labels})
    with pytest.raises(InputError, match="'label' is stored as categories .*: cast it to its val"):
        image_arrow.schema(write_arrow(tmp_path / "x.arrow", rows))


def test_a_message_of_another_kind_than_it_says_is_rejected(tmp_path: Path) -> None:
    path = write_arrow(tmp_path / "x.arrow", table())
    content = bytearray(path.read_bytes())
    metadata = memoryview(content)[8:]  # A flatbuffer: its table says where it has its kind.
    root = struct.unpack_from("<I", metadata)[0]
    layout = root - struct.unpack_from("<i", metadata, root)[0]
    kind = root + struct.unpack_from("<H", metadata, layout + 6)[0]
    assert metadata[kind] == 1  # A schema.
    for other in (0, 2, 3, 200):
        metadata[kind] = other
        path.write_bytes(content)
        with pytest.raises(InputError, match="is not a readable Arrow file"):
            image_arrow.schema(path)


def test_positions_that_lead_out_of_a_buffer_are_rejected(tmp_path: Path) -> None:
    path = write_arrow(tmp_path / "x.arrow", table(), 11)
    content = bytearray(path.read_bytes())
    ends = struct.pack("<12i", *(sum(range(1, row + 1)) for row in range(12)))
    at = content.index(ends)
    content[at + 44 : at + 48] = struct.pack("<i", 2**30)  # Where the last image ends.
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="is not a readable Arrow file"):
        facts(path, COLUMNS)
    with pytest.raises(ValueError, match="offset"):
        ArrowImages(path, COLUMNS).read(10)
