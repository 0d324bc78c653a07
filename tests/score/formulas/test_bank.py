"""Claims about a bank: what one pass over it finds, which labels it has, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.score.banks import LOGIT_SCALE, made, unit
from scipy.special import logsumexp

from oodcache.cache.errors import InputError
from oodcache.score.formulas.bank import BLOCK, Bank, add_by_class
from oodcache.score.formulas.gaussian import class_means

NEED = ("mahalanobis", "rmds", "she")


@pytest.mark.parametrize(("images", "classes"), [(1, 1), (7, 1), (300, 5), (1300, 40)])
@pytest.mark.parametrize("temperature", [0.02, 1.0, 30.0])
def test_a_pass_finds_the_nearest_class_and_the_energy_of_every_image(
    images: int, classes: int, temperature: float
) -> None:
    bank = made(images, classes).bank
    cosine = bank.vectors.astype(float) @ bank.classes.T.astype(float)
    found = bank.readout(temperature)
    assert np.array_equal(found.best, cosine.argmax(axis=1))
    assert np.array_equal(bank.predicted, cosine.argmax(axis=1))
    np.testing.assert_allclose(found.top, cosine.max(axis=1), atol=1e-15)
    expected = temperature * (logsumexp(cosine / temperature, axis=1) - np.log(classes))
    np.testing.assert_allclose(found.energy, expected, rtol=1e-6, atol=3e-7)


def test_what_is_computed_of_a_bank_is_computed_once() -> None:
    bank = made().bank
    calls = []

    def count(bank: Bank, number: float) -> float:
        calls.append(number)
        return number

    assert [bank.computed(count, number) for number in (1.0, 2.0, 1.0)] == [1.0, 2.0, 1.0]
    assert calls == [1.0, 2.0]
    assert bank.readout(0.02) is bank.readout(0.02)


def test_blocks_are_the_rows_in_float64_a_few_at_a_time() -> None:
    bank = made(2 * BLOCK + 3, dimension=4).bank
    rows = np.arange(0, len(bank.vectors), 2)
    for wanted, expected in ((None, bank.vectors), (rows, bank.vectors[rows])):
        blocks = list(bank.blocks(wanted))
        assert all(len(block) <= BLOCK and block.dtype == np.float64 for _, block in blocks)
        assert np.array_equal(np.concatenate([block for _, block in blocks]), expected)
        assert [expected[part].shape for part, _ in blocks] == [block.shape for _, block in blocks]


@given(st.lists(st.integers(0, 6), max_size=30))
def test_rows_are_added_to_the_totals_of_their_classes(classes: list[int]) -> None:
    rows = np.random.default_rng(0).integers(-9, 9, (len(classes), 3)).astype(float)
    totals = np.ones((7, 3))
    expected = totals.copy()
    for row, place in zip(rows, classes, strict=True):
        expected[place] += row
    add_by_class(totals, rows, np.array(classes, np.intp))
    assert np.array_equal(totals, expected)


def test_images_without_a_label_are_not_among_the_labelled() -> None:
    bank = made(6, 3, labels=np.array([2, -1, 0, 1, -1, 2])).bank
    assert bank.labelled.rows.tolist() == [0, 2, 3, 5]
    assert bank.labelled.labels.tolist() == [2, 0, 1, 2]
    assert bank.labelled.classes.tolist() == [0, 1, 2]


@pytest.mark.parametrize("score", NEED)
def test_a_bank_without_labels_is_refused_where_they_are_needed(score: str) -> None:
    bank = made(6, 3, labels=np.full(6, -1)).bank
    with pytest.raises(InputError) as error:
        bank.need_labels(score)
    assert str(error.value) == (
        f"bank training: has no labels, which {score} needs; use --bank-labels predicted"
    )


def test_a_class_without_an_image_is_refused_by_name() -> None:
    bank = made(6, 1000, labels=np.array([0, 1, 3, 4, 0, 1])).bank
    with pytest.raises(InputError) as error:
        bank.need_labels("she")
    assert str(error.value) == (
        "bank training: has no image of class 'class 2' (996 of 1,000 classes have none), "
        "which she needs; use a bank with all classes, or --bank-labels predicted"
    )


def test_a_class_that_nothing_is_predicted_to_be_is_left_out_and_said_once() -> None:
    some = made(30, 3)
    classes = np.concatenate([some.bank.classes, -some.bank.classes[:1]])
    predicted = made(
        30,
        4,
        vectors=some.bank.vectors,
        classes=classes,
        labels=some.bank.predicted,
        labels_are_predictions=True,
    )
    for score in NEED:
        predicted.bank.need_labels(score)
    assert predicted.notes == [
        "bank training: 1 of 4 classes have no predicted images (such as 'class 3'): "
        "scores of predicted classes skip them"
    ]


def test_predictions_for_labels_are_not_computed_again() -> None:
    bank = made(40, 3).bank
    readout = bank.readout(1 / LOGIT_SCALE)
    predicted = bank.with_predictions()
    assert predicted.labels_are_predictions
    assert np.array_equal(predicted.labels, bank.predicted)
    assert predicted.labels.dtype == np.int64
    assert predicted.readout(1 / LOGIT_SCALE) is readout
    assert not bank.labels_are_predictions


def test_what_was_fitted_to_labels_is_fitted_anew_to_predictions() -> None:
    bank = made(40, 3).bank
    turned = made(40, 3, vectors=bank.vectors, labels=(bank.predicted + 1) % 3).bank
    fitted = [turned.computed(class_means), turned.with_predictions().computed(class_means)]
    np.testing.assert_allclose(fitted[0][[1, 2, 0]], fitted[1], rtol=1e-12)


def test_a_bank_without_images_is_refused() -> None:
    with pytest.raises(InputError, match="bank training: contains no images; choose another"):
        made(vectors=unit(0), labels=np.empty(0, np.int64))
