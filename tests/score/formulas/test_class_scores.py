"""The numbers: each score's shown form and ranking form, against SciPy and mpmath."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from samples.score.cosines import ranked, shown
from scipy.special import entr, expit, logsumexp, softmax

from oodcache.score.formulas.class_scores import CLASS_SCORES
from oodcache.score.formulas.cosines import Floats, Rows, Scores

Numbers = dict[str, float]
Exact = Callable[..., Any]
TEMPERATURES = [1e-3, 0.01, 0.07, 0.5, 1.0, 2.0, 10.0, 1e4]
SCALES = [
    (112.0, -16.5),
    (112.0, 0.0),
    (0.1, 5.0),
    (1.0, -50.0),
    (1000.0, 1000.0),
    (1000.0, -1000.0),
    (300.0, -60.0),
    (1e4, 0.0),
]
SOFTMAX = ("mcm", "energy", "entropy", "variance", "gen")
SIGMOID = ("sigmoid-mcm", "joint-energy", "sigmoid-sum")
shapes = st.tuples(st.integers(1, 5), st.integers(1, 8))
cosines = arrays.arrays(np.float64, shapes, elements=st.floats(-1, 1))
single_cosines = arrays.arrays(np.float32, shapes, elements=st.floats(-1, 1, width=32))
logits = arrays.arrays(np.float64, shapes, elements=st.floats(-1e4, 1e4))
each_score = pytest.mark.parametrize("score", CLASS_SCORES)


@pytest.fixture(autouse=True)
def numpy_raises_where_it_would_warn() -> Iterator[None]:
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        yield


@st.composite
def parameters_of(draw: st.DrawFn, score: str) -> Numbers:
    drawn = {
        "temperature": st.floats(1e-3, 10),
        "gamma": st.floats(0.05, 2),
        "top": st.integers(1, 9),
        "scale": st.floats(1e-2, 200),
        "bias": st.floats(-30, 30),
    }
    return {name: float(draw(drawn[name])) for name in CLASS_SCORES[score].defaults}


def settings_of(score: str) -> list[Numbers]:
    if score in SIGMOID:
        return [{"scale": scale, "bias": bias} for scale, bias in SCALES]
    if score == "gen":
        return [
            {"temperature": one, "gamma": 0.1, "top": top}
            for one in TEMPERATURES
            for top in (1.0, 10.0, 100.0)
        ]
    return [{"temperature": one} for one in TEMPERATURES] if score in SOFTMAX else [{}]


EVERY = [(score, numbers) for score in CLASS_SCORES for numbers in settings_of(score)]


def images(count: int, classes: int, seed: int = 0) -> Scores:
    """Return cosines as a real model gives them: small, close together, one class ahead."""
    generator = np.random.default_rng(seed)
    cosine = generator.normal(0.1, 0.04, (count, classes))
    cosine[np.arange(count), generator.integers(classes, size=count)] += 0.1
    return cosine


@np.errstate(all="ignore")
def scipy_shown(score: str, cosine: Floats, **numbers: float) -> Scores:
    """Return the paper's formula of every row, in float64."""
    cosine = cosine.astype(np.float64)
    classes, ordered = cosine.shape[1], np.sort(cosine, axis=1)
    tau, gamma = numbers.get("temperature", 1.0), numbers.get("gamma", 1.0)
    powers = softmax(cosine / tau, axis=1)
    affine = numbers.get("scale", 1.0) * cosine + numbers.get("bias", 0.0)
    # No p but the largest is near 1, and its 1 - p is the sum of the others.
    largest = np.sort(powers, axis=1)[:, ::-1]
    missing = np.concatenate([largest[:, 1:].sum(axis=1)[:, None], 1 - largest[:, 1:]], axis=1)
    counted = slice(int(numbers.get("top", classes)))
    formulas: dict[str, Callable[[], Any]] = {
        "mcm": lambda: powers.max(axis=1),
        "sigmoid-mcm": lambda: expit(affine).max(axis=1),
        "max-logit": lambda: cosine.max(axis=1),
        "energy": lambda: tau * logsumexp(cosine / tau, axis=1),
        "entropy": lambda: -entr(powers).sum(axis=1),
        "variance": lambda: powers.var(axis=1),
        "margin": lambda: (
            ordered[:, -1] - ordered[:, -2] if classes > 1 else np.full(len(cosine), np.inf)
        ),
        "gen": lambda: -((largest * missing) ** gamma)[:, counted].sum(axis=1),
        "joint-energy": lambda: np.logaddexp(0, affine).sum(axis=1),
        "sigmoid-sum": lambda: expit(affine).sum(axis=1),
    }
    return np.asarray(formulas[score]())


