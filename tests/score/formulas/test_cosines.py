"""What several scores share: each piece against a slow definition, in float64 or mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import log_softmax

from oodcache.score.formulas import cosines as cosines_module
from oodcache.score.formulas.cosines import Floats, Rows, Scores
from oodcache.score.kernel.definition import Definition

Type = type[np.floating[Any]]
TEMPERATURES = [1e-3, 0.01, 0.07, 0.5, 1.0, 2.0, 10.0]
SCALES = [(112.0, -16.5), (112.0, 0.0), (0.1, 5.0), (1.0, -50.0), (1000.0, 1000.0), (1e4, 0.0)]
each_type = pytest.mark.parametrize("dtype", [np.float32, np.float64])
each_temperature = pytest.mark.parametrize("temperature", TEMPERATURES)
each_scale = pytest.mark.parametrize(("scale", "bias"), SCALES)
each_count = pytest.mark.parametrize("classes", [2, 3, 7, 16, 50])
# Multiples of 1/1024: their differences are exact in float32, and ties are common.
dyadic = st.integers(-1024, 1024).map(lambda one: one / 1024)
shapes = st.tuples(st.integers(1, 6), st.integers(2, 9))
cosines = arrays.arrays(np.float64, shapes, elements=dyadic)


@pytest.fixture(scope="module", autouse=True)
def each_kernel(kernel: Definition) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cosines_module, "kernel", lambda it=kernel: it)
        yield


@pytest.fixture(autouse=True)
def only_what_the_scores_silence_is_silent() -> Iterator[None]:
    with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="raise"):
        yield


def images(count: int, classes: int, dtype: Type = np.float64) -> Floats:
    """Return cosines as a real model gives them: small, close together, one class ahead."""
    generator = np.random.default_rng(0)
    cosine = generator.normal(0.1, 0.04, (count, classes))
    cosine[np.arange(count), generator.integers(classes, size=count)] += 0.1
    return cosine.astype(dtype)


def digits(dtype: Type) -> float:
    """Return how far a sum may be off, as a share of it: a few roundings of its terms' type."""
    return 4 * float(np.finfo(dtype).eps)


def slow(cosine: Floats, formula: Callable[[list[float]], float]) -> Scores:
    """Return the formula of each row, in falling order, the nearest class first."""
    return np.array([formula(sorted(row, reverse=True)) for row in cosine.tolist()])


@given(cosines)
def test_top_and_runner_up_are_the_two_largest_and_best_is_where_the_first_is(
    cosine: Floats,
) -> None:
    rows = Rows(cosine.copy())
    ordered = np.sort(cosine, axis=1)
    assert np.array_equal(rows.top, ordered[:, -1])
    assert np.array_equal(rows.runner_up, ordered[:, -2])
    assert np.array_equal(rows.margin, ordered[:, -1] - ordered[:, -2])
    assert np.array_equal(rows.best, cosine.argmax(axis=1))


def test_of_a_single_class_the_runner_up_is_infinitely_far() -> None:
    rows = Rows(np.array([[0.25], [-0.5]]))
    assert rows.top.tolist() == [0.25, -0.5]
    assert rows.margin.tolist() == [math.inf, math.inf]
    assert rows.best.tolist() == [0, 0]


def test_exact_cosines_replace_those_of_the_two_nearest_and_decide_which_is_first() -> None:
    cosine = np.array([[0.25, 0.5, 0.5], [0.5, 0.25, 0.0]], np.float32)
    closer = np.array([[0.25, 0.5, 0.5 + 1e-9], [0.5 - 1e-9, 0.25, 0.0]])

    def exact(places: npt.NDArray[np.intp]) -> Scores:
        return np.take_along_axis(closer, places, axis=1)

    rows = Rows(cosine, exact)
    assert rows.best.tolist() == [2, 0]
    assert rows.top.tolist() == [0.5 + 1e-9, 0.5 - 1e-9]
    assert rows.runner_up.tolist() == [0.5, 0.25]


