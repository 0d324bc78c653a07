"""Claims about the table of clean numbers: both numbers side by side, and what was dropped."""

from __future__ import annotations

from dataclasses import replace

import pytest
from samples.report.results import FIRST

from oodcache.report.tables import formats
from oodcache.report.tables.clean import clean_grid

CLEAN = replace(
    FIRST, n_id=49_990, n_ood=9_000, auroc=0.93, fpr_at_tpr={"0.95": 0.35}, id_accuracy=0.6705
)
ROW = replace(FIRST, clean=CLEAN)


def test_all_clean_and_change_are_side_by_side() -> None:
    grid = clean_grid([ROW])
    assert grid is not None
    assert grid.measures == ("all", "clean", "change")
    assert grid.rows[0].cells == ((("94.12", "93.00", "-1.12"), ("30.00", "35.00", "+5.00")),)
    assert grid.notes == (
        "From top to bottom: AUROC and FPR95, in %.",
        "Accuracy of imagenet-val: all 67.05, clean 67.05, change +0.00.",
        "Dropped: 10 of 50,000 images of imagenet-val and 1,000 of 10,000 images of iNaturalist.",
    )


def test_an_accuracy_stands_once_for_all_scores_and_ood_sets() -> None:
    several = [ROW, replace(ROW, ood="SUN"), replace(ROW, score="energy", parameters={})]
    grid = clean_grid(several)
    assert grid is not None
    assert sum("ccuracy" in one for one in grid.notes) == 1


def test_without_an_accuracy_there_is_no_line_of_it() -> None:
    bare = replace(CLEAN, id_accuracy=None)
    grid = clean_grid([replace(ROW, id_accuracy=None, clean=bare)])
    assert grid is not None
    assert len(grid.rows[0].cells[0]) == 2
    assert not any("ccuracy" in one for one in grid.notes)


def test_an_average_counts_no_images_of_its_own() -> None:
    names = ("iNaturalist", "SUN")
    average = replace(ROW, ood="average", n_ood=20_000, average_of=names)
    grid = clean_grid([ROW, average])
    assert grid is not None
    assert "average" not in grid.notes[2]


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_the_table_is_printed_only_with_drop(form: str) -> None:
    assert "without those of --drop" in formats.text(form, [ROW], [], {})
    assert "--drop" not in formats.text(form, [FIRST], [], {})


def test_results_that_were_changed_to_drop_nothing_have_no_note_of_it() -> None:
    grid = clean_grid([replace(ROW, clean=FIRST)])
    assert grid is not None
    assert len(grid.notes) == 2
