"""Claims about the notes on few shots, and about how a table shows the range over draws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from samples.report.results import FIRST

from oodcache.report.html.lines import lines
from oodcache.report.tables.columns import flat
from oodcache.report.tables.grid import key
from oodcache.report.tables.measured import measured
from oodcache.report.tables.notes.caption import caption, short_caption
from oodcache.report.tables.notes.shot_notes import banks, shot_notes
from oodcache.score.measures.result import Result
from oodcache.score.measures.shots import Shots

NAMES = ("auroc", "aupr_in", "aupr_out", "fpr95")
LOW, HIGH = dict.fromkeys(NAMES, 0.25), dict.fromkeys(NAMES, 0.75)


def row(number: int, draws: int = 2, **changes: Any) -> Result:
    each = {str(3 + seed): (LOW, HIGH)[seed % 2] for seed in range(draws)}
    of_bank = {"bank": f"train:{number}", "bank_labels": "own", "score": "probe", "parameters": {}}
    given = of_bank | {"auroc_ci": None if draws > 1 else (0.9, 0.95)} | changes
    return replace(FIRST, **given, shots=Shots.of(number, each))


def test_a_row_is_called_by_its_shots() -> None:
    assert [key(row(number))[2] for number in (1, 16)] == ["probe (1 shot)", "probe (16 shots)"]


def test_banks_are_named_as_typed() -> None:
    others = [replace(FIRST, bank="words", bank_labels="predicted"), FIRST]
    assert banks([row(16), row(2), row(2, ood="SUN"), *others]) == [
        "train:2|16",
        "words (labels predicted)",
    ]


def test_draws_are_told_with_their_seeds_and_whose_accuracy_it_is() -> None:
    assert list(shot_notes([FIRST, row(4)])) == [
        "Rows of shots: means over 2 draws of that many images of each class (seeds 3 to 4), with "
        "the least and the largest. The banks of one seed are nested.",
        "ID accuracy is that of the nearest class, not that of probe, which classifies with the "
        "bank's labels.",
    ]


def test_one_draw_is_told_as_that() -> None:
    (first, _) = shot_notes([row(4, draws=1)])
    assert first.startswith("Rows of shots: one draw of that many images of each class (seed 3)")


def test_other_rows_have_no_such_notes() -> None:
    assert list(shot_notes([FIRST])) == []


def test_the_range_stands_below_each_mean_and_no_interval_is_missed() -> None:
    grid = measured([FIRST, row(4)])
    assert grid.rows[0].cells[0][1] == ("93.00–95.00",)
    assert grid.rows[1].cells[0][1] == ("25.00–75.00", "25.00–75.00")
    assert "not estimable" not in " ".join(caption([FIRST, row(4)]))
    assert "Below each number: its range over the draws." in short_caption([row(4)])[1]


def test_the_caption_says_which_rows_have_an_interval_and_which_a_range() -> None:
    mixed = [FIRST, row(2), row(4), row(4, score="tip"), row(4, draws=1, score="fdbd")]
    assert short_caption(mixed)[1].endswith(
        "Below each AUROC: 95 % DeLong intervals on the logit scale. Below each number of the rows "
        "over draws (probe, tip): their range."
    )
    assert "rows over draws" not in " ".join(caption([FIRST, row(4, draws=1)]))


def test_a_data_frame_has_shots_and_ranges() -> None:
    first, second = flat([FIRST, row(4)])
    assert (second["shots"], second["bank_draws"]) == (4, 2)
    assert (second["auroc_least"], second["fpr95_most"]) == (0.25, 0.75)
    assert all(np.isnan(first[name]) for name in ("shots", "bank_draws", "auroc_least"))
    assert "shots" not in flat([FIRST])[0]


def test_the_page_shows_the_range_as_the_interval_of_the_auroc() -> None:
    (found,) = lines([row(4)])
    assert "25.00–75.00" in [cell.text for cell in found.cells]
