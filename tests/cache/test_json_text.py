"""Claims about JSON from untrusted files; other readers' tests break more of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oodcache.cache.json_text import DEEPEST, parse_json, read_limited, read_object


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[NaN]", "it contains NaN, which is not JSON"),
        ("[1e999]", "Out of range float"),
        ('{"a": 1, "a": 2}', "it has a duplicate key"),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nested deeper than 16 levels"),
        ("[" * 100_000, "nested deeper than 16 levels"),
        (r'"\ud800"', "surrogates not allowed"),
    ],
)
def test_what_others_read_otherwise_or_not_at_all_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_json(text)


def test_no_more_than_a_byte_too_many_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"12345")
    assert [read_limited(path, most) for most in (3, 4, 5)] == [b"1234", b"12345", b"12345"]


def test_what_is_not_a_file_or_cannot_be_read_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("", "pipe"):
        with pytest.raises(ValueError, match=r"^is not a file$"):
            read_limited(tmp_path / name, 9)
    with pytest.raises(ValueError, match=r"^cannot be read: No such file or directory$"):
        read_limited(tmp_path / "none", 9)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[1]", "^it contains a list, expected an object$"),
        (b"{", "Expecting property name"),
        (b"\xff\xfe{", "'utf-8' codec"),
        (b"[" * 17 + b"]" * 17, "nested deeper than 16 levels"),
        (b" " * 100, "^it has more than 99 bytes$"),
    ],
)
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_object(path, 99) == {"a": 1}
    path.write_bytes(content)
    with pytest.raises(ValueError, match=says):
        read_object(path, 99)
