"""Claims about the scores that compare classes with negatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.score.negatives import BIAS, SCALE, cosines, scored, sums_of, unit
from scipy.special import expit, logsumexp, softmax
from scipy.stats import spearmanr

from oodcache.cache.errors import InputError
from oodcache.score.formulas.cosines import Scores
from oodcache.score.formulas.negative_scores import NEGATIVE_SCORES, grouped
from oodcache.score.formulas.tile import Vectors
from oodcache.score.onepass.variants import parse

IMAGES, CLASSES, WORDS = unit(700, 0), unit(9, 1), unit(43, 2)


def papers_neglabel(
    images: Vectors,
    classes: Vectors,
    words: Vectors,
    *,
    temperature: float,
    groups: int,
    seed: int = 0,
) -> Scores:
    """Compute equation 6 of the paper as its code does: drop, permute, cut, softmax, mean."""
    inside, outside = cosines(images, classes), cosines(images, words)
    kept = len(words) - len(words) % groups
    order = np.random.default_rng(seed).permutation(kept)
    shares = []
    for part in order.reshape(groups, -1):
        every = np.concatenate([inside, outside[:, part]], axis=1)
        shares.append(softmax(every / temperature, axis=1)[:, : len(classes)].sum(axis=1))
    return np.mean(shares, axis=0)


def shown(specification: str, ranked: Scores, classes: int = len(CLASSES)) -> Scores:
    variant = parse(specification)[0]
    numbers = variant.numbers(logit_scale=SCALE, logit_bias=BIAS)
    return variant.shown(ranked, classes, numbers)


@pytest.mark.parametrize("groups", [1, 4, 10, 43])
@pytest.mark.parametrize("temperature", [1.0, 0.1, 0.02])
def test_neglabel_is_the_papers_formula(groups: int, temperature: float) -> None:
    typed = f"neglabel:temperature={temperature},groups={groups},seed=3"
    found = scored([typed], IMAGES, CLASSES, WORDS)[0]
    expected = papers_neglabel(
        IMAGES, CLASSES, WORDS, temperature=temperature, groups=groups, seed=3
    )
    np.testing.assert_allclose(shown(typed, found), expected, rtol=2e-5)
    apart = np.diff(np.sort(expected)).min()
    assert apart > 0
    assert (np.argsort(found) == np.argsort(expected)).mean() > 0.9


def test_one_group_is_the_plain_ratio() -> None:
    found = scored(["neglabel:groups=1,temperature=0.05"], IMAGES, CLASSES, WORDS)[0]
    ratio = logsumexp(cosines(IMAGES, CLASSES) / 0.05, axis=1) - logsumexp(
        cosines(IMAGES, WORDS) / 0.05, axis=1
    )
    np.testing.assert_allclose(found, ratio, atol=2e-5)


def test_a_remainder_that_is_used_counts_every_negative() -> None:
    words = np.concatenate([unit(6, 5), IMAGES[:1]])  # The image itself: a negative at cosine 1.
    used, dropped = scored(
        ["neglabel:groups=3,remainder=use", "neglabel:groups=3"], IMAGES[:1], CLASSES, words
    )
    assert dropped[0] > 4
    assert shown("neglabel", used[:1])[0] == pytest.approx(2 / 3, abs=0.02)


def test_groups_are_equal_and_the_remainder_is_what_came_last() -> None:
    group = grouped(11, 4, seed=1, use_remainder=False)
    assert np.array_equal(group[8:], [-1, -1, -1])
    assert np.array_equal(np.bincount(group[:8]), [2, 2, 2, 2])
    assert np.array_equal(
        np.sort(np.bincount(grouped(11, 4, seed=1, use_remainder=True))), [2, 3, 3, 3]
    )


def test_the_order_is_the_papers_where_its_float32_ties() -> None:
    near = CLASSES.repeat(40, axis=0) + 0.1 * unit(360, 5)
    images = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    found = scored(["neglabel:groups=5"], images, CLASSES, WORDS)[0]
    exact = papers_neglabel(images, CLASSES, WORDS, temperature=0.01, groups=5)
    assert len(np.unique(exact.astype(np.float32))) < 100
    assert len(np.unique(found)) == 360
    apart = exact < 1 - 1e-12
    assert spearmanr(found[apart], exact[apart]).statistic > 0.9999


def at_cosines(cosine: Scores) -> Vectors:
    """Return vectors at these cosines with the first axis, else apart: one moves alone."""
    others = np.zeros((len(cosine), 20), np.float32)
    places = np.arange(len(cosine))
    others[:, 0], others[places, 1 + places] = cosine, np.sqrt(1 - cosine**2)
    return others


def before_and_after(typed: list[str], seed: int, place: int, step: float) -> tuple[Scores, Scores]:
    """Return an image's scores with 4 classes and 8 negatives, and with one of them nearer."""
    image = np.eye(1, 20, dtype=np.float32)
    cosine = np.random.default_rng(seed).uniform(-0.4, 0.4, 12)
    found = []
    for raised in (0.0, step):
        cosine[place] += raised
        others = at_cosines(cosine)
        found.append(scored(typed, image, others[:4], others[4:]))
    return found[0], found[1]


