"""Claims about the classes of a bank, and about what a model without texts cannot have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.score.inputs import bank_classes
from oodcache.score.inputs.question import Question
from oodcache.score.onepass.variants import parse_all

WriteImages = Callable[..., ImageFile]
WITHOUT_SCALE = ["mahalanobis", "rmds", "residual", "she", "probe", "fdbd"]
VECTORS = np.eye(4, dtype=np.float32)


def question(*scores: str, **changes: Any) -> Question:
    asked = Question(Path("embeddings"), ["tiny"], "inside", ["outside"], **{"bank": "b"} | changes)
    return asked.asking(scores)


def refused(*scores: str, **changes: Any) -> str:
    with pytest.raises(InputError) as caught:
        bank_classes.check(question(*scores, **changes), "timm/tiny", ["inside"], "timm:tiny")
    return str(caught.value)


def test_classes_are_the_labels_of_images_that_could_be_decoded(write_images: WriteImages) -> None:
    names = ("cat", "dog", "cow")
    bank = write_images("b", VECTORS, labels=[2, 0, -1, 1], label_names=names, failed=[3])
    assert bank_classes.vocabulary(bank).names == ("cat", "cow")
    assert bank_classes.vocabulary(bank).templates == ()


def test_a_bank_without_labels_is_one_class(write_images: WriteImages) -> None:
    bank = write_images("b", VECTORS)
    assert bank_classes.vocabulary(bank).names == (bank_classes.EVERY_IMAGE,)
    assert not bank_classes.has_labels(bank)


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"classes": "pets"}, "--classes pets"),
        ({"templates": ["a {}"]}, "--template a {}"),
        ({"class_names": "source"}, "--class-names source"),
        ({"negatives": "words"}, "--negatives words"),
        ({"bank_labels": "predicted"}, "--bank-labels predicted"),
    ],
)
def test_options_of_texts_are_refused(changes: dict[str, Any], option: str) -> None:
    assert refused("knn", **changes) == f"{option}: timm/tiny has no class texts; omit it"


@pytest.mark.parametrize(
    ("score", "said"),
    [
        ("mcm", "--score mcm: needs class texts, and timm/tiny has none; use a score of a bank: "),
        ("neglabel", "--score neglabel: needs negatives, which are texts, and timm/tiny has none"),
        (
            "vim",
            "--score vim: its temperature is the model's own, and timm/tiny has no logit scale; "
            "give a number, such as --score vim:temperature=0.1",
        ),
    ],
)
def test_a_score_that_needs_texts_or_their_scale_is_refused(score: str, said: str) -> None:
    assert refused("knn", score).startswith(said)


def test_every_score_that_is_offered_instead_is_accepted() -> None:
    offered = refused("mcm").split("a bank: ")[1].split(", ")
    assert [one for one in offered if ":" not in one] == ["knn", *WITHOUT_SCALE]
    assert "vim:temperature=0.1" in offered
    bank_classes.check(question(*offered), "timm/tiny", ["inside"], "timm:tiny")


@pytest.mark.parametrize("score", ["knn", "mahalanobis", "rmds", "residual", "she", "vim", "klm"])
def test_scores_of_a_bank_need_no_texts_if_their_temperature_is_a_number(score: str) -> None:
    is_cold = score in ("vim", "klm")
    asked = question(f"{score}:temperature=0.1" if is_cold else score)
    bank_classes.check(asked, "timm/tiny", ["inside"], "timm:tiny")


def test_a_bank_is_asked_for_with_the_command_that_makes_one() -> None:
    assert refused("knn", bank=None) == (
        "timm/tiny has no class texts, so scores take a bank's classes: give --bank NAME, training "
        "images; make them with: oodcache extract --model timm:tiny NAME=FOLDER"
    )


def test_the_default_scores_are_those_that_need_no_text(write_images: WriteImages) -> None:
    labelled = write_images("b", VECTORS, labels=[0, 0, 1, 1], label_names=("cat", "dog"))
    found = bank_classes.variants(question(), labelled)
    assert [one.label for one in found] == ["knn", "mahalanobis"]
    found = bank_classes.variants(question(), write_images("bare", VECTORS))
    assert [one.label for one in found] == ["knn"]


def test_a_typed_score_that_needs_labels_is_refused_for_a_bank_without(
    write_images: WriteImages,
) -> None:
    bare = write_images("bare", VECTORS)
    asked = question("knn", "residual", bank="bare")
    assert list(bank_classes.variants(asked, bare)) == parse_all(["knn", "residual"])
    with pytest.raises(InputError) as caught:
        bank_classes.variants(question("knn", "mahalanobis", bank="bare"), bare)
    assert str(caught.value) == (
        "bank bare: has no labels, which mahalanobis needs; use a bank in class folders, or "
        "--score knn, residual"
    )
