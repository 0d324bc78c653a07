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
    assert listing.left_out.counts == {
        **{".txt": 1, ".csv": 1, "._ file": 1},
        "hidden folder of images": 1,
    }


def test_thumbnails_of_a_nas_are_left_out_and_counted(tmp_path: Path) -> None:
    touch(tmp_path, "cat/a.jpg", "cat/@eaDir/a.jpg/THUMB_XL.jpg", "@eaDir/b.jpg", ".git/config")
    listing = listed(tmp_path)
    assert listing.images.paths == [b"cat/a.jpg"]
    assert listing.left_out.note == "left out: 2 @eaDir folders"


def test_files_without_an_extension_are_images_by_their_content(tmp_path: Path) -> None:
    touch(tmp_path, "README", "b/a.txt")
    for name in ("0a1b", "frame.0001", "a.jpg?w=300", "a.txt"):
        (tmp_path / name).write_bytes(b"\xff\xd8\xff\xe0 and more")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to("nowhere")
    listing = listed(tmp_path)
    assert listing.images.paths == [b"0a1b", b"a.jpg?w=300", b"frame.0001"]
    assert listing.left_out.counts == {".txt": 2, "extensionless file": 3}


def test_a_link_to_itself_keeps_its_row(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "one.jpg").symlink_to("other.jpg")
    (tmp_path / "other.jpg").symlink_to("one.jpg")
    listing = listed(tmp_path)
    assert listing.images.paths == [b"a.jpg", b"loop.jpg", b"one.jpg", b"other.jpg"]
    with pytest.raises(OSError, match="symbolic links"):
        listing.contents.read(1)


def test_archives_alone_are_refused_with_what_to_type(tmp_path: Path) -> None:
    for names, words in (
        (["train/0.tar", "train/1.TAR"], "holds 2 tars, in {0}/train: give x={0}/train$"),
        (["0.tar.gz"], r"holds 1 compressed tar: decompress it \(gzip -d\)$"),
        (["0.tgz", "1.tar.gz"], r"holds 2 compressed tars: decompress it \(gzip -d\)$"),
        (["0.tar.zst"], r"holds 1 compressed tar: decompress it \(zstd -d\)$"),
        (["deep/a.zip"], r"holds 1 \.zip: unpack it \(unzip\)$"),
    ):
        root = touch(tmp_path / names[0].replace("/", "-"), *names)
        with pytest.raises(InputError, match=words.format(root)):
            listed(root)


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
    with pytest.raises(InputError, match=r"contains no images \(left out: 2 \.txt\)"):
        listed(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"contains no images \(no visible files\)"):
        listed(tmp_path / "empty")


def test_a_pipe_or_a_folder_under_an_images_name_is_refused_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").mkdir()
    contents = FolderContents(tmp_path, [b"a.jpg", b"b.jpg", b"gone.jpg"])
    for row in (0, 1):
        with pytest.raises((ValueError, OSError), match="not a regular file|[Ii]s a directory"):
            contents.read(row)
    assert [contents.is_there(row) for row in range(3)] == [True, True, False]
