"""Claims about kinds of positives: the full spectrum is a concatenation, and laws of its parts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from oodcache.score.measures import bootstrap
from oodcache.score.measures.comparison import Comparison, compare
from oodcache.score.measures.metrics import count
from oodcache.score.measures.result import FPR_CONVENTIONS, STANDARD, Conventions, Result
from oodcache.score.measures.spectrum.kinds import (
    PositiveKind,
    compare_kinds,
    name_of,
    pooled_accuracy,
)
from oodcache.score.measures.spectrum.positives import Positives
from oodcache.score.measures.spectrum.spectrum import FULL, Spectrum

GENERATOR = np.random.default_rng(1)
POSITIVES = {
    name: GENERATOR.normal(mean, 1, size).round(1)
    for name, mean, size in [("id", 1.5, 50), ("v2", 1, 80), ("r", 0.2, 200)]
}
OOD = {
    name: GENERATOR.normal(mean, 1, size).round(1)
    for name, mean, size in [("near", 0.5, 40), ("far", -1, 60)]
}
SIZES = {name: len(scores) for name, scores in POSITIVES.items()}
POOL = np.concatenate([*POSITIVES.values()])
GROUPS = {"near": "near", "far": "far"}
COMMON: dict[str, Any] = {
    **dict.fromkeys(("model", "pretrained", "classes", "template", "score"), "x"),
    **{"templates": ("x",), "parameters": {}, "fpr_convention": "strict"},
}
NONE_SHARED = dict.fromkeys(OOD, 0)
SPECTRUM = Spectrum("id", {}, {}, {})


def kinds() -> list[PositiveKind]:
    names = [*map(name_of, [*SIZES][1:]), FULL]
    others = [PositiveKind(name, None, NONE_SHARED, SPECTRUM) for name in names]
    return [PositiveKind("id", 0.5, NONE_SHARED), *others]


def compared(
    conventions: Conventions = STANDARD, positives: Positives | None = None
) -> dict[tuple[str, str], Result]:
    how = Comparison(conventions, GROUPS)
    every = {**POSITIVES, **OOD}
    chosen = positives or Positives.independent(SIZES)
    rows = compare_kinds(COMMON, kinds(), chosen, every, how)
    return {(one.id, one.ood): one for one in rows}


def test_every_kind_has_a_row_for_each_set_and_average() -> None:
    ids, oods = ("id", "csid:v2", "csid:r", FULL), ("near", "far", "average")
    assert [*compared()] == [(one, other) for one in ids for other in oods]


@pytest.mark.parametrize("ood", OOD)
@pytest.mark.parametrize("convention", FPR_CONVENTIONS)
def test_the_full_spectrum_is_a_hand_made_concatenation(ood: str, convention: str) -> None:
    found = compared(Conventions(fpr_convention=convention))[FULL, ood]
    expected = count(POOL, OOD[ood])
    assert (found.auroc, found.fpr95) == (expected.auroc(), expected.fpr95(convention))
    assert (found.aupr_in, found.aupr_out) == (expected.aupr_in(), expected.aupr_out())
    assert (found.n_id, found.ties) == (len(POOL), expected.ties())


@pytest.mark.parametrize("ood", OOD)
def test_the_full_spectrum_agrees_with_scikit_learn(ood: str) -> None:
    found, is_id = compared()[FULL, ood], np.arange(len(POOL) + len(OOD[ood])) < len(POOL)
    scores = np.concatenate([POOL, OOD[ood]])
    assert found.auroc == pytest.approx(roc_auc_score(is_id, scores))
    assert found.aupr_in == pytest.approx(average_precision_score(is_id, scores))


@pytest.mark.parametrize("ood", OOD)
def test_auroc_and_the_ood_positive_fpr_are_image_weighted_means_of_the_parts(ood: str) -> None:
    rows = compared(Conventions(fpr_convention="openood"))
    parts = [one for (id_set, name), one in rows.items() if name == ood and id_set != FULL]
    weights = [one.n_id for one in parts]
    assert rows[FULL, ood].auroc == pytest.approx(
        np.average([one.auroc for one in parts], weights=weights)
    )
    assert rows[FULL, ood].fpr95 == pytest.approx(
        np.average([one.fpr95 for one in parts], weights=weights)
    )


def test_the_id_positive_fpr_is_no_mean_of_the_parts() -> None:
    rows = compared()
    parts = [rows[name, "near"] for name in ("id", "csid:v2", "csid:r")]
    mean = np.average([one.fpr95 for one in parts], weights=[one.n_id for one in parts])
    assert abs(rows[FULL, "near"].fpr95 - mean) > 0.01


def test_rows_of_the_id_set_are_those_without_csid() -> None:
    conventions = Conventions(bootstrap=10, seed=4)
    own = {"id": "id", "n_id": 50, "id_accuracy": 0.5}
    expected = compare(
        *(COMMON | own, POSITIVES["id"], OOD),
        conventions=conventions,
        groups=GROUPS,
        shared_images=NONE_SHARED,
        probability=None,
    )
    assert [one for one in compared(conventions).values() if one.id == "id"] == expected


def drops(row: Result) -> Any:
    assert row.spectrum is not None and row.spectrum.drop is not None
    return row.spectrum.drop


def test_a_drop_is_the_id_set_minus_the_full_spectrum() -> None:
    rows = compared()
    for ood in (*OOD, "average"):
        found = drops(rows[FULL, ood])
        alone, full = rows["id", ood], rows[FULL, ood]
        assert found["auroc"].value == alone.auroc - full.auroc > 0
        assert found["fpr95"].value == alone.fpr95 - full.fpr95
        assert found["auroc"].ci[0] < found["auroc"].value < found["auroc"].ci[1]
        assert found["fpr95"].ci is None and found["auroc"].bootstrap is None
    assert all(one.spectrum is SPECTRUM for key, one in rows.items() if key[0].startswith("csid:"))


@pytest.mark.slow
def test_the_two_intervals_of_a_drop_agree() -> None:
    for positives in (None, copied()):
        one = drops(compared(Conventions(bootstrap=300), positives)[FULL, "average"])["auroc"]
        width = one.ci[1] - one.ci[0]
        assert one.bootstrap == pytest.approx(one.ci, abs=0.12 * width)


def copied() -> Positives:
    """Return positives whose `r` are four copies of each ID image."""
    own = [*range(50), *range(50, 130), *(np.arange(200) // 4)]
    return Positives(SIZES, np.array(own))


def test_resamples_of_a_drop_share_their_id_and_ood_images() -> None:
    """Each resample by hand: images repeated as often as they are drawn, measured anew."""
    conventions = Conventions(bootstrap=6, seed=2)
    positives = copied()
    inside, outside = POSITIVES["id"], OOD["near"]
    rank = np.argsort(inside, kind="stable")[::-1]
    ood = np.random.default_rng([1, 2, *b"near"])
    apart = []
    for times, _ in zip(positives.draws(rank, 2), range(6), strict=False):
        drawn = np.sort(outside)[::-1][ood.integers(len(outside), size=len(outside))]
        one = count(np.repeat(inside, times[:50]), drawn).auroc()
        apart.append(one - count(np.repeat(POOL, times), drawn).auroc())
    found = drops(compared(conventions, positives)[FULL, "near"])["auroc"].bootstrap
    assert found == pytest.approx(bootstrap.intervals({"auroc": np.array(apart)})["auroc"])


def test_copies_of_id_images_widen_the_interval_of_their_auroc() -> None:
    own = compared()["csid:r", "near"].auroc_ci
    grouped = compared(positives=copied())["csid:r", "near"]
    assert own is not None and grouped.auroc_ci is not None
    low, high = grouped.auroc_ci
    assert (low, high) != own
    assert replace(grouped, auroc_ci=own) == compared()["csid:r", "near"]


def test_the_pooled_accuracy_is_over_labelled_images() -> None:
    assert pooled_accuracy([(0.9, 10), (None, 0), (0.5, 30)]) == pytest.approx(0.6)
    assert pooled_accuracy([(None, 0)]) is None
