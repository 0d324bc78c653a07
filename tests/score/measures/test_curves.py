"""Claims about the points of ROC curves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from samples.score.metrics import fpr_at_tpr
from sklearn.metrics import roc_curve

from oodcache.score.measures.curves import ID_STEPS, OOD_STEPS, band, curve
from oodcache.score.measures.metrics import Floats, auroc, count, threshold_at_tpr
from oodcache.score.measures.result import Conventions

# Few values, so that they tie, and infinities.
SCORES = arrays.arrays(
    np.float64,
    st.integers(1, 40),
    elements=st.sampled_from([-np.inf, -1.0, -0.5, -0.0, 0.0, 0.25, 1.0, np.inf]),
)


@settings(deadline=None)
@given(inside=SCORES, outside=st.lists(SCORES, min_size=1, max_size=3))
def test_every_count_is_that_of_the_definition(inside: Floats, outside: list[Floats]) -> None:
    found = curve(inside, outside)
    assert (np.diff(found.thresholds) < 0).all()
    for scores, kept in zip((inside, *outside), found.kept, strict=True):
        slow = [sum(one >= threshold for one in scores) for threshold in found.thresholds]
        assert kept.tolist() == slow
        assert kept[-1] == len(scores)


@given(inside=SCORES, outside=SCORES)
def test_few_scores_give_every_point_that_scikit_learn_has(inside: Floats, outside: Floats) -> None:
    found = curve(inside, [outside])
    targets = [1] * len(inside) + [0] * len(outside)
    # scikit-learn adds a threshold above all.
    finite = np.nan_to_num(np.concatenate([inside, outside]), posinf=9, neginf=-9)
    fpr, tpr, _ = roc_curve(targets, finite, drop_intermediate=False)
    mine = {*zip(found.kept[1] / len(outside), found.kept[0] / len(inside), strict=True)}
    assert mine | {(0.0, 0.0)} == {*zip(fpr, tpr, strict=True)}


def test_many_scores_are_thinned_and_the_area_below_stays() -> None:
    draws = np.random.default_rng(0)
    inside = draws.normal(1, 1, 30_000)
    outside = [draws.normal(0, 1, 20_000), draws.normal(-2, 3, 9_000)]
    found = curve(inside, outside)
    assert len(found.thresholds) <= ID_STEPS + OOD_STEPS + 5
    for scores, kept in zip(outside, found.kept[1:], strict=True):
        area = np.trapezoid(found.kept[0] / len(inside), kept / len(scores))
        assert abs(area - auroc(inside, scores)) < 2e-4


def test_the_place_is_the_strict_threshold_of_95_percent() -> None:
    draws = np.random.default_rng(1)
    inside, outside = draws.normal(1, 1, 5_001), draws.normal(0, 1, 4_000)
    found = curve(inside, [outside])
    assert found.thresholds[found.place] == threshold_at_tpr(inside)
    assert found.kept[1][found.place] / 4_000 == fpr_at_tpr(inside, outside)


def slow_tprs(id_scores: Floats, ood_scores: Floats, fprs: Floats) -> list[float]:
    """Walk scikit-learn's ROC curve, whole, to each FPR; the highest TPR where it rises."""
    labels = np.repeat([1, 0], [len(id_scores), len(ood_scores)])
    scores = np.concatenate([id_scores, ood_scores])
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    found = []
    for at in fprs:
        before = np.flatnonzero(fpr <= at)[-1]
        if fpr[before] == at or before == len(fpr) - 1:
            found.append(tpr[before])
            continue
        share = (at - fpr[before]) / (fpr[before + 1] - fpr[before])
        found.append(tpr[before] + share * (tpr[before + 1] - tpr[before]))
    return found


def test_a_band_has_percentiles_of_the_curves_of_resamples_drawn_in_full() -> None:
    generator = np.random.default_rng(0)
    id_scores = generator.normal(1, 1, 60).round(1)
    ood_scores = generator.normal(0, 1, 45).round(1)
    fprs = np.array([0.0, 0.01, 1 / 45, 0.2, 0.5, 0.77, 1.0])
    how = Conventions(bootstrap=40, seed=3)
    found = band(count(id_scores, ood_scores), "SUN", conventions=how, fprs=fprs)
    id_ranked, ood_ranked = -np.sort(-id_scores), -np.sort(-ood_scores)
    id_draws, ood_draws = np.random.default_rng([0, 3]), np.random.default_rng([1, 3, *b"SUN"])
    curves = [
        slow_tprs(
            id_ranked[id_draws.integers(60, size=60)],
            ood_ranked[ood_draws.integers(45, size=45)],
            fprs,
        )
        for _ in range(40)
    ]
    assert found.low == pytest.approx(np.percentile(curves, 2.5, axis=0), abs=1e-12)
    assert found.high == pytest.approx(np.percentile(curves, 97.5, axis=0), abs=1e-12)
    assert (found.low < found.high)[1:-1].any()


def test_a_band_of_scores_that_are_all_one_is_the_diagonal() -> None:
    done: list[int] = []
    how = Conventions(bootstrap=5)
    found = band(count(np.ones(4), np.ones(3)), "SUN", conventions=how, advance=done.append)
    assert found.low == pytest.approx(found.fpr) and found.high == pytest.approx(found.fpr)
    assert done == [1] * 5


def test_a_band_of_scores_that_separate_is_at_1() -> None:
    found = band(count(np.full(4, 2.0), np.ones(3)), "SUN", conventions=Conventions(bootstrap=5))
    assert found.low.tolist() == found.high.tolist() == [1.0] * len(found.fpr)
