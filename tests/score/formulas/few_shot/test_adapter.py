"""Claims about the training-free adapter: plain loops give the same, and its limits are known."""

from __future__ import annotations

import numpy as np
import pytest
from samples.score.banks import LOGIT_SCALE, Vectors, around, made, ranked, shown, unit

from oodcache.cache.errors import InputError
from oodcache.score.formulas.bank import BLOCK, Bank
from oodcache.score.formulas.cosines import Scores

TAU = 1 / LOGIT_SCALE


def slow_tip(bank: Bank, images: Vectors, alpha: float, beta: float, tau: float) -> Scores:
    found = []
    for image in images.astype(np.float64):
        logits = [float(image @ text.astype(np.float64)) / tau for text in bank.classes]
        for vector, label in zip(bank.vectors, bank.labels, strict=True):
            if label >= 0:
                logits[label] += alpha * np.exp(-beta * (1 - image @ vector.astype(np.float64)))
        exponentials = np.exp(np.array(logits) - max(logits))
        found.append(exponentials.max() / exponentials.sum())
    return np.array(found)


@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (1.17, 5.5), (0.0, 1.0), (20.0, 0.1)])
@pytest.mark.parametrize("temperature", [TAU, 3.0])
def test_tip_is_the_papers_formula_image_by_image(
    alpha: float, beta: float, temperature: float
) -> None:
    labels = np.arange(90) % 6
    labels[::7] = -1
    bank, images = made(90, 6, labels=labels).bank, unit(25)
    numbers = {"alpha": alpha, "beta": beta, "temperature": temperature}
    expected = slow_tip(bank, images, alpha, beta, temperature)
    np.testing.assert_allclose(shown("tip", bank, images, **numbers), expected, rtol=1e-6)


def test_without_the_bank_tip_ranks_as_the_zero_shot_softmax() -> None:
    bank, images = made(60, 6).bank, unit(300)
    cosine = np.sort(images.astype(np.float64) @ bank.classes.T.astype(np.float64), axis=1)[:, ::-1]
    others = np.exp((cosine[:, 1:] - cosine[:, :1]) / TAU).sum(axis=1)
    expected = -np.log(others)
    np.testing.assert_allclose(ranked("tip", bank, images, alpha=0.0), expected, rtol=1e-6)


def test_a_bank_of_several_blocks_is_summed_whole() -> None:
    count = BLOCK + 500
    bank = made(count, 3, 8).bank
    images = unit(4, 8)
    expected = slow_tip(bank, images, 0.01, 2.0, TAU)
    found = shown("tip", bank, images, alpha=0.01, beta=2.0)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_ranks_survive_probabilities_that_are_one() -> None:
    bank = made(300, 5).bank
    images = around(bank.classes, np.zeros(500, np.intp), spread=0.05)
    for temperature in (0.005, 1e-300):
        assert len(np.unique(ranked("tip", bank, images, temperature=temperature))) == 500


def test_a_class_without_images_is_refused_or_not_raised_if_labels_are_predicted() -> None:
    classes = unit(5, seed=1005)
    vectors = around(classes, np.arange(40) % 2, spread=0.1)
    lacking = made(40, 5, classes=classes, vectors=vectors, labels=np.arange(40) % 2)
    with pytest.raises(InputError, match=r"no image of class 'class 2' .* which tip needs"):
        ranked("tip", lacking.bank, unit(3))
    predicted, images = lacking.bank.with_predictions(), unit(20)
    expected = slow_tip(predicted, images, 1.0, 1.0, TAU)
    np.testing.assert_allclose(shown("tip", predicted, images), expected, rtol=1e-6)
    assert "3 of 5 classes have no predicted images" in lacking.notes[0]
