"""Claims about linear probes: scikit-learn's logistic regression gives the same probabilities."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from samples.score.banks import LOGIT_SCALE, Vectors, around, made, ranked, shown, unit
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, PredefinedSplit

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Hint
from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.few_shot.probe import (
    CROSS_VALIDATED,
    TRIED,
    LinearProbe,
    rank_probe,
    rank_with_zero_shot,
    shown_probability,
)
from oodcache.score.formulas.tile import Tile, digests

TAU = 1 / LOGIT_SCALE
# lbfgs stops where the loss no longer falls in float64; Newton's method goes on.
CLOSE = 1e-4


def regression(bank: Bank, C: float) -> Any:
    labelled = bank.labels >= 0
    vectors = bank.vectors[labelled].astype(np.float64)
    newton = LogisticRegression(C=C, solver="newton-cg", tol=1e-12, max_iter=10_000)
    return newton.fit(vectors, bank.labels[labelled])


def zero_shot(bank: Bank, images: Vectors, temperature: float) -> Scores:
    cosine = images.astype(np.float64) @ bank.classes.T.astype(np.float64)
    return np.asarray(softmax(cosine / temperature, axis=1))


@pytest.mark.parametrize("C", [0.1, 10.0, 1000.0])
@pytest.mark.parametrize("classes", [2, 3, 20])
def test_probe_is_the_largest_probability_of_scikit_learn(classes: int, C: float) -> None:
    bank, images = made(200, classes).bank, unit(60)
    expected = regression(bank, C).predict_proba(images.astype(np.float64)).max(axis=1)
    np.testing.assert_allclose(shown("probe", bank, images, C=C), expected, rtol=CLOSE)


@pytest.mark.parametrize("temperature", [TAU, 0.5, 10.0])
@pytest.mark.parametrize("classes", [2, 3, 20])
def test_probe_zero_shot_averages_two_softmaxes(classes: int, temperature: float) -> None:
    bank = made(200, classes).bank
    images = np.concatenate([unit(60), bank.classes])
    of_probe = regression(bank, 10.0).predict_proba(images.astype(np.float64))
    expected = ((of_probe + zero_shot(bank, images, temperature)) / 2).max(axis=1)
    found = shown("probe-zero-shot", bank, images, C=10.0, temperature=temperature)
    np.testing.assert_allclose(found, expected, rtol=CLOSE)


def test_images_without_a_label_teach_nothing() -> None:
    whole, images = made(200, 4).bank, unit(30)
    labels = whole.labels.copy()
    labels[120:] = -1
    some = made(200, 4, vectors=whole.vectors, labels=labels).bank
    few = made(120, 4, vectors=whole.vectors[:120], labels=labels[:120]).bank
    assert np.array_equal(ranked("probe", some, images), ranked("probe", few, images))


def test_ranks_survive_probabilities_that_are_one() -> None:
    bank = made(300, 5).bank
    images = around(bank.classes, np.zeros(500, np.intp), spread=0.05)
    tile = Tile(images, bank.classes, bank.columns)
    steep = LinearProbe(100 * bank.classes.astype(np.float64), np.zeros(5), np.arange(5))
    ranks = rank_probe(tile, steep, C=1.0)
    both = rank_with_zero_shot(tile, steep, C=1.0, temperature=0.01)
    for found in (ranks, both):
        assert set(shown_probability(found, 5)) == {1.0}
        assert len(np.unique(found)) == 500
    # The two are one softmax here, but for the rounding of the cosines.
    np.testing.assert_allclose(both, ranks, rtol=1e-6)


@pytest.mark.parametrize("each", [2, 3, 8])
def test_c_is_the_one_that_a_grid_search_over_the_same_folds_chooses(each: int) -> None:
    classes, folds = 6, min(5, each)
    bank = made(classes * each, classes).bank
    order = np.lexsort((digests(bank.vectors), bank.labels))
    vectors, labels = bank.vectors[order].astype(np.float64), bank.labels[order]
    split = PredefinedSplit(np.tile(np.arange(each) % folds, classes))
    lbfgs = LogisticRegression(tol=1e-11, max_iter=10_000)
    of_loss = {"scoring": "neg_log_loss", "cv": split, "refit": False}
    search = GridSearchCV(lbfgs, {"C": TRIED}, **of_loss)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chosen = search.fit(vectors, labels).best_params_["C"]
    images = unit(40)
    found = ranked("probe", bank, images, C=CROSS_VALIDATED)
    assert np.array_equal(found, ranked("probe", bank, images, C=chosen))


def test_the_chosen_c_is_told_with_the_number_of_folds() -> None:
    few = made(9, 3)
    ranked("probe", few.bank, unit(3), C=CROSS_VALIDATED)
    (note,) = few.notes
    assert note.startswith("bank training: probe has C = ")
    assert note.endswith(", by cross-validation in 3 folds")


def test_one_image_of_a_class_leaves_no_fold_and_c_is_100() -> None:
    single, images = made(5, 5), unit(20)
    found = ranked("probe", single.bank, images, C=CROSS_VALIDATED)
    assert single.notes == [
        "bank training: a class has one image, so no fold can be held out for probe: C = 100"
    ]
    assert np.array_equal(found, ranked("probe", single.bank, images, C=100.0))


@pytest.mark.parametrize("score", ["probe", "probe-zero-shot"])
def test_a_class_without_images_is_refused_or_left_out_if_labels_are_predicted(
    score: str,
) -> None:
    lacking = made(40, 5, labels=np.arange(40) % 4)
    with pytest.raises(InputError, match=f"no image of class 'class 4' .* which {score} needs"):
        ranked(score, lacking.bank, unit(3))
    predicted = lacking.bank.with_predictions()
    few = np.unique(predicted.labels)
    assert len(few) < 5 or len(lacking.notes) == 0
    images = unit(30)
    probabilities = np.zeros((30, 5))
    of_probe = regression(predicted, 10.0)
    probabilities[:, few] = of_probe.predict_proba(images.astype(np.float64))
    if score == "probe-zero-shot":
        probabilities = (probabilities + zero_shot(predicted, images, TAU)) / 2
    found = shown(score, predicted, images)
    np.testing.assert_allclose(found, probabilities.max(axis=1), rtol=CLOSE)


def test_predicted_labels_of_few_classes_leave_a_probe_of_those() -> None:
    classes = unit(5, seed=1005)
    vectors = around(classes, np.arange(40) % 2, spread=0.1)
    bank = made(40, 5, classes=classes, vectors=vectors).bank.with_predictions()
    assert np.unique(bank.labels).tolist() == [0, 1]
    images = unit(30)
    of_probe = regression(bank, 10.0).predict_proba(images.astype(np.float64))
    both = zero_shot(bank, images, TAU)
    both[:, :2] += of_probe
    found = shown("probe-zero-shot", bank, images)
    np.testing.assert_allclose(found, both.max(axis=1) / 2, rtol=CLOSE)


def test_one_class_has_probability_one() -> None:
    bank = made(10, 1).bank
    for score in ("probe", "probe-zero-shot"):
        assert shown(score, bank, unit(4)).tolist() == [1.0] * 4


def test_a_regression_that_stops_too_early_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oodcache.score.formulas.few_shot.probe.STEPS", 2)
    short = made(50, 5)
    ranked("probe", short.bank, unit(3), C=1e6)
    assert short.notes == [
        "bank training: the logistic regression of probe has not converged at C = 1e+06; use a "
        "smaller one, such as --score probe:C=100000"
    ]


def test_a_long_choice_of_c_is_told_after_its_first_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oodcache.score.formulas.few_shot.probe.LONG", 0.0)
    few = made(9, 3)
    ranked("probe", few.bank, unit(3), C=CROSS_VALIDATED)
    first, second = few.notes
    assert first == (
        "bank training: 15 regressions to choose the C of probe: about 0 minutes; to fit one "
        "only, give it, such as --score probe:C=100"
    )
    assert isinstance(first, Hint) and not isinstance(second, Hint)
