"""Claims about folders of images: what is listed, in which order, under which label."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.sources.folders import FolderContents, list_folder
from oodcache.extract.sources.listing import ImageListing, ImageSource


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def listed(root: Path) -> ImageListing:
    return list_folder(ImageSource("x", root))


def test_rows_are_sorted_by_path_and_labelled_by_first_folder(tmp_path: Path) -> None:
    touch(tmp_path, "dog/b.jpg", "cat/z.PNG", "cat/deep/a.webp", "lone.jpg", "dog/a.JPEG")
    rows = listed(tmp_path).images
    assert list(rows.paths) == sorted(rows.paths)
    assert rows.paths[:4] == [b"cat/deep/a.webp", b"cat/z.PNG", b"dog/a.JPEG", b"dog/b.jpg"]
    assert rows.labels.tolist() == [0, 0, 1, 1, -1]
    assert list(rows.label_names) == ["cat", "dog"]


def test_other_files_are_counted_and_dot_files_are_not(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "notes.txt", "cat/b.csv", ".DS_Store", "._a.jpg", ".hidden/c.jpg")
    listing = listed(tmp_path)
    assert listing.images.paths == [b"a.jpg"]
    assert listing.others == 2


def test_a_folder_linked_into_itself_is_entered_once(tmp_path: Path) -> None:
    touch(tmp_path, "cat/a.jpg")
    (tmp_path / "cat" / "loop").symlink_to(tmp_path)
    assert listed(tmp_path).images.paths == [b"cat/a.jpg"]


def test_links_to_class_folders_are_followed(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "a.jpg")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "cat").symlink_to(tmp_path / "elsewhere")
    assert listed(tmp_path / "root").images.paths == [b"cat/a.jpg"]


def test_a_dangling_link_keeps_its_row(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to(tmp_path / "gone.jpg")
    assert listed(tmp_path).images.paths == [b"a.jpg"]


def test_names_that_are_not_utf8_or_hold_newlines_are_listed_as_they_are(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    for name in (b"\xff.jpg", b"two\nlines.jpg"):
        Path(os.fsdecode(folder + b"/" + name)).touch()
    assert listed(tmp_path).images.paths == [b"two\nlines.jpg", b"\xff.jpg"]


def test_the_fingerprint_tells_lists_apart_by_path_and_size_alone(tmp_path: Path) -> None:
    first = listed(touch(tmp_path / "a", "cat/x.jpg", "cat/y.jpg")).fingerprint
    copied = listed(touch(tmp_path / "b", "cat/x.jpg", "cat/y.jpg")).fingerprint
    assert first == copied
    assert listed(touch(tmp_path / "b", "cat/z.jpg")).fingerprint != first
    (tmp_path / "a" / "cat" / "x.jpg").write_bytes(b"longer than it was")
    assert listed(tmp_path / "a").fingerprint != first


def test_a_folder_without_images_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    touch(tmp_path, "a.txt", "b.txt")
    with pytest.raises(InputError, match=r"contains no images \(2 other files\)"):
        listed(tmp_path)


def test_a_pipe_or_a_folder_under_an_images_name_is_refused_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").mkdir()
    contents = FolderContents(tmp_path, [b"a.jpg", b"b.jpg", b"gone.jpg"])
    for row in (0, 1):
        with pytest.raises((ValueError, OSError), match="not a regular file|[Ii]s a directory"):
            contents.read(row)
    assert [contents.is_there(row) for row in range(3)] == [True, True, False]
