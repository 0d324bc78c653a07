"""Claims about mining from a cache: what is kept, what is said, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.score.words import (
    ADJECTIVES,
    CLASSES,
    NICE,
    NOUNS,
    POOL,
    by_hand,
    unit_rows,
    words_of,
    write_old,
)

from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import Negatives
from oodcache.cache.files.texts import TextFile
from oodcache.cache.watch import Watch
from oodcache.score.words.miner import MiningRequest, write_mined

Write = Callable[..., TextFile]


def test_the_lowest_share_of_each_list_is_mined(mined: Callable[..., Negatives]) -> None:
    found = mined()
    nouns, adjectives = found.lists
    assert nouns.words == tuple(by_hand(NOUNS, "noun", 95, 6))
    assert adjectives.words == tuple(by_hand(ADJECTIVES, "adjective", 95, 3))
    assert (nouns.candidates, nouns.role, nouns.template) == (40, "negative", NICE)
    assert (found.template, found.percentile, found.keep) == (NICE, 95, "15%")
    assert (found.model, found.pretrained, found.weights) == ("Tiny", "one", "1" * 64)


def test_a_number_is_of_all_lists_together_and_a_percentile_moves_the_choice(
    mined: Callable[..., Negatives],
) -> None:
    nouns, adjectives = mined(keep="30", percentile=50).lists
    assert nouns.words == tuple(by_hand(NOUNS, "noun", 50, 20))
    assert adjectives.words == tuple(by_hand(ADJECTIVES, "adjective", 50, 10))


def test_a_conjugated_pool_is_mined_as_words_are_and_what_is_too_near_goes(
    mined: Callable[..., Negatives],
) -> None:
    notes: list[str] = []
    pool = mined(csp=["pool"], notes=notes).lists[2]
    near = (POOL.astype(float) @ CLASSES.T.astype(float)).max(axis=1) > 0.95
    assert 0 < near.sum() < 30
    assert (pool.role, pool.percentile, pool.candidates) == ("csp", 95, 30 - near.sum())
    kept = int(0.15 * (30 - near.sum()))
    assert pool.words == tuple(by_hand(POOL, "pool", 95, kept))
    assert f"pool: 30 words (skipped: {near.sum()} too near a class)" in notes[2]
    assert mined(csp=["pool"], percentile=50).lists[2].percentile == 50


def test_the_nearest_words_are_mined_beside_the_farthest(mined: Callable[..., Negatives]) -> None:
    notes: list[str] = []
    without = mined(csp=["pool"])
    found = mined(csp=["pool"], nearest=12, notes=notes)
    nouns, adjectives, pool = found.lists
    # 34 nouns and 17 adjectives are left.
    assert nouns.near == tuple(by_hand(NOUNS, "noun", 95, 40)[::-1][:8])
    assert adjectives.near == tuple(by_hand(ADJECTIVES, "adjective", 95, 20)[::-1][:4])
    assert (pool.near, found.nearest) == ((), 12)
    assert [replace(one, near=()) for one in found.lists] == [*without.lists]
    assert notes[0] == "nouns: 40 words; kept 6 of 40 candidates, and the 8 nearest"


@pytest.mark.parametrize(
    ("keep", "nearest", "words"),
    [
        ("50", 11, "--nearest 11: 10 words left beside the 50 farthest; give at most 10, or a "),
        ("59", 2, "--nearest 2: 1 word left beside the 59 farthest; give at most 1, or a smaller"),
        ("100%", 1, "--nearest 1: 0 words left beside the 60 farthest; give a smaller --keep"),
        ("50", 10, ""),
    ],
)
def test_no_word_is_in_both_ends(
    mined: Callable[..., Negatives], keep: str, nearest: int, words: str
) -> None:
    if words:
        with pytest.raises(InputError, match=words):
            mined(keep=keep, nearest=nearest)
        return
    found = mined(keep=keep, nearest=nearest)
    every = [word for one in found.lists for word in (*one.words, *one.near)]
    assert len(every) == len(set(every)) == 60


def test_a_file_without_the_near_end_that_is_asked_for_is_not_mined_already(
    tmp_path: Path, mined: Callable[..., Negatives]
) -> None:
    asked = MiningRequest(tmp_path, "tiny", "x", "pets", ["nouns", "adjectives"], nearest=4)
    mined()
    with pytest.raises(InputError, match="exists; replace it with --overwrite"):
        write_mined(asked, False, Watch())
    notes: list[str] = []
    write_mined(asked, True, Watch(notes.append))
    assert notes[-1].endswith("x.json: 9 words of 60 (--keep 15%), and the 4 nearest")
    assert notes[-2].endswith("use --score clipscope:near=mined,far=mined")
    write_mined(asked, False, Watch(notes.append))
    assert notes[-1].endswith("x.json: mined already, with the same words")
    with pytest.raises(InputError, match="exists; replace it with --overwrite"):
        write_mined(replace(asked, nearest=None), False, Watch())


def test_templates_that_cancel_each_other_out_have_no_average(
    write_texts: Write, mined: Callable[..., Negatives]
) -> None:
    write_texts("nouns", NOUNS, -NOUNS, templates=["a {}", "b {}"])
    with pytest.raises(InputError, match="templates of word 'class 0' cancel out"):
        mined(words=["nouns"])


def test_duplicates_and_class_names_are_said_and_the_empty_list_is_borne(
    mined: Callable[..., Negatives], write_texts: Write
) -> None:
    notes: list[str] = []
    write_texts("again", NOUNS, class_names=words_of("NOUN", 40), templates=[NICE])
    found = mined(words=["nouns", "again"], keep="50%", notes=notes)
    assert [len(one.words) for one in found.lists] == [20, 0]
    assert notes[1] == "again: 40 words (skipped: 40 duplicates); kept 0 of 0 candidates"
    write_texts("same", NOUNS[:9], class_names=words_of("Class", 9), templates=[NICE])
    mined(words=["nouns", "same"], notes=notes)
    assert "same: 9 words (skipped: 9 class names)" in notes[3]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"words": ["verbs"]}, r"no vocabulary 'verbs' \(there are: .*nouns.*extract --model tiny"),
        ({"csp": ["pol"]}, r"no vocabulary 'pol' .* --model tiny --classes pol=csp:FILE"),
        ({"words": ["nouns,verbs"]}, "--words 'nouns,verbs': repeat the option: --words nouns"),
        ({"words": []}, "no words to mine from; give --words"),
        ({"words": ["nouns", "nouns"]}, "vocabulary 'nouns' is given twice"),
        ({"csp": ["nouns"]}, "vocabulary 'nouns' is given twice"),
        ({"template": "each"}, "--template each: give one template"),
        ({"template": "b {}"}, "has no template 'b {}'"),
        ({"keep": "15"}, None),
        ({"keep": "some"}, "--keep: 'some' is not a share, such as 15%, or a count"),
        ({"keep": "61"}, "--keep 61: there are 60 words to choose from, fewer than 61"),
        ({"keep": "1%"}, "--keep 1%: keeps none of so few words; give a larger share"),
        ({"words": ["pets"]}, "keeps none of so few words"),
        ({"name": "../x"}, "negatives '../x' is not a valid file name"),
    ],
)
def test_what_cannot_be_mined_is_refused(
    mined: Callable[..., Negatives], changes: dict[str, Any], words: str | None
) -> None:
    if words is None:
        mined(**changes)
        return
    with pytest.raises(InputError, match=words):
        mined(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": "2" * 64}, "made with weights 22222222…, but .*pets.h5 with 11111111…"),
        ({"architecture": {"x": 1}}, "made with another architecture than .*pets.h5, though with"),
    ],
)
def test_words_of_another_model_are_refused(
    write_texts: Write, mined: Callable[..., Negatives], changes: dict[str, Any], words: str
) -> None:
    write_texts("nouns", NOUNS, **changes)
    with pytest.raises(InputError, match=f"nouns.h5: {words}.*oodcache extract --overwrite"):
        mined()


def test_words_of_other_lengths_are_refused(
    write_texts: Write, mined: Callable[..., Negatives]
) -> None:
    write_texts("nouns", np.eye(4, dtype=np.float32))
    with pytest.raises(
        InputError, match=r"vectors have dimension 4, but 6 in .*pets\.h5; extract one"
    ):
        mined()


@pytest.mark.parametrize("is_old", [False, True])
def test_what_is_mined_already_is_kept_and_with_other_templates_it_is_another_file(
    tmp_path: Path,
    mined: Callable[..., Negatives],
    lists: dict[str, TextFile],
    write_texts: Write,
    is_old: bool,
) -> None:
    found, said = mined(), list[str]()
    if is_old:
        write_old(found, lists["pets"])
    request = MiningRequest(tmp_path, "tiny", "x", "pets", ["nouns", "adjectives"])
    write_mined(request, False, Watch(said.append))
    assert said[-1] == f"{found.path}: mined already, with the same words"
    rows = unit_rows(9, 20)
    write_texts("pets", CLASSES, rows, class_names=words_of("class", 9), templates=[NICE, "a {}"])
    with pytest.raises(InputError, match=r"exists, of other vectors or templates; replace it"):
        write_mined(request, False, Watch())
    write_mined(replace(request, template=NICE), False, Watch(said.append))
    assert said[-1] == f"{found.path}: mined already, with the same words"
