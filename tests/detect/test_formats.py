"""Claims about decisions as text: a script can read back every path, whatever it is."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.detect.decisions import Decision
from oodcache.detect.formats import COLUMNS, FORMATS, by_ending

PATHS = [b"a b/\xff\xfe.png", b"line\nbreak\t.png", 'quote"s,ünï.png'.encode(), b"\x1b[2J.png"]
IN = [Decision(os.fsdecode(path), True, 0.5, 0.25, "cat", 0.125) for path in PATHS]
OTHERS = [
    Decision("x.png", False, -math.inf, 1 / 61, "tab\tname\n", 1e-300),
    Decision("y.png", error="OSError: broken"),
    Decision(None, True, 1.0, 1.0, "cat", 1.0),
]


def test_text_is_a_line_each_with_the_path_last_and_escaped() -> None:
    lines = FORMATS["text"].written([*IN, *OTHERS]).splitlines()
    assert lines == [
        "in\t0.5\t0.25\tcat\t0.125\ta b/\\udcff\\udcfe.png",
        "in\t0.5\t0.25\tcat\t0.125\tline\\nbreak\\t.png",
        'in\t0.5\t0.25\tcat\t0.125\tquote"s,ünï.png',
        "in\t0.5\t0.25\tcat\t0.125\t\\x1b[2J.png",
        "out\t-inf\t0.0163934\ttab\\tname\\n\t1e-300\tx.png",
        "error\t-\t-\tOSError: broken\t-\ty.png",
        "in\t1\t1\tcat\t1\t",
    ]


def test_csv_gives_every_digit_back_and_escapes_what_no_terminal_should_see() -> None:
    text = FORMATS["csv"].head + FORMATS["csv"].written([*IN, *OTHERS])
    stored = text.encode(errors="surrogateescape")
    rows = list(csv.DictReader(io.StringIO(stored.decode(errors="surrogateescape"), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [os.fsencode(row["path"]) for row in rows[:2]] == [PATHS[0], b"line\\nbreak\\t.png"]
    assert [os.fsencode(row["path"]) for row in rows[2:4]] == [PATHS[2], b"\\x1b[2J.png"]
    assert rows[4]["nearest"] == "tab\\tname\\n"
    assert (float(rows[4]["score"]), float(rows[4]["p_value"])) == (-math.inf, 1 / 61)
    assert rows[5] == {**dict.fromkeys(COLUMNS, ""), "path": "y.png", "decision": "error"} | {
        "error": "OSError: broken"
    }


def test_jsonl_gives_every_byte_and_digit_back() -> None:
    lines = FORMATS["jsonl"].written([*IN, *OTHERS]).splitlines()
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


@pytest.mark.parametrize(
    ("name", "form"), [("a", "text"), ("a.txt", "text"), ("a.CSV", "csv"), ("a.jsonl", "jsonl")]
)
def test_the_ending_of_a_file_decides_its_format(name: str, form: str) -> None:
    assert by_ending(Path(name)) == form


def test_another_ending_is_refused() -> None:
    with pytest.raises(InputError, match=r"a.json: ends in '.json'; use .txt, .csv or .jsonl, or"):
        by_ending(Path("a.json"))


@pytest.mark.parametrize("form", ["text", "csv", "spreadsheet", "jsonl"])
def test_no_format_sends_an_escape_code(form: str) -> None:
    odd = Decision("gate/e\x1b[31m\x9b\r.jpg", True, 0.5, 0.25, "\x07cat", 0.125, "a\x1b")
    written = FORMATS[form].written([odd]).removesuffix("\n")
    assert all(one.isprintable() or one == "\t" for one in written)


def test_a_spreadsheet_runs_no_path_as_a_formula() -> None:
    odd = Decision("=HYPERLINK(1).png", True, -0.5, 0.25, "+cat", 0.125)
    row = next(csv.reader(io.StringIO(FORMATS["spreadsheet"].written([odd]))))
    assert row == ["'=HYPERLINK(1).png", "in", "-0.5", "0.25", "'+cat", "0.125", ""]
