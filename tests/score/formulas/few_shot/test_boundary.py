"""Claims about distances from decision boundaries: OpenOOD's formula and plain loops agree."""

from __future__ import annotations

import numpy as np
import pytest
from samples.score.banks import Vectors, around, made, normalised, ranked, unit

from oodcache.score.formulas.bank import Bank
from oodcache.score.formulas.cosines import Scores


def openood(bank: Bank, images: Vectors, scale: float) -> Scores:
    """Return what OpenOOD's FDBDPostprocessor computes of a linear layer, over K - 1."""
    weight = scale * bank.classes.astype(np.float64)
    feature = images.astype(np.float64)
    output = feature @ weight.T
    denominator = np.ones((len(weight), len(weight)))
    for place, one in enumerate(weight):
        norm = np.linalg.norm(one - weight, axis=1)
        norm[place] = 1
        denominator[place] = norm
    values, nearest = output.max(axis=1), output.argmax(axis=1)
    lead = np.abs(output - values[:, None])
    mean = bank.vectors.astype(np.float64).mean(axis=0)
    score = np.sum(lead / denominator[nearest], axis=1) / np.linalg.norm(feature - mean, axis=1)
    return np.asarray(score / (len(weight) - 1))


@pytest.mark.parametrize("scale", [1.0, 50.0])
@pytest.mark.parametrize(("images", "classes"), [(300, 5), (4, 2), (70, 60)])
def test_fdbd_is_openoods_on_unit_vectors_whatever_the_scale(
    images: int, classes: int, scale: float
) -> None:
    bank = made(images, classes).bank
    some = np.concatenate([unit(50), bank.vectors[:40], bank.classes])
    np.testing.assert_allclose(ranked("fdbd", bank, some), openood(bank, some, scale), rtol=1e-9)


def test_equal_class_texts_are_one_class_to_fdbd() -> None:
    bank, images = made(60, 4).bank, unit(40)
    twice = np.concatenate([bank.classes, bank.classes[:1]])
    names = [f"class {place}" for place in range(5)]
    doubled = made(60, 4, vectors=bank.vectors, classes=twice, class_names=names).bank
    expected = []
    classes = twice.astype(np.float64)
    mean = bank.vectors.astype(np.float64).mean(axis=0)
    for image in images.astype(np.float64):
        cosine = classes @ image
        best = int(cosine.argmax())
        others = [k for k in range(5) if not np.array_equal(twice[k], twice[best])]
        apart = np.linalg.norm(classes[best] - classes[others], axis=1)
        each = (cosine[best] - cosine[others]) / apart
        expected.append(each.mean() / np.linalg.norm(image - mean))
    np.testing.assert_allclose(ranked("fdbd", doubled, images), expected, rtol=1e-9)


def test_class_texts_that_almost_agree_keep_their_digits() -> None:
    classes = unit(3, seed=5)
    near = classes[0].astype(np.float64)
    near[:2] += (2e-5, -1e-5)
    classes[1] = near.astype(np.float32)
    bank = made(30, 3, classes=classes, vectors=around(classes, np.arange(30) % 3)).bank
    images = around(classes, np.arange(60) % 2, 3, 0.3)
    np.testing.assert_allclose(ranked("fdbd", bank, images), openood(bank, images, 1.0), rtol=1e-8)


def test_images_at_the_mean_and_classes_that_are_all_equal_are_scored_in_silence() -> None:
    alone = made(1, 1).bank
    assert ranked("fdbd", alone, alone.vectors).tolist() == [0.0]
    single = made(1, 4).bank
    (at_mean, elsewhere) = ranked("fdbd", single, np.concatenate([single.vectors, unit(1)]))
    assert np.isfinite(at_mean)
    assert at_mean > elsewhere
    same = normalised(np.ones((3, 64)))
    assert ranked("fdbd", made(9, 3, classes=same).bank, unit(5)).tolist() == [0.0] * 5


def test_fdbd_needs_no_labels() -> None:
    bank, images = made(60, 4).bank, unit(40)
    bare = made(60, 4, vectors=bank.vectors, labels=np.full(60, -1)).bank
    assert np.array_equal(ranked("fdbd", bare, images), ranked("fdbd", bank, images))
