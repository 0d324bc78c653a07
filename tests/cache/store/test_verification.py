import hashlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from oodcache.cache.errors import RuleError
from oodcache.cache.files.images import BLOCK_ROWS, ImageBatch, ImageRows, open_images, write_images
from oodcache.cache.files.texts import Vocabulary, write_texts
from oodcache.cache.format.identity import Identity
from oodcache.cache.store.verification import kind_of, verify


def test_a_file_says_its_kind(image_file: Path, text_file: Path) -> None:
    assert kind_of(image_file) == "images"
    assert kind_of(text_file) == "texts"


def test_good_files_pass(image_file: Path, text_file: Path) -> None:
    verify(image_file)
    verify(text_file)


def test_the_sum_is_that_of_the_bytes_as_bare_h5py_reads_them(image_file: Path) -> None:
    with h5py.File(image_file) as file:
        expected = hashlib.sha256(file["embeddings"][:].tobytes()).hexdigest()
    assert open_images(image_file).identity.vectors == expected


def test_a_file_of_many_blocks_passes_and_every_row_is_counted_once(
    tmp_path: Path, identity: Identity
) -> None:
    count = 2 * BLOCK_ROWS + 1
    rows = ImageRows([b"%d" % row for row in range(count)], np.full(count, -1), ())
    batch = ImageBatch(np.eye(4, dtype=np.float32)[np.arange(count) % 4], np.ones(count, "f4"))
    write_images(tmp_path / "many.h5", [batch], rows=rows, identity=identity)
    done: list[int] = []
    verify(tmp_path / "many.h5", advance=done.append)
    assert sum(done) == count
    assert len(done) == 3


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_changed_text_vector_of_norm_1_is_seen_unless_quick(
    tmp_path: Path, identity: Identity, dtype: type
) -> None:
    path, done = tmp_path / "names.h5", list[int]()
    write_texts(
        path,
        np.eye(6, dtype=np.float32).reshape(2, 3, 6),
        np.ones((2, 3), np.float32),
        vocabulary=Vocabulary(("cat", "dog", "cow"), ("", "", ""), ("{}", "a {}")),
        identity=identity,
        dtype=dtype,
    )
    verify(path, advance=done.append)
    assert sum(done) == 6
    with h5py.File(path, "r+") as file:
        file["embeddings"][0, 0] = -file["embeddings"][0, 0]
    verify(path, quick=True)
    with pytest.raises(RuleError, match="rule F10"):
        verify(path)


def test_verification_sees_unit_rows_in_another_order_unless_quick(image_file: Path) -> None:
    with h5py.File(image_file, "r+") as file:
        file["embeddings"][:2] = file["embeddings"][:2][::-1]
    verify(image_file, quick=True)
    with pytest.raises(RuleError, match="rule F14"):
        verify(image_file)


@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_shards_of_texts_of_either_type_pass(
    tmp_path: Path, write_text_shards: Callable[..., list[Path]], dtype: str
) -> None:
    for path in write_text_shards(tmp_path / "names.h5", dtype=dtype):
        verify(path)
