"""Claims about image lists: which lines are read, in which order, under which label."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.sources.listing import ImageListing, ImageSource
from oodcache.extract.sources.lists import list_lines


def listed(tmp_path: Path, text: str | bytes) -> ImageListing:
    path = tmp_path / "list.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list_lines(ImageSource("x", path, form="list"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.jpg", "with a space.jpg", "sub/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def test_the_order_is_the_lists_and_the_label_is_after_the_last_space(folder: Path) -> None:
    found = listed(folder, "b.jpg 10\n\nwith a space.jpg 9\na.jpg -1\nsub/c.jpg 10\n")
    assert found.images.paths == [b"b.jpg", b"with a space.jpg", b"a.jpg", b"sub/c.jpg"]
    assert found.images.label_names == ("9", "10")
    assert found.images.labels.tolist() == [1, 0, -1, 1]
    assert found.numbered
    assert found.origin["labels"] == "numbers"


def test_a_list_of_no_labels_has_no_numbers(folder: Path) -> None:
    found = listed(folder, "a.jpg -1\nb.jpg -1\n")
    assert (found.images.label_names, found.numbered) == ((), False)
    assert "labels" not in found.origin


def test_dos_lines_a_byte_order_mark_and_dots_are_no_part_of_a_path(folder: Path) -> None:
    found = listed(folder, b"\xef\xbb\xbfa.jpg 0\r\n./sub//c.jpg 1\r\n")
    assert found.images.paths == [b"a.jpg", b"sub/c.jpg"]


def test_a_path_that_is_not_utf8_is_read_as_it_is(folder: Path) -> None:
    (folder / "\udcff.jpg").write_bytes(b"x")
    found = listed(folder, b"\xff.jpg 0\n")
    assert found.images.paths == [b"\xff.jpg"]
    assert found.contents.read(0) == b"x"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a.jpg", "line 3: 'a.jpg' is not a path, a space and an integer"),
        ("a.jpg cat", "line 3: 'a.jpg cat' is not a path, a space and an integer"),
        ("a.jpg -2", "line 3: 'a.jpg -2' is not"),
        ("a.jpg\t1", "line 3: .* is not a path, a space"),
        (" 1", "line 3: ' 1' is not a path"),
        ("../a.jpg 1", "line 3: '../a.jpg' is not an image path"),
        ("/etc/passwd 1", "line 3: '/etc/passwd' is absolute and not below .*--image-root /"),
        ("b.jpg 2", "line 3 repeats line 1, 'b.jpg': remove one"),
        ("./b.jpg 2", "line 3 repeats line 1, 'b.jpg'"),
    ],
)
def test_a_line_that_is_none_is_refused_with_its_number(
    folder: Path, line: str, words: str
) -> None:
    with pytest.raises(InputError, match=f"list.txt: {words}"):
        listed(folder, f"b.jpg 1\n\n{line}\n")


def test_an_empty_list_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="lists no image"):
        listed(folder, "\n  \n")


def test_a_corrected_label_is_another_data_set(folder: Path) -> None:
    one, same, other = (listed(folder, f"a.jpg {label}\nb.jpg 3\n") for label in (1, 1, 2))
    assert one.fingerprint == same.fingerprint
    assert one.fingerprint != other.fingerprint


def test_lines_that_end_in_cr_alone_are_refused_in_a_short_line(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        listed(tmp_path, "\r".join(f"img/cat/{row:08d}.jpg {row % 2}" for row in range(50_000)))
    assert "line 1 has lines in it that end in \\r alone" in str(refused.value)
    assert len(str(refused.value)) - 2 * len(str(tmp_path)) < 300


def test_a_cr_in_a_path_is_part_of_it(folder: Path) -> None:
    (folder / "Icon\r.jpg").write_bytes(b"x")
    assert listed(folder, b"Icon\r.jpg 0\n").images.paths == [b"Icon\r.jpg"]
