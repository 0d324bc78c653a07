"""The laws: what each ranking form keeps of the shown one, and what it must not depend on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import expit, softmax

from oodcache.score.metrics import metrics
from oodcache.score.scores import SCORES, Floats, Rows, Scores
from oodcache.score.variants import Variant, parse_all

SETTINGS: list[tuple[str, dict[str, float]]] = [
    ("mcm", {"temperature": 1.0}),
    ("mcm", {"temperature": 0.01}),
    ("mcm", {"temperature": 50.0}),
    ("energy", {"temperature": 1.0}),
    ("energy", {"temperature": 0.01}),
    ("energy", {"temperature": 50.0}),
    ("sigmoid-mcm", {"scale": 112.0, "bias": -16.5}),
    ("sigmoid-mcm", {"scale": 0.1, "bias": 5.0}),
    ("max-logit", {}),
]
each_score = pytest.mark.parametrize(("score", "parameters"), SETTINGS)
# Multiples of 1/1024: their sums and differences are exact, and ties are common.
dyadic = st.integers(-1024, 1024).map(lambda one: one / 1024)
few_classes = st.tuples(st.integers(2, 12), st.integers(1, 6))
cosines = arrays.arrays(np.float64, few_classes, elements=dyadic)


@pytest.fixture(autouse=True)
def numpy_raises_where_it_would_warn() -> Iterator[None]:
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        yield


def rank(score: str, cosine: Floats, **parameters: float) -> Scores:
    return SCORES[score].rank(Rows(cosine.copy()), **parameters)


def halves(scores: Scores) -> tuple[Scores, Scores]:
    return scores[: len(scores) // 2], scores[len(scores) // 2 :]


def wide(seed: int, rows: int = 40, classes: int = 200) -> Scores:
    return np.random.default_rng(seed).uniform(-0.1, 0.4, (rows, classes))


@each_score
@given(cosine=cosines)
def test_the_ranking_form_rises_with_the_shown_one(
    score: str, parameters: dict[str, float], cosine: Floats
) -> None:
    ranked = rank(score, cosine, **parameters)
    shown = SCORES[score].shown(cosine, **parameters)
    rounding = 1e-13 * (1 + np.abs(shown).max())
    assert (np.diff(shown[np.argsort(ranked)]) >= -rounding).all()


@each_score
def test_images_that_the_shown_form_tells_apart_are_told_apart_by_the_ranking_form(
    score: str, parameters: dict[str, float]
) -> None:
    cosine = wide(1, rows=300).astype(np.float32)
    shown = SCORES[score].shown(cosine, **parameters)
    assert len(np.unique(rank(score, cosine, **parameters))) >= len(np.unique(shown))


def test_two_thousand_images_share_a_few_float32_probabilities_and_no_rank() -> None:
    cosine = np.random.default_rng(0).uniform(0.0, 0.1, (2000, 20)).astype(np.float32)
    cosine[:, 7] = np.linspace(0.35, 0.5, 2000, dtype=np.float32)
    sigmoids = expit(np.float32(112) * cosine - np.float32(16.5)).max(axis=1)
    softmaxes = softmax(cosine / np.float32(0.01), axis=1).max(axis=1)
    assert sigmoids.dtype == softmaxes.dtype == np.float32
    assert len(np.unique(sigmoids)) < 50
    assert len(np.unique(softmaxes)) < 50
    for score, parameters in SETTINGS:
        assert len(np.unique(rank(score, cosine, **parameters))) == 2000, (score, parameters)


def test_a_saturated_softmax_ranks_images_by_their_margin_still() -> None:
    margins = np.linspace(0.1, 0.4, 50)
    cosine = np.stack([margins, np.zeros(50), np.full(50, -0.5)], axis=1)
    assert (SCORES["mcm"].shown(cosine, temperature=1e-3) == 1).all()
    assert (np.diff(rank("mcm", cosine, temperature=1e-3)) > 0).all()


@given(cosines, dyadic, st.sampled_from([0.01, 0.5, 1.0, 64.0]))
def test_a_bias_leaves_softmax_scores_as_they_are_to_the_bit(
    cosine: Floats, bias_over_scale: float, temperature: float
) -> None:
    moved = rank("mcm", cosine + bias_over_scale, temperature=temperature)
    assert np.array_equal(moved, rank("mcm", cosine, temperature=temperature))


@given(cosines, dyadic, st.sampled_from([0.01, 0.5, 1.0, 64.0]))
def test_a_bias_adds_itself_to_the_energy(
    cosine: Floats, bias_over_scale: float, temperature: float
) -> None:
    moved = rank("energy", cosine + bias_over_scale, temperature=temperature)
    expected = rank("energy", cosine, temperature=temperature) + bias_over_scale
    np.testing.assert_allclose(moved, expected, atol=1e-15)


@given(cosines, st.floats(1e-3, 1e3), st.floats(-50, 50), st.booleans())
def test_sigmoid_mcm_is_max_logit_in_every_metric(
    cosine: Floats, scale: float, bias: float, single: bool
) -> None:
    cosine = cosine.astype(np.float32) if single else cosine
    ranked = rank("sigmoid-mcm", cosine, scale=scale, bias=bias)
    assert metrics(*halves(ranked)) == metrics(*halves(cosine.max(axis=1).astype(np.float64)))


@given(cosines, st.floats(0.1, 120), st.floats(-20, 20))
def test_it_is_so_of_the_sigmoid_in_exact_arithmetic(
    cosine: Floats, scale: float, bias: float
) -> None:
    with mpmath.workdps(150):
        sigmoids = [
            max(1 / (1 + mpmath.exp(-(mpmath.mpf(scale) * one + bias))) for one in row)
            for row in cosine.tolist()
        ]
        places = np.array([float(sorted(sigmoids).index(one)) for one in sigmoids])
    ranked = rank("sigmoid-mcm", cosine, scale=scale, bias=bias)
    assert metrics(*halves(places)) == metrics(*halves(ranked))


@pytest.mark.parametrize("seed", range(5))
def test_mcm_ranks_as_the_margin_where_the_temperature_is_small(seed: int) -> None:
    cosine = wide(seed)
    ordered = np.sort(cosine)
    margin = ordered[:, -1] - ordered[:, -2]
    for temperature in (1e-12, 1e-40):
        ranked = rank("mcm", cosine, temperature=temperature)
        assert np.array_equal(np.argsort(ranked), np.argsort(margin))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mcm_ranks_as_max_minus_mean_where_the_temperature_is_large(
    seed: int, dtype: type[np.floating[Any]]
) -> None:
    cosine = wide(seed).astype(dtype)
    above_mean = cosine.max(axis=1).astype(float) - cosine.mean(axis=1, dtype=float)
    for temperature in (1e8, 1e30):
        ranked = rank("mcm", cosine, temperature=temperature)
        assert np.array_equal(np.argsort(ranked), np.argsort(above_mean))


@pytest.mark.parametrize("seed", range(5))
def test_with_two_classes_no_temperature_moves_a_rank_of_mcm(seed: int) -> None:
    cosine = wide(seed, classes=2)
    margin = np.abs(cosine[:, 0] - cosine[:, 1])
    for temperature in (1e-3, 0.01, 1.0, 100.0):
        ranked = rank("mcm", cosine, temperature=temperature)
        assert np.array_equal(np.argsort(ranked), np.argsort(margin))


def test_with_three_classes_the_temperature_of_mcm_swaps_two_images() -> None:
    cosine = np.array([[0.30, 0.25, -0.10], [0.30, 0.24, 0.24]])
    assert np.argmax(rank("mcm", cosine, temperature=0.001)) == 1
    assert np.argmax(rank("mcm", cosine, temperature=1.0)) == 0


@pytest.mark.parametrize("seed", range(5))
def test_energy_ranks_as_the_largest_cosine_or_the_mean_at_either_end(seed: int) -> None:
    cosine = wide(seed)
    ends = {1e-12: cosine.max(axis=1), 1e8: cosine.mean(axis=1)}
    for temperature, expected in ends.items():
        ranked = rank("energy", cosine, temperature=temperature)
        np.testing.assert_allclose(ranked, expected, atol=1e-9)


@each_score
@given(cosine=cosines, data=st.data())
def test_the_order_of_the_classes_does_not_matter(
    score: str, parameters: dict[str, float], cosine: Floats, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(cosine.shape[1])))
    np.testing.assert_allclose(
        rank(score, cosine[:, order], **parameters),
        rank(score, cosine, **parameters),
        rtol=1e-13,
        atol=1e-14,
    )


@each_score
@given(cosine=cosines, data=st.data())
def test_an_images_score_does_not_depend_on_the_other_images(
    score: str, parameters: dict[str, float], cosine: Floats, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(cosine))))
    alone = np.concatenate([rank(score, row[None], **parameters) for row in cosine])
    together = rank(score, cosine, **parameters)
    np.testing.assert_allclose(together, alone, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(
        rank(score, cosine[order], **parameters), together[order], rtol=1e-14, atol=1e-15
    )


@given(cosines, st.sampled_from([0.01, 1.0, 64.0]))
def test_every_class_twice_moves_no_energy_above_uniform(
    cosine: Floats, temperature: float
) -> None:
    twice = rank("energy", np.concatenate([cosine, cosine], axis=1), temperature=temperature)
    once = rank("energy", cosine, temperature=temperature)
    np.testing.assert_allclose(twice, once, rtol=1e-13, atol=1e-14)


def test_learned_means_the_models_scale_and_bias() -> None:
    cosine = wide(0)
    learned = Variant("mcm", {"temperature": "learned"})
    found = learned.rank(Rows(cosine.copy()), logit_scale=50.0, logit_bias=-10.0)
    assert np.array_equal(found, rank("mcm", cosine, temperature=0.02))


def test_no_default_score_ranks_by_the_bias_of_a_model() -> None:
    cosine = wide(0)
    for variant in parse_all(["mcm:temperature=learned", "sigmoid-mcm", "energy", "max-logit"]):
        with_bias = variant.rank(Rows(cosine.copy()), logit_scale=50.0, logit_bias=-10.0)
        without = variant.rank(Rows(cosine.copy()), logit_scale=50.0, logit_bias=None)
        assert np.array_equal(with_bias, without)
