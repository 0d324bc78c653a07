"""Claims about the images of a bank, and what is said of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

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
from oodcache.score.inputs.bank_images import BankImages, open_bank
from oodcache.score.inputs.question import Question
from oodcache.score.inputs.selection import select
from oodcache.score.measures.result import STANDARD, Conventions
from oodcache.score.onepass.onepass import Classes

CLASSES = unit(4, 1, 8)
LABELS = np.arange(120) % 4


def around(seed: int) -> Vectors:
    near = CLASSES[LABELS] + 0.3 * np.random.default_rng(seed).normal(size=(120, 8))
    return (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)


TRAIN, INSIDE, OUTSIDE = around(2), around(3), unit(60, 4, 8)
NAMES = ("class 2", "class 0", "class 3", "class 1")
FOLDERS = [NAMES.index(f"class {label}") for label in LABELS]


@pytest.fixture(autouse=True)
def files(
    write_images: Callable[..., ImageFile], write_texts: Callable[..., TextFile]
) -> Callable[..., ImageFile]:
    write_texts("four", CLASSES)
    write_images("inside", INSIDE)
    write_images("outside", OUTSIDE)
    write_images("train", TRAIN, labels=FOLDERS, label_names=NAMES, failed=[5])
    return write_images


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., tuple[BankImages, list[str]]]:
    """Open a bank of the cache; return it, and what was said."""

    def run(
        typed: str, labels: str = "own", seed: int = 0, conventions: Conventions = STANDARD
    ) -> tuple[BankImages, list[str]]:
        said: list[str] = []
        question = Question(
            *(tmp_path, ["tiny"], "inside", ["outside"]),
            bank=typed,
            bank_labels=labels,
            bank_seed=seed,
            conventions=conventions,
        )
        bank = open_bank(question, select(question, "tiny"), said.append)
        return bank, said

    return run


Opened = Callable[..., tuple[BankImages, list[str]]]
HEAD = Classes(CLASSES, 40.0, -12.0)
KEPT = np.delete(np.arange(120), 5)


def silent(text: str) -> None:
    raise AssertionError(text)


def test_a_bank_is_every_image_that_could_be_decoded_with_the_class_of_its_folder(
    opened: Opened,
) -> None:
    bank = opened("train")[0].against(HEAD, silent)
    np.testing.assert_allclose(bank.vectors, TRAIN[KEPT], atol=1e-7)
    assert np.array_equal(bank.labels, LABELS[KEPT])
    assert not bank.labels_are_predictions


def test_the_classes_of_a_bank_whose_labels_are_numbers_are_those_numbers(
    opened: Opened, files: Callable[..., ImageFile]
) -> None:
    source = {"name": "numbers", "fingerprint": "f", "labels": "numbers"}
    names = ("2", "0", "3", "1")
    labels = [names.index(str(label)) for label in LABELS]
    files("numbers", TRAIN, labels=labels, label_names=names, failed=[5], source=source)
    assert np.array_equal(opened("numbers")[0].against(HEAD, silent).labels, LABELS[KEPT])


def test_the_seed_of_a_bootstrap_does_not_move_a_banks_draw(opened: Opened) -> None:
    plain, other = (
        opened("train:3", conventions=Conventions(bootstrap=9, seed=seed))[0].against(HEAD, silent)
        for seed in (0, 5)
    )
    assert np.array_equal(plain.vectors, other.vectors)


def test_so_many_of_each_class_are_drawn_by_the_seed(opened: Opened) -> None:
    banks = [opened("train:3", seed=seed)[0].against(HEAD, silent) for seed in (0, 0, 1)]
    assert np.array_equal(np.bincount(banks[0].labels), [3, 3, 3, 3])
    assert np.array_equal(banks[0].vectors, banks[1].vectors)
    assert not np.array_equal(banks[0].vectors, banks[2].vectors)
    assert set(map(bytes, banks[0].vectors)) <= set(map(bytes, opened("train")[0].vectors))


def test_predicted_labels_are_the_nearest_classes(opened: Opened) -> None:
    bank = opened("train", "predicted")[0].against(HEAD, silent)
    assert bank.labels_are_predictions
    nearest = (TRAIN[KEPT].astype(float) @ CLASSES.T.astype(float)).argmax(axis=1)
    assert np.array_equal(bank.labels, nearest)
    few = opened("train:2", "predicted")[0].against(HEAD, silent)
    assert np.array_equal(np.bincount(few.labels), [2, 2, 2, 2])


def test_images_of_other_classes_are_left_out_and_said(
    opened: Opened, files: Callable[..., ImageFile]
) -> None:
    folders = np.where(LABELS == 3, 1, 0)
    files("mixed", TRAIN, labels=folders, label_names=("class 0", "a dog"))
    bank, said = opened("mixed")
    assert len(bank.against(HEAD, silent).vectors) == 90
    assert said == ["--bank mixed: 30 images of other classes are skipped"]


def test_classes_with_fewer_images_than_asked_for_are_counted(opened: Opened) -> None:
    said: list[str] = []
    bank = opened("train:30")[0].against(HEAD, said.append)
    assert np.array_equal(np.bincount(bank.labels), [30, 29, 30, 30])
    assert said == [
        "--bank train:30: 1 of 4 classes have fewer than 30 images; all of theirs are used"
    ]


def test_a_bank_that_cannot_be_is_told_why(
    opened: Opened, files: Callable[..., ImageFile], tmp_path: Path
) -> None:
    files("bare", TRAIN)
    files("dogs", TRAIN, labels=[0] * 120, label_names=["a dog"])
    files("other", TRAIN, weights="2" * 64)
    for typed, words in (
        ("train:0", "--bank train:0: give NAME, or NAME:N for N images per class"),
        ("train:imagenet10", "give NAME, or NAME:N"),
        ("bare:2", "--bank bare:2: has no labels; use --bank-labels predicted"),
        ("dogs", "--bank dogs: no image has a label among the classes of four"),
        ("trian", "no images 'trian' (there are: bare, dogs, inside, other, outside, train)"),
        ("other", "scores cannot mix them"),
    ):
        with pytest.raises(InputError, match=re.escape(words)):
            opened(typed)


def test_a_result_is_that_of_scikit_learns_neighbours(score: Callable[..., Evaluated]) -> None:
    found = score("knn:k=7", "max-logit", bank="train").results
    trained = NearestNeighbors(n_neighbors=7, algorithm="brute").fit(TRAIN[KEPT].astype(float))
    far = [trained.kneighbors(one.astype(float))[0][:, 6] for one in (INSIDE, OUTSIDE)]
    expected = roc_auc_score([1] * 120 + [0] * 60, -np.concatenate(far))
    assert found[0].auroc == pytest.approx(expected, abs=1e-12)
    assert (found[0].bank, found[0].negatives, found[1].bank) == ("train", None, None)


def test_a_result_says_whose_labels_were_taken(score: Callable[..., Evaluated]) -> None:
    found = score("she", bank="train:3", bank_labels="predicted").results[0]
    assert (found.bank, found.bank_labels) == ("train:3", "predicted")


def test_a_bank_is_named_in_the_provenance(score: Callable[..., Evaluated]) -> None:
    assert score("knn:k=7", bank="train").files[-1].path.name == "train.h5"


def test_images_that_are_in_the_bank_as_well_are_said(
    score: Callable[..., Evaluated], files: Callable[..., ImageFile]
) -> None:
    files("inside", np.concatenate([INSIDE, TRAIN[10:14]]))
    said: list[str] = []
    found = score("knn:k=7", "mcm", bank="train", note=said.append).results
    assert [one.bank_shared_images for one in found] == [{"inside": 4}, None]
    assert said == [
        "inside: 124 of 124 images have no label among the classes of four; they count as ID, but "
        "not in the accuracy",
        "inside: 4 images have the same vector as an image of the bank train: they are no test of "
        "its scores",
    ]


def test_every_template_has_the_bank_scored_against_its_own_classes(
    score: Callable[..., Evaluated], write_texts: Callable[..., TextFile]
) -> None:
    write_texts("four", CLASSES, unit(4, 9, 8), templates=("a {}", "the {}"))
    found = score("she", "knn:k=7", bank="train", templates=("each",)).results
    assert found[0].auroc != found[2].auroc
    assert found[1].auroc == found[3].auroc
