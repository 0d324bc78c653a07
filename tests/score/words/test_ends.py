"""Claims about both ends of mined negatives: which words they are, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from samples.score.words import ADJECTIVES, NOUNS, words_of

from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import Negatives
from oodcache.cache.files.texts import TextFile
from oodcache.score.inputs.selection import Selection, Vectors
from oodcache.score.words.ends import both_ends
from oodcache.score.words.negatives import Mined, open_negatives

ROWS = dict(zip(words_of("noun", 40), NOUNS, strict=True))
ROWS |= dict(zip(words_of("adjective", 20), ADJECTIVES, strict=True))


def reopened(tmp_path: Path, lists: dict[str, TextFile]) -> Mined:
    texts = lists["pets"]
    classes = np.arange(len(texts.vocabulary.names))
    return open_negatives(tmp_path, Selection(texts, classes, ()), "x")


def rows(*words: tuple[str, ...]) -> Vectors:
    return np.array([ROWS[word] for some in words for word in some])


def test_all_words_of_both_ends_or_the_outermost_of_each_list(
    tmp_path: Path, mined: Callable[..., Negatives], lists: dict[str, TextFile]
) -> None:
    nouns, adjectives, _ = mined(nearest=12, csp=["pool"]).lists
    found = reopened(tmp_path, lists)
    everything = rows(nouns.words, adjectives.words, nouns.near, adjectives.near)
    assert np.array_equal(both_ends(found, None, None), everything)
    # Six nouns and three adjectives are far, eight and four near.
    some = rows(nouns.words[:2], adjectives.words[:1], nouns.near[:4], adjectives.near[:2])
    assert np.array_equal(both_ends(found, 6, 3), some)
    assert np.array_equal(both_ends(found, 12, 9), everything)


@pytest.mark.parametrize(
    ("near", "far", "words"),
    [
        (13, None, "near=13; use clipscope:near=mined for"),
        (5000, 5000, "near=5000 and far=5000; use clipscope:near=mined,far=mined for"),
        (12, 10, "far=10; use clipscope:far=mined for"),
    ],
)
def test_fewer_words_than_asked_for_are_refused(
    tmp_path: Path,
    mined: Callable[..., Negatives],
    lists: dict[str, TextFile],
    near: int,
    far: int | None,
    words: str,
) -> None:
    path = mined(nearest=12).path
    with pytest.raises(InputError) as refused:
        both_ends(reopened(tmp_path, lists), near, far)
    assert str(refused.value) == (
        f"{path}: has 12 nearest and 9 farthest words, too few for {words} all of them, or mine "
        "more with --nearest and --keep"
    )


@pytest.mark.parametrize(
    ("near", "far", "words"),
    [
        (None, None, "--nearest 51 --overwrite -o x"),
        (20, 9, "--nearest 20 --overwrite -o x"),
        (20, 10, "--nearest 20 --overwrite -o x; then use clipscope:far=mined"),
        (60, 10, "--nearest 51 --overwrite -o x; then use clipscope:near=mined,far=mined"),
    ],
)
def test_no_near_end_says_what_to_type(
    tmp_path: Path,
    mined: Callable[..., Negatives],
    lists: dict[str, TextFile],
    near: int | None,
    far: int | None,
    words: str,
) -> None:
    path = mined().path
    with pytest.raises(InputError) as refused:
        both_ends(reopened(tmp_path, lists), near, far)
    assert str(refused.value) == (
        f"{path}: contains no nearest words; mine them with: oodcache negatives --model tiny "
        f"--classes pets --words nouns --words adjectives --template 'the nice {{}}' {words}"
    )


def test_a_far_end_of_all_words_leaves_none_to_mine(
    tmp_path: Path, mined: Callable[..., Negatives], lists: dict[str, TextFile]
) -> None:
    mined(keep="100%")
    with pytest.raises(InputError, match="mine again with a smaller --keep and --nearest N"):
        both_ends(reopened(tmp_path, lists), None, None)
