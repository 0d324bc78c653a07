"""Claims about the report's first picture: which rows it has, and where they are on its axis."""

from __future__ import annotations

from dataclasses import replace

import pytest
from samples.report.results import FIRST, results

from oodcache.report.html.forest import MOST, forest
from oodcache.score.measures.result import Result
from oodcache.score.measures.shots import Shots

SHOTS = Shots.of(4, {"0": {"auroc": 0.87}, "1": {"auroc": 0.89}})


def row(score: str, auroc: float, ci: tuple[float, float] | None) -> Result:
    return replace(FIRST, score=score, parameters={}, auroc=auroc, auroc_ci=ci)


def test_rows_are_the_best_first_at_their_places_on_the_axis() -> None:
    found = forest([row("a", 0.82, (0.8, 0.84)), row("b", 0.88, (0.86, 0.9))])
    assert [one.text for one in found.ticks] == ["80", "82", "84", "86", "88", "90"]
    assert [one.place for one in found.ticks] == [0, 20, 40, 60, 80, 100]
    first, second = found.rows
    assert (first.name, first.text, first.bounds) == ("b", "88.00", "86.00–90.00")
    assert (first.low, first.point, first.high) == (60, 80, 100)
    assert (second.low, second.point, second.high) == (0, 20, 40)
    assert (first.is_best, second.is_best) == (True, False)
    assert found.chance is None and found.models == ()


def test_a_range_over_draws_is_thin_and_told_from_an_interval() -> None:
    interval = row("a", 0.82, (0.8, 0.84))
    drawn = replace(row("b", 0.88, None), shots=SHOTS)
    first, second = forest([interval, drawn]).rows
    assert (first.name, first.is_range, second.is_range) == ("b (4 shots)", True, False)
    assert first.bounds == "87.00–89.00"
    assert forest([interval, drawn]).lines == "its 95 % interval (thin: range over draws)"
    assert forest([drawn]).lines == "its range over draws"
    assert forest([interval]).lines == "its 95 % interval"


def test_a_row_without_an_interval_is_a_point_alone() -> None:
    (only,) = forest([row("a", 1.0, None)]).rows
    assert (only.low, only.high, only.bounds) == (None, None, "not estimable")
    assert only.point == 100


@pytest.mark.parametrize("ends", [(0.0, 0.0), (0.0, 1.0), (0.4999, 0.5001), (0.999, 1.0)])
def test_every_point_and_interval_is_on_the_axis(ends: tuple[float, float]) -> None:
    found = forest([row("a", ends[0], None), row("b", ends[1], ends)])
    for one in found.rows:
        assert 0 <= (one.low or 0) <= one.point <= (one.high or 100) <= 100
    places = [one.place for one in found.ticks]
    assert (places[0], places[-1]) == (0, 100) and places == sorted(set(places))
    assert 2 <= len(places) <= 7


def test_chance_is_marked_if_it_is_in_view() -> None:
    assert forest([row("a", 0.6, (0.4, 0.8))]).chance == 25


def test_models_are_told_apart_and_many_rows_are_counted() -> None:
    rows = [*results("SUN"), *(replace(one, pretrained="openai") for one in results("SUN"))]
    found = forest(rows)
    assert found.models == ("ViT-B-16/laion400m_e31", "ViT-B-16/openai")
    assert {one.model for one in found.rows} == {0, 1}
    many = forest([row(f"s{place}", 0.5 + place / 1000, None) for place in range(MOST + 3)])
    assert (len(many.rows), many.more) == (MOST, 3)
    assert many.rows[0].name == f"s{MOST + 2}"


def test_names_are_replaced_in_rows_legend_and_title() -> None:
    other = replace(row("b", 0.88, None), model="ViT-L-14")
    new = {"a": "A", "iNaturalist": "iNat", "ViT-L-14/laion400m_e31": "Large"}
    found = forest([row("a", 0.82, None), other], new)
    assert [one.name for one in found.rows] == ["b · Large", "A · ViT-B-16/laion400m_e31"]
    assert (found.ood, found.models) == ("iNat", ("Large", "ViT-B-16/laion400m_e31"))
