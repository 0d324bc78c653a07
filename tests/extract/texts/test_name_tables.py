"""Claims about the header of class names in CSV."""

from __future__ import annotations

from pathlib import Path

from oodcache.extract.texts import name_tables
from oodcache.extract.texts.name_lines import NameLines


def columns(*texts: str) -> object:
    return name_tables.columns(NameLines(Path("c.csv"), tuple(range(1, len(texts) + 1)), texts))


def test_ids_are_taken_before_numbers_whatever_the_order_of_columns() -> None:
    expected = (("n1", "n2"), ("cat", "dog"))
    assert columns("class_name,index,wnid", "cat,1,n1", "dog,0,n2") == expected
    assert columns("WNID,Class Name", "n1,cat", "n2,dog") == expected


def test_a_number_sorts_names_under_any_of_its_headers() -> None:
    for header in ("id", "class_id", "index", "label", ""):
        assert columns(f"{header},name", "1,dog", "0,cat") == (("", ""), ("cat", "dog"))


def test_names_with_commas_and_blanks_are_no_csv() -> None:
    assert columns("tench, Tinca tinca", "goldfish, Carassius") is None
    assert columns("cat", "dog") is None
