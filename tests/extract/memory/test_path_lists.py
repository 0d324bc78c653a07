"""Claims about images given as a list of paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import write_photos

from oodcache.cache.errors import InputError
from oodcache.extract.memory.path_lists import listed
from oodcache.extract.memory.row_labels import RowNotes
from oodcache.extract.sources import datasets


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    write_photos(tmp_path / "photos")
    return sorted((tmp_path / "photos").rglob("*.png"))


def test_rows_are_those_of_the_folder_but_for_labels(files: list[Path], tmp_path: Path) -> None:
    folder = datasets.list_images(datasets.find(f"pets={tmp_path / 'photos'}", tmp_path))
    found = listed("pets", files, RowNotes())
    assert found.images.paths == folder.images.paths
    assert found.fingerprint == folder.fingerprint
    assert found.images.label_names == ()
    for row in (0, 7):
        assert found.contents.read(row) == files[row].read_bytes()


def test_paths_from_any_folder_are_the_same_rows(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "photos" / "cat")
    typed = [f"../{path.relative_to(tmp_path / 'photos')}" for path in files]
    found = listed("pets", typed, RowNotes())
    assert found.fingerprint == listed("pets", files, RowNotes()).fingerprint


def test_order_and_labels_make_another_dataset(files: list[Path]) -> None:
    labels = [path.parent.name for path in files]
    assert listed("pets", files, RowNotes(np.array(labels))).images.labels[7] == 1
    some = [
        listed("pets", files, RowNotes()),
        listed("pets", files[::-1], RowNotes()),
        listed("pets", files, RowNotes(labels)),
        listed("pets", files, RowNotes(labels[::-1])),
    ]
    assert len({one.fingerprint for one in some}) == 4
    assert some[2].images.label_names == ("cat", "dog")


def test_one_missing_file_is_a_bad_row_and_all_missing_an_error(files: list[Path]) -> None:
    found = listed("pets", [*files, files[0].with_name("none.png")], RowNotes())
    with pytest.raises(FileNotFoundError):
        found.contents.read(12)
    with pytest.raises(InputError, match="none of 2 files exists; the first is 'x.png'"):
        listed("pets", ["x.png", "y.png"], RowNotes())


def test_a_repeated_path_is_refused_with_its_place(files: list[Path]) -> None:
    twice: Any = [*files[:2], files[0]]
    with pytest.raises(InputError, match=r"images.2. repeats images.0."):
        listed("pets", twice, RowNotes())
