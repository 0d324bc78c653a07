"""Claims about how data sets are found and listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract import datasets


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("imagenet-val", "imagenet/val"),
        ("imagenet-val", "images_largescale/imagenet_1k/val"),
        ("iNaturalist", "MOS/iNaturalist/images"),
        ("iNaturalist", "images_largescale/inaturalist"),
        ("SUN", "ImageNet_OOD_dataset/SUN"),
        ("Places", "MOS/Places/images"),
        ("Textures", "MOS/dtd/images"),
        ("Textures", "ImageNet_OOD_dataset/dtd/images"),
    ],
)
def test_known_sets_are_found_in_each_layout(tmp_path: Path, name: str, folder: str) -> None:
    touch(tmp_path / folder, "x.jpg")
    assert datasets.find(name, tmp_path).root == tmp_path / folder


def test_a_missing_data_root_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give --data-root FOLDER or set OODCACHE_DATA"):
        datasets.find("SUN", tmp_path / "none")


def test_a_data_root_without_the_set_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no SUN .looked for MOS/SUN"):
        datasets.find("SUN", tmp_path)


def test_an_unknown_set_says_how_to_name_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="for a folder of your own type NAME=FOLDER"):
        datasets.find("pets", tmp_path)
    (tmp_path / "cats").mkdir()
    folder = tmp_path / "cats"
    with pytest.raises(InputError, match=f"for a folder of your own type cats={folder}"):
        datasets.find(str(folder), tmp_path)


@pytest.mark.parametrize("name", ["../x", "a/b", "", "average", ".hidden", "a b"])
def test_a_name_that_cannot_be_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="data set"):
        datasets.find(f"{name}={tmp_path}", tmp_path)


def test_a_file_is_no_folder_of_images(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    with pytest.raises(InputError, match="is not a folder"):
        datasets.find(f"x={tmp_path / 'a.jpg'}", tmp_path)