def exact_softmax(row: list[Any], tau: Any) -> tuple[list[Any], list[Any]]:
    """Return every p and 1 - p, the latter as the sum of the others: no digit is lost."""
    powers = [mpmath.exp((one - max(row)) / tau) for one in row]
    total = mpmath.fsum(powers)
    missing = [mpmath.fsum(powers[:place] + powers[place + 1 :]) for place in range(len(row))]
    return [one / total for one in powers], [one / total for one in missing]


def exact_logsumexp(row: list[Any], tau: Any) -> Any:
    return mpmath.log(mpmath.fsum(mpmath.exp(one / tau) for one in row))


def exact_lead(row: list[Any], temperature: Any) -> Any:
    others = exact_logsumexp(row[:-1], temperature) - mpmath.log(len(row) - 1)
    return row[-1] - temperature * others


def exact_energy(row: list[Any], temperature: Any) -> Any:
    return temperature * (exact_logsumexp(row, temperature) - mpmath.log(len(row)))


def exact_certainty(row: list[Any], temperature: Any) -> Any:
    entropy = -mpmath.fsum(
        p * (mpmath.log(p) if p < 0.5 else mpmath.log1p(-missing))
        for p, missing in zip(*exact_softmax(row, temperature), strict=True)
    )
    return mpmath.log((mpmath.log(len(row)) - entropy) / entropy)


def exact_unevenness(row: list[Any], temperature: Any) -> Any:
    powers, missing = exact_softmax(row, temperature)
    variance = mpmath.fsum((p - mpmath.mpf(1) / len(row)) ** 2 for p in powers)
    return mpmath.log(variance / mpmath.fdot(powers, missing))


def exact_gen(row: list[Any], temperature: Any, gamma: Any, top: Any) -> Any:
    pairs = sorted(zip(*exact_softmax(row, temperature), strict=True), reverse=True)[: int(top)]
    return -mpmath.log(mpmath.fsum((p * missing) ** gamma for p, missing in pairs))


def exact_joint_energy(row: list[Any], scale: Any, bias: Any) -> Any:
    return mpmath.log(mpmath.fsum(mpmath.log1p(mpmath.exp(scale * one + bias)) for one in row))


def exact_sigmoid_sum(row: list[Any], scale: Any, bias: Any) -> Any:
    powers = [mpmath.exp(scale * one + bias) for one in row]
    inside = mpmath.fsum(one / (1 + one) for one in powers)
    return mpmath.log(inside / mpmath.fsum(1 / (1 + one) for one in powers))


EXACT: dict[str, Exact] = {
    "mcm": exact_lead,
    "sigmoid-mcm": lambda row, scale, bias: row[-1],
    "max-logit": lambda row: row[-1],
    "energy": exact_energy,
    "entropy": exact_certainty,
    "variance": exact_unevenness,
    "margin": lambda row: row[-1] - row[-2],
    "gen": exact_gen,
    "joint-energy": exact_joint_energy,
    "sigmoid-sum": exact_sigmoid_sum,
}


def exact(score: str, cosine: Floats, **numbers: float) -> Scores:
    """Return the ranking form of every row, computed with 60 digits."""
    with mpmath.workdps(60):
        given = {name: mpmath.mpf(one) for name, one in numbers.items()}
        rows = [sorted(map(mpmath.mpf, row)) for row in cosine.tolist()]
        return np.array([float(EXACT[score](row, **given)) for row in rows])


@each_score
@given(cosine=cosines, data=st.data())
def test_shown_is_scipys(score: str, cosine: Floats, data: st.DataObject) -> None:
    numbers = data.draw(parameters_of(score))
    expected = scipy_shown(score, cosine, **numbers)
    # SciPy's logits are rounded, up to 1000 of them: its exponentials are good to 1e-13.
    np.testing.assert_allclose(shown(score, cosine, **numbers), expected, rtol=1e-9, atol=1e-13)


