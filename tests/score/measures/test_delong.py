"""Claims about the error bars of an AUROC, against slow definitions and simulated truth."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from threadpoolctl import threadpool_limits

from oodcache.cache.errors import InputError
from oodcache.score.measures import delong
from oodcache.score.measures.delong import Placements, differences, holm, interval, placements
from oodcache.score.measures.metrics import Floats, auroc, count

tied_scores = st.lists(st.integers(-9, 9).map(float), min_size=2, max_size=25).map(np.array)
some_scores = st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=25).map(np.array)
p_values = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.02, 1.0]), max_size=12)


@pytest.fixture(autouse=True)
def numpy_raises_where_it_would_warn() -> Iterator[None]:
    with np.errstate(all="raise"):
        yield


def slow_kernel(id_scores: Floats, ood_scores: Floats) -> Floats:
    """Return what each pair gives, (n, m): 1 where ID wins, 1/2 where they tie."""
    above = id_scores[:, None] > ood_scores[None, :]
    return above + 0.5 * (id_scores[:, None] == ood_scores[None, :])


def slow_covariance(first: Floats, second: Floats) -> float:
    """Return DeLong's covariance of two AUROCs from their kernels: equations 4 to 6 of 1988."""
    ids, oods = first.shape
    by_id = np.cov(first.mean(axis=1), second.mean(axis=1), ddof=1)[0, 1]
    by_ood = np.cov(first.mean(axis=0), second.mean(axis=0), ddof=1)[0, 1]
    return float(by_id / ids + by_ood / oods)


def slow_holm(p_values: list[float]) -> list[float]:
    """Return for each the largest of the adjusted ones at or before it in the sorted list."""
    order = np.argsort(p_values, kind="stable")
    ranked = [p_values[place] for place in order]
    raw = [min(1.0, (len(ranked) - i) * p) for i, p in enumerate(ranked)]
    by_place = {int(place): max(raw[: i + 1]) for i, place in enumerate(order)}
    return [by_place[place] for place in range(len(p_values))]


def paired_scores(seed: int, ids: int, oods: int, count: int) -> tuple[list[Floats], list[Floats]]:
    """Return several scores of the same images, which agree in part, with ties."""
    generator = np.random.default_rng(seed)
    id_common, ood_common = generator.normal(1, 1, ids), generator.normal(0, 1, oods)
    id_scores = [(id_common + generator.normal(0, 0.7, ids)).round(1) for _ in range(count)]
    ood_scores = [(ood_common + generator.normal(0, 0.7, oods)).round(1) for _ in range(count)]
    return id_scores, ood_scores


@given(some_scores, some_scores)
def test_placements_are_the_sums_over_pairs(id_scores: Floats, ood_scores: Floats) -> None:
    kernel = slow_kernel(id_scores, ood_scores)
    found = placements(id_scores, ood_scores)
    assert found.id.tolist() == kernel.sum(axis=1).tolist()
    assert found.ood.tolist() == kernel.sum(axis=0).tolist()
    assert found.auroc() == auroc(id_scores, ood_scores)


def test_a_variance_is_the_same_bits_for_any_number_of_blas_threads() -> None:
    generator = np.random.default_rng(0)
    several = [count(generator.normal(1, 1, 40_000), generator.normal(0, 1, n)) for n in (7, 9_999)]
    found = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, "blas"):
            found.append([delong.variance(one) for one in several])
    assert found[0] == found[1] == found[2]


@given(some_scores, some_scores)
def test_ranked_placements_are_those_from_the_highest_score_down(
    id_scores: Floats, ood_scores: Floats
) -> None:
    found = delong.ranked_placements(count(id_scores, ood_scores))
    expected = placements(-np.sort(-id_scores), -np.sort(-ood_scores))
    assert found.id.tolist() == expected.id.tolist()
    assert found.ood.tolist() == expected.ood.tolist()


@given(tied_scores, tied_scores)
def test_the_variance_is_that_of_the_definition(id_scores: Floats, ood_scores: Floats) -> None:
    kernel = slow_kernel(id_scores, ood_scores)
    found = delong.variance(count(id_scores, ood_scores))
    assert (found or 0.0) == pytest.approx(slow_covariance(kernel, kernel), rel=1e-9, abs=1e-15)
    assert found is None or found > 0


