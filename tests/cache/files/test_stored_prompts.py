"""Claims about vectors as stored: rows to keep, and what a SHA-256 of some templates holds."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from oodcache.cache.files.stored_prompts import stored_rows, unchanged, vectors_sum
from oodcache.cache.files.texts import TextFile, Vocabulary, open_text_rows, write_texts
from oodcache.cache.format.identity import Identity

TEMPLATES = ("{}", "the {}", "a {}")


@pytest.fixture
def file(tmp_path: Path, identity: Identity) -> TextFile:
    rows = np.random.default_rng(0).normal(size=(3, 2, 8))
    rows = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float16)
    vocabulary = Vocabulary(("a", "b"), ("", ""), TEMPLATES)
    norm = np.arange(1, 7, dtype=np.float32).reshape(3, 2)
    return write_texts(
        *(tmp_path / "a.h5", rows, norm), vocabulary=vocabulary, identity=identity, dtype=np.float16
    )


def sha(file: TextFile, *places: int) -> str:
    return hashlib.sha256(b"".join(file.stored[place].tobytes() for place in places)).hexdigest()


@pytest.mark.parametrize(("first", "count"), [(0, 6), (1, 4), (2, 1), (3, 9), (6, 2)])
def test_rows_of_all_prompts_are_read_as_stored(file: TextFile, first: int, count: int) -> None:
    vectors, norm = stored_rows(open_text_rows(file.path), first, count)
    assert vectors.dtype == np.float16
    assert np.array_equal(vectors, file.stored.reshape(6, 8)[first : first + count])
    assert np.array_equal(norm, file.norm.reshape(6)[first : first + count])


def test_the_sum_is_over_the_bytes_of_the_templates_in_the_order_given(file: TextFile) -> None:
    rows = open_text_rows(file.path)
    for places in ((0, 1, 2), (1,), (2, 0)):
        templates = [TEMPLATES[place] for place in places]
        assert vectors_sum(file, templates) == sha(file, *places)
        assert vectors_sum(rows, templates) == sha(file, *places)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_templates_that_are_unknown_are_the_first_ones(file: TextFile, count: int) -> None:
    assert unchanged(file, sha(file, *range(count))) == TEMPLATES[:count]


def test_another_sum_or_a_missing_template_is_a_change(file: TextFile) -> None:
    assert unchanged(file, sha(file, 1), ["the {}"]) == ("the {}",)
    assert unchanged(file, sha(file, 1), ["a {}"]) is None
    assert unchanged(file, sha(file, 1)) is None
    assert unchanged(file, sha(file, 1), ["my {}"]) is None


def test_the_same_classes_under_some_templates_are_those_of_the_file(file: TextFile) -> None:
    some = open_text_rows(file.path).under(["a {}", "{}"])
    assert some.vocabulary == Vocabulary(("a", "b"), ("", ""), ("a {}", "{}"))
    stored = np.concatenate(list(some.stored_blocks()))
    assert np.array_equal(stored, file.stored[[2, 0]].reshape(4, 8))
    assert np.array_equal(some.under(["{}"]).take(np.array([1])), file.embeddings[0, [1]])
