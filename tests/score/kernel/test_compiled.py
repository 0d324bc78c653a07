"""Claims about the compiled kernel: where it hands over to NumPy, what it rejects, how it ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from samples.score.kernels import DEFINITION, KERNELS

from oodcache.score.formulas import cosines as cosines_module
from oodcache.score.formulas.class_scores import (
    certainty,
    energy,
    joint_energy,
    lead,
    sigmoid_sum,
    unevenness,
)
from oodcache.score.formulas.tile import Tile
from oodcache.score.kernel.definition import HIDDEN, Dots, Floats, RowSums, Scores, Terms

rows = pytest.importorskip("oodcache.score.kernel._rows", exc_type=ImportError)
compiled = pytest.importorskip("oodcache.score.kernel.compiled").Compiled()

# One rounding of a float32. docs/scores.md, "How far a score may be off", derives bounds from it.
ROUNDING = 2.0**-24
# So many of them at most in a sum of positive terms.
SUM = 64
CLASSES = 60
LOG = float(np.log(CLASSES))
LOG_2 = float(np.log(2))
Formula = Callable[[list[Any]], Any]


def images(count: int = 24, classes: int = CLASSES) -> Floats:
    """Return cosines as models give them, with rows that nearly tie and rows of equal ones."""
    generator = np.random.default_rng(0)
    found = generator.normal(0.1, 0.04, (count, classes))
    found[np.arange(count), generator.integers(classes, size=count)] += 0.1
    found[1] = found[0] + 1e-7 * generator.normal(size=classes)
    found[2] = found[0].mean() + 1e-3 * generator.normal(size=classes)
    found[3, 1:] = -0.25
    return found.astype(np.float32)


def softmax(row: list[Any], temperature: float) -> list[Any]:
    powers = [mpmath.exp((one - max(row)) / temperature) for one in row]
    return [one / mpmath.fsum(powers) for one in powers]


def softplus(logit: Any) -> Any:
    return mpmath.log1p(mpmath.exp(logit))


def logits(row: list[Any], scale: float, bias: float) -> list[Any]:
    return [scale * one + bias for one in row]


def log_mean(row: list[Any], temperature: float) -> Any:
    terms = [mpmath.exp(one / temperature) for one in row]
    return temperature * mpmath.log(mpmath.fsum(terms) / len(row))


def entropy(row: list[Any], temperature: float) -> Any:
    return -mpmath.fsum(p * mpmath.log(p) for p in softmax(row, temperature))


def squares(row: list[Any], temperature: float) -> Any:
    return mpmath.fsum(p**2 for p in softmax(row, temperature))


def inside(row: list[Any], scale: float, bias: float) -> Any:
    return mpmath.fsum(1 / (1 + mpmath.exp(-one)) for one in logits(row, scale, bias))


def exactly(cosine: Floats, formula: Formula) -> Scores:
    with mpmath.workdps(50):
        return np.array([float(formula([mpmath.mpf(c) for c in row])) for row in cosine.tolist()])


def magnitudes(cosine: Floats, scale: float, bias: float) -> Scores:
    """Return the most that |s · gap| plus the runner-up's logit is in a row."""
    ordered = np.sort(cosine.astype(np.float64), axis=1)
    return scale * (ordered[:, -2] - ordered[:, 0]) + np.abs(scale * ordered[:, -2] + bias)


def rank_alike(
    cosine: Floats, rank: Callable[[Tile], Scores], exact: Scores, bound: Scores | float
) -> list[Scores]:
    """Claim that both kernels order every two images whose exact scores are two bounds apart."""
    unit = np.eye(cosine.shape[1], dtype=np.float32)
    found = []
    apart = (exact - bound)[:, None] > (exact + bound)[None, :]
    assert apart.any()
    for kernel in KERNELS:
        with pytest.MonkeyPatch.context() as patch, np.errstate(divide="ignore"):
            patch.setattr(cosines_module, "kernel", lambda it=kernel: it)
            found.append(rank(Tile(cosine, unit, unit)))
        assert ((found[-1][:, None] > found[-1][None, :]) | ~apart).all()
    return found


@pytest.mark.parametrize("temperature", [0.005, 0.01, 0.07, 1.0])
def test_scores_of_a_temperature_rank_alike_but_within_the_bound(temperature: float) -> None:
    cosine = images()
    bound = temperature * (SUM + 3 * LOG) * ROUNDING
    leads = exactly(cosine, lambda row: max(row) - log_mean(sorted(row)[:-1], temperature))
    for found in rank_alike(cosine, lambda t: lead(t, None, temperature=temperature), leads, bound):
        assert (np.abs(found - leads) <= bound).all()
    energies = exactly(cosine, lambda row: log_mean(row, temperature))
    for found in rank_alike(
        cosine, lambda t: energy(t, None, temperature=temperature), energies, bound
    ):
        assert (np.abs(found - energies) <= bound).all()