@given(tied_scores, tied_scores)
def test_swapping_the_sides_leaves_the_variance(id_scores: Floats, ood_scores: Floats) -> None:
    one, other = count(id_scores, ood_scores), count(ood_scores, id_scores)
    assert (delong.variance(one) or 0) == pytest.approx(delong.variance(other) or 0, rel=1e-12)


@given(tied_scores, tied_scores)
def test_a_rising_transform_leaves_the_variance(id_scores: Floats, ood_scores: Floats) -> None:
    moved = count(np.exp(id_scores), np.exp(ood_scores))
    assert delong.variance(moved) == delong.variance(count(id_scores, ood_scores))


@pytest.mark.parametrize(
    ("id_scores", "ood_scores"),
    [
        ([1.0], [0.0]),
        ([1.0], [0.0, 2.0, 3.0]),
        ([1.0, 3.0], [2.0]),
        ([2.0, 3.0], [0.0, 1.0]),
        ([0.0, 1.0], [2.0, 3.0]),
        ([5.0] * 7, [5.0] * 3),
        ([np.inf] * 7, [-np.inf] * 3),
    ],
)
def test_where_nothing_varies_there_is_no_interval(
    id_scores: list[float], ood_scores: list[float]
) -> None:
    counts = count(np.array(id_scores), np.array(ood_scores))
    found = delong.variance(counts)
    assert found is None
    assert interval(counts.auroc(), found) is None
    assert delong.average_variance([delong.ranked_placements(counts)] * 3) is None


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_the_interval_is_symmetric_in_logits(confidence: float) -> None:
    low, high = interval(0.97, 0.0001, confidence=confidence) or (0.0, 0.0)
    reach = stats.norm.ppf((1 + confidence) / 2) * 0.01 / (0.97 * 0.03)
    expected = special.expit(special.logit(0.97) + np.array([-reach, reach]))
    assert [low, high] == pytest.approx(expected.tolist(), rel=1e-12)


@given(tied_scores, tied_scores, st.sampled_from([0.5, 0.95, 0.9999]))
def test_an_interval_holds_its_auroc_and_stays_a_share(
    id_scores: Floats, ood_scores: Floats, confidence: float
) -> None:
    counts = count(id_scores, ood_scores)
    if found := interval(counts.auroc(), delong.variance(counts), confidence=confidence):
        assert 0 <= found[0] <= counts.auroc() <= found[1] <= 1


def test_one_pair_lost_in_a_billion_still_gives_a_share() -> None:
    ids, oods = np.arange(30_000.0), np.arange(-30_000.0, 0)
    oods[-1] = 0.5
    counts = count(ids, oods)
    low, high = interval(counts.auroc(), delong.variance(counts)) or (0.0, 0.0)
    assert 0.999999 < low < counts.auroc() < high < 1


def test_the_average_counts_the_shared_id_images_once() -> None:
    generator = np.random.default_rng(0)
    ids = generator.normal(1, 1, 40).round(1)
    sets = [generator.normal(0, 1, size).round(1) for size in (30, 17, 55)]
    kernels = [slow_kernel(ids, ood) for ood in sets]
    # The definition: the variance of a mean, from each set's own and the covariances that the ID
    # images give each two of them.
    expected = sum(slow_covariance(kernel, kernel) for kernel in kernels) / 9
    for first in range(3):
        for second in range(first):
            one, other = kernels[first].mean(axis=1), kernels[second].mean(axis=1)
            expected += 2 * np.cov(one, other, ddof=1)[0, 1] / 40 / 9
    found = delong.average_variance([delong.ranked_placements(count(ids, ood)) for ood in sets])
    assert found == pytest.approx(expected, rel=1e-12)


