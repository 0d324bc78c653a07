"""Claims about the table of measures: its columns, the best numbers, and groups of OOD sets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from samples.report.results import BARE, FIRST, results

from oodcache.report.tables.grid import Grid
from oodcache.report.tables.measured import COLUMNS, arranged, measured, parsed
from oodcache.score.measures.result import LeakCount, Result, StreamMeasures
from oodcache.score.measures.shots import Shots


def rows(*aurocs: float, **changes: object) -> list[Result]:
    return [
        replace(FIRST, score="gen", parameters={"gamma": float(place)}, auroc=auroc, **changes)  # type: ignore[arg-type]
        for place, auroc in enumerate(aurocs)
    ]


def places(grid: Grid, measure: int = 0) -> list[int]:
    return [row.places[0][measure] for row in grid.rows]


def test_the_best_and_the_second_best_of_a_column_are_known() -> None:
    assert places(measured(rows(0.7, 0.9, 0.8, 0.6))) == [0, 1, 2, 0]


def test_numbers_that_print_alike_are_marked_alike() -> None:
    assert places(measured(rows(0.90001, 0.90002, 0.8, 0.80004, 0.7))) == [1, 1, 2, 2, 0]


def test_of_an_fpr_the_lowest_is_best() -> None:
    shown = [
        replace(one, fpr_at_tpr={"0.95": fpr})
        for one, fpr in zip(rows(0.7, 0.9, 0.8), (0.2, 0.4, 0.3), strict=True)
    ]
    assert places(measured(shown), 1) == [1, 0, 2]
    assert measured(shown).arrows == ("↑", "↓")


def test_one_row_and_equal_rows_have_no_best_and_of_two_there_is_no_second() -> None:
    assert places(measured(rows(0.9))) == [0]
    assert places(measured(rows(0.9, 0.9, 0.9))) == [0, 0, 0]
    assert places(measured(rows(0.9, 0.8))) == [1, 0]


def test_a_missing_number_is_no_best() -> None:
    shown = [*rows(0.9, 0.8), replace(FIRST, ood="SUN")]
    assert [row.places for row in measured(shown).rows] == [
        ((1, 0), (0, 0)),
        ((0, 0), (0, 0)),
        ((0, 0), (0, 0)),
    ]


def test_rows_of_other_stream_orders_have_their_own_best() -> None:
    order = [StreamMeasures(name, 9, {name: {}}) for name in ("drift", "id-first")]
    shown = [
        *rows(0.7, 0.6, stream=order[0]),
        *rows(0.9, 0.8, stream=order[1]),
        *rows(0.5, 0.4),
    ]
    assert places(measured(shown)) == [1, 0] * 3


def test_near_and_far_sets_stand_together_and_the_others_come_last() -> None:
    near, far = "near", "far"
    groups = {"a": far, "b": None, "c": near, "d": far, "average-near": near, "average": None}
    shown = [
        replace(one, ood=ood, group=group, auroc=0.5 + 0.1 * place)
        for ood, group in groups.items()
        for place, one in enumerate(rows(0.1, 0.2))
    ]
    before = measured(shown)
    assert before.ood_sets == (*groups,)
    after = arranged(before)
    assert after.ood_sets == ("c", "average-near", "a", "d", "b", "average")
    assert after.groups == ("near OOD", "near OOD", "far OOD", "far OOD", "", "")
    for row, own in zip(after.rows, before.rows, strict=True):
        for place, name in enumerate(after.ood_sets):
            old = before.ood_sets.index(name)
            assert (row.cells[place], row.places[place]) == (own.cells[old], own.places[old])


def test_without_groups_nothing_moves() -> None:
    grid = measured([replace(one, group=None) for one in results("SUN", "Places")])
    assert grid.groups == () and arranged(grid) == grid
    own = measured([replace(one, group="scenes") for one in results("SUN", "Places")])
    assert own.groups == ()


def test_columns_are_those_asked_for_in_their_order() -> None:
    shown = results("SUN", fpr_at_tpr={"0.95": 0.3, "0.9": 0.2})
    grid = measured(shown, columns=("fpr", "aupr-out", "auroc"))
    assert grid.measures == ("FPR95", "FPR90", "AUPR out", "AUROC")
    assert grid.rows[0].cells == ((("30.00", "20.00", "71.00", "80.00"),),)
    assert grid.labels == ("model", "score")
    assert {len(row.labels) for row in grid.rows} == {2}
    whole = measured(shown, columns=COLUMNS)
    assert whole.measures == ("AUROC", "AUPR in", "AUPR out", "FPR95", "FPR90")
    assert whole.rows[0].cells[0][1] == ("79.00–83.00",)
    assert whole.labels == ("model", "score", "ID acc")


def test_leaks_are_a_column_if_rows_have_them_and_have_no_best() -> None:
    known = LeakCount(9000, 1234, None, None, "spelling")
    shown = [
        replace(one, leaks=leaks) for one, leaks in zip(rows(0.9, 0.8), (known, None), strict=True)
    ]
    grid = measured(shown, columns=("leaks", "auroc"))
    assert grid.measures == ("leaks", "AUROC") and grid.arrows == ("", "↑")
    assert [row.cells[0] for row in grid.rows] == [(("1,234", "90.00"),), (("–", "80.00"),)]
    assert [row.places for row in grid.rows] == [((0, 1),), ((0, 0),)]
    assert measured(shown, columns=("auroc",)).measures == ("AUROC",)
    assert measured(rows(0.9, 0.8), columns=("leaks", "auroc")).measures == ("AUROC",)


def test_ranges_over_draws_are_below_their_columns_unless_intervals_are_left_out() -> None:
    known = LeakCount(9000, 1234, None, None, "spelling")
    draws = {"0": {"auroc": 0.7, "fpr95": 0.2}, "1": {"auroc": 0.9, "fpr95": 0.4}}
    shown = [replace(FIRST, shots=Shots.of(4, draws), leaks=known)]
    names = ("fpr", "leaks", "auroc")
    (row,) = measured(shown, columns=(*names, "interval")).rows
    assert row.cells[0][1] == ("20.00–40.00", "", "70.00–90.00")
    (row,) = measured(shown, columns=names).rows
    assert len(row.cells[0]) == 1


def test_scores_of_another_program_have_no_accuracy_to_leave_out() -> None:
    assert measured([replace(FIRST, **BARE)], columns=("auroc",)).labels == ("score",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("auroc,x", f"'x' is no column; there are {', '.join(COLUMNS)}"),
        ("", "'' is no column"),
        ("auroc,fpr,auroc", "'auroc,fpr,auroc' has a column twice"),
        ("accuracy", "'accuracy' has no measure; add one of auroc, aupr-in, aupr-out, fpr"),
        ("fpr,interval", "'fpr,interval' has no auroc, which interval is of; add it"),
    ],
)
def test_columns_that_are_none_are_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parsed(text)


def test_columns_may_have_blanks_after_commas() -> None:
    assert parsed("fpr, auroc") == ("fpr", "auroc")
