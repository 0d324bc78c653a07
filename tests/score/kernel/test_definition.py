"""Claims about the sums over rows, of each kernel: against float64 and mpmath, within the bound.

docs/scores.md, "How far a score may be off", derives it.
"""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from oodcache.score.kernel.definition import (
    HIDDEN,
    Definition,
    Dots,
    Floats,
    RowSums,
    Scores,
    Terms,
)

# What one float32 rounding may change.
ROUNDING = 2.0**-24
# A sum of positive terms is rounded at most 63 times in a row; each of a term's logit's parts (gap,
# scale, product, runner-up's logit, sum) once.
SUM, LOGIT = 64 * ROUNDING, 5 * ROUNDING
# A term, apart from its logit: an exponential, and for σ a division.
TERM = 4 * ROUNDING
# Smaller exponentials may be 0.
TINY = 2.0**-125.5

LENGTHS = [*range(2, 36), 47, 48, 49, 63, 64, 65, 1000, 1007, 1008, 1009, 2016, 2017, 5000]
LOGITS = [
    (scale, bias) for scale in (1e-30, 0.1, 12.75, 112.0) for bias in (0.0, -16.5, 5.0, 300.0)
] + [(1e4, 0.0), (1e4, -3e3), (1e5, 9e5), (1e5, -9e5), (1.0, 1e6), (1.0, -1e6)]
few = st.sampled_from([-0.5, -0.25, -0.0, 0.0, 0.125, 0.25])
rows_of_few = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(2, 70)), elements=few
)


def cosines(count: int, length: int, seed: int = 0) -> Floats:
    """Return cosines of any sign, some of them equal, and rows that are all equal."""
    generator = np.random.default_rng(seed)
    found = generator.normal(0.05, 0.1, (count, length)).astype(np.float32)
    found[::3] = found[::3].round(2)
    found[::5] = found[::5, :1]
    return found


def gaps_of(cosine: Floats) -> tuple[Scores, Scores]:
    """Return the gaps, float64, -inf for the nearest, and the runner-up."""
    gaps = cosine.astype(np.float64)
    gaps[np.arange(len(gaps)), cosine.argmax(axis=1)] = -np.inf
    runner_up = gaps.max(axis=1)
    return gaps - runner_up[:, None], runner_up


def total(terms: Scores) -> Scores:
    return np.array([math.fsum(row) for row in terms.tolist()])


def within(found: Scores, terms: Scores, slope: Scores, logits: Scores) -> None:
    """Claim that each sum is within its bound, if a term moves by `slope` with its logit.

    `logits` are the numbers, in magnitude, that make up each term's logit.
    """
    exact = total(terms)
    moved = total(slope * np.minimum(LOGIT * logits, 1.0))
    np.testing.assert_array_less(
        np.abs(found - exact), exact * SUM + moved + terms.shape[1] * TINY + 1e-300
    )


def is_argmax(kernel: Definition, cosine: Floats) -> None:
    """Claim that the two largest are those of argmax, and that the row becomes its gaps."""
    at = np.arange(len(cosine))
    best = cosine.argmax(axis=1)
    others = cosine.copy()
    others[at, best] = -np.inf
    second = others.argmax(axis=1)
    gaps = cosine.copy()
    places, values, found = kernel.read(gaps, None, [])
    assert places.tolist() == np.stack([best, second], axis=1).tolist()
    assert values.tolist() == np.stack([cosine[at, best], cosine[at, second]], axis=1).tolist()
    assert not found
    expected = cosine - cosine[at, second][:, None]
    expected[at, best] = HIDDEN
    assert np.array_equal(gaps, expected)


@given(rows_of_few)
def test_the_two_largest_are_the_first_of_equal_ones(kernel: Definition, cosine: Floats) -> None:
    is_argmax(kernel, cosine)


@pytest.mark.parametrize("length", LENGTHS)
def test_the_two_largest_of_any_number_are_the_first_of_equal_ones(
    kernel: Definition, length: int
) -> None:
    generator = np.random.default_rng(length)
    for values in (1, 2, 3, 1000):
        cosine = generator.integers(-values, values, (40, length), endpoint=True) / 1024
        is_argmax(kernel, cosine.astype(np.float32))


