"""Claims about thresholds: what they refuse, counted, and against the laws that they promise."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oodcache.cache.errors import InputError
from oodcache.cache.names import image_path, text_path
from oodcache.cache.shards.shard_set import open_images, open_texts
from oodcache.detect.conformal import Threshold, beta_quantile, calibrate, least, place
from oodcache.score.formulas.cosines import Scores
from oodcache.score.onepass.onepass import Classes, score_images
from oodcache.score.onepass.variants import parse_all

ALPHAS = st.decimals("0.001", "0.999", places=3).map(float)
VALUES = st.one_of(
    st.integers(-3, 3).map(float),  # Ties.
    st.floats(allow_nan=False),
)


def surely(n: int, k: int, alpha: float) -> Fraction:
    """Return how likely at least k of n uniform numbers are at most alpha: the k-th then is."""
    share = Fraction(repr(alpha))
    return sum(
        (math.comb(n, j) * share**j * (1 - share) ** (n - j) for j in range(k, n + 1)), Fraction()
    )


@given(scores=st.lists(VALUES, min_size=1, max_size=40), new=VALUES, alpha=ALPHAS)
def test_out_is_a_p_value_of_at_most_k_over_n_plus_one(
    scores: list[float], new: float, alpha: float
) -> None:
    if not place(len(scores), alpha):
        return
    found = calibrate(np.array(scores), alpha)
    lowest = sorted(scores)[found.k - 1]
    (p_value,) = found.p_values(np.array([new]))
    assert p_value == (1 + sum(one <= new for one in scores)) / (len(scores) + 1)
    assert found.keeps(np.array([new])).tolist() == [new >= lowest]
    assert (new < lowest) == (p_value <= found.k / (found.n + 1))


@given(n=st.integers(1, 2000), alpha=ALPHAS)
def test_k_is_the_largest_whose_share_of_n_plus_one_is_at_most_alpha(n: int, alpha: float) -> None:
    share, k = Fraction(repr(alpha)), place(n, alpha)
    assert Fraction(k, n + 1) <= share < Fraction(k + 1, n + 1)


def test_the_dust_of_floating_point_costs_no_place() -> None:
    assert 0.29 * (99 + 1) < 29
    assert [place(29, 0.1), place(28, 0.1), place(99, 0.29), place(999, 0.57)] == [3, 2, 29, 570]


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.999])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("n", [1, 2, 20, 59, 150, 358])
def test_k_with_confidence_is_the_largest_that_binomial_sums_allow(
    n: int, alpha: float, confidence: float
) -> None:
    wanted, k = Fraction(repr(confidence)), place(n, alpha, confidence)
    assert k == 0 or surely(n, k, alpha) >= wanted - Fraction(1, 10**11)
    assert surely(n, k + 1, alpha) < wanted


@pytest.mark.parametrize(("n", "k"), [(19, 1), (217, 10), (100, 50), (40, 40)])
def test_the_bound_of_a_set_solves_the_binomial_sum(n: int, k: int) -> None:
    bound = beta_quantile(0.95, k, n)
    assert float(surely(n, k, bound)) == pytest.approx(0.95, abs=1e-9)


@given(alpha=ALPHAS)
def test_the_least_number_of_images_is_enough_and_one_less_is_not(alpha: float) -> None:
    n = least(alpha)
    assert place(n, alpha) >= 1
    assert n == 0 or place(n - 1, alpha) == 0


@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.1, 0.5])
@pytest.mark.parametrize("confidence", [0.5, 0.75, 0.9, 0.95, 0.99])
def test_so_is_that_with_confidence(alpha: float, confidence: float) -> None:
    n = least(alpha, confidence)
    assert n == math.ceil(round(math.log(1 - confidence) / math.log(1 - alpha), 9))
    assert place(n, alpha, confidence) == 1
    assert n == 1 or place(n - 1, alpha, confidence) == 0


@pytest.mark.parametrize("alpha", [1e-17, 1e-300])
def test_a_share_of_next_to_nothing_takes_more_images_than_there_are(alpha: float) -> None:
    for confidence in (None, 0.95):
        assert least(alpha, confidence) > 10**16
        with pytest.raises(InputError, match="717 images are too few"):
            calibrate(np.arange(717.0), alpha, confidence)


def test_too_few_images_are_refused_with_how_many_it_takes() -> None:
    with pytest.raises(InputError) as refused:
        calibrate(np.arange(18.0), 0.05)
    assert str(refused.value) == (
        "18 images are too few to calibrate: alpha 0.05 needs at least 19; give more images, or a "
        "larger --alpha"
    )
    assert calibrate(np.arange(19.0), 0.05).value == 0
    with pytest.raises(InputError) as refused:
        calibrate(np.arange(58.0), 0.05, 0.95)
    assert str(refused.value) == (
        "58 images are too few to calibrate: alpha 0.05 with confidence 0.95 needs at least 59; "
        "give more images, or a larger --alpha"
    )
    assert calibrate(np.arange(59.0), 0.05, 0.95).k == 1


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="1 of 30 images have NaN scores, which cannot be ranked"):
        calibrate(np.array([np.nan, *range(29)]), 0.1)


def test_infinities_rank_as_numbers() -> None:
    found = calibrate(np.array([np.inf, -np.inf, 1.0, np.inf]), 0.4)
    assert (found.k, found.value) == (2, 1.0)
    assert found.keeps(np.array([-np.inf, np.inf, 1.0])).tolist() == [False, True, True]
    assert found.p_values(np.array([-np.inf, np.inf])).tolist() == [2 / 5, 1.0]


@pytest.fixture(scope="module")
def digits(demo: Path) -> dict[str, Scores]:
    """Score the demo's 717 ID images by both models: three scores each."""
    scored: dict[str, Scores] = {}
    for model in ("tiny-clip", "tiny-sigmoid"):
        cache, label = demo / "embeddings", f"{model}/demo"
        texts = open_texts(text_path(cache, label, "digits"))
        images = open_images(image_path(cache, label, "digits"))
        who = texts.identity.model
        assert who.logit_scale is not None
        classes = Classes(texts.embeddings[0], who.logit_scale, who.logit_bias)
        variants = parse_all(["mcm", "energy", "max-logit"])
        found = score_images(images.blocks(), images.rows, classes, variants).scores
        scored |= {f"{model} {one.score}": row for one, row in zip(variants, found, strict=True)}
    return scored


