"""Claims about decisions: every image keeps its place, and each batch is written at once."""

from __future__ import annotations

import errno
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from samples.detect.detectors import made

from oodcache.cache.errors import InputError
from oodcache.detect.decisions import Decision, decide, sink


def test_images_without_a_vector_keep_their_place() -> None:
    one = made()
    alone = decide(one.detector, one.images[:3], {}, [b"a", b"b", b"c"])
    vectors = np.concatenate([one.images[:1], np.zeros((1, 8), np.float32), one.images[1:3]])
    found = decide(one.detector, vectors, {1: "broken"}, [b"a", b"x", b"b", b"c"])
    assert found == [alone[0], Decision("x", error="broken"), *alone[1:]]
    assert decide(one.detector, vectors[:0], {}, []) == []


def test_stdout_has_each_batch_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Raw(io.RawIOBase):
        content = b""

        def writable(self) -> bool:
            return True

        def write(self, some: object) -> int:
            assert isinstance(some, memoryview)
            self.content += bytes(some)
            return len(some)

    raw = Raw()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(raw)))
    with sink(None) as write:
        write("a\udcff\n")
        assert raw.content == b"a\xff\n"


def test_a_full_disk_names_the_file_though_closing_fails_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, some: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda path, mode: io.BufferedWriter(Full()))
    words = r"x\.csv: cannot be written: No space left on device"
    with pytest.raises(InputError, match=words), sink(tmp_path / "x.csv") as write:
        write("a")


def test_a_file_is_there_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.csv"
    with pytest.raises(KeyError), sink(path) as write:
        write("a")
        raise KeyError
    assert list((tmp_path / "new").iterdir()) == []
    with sink(path) as write:
        write("a\udcff")
        assert not path.exists()
    assert path.read_bytes() == b"a\xff"
