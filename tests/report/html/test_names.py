"""Claims about names in the page: short ones are whole, long ones stay different."""

from __future__ import annotations

import pytest

from oodcache.report.html.names import MOST, pieces, shortened


def test_short_names_are_whole() -> None:
    names = ["mcm", "x" * MOST, "<b>"]
    assert shortened(names) == {one: one for one in names}


@pytest.mark.parametrize(
    "names",
    [
        [f"{'a' * 100}{one}" for one in "bc"],
        [f"{one}{'a' * 100}" for one in "bc"],
        [f"{'a' * 50}{one}{'a' * 50}" for one in "bc"],
        [f"{'a' * place}b{'a' * (200 - place)}" for place in range(200)],
        ["a" * count for count in range(70, 140)],
    ],
)
def test_names_that_differ_anywhere_still_do_and_fit(names: list[str]) -> None:
    found = shortened(names)
    assert len(set(found.values())) == len(names)
    assert all(len(one) <= MOST for one in found.values())


@pytest.mark.parametrize("name", ["", "mcm", "a=b:c/d", "--x--", "two  words", "ViT-B-32/openai"])
def test_the_pieces_of_a_name_are_all_of_it(name: str) -> None:
    assert "".join(pieces(name)) == name
    assert all(pieces(name)) or name == ""


def test_a_line_may_break_behind_signs_not_within_words() -> None:
    assert pieces("mcm:temperature=learned") == ["mcm:", "temperature=", "learned"]
