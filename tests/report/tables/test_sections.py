from __future__ import annotations

from dataclasses import replace
from typing import Any

from samples.report.results import FIRST, LABELS, difference, results
from samples.report.spectra import shifted

from oodcache.report.tables.grid import Cell, Grid, key
from oodcache.report.tables.measured import STANDARD
from oodcache.report.tables.sections import further, sections
from oodcache.score.measures.result import StreamMeasures
from oodcache.score.measures.shots import Shots

CALIBRATION: dict[str, Any] = {
    "kept_id": 0.9,
    "kept_ood": 0.25,
    "prevalence": 5 / 6,
    "brier": 0.0625,
    "ece": 0.125,
    "brier_balanced": 0.25,
    "ece_balanced": 0.5,
}


def cells(grid: Grid, ood: str = "SUN") -> dict[str, Cell]:
    place = grid.ood_sets.index(ood)
    return {row.score: row.cells[place] for row in grid.rows}


def test_only_what_was_asked_for_has_a_table() -> None:
    assert len(sections(results("SUN"), [])) == 1


def test_the_further_tables_of_a_page_have_the_drop_of_the_full_spectrum_once() -> None:
    title = "ID alone minus full spectrum, in percentage points"
    assert [one.title for one in further(shifted())] == [title]
    assert [one.title for one in sections(shifted(), [])].count(title) == 1
    assert further([FIRST]) == []


def test_calibration_shows_shares_and_errors_with_the_balanced_ones_below() -> None:
    shown = [
        replace(FIRST, calibration=CALIBRATION),
        replace(FIRST, score="max-logit", parameters={}, calibration="not a probability"),
    ]
    _, grid = sections(shown, [])
    assert grid.measures == ("ID", "OOD", "Brier", "ECE")
    assert cells(grid, "iNaturalist") == {
        "mcm": (("90.00", "25.00", "0.0625", "0.1250"), ("", "", "0.2500", "0.5000")),
        "max-logit": (("not a probability",),),
    }


def test_bootstrap_intervals_of_each_fpr_have_a_table() -> None:
    found = {"fpr95": (0.28, 0.33), "fpr_at_tpr_0.9": (0.18, 0.23), "auroc": (0.0, 1.0)}
    given = replace(FIRST, bootstrap=found, fpr_at_tpr={"0.9": 0.2, "0.95": 0.3, "0.8": 0.1})
    _, grid = sections([given], [])
    assert grid.measures == ("FPR90", "FPR95", "FPR80")
    assert cells(grid, "iNaturalist") == {"mcm": (("18.00–23.00", "28.00–33.00", "–"),)}
    assert grid.notes == ("--format json and csv have the intervals of the other measures.",)


def test_each_score_is_shown_behind_the_best_it_was_compared_with() -> None:
    best, mcm, learned, sigmoid = LABELS[3], LABELS[0], LABELS[1], LABELS[2]
    given = [
        difference(mcm, best, difference=-0.09, ci=(-0.11, -0.06), p_holm=0.0006),
        # Named the other way round: the best one first.
        difference(best, learned, difference=0.06, ci=(-0.01, 0.12), p_holm=0.0512),
        difference(sigmoid, best, difference=-0.03, ci=(-0.05, -0.01), p_holm=0.0123),
        # Neither is the best: not in the table.
        difference(mcm, learned, difference=-0.03, ci=(-0.05, -0.01), p_holm=0.9),
    ]
    _, grid = sections(results("SUN", "Places"), given)
    assert grid.ood_sets == ("SUN",)
    assert cells(grid) == {
        mcm: (("9.00*", "<.001"), ("6.00–11.00",)),
        learned: (("6.00", ".051"), ("-1.00 to 12.00",)),
        sigmoid: (("3.00*", ".012"), ("1.00–5.00",)),
        best: (("best", ""),),
    }
    assert grid.notes[-1] == "--format json has all 4 pairs, with unadjusted p."


def test_equal_ranks_are_no_distance_and_p_is_one() -> None:
    equal = difference("sigmoid-mcm", "max-logit", difference=0.0, ci=None, p=1.0, p_holm=1.0)
    _, grid = sections(results("SUN"), [equal])
    assert cells(grid)["sigmoid-mcm"] == (("0.00", "1.000"),)
    turned = replace(equal, first=equal.second, second=equal.first)
    _, grid = sections(results("SUN"), [turned])
    assert cells(grid)["sigmoid-mcm"] == (("0.00", "1.000"),)


