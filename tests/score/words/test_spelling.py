"""Claims about spellings: what counts as the same name, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.score.words.spelling import forms, plain

WORDS = st.text("abcdefgnorsty", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Polka_Dots", "polka-dot"),
        ("T-SHIRT", "t shirts"),
        ("indoor/outdoor", "Indoor outdoor"),
        ("churches", "church"),
        ("foxes", "fox"),
        ("cherries", "cherry"),
        ("firemen", "fireman"),
        ("tomatoes", "tomato"),
        ("bookshelves shelves", "bookshelves shelf"),
        ("mice", "Mouse"),
        ("Jack-o'-lantern", "jack_o_lantern"),
        ("cafe\u0301s", "caf\u00e9"),
        ("STRASSE", "Stra\u00dfe"),
        ("\uff30\uff4f\uff54\uff0d\uff48\uff4f\uff4c\uff45", "pot hole"),
        ("\ufb01sh", "fish"),
        ("black\u00adbird", "blackbird"),
        ("polka\u2014dot", "polka dot"),
        ("polka\u2212dot", "polka\u2011dot"),
        ("lenses", "lens"),
        ("lions", "lion"),
    ],
)
def test_case_separators_width_and_the_plural_make_no_difference(name: str, other: str) -> None:
    assert forms(name) & forms(other)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("glass", "glas"),
        ("bus", "bu"),
        ("iris", "iri"),
        ("gas", "ga"),
        ("news", "new"),
        ("lens", "len"),
        ("series", "sery"),
        ("species", "specy"),
        ("caves", "cafe"),
        ("flower pot", "flowerpot"),
        ("dotted polka", "polka dotted"),
        ("dogs house", "dog house"),
        ("stripe", "striped"),
    ],
)
def test_other_names_stay_apart(name: str, other: str) -> None:
    assert not forms(name) & forms(other)


@pytest.mark.parametrize("name", ["", " ", "_-_", "'", "..."])
def test_a_name_of_no_letters_equals_nothing_even_itself(name: str) -> None:
    assert forms(name) == frozenset()


@given(WORDS, WORDS)
def test_a_name_is_equal_to_itself_however_it_is_written(first: str, second: str) -> None:
    written = [f"{first}_{second}", f"{first.upper()} {second}", f" {first}-{second.title()} "]
    assert {plain(one) for one in written} == {f"{first} {second}"}
    assert len({forms(one) for one in written}) == 1


@given(WORDS.filter(lambda word: len(word) >= 3 and not word.endswith("s")))
def test_the_regular_plural_is_equal_to_the_singular(word: str) -> None:
    assert word in forms(f"{word}s")
