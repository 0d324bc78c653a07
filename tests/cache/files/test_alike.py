"""Claims about classes that share one vector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from oodcache.cache.files import alike
from oodcache.cache.files.texts import Vocabulary, open_text_rows, write_texts
from oodcache.cache.format.identity import Identity


def cloud(*shape: int) -> np.ndarray:
    vectors = np.random.default_rng(0).normal(size=shape)
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def names(count: int) -> list[str]:
    return [f"class {place}" for place in range(count)]


def slow(vectors: np.ndarray) -> int:
    """Count by comparing every pair."""
    distance = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)
    return int(((distance <= 1e-5).sum(1) > 1).sum())


@pytest.mark.parametrize("equal", [[], [3, 70], [0, 1, 2, 99], list(range(100))])
def test_as_many_classes_are_alike_as_all_pairs_say(equal: list[int]) -> None:
    vectors = cloud(100, 16)
    vectors[equal] = vectors[equal[:1]]
    found = alike.among(vectors, names(100), [""] * 100)
    assert slow(vectors) == (found.count if found else 0) == len(equal)
    if found:
        assert str(found) == (
            f"{len(equal)} of 100 classes have the same vector as another, such as "
            f"'class {equal[0]}' and 'class {equal[1]}': they cannot be told apart"
        )


def test_vectors_that_differ_in_the_last_digits_are_alike_and_others_are_not() -> None:
    vectors = cloud(50, 64)
    vectors[7] = np.nextafter(vectors[21], np.float32(2))
    vectors[8] = vectors[22] + np.float32(1e-4)
    found = alike.among(vectors, names(50), [""] * 50)
    assert found is not None
    assert (found.count, found.first, found.second) == (2, "'class 7'", "'class 21'")


def test_equal_names_are_told_apart_by_their_ids() -> None:
    found = alike.among(cloud(1, 4).repeat(2, 0), ["crane", "crane"], ["n1", "n2"])
    assert found is not None
    assert (found.first, found.second) == ("n1 ('crane')", "n2 ('crane')")
    assert alike.among(cloud(1, 4), ["crane"], ["n1"]) is None


def test_classes_of_a_file_are_alike_if_they_are_under_every_template(
    tmp_path: Path, identity: Identity
) -> None:
    vectors = cloud(2, 20, 8)
    vectors[:, 4] = vectors[:, 17]
    vectors[0, 5] = vectors[0, 18]
    write_texts(
        tmp_path / "t.h5",
        vectors,
        np.ones((2, 20), np.float32),
        vocabulary=Vocabulary(tuple(names(20)), ("",) * 20, ("{}", "a {}")),
        identity=identity,
    )
    found = alike.within(open_text_rows(tmp_path / "t.h5"))
    assert found is not None
    assert (found.count, found.of, found.first, found.second) == (2, 20, "'class 4'", "'class 17'")
