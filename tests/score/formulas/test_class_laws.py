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
from samples.score.cosines import ranked, shown
from samples.score.metrics import metrics
from scipy.special import expit, softmax

from oodcache.score.formulas.class_scores import CLASS_SCORES
from oodcache.score.formulas.cosines import Floats, Scores
from oodcache.score.onepass.onepass import Classes, score_images
from oodcache.score.onepass.variants import parse_all

SETTINGS: list[tuple[str, dict[str, float]]] = [
    *(("mcm", {"temperature": one}) for one in (1.0, 0.01, 0.001, 50.0)),
    *(("energy", {"temperature": one}) for one in (1.0, 0.01, 50.0)),
    *(("entropy", {"temperature": one}) for one in (1.0, 0.01, 0.001, 50.0)),
    *(("variance", {"temperature": one}) for one in (1.0, 0.01, 0.001, 50.0)),
    ("gen", {"temperature": 0.01, "gamma": 0.1, "top": 100.0}),
    ("gen", {"temperature": 0.1, "gamma": 0.5, "top": 3.0}),
    *(
        (score, {"scale": scale, "bias": bias})
        for score in ("sigmoid-mcm", "joint-energy", "sigmoid-sum")
        for scale, bias in ((112.0, -16.5), (112.0, 0.0), (0.1, 5.0), (1.0, -50.0), (1e3, 1e3))
    ),
    ("max-logit", {}),
    ("margin", {}),
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


def halves(scores: Scores) -> tuple[Scores, Scores]:
    return scores[: len(scores) // 2], scores[len(scores) // 2 :]


def wide(seed: int, rows: int = 40, classes: int = 200) -> Scores:
    return np.random.default_rng(seed).uniform(-0.1, 0.4, (rows, classes))


@each_score
@given(cosine=cosines)
def test_the_ranking_form_rises_with_the_shown_one(
    score: str, parameters: dict[str, float], cosine: Floats
) -> None:
    ranks = ranked(score, cosine, **parameters)
    formula = shown(score, cosine, **parameters)
    rounding = 1e-13 * (1 + np.abs(formula[np.isfinite(formula)]).max(initial=0))
    ordered = formula[np.argsort(ranks)]
    assert (ordered[1:] >= ordered[:-1] - rounding).all()


@each_score
def test_images_that_the_shown_form_tells_apart_are_told_apart_by_the_ranking_form(
    score: str, parameters: dict[str, float]
) -> None:
    cosine = wide(1, rows=300).astype(np.float32)
    formula = shown(score, cosine, **parameters)
    assert len(np.unique(ranked(score, cosine, **parameters))) >= len(np.unique(formula))


def test_two_thousand_images_share_a_few_float32_probabilities_and_no_rank() -> None:
    cosine = np.random.default_rng(0).uniform(0.0, 0.1, (2000, 20)).astype(np.float32)
    cosine[:, 7] = np.linspace(0.35, 0.5, 2000, dtype=np.float32)
    sigmoids = expit(np.float32(112) * cosine - np.float32(16.5)).max(axis=1)
    softmaxes = softmax(cosine / np.float32(0.01), axis=1).max(axis=1)
    assert sigmoids.dtype == softmaxes.dtype == np.float32
    assert len(np.unique(sigmoids)) < 50
    assert len(np.unique(softmaxes)) < 50
    for score, parameters in SETTINGS:
        assert len(np.unique(ranked(score, cosine, **parameters))) == 2000, (score, parameters)


def test_a_saturated_softmax_ranks_images_by_their_margin_still() -> None:
    margins = np.linspace(0.1, 0.4, 50)
    cosine = np.stack([margins, np.zeros(50), np.full(50, -0.5)], axis=1)
    assert (shown("mcm", cosine, temperature=1e-3) == 1).all()
    assert (np.diff(ranked("mcm", cosine, temperature=1e-3)) > 0).all()


@given(cosines, dyadic, st.sampled_from([0.01, 0.5, 1.0, 64.0]))
def test_a_bias_leaves_softmax_scores_as_they_are_to_the_bit(
    cosine: Floats, bias_over_scale: float, temperature: float
) -> None:
    moved = ranked("mcm", cosine + bias_over_scale, temperature=temperature)
    assert np.array_equal(moved, ranked("mcm", cosine, temperature=temperature))


@given(cosines, dyadic, st.sampled_from([0.01, 0.5, 1.0, 64.0]))
def test_a_bias_adds_itself_to_the_energy(
    cosine: Floats, bias_over_scale: float, temperature: float
) -> None:
    moved = ranked("energy", cosine + bias_over_scale, temperature=temperature)
    expected = ranked("energy", cosine, temperature=temperature) + bias_over_scale
    np.testing.assert_allclose(moved, expected, atol=1e-15)


@given(cosines, st.floats(1e-3, 1e3), st.floats(-50, 50), st.booleans())
def test_sigmoid_mcm_is_max_logit_in_every_metric(
    cosine: Floats, scale: float, bias: float, single: bool
) -> None:
    cosine = cosine.astype(np.float32) if single else cosine
    ranks = ranked("sigmoid-mcm", cosine, scale=scale, bias=bias)
    assert metrics(*halves(ranks)) == metrics(*halves(cosine.max(axis=1).astype(np.float64)))


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
    ranks = ranked("sigmoid-mcm", cosine, scale=scale, bias=bias)
    assert metrics(*halves(places)) == metrics(*halves(ranks))


@pytest.mark.parametrize("seed", range(5))
def test_mcm_ranks_as_the_margin_where_the_temperature_is_small(seed: int) -> None:
    cosine = wide(seed)
    ordered = np.sort(cosine)
    margin = ordered[:, -1] - ordered[:, -2]
    for temperature in (1e-12, 1e-40):
        ranks = ranked("mcm", cosine, temperature=temperature)
        assert np.array_equal(np.argsort(ranks), np.argsort(margin))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mcm_ranks_as_max_minus_mean_where_the_temperature_is_large(
    seed: int, dtype: type[np.floating[Any]]
) -> None:
    cosine = wide(seed).astype(dtype)
    above_mean = cosine.max(axis=1).astype(float) - cosine.mean(axis=1, dtype=float)
    for temperature in (1e8, 1e30):
        ranks = ranked("mcm", cosine, temperature=temperature)
        assert np.array_equal(np.argsort(ranks), np.argsort(above_mean))


@pytest.mark.parametrize("seed", range(5))
def test_with_two_classes_no_temperature_moves_a_rank_of_mcm(seed: int) -> None:
    cosine = wide(seed, classes=2)
    margin = np.abs(cosine[:, 0] - cosine[:, 1])
    for temperature in (1e-3, 0.01, 1.0, 100.0):
        ranks = ranked("mcm", cosine, temperature=temperature)
        assert np.array_equal(np.argsort(ranks), np.argsort(margin))


def test_with_three_classes_the_temperature_of_mcm_swaps_two_images() -> None:
    cosine = np.array([[0.30, 0.25, -0.10], [0.30, 0.24, 0.24]])
    assert np.argmax(ranked("mcm", cosine, temperature=0.001)) == 1
    assert np.argmax(ranked("mcm", cosine, temperature=1.0)) == 0


@pytest.mark.parametrize("seed", range(5))
def test_energy_ranks_as_the_largest_cosine_or_the_mean_at_either_end(seed: int) -> None:
    cosine = wide(seed)
    ends = {1e-12: cosine.max(axis=1), 1e8: cosine.mean(axis=1)}
    for temperature, expected in ends.items():
        ranks = ranked("energy", cosine, temperature=temperature)
        np.testing.assert_allclose(ranks, expected, atol=1e-9)


@each_score
@given(cosine=cosines, data=st.data())
def test_the_order_of_the_classes_does_not_matter(
    score: str, parameters: dict[str, float], cosine: Floats, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(cosine.shape[1])))
    np.testing.assert_allclose(
        ranked(score, cosine[:, order], **parameters),
        ranked(score, cosine, **parameters),
        rtol=1e-13,
        atol=1e-14,
    )


@each_score
@given(cosine=cosines, data=st.data())
def test_an_images_score_does_not_depend_on_the_other_images(
    score: str, parameters: dict[str, float], cosine: Floats, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(cosine))))
    alone = np.concatenate([ranked(score, row[None], **parameters) for row in cosine])
    together = ranked(score, cosine, **parameters)
    np.testing.assert_allclose(together, alone, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(
        ranked(score, cosine[order], **parameters), together[order], rtol=1e-14, atol=1e-15
    )


@given(cosines, st.sampled_from([0.01, 1.0, 64.0]))
def test_every_class_twice_moves_no_energy_above_uniform(
    cosine: Floats, temperature: float
) -> None:
    twice = ranked("energy", np.concatenate([cosine, cosine], axis=1), temperature=temperature)
    once = ranked("energy", cosine, temperature=temperature)
    np.testing.assert_allclose(twice, once, rtol=1e-13, atol=1e-14)


def head(cosine: Floats, bias: float | None = None) -> tuple[Any, Classes]:
    """Return images whose cosines with the classes are these: the classes are the axes."""
    return cosine.astype(np.float32), Classes(np.eye(cosine.shape[1], dtype=np.float32), 50.0, bias)


def test_learned_means_the_models_scale() -> None:
    images, classes = head(wide(0))
    found = score_images([images], 40, classes, parse_all(["mcm:temperature=learned|0.02"]))
    assert np.array_equal(found.scores[0], found.scores[1])


def test_no_score_but_a_sum_of_sigmoids_ranks_by_the_bias_of_a_model() -> None:
    variants = parse_all(
        [name for name in CLASS_SCORES if name not in ("joint-energy", "sigmoid-sum")]
    )
    cosine = wide(0)
    with_bias, without = (
        score_images([images], 40, classes, variants).scores
        for images, classes in (head(cosine, -10.0), head(cosine))
    )
    assert np.array_equal(with_bias, without)


@pytest.mark.parametrize("score", ["joint-energy", "sigmoid-sum"])
@pytest.mark.parametrize("bias", [-60.0, -200.0, -1e4])
def test_far_below_nil_a_sum_of_sigmoids_is_the_energy_and_no_bias_counts(
    score: str, bias: float
) -> None:
    cosine = wide(3)
    ranks = ranked(score, cosine, scale=50.0, bias=bias)
    energies = ranked("energy", cosine, temperature=0.02)
    assert np.array_equal(np.argsort(ranks), np.argsort(energies))


@pytest.mark.parametrize("score", ["joint-energy", "sigmoid-sum"])
def test_near_nil_a_bias_moves_ranks_of_a_sum_of_sigmoids(score: str) -> None:
    cosine = np.array([[0.5, 0.0, 0.0, 0.0], [0.3, 0.3, 0.3, 0.3]])
    low, high = (ranked(score, cosine, scale=20.0, bias=bias) for bias in (-20.0, -3.0))
    assert np.argmax(low) == 0
    assert np.argmax(high) == 1


@given(
    arrays.arrays(np.float64, st.tuples(st.integers(2, 8), st.just(1)), elements=dyadic),
    st.sampled_from([0.1, 1.0, 112.0]),
    st.sampled_from([-30.0, 0.0, 3.0]),
)
def test_with_one_class_the_sums_of_sigmoids_rank_as_max_logit(
    cosine: Floats, scale: float, bias: float
) -> None:
    for score in ("joint-energy", "sigmoid-sum"):
        ranks = ranked(score, cosine, scale=scale, bias=bias)
        assert metrics(*halves(ranks)) == metrics(*halves(cosine[:, 0]))


@pytest.mark.parametrize("score", ["mcm", "entropy", "variance", "margin", "gen"])
def test_with_one_class_every_image_ties(score: str) -> None:
    defaults = {"temperature": 0.01, "gamma": 0.1, "top": 100.0}
    parameters = {name: defaults[name] for name in CLASS_SCORES[score].defaults}
    assert (ranked(score, wide(0, classes=1), **parameters) == np.inf).all()


@pytest.mark.parametrize("score", ["entropy", "variance"])
@pytest.mark.parametrize("seed", range(3))
def test_the_shape_of_a_flat_softmax_ranks_as_the_variance_of_the_cosines(
    score: str, seed: int
) -> None:
    cosine = wide(seed)
    for temperature in (1e5, 1e30, 1e300):
        ranks = ranked(score, cosine, temperature=temperature)
        assert np.array_equal(np.argsort(ranks), np.argsort(cosine.var(axis=1)))


@pytest.mark.parametrize("temperature", [0.01, 0.3, 1.0, 30.0])
@pytest.mark.parametrize("score", ["mcm", "entropy", "variance"])
def test_with_two_classes_the_softmax_scores_are_the_margin(score: str, temperature: float) -> None:
    cosine = wide(5, classes=2)
    ranks = ranked(score, cosine, temperature=temperature)
    assert np.array_equal(np.argsort(ranks), np.argsort(ranked("margin", cosine)))


@pytest.mark.parametrize("score", [*CLASS_SCORES])
def test_equal_images_tie_wherever_they_stand_and_no_others_do(score: str) -> None:
    generator = np.random.default_rng(7)
    images, classes = (generator.normal(size=(rows, 64)).astype(np.float32) for rows in (3000, 50))
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    classes /= np.linalg.norm(classes, axis=1, keepdims=True)
    twins = np.concatenate([images, images[::-1], images[generator.permutation(3000)]])
    variants = parse_all([score])
    found = score_images([twins], 9000, Classes(classes, 112.0, -16.5), variants).scores[0]
    assert len(np.unique(found)) == 3000
    assert np.array_equal(found[:3000], found[3000:6000][::-1])


def test_a_class_that_stands_twice_leaves_no_margin_to_its_images() -> None:
    generator = np.random.default_rng(8)
    classes = generator.normal(size=(50, 64)).astype(np.float32)
    classes /= np.linalg.norm(classes, axis=1, keepdims=True)
    classes[37] = classes[3]
    images = np.repeat(classes[[3, 5]], 100, axis=0) + generator.normal(0, 0.02, (200, 64))
    images = (images / np.linalg.norm(images, axis=1, keepdims=True)).astype(np.float32)
    found = score_images([images], 200, Classes(classes, 112.0, None), parse_all(["margin"]))
    assert (found.scores[0, :100] == 0).all()
    assert (found.scores[0, 100:] > 0).all()


@pytest.mark.parametrize("score", [one for one in CLASS_SCORES if one != "sigmoid-sum"])
def test_images_close_together_and_to_a_class_still_do_not_tie(score: str) -> None:
    generator = np.random.default_rng(9)
    classes = generator.normal(size=(20, 64))
    images = classes[generator.integers(20, size=5000)] + generator.normal(0, 0.02, (5000, 64))
    images, classes = (
        (one / np.linalg.norm(one, axis=1, keepdims=True)).astype(np.float32)
        for one in (images, classes)
    )
    found = score_images([images], 5000, Classes(classes, 112.0, -16.5), parse_all([score]))
    assert len(np.unique(found.scores[0])) == 5000
