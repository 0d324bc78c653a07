"""Claims about answers: outcomes in the order of a score, and their resamples."""

from __future__ import annotations

import numpy as np
import pytest

from oodcache.cache.errors import InputError
from oodcache.score.measures.metrics import count
from oodcache.score.measures.selective.answers import UNKNOWN, Answers, outcomes, outcomes_of

RANDOM = np.random.default_rng(3)
ID, OOD = RANDOM.normal(1, 1, 80).round(1), RANDOM.normal(0, 1, 50).round(1)
OUTCOMES = RANDOM.choice(np.array([1, 1, 0, UNKNOWN], np.int8), 80)


def test_accuracies_are_shares_of_the_images_at_or_above_the_strict_threshold() -> None:
    found = Answers.of(ID, OUTCOMES).selective(count(ID, OOD), (0.95, 0.8))
    assert found is not None
    assert found.images == np.count_nonzero(OUTCOMES != UNKNOWN)
    for tpr, kept in (("0.95", 76), ("0.8", 64)):
        threshold = np.sort(ID)[80 - kept]
        accepted = OUTCOMES[threshold <= ID]
        right, wrong = (np.count_nonzero(accepted == one) for one in (1, 0))
        ood = np.count_nonzero(threshold <= OOD)
        assert found.id_alone.accuracy_at_tpr[tpr] == pytest.approx(right / (right + wrong))
        assert found.with_ood.accuracy_at_tpr[tpr] == pytest.approx(right / (right + wrong + ood))


def test_the_order_of_the_images_does_not_matter() -> None:
    order = RANDOM.permutation(80)
    first = Answers.of(ID, OUTCOMES).selective(count(ID, OOD), (0.95,))
    second = Answers.of(ID[order], OUTCOMES[order]).selective(count(ID, OOD), (0.95,))
    assert first == second


@pytest.mark.parametrize("seed", range(5))
def test_a_resample_is_measured_as_the_images_that_it_drew(seed: int) -> None:
    random = np.random.default_rng(seed)
    id_times = np.bincount(random.integers(80, size=80), minlength=80)
    ood_times = np.bincount(random.integers(50, size=50), minlength=50)
    found = Answers.of(ID, OUTCOMES).resampled(count(ID, OOD), (0.95, 0.9), id_times, ood_times)
    falling, ood_falling = np.argsort(ID, kind="stable")[::-1], np.sort(OOD)[::-1]
    ids, oods = np.repeat(ID[falling], id_times), np.repeat(ood_falling, ood_times)
    drawn = Answers.of(ids, np.repeat(OUTCOMES[falling], id_times))
    wanted = drawn.selective(count(ids, oods), (0.95, 0.9))
    assert wanted is not None
    assert found == pytest.approx(wanted.values(), abs=1e-14)


def test_a_resample_without_a_known_class_is_nan() -> None:
    alone = np.array([1, UNKNOWN], np.int8)
    scores = np.array([0.5, 0.7])
    answers = Answers.of(scores, alone)
    times = np.array([2, 0])  # Twice the highest, whose class is unknown.
    found = answers.resampled(count(scores, OOD), (0.95,), times, np.ones(50, np.int64))
    assert len(found) == 18
    assert all(map(np.isnan, found.values()))


def test_an_image_without_a_class_is_neither_right_nor_wrong() -> None:
    found = outcomes(np.array([2, -1, 0]), np.array([2, 2, 2]))
    assert found.tolist() == [1, UNKNOWN, 0]


@pytest.mark.parametrize("value", [0.5, 2, -1, np.inf])
def test_an_answer_other_than_one_and_zero_is_rejected_with_its_row(value: float) -> None:
    with pytest.raises(InputError, match=r"a\.csv: row 1, from 0, is .*; expected 1 for a correct"):
        outcomes_of(np.array([1, value, 0]), "a.csv")
    assert outcomes_of(np.array([1.0, 0.0]), "a.csv").tolist() == [1, 0]
