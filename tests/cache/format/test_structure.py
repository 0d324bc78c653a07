"""Claims about a file's structure that no single rule makes; its rules: test_rules.py."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from oodcache.cache.errors import RuleError
from oodcache.cache.files.images import open_image_shard, open_images
from oodcache.cache.format import structure
from oodcache.cache.format.container import opened


def test_the_structure_is_checked_without_reading_a_vector(image_file: Path) -> None:
    with h5py.File(image_file, "r+") as file:
        file["embeddings"][:] = np.nan
    with opened(image_file) as file:
        found = structure.check(file, image_file, "images")
    assert found.place is None
    assert found.identity.source["name"] == "pets"
    assert sorted(found.columns) == ["errors", "label", "label_names", "norm", "ok"]


def test_a_shard_is_never_taken_for_the_whole(image_file: Path, shard_file: Path) -> None:
    with pytest.raises(RuleError, match=r"kind is 'image-shard', expected 'images' .*rule F1"):
        open_images(shard_file)
    with pytest.raises(RuleError, match=r"kind is 'images', expected 'image-shard' .*rule F1"):
        open_image_shard(image_file)
