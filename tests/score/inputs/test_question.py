"""Claims about a question: which scores it is about, and what a bank is called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Floats
from oodcache.score.inputs.question import OWN, PREDICTED, Question, bank_label
from oodcache.score.own.batch import Batch
from oodcache.score.words.leak_search import LeakSearch

QUESTION = Question(Path("embeddings"), ["tiny"], "inside", ["outside"], templates=["a {}"])
GRID = """
templates = ["each"]
[[scores]]
score = "mcm"
temperature = [1, 0.1]
"""


@pytest.fixture
def ablation(tmp_path: Path) -> Path:
    path = tmp_path / "grid.toml"
    path.write_text(GRID)
    return path


def labels(question: Question) -> list[str]:
    return [one.label for one in question.variants]


def test_what_is_typed_is_asked() -> None:
    assert labels(QUESTION.asking(["mcm:temperature=1|0.5", "energy"])) == [
        *("mcm", "mcm:temperature=0.5", "energy")
    ]


def test_without_scores_the_default_ones_are_asked() -> None:
    assert labels(QUESTION.asking([])) == [
        *("mcm", "mcm:temperature=learned", "sigmoid-mcm", "max-logit", "energy")
    ]


def test_a_file_adds_its_scores_once_and_its_templates(ablation: Path) -> None:
    found = QUESTION.asking(["energy", "mcm"], ablation)
    assert labels(found) == ["energy", "mcm", "mcm:temperature=0.1"]
    assert tuple(found.templates) == ("a {}", "each")
    assert labels(QUESTION.asking([], ablation)) == ["mcm", "mcm:temperature=0.1"]


def test_only_predicted_labels_are_told() -> None:
    assert bank_label("train:4", PREDICTED) == "train:4 (labels predicted)"
    assert bank_label("train:4", OWN) == bank_label("train:4", None) == "train:4"


def test_a_score_that_learns_from_the_stream_has_no_csid_images() -> None:
    shifted = replace(QUESTION, csid=["imagenet-r"])
    assert labels(shifted.asking(["mcm"])) == ["mcm"]
    with pytest.raises(InputError, match="--csid: oodd learns from a stream.* without --csid"):
        shifted.asking(["mcm", "oodd"])


@pytest.mark.parametrize(
    ("search", "option"),
    [
        (LeakSearch(leave_out=True), "--without-leaks"),
        (LeakSearch({"outside": Path("names.txt")}), "--leaks-of"),
        (LeakSearch(wordnet=Path("wordnet")), "--wordnet"),
    ],
)
def test_leaks_are_of_scores_that_compare_with_words(search: LeakSearch, option: str) -> None:
    asked = replace(QUESTION, leaks=search)
    for scores in (["mcm"], ["knn", "oodd"]):
        with pytest.raises(InputError, match=f"^{option} has no effect: no requested score comp"):
            asked.asking(scores)
    for score in ("neglabel", "oodd:base=eoe", "tanl:corpus=nouns", "clipscope", "adaneg"):
        assert asked.asking(["mcm", score]).leaks is search


def test_class_names_are_of_an_ood_set() -> None:
    asked = replace(QUESTION, leaks=LeakSearch({"strays": Path("names.txt")}))
    with pytest.raises(InputError, match=r"--leaks-of strays: no OOD set of this run \(outside\)"):
        asked.asking(["eoe"])


def test_a_score_of_ones_own_compares_with_words_only_if_there_are_negatives() -> None:
    def top(batch: Batch) -> Floats:
        return batch.cosines.max(axis=1)

    asked = replace(QUESTION, leaks=LeakSearch(leave_out=True))
    with pytest.raises(InputError, match="--without-leaks has no effect"):
        asked.asking([top])
    assert labels(replace(asked, negatives="far").asking([top])) == ["top"]
