"""Claims about lines of class names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.texts.name_lines import NameLines

LINES = NameLines(Path("c.txt"), (2, 5), ("0 cat", "2 dog"))


def test_a_pattern_matches_all_lines_or_none() -> None:
    assert LINES.all(re.compile("0 .*")) is None
    found = LINES.all(re.compile("([0-9]) .*"))
    assert found is not None
    assert [one[1] for one in found] == ["0", "2"]


def test_errors_name_the_line_as_the_file_counts_it() -> None:
    assert str(LINES.error("is odd", 1)).startswith("c.txt: line 5 is odd; expected a class name")
    with pytest.raises(InputError, match=r"c\.txt: .* numbered from 0 to 2, 2 in all"):
        LINES.by_number([0, 2], ["cat", "dog"])