@given(st.integers(0, 10**6), st.integers(0, 3), st.floats(0.001, 0.5))
def test_a_score_rises_with_the_cosine_of_a_class(seed: int, place: int, step: float) -> None:
    typed = ["neglabel:groups=4", "csp:groups=4", "neglabel:temperature=0.1,groups=2"]
    before, after = before_and_after([*typed, "neglabel-sigmoid:scale=5"], seed, place, step)
    assert (after >= before).all()
    # At 0.01 a class far from the image moves a sum by less than its last digit.
    assert (after[2:] > before[2:]).all()


@given(st.integers(0, 10**6), st.integers(4, 11), st.floats(0.001, 0.5))
def test_no_score_rises_with_the_cosine_of_a_negative(seed: int, place: int, step: float) -> None:
    typed = ["neglabel:groups=4", "csp:groups=4", "neglabel:temperature=0.1,groups=2"]
    before, after = before_and_after([*typed, "neglabel-sigmoid:scale=5"], seed, place, step)
    assert (after <= before).all()
    assert (after[2:] < before[2:]).all()


def test_neglabel_sigmoid_is_its_formula() -> None:
    for scale, bias in ((40, -8), (5, 0), (10, 3), (1, -2)):
        typed = f"neglabel-sigmoid:scale={scale},bias={bias}"
        found = scored([typed], IMAGES, CLASSES, WORDS)[0]
        inside = expit(scale * cosines(IMAGES, CLASSES) + bias).mean(axis=1)
        outside = expit(scale * cosines(IMAGES, WORDS) + bias).mean(axis=1)
        np.testing.assert_allclose(shown(typed, found), inside / (inside + outside), rtol=1e-5)
        np.testing.assert_allclose(found, np.log(inside / outside), atol=2e-5)


def test_far_below_zero_neglabel_sigmoid_is_neglabel_with_one_group_and_no_bias_counts() -> None:
    found = scored(
        [
            "neglabel-sigmoid:scale=30,bias=-100|-300",
            "neglabel:groups=1,temperature=0.03333333333333333",
        ],
        *(IMAGES, CLASSES, WORDS),
    )
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
    np.testing.assert_allclose(found[0], found[2] - math.log(len(CLASSES) / len(WORDS)), atol=1e-5)


def test_the_negatives_matter_to_neglabel_sigmoid() -> None:
    one, other = (
        scored(["neglabel-sigmoid"], IMAGES, CLASSES, unit(43, seed))[0] for seed in (2, 3)
    )
    assert spearmanr(one, other).statistic < 0.95