@pytest.mark.parametrize("length", LENGTHS)
def test_sums_are_within_their_bound_of_the_exact_ones(kernel: Definition, length: int) -> None:
    cosine = cosines(11, length)
    gaps, runner_up = gaps_of(cosine)
    scales = [1e-30, 1e-3, 1.0, 10.0, 112.0, 1e4, 1e30]
    asked = [RowSums(terms, scale) for scale in scales for terms in (Terms.EXP, Terms.MOMENTS)]
    asked += [RowSums(Terms.SOFTPLUS, *both) for both in LOGITS]
    asked += [RowSums(Terms.SIGMOIDS, *both) for both in LOGITS]
    numbers = cosine.copy()
    _, _, found = kernel.read(numbers, None, asked)
    assert list(found) == asked
    hidden = gaps == -np.inf
    size = np.where(hidden, 0.0, np.abs(gaps))
    for one in asked:
        logits, magnitude = one.scale * gaps, one.scale * size
        if one.kind in (Terms.EXP, Terms.MOMENTS):
            e = np.exp(logits)
            within(found[one][0], e, e, magnitude)
            if one.kind == Terms.MOMENTS:
                within(found[one][1], e**2, 2 * e**2, magnitude)
                within(-found[one][2], e * size, e * size, magnitude + 1)
            continue
        own = one.scale * runner_up + one.bias
        logits, magnitude = logits + own[:, None], magnitude + np.abs(own)[:, None]
        inside = np.exp(-np.logaddexp(0, -logits))
        if one.kind == Terms.SOFTPLUS:
            within(found[one][0], np.logaddexp(0, logits), inside, magnitude)
        else:
            outside = np.where(hidden, 0, np.exp(-np.logaddexp(0, logits)))
            within(found[one][0], inside, inside, magnitude)
            within(found[one][1], outside, outside, magnitude)


@pytest.mark.parametrize("small", [0.75 * ROUNDING, 0.1, 0.7])
def test_small_terms_that_are_added_one_by_one_to_a_large_one_are_within_the_bound(
    kernel: Definition, small: float
) -> None:
    cosine = np.full((1, 4000), math.log(small), np.float32)
    cosine[0, [0, 1]] = 0.0
    (found,) = kernel.read(cosine.copy(), None, [RowSums(Terms.EXP, 1.0)])[2].values()
    gaps, _ = gaps_of(cosine)
    within(found[0], np.exp(gaps), np.exp(gaps), np.where(gaps > -np.inf, -gaps, 0))


@pytest.mark.parametrize("scale", [1.0, 0.7, 100.0])
def test_an_exponential_is_right_to_a_few_roundings(kernel: Definition, scale: float) -> None:
    x = np.linspace(-86.9, 0, 20_001) / scale
    gaps = np.stack([np.full(x.shape, HIDDEN), x], axis=1).astype(np.float32)
    found = kernel.sums(gaps, np.zeros(len(x)), [RowSums(Terms.EXP, scale)])
    with mpmath.workdps(30):
        exact = [mpmath.exp(scale * mpmath.mpf(one)) for one in gaps[:, 1].tolist()]
        error = [
            float(one / own - 1)
            for one, own in zip(found[RowSums(Terms.EXP, scale)][0].tolist(), exact, strict=True)
        ]
    # Two roundings of the logit: of the scale and the product.
    assert (np.abs(error) < TERM + 2 * ROUNDING * np.abs(scale * x)).all()
    assert found[RowSums(Terms.EXP, scale)][0][-1] == 1


def test_exponentials_far_below_are_0_and_do_not_overflow_at_the_largest_scales(
    kernel: Definition,
) -> None:
    cosine = np.array([[0.5, 0.25, 0.25, 0.0], [-0.5, -0.75, -1.0, -0.75]], np.float32)
    for scale in (1e30, float(np.finfo(np.float32).max), 1e300, float(np.finfo(np.float64).max)):
        asked = RowSums(Terms.MOMENTS, scale)
        sums = kernel.read(cosine.copy(), None, [asked])[2][asked]
        assert [one.tolist() for one in sums] == [[2, 2], [2, 2], [0, 0]]
    gaps = np.array([[HIDDEN, 0, -104, -1000, -3e38]], np.float32)
    assert kernel.sums(gaps, np.zeros(1), [RowSums(Terms.EXP, 1.0)]) == {
        RowSums(Terms.EXP, 1.0): (np.ones(1),)
    }


@pytest.mark.parametrize("length", [7, 64, 1009])
def test_what_else_is_asked_and_other_rows_change_no_bit(kernel: Definition, length: int) -> None:
    cosine = cosines(40, length)
    asked = [RowSums(Terms.SOFTPLUS, scale, 1.0) for scale in range(1, 67)]
    asked += [RowSums(terms, 10.0) for terms in (Terms.EXP, Terms.MOMENTS, Terms.SIGMOIDS)]
    gaps = cosine.copy()
    _, values, together = kernel.read(gaps, None, asked)
    for one in asked[-4:]:
        alone = kernel.sums(gaps, values[:, 1], [one])[one]
        few = kernel.read(cosine[5:8].copy(), None, [one])[2][one]
        for whole, same, part in zip(together[one], alone, few, strict=True):
            assert whole.tobytes() == same.tobytes()
            assert whole[5:8].tobytes() == part.tobytes()


