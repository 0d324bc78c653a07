"""Claims about the results of a stream score: intervals, and what an average shares."""

from __future__ import annotations

from dataclasses import replace
from statistics import mean
from typing import Any

import numpy as np
import pytest
from samples.score.metrics import metrics

from oodcache.score.measures import delong
from oodcache.score.measures.metrics import count
from oodcache.score.measures.orders.over_orders import results_over_orders
from oodcache.score.measures.result import STANDARD, Conventions
from oodcache.score.streams.runs import StreamRun

GENERATOR = np.random.default_rng(1)
ROWS = np.arange(50)
GROUPS = {"a": "near", "b": "near", "c": None}


def run(number: int, size: int, id_rows: Any = ROWS) -> StreamRun:
    ids, oods = GENERATOR.normal(1, 1, len(id_rows)), GENERATOR.normal(0, 1, size)
    length = len(ids) + size
    return StreamRun(f"shuffle {number}", length, id_rows, np.arange(size), ids, oods)


RUNS = {name: [run(0, size), run(1, size)] for name, size in (("a", 20), ("b", 30), ("c", 10))}


def results(runs: Any, conventions: Conventions = STANDARD) -> Any:
    common = {
        **dict.fromkeys(("model", "pretrained", "classes", "template", "score"), "x"),
        **{"templates": ("x",), "id": "digits", "parameters": {}, "id_accuracy": 0.75},
        **{"fpr_convention": "strict", "n_id": 50},
    }
    found = results_over_orders(
        *(common, "shuffle:2", runs),
        conventions=conventions,
        groups=GROUPS,
        shared_images=dict.fromkeys(GROUPS, 3),
    )
    return {one.ood: one for one in found}


def test_measures_are_the_means_of_each_orders_own() -> None:
    found = results(RUNS, Conventions(tprs=(0.95, 0.8)))["b"]
    each = [metrics(one.id_scores, one.ood_scores) for one in RUNS["b"]]
    for name in ("auroc", "aupr_in", "aupr_out", "fpr95"):
        own = mean(getattr(one, name) for one in each)
        assert getattr(found, name) == pytest.approx(own, abs=1e-12)
    assert set(found.stream.deviations) == {
        *("auroc", "aupr_in", "aupr_out", "fpr95", "fpr_at_tpr_0.8")
    }


def test_an_interval_has_the_mean_of_the_orders_variances_around_the_mean() -> None:
    found = results(RUNS)["c"]
    variances = [delong.variance(count(one.id_scores, one.ood_scores)) or 0 for one in RUNS["c"]]
    expected = delong.interval(found.auroc, mean(variances))
    assert found.auroc_ci == pytest.approx(expected, abs=1e-12)


def test_an_own_group_averages_its_sets_in_each_order() -> None:
    found = results(RUNS, Conventions(groups={"mine": ["c", "b"]}))
    expected = results({name: RUNS[name] for name in "bc"})["average"]
    mine = found["average-mine"]
    assert mine.average_of == ("c", "b")
    assert (mine.auroc, mine.auroc_ci, mine.n_ood) == (expected.auroc, expected.auroc_ci, 40)
    assert mine.stream.orders == expected.stream.orders


def test_an_average_counts_the_images_of_its_sets_and_shares_their_id_images() -> None:
    found = results(RUNS)
    assert list(found) == ["a", "b", "c", "average", "average-near"]
    average, near = found["average"], found["average-near"]
    assert (average.n_id, average.n_ood, average.stream.images) == (50, 60, 210)
    assert (near.n_ood, near.shared_images, near.group) == (50, 6, "near")
    placed = [
        [delong.placements(RUNS[name][at].id_scores, RUNS[name][at].ood_scores) for name in RUNS]
        for at in (0, 1)
    ]
    variance = mean(delong.average_variance(one) or 0 for one in placed)
    assert average.auroc_ci == pytest.approx(delong.interval(average.auroc, variance), abs=1e-12)


def test_an_average_over_other_id_images_for_each_set_has_no_interval() -> None:
    drawn = {"a": [run(0, 20, ROWS[:30])], "b": [run(0, 30, ROWS[20:])]}
    found = results(drawn)
    assert found["average"].auroc_ci is None
    assert found["a"].auroc_ci is not None
    assert (found["a"].n_id, found["b"].n_id, found["average"].n_id) == (30, 30, 50)


def test_an_average_over_one_stream_counts_its_images_once() -> None:
    every = {name: [replace(run(0, size), length=110)] for name, size in (("a", 20), ("b", 30))}
    every["c"] = [replace(run(0, 10), length=110)]
    found = results(every)
    assert {one.stream.images for one in found.values()} == {110}
    assert found["average"].n_id + found["average"].n_ood == 110


def test_results_on_some_of_the_id_images_have_no_accuracy_of_all() -> None:
    found = results({"a": [run(0, 20)], "b": [run(0, 30, ROWS[:30])]})
    assert (found["a"].id_accuracy, found["b"].id_accuracy) == (0.75, None)
    drawn = results({"a": [run(0, 20, ROWS[:40])], "b": [run(0, 30, ROWS[:30])]})
    assert drawn["average"].id_accuracy is None


def test_one_order_has_no_deviation() -> None:
    assert results({"a": [run(0, 20)]})["a"].stream.deviations is None
