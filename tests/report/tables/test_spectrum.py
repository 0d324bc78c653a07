"""Claims about tables with csid images: every kind of positives, the counts, and the drop."""

from __future__ import annotations

from dataclasses import replace

import pytest
from samples.report.results import BARE, FIRST
from samples.report.spectra import DROP, shifted

from oodcache.report.tables import formats
from oodcache.report.tables.grid import key
from oodcache.report.tables.measured import measured
from oodcache.report.tables.notes.caption import caption, short_caption
from oodcache.report.tables.spectrum import drop_grid, pooled, spectrum_notes
from oodcache.score.measures.result import Result
from oodcache.score.measures.spectrum.spectrum import Drop

ROWS = shifted()


def test_a_table_has_a_run_of_rows_for_each_kind_of_positives() -> None:
    grid = measured([*ROWS, *shifted(replace(FIRST, score="energy"))])
    assert [row.heading[1] for row in grid.rows[:4]] == [
        "ID imagenet-val: accuracy 67.05",
        "csid:imagenet-r: accuracy 67.05, over own classes 72.00",
        "csid:imagenet-c: accuracy 41.00",
        "full-spectrum: accuracy 50.00, over own classes 55.00",
    ]
    assert [row.score for row in grid.rows[:4]] == ["mcm"] * 4
    assert grid.labels == ("model", "positives", "score", "ID acc")
    assert grid.rows[1].labels[1:] == ("csid:imagenet-r", "mcm", "67.05 (72.00)")


def test_rows_of_other_positives_have_another_name() -> None:
    assert [key(one)[2] for one in ROWS] == [
        *("mcm", "mcm [csid:imagenet-r]", "mcm [csid:imagenet-c]", "mcm [full-spectrum]"),
    ]


def test_scores_of_another_program_are_headed_by_their_positives() -> None:
    grid = measured(shifted(replace(FIRST, **BARE)))
    assert [row.heading for row in grid.rows][::3] == [("ID imagenet-val",), ("full-spectrum",)]
    assert grid.labels == ("positives", "score")


def test_a_caption_counts_the_images_of_every_set() -> None:
    for lines in (caption(ROWS), short_caption(ROWS)):
        assert lines[0].startswith(
            "ID imagenet-val (50,000 images), csid imagenet-r (30,000), imagenet-c (75,000), full "
            "spectrum 155,000 images, each of equal weight, classes imagenet, "
        )
    assert not [*pooled([FIRST])]


def test_a_caption_tells_of_both_accuracies() -> None:
    lines = [*spectrum_notes(ROWS)]
    assert lines[1].endswith("set has are candidates (imagenet-r 200, imagenet-c 1,000).")
    assert set(lines) < set(caption(ROWS))
    assert not [*spectrum_notes([FIRST])]


def test_the_drop_has_its_interval_and_tells_how_images_were_drawn() -> None:
    grid = drop_grid(ROWS)
    assert grid is not None and len(grid.rows) == 1
    assert grid.rows[0].cells == ((("4.12", "-12.00"), ("3.50–4.70", "")),)
    assert "DeLong's paired variance" in grid.notes[0] and "--bootstrap N" in grid.notes[0]
    assert grid.notes[1] == (
        "60,000 of 75,000 images of imagenet-c are drawn together with the ID image of the same "
        "file name and class, as made from it."
    )
    assert grid.notes[2].startswith("Images of imagenet-r are taken as independent of the ID")
    assert drop_grid([FIRST]) is None


def test_a_bootstrap_has_the_intervals_of_both_drops() -> None:
    drop = {name: Drop(one.value, one.ci, (-0.2, -0.1)) for name, one in DROP.items()}
    full = ROWS[-1]
    assert full.spectrum is not None
    told = replace(full.spectrum, drop=drop)
    grid = drop_grid([replace(full, spectrum=told, bootstrap={"auroc": (0.1, 0.2)})])
    assert grid is not None
    assert grid.rows[0].cells[0][1] == ("-20.00 to -10.00",) * 2
    assert "bootstrap, with the same ID and OOD images" in grid.notes[0]


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "csv", "json"])
def test_every_format_has_every_kind_of_positives(form: str) -> None:
    text = formats.text(form, ROWS, (), {}, look=formats.TableLook(80 if form == "table" else None))
    for one in ("imagenet-val", "csid:imagenet-r", "csid:imagenet-c", "full-spectrum"):
        assert one in text


def test_shared_images_are_told_for_each_set_of_positives() -> None:
    rows: list[Result] = [replace(one, shared_images=3) for one in ROWS[:2]]
    found = [one for one in caption(rows) if one.startswith("Images also in")]
    assert [one.split(" (")[0] for one in found] == [
        *("Images also in imagenet-val", "Images also in csid:imagenet-r"),
    ]


def test_scores_of_another_program_have_no_note_on_accuracies() -> None:
    bare = [replace(one, id_accuracy=None) for one in shifted(replace(FIRST, **BARE))]
    assert [*spectrum_notes(bare)] == [
        "Full-spectrum AUROC is the mean over its images, so large csid sets weigh most."
    ]
