"""Claims about reversals: pairs of scores that another FPR convention orders differently."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from samples.report.results import FIRST, rates

from oodcache.report.tables.notes.reversals import reversals
from oodcache.score.measures.result import Result, StreamMeasures

ENERGY = replace(FIRST, score="energy", parameters={"temperature": "learned"}, ood="SUN")
MCM = replace(FIRST, ood="SUN")


def line(results: list[Result]) -> str:
    """Return the note, "" for none."""
    return "".join(reversals(results))


def test_an_order_that_the_convention_reverses_is_said_with_a_pair_and_its_numbers() -> None:
    # The real scores of DESIGN: openood puts first the one that strict puts last.
    shown = [
        rates(replace(MCM, fpr95=0.4308), openood=0.3722),
        rates(replace(ENERGY, fpr95=0.3529), openood=0.4120),
    ]
    assert line(shown) == (
        "The order by FPR95 depends on the convention: of 1 pair of scores, openood swaps 1, "
        "most clearly mcm and energy on SUN: 37.22 and 41.20 under openood, 43.08 and 35.29 under "
        "strict."
    )


def test_the_starkest_of_the_reversals_is_named_and_all_are_counted() -> None:
    third = replace(MCM, score="max-logit", parameters={}, fpr95=0.2)
    shown = [
        rates(replace(MCM, fpr95=0.3), nearest=0.1, interpolated=0.1),
        rates(replace(ENERGY, fpr95=0.4), nearest=0.2, interpolated=0.2),
        rates(third, nearest=0.15, interpolated=0.05),
    ]
    said = line(shown)
    assert "of 3 pairs of scores, nearest swaps 1, most clearly mcm and max-logit on SUN" in said
    assert "SUN: 10.00 and 15.00 under nearest" in said


@pytest.mark.parametrize(
    "other",
    [
        {"ood": "Places"},
        {"model": "Other"},
        {"template": "the {}"},
    ],
)
def test_scores_that_share_no_column_have_no_order(other: dict[str, Any]) -> None:
    shown = [
        rates(replace(MCM, fpr95=0.4), openood=0.3),
        rates(replace(ENERGY, fpr95=0.3, **other), openood=0.4),
    ]
    assert line(shown) == ""


def test_scores_that_the_table_shows_as_equal_are_not_reordered() -> None:
    shown = [
        rates(replace(MCM, fpr95=0.40001), openood=0.3),
        rates(replace(ENERGY, fpr95=0.4), openood=0.4),
    ]
    assert line(shown) == ""


def test_a_reversal_names_the_model_where_there_are_several() -> None:
    shown = [
        rates(replace(MCM, fpr95=0.4), openood=0.3),
        rates(replace(ENERGY, fpr95=0.3), openood=0.4),
        rates(replace(MCM, model="Other")),
    ]
    said = "mcm and energy on SUN (ViT-B-16/laion400m_e31): 30.00 and 40.00 under openood"
    assert said in line(shown)


@pytest.mark.parametrize("other", ["shuffle:2", "ratio:2"])
def test_two_orders_of_a_stream_are_no_pair(other: str) -> None:
    orders = {name: StreamMeasures(name, 90, {}) for name in ("shuffle", other)}
    given = {"score": "oodd", "parameters": {}}
    shown = [
        rates(replace(MCM, fpr95=0.4, **given, stream=orders["shuffle"]), openood=0.3),
        rates(replace(MCM, fpr95=0.3, **given, stream=orders[other]), openood=0.4),
    ]
    assert line(shown) == ""
    adaneg = rates(replace(shown[1], score="adaneg", fpr95=0.35), openood=0.45)
    assert line([*shown, adaneg]) == ""
    same = rates(replace(shown[0], score="adaneg", fpr95=0.3), openood=0.4)
    assert "of 1 pair of scores, openood swaps 1" in line([*shown, same])


def test_a_score_of_single_images_is_paired_with_streams_of_the_same_images() -> None:
    stream = StreamMeasures("ratio:2", 90, {})
    alone = rates(replace(MCM, fpr95=0.4), openood=0.3)
    learns = rates(replace(ENERGY, score="oodd", fpr95=0.3, stream=stream), openood=0.4)
    assert "of 1 pair of scores, openood swaps 1" in line([alone, learns])
    assert line([alone, replace(learns, n_id=40_000)]) == ""
