"""Claims about risk and coverage: AURC and AUGRC against their definitions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby, permutations, product
from math import ceil

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from oodcache.score.measures.selective.risk import (
    COVERAGES,
    RiskBlocks,
)
from oodcache.score.measures.selective.selective import RiskMeasures, mean_measures

Image = tuple[float, int, int]  # Its score, its weight, and 1 for an error.
RANDOM = np.random.default_rng(0)


def blocks(images: Sequence[Image]) -> RiskBlocks:
    """Return the blocks of images with equal scores, the highest first."""
    falling = sorted(images, key=lambda one: -one[0])
    runs = [[*run] for _, run in groupby(falling, key=lambda one: one[0])]
    return RiskBlocks(
        np.array([len(run) for run in runs]),
        np.array([sum(weight for _, weight, _ in run) for run in runs]),
        np.array([sum(weight * error for _, weight, error in run) for run in runs]),
    )


def slow_areas(ordered: Sequence[tuple[Fraction, Fraction]]) -> tuple[Fraction, Fraction]:
    """Return AURC and AUGRC of images in order, each with its weight and its weighted error."""
    whole = sum((weight for weight, _ in ordered), Fraction(0))
    accepted = wrong = aurc = augrc = Fraction(0)
    for weight, error in ordered:
        accepted, wrong = accepted + weight, wrong + error
        aurc += weight * wrong / accepted
        augrc += weight * wrong / whole
    return aurc / whole, augrc / whole


def over_all_orders(images: Sequence[Image]) -> tuple[float, float]:
    """Return the mean areas over all orders of images with equal scores."""
    falling = sorted(images, key=lambda one: -one[0])
    runs = [[*permutations(run)] for _, run in groupby(falling, key=lambda one: one[0])]
    every = [
        slow_areas([(Fraction(w), Fraction(w * error)) for run in order for _, w, error in run])
        for order in product(*runs)
    ]
    return tuple(float(sum(one) / len(every)) for one in zip(*every, strict=True))  # type: ignore


def alike_when_tied(images: Sequence[Image]) -> list[tuple[Fraction, Fraction]]:
    """Return images in order, each tied one with the mean weight and error of its block."""
    found = []
    falling = sorted(images, key=lambda one: -one[0])
    for _, group in groupby(falling, key=lambda one: one[0]):
        run = [*group]
        weight = Fraction(sum(w for _, w, _ in run), len(run))
        error = Fraction(sum(w * wrong for _, w, wrong in run), len(run))
        found += [(weight, error)] * len(run)
    return found


def drawn(seed: int, *, most_images: int, levels: int, weights: tuple[int, ...]) -> list[Image]:
    random = np.random.default_rng(seed)
    count = int(random.integers(1, most_images + 1))
    return [
        (float(random.integers(levels)), int(random.choice(weights)), int(random.integers(2)))
        for _ in range(count)
    ]


def test_areas_of_four_images_are_those_worked_by_hand() -> None:
    # Risks 0, 1/2, 1/3, 1/2; accepted errors over four 0, 1/4, 1/4, 1/2.
    found = blocks([(0.9, 1, 0), (0.8, 1, 1), (0.7, 1, 0), (0.6, 1, 1)]).areas()
    assert found == pytest.approx(((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4, (0 + 1 + 1 + 2) / 16))


@pytest.mark.parametrize("seed", range(25))
def test_areas_are_the_mean_over_all_orders_of_tied_images(seed: int) -> None:
    images = drawn(seed, most_images=8, levels=4, weights=(1,))
    assert blocks(images).areas() == pytest.approx(over_all_orders(images), abs=1e-14)


@pytest.mark.parametrize("seed", range(25))
def test_weighted_areas_are_those_of_the_definition_image_by_image(seed: int) -> None:
    images = drawn(seed, most_images=30, levels=8, weights=(3, 7))
    wanted = slow_areas(alike_when_tied(images))
    assert blocks(images).areas() == pytest.approx([*map(float, wanted)], abs=1e-14)


@pytest.mark.parametrize("levels", [5, 10**6])
def test_augrc_follows_from_the_accuracy_and_the_auroc_of_right_against_wrong(levels: int) -> None:
    """Traub et al. 2024, with half an error per image more: the sum is no integral."""
    images = [(float(RANDOM.integers(levels)), 1, int(RANDOM.random() < 0.3)) for _ in range(500)]
    right = [1 - error for _, _, error in images]
    auroc = roc_auc_score(right, [score for score, _, _ in images])
    accuracy = np.mean(right)
    wanted = (1 - auroc) * accuracy * (1 - accuracy) + (1 - accuracy) ** 2 / 2
    assert blocks(images).areas()[1] == pytest.approx(wanted + (1 - accuracy) / 1000, abs=1e-12)


def test_no_error_has_no_area_and_errors_alone_have_the_largest() -> None:
    scores = RANDOM.integers(5, size=20).astype(float)
    assert blocks([(score, 3, 0) for score in scores]).areas() == (0, 0)
    assert blocks([(score, 3, 1) for score in scores]).areas() == pytest.approx((1, 21 / 40))


def test_one_image_is_right_or_wrong_at_every_coverage() -> None:
    for error in (0, 1):
        one = blocks([(0.5, 2, error)])
        assert one.areas() == (error, error)
        assert {one.accuracy_at(Fraction(share)) for share in COVERAGES} == {1 - error}


def test_infinite_scores_and_empty_blocks_count_as_any_other() -> None:
    images = [(np.inf, 1, 0), (0.0, 1, 1), (-np.inf, 1, 0)]
    whole = blocks(images)
    padded = RiskBlocks(*(np.insert(one, 1, 0) for one in vars(whole).values()))
    assert padded.areas() == whole.areas()
    assert padded.accuracy_at(Fraction("0.9")) == whole.accuracy_at(Fraction("0.9"))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("coverage", [*COVERAGES, "0.55", "1"])
def test_accuracy_at_a_coverage_is_that_of_the_fewest_images_that_reach_it(
    seed: int, coverage: str
) -> None:
    images = alike_when_tied(drawn(seed, most_images=40, levels=9, weights=(2, 5)))
    whole = sum(weight for weight, _ in images)
    count = next(
        count
        for count in range(1, len(images) + 1)
        if sum(weight for weight, _ in images[:count]) >= Fraction(coverage) * whole
    )
    accepted = sum(weight for weight, _ in images[:count])
    wanted = 1 - sum(error for _, error in images[:count]) / accepted
    found = blocks(drawn(seed, most_images=40, levels=9, weights=(2, 5)))
    assert found.accuracy_at(Fraction(coverage)) == pytest.approx(float(wanted), abs=1e-15)


def test_coverage_is_compared_as_the_decimal_that_was_written() -> None:
    """0.55 times 100 is 55.00000000000001 in floating point, but keeps 55 images."""
    images = [(float(-place), 1, int(place == 55)) for place in range(100)]
    assert blocks(images).accuracy_at(Fraction("0.55")) == 1
    assert ceil(0.55 * 100) == 56


def test_accuracy_above_a_threshold_keeps_whole_blocks() -> None:
    found = blocks([(0.9, 2, 0), (0.5, 2, 1), (0.5, 3, 0), (0.1, 1, 1)])
    assert [found.accuracy_above(count) for count in range(4)] == [None, 1, 5 / 7, 5 / 8]


def counts(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def test_every_ood_image_is_an_error_and_none_counts_without_a_weight() -> None:
    of = (counts(2, 1), counts(0, 1), counts(1, 4))
    both = RiskBlocks.of(*of, id_weight=3, ood_weight=2)
    assert [one.tolist() for one in vars(both).values()] == [[3, 6], [8, 14], [2, 11]]
    alone = RiskBlocks.of(*of, id_weight=1, ood_weight=0)
    assert [one.tolist() for one in vars(alone).values()] == [[2, 2], [2, 2], [0, 1]]


def test_means_are_of_each_measure_and_unknown_if_one_is() -> None:
    first = RiskMeasures(0.1, 0.2, {"0.8": 0.5}, {"0.95": 0.5, "0.9": None})
    second = RiskMeasures(0.3, 0.4, {"0.8": 1.0}, {"0.95": 0.7, "0.9": 0.2})
    found = mean_measures([first, second])
    assert found.values() == {
        "aurc": pytest.approx(0.2),
        "augrc": pytest.approx(0.3),
        "accuracy_at_coverage_0.8": 0.75,
        "accuracy_at_tpr_0.95": pytest.approx(0.6),
        "accuracy_at_tpr_0.9": None,
    }
