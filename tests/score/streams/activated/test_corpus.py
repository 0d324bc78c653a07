from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.score.banks import normalised
from scipy.special import log_expit, logsumexp, softmax

from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.tile import Tile, Vectors
from oodcache.score.streams.activated import corpus as module
from oodcache.score.streams.activated import slices
from oodcache.score.streams.activated.corpus import SLICE, Activations, Corpus, activated

DRAW = np.random.default_rng(0)
CLASSES, WORDS, IMAGES = (normalised(DRAW.normal(size=(n, 8))) for n in (6, 2 * SLICE + 30, 20))


def whole(found: Activations) -> Scores:
    """Return the activations themselves, (N, C)."""
    return found.terms * found.factors.repeat(SLICE, axis=1)[:, : found.terms.shape[1]]


def cosines(images: Vectors, texts: Vectors) -> Scores:
    return images.astype(np.float64) @ texts.astype(np.float64).T


def inside(corpus: Corpus) -> Scores:
    return corpus.log_inside(Tile(IMAGES, CLASSES, np.ascontiguousarray(CLASSES.T)))


@pytest.mark.parametrize("scale", [1.0, 30.0, 400.0])
def test_activations_are_a_softmax_over_classes_and_words_cut_to_the_words(scale: float) -> None:
    corpus = Corpus(WORDS, scale)
    found = whole(corpus.activations(IMAGES, inside(corpus)))
    every = scale * np.concatenate([cosines(IMAGES, CLASSES), cosines(IMAGES, WORDS)], axis=1)
    expected = softmax(every, axis=1)[:, 6:]
    np.testing.assert_allclose(found, expected, rtol=3e-7 * scale + 1e-6, atol=1e-30)


@pytest.mark.parametrize("bias", [-500.0, -60.0, -9.0, 3.0, 90.0])
def test_with_a_bias_they_are_sigmoids(bias: float) -> None:
    corpus = Corpus(WORDS, 50.0, bias)
    found = whole(corpus.activations(IMAGES, inside(corpus)))
    logits = 50 * cosines(IMAGES, WORDS) + bias
    np.testing.assert_allclose(found, np.exp(log_expit(logits)), rtol=3e-5, atol=0)
    np.testing.assert_allclose(
        corpus.log_terms(IMAGES, WORDS), log_expit(logits), rtol=3e-5, atol=1e-15
    )


@pytest.mark.parametrize("bias", [None, -20.0, 2.0])
def test_the_sum_of_the_classes_is_that_of_their_terms(bias: float | None) -> None:
    logits = 40 * cosines(IMAGES, CLASSES) + (bias or 0)
    expected = logsumexp(logits if bias is None else log_expit(logits), axis=1)
    np.testing.assert_allclose(inside(Corpus(WORDS, 40.0, bias)), expected, rtol=1e-5)


def test_means_are_those_of_each_side() -> None:
    found = Corpus(WORDS, 30.0).activations(IMAGES, np.zeros(20))
    sides = np.zeros((3, 20), bool)
    sides[0, :7], sides[1, 11:] = True, True
    first, second, empty = found.means(sides)
    np.testing.assert_allclose(first, whole(found)[:7].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(second, whole(found)[11:].mean(axis=0), rtol=1e-5)
    assert not empty.any()


def test_tiny_activations_keep_their_order() -> None:
    found = Corpus(WORDS, 50.0, -400.0).activations(IMAGES, np.zeros(20))
    (mean,) = found.means(np.ones((1, 20), bool))
    expected = np.exp(50 * cosines(IMAGES, WORDS) - 400).mean(axis=0)
    assert 0 < mean.max() < 1e-100
    np.testing.assert_allclose(mean, expected, rtol=1e-4)


@pytest.mark.parametrize("bias", [None, -9.0, 50.0])
def test_terms_of_many_words_are_the_same_in_float32(
    bias: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = Corpus(WORDS, 30.0, bias)
    precise = corpus.activations(IMAGES, inside(corpus))
    monkeypatch.setattr(module, "MOST_PRECISE", len(WORDS) - 1)
    found = corpus.activations(IMAGES, inside(corpus))
    assert (precise.terms.dtype, found.terms.dtype) == (np.float64, np.float32)
    np.testing.assert_allclose(whole(found), whole(precise), rtol=2e-5)
    every = np.ones((1, 20), bool)
    np.testing.assert_allclose(found.means(every), precise.means(every), rtol=1e-5)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_move_no_bit(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus(WORDS, 30.0)
    alone = corpus.activations(IMAGES, np.zeros(20))
    monkeypatch.setattr(slices, "processors", lambda: threads)
    found = corpus.activations(IMAGES, np.zeros(20))
    assert np.array_equal(found.terms, alone.terms)
    assert np.array_equal(found.factors, alone.factors)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30), st.integers(1, 40))
def test_the_most_activated_come_first_and_of_equal_ones_the_earlier(
    activation: list[int], number: int
) -> None:
    order = sorted(range(len(activation)), key=lambda place: (-activation[place], place))
    assert activated(np.array(activation, float), number).tolist() == order[:number]