def test_an_average_of_equal_sets_keeps_the_id_part() -> None:
    ids = np.random.default_rng(1).normal(1, 1, 50)
    ood = np.random.default_rng(2).normal(0, 1, 40)
    kernel = slow_kernel(ids, ood)
    id_part = np.var(kernel.mean(axis=1), ddof=1) / 50
    ood_part = np.var(kernel.mean(axis=0), ddof=1) / 40
    found = delong.average_variance([placements(ids, ood)] * 4)
    assert found == pytest.approx(id_part + ood_part / 4, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_every_pair_gives_the_definition(seed: int) -> None:
    id_scores, ood_scores = paired_scores(seed, 33, 21, 4)
    kernels = [slow_kernel(*both) for both in zip(id_scores, ood_scores, strict=True)]
    found = differences([placements(*both) for both in zip(id_scores, ood_scores, strict=True)])
    pairs = [(one.first, one.second) for one in found]
    assert pairs == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    for one in found:
        first, second = kernels[one.first], kernels[one.second]
        error = math.sqrt(slow_covariance(first - second, first - second))
        assert one.difference == pytest.approx(first.mean() - second.mean(), rel=0, abs=1e-15)
        low, high = stats.norm.interval(0.95, one.difference, error)
        assert one.ci == pytest.approx((low, high), rel=1e-9)
        assert one.p == pytest.approx(2 * stats.norm.sf(abs(one.difference) / error), rel=1e-9)
    assert holm([one.p for one in found]) == slow_holm([one.p for one in found])


def test_one_image_moved_among_thousands_is_not_lost_to_rounding() -> None:
    generator = np.random.default_rng(3)
    ids, oods = generator.normal(1, 1, 4000), generator.normal(0, 1, 3000)
    moved = ids.copy()
    moved[7] = np.sort(oods)[(oods < moved[7]).sum() - 2]
    one, other = placements(ids, oods), placements(moved, oods)
    changed = (one.id - other.id) / 3000
    changed_ood = (one.ood - other.ood) / 4000
    expected = changed.var(ddof=1) / 4000 + changed_ood.var(ddof=1) / 3000
    (found,) = differences([one, other])
    assert found.ci is not None
    assert found.ci[1] - found.ci[0] == pytest.approx(2 * 1.959964 * math.sqrt(expected), rel=1e-6)


@given(tied_scores, tied_scores)
def test_identical_ranks_differ_by_exactly_nothing(id_scores: Floats, ood_scores: Floats) -> None:
    one, other = placements(id_scores, ood_scores), placements(id_scores**3, ood_scores**3)
    (found,) = differences([one, other])
    assert (found.difference, found.p) == (0, 1)
    estimable = delong.variance(count(id_scores, ood_scores)) is not None
    assert found.ci == ((0, 0) if estimable else None)


def test_a_difference_without_variance_claims_nothing() -> None:
    perfect = placements(np.array([2.0, 3.0]), np.array([0.0, 1.0]))
    reverse = placements(np.array([0.0, 1.0]), np.array([2.0, 3.0]))
    (found,) = differences([perfect, reverse])
    assert (found.difference, found.ci, found.p) == (1, None, 1)
    (single,) = differences([Placements(np.ones(1), np.ones(1)), Placements(*np.zeros((2, 1)))])
    assert (single.difference, single.ci, single.p) == (1, None, 1)


@pytest.mark.parametrize("scores", [0, 1])
def test_without_a_pair_there_is_no_difference(scores: int) -> None:
    assert differences([placements(np.ones(2), np.zeros(2))] * scores) == []


def test_swapping_two_scores_negates_their_difference() -> None:
    id_scores, ood_scores = paired_scores(6, 50, 40, 2)
    both = [placements(*one) for one in zip(id_scores, ood_scores, strict=True)]
    (found,), (swapped,) = differences(both), differences(both[::-1])
    assert found.ci is not None
    assert swapped.ci == pytest.approx((-found.ci[1], -found.ci[0]), rel=1e-12)
    assert (swapped.difference, swapped.p) == (-found.difference, pytest.approx(found.p, rel=1e-9))


def test_the_order_of_the_images_does_not_move_a_test() -> None:
    id_scores, ood_scores = paired_scores(8, 60, 30, 2)
    order = np.random.default_rng(0).permutation(60)
    (found,) = differences([placements(*one) for one in zip(id_scores, ood_scores, strict=True)])
    shuffled = [placements(one[order], ood) for one, ood in zip(id_scores, ood_scores, strict=True)]
    (again,) = differences(shuffled)
    assert again.difference == found.difference
    assert again.p == pytest.approx(found.p, rel=1e-9)


@given(p_values)
def test_holm_is_the_slow_definition(p_values: list[float]) -> None:
    assert holm(p_values) == slow_holm(p_values)


def test_holm_of_a_hands_numbers() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match=r"^1 of 2 OOD scores are NaN"):
        placements(np.ones(2), np.array([np.nan, 1.0]))


def test_float32_scores_place_as_their_values() -> None:
    ids, oods = np.float32([0.1, 0.3]), np.array([0.1, 0.2])
    # float32's 0.1 lies above float64's.
    assert placements(ids, oods).id.tolist() == [1, 2]


