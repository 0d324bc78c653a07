"""Claims about results: what stands in each field of a set's row and of an average's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from samples.score.metrics import fpr_at_tpr, metrics
from scipy.special import expit

from oodcache.cache.errors import InputError
from oodcache.score.measures import bootstrap, delong
from oodcache.score.measures.comparison import compare
from oodcache.score.measures.metrics import Floats, count
from oodcache.score.measures.probability import probability_measures
from oodcache.score.measures.result import FPR_CONVENTIONS, STANDARD, Conventions, Result

GENERATOR = np.random.default_rng(0)
ID = GENERATOR.normal(1, 1, 90).round(1)
SETS = {
    name: GENERATOR.normal(mean, 1, size).round(1)
    for name, mean, size in [("a", 0.5, 40), ("b", 0.3, 70), ("c", -1, 30), ("d", -2, 20)]
}
GROUPS = {"a": "near", "b": "near", "c": "far", "d": None}
FULL = Conventions(
    fpr_convention="nearest", tprs=(0.95, 0.8), bootstrap=20, seed=5, calibration=True
)


@pytest.fixture(autouse=True)
def numpy_raises_where_it_would_warn() -> Iterator[None]:
    with np.errstate(all="raise"):
        yield


def common(conventions: Conventions, n_id: int) -> dict[str, Any]:
    texts = ("model", "pretrained", "classes", "template", "score")
    return {
        **dict.fromkeys(texts, "x"),
        "templates": ("x",),
        "id": "digits",
        "parameters": {},
        "fpr_convention": conventions.fpr_convention,
        "n_id": n_id,
        "id_accuracy": 0.5,
    }


def results(
    id_scores: Floats = ID,
    sets: Mapping[str, Floats] = SETS,
    conventions: Conventions = STANDARD,
    groups: Mapping[str, str | None] | None = None,
    probability: Callable[[Floats], Floats] | None = None,
    **more: Any,
) -> dict[str, Result]:
    rows = compare(
        common(conventions, len(id_scores)),
        id_scores,
        sets,
        conventions=conventions,
        groups=groups or dict.fromkeys(sets),
        shared_images={name: place for place, name in enumerate(sets)},
        probability=probability,
        **more,
    )
    return {row.ood: row for row in rows}


def test_a_sets_row_has_what_each_module_measures() -> None:
    row = results(conventions=FULL, groups=GROUPS, probability=expit)["b"]
    counts, expected = count(ID, SETS["b"]), metrics(ID, SETS["b"])
    assert (row.auroc, row.aupr_in, row.aupr_out, row.ties) == (
        expected.auroc,
        expected.aupr_in,
        expected.aupr_out,
        expected.ties,
    )
    assert row.auroc_ci == delong.interval(row.auroc, delong.variance(counts))
    assert row.fpr95 == fpr_at_tpr(ID, SETS["b"], convention="nearest")
    assert row.fpr_at_tpr == {
        "0.95": row.fpr95,
        "0.8": fpr_at_tpr(ID, SETS["b"], tpr=0.8, convention="nearest"),
    }
    assert row.fpr95_by_convention == {
        one: fpr_at_tpr(ID, SETS["b"], convention=one) for one in FPR_CONVENTIONS
    }
    assert row.distinct == len({*ID.tolist(), *SETS["b"].tolist()})
    assert row.bootstrap == bootstrap.intervals(bootstrap.resampled(counts, "b", conventions=FULL))
    assert row.calibration == probability_measures(expit(ID), expit(SETS["b"]))
    assert (row.group, row.n_ood, row.shared_images) == ("near", 70, 1)


def test_the_average_is_the_mean_of_measures_and_the_sum_of_counts() -> None:
    rows = results(conventions=FULL, probability=expit)
    sets, average = [rows[name] for name in SETS], rows["average"]
    for name in ("auroc", "aupr_in", "aupr_out", "fpr95"):
        expected = sum(getattr(row, name) for row in sets) / 4
        assert getattr(average, name) == pytest.approx(expected, rel=1e-15)
    for name in ("n_ood", "ties", "distinct", "shared_images"):
        assert getattr(average, name) == sum(getattr(row, name) for row in sets)
    for name in ("fpr_at_tpr", "fpr95_by_convention", "calibration"):
        for key, value in getattr(average, name).items():
            expected = sum(getattr(row, name)[key] for row in sets) / 4
            assert value == pytest.approx(expected, rel=1e-14)


def test_the_averages_interval_counts_shared_images_once() -> None:
    average = results()["average"]
    variance = delong.average_variance([delong.placements(ID, one) for one in SETS.values()])
    assert average.auroc_ci == pytest.approx(delong.interval(average.auroc, variance), rel=1e-12)


def test_the_averages_bootstrap_is_that_of_the_mean() -> None:
    samples = [
        bootstrap.resampled(count(ID, scores), name, conventions=FULL)["auroc"]
        for name, scores in SETS.items()
    ]
    expected = np.quantile(np.mean(samples, axis=0), [0.025, 0.975])
    found = results(conventions=FULL)["average"].bootstrap
    assert found is not None
    assert found["auroc"] == pytest.approx(tuple(expected), rel=1e-15)


def test_a_group_of_several_has_an_average_and_a_single_set_has_none() -> None:
    rows = results(groups=GROUPS)
    assert [*rows] == ["a", "b", "c", "d", "average", "average-near"]
    assert rows["average-near"].auroc == (rows["a"].auroc + rows["b"].auroc) / 2
    assert [row.group for row in rows.values()] == ["near", "near", "far", None, None, "near"]


def test_a_group_that_is_all_sets_is_not_averaged_twice() -> None:
    assert [*results(groups=dict.fromkeys(SETS, "far"))] == [*SETS, "average"]


def test_near_and_far_averages_stand_side_by_side() -> None:
    rows = results(groups={"a": "near", "b": "near", "c": "far", "d": "far"})
    assert [*rows][4:] == ["average", "average-near", "average-far"]
    alone = results(sets={name: SETS[name] for name in "cd"})["average"]
    assert rows["average-far"].auroc_ci == alone.auroc_ci


def test_an_own_group_has_the_row_that_its_sets_alone_would_average_to() -> None:
    conventions = replace(FULL, groups={"mine": ["d", "b"]})
    found = results(conventions=conventions, groups=GROUPS, probability=expit)["average-mine"]
    alone = {name: SETS[name] for name in "bd"}
    expected = results(sets=alone, conventions=FULL, probability=expit)["average"]
    assert found.average_of == ("d", "b") and found.is_average and found.group == "mine"
    for name in ("auroc", "auroc_ci", "aupr_in", "fpr95", "bootstrap", "calibration", "n_ood"):
        assert getattr(found, name) == getattr(expected, name)


def test_a_single_set_has_no_average() -> None:
    assert [*results(sets={"a": SETS["a"]})] == ["a"]


def test_no_set_depends_on_the_others() -> None:
    rows = results(conventions=FULL, probability=expit)
    backwards = {name: SETS[name] for name in reversed(SETS)}
    again = results(sets=backwards, conventions=FULL, probability=expit)
    alone = results(sets={"c": SETS["c"]}, conventions=FULL, probability=expit)
    for name in (field.name for field in fields(Result)):
        if name != "shared_images":
            assert getattr(again["c"], name) == getattr(rows["c"], name)
            assert getattr(alone["c"], name) == getattr(rows["c"], name)


def test_what_was_not_asked_for_is_none() -> None:
    for row in results(probability=expit).values():
        assert (row.bootstrap, row.calibration) == (None, None)


def test_a_score_that_is_no_probability_says_so_in_every_row() -> None:
    found = {row.calibration for row in results(conventions=FULL).values()}
    assert found == {"not a probability"}


def test_what_cannot_be_estimated_is_none() -> None:
    rows = results(np.array([3.0, 4.0]), {"a": np.array([1.0, 2.0]), "b": np.array([0.0])})
    assert [row.auroc_ci for row in rows.values()] == [None, None, None]
    assert rows["average"].auroc == 1


@pytest.mark.parametrize("convention", FPR_CONVENTIONS)
@pytest.mark.parametrize(
    ("ids", "oods"),
    [
        ([0.5], [0.5]),
        ([np.inf], [-np.inf]),
        ([0.0] * 30, [0.0] * 20),
        ([np.inf, -np.inf, 0.0], [np.inf, -np.inf]),
    ],
)
def test_extremes_give_shares(ids: list[float], oods: list[float], convention: str) -> None:
    conventions = Conventions(fpr_convention=convention, bootstrap=10, tprs=(0.5, 1.0))
    for dtype in (np.float32, np.float64):
        sets = {"a": np.array(oods, dtype), "b": np.array(oods, dtype)}
        for row in results(np.array(ids, dtype), sets, conventions).values():
            shares = [row.auroc, row.aupr_in, row.aupr_out, *row.fpr_at_tpr.values()]
            shares += [bound for pair in (row.bootstrap or {}).values() for bound in pair]
            shares += [*(row.auroc_ci or ()), *row.fpr95_by_convention.values()]
            assert all(0 <= share <= 1 for share in shares)


def test_threads_get_what_one_gets_alone() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: results(conventions=FULL), range(8)))
    assert all(rows == found[0] for rows in found)


def test_every_resample_of_every_set_is_told() -> None:
    told: list[int] = []
    results(conventions=FULL, advance=told.append)
    assert sum(told) == 4 * 20


def test_nan_is_refused_by_side() -> None:
    with pytest.raises(InputError, match=r"^1 of 1 ID scores are NaN"):
        results(np.array([np.nan]))
    with pytest.raises(InputError, match=r"^1 of 2 OOD scores are NaN"):
        results(sets={"a": np.array([np.nan, 0.0])})