@pytest.mark.parametrize("temperature", [0.005, 0.01, 0.07])
def test_entropy_and_variance_rank_alike_but_within_the_bound(temperature: float) -> None:
    cosine = images()
    share = 4 * (SUM + 3 * LOG) * ROUNDING
    exact = exactly(cosine, lambda row: entropy(row, temperature))
    for found in rank_alike(
        cosine, lambda tile: certainty(tile, None, temperature=temperature), -exact, share * exact
    ):
        assert (np.abs(LOG / (1 + np.exp(found)) / exact - 1) <= share).all()
    exact = exactly(cosine, lambda row: 1 - squares(row, temperature))
    for found in rank_alike(
        cosine, lambda tile: unevenness(tile, None, temperature=temperature), -exact, share * exact
    ):
        assert (np.abs((1 - 1 / CLASSES) / (1 + np.exp(found)) / exact - 1) <= share).all()


@pytest.mark.parametrize("temperature", [1.0, 10.0, 1e4])
def test_nearly_uniform_images_rank_alike_but_within_the_bound(temperature: float) -> None:
    cosine = images()
    share = 3 * CLASSES**0.5 * ROUNDING
    exact = exactly(cosine, lambda row: mpmath.log(CLASSES) - entropy(row, temperature))
    for found in rank_alike(
        cosine, lambda tile: certainty(tile, None, temperature=temperature), exact, share * exact
    ):
        assert (np.abs(LOG / (1 + np.exp(-found)) / exact - 1) <= share).all()
    exact = exactly(cosine, lambda row: squares(row, temperature) - mpmath.mpf(1) / CLASSES)
    for found in rank_alike(
        cosine, lambda tile: unevenness(tile, None, temperature=temperature), exact, share * exact
    ):
        assert (np.abs((1 - 1 / CLASSES) / (1 + np.exp(-found)) / exact - 1) <= share).all()


@pytest.mark.parametrize(
    ("scale", "bias"),
    [(112, -16.5), (112, 0), (100, -30), (10, 0), (0.1, 5), (1000, -100), (1e4, -1000)],
)
def test_scores_of_a_scale_and_a_bias_rank_alike_but_within_the_bound(
    scale: float, bias: float
) -> None:
    cosine = images()
    bound = (SUM + 5 * magnitudes(cosine, scale, bias)) * ROUNDING
    joint = exactly(
        cosine,
        lambda row: mpmath.log(mpmath.fsum(map(softplus, logits(row, scale, bias)))),
    )
    for found in rank_alike(
        cosine, lambda tile: joint_energy(tile, None, scale=scale, bias=bias), joint, bound
    ):
        assert (np.abs(found - joint) <= bound).all()
    present = exactly(
        cosine,
        lambda row: mpmath.log(inside(row, scale, bias) / inside(row, -scale, -bias)),
    )
    for found in rank_alike(
        cosine, lambda tile: sigmoid_sum(tile, None, scale=scale, bias=bias), present, 2 * bound
    ):
        assert (np.abs(found - present) <= 2 * bound).all()


def test_an_exponential_is_off_by_less_than_two_roundings_and_by_that_of_its_scale() -> None:
    # In units of log 2 this scale is 1.5, which is not rounded.
    x = np.linspace(-86.9 / 1.5 / LOG_2, 0, 20_001).astype(np.float32)
    gaps = np.stack([np.full_like(x, HIDDEN), x], axis=1)
    asked = RowSums(Terms.EXP, 1.5 * LOG_2)
    exact = np.exp2(1.5 * x.astype(np.float64))
    found = compiled.sums(gaps, np.zeros(len(x)), [asked])[asked][0]
    assert (np.abs(found / exact - 1) < 2 * ROUNDING).all()


def test_usual_sums_are_off_by_about_one_rounding() -> None:
    cosine = images(200, 1000)
    asked = [RowSums(Terms.EXP, 100.0), RowSums(Terms.EXP, 1.0)]
    asked += [RowSums(Terms.SOFTPLUS, 112.0, -16.5), RowSums(Terms.SOFTPLUS, 10.0)]
    wide = cosine.astype(np.float64)
    exact = DEFINITION.read(wide, None, asked)[2]
    for kernel in KERNELS:
        found = kernel.read(cosine.copy(), None, asked)[2]
        for one in asked:
            error = found[one][0] / exact[one][0] - 1
            assert np.sqrt(np.mean(error**2)) < 3 * ROUNDING