@each_type
@each_temperature
@each_count
def test_sums_over_the_others_are_those_of_the_definition(
    classes: int, temperature: float, dtype: Type
) -> None:
    cosine = images(20, classes, dtype)
    rows = Rows(cosine.copy())

    def terms(row: list[float]) -> list[tuple[float, float]]:
        return [(math.exp((one - row[1]) / temperature), one - row[1]) for one in row[1:]]

    close = {"rtol": digits(dtype) * (1 + 0.2 / temperature), "atol": 1e-30}
    sums = slow(cosine, lambda row: math.fsum(each for each, _ in terms(row)))
    np.testing.assert_allclose(rows.sum_exp(temperature), sums, **close)
    squares = slow(cosine, lambda row: math.fsum(each**2 for each, _ in terms(row)))
    np.testing.assert_allclose(rows.squares(temperature), squares, **close)
    weighted = slow(cosine, lambda row: math.fsum(each * gap for each, gap in terms(row)))
    np.testing.assert_allclose(rows.weighted_gaps(temperature), weighted, **close)


def test_what_was_asked_before_moves_no_sum() -> None:
    cosine = images(20, 16, np.float32)
    for first in (0.01, 1.0):
        rows, alone = Rows(cosine.copy()), Rows(cosine.copy())
        rows.lead(first), rows.nearly_uniform(first), rows.softplus(112.0, -16.5)
        rows.log_sigmoids(112.0, -16.5), rows.squares(first), rows.nearest_gaps(5)
        for ask in (Rows.sum_exp, Rows.weighted_gaps, Rows.squares, Rows.lead):
            assert ask(rows, 0.01).tobytes() == ask(alone, 0.01).tobytes()
        assert rows.softplus(10.0, 1.0).tobytes() == alone.softplus(10.0, 1.0).tobytes()


@given(cosines, st.data())
def test_nearest_gaps_are_the_smallest_of_the_others(cosine: Floats, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, cosine.shape[1] - 1))
    found = np.sort(Rows(cosine.copy()).nearest_gaps(count), axis=1)
    ordered = np.sort(cosine, axis=1)[:, :-1]
    assert np.array_equal(found, ordered[:, -count:] - ordered[:, -1:])


@each_type
@each_scale
@each_count
def test_softplus_is_the_sum_over_the_others(
    classes: int, scale: float, bias: float, dtype: Type
) -> None:
    cosine = images(20, classes, dtype)
    found = Rows(cosine.copy()).softplus(scale, bias)
    expected = slow(
        cosine, lambda row: math.fsum(np.logaddexp(0, scale * one + bias) for one in row[1:])
    )
    # A logit that is off by its rounding moves a small softplus by as large a share.
    rtol = digits(dtype) * (8 + scale * 0.3 + abs(bias))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-37)


@each_type
@each_scale
@each_count
def test_log_sigmoids_are_the_logarithms_of_both_sums_over_the_others(
    classes: int, scale: float, bias: float, dtype: Type
) -> None:
    cosine = images(20, classes, dtype)
    inside, outside = Rows(cosine.copy()).log_sigmoids(scale, bias)

    def log_sum(sign: int) -> Callable[[list[float]], float]:
        def of_row(row: list[float]) -> float:
            logits = [sign * (scale * mpmath.mpf(one) + bias) for one in row[1:]]
            return float(mpmath.log(mpmath.fsum(1 / (1 + mpmath.exp(-one)) for one in logits)))

        return of_row

    atol = digits(dtype) * (8 + scale * 0.3 + abs(bias))
    with mpmath.workdps(50):
        np.testing.assert_allclose(inside, slow(cosine, log_sum(1)), rtol=1e-13, atol=atol)
        np.testing.assert_allclose(outside, slow(cosine, log_sum(-1)), rtol=1e-13, atol=atol)


@pytest.mark.parametrize("scale", [1e-300, 1e-45, 1e-38, 1e-30])
def test_a_scale_so_small_that_all_logits_are_the_bias_counts_the_others_alone(
    scale: float,
) -> None:
    rows = Rows(images(3, 7, np.float32))
    np.testing.assert_allclose(rows.softplus(scale, 5.0), 6 * np.logaddexp(0, 5.0), rtol=1e-6)
    inside, outside = rows.log_sigmoids(scale, 5.0)
    np.testing.assert_allclose(inside, math.log(6 / (1 + math.exp(-5))), rtol=1e-6)
    np.testing.assert_allclose(outside, math.log(6 / (1 + math.exp(5))), rtol=1e-6)


@pytest.mark.parametrize("scale", [1e38, 1e39, 1e300])
def test_a_scale_beyond_float32_gives_the_numbers_of_float64(scale: float) -> None:
    cosine = np.array([[0.5, 0.25, 0.125], [0.5, -0.25, -0.5]], np.float32)
    found = Rows(cosine.copy()).softplus(scale, 0.0)
    assert found == pytest.approx([0.375 * scale, 0.0])


