"""Claims about what figures draw of single images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from samples.report.results import FIRST, MODEL

from oodcache.cache.errors import InputError
from oodcache.cache.files.scores import ScoredImages
from oodcache.report.content import FailingClass, ImageRow
from oodcache.report.images import BINS, FOOLED, histogram, rows
from oodcache.report.saved.results import Saved
from oodcache.score.formulas.cosines import Scores
from oodcache.score.measures.curves import band
from oodcache.score.measures.metrics import auroc, count
from oodcache.score.measures.probability import reliability
from oodcache.score.measures.result import Conventions, Result

INSIDE = np.array([0.9, 0.8, 0.7, 0.2, 0.1])
OUTSIDE = np.array([0.75, 0.05, 0.5])
LABELS = [b"cat", b"cat", b"n1", b"n1", b""]


def part(name: str, scores: Scores, labels: list[bytes], columns: str = "mcm") -> ScoredImages:
    paths = [b"%s/%d.png" % (name.encode(), place) for place in range(len(scores))]
    nearest = [b"fox" if place % 2 else b"<b>" for place in range(len(scores))]
    return ScoredImages(
        *(MODEL, FIRST.template or "", name, {columns: scores, f"{columns} shown": scores / 2}),
        lambda: paths,
        lambda: labels,
        lambda: nearest,
    )


def result(inside: Scores, outside: Mapping[str, Scores]) -> list[Result]:
    first = replace(FIRST, id="pets", n_id=len(inside), group=None)
    each = [
        replace(first, ood=name, n_ood=len(one), auroc=auroc(inside, one))
        for name, one in outside.items()
    ]
    return [*each, replace(first, ood="average")]


def of(results: list[Result], parts: list[ScoredImages]) -> ImageRow:
    saved = Saved(Path("r.json"), tuple(results), (), {})
    (row,) = rows(saved, parts, "all.h5", lambda one: {b"n1": "dog <i>"})
    return row


def sample() -> ImageRow:
    parts = [part("pets", INSIDE, LABELS), part("SUN", OUTSIDE, [b"x", b"x", b"y"])]
    return of(result(INSIDE, {"SUN": OUTSIDE}), parts)


def test_a_row_counts_what_falling_thresholds_keep() -> None:
    row = sample()
    assert (row.key, row.id, row.n_id, row.n_ood) == (
        (MODEL, FIRST.template, "mcm"),
        "pets",
        5,
        {"SUN": 3},
    )
    assert row.curve.ranked == (None, 0.9, 0.8, 0.75, 0.7, 0.5, 0.2, 0.1, 0.05)
    assert row.curve.shown == (None, *(one / 2 for one in row.curve.ranked[1:] if one))
    assert row.curve.kept_id == (0, 1, 2, 2, 3, 3, 4, 5, 5)
    assert row.curve.kept_ood == {"SUN": (0, 0, 0, 1, 1, 2, 2, 2, 3)}
    # 95 % of five are five.
    assert row.curve.ranked[row.threshold] == 0.1


def test_the_images_that_fooled_it_come_worst_first() -> None:
    row = sample()
    lowest, *_, highest = row.fooled_id
    assert (lowest.path, lowest.label, lowest.nearest) == ("pets/4.png", "", "<b>")
    assert (lowest.ranked, lowest.score) == (0.1, 0.05)
    assert (highest.path, highest.label, highest.nearest) == ("pets/0.png", "cat", "<b>")
    assert [one.path for one in row.fooled_ood["SUN"]] == ["SUN/0.png", "SUN/2.png", "SUN/1.png"]
    assert row.fooled_id[1].label == "dog <i>"


def test_equal_scores_fool_in_their_order_and_no_more_than_a_page_shows() -> None:
    many = np.zeros(50)
    parts = [part("pets", many, [b""] * 50), part("SUN", many, [b""] * 50)]
    row = of(result(many, {"SUN": many}), parts)
    for name, fooled in (("pets", row.fooled_id), ("SUN", row.fooled_ood["SUN"])):
        assert [one.path for one in fooled] == [f"{name}/{place}.png" for place in range(FOOLED)]


def test_classes_that_fail_come_by_the_share_that_fails() -> None:
    inside = np.concatenate([np.full(95, 1.0), np.full(5, 0.0)])
    labels = [*[b"many"] * 93, *[b"few"] * 2, *[b"few"] * 2, *[b"many"] * 3]
    outside = np.array([1.0, 1.0, 0.5, 1.0])
    parts = [part("pets", inside, labels), part("SUN", outside, [b"x", b"y", b"y", b"z"])]
    row = of(result(inside, {"SUN": outside}), parts)
    assert row.curve.ranked[row.threshold] == 1.0
    # Of images 95 to 99 the odd ones are taken for a fox.
    assert row.failing_id == (
        FailingClass("few", 2, 4, "<b>"),
        FailingClass("many", 3, 96, "fox"),
    )
    assert row.failing_ood["SUN"] == (
        FailingClass("x", 1, 1, "<b>"),
        FailingClass("z", 1, 1, "fox"),
        FailingClass("y", 1, 2, "fox"),
    )


def test_a_probability_has_a_reliability_diagram_and_no_other_score() -> None:
    row = sample()
    assert row.reliability is not None
    bins = reliability(INSIDE / 2, OUTSIDE / 2)
    assert row.reliability["SUN"].count == tuple(bins.count)
    assert row.reliability["SUN"].mean == tuple(bins.mean)
    parts = [
        part("pets", INSIDE, LABELS, "max-logit"),
        part("SUN", OUTSIDE, [b""] * 3, "max-logit"),
    ]
    results = result(INSIDE, {"SUN": OUTSIDE})
    others = [replace(one, score="max-logit", parameters={}) for one in results]
    assert of(others, parts).reliability is None


def test_every_image_is_in_a_histogram_and_one_far_out_leaves_a_picture() -> None:
    draws = np.random.default_rng(0)
    scores = {
        "pets": np.concatenate([draws.normal(size=5_000), [1e9, np.inf]]),
        "SUN": np.concatenate([draws.normal(size=3_000) - 1, [-np.inf]]),
    }
    found = histogram(scores)
    assert (sum(found.id), sum(found.ood["SUN"])) == (5_002, 3_001)
    assert len(found.id) == BINS == len(found.edges) - 1
    assert -6 < found.edges[0] < found.edges[-1] < 5
    inner = [
        int(np.sum((scores["pets"] >= low) & (scores["pets"] < high)))
        for low, high in zip(found.edges[1:-2], found.edges[2:-1], strict=True)
    ]
    assert list(found.id[1:-1]) == inner


@pytest.mark.parametrize("value", [0.0, np.inf])
def test_scores_that_are_all_equal_have_a_histogram(value: float) -> None:
    found = histogram({"pets": np.full(3, value), "SUN": np.full(2, value)})
    assert (sum(found.id), sum(found.ood["SUN"])) == (3, 2)


def test_scores_of_another_run_are_refused() -> None:
    parts = [part("pets", INSIDE, LABELS), part("SUN", OUTSIDE[::-1] + 1, [b""] * 3)]
    with pytest.raises(InputError) as refused:
        of(result(INSIDE, {"SUN": OUTSIDE}), parts)
    assert str(refused.value) == (
        "all.h5: scores 'mcm' by ViT-B-16/laion400m_e31, 'a photo of a {}', give AUROC "
        "0.000000 on SUN, but the results have 0.666667: they are from another run; score again"
    )


def test_scores_that_are_missing_are_named() -> None:
    with pytest.raises(InputError, match="all.h5: no scores 'mcm' by .* of the images of SUN"):
        of(result(INSIDE, {"SUN": OUTSIDE}), [part("pets", INSIDE, LABELS)])


def test_averages_alone_have_no_images() -> None:
    with pytest.raises(InputError, match="r.json: only averages of 'mcm'"):
        of(result(INSIDE, {"SUN": OUTSIDE})[1:], [])


def same_of(inside: Scores, outside: Scores) -> str:
    parts = [part("pets", inside, LABELS), part("SUN", outside, [b"x"] * len(outside))]
    return of(result(inside, {"SUN": outside}), parts).same["SUN"]


def test_scores_have_the_same_curve_only_if_they_rank_all_images_alike() -> None:
    one = same_of(INSIDE, OUTSIDE)
    assert same_of(INSIDE**3, OUTSIDE**3) == one
    assert same_of(INSIDE[::-1].copy(), OUTSIDE) == one
    nearly = OUTSIDE.copy()
    nearly[0] = 0.7  # Tied with an ID image, no longer between two.
    assert same_of(INSIDE, nearly) != one


def test_results_with_bootstrap_intervals_have_the_band_of_their_resamples() -> None:
    parts = [part("pets", INSIDE, LABELS), part("SUN", OUTSIDE, [b"x", b"x", b"y"])]
    with_bounds = [
        replace(one, bootstrap={"auroc": (0.1, 0.9)}) for one in result(INSIDE, {"SUN": OUTSIDE})
    ]
    made = {"bootstrap": {"resamples": 30, "seed": 5}}
    saved = Saved(Path("r.json"), tuple(with_bounds), (), made)
    (row,) = rows(saved, parts, "all.h5", lambda one: {})
    how = Conventions(bootstrap=30, seed=5)
    expected = band(count(INSIDE, OUTSIDE), "SUN", conventions=how)
    assert row.bands["SUN"].low == tuple(expected.low) and row.bands["SUN"].high[0] > 0
    assert row.bands["SUN"].high == tuple(expected.high)
    # Not without intervals, and not of a file that does not tell the resamples.
    (row,) = rows(replace(saved, provenance={}), parts, "all.h5", lambda one: {})
    assert row.bands == {}
    without = replace(saved, results=tuple(result(INSIDE, {"SUN": OUTSIDE})))
    (row,) = rows(without, parts, "all.h5", lambda one: {})
    assert row.bands == {}
    odd = replace(saved, provenance={"bootstrap": {"resamples": 10**9, "seed": 0}})
    with pytest.raises(InputError, match="r.json: 'bootstrap' is .*, not 2 to 100,000 resamples"):
        list(rows(odd, parts, "all.h5", lambda one: {}))
