"""Claims about terms of labels: their sums by group, also where float64 cannot hold them."""

from __future__ import annotations

import numpy as np
import pytest

from oodcache.score.kernel.label_sums import Exponential, Sigmoid, Term, sums_of

DRAW = np.random.default_rng(0)
COSINES = DRAW.uniform(-0.3, 0.9, (700, 6)).astype(np.float32)
ORDER, GROUPS = DRAW.permutation(700)[:650], np.sort(DRAW.integers(0, 9, 650))
SIGMOIDS = ((100.0, -20.0), (100.0, -900.0), (5.0, 60.0), (1e4, 0.0))


@pytest.mark.parametrize(
    "term",
    [
        *(Exponential(temperature) for temperature in (1.0, 0.01, 1 / 700, 1 / 701, 1e-5)),
        *(Sigmoid(*one, sign) for one in SIGMOIDS for sign in (1, -1)),
    ],
)
def test_sums_are_those_of_extended_precision(term: Term) -> None:
    exact = COSINES.astype(np.longdouble)[ORDER]
    if isinstance(term, Exponential):
        logits = exact / np.longdouble(term.temperature)
        tops = np.array([logits[one == GROUPS].max(axis=0) for one in range(9)])
        # exp of a longdouble reaches e^11356.
        terms = np.exp(logits - tops[GROUPS])
    else:
        logits, tops = term.sign * (exact * term.scale + term.bias), np.zeros((9, 6))
        terms = 1 / (1 + np.exp(-logits))
    expected = tops + np.log([terms[one == GROUPS].sum(axis=0) for one in range(9)])
    sums = sums_of(term, 9, 6)
    for some in (slice(0, 300), slice(300, None)):
        sums.add(COSINES, ORDER[some], GROUPS[some])
    found = sums.logarithms()
    # Terms of the compiled kernel are float32 with a wider exponent, and so is their scale.
    scale = 1 / term.temperature if isinstance(term, Exponential) else term.scale
    atol = 3e-7 if term.cold else (4 + scale) * 2.0**-24
    assert np.allclose(found, expected.astype(float), rtol=2e-16, atol=atol)


def test_the_sum_of_no_terms_is_0() -> None:
    nothing = np.empty(0, np.intp)
    for term in (Exponential(0.01), Exponential(1e-5), Sigmoid(10.0, 0.0), Sigmoid(1e4, 0.0)):
        sums = sums_of(term, 1, 6)
        sums.add(COSINES, nothing, nothing)
        assert np.array_equal(sums.logarithms(), np.full((1, 6), -np.inf))
