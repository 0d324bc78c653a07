"""Claims about changed inputs: the first difference is named, many are counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oodcache.cache.files.texts import Vocabulary
from oodcache.extract.run.changes import lost_templates, of_paths, of_vocabulary

CACHED = Vocabulary(("cat", "dog"), ("n1", "n2"), ("a {}", "the {}"))


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (CACHED, ""),
        (replace(CACHED, templates=("a {}", "my {}")), "template 2 'the {}', you gave 'my {}'"),
        (replace(CACHED, templates=("a {}",)), "template 2 'the {}', you gave none"),
        (replace(CACHED, names=("cat", "fox")), "class 2 'dog', you gave 'fox'"),
        (replace(CACHED, names=("cat", "dog", "fox")), "class 3 none, you gave 'fox'"),
        (replace(CACHED, ids=("n1", "n3")), "class id 2 'n2', you gave 'n3'"),
    ],
)
def test_the_first_difference_of_a_vocabulary_is_named(now: Vocabulary, words: str) -> None:
    assert of_vocabulary(CACHED, now) == (f"; the cache has {words}" if words else "")


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ([b"a", b"b", b"c"], "; new: 'c'"),
        ([b"b"], "; gone: 'a'"),
        ([b"b", b"x"], "; new: 'x'; gone: 'a'"),
        ([b"b", b"a"], "; the paths are the same, but not the order, sizes or labels"),
    ],
)
def test_new_and_missing_images_are_named(now: list[bytes], words: str) -> None:
    assert of_paths([b"a", b"b"], now) == words


def test_many_new_images_are_counted_and_bytes_are_shown() -> None:
    now = [b"%d\xff" % place for place in range(1006)]
    said = of_paths([], now)
    assert said.startswith("; new: '0\\\\xff', ")
    assert said.endswith(" and 1,000 more")


@pytest.mark.parametrize(
    ("typed", "lost"),
    [
        (replace(CACHED, templates=("the {}",)), "the 2 templates in the cache by 1, without 'a"),
        (replace(CACHED, templates=("my {}", "a {}", "the {}")), ""),
        (replace(CACHED, templates=("my {}",), names=("cat", "fox")), ""),
    ],
)
def test_templates_that_are_lost_are_named_if_the_classes_stay(
    typed: Vocabulary, lost: str
) -> None:
    found = lost_templates("c", CACHED, typed)
    assert lost in found
    assert bool(found) == bool(lost)
