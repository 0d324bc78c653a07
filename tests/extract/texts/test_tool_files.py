"""Claims about class names in other tools' files: found by their key, or rejected by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.extract.texts import class_files, tool_files


def test_only_keys_with_names_below_them_are_taken() -> None:
    assert tool_files.under_key({"id2label": {"0": "cat"}}) == ("id2label", {"0": "cat"})
    assert tool_files.under_key({"categories": "pets", "id2label": ["a"]}) is None
    assert tool_files.under_key(["id2label"]) is None


def test_lines_below_names_end_at_the_next_key_and_keep_their_numbers() -> None:
    lines = ["nc: 2", "names:  # all", "  0: cat  # a pet", "", "  1: guide dog", "train: x", "  y"]
    assert tool_files.yolo(lines) == ((3, 5), ("0: cat", "1: guide dog"))
    assert tool_files.yolo(["cat", "dog"]) is None
    assert tool_files.yolo(["names:", "- a", "names: [a]"]) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}', "its id2label has no names, only LABEL"),
        ('{"id2label": {"1": "cat", "2": "dog"}}', "its classes are numbered from 1 to 2"),
        ('{"categories": [{"id": 1}]}', "its categories have one without a name: \"{'id': 1}\""),
        ('{"categories": []}', "its categories are empty"),
        ("nc: 2\nnames:\ntrain: x\n", "has no names under 'names'"),
        ("names:\n  1: cat\n  2: dog\n", "numbered from 1 to 2"),
        ("names: [cat,\n", "line 1 looks like JSON or a Python literal without its end"),
    ],
)
def test_a_key_without_proper_names_is_rejected(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "names"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        class_files.read(path)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
