"""Claims about what a file says of its images' rows."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from samples.extract.stored import structs

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.image_columns import ImageColumns
from oodcache.cache.exchange.image_rows import LONGEST, RowFacts

COLUMNS = ImageColumns("image", True, True, "label", None)


def test_batches_are_added_one_after_another() -> None:
    found = RowFacts()
    for name, label in (("a", "cat"), ("b", None)):
        batch = pa.record_batch({"image": structs([(b"x", name), None]), "label": [label, "c\n"]})
        found.add(Path("x"), COLUMNS, batch, [7, -1])
    assert found.paths == [b"a", None, b"b", None]
    assert found.labels == ["cat", "c\n", None, "c\n"]
    assert found.labels[1] is found.labels[3]
    assert found.sizes == [7, -1, 7, -1]


def test_rows_without_described_columns_have_no_batch() -> None:
    found = RowFacts()
    found.add(Path("x"), ImageColumns("image", False, False, None, None), None, [3, 3])
    assert (found.paths, found.labels) == ([None, None], [None, None])


def test_a_text_of_absurd_length_is_rejected_with_its_row() -> None:
    batch = pa.record_batch({"image": structs([None, None]), "label": ["a", "b" * (LONGEST + 1)]})
    with pytest.raises(InputError, match="x: row 1 has a path or label of 65,537 characters"):
        RowFacts().add(Path("x"), COLUMNS, batch, [0, 0])
