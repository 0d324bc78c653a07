"""Claims about delimited text: what a row is, and which files are no CSV or TSV."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.exchange.delimited import rows


def written(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("t.csv", "a,b\n1,2\n", [(1, ["a", "b"]), (2, ["1", "2"])]),
        ("t.TSV", "a\tb,c\r\n", [(1, ["a", "b,c"])]),
        ("t.csv", '"two\nlines",1\n\nx,2', [(1, ["two\nlines", "1"]), (3, []), (4, ["x", "2"])]),
        ("t.csv", "\ufeffa\n", [(1, ["a"])]),
        ("t.csv", b"\xff\n", [(1, ["\udcff"])]),
        ("t.csv", 'a "b" c,"d ""e"""\n', [(1, ['a "b" c', 'd "e"'])]),
    ],
)
def test_each_row_comes_with_the_number_of_its_first_line(
    tmp_path: Path, name: str, text: str | bytes, found: list[tuple[int, list[str]]]
) -> None:
    assert list(rows(written(tmp_path, text, name))) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\n".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        ('a\n"b', "line 2: not CSV: unexpected end of data"),
        ('a,b\n"x", "y, z"\n', "line 2: ' \"y' has a blank before its quote; remove the blank"),
        ('a\n"b"c\n', "line 2: not CSV: ',' expected after '\"'"),
    ],
)
def test_text_that_is_not_csv_is_refused_with_its_line(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    with pytest.raises(InputError, match=rf"t\.csv: {words}"):
        list(rows(written(tmp_path, text)))


def test_a_device_or_a_named_pipe_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("zero.csv", "pipe.csv"):
        with pytest.raises(InputError, match="is a device or a named pipe; expected a file"):
            list(rows(tmp_path / name))