@pytest.mark.parametrize("dimension", [1, 3, 8, 15, 16, 17, 768])
def test_products_of_the_two_nearest_are_exact_in_float64(
    kernel: Definition, dimension: int
) -> None:
    generator = np.random.default_rng(0)
    vectors, others = (
        generator.normal(size=(many, dimension)).astype(np.float32) for many in (33, 20)
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    asked = RowSums(Terms.SOFTPLUS, 10.0, -1.0)
    gaps = vectors @ others.T
    places, values, found = kernel.read(gaps, Dots(vectors, others), [asked])
    for vector, at, own in zip(vectors.tolist(), places.tolist(), values.tolist(), strict=True):
        for place, value in zip(at, own, strict=True):
            terms = [one * other for one, other in zip(vector, others[place].tolist(), strict=True)]
            size = math.fsum(map(abs, terms))
            assert abs(value - math.fsum(terms)) <= dimension * 2.0**-53 * size
    # The logits are relative to the smaller of both products.
    alone = kernel.sums(gaps, values.min(axis=1), [asked])[asked]
    assert found[asked][0].tobytes() == alone[0].tobytes()


def test_exact_values_take_the_place_of_the_two_largest(kernel: Definition) -> None:
    cosine = np.array([[0.25, 0.5, 0.5, 0.0]], np.float32)
    exact = np.array([[0.5, 0.5 + 1e-9]])
    asked = RowSums(Terms.SIGMOIDS, 1.0)
    places, values, found = kernel.read(cosine, lambda places: exact, [asked])
    assert places.tolist() == [[1, 2]]
    assert values is exact
    expected = sum(1 / (1 + math.exp(-one)) for one in (0.5, 0.25, 0.0))
    assert found[asked][0] == pytest.approx([expected], rel=SUM)


def test_no_rows_have_no_sums(kernel: Definition) -> None:
    asked = [RowSums(terms, 1.0) for terms in Terms]
    none = np.zeros((0, 3), np.float32)
    places, values, found = kernel.read(none, Dots(none, np.zeros((3, 3), np.float32)), asked)
    assert places.shape == values.shape == (0, 2)
    assert [one.shape for sums in found.values() for one in sums] == [(0,)] * 7


@pytest.mark.parametrize("scale", [-700.0, -1.0, 1e-3, 1.0, 100.0, 700.0])
@pytest.mark.parametrize("bias", [-16.5, 0.0, 300.0])
@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 512])
def test_terms_are_added_to_their_groups(
    kernel: Definition, length: int, scale: float, bias: float
) -> None:
    cosine = np.random.default_rng(0).uniform(-1, 1, (5, length)).astype(np.float32)
    cosine[0, 0], cosine[1, -1] = 1, -1
    order, groups = np.array([4, 0, 1, 1, 3]), np.array([2, 0, 0, 2, 2])
    exact = scale * cosine.astype(np.float64)
    sums, sigmoids = np.ones((4, length)), np.ones((4, length))
    expected, of_sigmoids = np.ones((4, length)), np.ones((4, length))
    kernel.add_exponentials(cosine, scale, order, groups, sums)
    kernel.add_sigmoids(cosine, scale, bias, order, groups, sigmoids)
    for row, group in zip(order, groups, strict=True):
        expected[group] += np.exp(exact[row])
        of_sigmoids[group] += np.exp(-np.logaddexp(0, -exact[row] - bias))
    # The scale of a logit is rounded once.
    share = TERM + abs(scale) * ROUNDING
    np.testing.assert_allclose(sums, expected, rtol=share)
    np.testing.assert_allclose(sigmoids, of_sigmoids, rtol=share)


def test_tiny_terms_keep_their_digits(kernel: Definition) -> None:
    cosine = np.array([[-1.0, -0.5, 0.5, 1.0]], np.float32)
    first = np.zeros(1, np.int64)
    for bias in (0.0, -16.5):
        sums = np.zeros((2, 4))
        kernel.add_exponentials(cosine, 680.0, first, first, sums)
        kernel.add_sigmoids(cosine, 680.0, bias, first, first + 1, sums)
        x = 680 * cosine[0].astype(np.float64)
        share = TERM + 680 * ROUNDING
        np.testing.assert_allclose(sums[0], np.exp(x), rtol=share)
        np.testing.assert_allclose(sums[1], np.exp(-np.logaddexp(0, -x - bias)), rtol=share)
