"""Claims about leaks: those in a planted list are found, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.score.words.class_lists import ClassList, NamedClass
from oodcache.score.words.leaks import ClassWords, Leak
from oodcache.score.words.spelling import forms
from oodcache.score.words.word_net import WordNet, read_wordnet

# What each word of a planted list is, worked by hand: of the classes striped, crane and polka-dot.
PLANTED = {
    "Striped": ("striped", "name"),
    "granite": None,
    "polka_dots": ("polka-dot", "name"),
    "CRANES": ("crane", "name"),
    "dot": None,
}
BY_WORDNET = PLANTED | {
    "stripy": ("striped", "name"),
    "Grus": ("crane", "name"),  # The constellation is another sense of "crane".
    "Grus americana": ("crane", "descendant"),
    "whoopers": ("crane", "descendant"),
    "bird": ("crane", "ancestor"),
    "Wading-Birds": ("crane", "ancestor"),
}
CLASSES = tuple(NamedClass((name,)) for name in ("striped", "crane", "polka-dot"))


@pytest.fixture(scope="module")
def wordnet() -> WordNet:
    return read_wordnet(Path(__file__).parent / "wordnet")


def of(classes: tuple[NamedClass, ...] | None, wordnet: WordNet | None = None) -> ClassWords:
    return ClassWords("dtd", ClassList(classes, "a list"), wordnet)


def planted(words: dict[str, tuple[str, str] | None], relation: str) -> tuple[Leak, ...]:
    """Return the leaks of one relation that were planted."""
    every = ((word, *leak) for word, leak in words.items() if leak is not None)
    return tuple(Leak(*one) for one in every if one[2] == relation)


def test_leaks_in_a_planted_list_are_found_by_spelling() -> None:
    found = of(CLASSES).leaks([*BY_WORDNET])
    assert found.names == planted(PLANTED, "name")
    assert (found.descendants, found.ancestors, found.in_wordnet) == (None, None, None)
    assert (found.ood, found.words, found.classes, found.compared) == ("dtd", 11, 3, "spelling")


def test_synonyms_are_found_in_wordnet_and_words_above_and_below_apart(wordnet: WordNet) -> None:
    found = of(CLASSES, wordnet).leaks([*BY_WORDNET])
    assert found.names == planted(BY_WORDNET, "name")
    assert found.descendants == planted(BY_WORDNET, "descendant")
    assert found.ancestors == planted(BY_WORDNET, "ancestor")
    assert (found.compared, found.in_wordnet) == ("WordNet 3.0", 2)


def test_a_class_with_an_id_has_one_sense(wordnet: WordNet) -> None:
    found = of((NamedClass(("crane",), "n02012849"),), wordnet).leaks(["Grus", "Crane", "whooper"])
    assert [one.word for one in found.names or ()] == ["Crane"]
    assert [one.word for one in found.descendants or ()] == ["whooper"]


def test_a_leak_of_one_class_is_not_counted_below_another(wordnet: WordNet) -> None:
    found = of((NamedClass(("bird",)), NamedClass(("crane",), "n02012849")), wordnet).leaks(
        ["crane", "bird", "whooper", "animal"]
    )
    assert [(one.word, one.class_name) for one in found.names or ()] == [
        ("crane", "crane"),
        ("bird", "bird"),
    ]
    assert [one.word for one in found.descendants or ()] == ["whooper"]
    assert [one.word for one in found.ancestors or ()] == ["animal"]


@pytest.mark.parametrize("with_wordnet", [False, True])
def test_without_class_names_leaks_are_not_known(wordnet: WordNet, with_wordnet: bool) -> None:
    words = of(None, wordnet if with_wordnet else None)
    found = words.leaks(["crane"])
    assert (found.names, found.descendants, found.ancestors, found.classes) == (None,) * 4
    assert not words.is_known


def test_no_words_and_words_of_no_letters_are_no_leaks(wordnet: WordNet) -> None:
    assert of(CLASSES, wordnet).leaks([]).names == ()
    assert of((NamedClass(("-",)), *CLASSES)).leaks(["-", "", "_"]).names == ()


NAMES = st.text("abs_ -S", max_size=5)


@given(st.lists(NAMES, max_size=6), st.lists(NAMES, min_size=1, max_size=4))
def test_leaks_are_those_of_comparing_every_word_with_every_class(
    words: list[str], names: list[str]
) -> None:
    found = of(tuple(NamedClass((name,)) for name in names)).leaks(words)
    slow = [word for word in words if any(forms(word) & forms(name) for name in names)]
    assert [one.word for one in found.names or ()] == slow
