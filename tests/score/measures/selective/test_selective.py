"""Claims about selective classification: the variants with and without OOD images."""

from __future__ import annotations

import math

import numpy as np
import pytest

from oodcache.score.measures.selective.risk import selective
from oodcache.score.measures.selective.selective import RiskMeasures, Selective, mean_selective

# Three blocks: a right image and an OOD one, a right and a wrong one, an OOD image.
KEPT = (np.array([0, 1, 2, 2]), np.array([0, 0, 1, 1]), np.array([0, 1, 1, 2]))


def found(**changes: int) -> Selective:
    one = selective(KEPT, {"0.95": 2})
    assert one is not None
    return Selective(**{**vars(one), **changes})


def test_accuracies_above_the_threshold_are_those_worked_by_hand() -> None:
    one = found()
    assert one.images == 3
    assert one.id_alone.accuracy_at_tpr == {"0.95": pytest.approx(2 / 3)}
    assert one.with_ood.accuracy_at_tpr == {"0.95": 2 / 4}
    # Each of 3 ID images weighs 2, each of 2 OOD images 3.
    assert one.balanced.accuracy_at_tpr == {"0.95": pytest.approx(4 / 9)}


def test_id_alone_does_not_change_with_the_ood_images() -> None:
    other = selective((*KEPT[:2], np.array([0, 40, 70, 71])), {"0.95": 2})
    assert other is not None
    assert other.id_alone == found().id_alone
    assert other.with_ood != found().with_ood


def test_balanced_equals_the_ratio_there_is_if_both_sides_have_as_many_images() -> None:
    kept = (KEPT[0], KEPT[1], np.array([0, 1, 2, 3]))
    one = selective(kept, {"0.95": 2})
    assert one is not None
    assert one.balanced.values() == pytest.approx(one.with_ood.values())


def test_without_a_known_class_there_is_nothing() -> None:
    none = np.zeros(4, np.int64)
    assert selective((none, none, KEPT[2]), {}) is None


def test_values_name_each_measure_once_and_unknown_ones_are_nan() -> None:
    one = selective(KEPT, {"0.95": 0})
    assert one is not None
    values = one.values()
    assert len(values) == 3 * 6
    assert values["selective_id_alone_aurc"] == one.id_alone.aurc
    assert math.isnan(values["selective_balanced_accuracy_at_tpr_0.95"])


def test_a_mean_needs_all_its_sets() -> None:
    one, other = found(), found(images=6)
    assert mean_selective([one, None]) is None
    assert mean_selective([None]) is None
    mean = mean_selective([one, other])
    assert mean is not None
    assert mean.images == round((3 + 6) / 2)
    assert mean.with_ood == one.with_ood
    assert isinstance(mean.balanced, RiskMeasures)