@each_score
@given(cosine=single_cosines, data=st.data())
def test_shown_of_float32_cosines_errs_by_float32s_rounding(
    score: str, cosine: Floats, data: st.DataObject
) -> None:
    numbers = data.draw(parameters_of(score))
    expected = scipy_shown(score, cosine, **numbers)
    sharpest = max(1 / numbers.get("temperature", 1.0), numbers.get("scale", 1.0), 1.0)
    close = 1e-6 + 2e-7 * (sharpest + abs(numbers.get("bias", 0.0)))
    np.testing.assert_allclose(shown(score, cosine, **numbers), expected, rtol=close, atol=1e-7)


@given(cosines | single_cosines | logits)
def test_max_logit_is_the_largest_to_the_bit(cosine: Floats) -> None:
    assert shown("max-logit", cosine).tolist() == [max(row) for row in cosine.tolist()]


@each_score
@given(cosine=logits, number=st.sampled_from([1e-3, 1.0, 30.0]))
def test_shown_bears_logits_of_ten_thousand(score: str, cosine: Floats, number: float) -> None:
    given = {"temperature": number, "gamma": 0.1, "top": 3.0, "scale": 1 / number, "bias": -7.0}
    numbers = {name: given[name] for name in CLASS_SCORES[score].defaults}
    expected = scipy_shown(score, cosine, **numbers)
    np.testing.assert_allclose(shown(score, cosine, **numbers), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("score", "numbers"), EVERY)
@pytest.mark.parametrize("classes", [2, 3, 40])
def test_ranking_forms_are_mpmaths(score: str, numbers: Numbers, classes: int) -> None:
    cosine = images(8, classes)
    expected = exact(score, cosine, **numbers)
    # Of entropy and variance at τ = 10,000 the differences from uniform are 1e-6 or less.
    atol = 1e-9 if numbers.get("temperature", 0.0) > 100 else 1e-12
    np.testing.assert_allclose(ranked(score, cosine, **numbers), expected, rtol=1e-12, atol=atol)


@pytest.mark.parametrize(("score", "numbers"), EVERY)
@pytest.mark.parametrize("classes", [2, 3, 40])
def test_ranking_forms_of_float32_cosines_err_in_the_seventh_digit(
    score: str, numbers: Numbers, classes: int
) -> None:
    cosine = images(8, classes).astype(np.float32)
    expected = exact(score, cosine, **numbers)
    # A logit of 1,000 that float32 rounds is off by 6e-5, and its exponential by that share.
    atol = 1e-6 + 1e-7 * (numbers.get("scale", 0.0) * 0.3 + abs(numbers.get("bias", 0.0)))
    np.testing.assert_allclose(ranked(score, cosine, **numbers), expected, rtol=1e-7, atol=atol)


@pytest.mark.parametrize("score", [*SOFTMAX, "joint-energy", "sigmoid-sum", "margin"])
@pytest.mark.parametrize("number", [1e-3, 1.0])
def test_ranking_forms_of_logits_of_ten_thousand_are_mpmaths(score: str, number: float) -> None:
    cosine = np.random.default_rng(3).uniform(-10, 10, (3, 4)) * (1.0 if number < 1 else 1e3)
    given = {"temperature": number, "gamma": 0.1, "top": 3.0, "scale": 1 / number, "bias": 0.0}
    for one in (cosine, -10 * np.abs(cosine)):
        numbers = {name: given[name] for name in CLASS_SCORES[score].defaults}
        expected = exact(score, one, **numbers)
        np.testing.assert_allclose(ranked(score, one, **numbers), expected, rtol=1e-12, atol=1e-15)


def test_gen_at_one_hundredth_keeps_the_digits_that_one_minus_p_loses() -> None:
    cosine = np.array([[0.5, 0.16, 0.15, 0.02], [0.62, 0.25, 0.2, 0.2]])
    numbers = {"temperature": 0.01, "gamma": 0.1, "top": 1.0}
    expected = exact("gen", cosine, **numbers)
    largest = softmax(cosine / 0.01, axis=1).max(axis=1)
    naive = -0.1 * np.log(largest * np.maximum(1 - largest, 1e-300))
    assert (np.abs(naive - expected) > 1e-4).any()
    np.testing.assert_allclose(ranked("gen", cosine, **numbers), expected, rtol=1e-14)