def test_a_difference_without_an_interval_says_so() -> None:
    _, grid = sections(results("SUN"), [difference("mcm", "max-logit", ci=None)])
    assert cells(grid)["mcm"] == (("9.00*", "<.001"), ("not estimable",))


def test_a_score_that_was_compared_with_none_is_a_dash() -> None:
    _, grid = sections(results("SUN"), [difference("mcm", "max-logit")])
    assert cells(grid)["sigmoid-mcm"] == (("–", "–"),)


def test_a_difference_over_shuffles_has_its_deviation() -> None:
    best, mcm = LABELS[3], LABELS[0]
    one = difference(mcm, best, difference=-0.09, ci=(-0.11, -0.06), p_holm=0.0006)
    apart = replace(one, orders={"shuffle 0": -0.08, "shuffle 1": -0.1}, deviation=0.0141)
    _, grid = sections(results("SUN"), [apart])
    assert cells(grid)["mcm"][0] == ("9.00 ± 1.41*", "<.001")
    assert grid.notes[1].startswith("Scores that learn from a stream are compared only ")


def test_with_several_orders_the_best_row_is_that_of_its_order() -> None:
    base, *_ = results("SUN")
    named = {
        order: replace(base, score="oodd", parameters={}, auroc=auroc, stream=stream)
        for order, auroc in (("drift", 0.9), ("id-first", 0.5))
        for stream in [StreamMeasures(order, 90, {order: {}})]
    }
    rows = [replace(base, auroc=0.7), *named.values()]
    pairs = [
        replace(difference("mcm", "", difference=0.7 - one.auroc, orders={"x": 1}), second=key(one))
        for one in named.values()
    ]
    _, grid = sections(rows, pairs)
    found = [row.cells[0][0][0] for row in grid.rows]
    assert found == ["20.00*", "best of order", "20.00*"]
    assert grid.notes[2].startswith("A row with an order is compared with the rows of ")
    _, grid = sections(rows[:2], pairs[:1])
    assert [row.cells[0][0][0] for row in grid.rows] == ["20.00*", "best"]
    assert not any("of order" in note for note in grid.notes)


def test_a_ratio_is_compared_on_its_images_and_no_other_row_is_called_behind_it() -> None:
    base, *_ = results("SUN")
    named = {
        order: replace(base, score="oodd", parameters={}, auroc=auroc, stream=stream)
        for order, auroc in (("ratio:10", 0.9), ("id-first", 0.5))
        for stream in [StreamMeasures(order, 90, {order: {}})]
    }
    rows = [replace(base, auroc=0.7), *named.values()]
    # On the ratio's images mcm has 0.95: the rows' own AUROCs would say the opposite.
    apart = {"ratio:10": 0.05, "id-first": 0.2}
    pairs = [
        replace(difference("mcm", "", difference=apart[order], orders={"x": 1}), second=key(one))
        for order, one in named.items()
    ]
    _, grid = sections(rows, pairs)
    assert [row.cells[0][0][0] for row in grid.rows] == ["best", "5.00*", "20.00*"]
    assert "taken on the images that it keeps" in grid.notes[3]
    better = replace(pairs[0], difference=-0.05)
    _, grid = sections(rows, [better, pairs[1]])
    assert [row.cells[0][0][0] for row in grid.rows] == ["best", "best of order", "20.00*"]
    _, grid = sections(rows[:2], [better])
    assert [row.cells[0][0][0] for row in grid.rows] == ["5.00*", "best"]


def test_a_table_without_intervals_has_no_note_on_them() -> None:
    drawn = replace(FIRST, shots=Shots.of(4, {"0": {"auroc": 0.75}, "1": {"auroc": 0.5}}))
    for shown in ([FIRST], [drawn], [replace(FIRST, auroc_ci=None)], [FIRST, drawn]):
        for explain in (False, True):
            of = {
                columns: " ".join(sections(shown, [], explain=explain, columns=columns)[0].notes)
                for columns in (STANDARD, ("auroc", "fpr"))
            }
            with_them, without = of.values()
            assert "Below" in with_them or "intervals" in with_them
            assert "Below" not in without and "interval" not in without
            assert "FPR convention: strict" in without
