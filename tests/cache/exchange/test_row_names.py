"""Claims about the paths and labels of another program's rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.exchange import row_names
from oodcache.cache.format import rules


@pytest.fixture
def text(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        (tmp_path / "x.txt").write_bytes(content)
        return tmp_path / "x.txt"

    return write


Text = Callable[[bytes], Path]


def test_lines_end_as_on_any_system_and_stay_bytes(text: Text) -> None:
    assert row_names.lines(text(b"a\r\n\xff b\nc")) == [b"a", b"\xff b", b"c"]
    assert row_names.lines(text(b"\xef\xbb\xbfa\n\nc\n")) == [b"a", b"", b"c"]


def test_generated_paths_obey_the_rules() -> None:
    paths = row_names.generated(3)
    assert paths == [b"row-00000000", b"row-00000001", b"row-00000002"]
    rules.check_paths(Path("x"), paths)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([b"a/1", b"b/1"], [b"a/1", b"b/1"]),
        ([b"/data/x/a/1", b"/data/x/b/2"], [b"a/1", b"b/2"]),
        ([b"/data/x1/1", b"/data/x2/1"], [b"x1/1", b"x2/1"]),
        ([b"/data/a", b"/data/a.d/b", b"/data/b"], [b"a", b"a.d/b", b"b"]),
        ([b"/data//x/./1", b"/data/x/2"], [b"1", b"2"]),
        ([b"/1", b"/x/2"], [b"1", b"x/2"]),
        ([b"/data/only"], [b"only"]),
        ([b"/d/\xff/1", b"/d/\xff/2"], [b"1", b"2"]),
    ],
)
def test_absolute_paths_lose_the_folder_that_all_are_in(
    given: list[bytes], expected: list[bytes]
) -> None:
    found = row_names.relative("p.txt", given)
    assert found == expected
    rules.check_paths(Path("x"), found)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([b"a", b"/b"], "p.txt: mixes absolute and relative paths: see lines 1 and 2"),
        ([b"/a/1", b"/a/2", b"b"], "p.txt: mixes absolute and relative paths: see lines 1 and 3"),
        ([b"a", b"../b"], "p.txt: line 2: b'../b' is not below one folder"),
        ([b"/a/x", b"/a/../b"], "p.txt: line 2: b'../b' is not below one folder"),
        ([b"a", b""], "p.txt: line 2: is blank; expected a path"),
        ([b"a\0"], "p.txt: line 1: b'a\\x00' is not below"),
        ([b"a", b"b", b"a"], "p.txt: line 3 repeats line 1, b'a'"),
        ([b"/d/a", b"/d//a"], "p.txt: line 2 repeats line 1, b'a'"),
    ],
)
def test_paths_that_a_file_could_not_hold_are_refused_by_line(
    given: list[bytes], words: str
) -> None:
    with pytest.raises(InputError) as refused:
        row_names.relative("p.txt", given)
    assert str(refused.value).startswith(words)


def by_name(labels: row_names.Labels) -> list[str | None]:
    """Return each row's label name, as a reader of the file finds it."""
    return [labels.names[label] if label >= 0 else None for label in labels.label.tolist()]


def test_a_number_is_its_own_name_unless_it_has_one() -> None:
    numbers = np.array([7, -1, 3, 7])
    assert by_name(row_names.numbered("l.npy", numbers, None)) == ["7", None, "3", "7"]
    names = [f"class {place}" for place in range(8)]
    named = row_names.numbered("l.npy", numbers, names)
    assert by_name(named) == ["class 7", None, "class 3", "class 7"]
    assert named.names == tuple(names)


def test_a_huge_number_takes_no_memory() -> None:
    assert by_name(row_names.numbered("l", np.array([10**15, 2]), None)) == [str(10**15), "2"]
    assert by_name(row_names.numbered("l", np.array([5, 2], np.uint8), None)) == ["5", "2"]


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (np.array([0.0]), "l: labels are float64 of shape (1,), not integers (rows,)"),
        (np.array([[0]]), "l: labels are int64 of shape (1, 1), not integers (rows,)"),
        (np.array([True]), "l: labels are bool of shape (1,), not integers (rows,)"),
        (np.array([0, -2]), "l: label -2 is below -1, which means no label"),
        (np.array([0, 2]), "l: label 2 has no name among 2 --label-names, which count from 0"),
    ],
)
def test_what_is_no_label_is_refused(numbers: Any, words: str) -> None:
    with pytest.raises(InputError) as refused:
        row_names.numbered("l", numbers, ["a", "b"])
    assert str(refused.value) == words


def test_a_text_file_of_numbers_is_one_of_labels(text: Text) -> None:
    path = text(b"3\n-1\n\n12\n")
    assert by_name(row_names.label_lines(path, None)) == ["3", None, None, "12"]
    assert by_name(row_names.label_lines(path, [f"n{i}" for i in range(13)]))[0] == "n3"


def test_a_text_file_of_names_is_one_of_names(text: Text) -> None:
    path = text(b"dog\n\ncat\n07\n")
    labels = row_names.label_lines(path, None)
    assert by_name(labels) == ["dog", None, "cat", "07"]
    assert labels.names == ("07", "cat", "dog")
    with pytest.raises(InputError, match="so --label-names has nothing to name"):
        row_names.label_lines(path, ["x"])


def test_names_are_text_and_none_is_blank(text: Text) -> None:
    assert row_names.names(text("größer\nb\r\n".encode())) == ("größer", "b")
    for content, words in (
        (b"a\n\nb", "line 2 is blank"),
        (b"a\n\xff", "line 2 is not UTF-8"),
        (b"a\rb\n", "line 1 contains"),
    ):
        with pytest.raises(InputError, match=words):
            row_names.names(text(content))


def test_utf16_is_refused_for_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("a.jpg 0\n", "utf-16")
    with pytest.raises(InputError, match="is UTF-16 text; save it as UTF-8"):
        row_names.lines(tmp_path / "b.txt")


def test_a_missing_mark_among_class_numbers_is_refused_with_its_line(
    text: Callable[[bytes], Path],
) -> None:
    with pytest.raises(InputError, match="x.txt: line 2: 'NA' is not a number; leave a missing"):
        row_names.label_lines(text(b"0\nNA\n12\n"), None)
    assert row_names.label_lines(text(b"cat\nNA\n"), None).names == ("NA", "cat")
