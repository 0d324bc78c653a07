"""Claims about the screen: lines, commands and tables that fit it, with every word whole."""

from __future__ import annotations

import random
import re
import shlex
import subprocess

import pytest
from rich.cells import cell_len

from oodcache.cache.store.screen import (
    BOLD,
    PLAIN,
    WIDE,
    PlainTable,
    Screen,
    wrapped,
    wrapped_command,
)

COLUMNS = ("file", "rows", "state")
LONG = "vit-so400m-16-siglip2-512-webli-my-long-suffix"


def joined(text: str) -> str:
    """Return a text without blanks and line ends, as it reads with its lines joined."""
    return re.sub(r"\s", "", text)


def typed(command: str) -> list[str]:
    """Return the words that a shell reads."""
    done = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "width", "shown"),
    [
        ("pets", 4, ["pets"]),
        ("one two three", 9, ["one two", "    three"]),
        ("one two", 3, ["one", " tw", " o"]),
        ("abcdefghij", 6, ["abcdef", "   ghi", "   j"]),
        ("  name: a b", 9, ["  name: a", "    b"]),
        ("", 5, [""]),
        ("a" * 50, None, ["a" * 50]),
        ("日本語の画像", 6, ["日本語", "   の", "   画", "   像"]),
    ],
)
def test_a_line_is_broken_at_a_blank_or_within_a_word_that_is_too_long(
    line: str, width: int | None, shown: list[str]
) -> None:
    assert list(wrapped(line, width)) == shown


@pytest.mark.parametrize("seed", range(20))
def test_no_line_is_too_long_and_no_letter_is_lost(seed: int) -> None:
    draw = random.Random(seed)
    words = ["".join(draw.choices("abc-日 é", k=draw.randint(1, 60))) for _ in range(30)]
    line, width = " ".join(words), draw.randint(20, 90)
    lines = list(wrapped(line, width))
    assert max(map(cell_len, lines)) <= width
    assert joined("".join(lines)) == joined(line)


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_shell_reads_a_folded_command_as_the_whole_one(width: int) -> None:
    words = ["oodcache", "score", "--id", "my 'pets'", "--ood", 'say "x"', "--score", "a|b", LONG]
    line = shlex.join(words)
    lines = list(wrapped_command(line, width))
    assert typed("\n".join(lines)) == words
    assert all(one.endswith(" \\") for one in lines[:-1])
    # Words are never broken, so that only lines of one word may be too long.
    assert all(cell_len(one) <= width or len(shlex.split(one[:-1])) == 1 for one in lines)


def test_a_command_that_fits_stays_as_it_is() -> None:
    assert list(wrapped_command("oodcache  demo", 14)) == ["oodcache  demo"]
    assert list(wrapped_command("oodcache demo " + "x" * 99, None)) == ["oodcache demo " + "x" * 99]


def test_a_table_without_a_limit_has_a_line_for_each_row() -> None:
    table = PlainTable(COLUMNS, [["pets", "1,200", "complete"], ["x", "7", "-"]], {"rows"})
    assert table.drawn(WIDE).splitlines() == [
        "file   rows  state",
        "─────────────────────",
        "pets  1,200  complete",
        "x         7  -",
    ]


def test_a_first_cell_that_is_too_wide_stands_above_and_a_last_one_below() -> None:
    rows = [["short", "7", "complete"], ["a-name-of-25-columns-more", "8", "complete; and more"]]
    table = PlainTable(COLUMNS, rows, {"rows"})
    assert table.drawn(Screen(30)).splitlines() == [
        "file          rows  state",
        "──────────────────────────────",
        "short            7  complete",
        "a-name-of-25-columns-more",
        "                 8",
        "    complete; and more",
    ]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_table_fits_and_keeps_every_cell(width: int) -> None:
    rows = [[f"{LONG}-{at}" * at, f"{at:,}", "not valid " * at] for at in (1, 2, 3)]
    text = PlainTable(COLUMNS, [(LONG * 3,), *rows], {"rows"}).drawn(Screen(width))
    assert max(map(cell_len, text.splitlines())) <= width
    for row in rows:
        assert joined(row[0]) in joined(text) and joined(row[2]) in joined(text)
    assert LONG * 3 in joined(text)


def test_only_a_styled_screen_has_bold_headings() -> None:
    table = PlainTable(COLUMNS, [("model",), ["a", "b", "c"]])
    assert f"{BOLD}model{PLAIN}" in table.drawn(Screen(styled=True)).splitlines()
    assert "\x1b" not in table.drawn(WIDE)


def test_a_table_without_rows_has_its_columns() -> None:
    assert PlainTable(COLUMNS, []).drawn(Screen(80)).splitlines()[0] == "file  rows  state"
