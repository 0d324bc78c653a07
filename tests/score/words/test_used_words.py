"""Claims about the words of a score: they are those whose vectors it is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from samples.score.words import ADJECTIVES, CLASSES, NOUNS, POOL, words_of

from oodcache.cache.files.negatives import Negatives
from oodcache.cache.files.texts import TextFile
from oodcache.score.formulas.definition import VOCABULARY
from oodcache.score.formulas.negative_sums import NegativeSums
from oodcache.score.formulas.registry import SCORES
from oodcache.score.inputs.selection import Selection, Vectors
from oodcache.score.onepass.onepass import Classes, fit_all
from oodcache.score.onepass.variants import parse
from oodcache.score.streams.context import NamedRows, NamedVectors
from oodcache.score.words.ends import both_ends
from oodcache.score.words.negatives import Mined, open_negatives
from oodcache.score.words.used_words import used_words

ROWS = {
    word: row
    for letter, rows in (("noun", NOUNS), ("adjective", ADJECTIVES), ("pool", POOL))
    for word, row in zip(words_of(letter, len(rows)), rows, strict=True)
}
NEEDING = [name for name, one in SCORES.items() if one.needs == "negatives" and not one.ends]
CHOICES = ("", "percentile=50", "number=7", "number=3,percentile=80")


@pytest.fixture
def opened(tmp_path: Path, mined: Callable[..., Negatives], lists: dict[str, TextFile]) -> Mined:
    mined(csp=["pool"], nearest=12)
    texts = lists["pets"]
    return open_negatives(tmp_path, Selection(texts, np.arange(len(CLASSES)), ()), "x")


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", [*NEEDING, "oodd:base=neglabel"])
def test_the_words_are_those_of_the_vectors_that_a_score_asks_for(
    opened: Mined, name: str, choice: str
) -> None:
    parameters = SCORES[name].parameters if name in SCORES else {}
    if choice and "number" not in parameters:
        choice = ""
    groups = "groups=2" if "groups" in parameters else ""
    given = ",".join(filter(None, (choice, groups)))
    specification = f"{name}:{given}" if given else name
    if name not in SCORES:
        specification = "oodd:base=neglabel-sigmoid"
    (variant,) = parse(specification)
    asked: list[Vectors] = []

    def choose(**which: object) -> Vectors:
        asked.append(opened.vectors(**which))  # type: ignore[arg-type]
        return asked[-1]

    fit_all([variant], Classes(CLASSES, 40.0, -12.0), NegativeSums("x", choose))
    words = used_words(variant, opened, NamedVectors())
    assert np.array_equal(np.array([ROWS[word] for word in words]), asked[0])
    assert len(asked) == 1


@pytest.mark.parametrize("ends", ["near=mined,far=mined", "near=6,far=3"])
def test_both_ends_are_the_words_of_their_vectors(opened: Mined, ends: str) -> None:
    (variant,) = parse(f"clipscope:{ends}")
    words = used_words(variant, opened, NamedVectors())
    counts = (None, None) if "mined" in ends else (6, 3)
    assert np.array_equal(np.array([ROWS[word] for word in words]), both_ends(opened, *counts))


def test_a_corpus_is_whole_and_without_negatives_there_are_no_words(opened: Mined) -> None:
    corpus = NamedRows(NOUNS[:2], words=("b", "a"))
    named = NamedVectors({(VOCABULARY, "nouns"): corpus})
    (variant,) = parse("tanl:corpus=nouns")
    assert used_words(variant, opened, named) == ("b", "a")
    (variant,) = parse("neglabel")
    assert used_words(variant, None, NamedVectors()) == ()