def unaligned(cosine: Floats) -> Floats:
    later = np.frombuffer(bytearray(b"0" + cosine.tobytes()), np.float32, offset=1)
    return later.reshape(cosine.shape)


def strided(cosine: Floats) -> Floats:
    return np.repeat(cosine, 2, axis=1)[:, ::2]


def wide(cosine: Floats) -> Floats:
    return cosine.astype(np.float64)


@pytest.mark.parametrize("form", [wide, np.asfortranarray, strided, unaligned])
def test_numbers_of_another_form_are_left_to_the_definition(
    form: Callable[[Floats], Floats],
) -> None:
    cosine, unit = images(), np.eye(CLASSES, dtype=np.float32)
    asked = [RowSums(terms, 10.0, -1.0) for terms in Terms]
    order, groups = np.array([0, 3]), np.array([1, 1])
    results = []
    for kernel in (compiled, DEFINITION):
        places, values, found = kernel.read(form(cosine), None, asked)
        _, dots, _ = kernel.read(form(cosine), Dots(form(cosine), form(unit)), asked)
        added = np.zeros((2, CLASSES))
        kernel.add_exponentials(form(cosine), 10.0, order, groups, added)
        kernel.add_sigmoids(form(cosine), 10.0, -1.0, order, groups, added)
        sums = (one for own in found.values() for one in own)
        results.append([one.tobytes() for one in (places, values, dots, added, *sums)])
    assert results[0] == results[1]


def test_terms_beyond_its_exponents_are_left_to_the_definition() -> None:
    cosine = np.array([[-1.0, 0.5, 1.0]], np.float32)
    first = np.zeros(1, np.int64)
    asked = [RowSums(Terms.EXP, 1e-40), RowSums(Terms.SIGMOIDS, 1e7)]
    asked += [RowSums(Terms.SOFTPLUS, 1.0, 2e6)]
    found = []
    for kernel in (compiled, DEFINITION):
        sums = np.zeros((1, 3))
        kernel.add_exponentials(cosine, 705.0, first, first, sums)
        kernel.add_sigmoids(cosine, 690.0, -30.0, first, first, sums)
        own = kernel.read(cosine.copy(), None, asked)[2]
        found.append([sums, *(one for each in asked for one in own[each])])
    assert [one.tobytes() for one in found[0]] == [one.tobytes() for one in found[1]]


def given_to_read() -> list[Any]:
    """Return what is handed to C for two images and three classes of as many dimensions."""
    calls: list[list[Any]] = []
    cosine, asked = np.zeros((2, 3), np.float32), RowSums(Terms.SOFTPLUS, 1.0, -1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "read", lambda *given: calls.append(list(given)))
        compiled.read(cosine, Dots(cosine.copy(), np.zeros((3, 3), np.float32)), [asked])
    (given,) = calls
    rows.read(*given)
    return given


@pytest.mark.parametrize("other", [-3, 0, 1, 2, 4, 2**31, 2**62])
def test_another_number_of_columns_or_dimensions_is_rejected(other: int) -> None:
    for place, one in enumerate(given_to_read()):
        if type(one) is int:
            given = given_to_read()
            given[place] = other
            with pytest.raises(ValueError, match="arrays of other sizes"):
                rows.read(*given)


def test_an_array_with_a_number_too_few_is_rejected() -> None:
    for place, one in enumerate(given_to_read()):
        if isinstance(one, np.ndarray):
            given = given_to_read()
            given[place] = one.ravel()[:-1].copy()
            with pytest.raises(ValueError, match="arrays of other sizes"):
                rows.read(*given)


@pytest.mark.parametrize(("order", "groups"), [(2, 0), (-1, 0), (0, 3), (0, -1), (2**62, 0)])
def test_rows_and_groups_beyond_the_last_are_rejected(order: int, groups: int) -> None:
    numbers, sums = np.zeros((2, 3), np.float32), np.zeros((3, 3))
    given = np.array([1, order]), np.array([2, groups])
    with pytest.raises(ValueError, match="arrays of other sizes"):
        rows.add_terms(numbers, 3, 1.0, 0.0, False, *given, sums)
    assert not sums.any()


@pytest.mark.parametrize("columns", [-5, 7, 2**62])
def test_another_number_of_columns_to_add_to_is_rejected(columns: int) -> None:
    numbers, sums, first = np.zeros((2, 3), np.float32), np.zeros((3, 3)), np.ones(1, np.int64)
    with pytest.raises(ValueError, match="arrays of other sizes"):
        rows.add_terms(numbers, columns, 1.0, 0.0, False, first, first, sums)