def coverage(auroc: float, ids: int, oods: int, runs: int) -> tuple[float, float, float]:
    """Return how often the interval holds the truth, lies below it, and is not estimable."""
    generator = np.random.default_rng([int(auroc * 1000), ids, oods])
    shift = math.sqrt(2) * stats.norm.ppf(auroc)
    held = below = missing = 0
    for _ in range(runs):
        counts = count(generator.normal(shift, 1, ids), generator.normal(0, 1, oods))
        found = interval(counts.auroc(), delong.variance(counts))
        missing += found is None
        held += found is not None and found[0] <= auroc <= found[1]
        below += found is not None and found[1] < auroc
    return held / runs, below / runs, missing / runs


@pytest.mark.parametrize(
    ("auroc", "ids", "oods"), [(0.7, 30, 30), (0.9, 30, 30), (0.9, 100, 50), (0.99, 1000, 200)]
)
def test_the_interval_covers_what_it_says(auroc: float, ids: int, oods: int) -> None:
    held, _, missing = coverage(auroc, ids, oods, 2000)
    assert held / (1 - missing) == pytest.approx(0.95, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("auroc", [0.7, 0.9, 0.99])
@pytest.mark.parametrize(
    ("ids", "oods", "runs"),
    [(30, 30, 4000), (100, 50, 4000), (1000, 200, 4000), (10000, 2000, 2000)],
)
def test_the_interval_covers_what_it_says_over_the_grid(
    auroc: float, ids: int, oods: int, runs: int
) -> None:
    held, _, missing = coverage(auroc, ids, oods, runs)
    # At .99 and 30 images most samples are perfect, or one pair short of it.
    tolerance = 0.04 if auroc == 0.99 and ids == 30 else 0.02
    assert held / (1 - missing) == pytest.approx(0.95, abs=tolerance)


def averaged_pair(seed: int) -> tuple[list[list[Placements]], list[list[Floats]]]:
    """Return placements and kernels of two scores on three OOD sets with the same ID images."""
    generator = np.random.default_rng(seed)
    ids = [generator.normal(1, 1, 40).round(1) for _ in range(2)]
    placed: list[list[Placements]] = [[], []]
    kernels: list[list[Floats]] = [[], []]
    for size in (30, 17, 55):
        common = generator.normal(0, 1, size)
        for place in range(2):
            oods = (common + generator.normal(0, 0.5, size)).round(1)
            placed[place].append(placements(ids[place], oods))
            kernels[place].append(slow_kernel(ids[place], oods))
    return placed, kernels


@pytest.mark.parametrize("seed", range(3))
def test_the_difference_of_averages_gives_the_definition(seed: int) -> None:
    (first, second), kernels = averaged_pair(seed)
    apart = [one - other for one, other in zip(*kernels, strict=True)]
    by_id = np.mean([one.mean(axis=1) for one in apart], axis=0)
    variance = np.var(by_id, ddof=1) / 40
    variance += sum(np.var(one.mean(axis=0), ddof=1) / one.shape[1] for one in apart) / 9
    found = delong.average_difference(first, second)
    mean = np.mean([one.mean() for one in apart])
    assert found.difference == pytest.approx(mean, rel=0, abs=1e-15)
    assert found.ci == pytest.approx(stats.norm.interval(0.95, mean, math.sqrt(variance)), rel=1e-9)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(mean) / math.sqrt(variance)), rel=1e-9)


def test_over_one_set_the_difference_of_averages_is_the_pair() -> None:
    (first, second), _ = averaged_pair(7)
    (pair,) = differences([first[0], second[0]])
    found = delong.average_difference(first[:1], second[:1])
    assert found.difference == pytest.approx(pair.difference, rel=0, abs=1e-15)
    assert found.ci == pytest.approx(pair.ci, rel=1e-9)


def test_averages_of_the_same_ranks_differ_by_exactly_nothing() -> None:
    (first, _), _ = averaged_pair(1)
    found = delong.average_difference(first, first)
    assert (found.difference, found.ci, found.p) == (0, (0, 0), 1)


def test_averages_over_one_image_cannot_be_tested() -> None:
    one = placements(np.array([1.0]), np.array([0.0, 2.0]))
    found = delong.average_difference([one], [one])
    assert (found.ci, found.p) == (None, 1)
