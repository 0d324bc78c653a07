"""Claims about untrusted TOML."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.toml_text import read_toml


def test_a_file_is_read_as_toml(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('a = ["x"]\n[b]\nc = 1\n')
    assert read_toml(path, "a protocol") == {"a": ["x"], "b": {"c": 1}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = ", "not TOML: Invalid value"),
        (b"a = '\xff'", "not TOML: 'utf-8' codec"),
        (b"a" + b".a" * 100 + b" = 1", "not TOML: a key has more than 64 parts"),
        (b"a = " + b"[" * 10_000, "not TOML: "),
        (b"#" * (2**20 + 1), "larger than 1,048,576 bytes, too large for a protocol"),
    ],
    ids=["cut", "bytes", "dotted", "nested", "large"],
)
def test_what_is_no_toml_is_an_error_of_one_line(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_toml(path, "a protocol")
    assert str(caught.value).startswith(f"{path}: {words}")
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_pipe_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_toml(tmp_path / "none.toml", "a protocol")
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(InputError, match="named pipe"):
        read_toml(tmp_path / "pipe.toml", "a protocol")
