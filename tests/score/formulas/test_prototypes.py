"""Claims about what is typical of a class: SciPy's divergences and plain loops give the same."""

from __future__ import annotations

import numpy as np
import pytest
from samples.score.banks import LOGIT_SCALE, Vectors, made, ranked, unit
from scipy.special import rel_entr, softmax

from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.cosines import Scores

TAU = 1 / LOGIT_SCALE


def probabilities(bank: Bank, images: Vectors, temperature: float) -> Scores:
    cosine = images.astype(np.float64) @ bank.classes.T.astype(np.float64)
    return np.asarray(softmax(cosine / temperature, axis=1))


def slow_klm(bank: Bank, images: Vectors, temperature: float) -> Scores:
    of_bank = probabilities(bank, bank.vectors, temperature)
    predicted = of_bank.argmax(axis=1)
    typical = np.array([of_bank[predicted == one].mean(axis=0) for one in np.unique(predicted)])
    typical = np.maximum(typical, np.finfo(float).tiny)
    p = probabilities(bank, images, temperature)
    return np.asarray(-rel_entr(p[:, None], typical).sum(axis=2).min(axis=1))


def slow_she(bank: Bank, images: Vectors) -> Scores:
    classes = [one for one in range(len(bank.classes)) if (bank.labels == one).any()]
    found = []
    for image in images.astype(np.float64):
        best = max(classes, key=lambda one: float(image @ bank.classes[one].astype(np.float64)))
        of_class = [
            (vector.astype(np.float64), place)
            for vector, label, place in zip(bank.vectors, bank.labels, bank.predicted, strict=True)
            if label == best
        ]
        right = [vector for vector, place in of_class if place == best]
        found.append(image @ np.mean(right or [vector for vector, _ in of_class], axis=0))
    return np.array(found)


@pytest.mark.parametrize("temperature", [TAU, 0.2, 1.0, 10.0])
@pytest.mark.parametrize(("images", "classes"), [(300, 5), (40, 40), (600, 60), (9, 2)])
def test_klm_is_scipys_relative_entropy(images: int, classes: int, temperature: float) -> None:
    bank = made(images, classes).bank
    some = np.concatenate([unit(60), bank.vectors[:40]])
    expected = slow_klm(bank, some, temperature)
    close = {"rtol": 1e-5, "atol": 1e-7 / temperature**2}
    np.testing.assert_allclose(
        ranked("klm", bank, some, temperature=temperature), expected, **close
    )


def test_klm_of_two_classes_is_scipys_to_the_last_digits() -> None:
    bank = made(300, 2).bank
    expected = slow_klm(bank, unit(50), TAU)
    np.testing.assert_allclose(ranked("klm", bank, unit(50)), expected, rtol=1e-9)


@pytest.mark.parametrize("dimension", [512, 768])
def test_klm_with_one_image_a_class_of_many_dimensions(dimension: int) -> None:
    bank = made(20, 20, dimension).bank
    expected = slow_klm(bank, unit(30, dimension), TAU)
    np.testing.assert_allclose(ranked("klm", bank, unit(30, dimension)), expected, rtol=1e-5)


def test_classes_that_are_never_predicted_are_no_image_s_nearest_and_said() -> None:
    some = made(300, 3).bank
    classes = np.concatenate([some.classes, -some.classes[:1]])
    found = made(300, 4, vectors=some.vectors, classes=classes)
    images = np.concatenate([unit(40), -some.classes[:1]])
    expected = slow_klm(found.bank, images, TAU)
    np.testing.assert_allclose(ranked("klm", found.bank, images), expected, rtol=1e-5)
    assert found.notes == [
        "bank training: 1 of 4 classes have no predicted images (such as 'class 3'): "
        "scores of predicted classes skip them"
    ]


def test_a_probability_that_underflows_counts_as_the_smallest_normal_number() -> None:
    bank = made(2, 2, 2, vectors=np.eye(2, dtype=np.float32), classes=np.eye(2, dtype=np.float32))
    diagonal = np.full((1, 2), np.sqrt(0.5), np.float32)
    # p is one half of each; of a bank image it is 1 and exp(-1000).
    expected = np.log(2) + 0.5 * np.log(np.finfo(float).tiny)
    found = ranked("klm", bank.bank, diagonal, temperature=1e-3)
    assert found == pytest.approx([expected], rel=1e-12)


def test_a_typical_image_has_no_divergence() -> None:
    bank = made(7, 7).bank
    found = ranked("klm", bank, bank.vectors)
    assert len(np.unique(bank.predicted)) == 7
    np.testing.assert_allclose(found, 0, atol=1e-14)


@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 1e300])
def test_klm_ranks_by_finite_numbers_at_every_temperature(temperature: float) -> None:
    assert np.isfinite(ranked("klm", made().bank, unit(20), temperature=temperature)).all()


def test_of_one_class_every_image_ties_in_klm() -> None:
    assert ranked("klm", made(30, 1).bank, unit(50)).tolist() == [0] * 50


@pytest.mark.parametrize(
    ("images", "classes", "dimension"), [(300, 5, 64), (30, 1, 64), (40, 40, 512), (60, 3, 768)]
)
def test_she_is_its_definition(images: int, classes: int, dimension: int) -> None:
    bank = made(images, classes, dimension).bank
    some = np.concatenate([unit(30, dimension), bank.vectors[:10]])
    np.testing.assert_allclose(ranked("she", bank, some), slow_she(bank, some), rtol=1e-11)


def test_a_class_of_which_none_is_right_takes_the_mean_of_all_its_images_and_says_so() -> None:
    some = made(60, 3).bank
    labels = some.predicted.copy()
    labels[some.predicted == 1] = 2
    labels[np.flatnonzero(some.predicted == 2)[:3]] = 1
    found = made(60, 3, vectors=some.vectors, labels=labels)
    np.testing.assert_allclose(
        ranked("she", found.bank, unit(30)), slow_she(found.bank, unit(30)), rtol=1e-11
    )
    assert found.notes == [
        "bank training: 1 of 3 classes have no correctly classified image (such as 'class 1'): "
        "she uses the mean of all their images"
    ]


def test_an_image_takes_the_pattern_of_the_nearest_class_that_has_one() -> None:
    some = made(300, 3).bank
    classes = np.concatenate([some.classes, -some.classes[:1]])
    predicted = {"labels": some.predicted, "labels_are_predictions": True}
    found = made(300, 4, vectors=some.vectors, classes=classes, **predicted)
    images = np.concatenate([unit(40), -some.classes[:1]])
    np.testing.assert_allclose(
        ranked("she", found.bank, images), slow_she(found.bank, images), rtol=1e-11
    )
    assert len(found.notes) == 1


def test_images_without_a_label_do_not_count_in_she() -> None:
    bank = made(90).bank
    labels = bank.labels.copy()
    labels[::3] = -1
    some = made(90, vectors=bank.vectors, labels=labels).bank
    np.testing.assert_allclose(ranked("she", some, unit(20)), slow_she(some, unit(20)), rtol=1e-11)