@each_type
@pytest.mark.parametrize("temperature", [0.5, 2.0, 100.0, 1e4])
@pytest.mark.parametrize("classes", [2, 3, 50])
def test_nearly_uniform_keeps_what_is_left_of_the_uniform(
    classes: int, temperature: float, dtype: Type
) -> None:
    cosine = images(20, classes, dtype)
    near = Rows(cosine.copy()).nearly_uniform(temperature)
    assert near.rows.tolist() == list(range(20))

    def softmax(row: list[float]) -> list[Any]:
        powers = [mpmath.exp(mpmath.mpf(one) / temperature) for one in row]
        return [one / mpmath.fsum(powers) for one in powers]

    def divergence(row: list[float]) -> float:
        return float(mpmath.log(mpmath.fsum(p * mpmath.log(classes * p) for p in softmax(row))))

    def variance(row: list[float]) -> float:
        return float(
            mpmath.log(mpmath.fsum((classes * p - 1) ** 2 for p in softmax(row)) / classes)
        )

    with mpmath.workdps(50):
        expected = slow(cosine, divergence), slow(cosine, variance)
    # Of two classes that nearly tie, a spread is a small difference; it is exact all the same.
    atol = 2e-10 if dtype is np.float64 else 2e-6
    np.testing.assert_allclose(near.log_divergence, expected[0], atol=atol)
    np.testing.assert_allclose(near.log_variance, expected[1], atol=atol)


def test_nearly_uniform_are_rows_whose_logits_differ_by_less_than_one() -> None:
    cosine = np.array([[0.0, 0.25, 0.0], [0.5, 0.0, 0.25], [0.125, 0.125, 0.125]])
    near = Rows(cosine.copy()).nearly_uniform(0.375)
    assert near.rows.tolist() == [0, 2]
    assert near.log_variance[1] == near.log_divergence[1] == -math.inf
    assert np.isfinite([near.log_variance[0], near.log_divergence[0]]).all()


def test_what_is_left_of_the_uniform_does_not_depend_on_the_other_rows() -> None:
    cosine = images(40, 37, np.float32)
    together = Rows(cosine.copy()).nearly_uniform(1.0)
    for first, last in ((0, 1), (1, 4), (5, 12), (12, 40)):
        apart = Rows(cosine[first:last].copy()).nearly_uniform(1.0)
        assert np.array_equal(apart.log_divergence, together.log_divergence[first:last])
        assert np.array_equal(apart.log_variance, together.log_variance[first:last])


@pytest.mark.parametrize("classes", [1, 2, 7])
def test_no_images_have_no_numbers(classes: int) -> None:
    rows = Rows(np.zeros((0, classes), np.float32))
    assert rows.top.shape == rows.margin.shape == rows.lead(1.0).shape == (0,)
    if classes > 1:
        assert rows.softplus(1.0, 0.0).shape == rows.log_sigmoids(1.0, 0.0)[0].shape == (0,)


@each_type
@each_temperature
@each_count
def test_log_probabilities_are_scipys(dtype: Type, temperature: float, classes: int) -> None:
    cosine = images(20, classes, dtype)
    expected = log_softmax(cosine.astype(np.float64) / temperature, axis=1)
    found = Rows(cosine.copy()).log_probabilities(temperature)
    assert found.dtype == np.float64
    np.testing.assert_allclose(
        found, expected, rtol=digits(dtype), atol=digits(dtype) / temperature
    )


def test_the_log_probability_of_a_certain_class_keeps_its_digits() -> None:
    with mpmath.workdps(60):
        expected = -mpmath.log1p(mpmath.exp(-50))
    found = Rows(np.array([[0.75, 0.25]])).log_probabilities(0.01)
    assert found[0, 0] == pytest.approx(float(expected), rel=1e-15)
    assert found[0, 1] == pytest.approx(-50, rel=1e-15)


def test_log_probabilities_are_finite_at_every_temperature() -> None:
    for temperature in (5e-324, 1e-300, 1e300):
        for classes in (1, 2, 7):
            found = Rows(images(5, classes)).log_probabilities(temperature)
            assert np.isfinite(found).all()
            np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, rtol=1e-14)
