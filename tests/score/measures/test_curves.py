"""Claims about the points of ROC curves."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from samples.score.metrics import fpr_at_tpr
from sklearn.metrics import roc_curve

from oodcache.score.measures.curves import ID_STEPS, OOD_STEPS, curve
from oodcache.score.measures.metrics import Floats, auroc, threshold_at_tpr

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
