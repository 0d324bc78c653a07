"""Claims about class names in JSON and Python literals."""

from __future__ import annotations

import json

import pytest

from oodcache.extract.texts import mappings


def test_json_and_python_text_of_one_value_are_the_same() -> None:
    value = {"0": ["n1", "cat"], "1": ["n2", "dog's"]}
    assert mappings.parse(json.dumps(value)) == mappings.parse(repr(value)) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cat", "it is neither"),
        ("f(1)", "it is neither"),
        ("[1", "it is neither"),
        ("__import__('os')", "it is neither"),
        ("(" * 10**5, "nested deeper"),
        ("[" * 10**5, "nested deeper"),
        ("{0: 'cat', 0: 'dog'}", "duplicate key"),
        ('{"0": "cat", "0": "dog"}', "duplicate key"),
    ],
)
def test_what_is_neither_is_rejected(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        mappings.parse(text)


@pytest.mark.parametrize("numbers", [[1, 2], [0, 2], [0, 0]])
def test_numbers_with_gaps_are_no_class_numbers(numbers: list[int]) -> None:
    with pytest.raises(ValueError, match="class numbers count from 0 without gaps"):
        mappings.in_order(numbers)
