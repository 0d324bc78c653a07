"""Claims about images in tars: what a sample is, its label, its key, and how a row is read."""

from __future__ import annotations

import json
import multiprocessing
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from samples.extract.tars import member, write_tar

from oodcache.cache.errors import InputError
from oodcache.extract.sources.folders import list_folder
from oodcache.extract.sources.listing import ImageListing, ImageSource
from oodcache.extract.sources.tars import AT_ONCE, list_tars

Files = tuple[str, bytes | str] | tarfile.TarInfo


def listed(*tars: Path) -> ImageListing:
    return list_tars(ImageSource("x", tars[0].parent, form="tars", tars=tars))


def of(folder: Path, *files: Files) -> ImageListing:
    return listed(write_tar(folder / "x.tar", *files))


def labels(found: ImageListing) -> list[str | None]:
    names = [*found.images.label_names, None]
    return [names[label] for label in found.images.labels.tolist()]


def test_a_folder_and_a_tar_of_it_hold_the_same_images(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("dog/b.jpg", "cat/a.PNG", "lone.jpg", "notes.txt", ".hidden.jpg", "cat/._a.PNG"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(root, "./")
    folder, found = list_folder(ImageSource("x", root)), listed(tmp_path / "x.tar")
    assert set(found.images.paths) == set(folder.images.paths)
    assert dict(zip(found.images.paths, labels(found), strict=True)) == dict(
        zip(folder.images.paths, labels(folder), strict=True)
    )
    assert (found.left_out, found.numbered) == (folder.left_out, False)
    for row, path in enumerate(found.images.paths):
        assert found.contents.read(row) == path
        assert found.contents.is_there(row)


def test_rows_are_in_the_order_of_the_tars(tmp_path: Path) -> None:
    tars = [
        write_tar(tmp_path / f"{name}.tar", (f"{name}2.jpg", name), (f"{name}1.jpg", name))
        for name in "ba"
    ]
    found = listed(*tars)
    assert found.images.paths == [b"b2.jpg", b"b1.jpg", b"a2.jpg", b"a1.jpg"]
    assert [found.contents.read(row) for row in range(4)] == [b"b", b"b", b"a", b"a"]


def test_labels_that_are_all_integers_are_numbers(tmp_path: Path) -> None:
    numbers = of(tmp_path, ("a.jpg", b"x"), ("a.cls", "20\n"), ("b.cls", "3"), ("b.png", b"x"))
    assert (labels(numbers), numbers.images.label_names) == (["20", "3"], ("3", "20"))
    assert (numbers.numbered, numbers.origin["labels"]) == (True, "numbers")
    names = of(tmp_path, ("a.jpg", b"x"), ("a.cls", "cat"), ("b.cls", "3"), ("b.png", b"x"))
    assert (labels(names), names.numbered) == (["cat", "3"], False)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ({"label": 7}, "7"),
        ({"label": "cat"}, "cat"),
        ({"class": "dog", "x": [1]}, "dog"),
        ({"cls": 3, "class": 4}, "3"),
        ({"label": 1, "cls": 2}, "1"),
        ({"label": None}, None),
        ({"label": -1}, None),
        ({"caption": "a cat", "similarity": float("nan")}, None),
    ],
)
def test_a_json_says_a_label_under_one_of_three_keys(
    tmp_path: Path, value: object, label: str | None
) -> None:
    other = [("z.jpg", b"x"), ("z.cls", "0")]
    found = of(tmp_path, ("a.jpg", b"x"), ("a.json", json.dumps(value)), *other)
    assert labels(found) == [label, "0"]


def test_a_cls_goes_before_a_json(tmp_path: Path) -> None:
    found = of(tmp_path, ("a.json", '{"label": 2}'), ("a.jpg", b"x"), ("a.cls", "1"))
    assert labels(found) == ["1"]


def test_one_label_among_the_samples_makes_folders_no_labels(tmp_path: Path) -> None:
    found = of(tmp_path, ("cat/a.jpg", b"x"), ("cat/a.cls", "5"), ("dog/b.jpg", b"x"))
    assert labels(found) == ["5", None]
    assert found.notes == (
        "images without a label: 1 have neither a .cls nor a .json with a label",
    )