CASES = ["tiny-clip mcm", "tiny-clip energy", "tiny-sigmoid max-logit"]
Shares = npt.NDArray[np.float64]


def splits(scores: Scores, n: int, alpha: float, confidence: float | None, times: int) -> Shares:
    """Return which share of the rest each of many random sets of n refuses."""
    generator, shares = np.random.default_rng(0), np.empty(times)
    for number in range(times):
        order = generator.permutation(scores)
        shares[number] = 1 - calibrate(order[:n], alpha, confidence).keeps(order[n:]).mean()
    return shares


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("n", "alpha"), [(358, 0.05), (100, 0.1), (50, 0.2)])
def test_random_splits_of_real_scores_refuse_alpha_on_average(
    digits: dict[str, Scores], name: str, n: int, alpha: float
) -> None:
    scores = digits[name]
    shares = splits(scores, n, alpha, None, 2000)
    error = shares.std(ddof=1) / math.sqrt(len(shares))
    assert shares.mean() <= alpha + 3 * error
    assert len(np.unique(scores)) == len(scores)  # Then it is known exactly.
    assert abs(shares.mean() - place(n, alpha) / (n + 1)) <= 4 * error


def test_the_averages_test_sees_a_place_too_many(digits: dict[str, Scores]) -> None:
    scores, generator, shares = digits["tiny-clip mcm"], np.random.default_rng(0), []
    for _ in range(2000):
        order = generator.permutation(scores)
        wrong = Threshold(np.sort(order[:100]), place(100, 0.1) + 1, 0.1)
        shares.append(1 - wrong.keeps(order[100:]).mean())
    assert np.mean(shares) > 0.1 + 3 * np.std(shares) / math.sqrt(len(shares))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("n", "alpha"), [(100, 0.1), (200, 0.05), (358, 0.05)])
def test_with_confidence_few_sets_refuse_more_than_alpha_of_their_population(
    digits: dict[str, Scores], name: str, n: int, alpha: float
) -> None:
    # The demo's images are the population: sets are drawn from it with replacement.
    population, generator, times = digits[name], np.random.default_rng(1), 2000
    beyond = 0
    for _ in range(times):
        drawn = generator.choice(population, n)
        found = calibrate(drawn, alpha, 0.95)
        beyond += bool((~found.keeps(population)).mean() > alpha)
    error = math.sqrt(0.05 * 0.95 / times)
    assert beyond / times <= 0.05 + 3 * error
    assert beyond > 0  # Or the threshold would be needlessly low.


def broken(n: int, whole: int, k: int, alpha: float) -> float:
    """Return how many of all splits refuse more than `alpha` of the rest: a count, without ties."""
    rest = whole - n
    ways = (
        math.comb(k - 1 + below, below) * math.comb(n - k + rest - below, rest - below)
        for below in range(rest + 1)
        if Fraction(below, rest) > Fraction(repr(alpha))
    )
    return float(Fraction(sum(ways), math.comb(whole, n)))


@pytest.mark.parametrize("name", CASES)
def test_with_confidence_few_real_splits_refuse_more_than_alpha_of_the_rest(
    digits: dict[str, Scores], name: str
) -> None:
    shares = splits(digits[name], 100, 0.1, 0.95, 2000)
    error = math.sqrt(0.05 * 0.95 / len(shares))
    assert np.mean(shares > 0.1) <= 0.05 + 3 * error
    expected = broken(100, 717, place(100, 0.1, 0.95), 0.1)
    assert abs(np.mean(shares > 0.1) - expected) <= 4 * math.sqrt(expected / len(shares))


def test_a_rest_as_small_as_the_set_adds_noise_that_the_bound_is_not_about(
    digits: dict[str, Scores],
) -> None:
    shares = splits(digits[CASES[0]], 358, 0.05, 0.95, 2000)
    expected = broken(358, 717, place(358, 0.05, 0.95), 0.05)
    assert expected == pytest.approx(0.0893, abs=1e-4)
    assert abs(np.mean(shares > 0.05) - expected) <= 4 * math.sqrt(expected / len(shares))
