"""Claims about labels that are written as text: when they are numbers, and what is no label."""

from __future__ import annotations

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.sources.labels import from_texts


def where(row: int) -> str:
    return f"row {row}"


def test_labels_are_numbers_only_where_every_one_is() -> None:
    numbers, names = from_texts(["3", "", "20"], where), from_texts(["3", "cat", "20"], where)
    assert (numbers.numbered, numbers.names) == (True, ("3", "20"))
    assert (names.numbered, names.names) == (False, ("20", "3", "cat"))
    assert numbers.labels.tolist() == [0, -1, 1]
    assert names.labels.tolist() == [1, 2, 0]


def test_an_empty_label_and_minus_one_are_none() -> None:
    found = from_texts(["", "-1", "cat"], where)
    assert found.labels.tolist() == [-1, -1, 0]
    nothing = from_texts(["-1", ""], where)
    assert (nothing.labels.tolist(), nothing.names, nothing.numbered) == ([-1, -1], (), False)


def test_numbers_of_one_width_with_a_zero_before_are_names() -> None:
    assert from_texts(["007", "012"], where).numbered is False
    assert from_texts(["007", "12", "cat"], where).numbered is False


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["1", "-2"], "row 1: label '-2' is below -1"),
        (
            ["", "3.0", "1.0"],
            "row 1: label '3.0' is not an integer|row 2: label '1.0' is not an integer",
        ),
        (["cat", "\udcff"], "row 1: label .* is not UTF-8 text"),
        (["0", "NA", "2"], "row 1: label 'NA' is not a class number; leave a missing label empty"),
        (["0", "?"], "row 1: label '[?]' is not a class number"),
        (["1", "-", "2"], "row 1: label '-' is not a class number"),
        (["unknown", "2"], "row 0: label 'unknown' is not a class number"),
        (["0", "01"], "row 1: label '01' has a leading zero, but other class numbers do not"),
        (["1.0", "nan"], "row 1: label 'nan' is not a class number"),
        (["a\0b"], "row 0: label .* is not UTF-8 text"),
    ],
)
def test_labels_that_would_be_misread_are_refused(texts: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        from_texts(texts, where)


def test_a_mark_for_a_missing_value_is_a_name_among_names() -> None:
    assert from_texts(["NA", "ZM", "1"], where).names == ("1", "NA", "ZM")
