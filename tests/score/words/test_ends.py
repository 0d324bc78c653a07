"""Claims about both ends of mined negatives: which words they are, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from samples.score.words import ADJECTIVES, NOUNS, words_of

from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import Negatives
from oodcache.cache.files.texts import TextFile
from oodcache.score.inputs.selection import Selection, Vectors
from oodcache.score.words.ends import both_ends, runnable, too_few
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
        # What was typed for the other end stays.
        (13, None, "near=13; use clipscope:near=mined,far=mined, or mine more with: --nearest 13"),
        (13, 7, "near=13; use clipscope:near=mined,far=7, or mine more with: --nearest 13"),
        (13, 5000, "near=13 and far=5000; use clipscope:near=mined,far=mined, or mine from a "),
        (12, 10, "far=10; use clipscope:near=12,far=mined, or mine more with: --keep 10 --n"),
        (5000, 9, "near=5000; use clipscope:near=mined,far=9, or mine from a longer list: 60 "),
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
    mine = "oodcache negatives --model tiny --classes pets --words nouns --words adjectives "
    said = str(refused.value).replace(f"{mine}--template 'the nice {{}}' ", "")
    assert said.startswith(f"{path}: has 12 nearest and 9 farthest words, too few for {words}")


@pytest.mark.parametrize(
    ("near", "far", "words"),
    [
        (None, None, "--nearest 51 --overwrite -o x"),
        (20, 9, "--nearest 20 --overwrite -o x"),
        (20, 10, "--nearest 20 --overwrite -o x; then use clipscope:near=20,far=mined"),
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


def test_more_words_are_mined_by_the_command_that_is_told(
    tmp_path: Path, mined: Callable[..., Negatives], lists: dict[str, TextFile]
) -> None:
    mined(nearest=12, csp=["pool"])
    with pytest.raises(InputError, match=" --keep (\\d+) --nearest 12 ") as refused:
        both_ends(reopened(tmp_path, lists), 12, 20)
    (keep,) = re.findall("--keep (\\d+)", str(refused.value))
    mined(nearest=12, csp=["pool"], keep=keep)
    both_ends(reopened(tmp_path, lists), 12, 20)


def test_clipscope_is_typed_so_that_it_runs_with_the_words_there_are(
    mined: Callable[..., Negatives],
) -> None:
    assert runnable(near=0, far=9) == runnable(near=9, far=0) == too_few(mined()) == ""
    assert runnable(near=5000, far=5000) == "clipscope"
    assert runnable(near=5000, far=4999) == "clipscope:far=mined"
    assert too_few(mined(nearest=12)) == (
        "clipscope takes 5,000 words of each end by default: use --score "
        "clipscope:near=mined,far=mined"
    )
