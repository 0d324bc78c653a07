"""Claims about probabilities of being ID, against scikit-learn and a slow definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from oodcache.score.measures.metrics import Floats
from oodcache.score.measures.probability import probability_measures, reliability

edges = st.sampled_from([0.0, 0.5, 1.0, 1 / 15, 14 / 15, 0.2])
probabilities = st.lists(st.floats(0, 1) | edges, min_size=1, max_size=40).map(np.array)


def slow_expected_error(probability: Floats, target: Floats, weight: Floats) -> float:
    """Go through the bins one by one, as Guo et al. write it."""
    error = 0.0
    for place in range(15):
        inside = [min(int(15 * p), 14) == place for p in probability]
        if (mass := weight[inside].sum()) > 0:
            mean = (weight * probability)[inside].sum() / mass
            share = (weight * target)[inside].sum() / mass
            error += mass * abs(share - mean)
    return float(error / weight.sum())


@given(probabilities, probabilities)
def test_the_errors_are_those_of_the_definitions(ids: Floats, oods: Floats) -> None:
    found = probability_measures(ids, oods)
    together, target = np.concatenate([ids, oods]), np.repeat([1, 0], [len(ids), len(oods)])
    equal = np.ones(len(together))
    balanced = np.repeat([1 / len(ids), 1 / len(oods)], [len(ids), len(oods)])
    for suffix, weight in (("", equal), ("_balanced", balanced)):
        brier = brier_score_loss(target, together, sample_weight=weight)
        assert found[f"brier{suffix}"] == pytest.approx(brier, abs=1e-12)
        expected = slow_expected_error(together, target, weight)
        assert found[f"ece{suffix}"] == pytest.approx(expected, abs=1e-12)
    assert found["kept_id"] == np.mean([p >= 0.5 for p in ids])
    assert found["kept_ood"] == np.mean([p >= 0.5 for p in oods])
    assert found["prevalence"] == len(ids) / len(together)


def test_a_half_is_kept_and_what_lies_just_below_is_not() -> None:
    found = probability_measures(
        np.array([0.5, np.nextafter(0.5, 0)]), np.array([0.5, 0.1, 0.2, 0.3])
    )
    assert (found["kept_id"], found["kept_ood"]) == (0.5, 0.25)


def test_an_overconfident_score_has_the_errors_worked_by_hand() -> None:
    # p = .9 for all: 3 of 4 are ID, so the share is .15 off; balanced it is .4 off.
    found = probability_measures(np.full(3, 0.9), np.array([0.9]))
    assert found == pytest.approx(
        {
            "kept_id": 1,
            "kept_ood": 1,
            "prevalence": 0.75,
            "brier": (3 * 0.01 + 0.81) / 4,
            "ece": 0.15,
            "brier_balanced": (0.01 + 0.81) / 2,
            "ece_balanced": 0.4,
        }
    )


def test_certainty_that_is_right_has_no_error() -> None:
    found = probability_measures(np.ones(5), np.zeros(2))
    assert [found[name] for name in found if "brier" in name or "ece" in name] == [0, 0, 0, 0]


def test_a_score_drawn_as_it_says_is_calibrated() -> None:
    generator = np.random.default_rng(0)
    probability = generator.uniform(size=200_000)
    is_id = generator.uniform(size=200_000) < probability
    found = probability_measures(probability[is_id], probability[~is_id])
    assert found["ece"] < 0.005
    assert found["brier"] == pytest.approx(1 / 6, abs=0.002)


def test_float32_counts_as_its_value() -> None:
    ids, oods = np.float32([0.7, 0.1]), np.float32([0.3])
    assert probability_measures(ids, oods) == probability_measures(
        ids.astype(float), oods.astype(float)
    )


@given(ids=probabilities, oods=probabilities)
def test_the_bins_of_a_reliability_diagram_are_those_of_the_definition(
    ids: Floats, oods: Floats
) -> None:
    found = reliability(ids, oods)
    assert found.count.sum() == len(ids) + len(oods) and (found.count > 0).all()
    places = [[min(int(p * 15), 14) for p in side] for side in (ids, oods)]
    wanted = []
    for place in sorted({*places[0], *places[1]}):
        inside = [p for p, own in zip(ids, places[0], strict=True) if own == place]
        outside = [p for p, own in zip(oods, places[1], strict=True) if own == place]
        images = len(inside) + len(outside)
        wanted.append((sum(inside + outside) / images, len(inside) / images, images))
    assert np.allclose(np.array(wanted).T, [found.mean, found.share, found.count])
    error = np.average(np.abs(found.mean - found.share), weights=found.count)
    assert np.isclose(error, probability_measures(ids, oods)["ece"])
