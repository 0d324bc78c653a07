"""Claims about the note on classes that no score can tell apart."""

from __future__ import annotations

import numpy as np

from oodcache.score.inputs import equal_classes
from oodcache.score.inputs.selection import Prompted

NAMES, NO_IDS = ("cat", "dog", "fox"), ("", "", "")


def of(template: str, *rows: int) -> Prompted:
    vectors = np.eye(3, dtype=np.float32)[[*rows]]
    return Prompted("pets", template, (template,), NAMES, NO_IDS, vectors)


def told(*prompts: Prompted) -> list[str]:
    notes: list[str] = []
    equal_classes.tell(prompts, notes.append)
    return notes


def test_equal_vectors_are_one_note_that_names_a_pair() -> None:
    same = (
        "2 of 3 classes have the same vector as another, such as 'cat' and 'fox': they cannot be "
        "told apart"
    )
    assert told(of("{}", 0, 1, 0)) == [f"classes pets: {same}"]
    assert told(of("{}", 0, 1, 0), of("a {}", 0, 0, 0)) == [f"classes pets: {same}"]
    assert told(of("{}", 0, 1, 2), of("a {}", 0, 1, 0)) == [
        f"classes pets, prompt 'a {{}}': {same}"
    ]


def test_different_vectors_are_no_note() -> None:
    assert told(of("{}", 0, 1, 2)) == []
