"""Claims about what parameters name in the cache: whole word lists, and datasets of noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples.score.words import ADJECTIVES, CLASSES, NOUNS, unit_rows, words_of

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.negatives import Negatives
from oodcache.cache.files.texts import TextFile
from oodcache.score.evaluation import Evaluated
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Tile, Vectors
from oodcache.score.streams.activated.corpus import Corpus
from oodcache.score.streams.activated.tanl import Tanl
from oodcache.score.streams.replay import replay

INSIDE, OUTSIDE, NOISE = unit_rows(30, 7), unit_rows(20, 8), unit_rows(15, 9)
Write = Callable[..., ImageFile | TextFile]
Files = dict[str, TextFile]


@pytest.fixture(autouse=True)
def images(write_images: Write, lists: Files) -> None:
    write_images("inside", INSIDE)
    write_images("outside", OUTSIDE)


@pytest.fixture
def tanl(score: Callable[..., Evaluated]) -> Callable[..., Scores]:
    """Return the scores of the ID images and then the OOD images, in that order."""

    def run(parameters: str, **given: Any) -> Scores:
        typed = f"tanl:batch=10,words=12,{parameters}"
        kept = score(typed, classes="pets", streams=["id-first"], keep=True, **given).kept
        assert kept[0].stream is not None
        return np.concatenate([*kept[0].stream.scores.values()])

    return run


def by_hand(words: Vectors, noise: Vectors | None) -> Scores:
    """Return the scores with these words and this noise."""
    rest = {"queue": 300, "gap": 0.5, "alpha": 0.0, "weighting": 1, "batch": 10}
    method = Tanl(CLASSES, Corpus(words, 40.0), noise, number=12, **rest)
    every = np.concatenate([INSIDE, OUTSIDE])
    ahead = method.ahead(Tile(every, CLASSES, np.ascontiguousarray(CLASSES.T)))
    return replay(method, every, ahead, np.arange(50)).scores


def test_the_words_are_those_of_the_lists_that_negatives_were_mined_from(
    mined: Callable[..., Negatives], tanl: Callable[..., Scores]
) -> None:
    mined(csp=["pool"])
    found = tanl("noise=stream", negatives="x")
    np.testing.assert_allclose(
        found, by_hand(np.concatenate([NOUNS, ADJECTIVES]), None), rtol=0, atol=1e-5
    )


def test_a_row_tells_which_words_mined_stands_for_and_only_then(
    mined: Callable[..., Negatives], score: Callable[..., Evaluated]
) -> None:
    mined(csp=["pool"])
    typed = ["tanl:noise=stream", "tanl:noise=stream,corpus=nouns"]
    rows = score(*typed, classes="pets", negatives="x").results
    told = "chooses its negatives among 60 words: nouns and adjectives, which x was mined from"
    assert [one.stream.note for one in rows if one.stream is not None] == [told, ""]


def test_a_list_and_noise_are_found_by_their_names(
    tanl: Callable[..., Scores], write_images: Write
) -> None:
    write_images("noise15", NOISE, encoding={"size": 8, "mean": "none"})
    found = tanl("corpus=nouns")
    np.testing.assert_allclose(found, by_hand(NOUNS, NOISE), rtol=0, atol=1e-5)
    write_images("other", NOISE[:4], failed=[0])
    found = tanl("corpus=nouns,noise=other")
    np.testing.assert_allclose(found, by_hand(NOUNS, NOISE[1:4]), rtol=0, atol=1e-5)


def test_class_names_and_duplicates_are_no_words(
    tanl: Callable[..., Scores], write_texts: Write
) -> None:
    names = [*words_of("word", 10), "CLASS03", "word04"]
    write_texts("mixed", NOUNS[:12], class_names=names)
    found = tanl("corpus=mixed,noise=stream")
    np.testing.assert_allclose(found, by_hand(NOUNS[:10], None), rtol=0, atol=1e-5)


@pytest.mark.parametrize("score_name", ["oodd", "adaneg", "tanl:noise=stream"])
def test_one_id_image_and_fewer_images_than_a_batch_are_scored(
    mined: Callable[..., Negatives],
    score: Callable[..., Evaluated],
    write_images: Write,
    score_name: str,
) -> None:
    mined(csp=["pool"])
    write_images("one", INSIDE[:1])
    said: list[str] = []
    found = score(score_name, classes="pets", negatives="x", id_set="one", note=said.append)
    (row,) = found.results
    assert (row.n_id, row.n_ood) == (1, 20)
    # One ID image has as many places as there are OOD images, and half places if it ties.
    assert row.auroc * 40 == pytest.approx(round(row.auroc * 40), abs=1e-9)
    label = score_name.partition(":")[0]
    told = [one for one in said if "a stream of 21 images is one batch, of " in one]
    assert len(told) == 1 and told[0].startswith(label)


def refusal(tanl: Callable[..., Scores], parameters: str, **given: Any) -> str:
    with pytest.raises(InputError) as error:
        tanl(parameters, **given)
    text = str(error.value)
    assert "\n" not in text and len(text) < 600
    return text


def test_without_negatives_noise_or_words_it_is_said_what_to_type(
    tanl: Callable[..., Scores], write_texts: Write
) -> None:
    said = refusal(tanl, "noise=stream")
    assert said.startswith("tanl needs negatives: give --negatives NAME; make them with: ")
    assert said.endswith("; or name a cached word list: tanl:corpus=adjectives or nouns or pool")
    assert refusal(tanl, "corpus=nouns").endswith(
        "make them with: oodcache extract --model tiny noise15, or use tanl:noise=stream"
    )
    assert "no vocabulary 'verbs' (there are: adjectives" in refusal(tanl, "corpus=verbs")
    assert "corpus=pets: pets has only class names" in refusal(tanl, "corpus=pets,noise=stream")


@pytest.mark.parametrize("name", ["inside", "outside"])
def test_images_that_are_scored_are_refused_as_noise(
    tanl: Callable[..., Scores], name: str
) -> None:
    assert refusal(tanl, f"corpus=nouns,noise={name}") == (
        f"tanl:noise={name}: {name} is scored in this run, so its test images would begin the OOD "
        "queue; use noise=noise15 or noise=stream"
    )


def test_words_and_noise_of_another_model_are_refused(
    tanl: Callable[..., Scores], write_texts: Write, write_images: Write
) -> None:
    write_texts("others", NOUNS, weights="2" * 64)
    assert "made with weights 22222222…" in refusal(tanl, "corpus=others,noise=stream")
    write_images("noise15", NOISE, weights="2" * 64)
    assert "made with weights 22222222…" in refusal(tanl, "corpus=nouns")