@pytest.mark.parametrize("score", ["entropy", "variance"])
def test_the_shape_of_a_softmax_keeps_its_digits_at_both_ends(score: str) -> None:
    cosine = images(10, 7)
    for temperature in (1e-3, 3e-4, 1e3, 1e6):
        found = ranked(score, cosine, temperature=temperature)
        expected = exact(score, cosine, temperature=temperature)
        np.testing.assert_allclose(found, expected, rtol=1e-7)
        assert len(np.unique(found)) == 10


@each_score
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("number", [5e-324, 1e-320, 1e-40, 1e-3, 1e38, 1e39, 1e300])
def test_no_parameter_gives_nan_or_infinity(
    score: str, number: float, dtype: type[np.floating[Any]]
) -> None:
    for cosine in (images(5, 7), images(5, 2), images(1, 9), images(5, 7) - 0.3):
        for bias in (0.0, -1e4, 1e4, -1e39, 1e300):
            given = {"temperature": number, "gamma": 0.1, "top": 5, "scale": number, "bias": bias}
            numbers = {name: given[name] for name in CLASS_SCORES[score].defaults}
            assert np.isfinite(ranked(score, cosine.astype(dtype), **numbers)).all()
            assert np.isfinite(shown(score, cosine.astype(dtype), **numbers)).all()


@each_score
@given(
    cosine=cosines | single_cosines | logits,
    number=st.floats(5e-324, 1e300),
    bias=st.floats(-1e300, 1e300) | st.floats(-1e4, 1e4),
)
def test_no_cosines_give_nan(score: str, cosine: Floats, number: float, bias: float) -> None:
    given = {"temperature": number, "gamma": 0.1, "top": 3.0, "scale": number, "bias": bias}
    numbers = {name: given[name] for name in CLASS_SCORES[score].defaults}
    assert not np.isnan(ranked(score, cosine, **numbers)).any()
    assert not np.isnan(shown(score, cosine, **numbers)).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_at_a_temperature_of_1e_minus_40_the_margin_alone_ranks(
    dtype: type[np.floating[Any]],
) -> None:
    cosine = images(50, 7).astype(dtype)
    ordered = np.sort(cosine).astype(np.float64)
    margin = ordered[:, -1] - ordered[:, -2]
    for temperature in (1e-40, 5e-324):
        assert np.array_equal(ranked("mcm", cosine, temperature=temperature), margin)
        assert np.array_equal(ranked("energy", cosine, temperature=temperature), ordered[:, -1])
        assert (shown("mcm", cosine, temperature=temperature) == 1).all()
        numbers = {"gen": {"gamma": 0.1, "top": 5.0}}
        for score in ("entropy", "variance", "gen"):
            found = ranked(score, cosine, temperature=temperature, **numbers.get(score, {}))
            assert np.array_equal(np.argsort(found), np.argsort(margin)), score


@pytest.mark.parametrize("score", ["mcm", "entropy", "variance", "gen", "margin"])
def test_of_one_class_every_image_ties_above_all(score: str) -> None:
    cosine = np.array([[0.3], [-0.2]])
    for temperature in (0.01, 1.0, 100.0):
        given = {"temperature": temperature, "gamma": 0.1, "top": 100.0}
        numbers = {name: given[name] for name in CLASS_SCORES[score].defaults}
        assert ranked(score, cosine, **numbers).tolist() == [np.inf, np.inf]
        certain = {"mcm": 1.0, "entropy": 0.0, "variance": 0.0, "gen": 0.0, "margin": np.inf}
        assert shown(score, cosine, **numbers).tolist() == [certain[score]] * 2


def test_of_one_class_the_energy_is_the_cosine() -> None:
    cosine = np.array([[0.3], [-0.2]])
    assert shown("energy", cosine, temperature=0.01).tolist() == [0.3, -0.2]
    assert ranked("energy", cosine, temperature=0.01).tolist() == [0.3, -0.2]


