"""Claims about sums over negatives, group by group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.score.negatives import cosines, sums_of, unit
from scipy.special import expit, logsumexp

from oodcache.score.formulas.cosines import Places, Scores
from oodcache.score.formulas.negative_sums import SLICE, Asked, NegativeSums
from oodcache.score.formulas.tile import Tile
from oodcache.score.kernel.label_sums import Exponential, Sigmoid
from oodcache.score.onepass.onepass import Classes, fit_all, score_images
from oodcache.score.onepass.variants import parse_all

IMAGES, CLASSES = unit(20, 0), unit(5, 1)


def summed(term: Exponential | Sigmoid, words: np.ndarray, group: Places, groups: int) -> Scores:
    """Return the logarithms of the sums, (groups, N)."""
    sums = sums_of(words)
    places = sums.choose(None, None, csp=False)
    sums.ask("it", Asked(term, places, group, groups))
    sums.prepare()
    return sums.of(Tile(IMAGES, CLASSES, np.ascontiguousarray(CLASSES.T)))["it"]


def slow(logarithms: Scores, group: Places, groups: int) -> Scores:
    """Return the log-sum-exp of each group's columns."""
    return np.array([logsumexp(logarithms[:, group == one], axis=1) for one in range(groups)])


def logits(words: np.ndarray, temperature: float) -> Scores:
    return cosines(IMAGES, words) / temperature


@given(st.integers(1, 3 * SLICE), st.integers(1, 60), st.integers(0, 3))
def test_sums_are_those_of_the_definition(count: int, groups: int, seed: int) -> None:
    words = unit(count, 2)
    group = np.random.default_rng(seed).permutation(np.arange(count) % min(groups, count))
    groups = int(group.max()) + 1
    found = summed(Exponential(0.1), words, group, groups)
    np.testing.assert_allclose(found, slow(logits(words, 0.1), group, groups), atol=5e-6)


@pytest.mark.parametrize("temperature", [1e-4, 1e-3, 0.0028])
def test_sums_that_float64_cannot_hold_are_relative_to_their_largest(temperature: float) -> None:
    words, group = unit(700, 2), np.arange(700) % 7
    expected = slow(logits(words, temperature), group, 7)
    assert np.abs(expected).max() > 150
    found = summed(Exponential(temperature), words, group, 7)
    np.testing.assert_allclose(found, expected, atol=5e-7 / temperature)


@pytest.mark.parametrize("term", [Exponential(0.01), Sigmoid(100, -10), Sigmoid(100, 10, -1)])
def test_both_ways_to_sum_agree(
    term: Exponential | Sigmoid, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, group = unit(700, 2), np.arange(700) % 7
    plain = summed(term, words, group, 7)
    monkeypatch.setattr(type(term), "cold", True)
    # The compiled kernel's terms are float32 with a wider exponent.
    np.testing.assert_allclose(summed(term, words, group, 7), plain, atol=2e-7)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("scale", "bias"), [(1, 0), (40, -8), (100, 60), (2000, -500)])
def test_sigmoids_are_summed_wherever_they_lie(scale: float, bias: float, sign: int) -> None:
    words, group = unit(700, 2), np.arange(700) % 7
    one = sign * (scale * cosines(IMAGES, words) + bias)
    logarithms = np.minimum(one, 0) - np.log1p(np.exp(-np.abs(one)))
    found = summed(Sigmoid(scale, bias, sign), words, group, 7)
    np.testing.assert_allclose(found, slow(logarithms, group, 7), atol=1e-6 * max(scale, 1))
    if scale == 1:
        assert np.exp(found[0, 0]) == pytest.approx(expit(one[0, group == 0]).sum())


def test_equal_negatives_are_multiplied_once_and_counted_each() -> None:
    once, twice = unit(30, 2), np.concatenate([unit(30, 2), unit(30, 2)])
    group = np.zeros(60, np.intp)
    found = summed(Exponential(0.1), twice, group, 1)
    np.testing.assert_allclose(
        found, summed(Exponential(0.1), once, group[:30], 1) + np.log(2), atol=1e-12
    )
    sums = sums_of(twice)
    assert sums.choose(None, None, csp=False).max() == 29


def test_choices_that_overlap_share_their_negatives() -> None:
    words = unit(50, 2)
    sums = sums_of(words)
    few, all_of_them = sums.choose(None, 20, csp=False), sums.choose(None, 50, csp=False)
    assert np.array_equal(few, all_of_them[:20])
    assert len(np.unique(all_of_them)) == 50


def test_scores_are_the_same_bits_for_any_block_and_number_of_threads() -> None:
    images, words = unit(1500, 3, 24), unit(1200, 4, 24)
    head = Classes(unit(9, 5, 24), 40.0, -8.0)
    variants = parse_all(["neglabel:groups=7|100", "neglabel-sigmoid", "eoe"])

    def score(rows: int, threads: int) -> Scores:
        fits = fit_all(variants, head, NegativeSums("words", lambda **which: words))
        blocks = [images[first : first + rows] for first in range(0, len(images), rows)]
        return score_images(blocks, 1500, head, variants, fits=fits, threads=threads).scores

    whole = score(1500, 1)
    assert np.array_equal(score(100, 3), whole)
    assert np.array_equal(score(701, 2), whole)
