"""Claims about subsets of classes, known and from files, and about the lines of such files."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.cache import subsets, text
from oodcache.cache.errors import InputError
from oodcache.cache.text import read_lines

# Every character that str.splitlines takes for the end of a line, except \n and \r.
INSIDE = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.mark.parametrize(
    ("name", "classes"), [("imagenet10", 10), ("imagenet20", 20), ("imagenet100", 100)]
)
def test_a_known_subset_has_as_many_distinct_ids_as_it_says(name: str, classes: int) -> None:
    found = subsets.known(name)
    assert len(set(found.ids)) == len(found.names) == classes
    assert all(one[0] == "n" and len(one) == 9 and one[1:].isdigit() for one in found.ids)


def test_two_of_them_share_two_classes_and_the_smallest_none() -> None:
    ten, twenty, hundred = (set(subsets.known(name).ids) for name in subsets.NAMES)
    assert twenty & hundred == {"n04147183", "n01632458"}
    assert not ten & (twenty | hundred)


def test_a_name_without_a_colon_is_a_whole_data_set() -> None:
    assert subsets.split("SUN") == ("SUN", None)


def test_a_file_lists_classes_with_comments_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("\ufeffn2 # two\n\n# nothing\n  n1\r\n", encoding="utf-8")
    name, found = subsets.split(f"val:@{path}")
    assert found is not None
    assert (name, found.ids, found.names) == ("val", ("n2", "n1"), ("", ""))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\nb\na # again\n", "line 3 repeats line 1, 'a'"),
        (b"# none\n", "contains no classes; write one id or label name per line"),
        (b"\xff\n", "is not UTF-8 text (byte 0)"),
    ],
)
def test_a_file_that_is_no_list_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "ids.txt"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        subsets.read(path)
    assert str(error.value) == f"{path}: {words}"


def test_a_missing_file_or_unknown_subset_is_told_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none.txt: No such file or directory; a subset is"):
        subsets.split(f"val:@{tmp_path / 'none.txt'}")
    with pytest.raises(InputError) as error:
        subsets.split("val:imagenet30")
    assert str(error.value) == (
        "'val:imagenet30': no subset 'imagenet30' (there are: imagenet10, imagenet20, "
        "imagenet100); or list ids or label names in a file, one per line: val:@FILE"
    )


def test_a_file_that_never_ends_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="^/dev/zero: is a device or a named pipe; expected a fi"):
        subsets.read(Path("/dev/zero"))
    monkeypatch.setattr(text, "LARGEST", 3)
    (tmp_path / "long").write_text("word")
    with pytest.raises(InputError, match="long: larger than 3 bytes, too large for a list"):
        subsets.read(tmp_path / "long")


def written(folder: Path, content: bytes) -> Path:
    path = folder / "names.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("inside", INSIDE)
def test_only_line_feeds_end_lines(tmp_path: Path, inside: str) -> None:
    text = f"red{inside}fox\r\ncat\n"
    assert read_lines(written(tmp_path, text.encode())) == [f"red{inside}fox", "cat"]


def test_blank_lines_at_the_end_are_dropped_and_others_kept(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbfcat\n\n dog\n\n \t\r\n")
    assert read_lines(path) == ["cat", "", " dog"]
    assert read_lines(written(tmp_path, b"\n \n")) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"cat\rdog\r", r"line 1 contains \r without \n"),
        (b"cat\r\ndog\rfox\r\n", r"line 2 contains \r without \n"),
        ("cat\n".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        ("cat\n".encode("utf-16-le"), "is UTF-16 text; save it as UTF-8"),
        ("cat\n".encode("utf-16-be"), "is UTF-16 text; save it as UTF-8"),
        (b"a\n\xff\n", "is not UTF-8 text (byte 2)"),
    ],
)
def test_other_line_ends_and_encodings_are_rejected(
    tmp_path: Path, content: bytes, words: str
) -> None:
    with pytest.raises(InputError) as error:
        read_lines(written(tmp_path, content))
    assert words in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "names.txt"))
