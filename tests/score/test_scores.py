"""The numbers: each score's shown form and ranking form, against SciPy and mpmath."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import expit, logsumexp, softmax

from oodcache.score.scores import (
    SCORES,
    Floats,
    Rows,
    Scores,
    energy,
    max_logit,
    mcm,
    sigmoid_mcm,
)

Oracle = Callable[[Floats, float], Scores]
TEMPERATURES = [1e-3, 0.01, 0.07, 0.5, 1.0, 2.0, 10.0]
shapes = st.tuples(st.integers(1, 5), st.integers(1, 8))
cosines = arrays.arrays(np.float64, shapes, elements=st.floats(-1, 1))
single_cosines = arrays.arrays(np.float32, shapes, elements=st.floats(-1, 1, width=32))
logits = arrays.arrays(np.float64, shapes, elements=st.floats(-1e4, 1e4))
temperatures = st.floats(1e-3, 10)


@pytest.fixture(autouse=True)
def numpy_raises_where_it_would_warn() -> Iterator[None]:
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        yield


def images(count: int, classes: int, seed: int = 0) -> Scores:
    """Return cosines as a real model gives them: small, close together, one class ahead."""
    generator = np.random.default_rng(seed)
    cosine = generator.normal(0.1, 0.04, (count, classes))
    cosine[np.arange(count), generator.integers(classes, size=count)] += 0.1
    return cosine


def exact(formula: Callable[[list[mpmath.mpf], mpmath.mpf], mpmath.mpf]) -> Oracle:
    """Return the formula of a row in rising order and τ as a function of an array, to 60 digits."""

    def of_rows(cosine: Floats, temperature: float) -> Scores:
        with mpmath.workdps(60):
            rows = [sorted(map(mpmath.mpf, row)) for row in cosine.tolist()]
            return np.array([float(formula(row, mpmath.mpf(temperature))) for row in rows])

    return of_rows


def exact_logsumexp(row: list[mpmath.mpf], tau: mpmath.mpf) -> mpmath.mpf:
    return mpmath.log(mpmath.fsum(mpmath.exp(one / tau) for one in row))


exact_log_odds = exact(lambda row, tau: row[-1] / tau - exact_logsumexp(row[:-1], tau))
exact_lead = exact(
    lambda row, tau: row[-1] - tau * (exact_logsumexp(row[:-1], tau) - mpmath.log(len(row) - 1))
)
exact_energy_above_uniform = exact(
    lambda row, tau: tau * (exact_logsumexp(row, tau) - mpmath.log(len(row)))
)


def rank(score: str, cosine: Floats, **parameters: float) -> Scores:
    return SCORES[score].rank(Rows(cosine.copy()), **parameters)


@np.errstate(all="ignore")
def scipy_softmax(cosine: Floats, temperature: float) -> Scores:
    found: Scores = softmax(cosine.astype(np.float64) / temperature, axis=1)
    return found


@np.errstate(all="ignore")
def scipy_sigmoid(cosine: Floats, scale: float, bias: float) -> Scores:
    found: Scores = expit(scale * cosine.astype(np.float64) + bias)
    return found


@np.errstate(all="ignore")
def scipy_energy(cosine: Floats, temperature: float) -> Scores:
    found: Scores = temperature * logsumexp(cosine.astype(np.float64) / temperature, axis=1)
    return found


@given(cosines, temperatures)
def test_mcm_is_the_largest_of_scipys_softmax(cosine: Floats, temperature: float) -> None:
    expected = scipy_softmax(cosine, temperature).max(axis=1)
    np.testing.assert_allclose(mcm(cosine, temperature=temperature), expected, rtol=1e-11)


@given(single_cosines, temperatures)
def test_mcm_of_float32_cosines_errs_by_float32s_rounding(
    cosine: Floats, temperature: float
) -> None:
    expected = scipy_softmax(cosine, temperature).max(axis=1)
    np.testing.assert_allclose(mcm(cosine, temperature=temperature), expected, rtol=2e-6)


@given(cosines, st.floats(1e-2, 200), st.floats(-30, 30))
def test_sigmoid_mcm_is_the_largest_of_scipys_sigmoid(
    cosine: Floats, scale: float, bias: float
) -> None:
    expected = scipy_sigmoid(cosine, scale, bias).max(axis=1)
    np.testing.assert_allclose(sigmoid_mcm(cosine, scale=scale, bias=bias), expected, rtol=1e-13)


@given(cosines | single_cosines | logits)
def test_max_logit_is_the_largest_to_the_bit(cosine: Floats) -> None:
    assert max_logit(cosine).tolist() == [max(row) for row in cosine.tolist()]


@given(cosines, temperatures)
def test_energy_is_scipys_logsumexp(cosine: Floats, temperature: float) -> None:
    expected = scipy_energy(cosine, temperature)
    np.testing.assert_allclose(
        energy(cosine, temperature=temperature), expected, rtol=1e-12, atol=1e-13
    )


@given(logits, st.sampled_from([1e-3, 1.0, 30.0]))
def test_shown_forms_bear_logits_of_ten_thousand(cosine: Floats, temperature: float) -> None:
    softmaxes, energies = scipy_softmax(cosine, temperature), scipy_energy(cosine, temperature)
    np.testing.assert_allclose(
        mcm(cosine, temperature=temperature), softmaxes.max(axis=1), rtol=1e-11
    )
    np.testing.assert_allclose(
        energy(cosine, temperature=temperature), energies, rtol=1e-12, atol=1e-9
    )
    sigmoids = scipy_sigmoid(cosine, 2.0, -7.0).max(axis=1)
    np.testing.assert_allclose(sigmoid_mcm(cosine, scale=2.0, bias=-7.0), sigmoids, rtol=1e-11)


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("classes", [2, 3, 100])
def test_log_odds_are_mpmaths_at_every_temperature(classes: int, temperature: float) -> None:
    cosine = images(20, classes)
    expected = exact_log_odds(cosine, temperature)
    found = Rows(cosine.copy()).log_odds(temperature)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_log_odds_of_float32_cosines_err_by_a_millionth(temperature: float) -> None:
    cosine = images(20, 100).astype(np.float32)
    expected = exact_log_odds(cosine, temperature)
    np.testing.assert_allclose(
        Rows(cosine.copy()).log_odds(temperature), expected, rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("temperature", [*TEMPERATURES, 1e2, 1e4, 1e9])
def test_mcm_ranks_by_mpmaths_lead_over_the_other_classes(temperature: float) -> None:
    cosine = images(20, 50)
    expected = exact_lead(cosine, temperature)
    found = rank("mcm", cosine, temperature=temperature)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    single = rank("mcm", cosine.astype(np.float32), temperature=temperature)
    np.testing.assert_allclose(single, expected, atol=1e-7 * (1 + min(temperature, 10)))


@pytest.mark.parametrize("temperature", [*TEMPERATURES, 1e2, 1e4, 1e9])
def test_energy_ranks_by_mpmaths_log_mean_exp(temperature: float) -> None:
    cosine = images(20, 50)
    expected = exact_energy_above_uniform(cosine, temperature)
    found = rank("energy", cosine, temperature=temperature)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("temperature", [5e-324, 1e-320, 1e-40, 1e38, 1e39, 1e300, 1.7e308])
def test_no_temperature_gives_infinity_or_nan(temperature: float, dtype: type[np.floating]) -> None:
    for cosine in (images(5, 7), 1e5 * images(5, 7), np.zeros((5, 7))):
        for score in ("mcm", "energy"):
            found = rank(score, cosine.astype(dtype), temperature=temperature)
            assert np.isfinite(found).all()


@given(cosines | logits, temperatures | st.sampled_from([1e-40, 1e40]))
def test_no_score_underflows_in_sight_even_of_those_who_ask(
    cosine: Floats, temperature: float
) -> None:
    parameters = {"temperature": temperature, "scale": 1 / temperature, "bias": -700.0}
    with np.errstate(all="raise"):
        for one in SCORES.values():
            given = {name: parameters[name] for name in one.defaults}
            assert not np.isnan(one.shown(cosine, **given)).any()
            assert not np.isnan(one.rank(Rows(cosine.copy()), **given)).any()


def test_at_a_temperature_of_1e_minus_40_the_margin_alone_ranks() -> None:
    cosine = images(50, 7).astype(np.float32)
    ordered = np.sort(cosine).astype(np.float64)
    found = rank("mcm", cosine, temperature=1e-40)
    assert np.array_equal(found, ordered[:, -1] - ordered[:, -2])
    assert np.array_equal(rank("energy", cosine, temperature=1e-40), ordered[:, -1])
    assert (mcm(cosine, temperature=1e-40) == 1).all()


def test_of_one_class_the_probability_is_one_and_every_image_ties() -> None:
    cosine = np.array([[0.3], [-0.2]])
    assert mcm(cosine, temperature=0.01).tolist() == [1.0, 1.0]
    assert rank("mcm", cosine, temperature=0.01).tolist() == [np.inf, np.inf]
    assert rank("mcm", cosine, temperature=100.0).tolist() == [np.inf, np.inf]


def test_of_one_class_the_energy_is_the_cosine() -> None:
    cosine = np.array([[0.3], [-0.2]])
    assert energy(cosine, temperature=0.01).tolist() == [0.3, -0.2]
    assert rank("energy", cosine, temperature=0.01).tolist() == [0.3, -0.2]


def test_two_classes_worked_by_hand() -> None:
    cosine = np.array([[0.5, 0.25]])
    assert rank("mcm", cosine, temperature=0.125).tolist() == [0.25]
    assert Rows(cosine.copy()).log_odds(0.125).tolist() == [2.0]
    assert mcm(cosine, temperature=0.125).tolist() == [1 / (1 + np.exp(-2.0))]
    assert sigmoid_mcm(cosine, scale=8.0, bias=-2.0).tolist() == [1 / (1 + np.exp(-2.0))]
    assert energy(cosine, temperature=0.125) == pytest.approx([0.5 + 0.125 * np.log1p(np.exp(-2))])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_all_classes_tie_softmax_is_uniform_and_the_lead_is_nil(
    dtype: type[np.floating],
) -> None:
    cosine = np.full((3, 8), 0.25, dtype)
    for temperature in (0.01, 1.0, 100.0):
        assert mcm(cosine, temperature=temperature) == pytest.approx([1 / 8] * 3, rel=1e-15)
        assert rank("mcm", cosine, temperature=temperature).tolist() == [0.0] * 3
        assert rank("energy", cosine, temperature=temperature).tolist() == [0.25] * 3


def test_a_duplicated_best_class_halves_the_probability_and_keeps_images_apart() -> None:
    single = np.sort(images(100, 50))
    double = np.concatenate([single, single[:, -1:]], axis=1)
    assert (mcm(double, temperature=0.001) <= 0.5 + 1e-15).all()
    assert len(np.unique(rank("mcm", double, temperature=0.01))) == 100


def test_integers_and_float16_are_taken_as_cosines() -> None:
    assert mcm(np.array([[0, 0]])).tolist() == [0.5]
    assert mcm(np.array([[0.5, 0.25]], np.float16)) == pytest.approx(
        mcm(np.array([[0.5, 0.25]])), rel=1e-7
    )


def test_the_given_cosines_stay_as_they_are() -> None:
    cosine = images(4, 5)
    before = cosine.copy()
    for one in SCORES.values():
        parameters = {"temperature": 0.1, "scale": 10.0, "bias": -1.0}
        one.shown(cosine, **{name: parameters[name] for name in one.defaults})
        assert np.array_equal(cosine, before)


def test_every_score_has_a_section_of_docs_scores_md() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scores.md").read_text(encoding="utf-8")
    headings = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert [one for one in headings if one.strip("`") in SCORES] == [f"`{one}`" for one in SCORES]