def test_far_above_zero_neglabel_sigmoid_keeps_its_digits() -> None:
    found = scored(["neglabel-sigmoid:scale=10,bias=80"], IMAGES, CLASSES, WORDS)[0]
    assert len(np.unique(found)) == len(IMAGES)
    inside, outside = (
        np.exp(-80 - 10 * cosines(IMAGES, one)).mean(axis=1) for one in (CLASSES, WORDS)
    )
    np.testing.assert_allclose(found, outside - inside, rtol=1e-3, atol=1e-3 * outside.max())


@pytest.mark.parametrize(("temperature", "beta"), [(1, 0.25), (0.1, 0.25), (0.02, 1), (0.1, 3)])
def test_eoe_is_its_formula(temperature: float, beta: float) -> None:
    typed = f"eoe:temperature={temperature},beta={beta}"
    found = scored([typed], IMAGES, CLASSES, WORDS)[0]
    every = np.concatenate([cosines(IMAGES, CLASSES), cosines(IMAGES, WORDS)], axis=1)
    p = softmax(every / temperature, axis=1)
    expected = p[:, : len(CLASSES)].max(axis=1) - beta * p[:, len(CLASSES) :].max(axis=1)
    np.testing.assert_allclose(shown(typed, found), expected, rtol=1e-4, atol=2e-6)
    assert (expected < 0).any() or temperature == 1
    assert spearmanr(found, expected).statistic > 0.99999


def test_eoe_without_beta_is_mcm_with_the_negatives_in_the_softmax() -> None:
    found = scored(["eoe:temperature=0.1,beta=0"], IMAGES, CLASSES, WORDS)[0]
    every = np.concatenate([cosines(IMAGES, CLASSES), cosines(IMAGES, WORDS)], axis=1)
    p = softmax(every / 0.1, axis=1)[:, : len(CLASSES)].max(axis=1)
    np.testing.assert_allclose(found, np.log(p) - np.log1p(-p), rtol=1e-4, atol=1e-4)


def test_csp_is_neglabel_over_all_lists() -> None:
    typed = "groups=4,temperature=0.1"
    found = scored([f"neglabel:{typed}", f"csp:{typed}"], IMAGES, CLASSES, WORDS)
    assert np.array_equal(found[0], found[1])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NEGATIVE_SCORES)
@pytest.mark.parametrize("number", [1e-300, 1e-6, 1e-3, 1.0, 1e6, 1e300])
def test_no_temperature_or_scale_warns_or_gives_nan(name: str, number: float) -> None:
    key, more = ("scale", "") if name == "neglabel-sigmoid" else ("temperature", "")
    more = ",groups=5" if name in ("neglabel", "csp") else ""
    images = np.concatenate([np.zeros((3, 16), np.float32), IMAGES[:20]])
    for classes in (CLASSES, CLASSES[:1]):
        found = scored([f"{name}:{key}={number!r}{more}"], images, classes, WORDS)
        assert not np.isnan(found).any()


@pytest.mark.parametrize("name", NEGATIVE_SCORES)
def test_only_equal_embeddings_tie(name: str) -> None:
    more = ":groups=5" if name in ("neglabel", "csp") else ""
    images = unit(5000, 7, 32)
    doubled = np.concatenate([images, images[:100]])
    found = scored([name + more], doubled, unit(9, 1, 32), unit(200, 2, 32))[0]
    assert len(np.unique(found)) == 5000


def test_more_groups_than_negatives_are_refused() -> None:
    with pytest.raises(InputError) as error:
        scored(["neglabel:groups=100"], IMAGES, CLASSES, WORDS)
    assert str(error.value) == (
        "neglabel: groups=100, but words has only 43 negatives; use neglabel:groups=43 or fewer"
    )


def test_a_number_takes_so_many_negatives() -> None:
    few = scored(["neglabel:groups=5,number=20"], IMAGES, CLASSES, WORDS)
    assert np.array_equal(few, scored(["neglabel:groups=5"], IMAGES, CLASSES, WORDS[:20]))
    assert len(sums_of(WORDS).choose(None, 20, csp=False)) == 20