def test_the_key_ends_at_the_first_dot_of_the_base_name(tmp_path: Path) -> None:
    found = of(tmp_path, ("v1.0/a.seg.png", b"x"), ("v1.0/a.cls", "5"), ("v1.0/b.jpg", b"x"))
    assert found.images.paths == [b"v1.0/a.seg.png", b"v1.0/b.jpg"]
    assert labels(found) == ["5", None]


def test_what_is_no_image_is_counted_or_said(tmp_path: Path) -> None:
    link = member("link.jpg", kind=tarfile.SYMTYPE)
    link.linkname = "/etc/passwd"
    found = of(
        tmp_path,
        *(("a.jpg", b"x"), ("a.txt", "a cat"), ("b.cls", "3"), ("README", "x"), link),
        (".DS_Store", "x"),
    )
    assert found.images.paths == [b"a.jpg"]
    assert found.left_out.counts == {".txt": 1, "extensionless file": 1, "link": 1}
    assert found.left_out.note.endswith(
        " (links are not followed: make the tar with --dereference)"
    )
    assert found.notes == ("samples without an image, skipped: 1",)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("a.jpg", "x"), ("a.png", "x")], "x.tar: 'a.jpg' and 'a.png' belong to one sample, 'a'"),
        ([("a.jpg", "x"), ("a.jpg", "x")], "x.tar: 'a.jpg' and 'a.jpg' belong to one sample"),
        ([("a.jpg", "x"), ("b.jpg", ""), ("a.cls", "1")], "key 'a' at byte 2,048 repeats the key"),
        ([("a.cls", "1"), ("a.jpg", "x"), ("a.cls", "2")], "x.tar: 'a.cls' occurs twice"),
        ([("a.txt", "x")], r"its tars contain no images \(left out: 1 \.txt\)"),
        ([], r"its tars contain no images \(they are empty\)"),
        ([("a.jpg", "x"), ("a.cls", b"\xff")], "'a.cls': is not UTF-8 text"),
        ([("a.jpg", "x"), ("a.json", "{")], "'a.json': is not valid JSON"),
        ([("a.jpg", "x"), ("a.json", "[" * 10**5)], "'a.json': is not valid JSON"),
        ([("a.jpg", "x"), ("a.json", "[1]")], "'a.json': is not a JSON object"),
        (
            [("a.jpg", "x"), ("a.json", '{"label": true}')],
            "its label is neither an integer nor a text",
        ),
        (
            [("a.jpg", "x"), ("a.json", '{"label": 1.5}')],
            "its label is neither an integer nor a text",
        ),
        ([("a.jpg", "x"), ("a.cls", "1.0")], "x.tar: 'a.jpg': label '1.0' is not an integer"),
        (
            [("a.jpg", "x"), ("a.cls", "x" * (2**20 + 1))],
            "'a.cls': 1,048,577 bytes; the limit for a label",
        ),
    ],
)
def test_a_tar_that_cannot_be_understood_is_refused(
    tmp_path: Path, files: list[Files], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        of(tmp_path, *files)


def test_a_key_in_two_tars_is_refused_with_both_places(tmp_path: Path) -> None:
    one = write_tar(tmp_path / "one.tar", ("z.jpg", b"x"), ("a.jpg", b"x"))
    two = write_tar(tmp_path / "two.tar", ("a.png", b"x"))
    with pytest.raises(InputError) as refused:
        listed(one, two)
    assert f"{two}: key 'a' at byte 512 repeats the key of a sample in {one} at byte 1,536" in str(
        refused.value
    )


def test_a_corrected_label_is_another_data_set(tmp_path: Path) -> None:
    found = [of(tmp_path, ("a.jpg", b"x"), ("a.cls", label)).fingerprint for label in "112"]
    assert found[0] == found[1] != found[2]
    as_name = of(tmp_path, ("a.jpg", b"x"), ("a.cls", "01")).fingerprint
    assert as_name not in found


def test_a_tar_that_has_changed_gives_errors_and_no_other_bytes(tmp_path: Path) -> None:
    found = of(tmp_path, ("a.jpg", b"one"), ("b.jpg", b"two"))
    assert found.contents.read(1) == b"two"
    with (tmp_path / "x.tar").open("ab") as file:
        file.write(bytes(512))
    with pytest.raises(ValueError, match="its tar has 10,752 bytes, but had 10,240 when it was"):
        found.contents.read(1)
    assert not found.contents.is_there(1)
    (tmp_path / "x.tar").unlink()
    assert not found.contents.is_there(0)
    fresh = of(tmp_path, ("a.jpg", b"one"))
    (tmp_path / "x.tar").unlink()
    with pytest.raises(FileNotFoundError):
        fresh.contents.read(0)


def test_a_hard_link_is_read_through_its_target(tmp_path: Path) -> None:
    links = [member(name, kind=tarfile.LNKTYPE) for name in ("cat/b.jpg", "cat/c.jpg", "d.jpg")]
    for link, target in zip(links, ("./cat/a.jpg", "cat/b.jpg", "nowhere.jpg"), strict=True):
        link.linkname = target
    found = of(tmp_path, ("cat/a.jpg", b"one"), ("z.jpg", b"two"), *links)
    assert found.images.paths == [b"cat/a.jpg", b"z.jpg", b"cat/b.jpg", b"cat/c.jpg"]
    assert [found.contents.read(row) for row in range(4)] == [b"one", b"two", b"one", b"one"]
    assert found.left_out.note.startswith("left out: 1 link (links are not followed: ")


def test_thumbnails_and_copies_are_left_out_and_counted(tmp_path: Path) -> None:
    names = ["a.jpg", "._a.jpg", "__MACOSX/cat/b.jpg", "@eaDir/c.jpg", ".DS_Store"]
    found = of(tmp_path, *((name, b"x") for name in names))
    assert found.images.paths == [b"a.jpg"]
    assert found.left_out.note == "left out: 1 ._ file, 1 @eaDir file, 1 __MACOSX file"


def test_members_without_an_extension_are_images_by_their_content(tmp_path: Path) -> None:
    found = of(tmp_path, ("a", b"\xff\xd8\xff\xe0"), ("a.cls", "3"), ("b", b""), ("c.avif", b"x"))
    assert found.images.paths == [b"a", b"c.avif"]
    assert labels(found) == ["3", None]


def test_a_process_that_gets_a_copy_opens_its_tars_itself(tmp_path: Path) -> None:
    found = of(tmp_path, ("a.jpg", b"one"), ("b.jpg", b"two"))
    assert found.contents.read(1) == b"two"
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(found.contents.read, [0, 1]) == [b"one", b"two"]


def many(tmp_path: Path) -> ImageListing:
    return listed(
        *(
            write_tar(
                tmp_path / f"{tar:02d}.tar",
                *((f"{tar}-{row}.jpg", f"{tar} {row} " * 50) for row in range(5)),
            )
            for tar in range(2 * AT_ONCE)
        )
    )


def expected(found: ImageListing, row: int) -> bytes:
    tar, place = found.images.paths[row].removesuffix(b".jpg").split(b"-")
    return b"%s %s " % (tar, place) * 50


def test_few_tars_are_open_at_once(tmp_path: Path) -> None:
    found = many(tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for row in range(found.rows):
        assert found.contents.read(row) == expected(found, row)
    assert len(list(Path("/proc/self/fd").iterdir())) - before <= AT_ONCE


def test_threads_and_forks_read_at_once_without_a_position_in_common(tmp_path: Path) -> None:
    found = many(tmp_path)
    rows = list(range(found.rows)) * 3

    def fine() -> bool:
        with ThreadPoolExecutor(8) as pool:
            read = list(pool.map(found.contents.read, rows))
        return read == [expected(found, row) for row in rows]

    found.contents.read(0)
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            os._exit(0 if fine() else 1)
        children.append(child)
    assert fine()
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]


def test_a_tar_that_is_a_pipe_is_refused_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.tar")
    with pytest.raises(InputError, match="x.tar: is not a file, so not a tar"):
        listed(tmp_path / "x.tar")


def test_a_missing_tar_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none.tar: cannot be read: No such file"):
        listed(tmp_path / "none.tar")
