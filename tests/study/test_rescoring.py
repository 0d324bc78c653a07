"""Claims about scores that are computed again from the cache: they are those of the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from samples.score.files import write_images, write_texts

from oodcache.cache import subsets
from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import write_negatives
from oodcache.cache.watch import Watch
from oodcache.report.saved.results import Saved, parsed
from oodcache.report.tables.formats import to_json
from oodcache.score import scoring
from oodcache.score.files import writing
from oodcache.score.inputs.question import Question
from oodcache.score.words.leak_search import LeakSearch
from oodcache.score.words.miner import MiningRequest, mine
from oodcache.study.rescoring import rescored

__all__ = ["write_images", "write_texts"]
NAMES = ("cat", "dog")


def unit(rows: int, seed: int) -> npt.NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(rows, 6))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def gap(batch: Any, *, k: int = 1) -> Any:
    ordered = np.sort(batch.cosines, axis=1)
    return ordered[:, -1] - ordered[:, -1 - k]


@pytest.fixture
def asked(
    tmp_path: Path, write_images: Callable[..., Any], write_texts: Callable[..., Any]
) -> Question:
    """Write two templates, ID and OOD images and a bank; return a question about them."""
    write_texts("pets", unit(2, 0), unit(2, 1), class_names=NAMES, templates=("a {}", "the {}"))
    for seed, name in enumerate(("inside", "outside", "train", "others"), 2):
        write_images(name, unit(30, seed), labels=[0, 1] * 15, label_names=NAMES)
    return Question(
        *(tmp_path, ["tiny"], "inside", ["outside"]),
        templates=["each"],
        bank="train:3",
        bank_seed=7,
        select_on="others",
    ).asking(["mcm:temperature=1|0.01", "knn:k=2", gap])


def answered(question: Question) -> tuple[Saved, Sequence[Any]]:
    """Return the results of a question as a file has them, and every score behind them."""
    found = scoring.score(question, Watch(), command="")
    kept = scoring.evaluate(question, Watch(), keep=True).kept
    text = to_json(found.results, found.differences, found.provenance)
    return parsed(text.encode(), Path("r.json")), writing.parts([row for row in kept if row.picked])


def test_scores_in_memory_are_those_of_the_question(asked: Question) -> None:
    saved, wanted = answered(asked)
    found = rescored(saved, asked, (), Watch())
    assert [(one.template, one.data_set) for one in found] == [
        (template, name) for template in ("a {}", "the {}") for name in ("inside", "outside")
    ]
    tested = [part for part in wanted if part.data_set != "others"]
    for one, other in zip(found, tested, strict=True):
        shown = {name: scores.tolist() for name, scores in one.scores.items()}
        assert len(shown) == 2 * 3
        assert shown == {name: other.scores[name].tolist() for name in shown}


def test_a_bank_is_drawn_again_with_the_seed_in_the_file(asked: Question) -> None:
    asked = replace(asked, variants=asked.variants[:-1])  # Without the user's score.
    saved, wanted = answered(asked)
    assert saved.provenance["bank_seed"] == 7
    found = rescored(saved, Question(asked.cache, (), ""), (), Watch())
    knn = [part.scores["knn:k=2"].tolist() for part in found]
    assert knn == [p.scores["knn:k=2"].tolist() for p in wanted if p.data_set != "others"]
    older = {one: value for one, value in saved.provenance.items() if one != "bank_seed"}
    other = rescored(replace(saved, provenance=older), replace(asked, bank_seed=0), (), Watch())
    assert knn != [part.scores["knn:k=2"].tolist() for part in other]
    wrong = replace(saved, provenance={"bank_seed": "seven"})
    with pytest.raises(InputError, match=r"^r\.json: 'bank_seed' is 'seven', not a whole number"):
        rescored(wrong, asked, (), Watch())


def test_scores_of_a_model_without_texts_are_found_again(
    tmp_path: Path, write_images: Callable[..., Any]
) -> None:
    dino = {"pretrained": "dino", "logit_scale": None, "logit_bias": None}
    for seed, name in enumerate(("inside", "outside", "train")):
        write_images(name, unit(30, seed), labels=[0, 1] * 15, label_names=NAMES, **dino)
    asked = Question(tmp_path, ["dino"], "inside", ["outside"], bank="train").asking(["knn:k=2"])
    saved, wanted = answered(asked)
    found = rescored(saved, Question(tmp_path, (), ""), (), Watch())
    assert [one.template for one in found] == ["bank-means"] * 2
    for one, other in zip(found, wanted, strict=True):
        assert one.scores["knn:k=2"].tolist() == other.scores["knn:k=2"].tolist()


def test_a_users_score_in_a_file_needs_its_code(asked: Question) -> None:
    saved, _ = answered(asked)
    cache = Question(asked.cache, (), "")
    with pytest.raises(InputError, match=r"r\.json: made with 'gap', code of your own; add"):
        rescored(saved, cache, (), Watch())
    found = rescored(saved, cache, [gap], Watch())
    assert "gap:k=1" in found[0].scores


def test_names_of_a_subsets_source_are_found_again(
    tmp_path: Path, write_images: Callable[..., Any], write_texts: Callable[..., Any]
) -> None:
    ten = subsets.known("imagenet10")
    write_texts("imagenet", unit(10, 0), class_names=[*"abcdefghij"], ids=ten.ids)
    write_texts("imagenet10", unit(10, 1), class_names=ten.names, ids=ten.ids)
    write_images("val", unit(20, 2), labels=[*range(10)] * 2, label_names=ten.ids)
    write_images("outside", unit(9, 3))
    question = Question(tmp_path, ["tiny"], "val:imagenet10", ["outside"], class_names="source")
    saved, wanted = answered(question.asking(["mcm"]))
    found = rescored(saved, Question(tmp_path, (), ""), (), Watch())
    assert [part.scores["mcm"].tolist() for part in found] == [
        part.scores["mcm"].tolist() for part in wanted
    ]


def test_csid_images_are_scored_again_for_any_kind_of_positives(asked: Question) -> None:
    asked = replace(asked, csid=["others"], select_on=None, variants=asked.variants[:1])
    saved, wanted = answered(asked)
    full = tuple(one for one in saved.results if one.id == "full-spectrum")
    found = rescored(replace(saved, results=full), Question(asked.cache, (), ""), (), Watch())
    names = ("inside", "outside", "others")
    assert [one.data_set for one in found] == [*names, *names]
    for one, other in zip(found, wanted, strict=True):
        assert one.scores["mcm"].tolist() == other.scores["mcm"].tolist()


def test_words_that_were_left_out_are_left_out_again(
    tmp_path: Path, write_images: Callable[..., Any], write_texts: Callable[..., Any]
) -> None:
    write_texts("pets", unit(2, 0), class_names=NAMES)
    write_texts("words", unit(9, 1), class_names=[f"word {place}" for place in range(9)])
    labels = [place % 3 for place in range(30)]
    write_images("inside", unit(30, 2))
    write_images("outside", unit(30, 3), labels=labels, label_names=["Word-1", "word 4", "stone"])
    request = MiningRequest(tmp_path, "tiny", "far", "pets", ["words"], keep="100%")
    mined = mine(request, Watch())
    write_negatives(mined.path, mined)
    asked = Question(
        *(tmp_path, ["tiny"], "inside", ["outside"]),
        classes="pets",
        negatives="far",
        leaks=LeakSearch(leave_out=True),
    ).asking(["eoe"])
    saved, wanted = answered(asked)
    assert saved.provenance["leaks"]["left_out"] == ["word 1", "word 4"]
    found = rescored(saved, Question(tmp_path, (), ""), (), Watch())
    assert [part.scores["eoe"].tolist() for part in found] == [
        part.scores["eoe"].tolist() for part in wanted
    ]
    whole = rescored(replace(saved, provenance={}), Question(tmp_path, (), ""), (), Watch())
    assert whole[0].scores["eoe"].tolist() != found[0].scores["eoe"].tolist()
    for leaks, words in (
        ({"left_out": [4]}, "'leaks.left_out' has 4, not a text"),
        ({"left_out": "abc"}, "without a list 'left_out'"),
        ([], "without a list 'left_out'"),
    ):
        with pytest.raises(InputError, match=words):
            rescored(replace(saved, provenance={"leaks": leaks}), asked, (), Watch())
