"""Claims about lists of near-duplicates: what is printed, saved, and passed on to --drop."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.store.duplicate_lists import check, lines, save, save_drops
from oodcache.cache.store.duplicates import DuplicatePair

PAIRS = [
    DuplicatePair(1.0, ("pets", b"a.png"), ("strays", b"x/1.png")),
    DuplicatePair(0.99999, ("pets", b"b.png"), ("strays", b"x/1.png")),
    DuplicatePair(0.95, ("pets", b"caf\xe9\x1b.png"), ("strays", b'a,"b.png')),
]


def test_a_pair_is_two_lines_and_only_equal_vectors_have_a_cosine_of_one() -> None:
    assert [*lines(PAIRS, 0.95, 2)] == [
        "1.0000  pets:a.png",
        "        strays:x/1.png",
        "0.9999  pets:b.png",
        "        strays:x/1.png",
        "3 pairs with a cosine of at least 0.95; --limit 0 shows all",
    ]


def test_no_limit_shows_all_and_escapes_what_a_terminal_would_run() -> None:
    found = [*lines(PAIRS, 0.9, 0)]
    assert found[-3:] == [
        r"0.9500  pets:caf\xe9\x1b.png",
        '        strays:a,"b.png',
        "3 pairs with a cosine of at least 0.9",
    ]
    assert [*lines([], 0.9, 20)] == ["0 pairs with a cosine of at least 0.9"]


def test_csv_and_json_hold_every_pair(tmp_path: Path) -> None:
    for name in ("pairs.csv", "pairs.json"):
        save(PAIRS, tmp_path / name)
    with (tmp_path / "pairs.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [{**row, "cosine": float(row["cosine"])} for row in rows] == json.loads(
        (tmp_path / "pairs.json").read_text()
    )
    assert rows[2] == {
        "cosine": "0.95",
        "first_set": "pets",
        "first_path": "caf\\xe9\x1b.png",
        "second_set": "strays",
        "second_path": 'a,"b.png',
    }


@pytest.mark.parametrize("name", ["pairs.txt", "pairs"])
def test_another_ending_is_an_error(name: str) -> None:
    with pytest.raises(InputError, match=r"use \.csv or \.json"):
        check(Path(name))


def test_a_drop_file_has_the_second_image_of_each_pair_once(tmp_path: Path) -> None:
    assert save_drops(PAIRS, tmp_path / "drop.txt") == 2
    assert (tmp_path / "drop.txt").read_text() == 'strays:x/1.png\nstrays:a,"b.png\n'


def test_a_drop_file_of_nothing_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"drop\.txt: not written: no pair was found; give"):
        save_drops([], tmp_path / "drop.txt")
    assert not (tmp_path / "drop.txt").exists()


def test_a_path_with_a_line_break_is_not_written(tmp_path: Path) -> None:
    pair = DuplicatePair(1.0, ("pets", b"a.png"), ("strays", b"a\nb.png"))
    with pytest.raises(InputError, match=r"the path strays:a\\nb\.png has a line break"):
        save_drops([pair], tmp_path / "drop.txt")
