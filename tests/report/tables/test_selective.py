"""Claims about the table of selective classification: its columns, ratios and notes."""

from __future__ import annotations

from dataclasses import replace

from samples.report.results import FIRST

from oodcache.report.tables import formats
from oodcache.report.tables.selective import selective_grid
from oodcache.score.measures.result import Result
from oodcache.score.measures.selective.selective import RiskMeasures, Selective

ALONE = RiskMeasures(
    0.1, 0.05, {"0.8": 0.91, "0.9": 0.92, "0.95": 0.93}, {"0.95": 0.94, "0.9": None}
)
FOUND = Selective(40_000, ALONE, replace(ALONE, aurc=0.3), replace(ALONE, augrc=0.2))
ROW = replace(FIRST, selective=FOUND, fpr_at_tpr={"0.95": 0.3, "0.9": 0.2})
AVERAGE = replace(ROW, ood="average", average_of=("iNaturalist",))


def test_a_row_has_the_id_set_alone_and_each_ood_set_at_both_ratios() -> None:
    grid = selective_grid([ROW, AVERAGE])
    assert grid is not None
    assert grid.ood_sets == ("ID alone", "iNaturalist", "average")
    assert grid.measures == (
        *("OOD:ID", "AURC", "AUGRC", "80 %", "90 %", "95 %", "TPR95", "TPR90"),
    )
    accuracies = ("91.00", "92.00", "93.00", "94.00", "–")
    alone, one, average = grid.rows[0].cells
    assert alone == (("–", "10.00", "5.00", *accuracies),)
    # 10,000 OOD images for 40,000 ID images whose class is known.
    assert one == (
        ("0.25:1", "30.00", "5.00", *accuracies),
        ("1:1", "10.00", "20.00", *accuracies),
    )
    assert average[0][0] == "mean"


def test_images_without_a_known_class_are_counted_in_a_note() -> None:
    grid = selective_grid([ROW])
    assert grid is not None
    assert grid.notes[-1] == ("Left out, as their class is unknown: 10,000 of imagenet-val.")
    whole = selective_grid([replace(ROW, n_id=40_000)])
    assert whole is not None
    assert len(whole.notes) == 2


def test_intervals_are_named_only_if_there_are_some() -> None:
    def last(row: Result) -> str:
        grid = selective_grid([row])
        assert grid is not None
        return grid.notes[-1]

    bootstrap = {"auroc": (0.1, 0.2)}
    assert "intervals" not in last(replace(ROW, bootstrap=bootstrap))
    more = bootstrap | {"selective_id_alone_aurc": (0.1, 0.2)}
    assert "bootstrap's intervals" in last(replace(ROW, bootstrap=more))


def test_there_is_no_table_unless_it_was_asked_for() -> None:
    assert selective_grid([FIRST]) is None
    assert "Selective" not in formats.text("table", [FIRST], [], {})


def test_the_table_fits_80_columns() -> None:
    row = replace(ROW, fpr_at_tpr={"0.95": 0.3})
    look = formats.TableLook(80)
    text = formats.text("table", [row, replace(row, ood="SUN"), AVERAGE], [], {}, look=look)
    _, _, table = text.partition("Selective classification")
    assert "TPR95" in table
    assert max(map(len, table.splitlines())) <= 80


def test_a_row_without_it_has_dashes_in_no_table() -> None:
    grid = selective_grid([ROW, replace(FIRST, score="energy")])
    assert grid is not None
    assert [row.score for row in grid.rows] == ["mcm"]


def test_without_a_known_width_each_ood_set_has_a_block_of_its_own() -> None:
    row = replace(ROW, fpr_at_tpr={"0.95": 0.3})
    text = formats.text("table", [row, replace(row, ood="SUN"), AVERAGE], [], {})
    _, _, table = text.partition("Selective classification")
    drawn = [line for line in table.splitlines() if not line.endswith(".")]
    assert sum("AUGRC" in line for line in drawn) == 4
    assert max(map(len, drawn)) < 100