def test_two_classes_worked_by_hand() -> None:
    cosine = np.array([[0.5, 0.25]])
    probability = 1 / (1 + np.exp(-2.0))
    assert ranked("mcm", cosine, temperature=0.125).tolist() == [0.25]
    with np.errstate(over="ignore"):
        assert Rows(cosine.copy()).log_odds(0.125).tolist() == [2.0]
    assert shown("mcm", cosine, temperature=0.125).tolist() == [probability]
    assert shown("sigmoid-mcm", cosine, scale=8.0, bias=-2.0).tolist() == [probability]
    assert shown("margin", cosine).tolist() == [0.25]
    by_hand = {
        "energy": 0.5 + 0.125 * np.log1p(np.exp(-2)),
        "entropy": probability * np.log(probability) + (1 - probability) * np.log(1 - probability),
        "variance": (probability - 0.5) ** 2,
    }
    for score, expected in by_hand.items():
        assert shown(score, cosine, temperature=0.125) == pytest.approx([expected], rel=1e-14)
    half = {"temperature": 0.125, "gamma": 0.5}
    product = np.sqrt(probability * (1 - probability))
    assert shown("gen", cosine, **half, top=1) == pytest.approx([-product], rel=1e-14)
    assert shown("gen", cosine, **half, top=9) == pytest.approx([-2 * product], rel=1e-14)
    affine = {"scale": 8.0, "bias": -2.0}
    softplus = np.log1p(np.exp(2.0)) + np.log(2.0)
    assert shown("joint-energy", cosine, **affine) == pytest.approx([softplus], rel=1e-14)
    assert shown("sigmoid-sum", cosine, **affine) == pytest.approx([probability + 0.5], rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_all_classes_tie_softmax_is_uniform_and_the_lead_is_nil(
    dtype: type[np.floating[Any]],
) -> None:
    cosine = np.full((3, 8), 0.25, dtype)
    for temperature in (0.01, 1.0, 100.0):
        uniform = {"mcm": 1 / 8, "entropy": -np.log(8), "variance": 0.0}
        for score, expected in uniform.items():
            found = shown(score, cosine, temperature=temperature)
            assert found == pytest.approx([expected] * 3, rel=1e-15)
        assert ranked("mcm", cosine, temperature=temperature).tolist() == [0.0] * 3
        assert ranked("energy", cosine, temperature=temperature).tolist() == [0.25] * 3
        # No image can be less certain than one to which all classes are alike.
        assert ranked("entropy", cosine, temperature=temperature).tolist() == [-np.inf] * 3
        assert ranked("variance", cosine, temperature=temperature).tolist() == [-np.inf] * 3
    assert ranked("margin", cosine).tolist() == [0.0] * 3
    assert ranked("sigmoid-sum", cosine, scale=8.0, bias=-1.0) == pytest.approx([1.0] * 3, rel=1e-6)


def test_a_duplicated_best_class_halves_the_probability_and_keeps_images_apart() -> None:
    single = np.sort(images(100, 50))
    double = np.concatenate([single, single[:, -1:]], axis=1)
    assert (shown("mcm", double, temperature=0.001) <= 0.5 + 1e-15).all()
    assert len(np.unique(ranked("mcm", double, temperature=0.01))) == 100
    assert ranked("margin", double).tolist() == [0.0] * 100


@each_score
def test_no_images_have_no_scores(score: str) -> None:
    given = {"temperature": 0.1, "gamma": 0.1, "top": 3.0, "scale": 10.0, "bias": -1.0}
    numbers = {name: given[name] for name in CLASS_SCORES[score].defaults}
    for classes in (1, 2, 5):
        assert ranked(score, np.zeros((0, classes)), **numbers).shape == (0,)


def test_integers_and_float16_are_taken_as_cosines() -> None:
    assert shown("mcm", np.array([[0, 0]]), temperature=1.0).tolist() == [0.5]
    half, single = (np.array([[0.5, 0.25]], dtype) for dtype in (np.float16, np.float64))
    assert shown("mcm", half, temperature=1.0) == pytest.approx(
        shown("mcm", single, temperature=1.0), rel=1e-7
    )


@each_score
def test_the_given_cosines_stay_as_they_are(score: str) -> None:
    cosine = images(4, 5)
    before = cosine.copy()
    given = {"temperature": 0.1, "gamma": 0.1, "top": 3.0, "scale": 10.0, "bias": -1.0}
    shown(score, cosine, **{name: given[name] for name in CLASS_SCORES[score].defaults})
    assert np.array_equal(cosine, before)


def test_every_score_has_a_section_of_docs_scores_md() -> None:
    page = (Path(__file__).parents[3] / "docs" / "scores.md").read_text(encoding="utf-8")
    headings = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert [one for one in headings if one.strip("`") in CLASS_SCORES] == [
        f"`{one}`" for one in CLASS_SCORES
    ]
