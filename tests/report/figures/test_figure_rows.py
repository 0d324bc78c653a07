"""Claims about the rows of a figure: their names as they are drawn."""

from __future__ import annotations

from dataclasses import replace

from samples.report.results import MODEL, SETS, results

from oodcache.report.figures.figure_rows import FigureRows, joined

ROWS = tuple(results(*SETS))
OTHER = tuple(replace(one, model="RN50") for one in ROWS)


def test_names_that_were_replaced_are_replaced_in_every_part() -> None:
    rows = FigureRows((*ROWS[:5], *OTHER[:5]), ("SUN",), {"mcm": "MCM", MODEL: "CLIP", "SUN": "S"})
    assert rows.labels() == ["MCM · CLIP", "MCM · RN50/laion400m_e31"]
    assert rows.titles() == ["S"]
    assert list(rows.rows()) == [
        (MODEL, "a photo of a {}", "mcm"),
        ("RN50/laion400m_e31", "a photo of a {}", "mcm"),
    ]


def test_rows_that_are_one_line_share_their_model() -> None:
    assert joined([("a",)]) == "a"
    assert joined([("a", "m"), ("b", "m")]) == "a = b · m"
    assert joined([("a", "m"), ("a", "n")]) == "a · m = a · n"
