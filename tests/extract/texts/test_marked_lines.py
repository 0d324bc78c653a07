"""Claims about names with numbers, ids or marks around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.texts import marked_lines
from oodcache.extract.texts.name_lines import NameLines


def lines(*texts: str) -> NameLines:
    return NameLines(Path("c.txt"), tuple(range(1, len(texts) + 1)), texts)


def test_numbers_behind_names_are_parts_of_them_unless_they_count_the_lines() -> None:
    assert marked_lines.trailing(lines("dog 1", "cat 0")) == (("", ""), ("cat", "dog"))
    for names in (("Golf 2012", "Polo 2010"), ("level 0", "level 1"), ("cat 0", "dog"), ("cat 0",)):
        assert marked_lines.trailing(lines(*names)) is None
    with pytest.raises(InputError, match=r"c\.txt: its classes are numbered from 0 to 7"):
        marked_lines.trailing(lines("cat 0", "dog 7"))


def test_numbers_before_names_are_parts_of_them_unless_they_count_the_lines() -> None:
    for names in (("7 up", "3 musketeers"), ("1 euro", "2 euros", "9 euros"), ("2: cat",)):
        assert marked_lines.leading(lines(*names)) is None
    with pytest.raises(InputError, match=r"c\.txt: its classes are numbered from 3 to 9"):
        marked_lines.leading(lines("3: cat", "9: dog"))


def test_a_mark_on_a_few_lines_is_part_of_a_name() -> None:
    assert marked_lines.marked(lines("* cat", "dog")) is None
    with pytest.raises(InputError, match="line 2 looks like a list with bullets"):
        marked_lines.marked(lines("pets", *(f"* {place}" for place in range(9))))
