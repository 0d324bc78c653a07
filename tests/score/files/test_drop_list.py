"""Claims about lists of images to drop: which rows a line names, and which lines are errors."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.score.files.drop_list import DropList

PATHS = {
    "pets": [b"cat/1.png", b"cat/2.png", b"dog/1.png", b"same.png"],
    "strays": [b"1.png", b"same.png", b"caf\xe9.png", b"a:b.png"],
}


def rows(tmp_path: Path, content: bytes, paths: dict[str, list[bytes]] = PATHS) -> object:
    file = tmp_path / "drop.txt"
    file.write_bytes(content)
    return DropList.read(file).rows(paths)


def test_a_line_is_a_path_as_in_the_cache(tmp_path: Path) -> None:
    assert rows(tmp_path, b"cat/2.png\n1.png\n") == {"pets": {1}, "strays": {0}}


def test_a_path_of_several_sets_needs_its_dataset(tmp_path: Path) -> None:
    assert rows(tmp_path, b"strays:same.png\n") == {"pets": set(), "strays": {1}}
    with pytest.raises(InputError) as raised:
        rows(tmp_path, b"1.png\nsame.png\n")
    assert str(raised.value) == (
        f"{tmp_path / 'drop.txt'}: line 2: 'same.png' is in 'pets', 'strays'; write DATASET:PATH, "
        "such as pets:same.png"
    )


def test_a_path_may_have_a_colon_or_a_space(tmp_path: Path) -> None:
    assert rows(tmp_path, b"a:b.png\n") == {"pets": set(), "strays": {3}}
    assert rows(tmp_path, b"strays:a:b.png\n") == {"pets": set(), "strays": {3}}
    spaced = {"pets": [b" 1.png", b"1.png"]}
    assert rows(tmp_path, b" 1.png\n", spaced) == {"pets": {0}}


def test_bytes_that_are_no_utf_8_are_written_as_in_saved_scores(tmp_path: Path) -> None:
    assert rows(tmp_path, rb"caf\xe9.png") == {"pets": set(), "strays": {2}}


def test_blank_lines_windows_line_ends_and_repeated_lines_are_allowed(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf1.png\r\n\r\n1.png\r\n"
    assert rows(tmp_path, content) == {"pets": set(), "strays": {0}}


def test_a_comment_names_no_image_and_a_path_like_one_has_its_dataset(tmp_path: Path) -> None:
    paths = {"pets": [b"#1.png", b"1.png", b"a#b.png"]}
    assert rows(tmp_path, b"# copies\n\n#1.png\n1.png\n", paths) == {"pets": {1}}
    assert rows(tmp_path, b"pets:#1.png\na#b.png\n", paths) == {"pets": {0, 2}}
    with pytest.raises(InputError, match="lists no image"):
        rows(tmp_path, b"# nothing yet\n")


def test_all_rows_with_a_path_are_dropped(tmp_path: Path) -> None:
    assert rows(tmp_path, b"x.png\n", {"pets": [b"x.png", b"y.png", b"x.png"]}) == {"pets": {0, 2}}


@pytest.mark.parametrize("line", ["none.png", "dogs:1.png", "pets:1.png", "1.PNG", "cat", "pets:#"])
def test_a_line_that_is_in_no_set_is_an_error_with_its_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError) as raised:
        rows(tmp_path, f"1.png\n\n{line}\n".encode())
    assert str(raised.value) == (
        f"{tmp_path / 'drop.txt'}: line 3: '{line}' is in no set of this run ('pets', 'strays'); "
        "write a path as in the column path of --save-scores FILE.csv, or DATASET:PATH"
    )


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf\r\n"])
def test_a_list_of_nothing_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"drop\.txt: lists no image; write one path per line"):
        rows(tmp_path, content)


def test_a_list_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none.txt: No such file or directory; a list of images"):
        DropList.read(tmp_path / "none.txt")
    with pytest.raises(InputError, match=r"drop\.txt: is not UTF-8 text"):
        rows(tmp_path, b"caf\xe9.png\n")


def test_the_sha256_is_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "drop.txt").write_bytes(b"1.png\n")
    found = DropList.read(tmp_path / "drop.txt")
    assert found.sha256 == hashlib.sha256(b"1.png\n").hexdigest()


def test_a_pipe_is_an_error_since_it_can_be_read_only_once(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(InputError, match="is a pipe, which is read only once; save the list"):
            DropList.read(Path(f"/dev/fd/{reading}"))
    finally:
        os.close(reading)
        os.close(writing)
