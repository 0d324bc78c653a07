"""Claims about models without texts: a bank's classes, scores by other libraries, refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.score.negatives import unit
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile
from oodcache.score.evaluation import Evaluated
from oodcache.score.formulas.tile import Vectors
from oodcache.score.inputs.question import Question
from oodcache.score.inputs.without_texts import check_has_texts, select
from oodcache.score.measures.result import MEANS
from oodcache.score.onepass.default_scores import default
from oodcache.score.onepass.variants import parse_all
from oodcache.score.own.batch import Batch
from oodcache.score.own.loading import of_function

LABELS = np.arange(90) % 3
NAMES = ("cat", "dog", "cow")
DINO = {"logit_scale": None, "logit_bias": None, "architecture": {"timm": "dino"}}
Score = Callable[..., Evaluated]


def around(seed: int) -> Vectors:
    near = unit(3, 1, 8)[LABELS] + 0.35 * np.random.default_rng(seed).normal(size=(90, 8))
    return (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)


TRAIN, INSIDE, OUTSIDE = around(2), around(3), unit(60, 4, 8)
# The same classes, in another order of their names.
INSIDE_NAMES = ("dog", "cow", "cat")
INSIDE_LABELS = np.array([INSIDE_NAMES.index(NAMES[label]) for label in LABELS])


@pytest.fixture(autouse=True)
def files(write_images: Callable[..., ImageFile]) -> Callable[..., ImageFile]:
    """Write images of a model without texts."""
    write_images("inside", INSIDE, labels=INSIDE_LABELS, label_names=INSIDE_NAMES, **DINO)
    write_images("outside", OUTSIDE, **DINO)
    write_images("train", TRAIN, labels=LABELS, label_names=NAMES, **DINO)
    write_images("bare", TRAIN, **DINO)
    return write_images


def nearest_mean(bank: Vectors, labels: np.ndarray) -> float:
    """Return the share of ID images whose nearest class mean, by cosine, is their own."""
    means = np.array([bank[labels == label].mean(axis=0, dtype=float) for label in range(3)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return float(np.mean((INSIDE @ means.T).argmax(axis=1) == LABELS))


def test_accuracy_is_by_the_nearest_mean_of_the_banks_classes(score: Score) -> None:
    (row,) = score("knn:k=5", bank="train").results
    assert row.id_accuracy == nearest_mean(TRAIN, LABELS)
    assert 0.5 < row.id_accuracy < 1
    assert (row.classes, row.template, row.templates) == ("train", MEANS, ())


def test_knn_equals_scikit_learns_neighbours(score: Score) -> None:
    (row,) = score("knn:k=5", bank="train").results
    distance = NearestNeighbors(n_neighbors=5).fit(TRAIN).kneighbors
    scores = [-distance(images)[0][:, -1] for images in (INSIDE, OUTSIDE)]
    truth = np.repeat([1, 0], [len(INSIDE), len(OUTSIDE)])
    assert row.auroc == pytest.approx(roc_auc_score(truth, np.concatenate(scores)), abs=1e-9)


def test_mahalanobis_equals_the_definition(score: Score) -> None:
    (row,) = score("mahalanobis", bank="train").results
    means = np.array([TRAIN[label == LABELS].mean(axis=0, dtype=float) for label in range(3)])
    about = TRAIN - means[LABELS]
    inverse = np.linalg.inv(about.T @ about / len(about))

    def near(images: Vectors) -> np.ndarray:
        away = images[:, None] - means
        return -np.einsum("ikd,de,ike->ik", away, inverse, away).min(axis=1)

    truth = np.repeat([1, 0], [len(INSIDE), len(OUTSIDE)])
    expected = roc_auc_score(truth, np.concatenate([near(INSIDE), near(OUTSIDE)]))
    assert row.auroc == pytest.approx(expected, abs=1e-9)


def test_a_drawn_bank_has_the_means_of_its_drawn_images(score: Score) -> None:
    (row,) = score("mahalanobis", bank="train:2").results
    generator, drawn = np.random.default_rng(0), []
    for label in range(3):
        drawn.extend(generator.permutation(np.flatnonzero(label == LABELS))[:2])
    drawn = np.sort(drawn)
    assert row.id_accuracy == nearest_mean(TRAIN[drawn], LABELS[drawn])


def test_a_bank_without_labels_has_scores_and_no_accuracy(score: Score) -> None:
    notes: list[str] = []
    bare, labelled = (
        score("knn:k=5", "residual", bank=name, note=notes.append).results
        for name in ("bare", "train")
    )
    assert [one.auroc for one in bare] == [one.auroc for one in labelled]
    assert [one.id_accuracy for one in bare] == [None, None]
    assert not any("accuracy" in note for note in notes)


def test_a_model_without_texts_needs_a_bank(score: Score) -> None:
    with pytest.raises(InputError) as caught:
        score("knn")
    assert str(caught.value) == (
        "Tiny/one has no class texts, so scores take a bank's classes: give --bank train, if it "
        "holds training images"
    )


def test_a_bank_of_other_weights_is_refused(score: Score, files: Callable[..., ImageFile]) -> None:
    files("other", TRAIN, labels=LABELS, label_names=NAMES, weights="2" * 64, **DINO)
    with pytest.raises(InputError, match="made with weights 1"):
        score("knn", bank="other")


def test_a_score_of_ones_own_has_images_and_the_bank_but_no_classes(score: Score) -> None:
    def near(batch: Batch) -> Any:
        return (batch.images @ batch.bank.vectors.T).max(axis=1)

    def maximum(batch: Batch) -> Any:
        return batch.cosines.max(axis=1)

    def asked(function: Any) -> Evaluated:
        own = of_function(function)
        variants = parse_all([function.__name__], {function.__name__: own})
        return score(variants=variants, bank="train")

    assert asked(near).results[0].auroc > 0.5
    with pytest.raises(InputError, match=r"reads batch\.cosines, but the model has no class texts"):
        asked(maximum)


def test_images_of_a_model_with_a_scale_still_want_their_texts(
    score: Score, files: Callable[..., ImageFile]
) -> None:
    for name, vectors in (("inside", INSIDE), ("outside", OUTSIDE), ("train", TRAIN)):
        files(name, vectors, pretrained="scaled")
    with pytest.raises(InputError, match="no vocabulary 'NAME'"):
        score("knn", model="Tiny/scaled", bank="train")


def test_imported_images_without_texts_are_scored_with_a_bank(
    tmp_path: Path, files: Callable[..., ImageFile], score: Score
) -> None:
    bare = {"logit_scale": None, "logit_bias": None, "architecture": {}, "pretrained": "imported"}
    for name, vectors in (("inside", INSIDE), ("outside", OUTSIDE)):
        files(name, vectors, **bare)
    files("train", TRAIN, labels=LABELS, label_names=NAMES, **bare)
    (row,) = score("knn:k=5", model="Tiny/imported", bank="train").results
    assert row.template == MEANS
    with pytest.raises(InputError, match="no vocabulary 'NAME'"):
        score("mcm", model="Tiny/imported", bank="train")


def test_texts_are_used_where_there_are_some(
    tmp_path: Path, write_texts: Callable[..., TextFile]
) -> None:
    write_texts("pets", unit(3, 1, 8), architecture=DINO["architecture"])
    asked = Question(tmp_path, ["tiny"], "inside", ["outside"])
    found = select(asked, "tiny")
    assert found.texts is not None and found.bank is None
    check_has_texts(asked, "tiny", "a detector")


@pytest.mark.parametrize("bank", [None, "train"])
def test_what_needs_texts_is_refused_before_a_bank_is_asked_for(
    tmp_path: Path, bank: str | None
) -> None:
    asked = Question(tmp_path, ["tiny"], "inside", ["outside"], bank=bank)
    with pytest.raises(InputError, match="^a detector needs class texts, and Tiny/one has none; "):
        check_has_texts(asked, "tiny", "a detector")


def test_shots_are_an_axis_of_every_score_and_of_the_accuracy(score: Score) -> None:
    scores = ("probe:C=10", "fdbd", "knn:k=1")
    together = score(*scores, bank="train:2|9").results
    for number in (2, 9):
        found = [one for one in together if one.shots and one.shots.per_class == number]
        alone = score(*scores, bank=f"train:{number}").results
        assert [replace(one, shots=None) for one in found] == list(alone)
    assert len(together) == 6
    assert len({one.id_accuracy for one in together}) == 2


def test_the_default_score_of_few_shots_without_texts_is_the_probe(score: Score) -> None:
    variants = parse_all(default(None, "train:2|9"))
    rows = score(bank="train:2|9", variants=variants).results
    assert [(one.score, one.shots and one.shots.per_class) for one in rows] == [
        ("probe", 2),
        ("probe", 9),
    ]
