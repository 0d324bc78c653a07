"""Claims about class names as prompts say them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.texts import spoken

NONE = ("", "")


def of_folders(*names: str) -> tuple[Sequence[str], Sequence[str], list[str]]:
    notes: list[str] = []
    ids, found = spoken.spoken((names, names), "birds", notes.append)
    return ids, found, notes


def test_wordnet_ids_become_imagenets_names_and_stay_ids() -> None:
    ids, names, notes = of_folders("n01440764", "n03126707")
    assert (ids, names) == (("n01440764", "n03126707"), ("tench", "construction crane"))
    assert notes == [
        "birds: prompts use ImageNet's names for WordNet ids, such as 'tench' for n01440764"
    ]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("n01440764", "misc"), "1 of 2 classes are WordNet ids without a name, such as n01440764"),
        (("n01440764", "n99999999"), "not all are ImageNet's, so their names are unknown; write"),
    ],
)
def test_ids_without_a_name_are_no_prompts(names: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        of_folders(*names)


def test_underscores_become_spaces_and_hyphens_stay() -> None:
    ids, names, notes = of_folders("fox-terrier", "kit_fox", "red__wolf")
    assert ids == ("fox-terrier", "kit_fox", "red__wolf")
    assert names == ("fox-terrier", "kit fox", "red wolf")
    assert notes == [
        "birds: prompts have spaces for underscores in 2 names: 'kit fox' for 'kit_fox'"
    ]


def test_a_name_without_an_id_that_is_changed_becomes_the_id() -> None:
    assert spoken.spoken((NONE, ("cat", "kit_fox")), "c", print) == (
        ("cat", "kit_fox"),
        ("cat", "kit fox"),
    )
    assert spoken.spoken((("1", "2"), ("cat", "kit_fox")), "c", print)[0] == ("1", "2")


def test_names_that_prompts_can_say_stay_as_they_are() -> None:
    for columns in ((NONE, ("cat", "guide dog")), (("a", "b"), ("a", "b"))):
        notes: list[str] = []
        assert spoken.spoken(columns, "c", notes.append) == columns
        assert not notes


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("001.Black_footed_Albatross", "002.Crow"), ("Black footed Albatross", "Crow")),
        (("n02085620-Chihuahua", "n02085782-Japanese_spaniel"), ("Chihuahua", "Japanese spaniel")),
        (("7.62", "8.5"), ("7.62", "8.5")),
        (("001.Crow", "Albatross"), ("001.Crow", "Albatross")),
    ],
)
def test_numbers_and_ids_before_all_names_are_omitted(
    names: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    ids, found, _ = of_folders(*names)
    assert (ids, found) == (names, expected)


def test_a_thousand_numbered_folders_are_imagenets_classes() -> None:
    numbers = [str(number) for number in range(1000)]
    assert spoken.by_number(sorted(numbers)) == numbers
    ids, names, notes = of_folders(*numbers)
    # Class 0 is the tench, 134 the bird among the cranes, 517 the machine.
    assert (ids[517], names[0], names[134], names[517]) == (
        *("517", "tench", "crane bird"),
        "construction crane",
    )
    assert notes == ["birds: folders 0 … 999 are ImageNet's class numbers; prompts use its names"]


def test_only_numbers_without_gaps_from_0_are_class_numbers() -> None:
    assert spoken.are_class_numbers(["2", "0", "1"])
    for names in (["1", "2"], ["0", "2"], ["0", "01"], ["0", "cat"]):
        assert not spoken.are_class_numbers(names)
        assert spoken.by_number(names) == sorted(names)
