from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.score.inputs.labels import UNLABELLED, are_numbers, match, numbered, targets

WORDNET = ["n02012849", "n02113186", "n03126707", "n02963159"]
IMAGENETS = ["crane", "Cardigan", "crane", "cardigan"]


def matched(label_names: list[str], ids: list[str], names: list[str]) -> list[int]:
    found: list[int] = match(label_names, ids, names).tolist()
    return found


@given(st.permutations(range(6)), st.permutations(range(6)))
def test_labels_find_their_class_wherever_either_stands(
    of_labels: list[int], of_classes: list[int]
) -> None:
    label_names = [f"name {place}" for place in of_labels]
    names = [f"name {place}" for place in of_classes]
    found = matched(label_names, [""] * 6, names)
    assert [names[place] for place in found] == label_names


def test_folders_that_are_ids_match_ids_and_not_places() -> None:
    assert matched(WORDNET[::-1], WORDNET, IMAGENETS) == [3, 2, 1, 0]


def test_an_id_decides_before_a_name() -> None:
    assert matched(["b"], ["a", "b"], ["b", "c"]) == [1]


def test_a_name_that_two_classes_share_decides_nothing() -> None:
    assert matched(["crane"], WORDNET, IMAGENETS) == [UNLABELLED]


def test_names_that_differ_by_a_capital_are_two_classes() -> None:
    assert matched(["Cardigan", "cardigan", "CARDIGAN"], WORDNET, IMAGENETS) == [1, 3, UNLABELLED]


def test_a_folder_that_is_no_class_is_unlabelled() -> None:
    assert matched(["strays", "crane fly"], WORDNET, IMAGENETS) == [UNLABELLED, UNLABELLED]


def test_a_class_without_a_folder_stands_in_nobodys_way() -> None:
    assert matched(["dog"], ["", ""], ["cat", "dog"]) == [1]


def test_an_empty_id_matches_no_empty_label() -> None:
    assert matched([""], ["", ""], ["cat", "dog"]) == [UNLABELLED]


@pytest.mark.parametrize("label_names", [[], ["cat"]])
def test_images_without_a_label_have_no_target(label_names: list[str]) -> None:
    classes = match(label_names, [""], ["cat"])
    assert targets(np.array([-1, -1]), classes).tolist() == [UNLABELLED, UNLABELLED]


def test_a_target_is_the_class_of_an_images_label_name() -> None:
    classes = match(["dog", "stray", "cat"], ["", ""], ["cat", "dog"])
    assert targets(np.array([0, 1, 2, -1, 0]), classes).tolist() == [1, -1, 0, -1, 1]


def test_no_images_have_no_targets() -> None:
    assert targets(np.array([], np.int64), match(["cat"], [""], ["cat"])).shape == (0,)


@given(st.permutations(range(9)), st.integers(1, 9), st.lists(st.integers(0, 12), unique=True))
def test_a_number_counts_the_whole_vocabulary_whichever_classes_are_scored(
    places: list[int], scored: int, numbers: list[int]
) -> None:
    classes = np.array(places[:scored])
    found = numbered([str(number) for number in numbers], classes)
    for number, place in zip(numbers, found.tolist(), strict=True):
        assert classes[place] == number if place >= 0 else number not in classes


def test_what_is_no_number_is_unlabelled_where_labels_are_numbers() -> None:
    classes = np.arange(10)
    assert numbered(["07", "-1", "cat", "1e0", "٣", "9" * 30], classes).tolist() == [-1] * 6


def test_names_are_the_same_however_unicode_composes_them() -> None:
    one, two = "caf\u00e9", "cafe\u0301"
    for folder, known in ((one, two), (two, one), (two, two)):
        assert matched([folder], [""], [known]) == [0]
        assert matched([folder], [known], ["other"]) == [0]


def test_folders_are_class_numbers_only_if_they_are_all_of_the_vocabulary() -> None:
    names = [f"class {place}" for place in range(12)]
    folders = sorted(str(place) for place in range(12))
    assert are_numbers(folders, [""] * 12, names)
    assert not are_numbers(folders[1:], [""] * 12, names)
    assert not are_numbers([*folders, "12"], [""] * 12, names)
    assert not are_numbers(folders, ["7", *names[1:]], names)
    assert not are_numbers(["0", "01"], ["", ""], ["cat", "dog"])
