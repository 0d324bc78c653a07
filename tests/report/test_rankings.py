"""Claims about rankings over OOD sets: ranks, exact tests and groups, counted in another way."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from samples.report.results import PLAIN_DIFFERENCE, results
from scipy import stats

from oodcache.report.rankings import (
    DELONG,
    NO_TEST,
    SIGNED_RANK,
    SIGNIFICANT,
    Matrix,
    alike,
    combined,
    fewest_sets,
    mid_ranks,
    ranked,
    signed_rank,
)
from oodcache.report.tables.grid import by_row
from oodcache.score.measures import delong
from oodcache.score.measures.result import Difference

SETS = tuple("abcdefghij")


def counted_signs(differences: Matrix) -> float:
    """Try every choice of signs, as the definition says."""
    apart = [one for one in differences if one != 0]
    ranks = stats.rankdata(np.abs(apart)) if apart else []
    won = sum(rank for rank, one in zip(ranks, apart, strict=True) if one > 0)
    sums = np.array([np.dot(signs, ranks) for signs in product((0, 1), repeat=len(apart))])
    return min(1.0, 2 * min(float(np.mean(sums <= won)), float(np.mean(sums >= won))))


@pytest.mark.parametrize("seed", range(8))
def test_the_signed_rank_test_counts_every_choice_of_signs(seed: int) -> None:
    random = np.random.default_rng(seed)
    # Few values, so that there are ties and zeros.
    some = random.integers(-4, 6, size=9) / 64
    assert signed_rank(some) == pytest.approx(counted_signs(some), abs=1e-12)


@pytest.mark.parametrize("count", [1, 2, 5, 8, 20])
def test_without_ties_the_signed_rank_test_is_scipys(count: int) -> None:
    some = np.random.default_rng(count).normal(0.5, 1, size=count)
    wanted = stats.wilcoxon(some, method="exact").pvalue
    assert signed_rank(some) == pytest.approx(float(wanted), abs=1e-12)


def test_without_any_difference_p_is_one_and_rounding_is_no_difference() -> None:
    assert signed_rank(np.zeros(9)) == 1.0
    assert signed_rank(np.array([])) == 1.0
    rounding = np.array([0.1 + 0.2 - 0.3] * 9)
    assert rounding.any() and signed_rank(rounding) == 1.0


def test_mid_ranks_are_scipys() -> None:
    some = np.random.default_rng(0).integers(0, 5, size=30) / 7
    assert np.array_equal(mid_ranks(some), stats.rankdata(some))


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 10])
def test_fewest_sets_are_those_from_which_on_a_pair_can_differ(rows: int) -> None:
    pairs, sets = rows * (rows - 1) // 2, fewest_sets(rows)

    def smallest(count: int) -> float:
        best = signed_rank(np.arange(1.0, count + 1))
        return delong.holm([best, *[1.0] * (pairs - 1)])[0]

    assert smallest(sets) < SIGNIFICANT <= smallest(sets - 1)


def test_five_sets_are_too_few_for_any_two_scores() -> None:
    assert fewest_sets(2) == 6
    assert signed_rank(np.arange(1.0, 6.0)) == 0.0625


def images(seed: int) -> list[list[delong.Placements]]:
    """Return the placements of two scores on three OOD sets that share their ID images."""
    random = np.random.default_rng(seed)
    id_scores = random.normal(1, 1, size=(2, 60))
    scores = [(random.normal(0, 1, size=40), random.normal(0.3, 1, size=40)) for _ in range(3)]
    return [
        [delong.placements(id_scores[place], of_set[place]) for of_set in scores]
        for place in (0, 1)
    ]


def on_sets(seed: int) -> list[Difference]:
    first, second = images(seed)
    found = []
    for one, other in zip(first, second, strict=True):
        (test,) = delong.differences([one, other])
        found.append(replace(PLAIN_DIFFERENCE, difference=test.difference, ci=test.ci, p=test.p))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_combined_tests_are_never_surer_than_the_test_of_the_mean(seed: int) -> None:
    whole = delong.average_difference(*images(seed))
    assert combined(on_sets(seed)) >= whole.p


@pytest.mark.parametrize("seed", range(3))
def test_the_combined_test_of_one_set_is_its_own(seed: int) -> None:
    one = on_sets(seed)[0]
    assert combined([one]) == pytest.approx(one.p, rel=1e-9)
    assert combined([one] * 3) == pytest.approx(one.p, rel=1e-9)


def test_a_set_whose_variance_is_unknown_makes_p_one() -> None:
    known = replace(PLAIN_DIFFERENCE, difference=0.5, ci=(0.4, 0.6))
    assert combined([known]) < 1e-10
    assert combined([known, replace(known, ci=None)]) == 1.0
    assert combined([replace(known, difference=0.0, ci=(0.0, 0.0))]) == 1.0


def test_an_interval_that_is_cut_counts_by_its_whole_side() -> None:
    whole = replace(PLAIN_DIFFERENCE, difference=0.9, ci=(0.7, 1.1))
    assert combined([replace(whole, ci=(0.7, 1.0))]) == pytest.approx(combined([whole]))


@pytest.mark.parametrize("seed", range(10))
def test_groups_are_the_largest_sets_of_rows_without_a_difference(seed: int) -> None:
    count, random = 6, np.random.default_rng(seed)
    p = {pair: float(random.choice([0.01, 0.5])) for pair in combinations(range(count), 2)}
    whole = [
        one
        for size in range(2, count + 1)
        for one in combinations(range(count), size)
        if all(p[pair] >= SIGNIFICANT for pair in combinations(one, 2))
    ]
    largest = [one for one in whole if not any({*one} < {*other} for other in whole)]
    assert alike(count, p) == sorted(largest)


def test_ranks_are_means_over_sets_with_the_best_first() -> None:
    rows = by_row(results(*SETS[:3]))
    found = ranked(rows, SETS[:3], "auroc", [])
    # Later rows of the sample are better, on every set.
    assert [one.key[2] for one in found.rows] == [key[2] for key in reversed(rows)]
    assert [(one.mean, one.ranks) for one in found.rows] == [
        (place, (place,) * 3) for place in (1.0, 2.0, 3.0, 4.0)
    ]
    assert (found.test, found.p, found.groups) == (NO_TEST, {}, ())


def test_of_fpr_the_lowest_is_the_best() -> None:
    rows = [replace(one, fpr95=1 - one.auroc) for one in results(*SETS[:2])]
    both = [ranked(by_row(rows), SETS[:2], measure, []).rows for measure in ("auroc", "fpr95")]
    assert both[0] == both[1]


def test_with_enough_sets_the_test_is_over_sets() -> None:
    found = ranked(by_row(results(*SETS)), SETS, "auroc", [])
    assert (found.test, found.groups) == (SIGNED_RANK, ())
    smallest = 2 / 2 ** len(SETS)
    assert [*found.p.values()] == pytest.approx([6 * smallest] * 6)


def test_with_few_sets_the_test_is_of_images_if_all_pairs_were_compared() -> None:
    rows, sets = by_row(results(*SETS[:2])), SETS[:2]
    pairs = list(combinations(rows, 2))
    compared = [
        replace(PLAIN_DIFFERENCE, ood=ood, first=second, second=first, difference=0.03, ci=ci)
        for ood in sets
        for first, second, ci in (
            (first, second, (-0.03, 0.09) if second[2] == "max-logit" else (0.02, 0.04))
            for first, second in pairs
        )
    ]
    found = ranked(rows, sets, "auroc", compared)
    assert found.test == DELONG
    names = [[found.rows[place].key[2] for place in group] for group in found.groups]
    others = ("sigmoid-mcm", "mcm:temperature=learned", "mcm")
    assert names == [["max-logit", one] for one in others]
    assert ranked(rows, sets, "auroc", compared[1:]).test == NO_TEST
    assert ranked(rows, sets, "fpr95", compared).test == NO_TEST
