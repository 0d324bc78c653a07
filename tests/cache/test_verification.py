import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from oodcache.cache import verification
from oodcache.cache.errors import RuleError
from oodcache.cache.image_file import open_images
from oodcache.cache.verification import kind_of, verify


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


@pytest.mark.parametrize("size", [1, 16, 17, 40, 10**6])
def test_the_sum_does_not_depend_on_the_block(
    image_file: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(verification, "BLOCK_BYTES", size)
    verify(image_file)


def test_only_verification_sees_unit_rows_in_another_order(image_file: Path) -> None:
    with h5py.File(image_file, "r+") as file:
        file["embeddings"][:2] = file["embeddings"][:2][::-1]
    assert np.concatenate(list(open_images(image_file).blocks())).shape == (6, 4)
    with pytest.raises(RuleError) as refused:
        verify(image_file)
    assert "the SHA-256 of 'embeddings' is " in str(refused.value)
    assert str(refused.value).endswith("(rule F10)")
