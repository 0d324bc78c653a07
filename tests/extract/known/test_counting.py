"""Claims about how known sets are counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.known.counting import Counted, count
from oodcache.extract.sources import datasets


def counted(name: str, data_root: Path) -> Counted:
    source = datasets.known(name, data_root)
    assert source is not None
    return count(source)


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_images_are_counted_where_extract_looks_for_them(tmp_path: Path) -> None:
    touch(tmp_path / "MOS/SUN", "images/a.jpg", "images/deep/b.jpg", "images/x.txt", "c.jpg")
    assert counted("SUN", tmp_path) == Counted("SUN", tmp_path / "MOS/SUN/images", 2, 10_000)


def test_of_a_list_the_lines_are_counted_and_the_files_that_are_not_there(tmp_path: Path) -> None:
    touch(tmp_path / "images_largescale/ninco", "a.jpg", "not-listed.jpg")
    path = tmp_path / "benchmark_imglist/imagenet/test_ninco.txt"
    path.parent.mkdir(parents=True)
    path.write_text("ninco/a.jpg -1\nninco/b.jpg -1\nninco/c.jpg -1\n")
    assert counted("NINCO", tmp_path) == Counted("NINCO", path, 3, 5_879, missing=2)


def test_a_set_is_whole_if_no_image_is_missing_or_too_many() -> None:
    assert Counted("x", Path(), 3, 3).is_whole
    assert not Counted("x", Path(), 4, 3).is_whole
    assert not Counted("x", Path(), 3, 3, missing=1).is_whole


def test_a_folder_without_any_image_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "MOS/SUN", "x.txt")
    with pytest.raises(InputError, match=r"MOS/SUN: holds no images \(1 other files\)"):
        counted("SUN", tmp_path)
