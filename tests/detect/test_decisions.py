"""Claims about how decisions are written: a script can read back every path, whatever it is."""

from __future__ import annotations

import csv
import errno
import io
import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from samples.detect.detectors import made

from oodcache.cache.errors import InputError
from oodcache.detect.decisions import COLUMNS, FORMATS, HEADS, Decision, decide, sink

PATHS = [b"a b/\xff\xfe.png", b"line\nbreak\t.png", 'quote"s,ünï.png'.encode(), b"\x1b[2J.png"]
IN = [Decision(os.fsdecode(path), True, 0.5, 0.25, "cat", 0.125) for path in PATHS]
OTHERS = [
    Decision("x.png", False, -math.inf, 1 / 61, "tab\tname\n", 1e-300),
    Decision("y.png", error="OSError: broken"),
    Decision(None, True, 1.0, 1.0, "cat", 1.0),
]


def test_text_is_a_line_each_with_the_path_last_and_escaped() -> None:
    lines = FORMATS["text"]([*IN, *OTHERS]).splitlines()
    assert lines == [
        "in\t0.5\t0.25\tcat\t0.125\ta b/\\udcff\\udcfe.png",
        "in\t0.5\t0.25\tcat\t0.125\tline\\nbreak\\t.png",
        'in\t0.5\t0.25\tcat\t0.125\tquote"s,ünï.png',
        "in\t0.5\t0.25\tcat\t0.125\t\\x1b[2J.png",
        "out\t-inf\t0.0163934\ttab\\tname\\n\t1e-300\tx.png",
        "error\t-\t-\tOSError: broken\t-\ty.png",
        "in\t1\t1\tcat\t1\t",
    ]


def test_csv_gives_every_byte_and_digit_back() -> None:
    text = HEADS["csv"] + FORMATS["csv"]([*IN, *OTHERS])
    stored = text.encode(errors="surrogateescape")
    rows = list(csv.DictReader(io.StringIO(stored.decode(errors="surrogateescape"), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [os.fsencode(row["path"]) for row in rows[:4]] == PATHS
    assert rows[4]["nearest"] == "tab\tname\n"
    assert (float(rows[4]["score"]), float(rows[4]["p_value"])) == (-math.inf, 1 / 61)
    assert rows[5] == {**dict.fromkeys(COLUMNS, ""), "path": "y.png", "decision": "error"} | {
        "error": "OSError: broken"
    }


def test_jsonl_gives_every_byte_and_digit_back() -> None:
    lines = FORMATS["jsonl"]([*IN, *OTHERS]).splitlines()
    rows = [json.loads(line) for line in lines]
    assert all(line.isascii() for line in lines)
    assert [os.fsencode(row["path"]) for row in rows[:4]] == PATHS
    assert rows[4] == {
        "path": "x.png",
        "decision": "out",
        "score": "-inf",
        "p_value": 1 / 61,
        "nearest": "tab\tname\n",
        "probability": 1e-300,
        "error": None,
    }
    assert (rows[5]["decision"], rows[5]["error"]) == ("error", "OSError: broken")


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
