"""Claims about the root of images that a list names, and about what is missing below it."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.sources.listed_images import Entries, list_entries
from oodcache.extract.sources.listing import ImageListing, ImageSource, Options


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def listed(
    path: Path, *paths: bytes, data_root: Path | None = None, image_root: Path | None = None
) -> ImageListing:
    path.parent.mkdir(parents=True, exist_ok=True)
    options = Options(image_root=image_root)
    source = ImageSource("x", path, form="list", data_root=data_root, options=options)
    return list_entries(source, Entries(paths, [""] * len(paths), range(1, len(paths) + 1)))


@pytest.mark.parametrize(
    ("place", "root"),
    [
        ("benchmark_imglist/imagenet/x.txt", "images_largescale"),
        ("benchmark_imglist/imagenet/x.txt", "images_classic"),
        ("lists/x.txt", "lists"),
        ("lists/x.txt", ""),
    ],
)
def test_the_root_is_found_beside_or_above_the_list(tmp_path: Path, place: str, root: str) -> None:
    touch(tmp_path / root, "set/a.jpg")
    assert listed(tmp_path / place, b"set/a.jpg").contents.root == tmp_path / root


@pytest.mark.parametrize("inside", ["", "images_largescale", "images_classic"])
def test_the_root_is_found_below_the_data_root(tmp_path: Path, inside: str) -> None:
    touch(tmp_path / "elsewhere" / "data" / inside, "set/a.jpg")
    found = listed(
        tmp_path / "lists" / "x.txt", b"set/a.jpg", data_root=tmp_path / "elsewhere" / "data"
    )
    assert found.contents.root == tmp_path / "elsewhere" / "data" / inside


def test_the_lists_own_folder_comes_before_the_data_root(tmp_path: Path) -> None:
    touch(tmp_path / "lists", "a.jpg")
    touch(tmp_path / "data", "a.jpg")
    found = listed(tmp_path / "lists" / "x.txt", b"a.jpg", data_root=tmp_path / "data")
    assert found.contents.root == tmp_path / "lists"


def test_a_root_that_is_given_comes_before_all(tmp_path: Path) -> None:
    touch(tmp_path / "lists", "a.jpg")
    touch(tmp_path / "other", "a.jpg")
    found = listed(tmp_path / "lists" / "x.txt", b"a.jpg", image_root=tmp_path / "other")
    assert found.contents.root == tmp_path / "other"


def test_the_root_is_found_if_the_first_image_is_missing(tmp_path: Path) -> None:
    touch(tmp_path, "set/b.jpg")
    found = listed(tmp_path / "lists" / "x.txt", b"set/gone.jpg", b"set/b.jpg")
    assert (found.contents.root, found.images.paths[1]) == (tmp_path, b"set/b.jpg")
    paths = [b"set/%d.jpg" % number for number in range(1000)]
    touch(tmp_path, *(one.decode() for one in paths[-20:]))
    assert listed(tmp_path / "lists" / "x.txt", *paths).contents.root == tmp_path


def test_no_root_at_all_says_what_was_looked_for_and_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        listed(tmp_path / "lists" / "x.txt", b"set/a.jpg")
    assert "its first image, 'set/a.jpg', is not below" in str(refused.value)
    assert str(tmp_path / "lists") in str(refused.value)
    assert str(refused.value).endswith("give --image-root FOLDER")


def test_a_given_root_that_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: no such folder; --image-root is"):
        listed(tmp_path / "x.txt", b"a.jpg", image_root=tmp_path / "none")


def test_missing_files_keep_their_rows_unless_all_are_missing(tmp_path: Path) -> None:
    touch(tmp_path, "b.jpg")
    found = listed(tmp_path / "x.txt", b"a.jpg", b"b.jpg", image_root=tmp_path)
    assert found.images.paths == [b"a.jpg", b"b.jpg"]
    assert [found.contents.is_there(row) for row in (0, 1)] == [False, True]
    with pytest.raises(InputError, match="none of its 2 files is below .*'a.jpg'; give --image-r"):
        listed(tmp_path / "x.txt", b"a.jpg", b"c.jpg", image_root=tmp_path)


def test_an_absolute_path_below_the_root_is_made_relative(tmp_path: Path) -> None:
    touch(tmp_path, "set/a.jpg", "set/b.jpg")
    paths = [f"{tmp_path}/set/{name}.jpg".encode() for name in "ab"]
    assert listed(tmp_path / "x.txt", *paths).images.paths == [b"set/a.jpg", b"set/b.jpg"]
    whole = listed(tmp_path / "x.txt", *paths, image_root=Path("/"))
    assert whole.images.paths == [path[1:] for path in paths]
    assert whole.contents.read(1) == b"set/b.jpg"


def test_an_absolute_path_elsewhere_says_to_give_the_root_of_all(tmp_path: Path) -> None:
    touch(tmp_path, "set/a.jpg")
    touch(tmp_path / "other", "b.jpg")
    with pytest.raises(InputError, match="line 2: .*b.jpg' is absolute and not below .*-root /"):
        listed(
            tmp_path / "set" / "x.txt",
            b"a.jpg",
            f"{tmp_path}/other/b.jpg".encode(),
        )
    with pytest.raises(InputError, match="is not below .*; give --image-root /"):
        listed(tmp_path / "set" / "x.txt", b"/nowhere/at/all.jpg")


@pytest.mark.parametrize("path", [b"", b".", b"a/../b.jpg", b"a\0.jpg", b"a/"])
def test_a_path_that_names_no_file_below_a_folder_is_refused(tmp_path: Path, path: bytes) -> None:
    touch(tmp_path, "a.jpg")
    with pytest.raises(InputError, match="line 2: .* is not an image path"):
        listed(tmp_path / "x.txt", b"a.jpg", path)


def test_a_path_of_a_megabyte_is_cut_in_the_message(tmp_path: Path) -> None:
    deep = b"x/" * 2**19
    for path in (deep + b"a.jpg", b"/" + deep + b"a.jpg", deep + b"..\0"):
        with pytest.raises(InputError) as refused:
            listed(tmp_path / "x.txt", path)
        assert len(str(refused.value)) - 4 * len(str(tmp_path)) < 400
