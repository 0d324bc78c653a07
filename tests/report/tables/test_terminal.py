from __future__ import annotations

import re
from dataclasses import replace

import pytest
from samples.report.results import BARE, FIRST, SETS, difference, plain, results

from oodcache.report.tables.sections import sections
from oodcache.report.tables.terminal import drawn


def test_a_table_has_a_row_a_score_and_a_column_a_set() -> None:
    lines = plain(drawn(sections(results("SUN", "iNaturalist"), []), None))
    assert lines[:9] == [
        "                                   SUN  iNaturalist",
        "score                      AUROC FPR95  AUROC FPR95",
        "───────────────────────────────────────────────────",
        "ViT-B-16/laion400m_e31",
        "ID accuracy 67.05",
        "  mcm                      80.00 30.00  80.40 30.00",
        "                           79.00–83.00  79.40–83.40",
        "  mcm:temperature=learned  83.00 30.00  83.40 30.00",
        "                           82.00–86.00  82.40–86.40",
    ]


def test_numbers_stand_in_line_where_one_of_them_is_a_hundred() -> None:
    rows = [
        FIRST,
        replace(FIRST, score="max-logit", parameters={}, auroc=1.0, fpr_at_tpr={"0.95": 0.0}),
    ]
    lines = plain(drawn(sections(rows, []), None))
    assert [line[-12:] for line in lines[5:8:2]] == [" 94.12 30.00", "100.00  0.00"]
    assert len({len(line) for line in lines[5:8:2]}) == 1


def test_off_a_terminal_a_table_is_as_wide_as_it_needs_and_bare_of_colours() -> None:
    text = drawn(sections(results(*(f"set-{number}" for number in range(30))), []), None)
    assert "\x1b" not in text
    assert not any(line.endswith(" ") for line in text.splitlines())
    assert sum(line.startswith("score") for line in text.splitlines()) == 1
    assert len(text.splitlines()[5]) > 400


@pytest.mark.parametrize("width", [40, 60, 77, 80, 100, 200])
def test_on_a_terminal_every_number_is_there_and_no_line_is_too_long(width: int) -> None:
    shown = results(*SETS)
    lines = plain(drawn(sections(shown, []), width))
    assert max(map(len, lines)) <= width
    for one in shown:
        assert f"{100 * one.auroc:.2f} 30.00" in "\n".join(lines)
    for name in SETS:
        assert sum(name in line.split() for line in lines) == 1


def test_four_sets_stand_beside_each_other_in_eighty_columns_and_a_fifth_below() -> None:
    headings = [line.split() for line in plain(drawn(sections(results(*SETS), []), 80))]
    assert [*SETS[:4]] in headings
    assert ["average"] in headings
    assert sum(line == ["ViT-B-16/laion400m_e31"] for line in headings) == 2


def test_a_terminal_too_narrow_for_one_set_gets_long_lines_and_whole_numbers() -> None:
    lines = plain(drawn(sections(results(*SETS), []), 10))
    assert "  mcm  80.00 30.00" in lines
    assert not any("…" in line for line in lines)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_long_names_wrap_and_are_read_whole_from_their_lines(width: int) -> None:
    name, model = "my-long-name-of-a-dataset-" * 4, "vit-so400m-16-siglip2-512-webli-" * 4
    shown = results(name, "SUN", model=model)
    label = "mcm:temperature=0.123456789,another=0.987654321,and-another=0.123456789012345"
    shown += [replace(one, score=label, parameters={}) for one in shown[:2]]
    lines = plain(drawn(sections(shown, []), width))
    assert max(map(len, lines)) <= width
    whole = "".join("".join(lines).split())
    assert label in whole and f"{model}/laion400m_e31" in whole
    assert "80.00 30.00" in "\n".join(lines) and "89.40 30.00" in "\n".join(lines)
    above = [line.strip() for line in lines[: lines.index(next(x for x in lines if "score" in x))]]
    assert name in "".join(above)


def test_the_best_numbers_are_bold_on_a_styled_terminal_only() -> None:
    grids = sections(results("SUN", "average"), [])
    text = drawn(grids, 80, styled=True)
    bold = re.findall(r"\x1b\[1m(\d+\.\d+)\x1b\[0m", text)
    assert bold == ["89.00", "89.40"]
    assert "\nBold: the best of each column" in text
    assert "\x1b" not in drawn(grids, 80) and "Bold:" not in drawn(grids, 80)


def test_of_every_measure_the_best_is_bold_in_its_own_column() -> None:
    low, high = FIRST, replace(FIRST, score="energy", parameters={}, auroc=0.9)
    shown = [replace(low, auroc=0.08), replace(high, fpr_at_tpr={"0.95": 1.0})]
    shown[0] = replace(shown[0], fpr_at_tpr={"0.95": 0.03})
    text = drawn(sections(shown, []), None, styled=True)
    assert re.findall(r"\x1b\[1m( *\d+\.\d+)\x1b\[0m", text) == ["  3.00", "90.00"]


def test_escape_codes_change_no_column_of_a_table() -> None:
    grids = sections(results(*SETS), [])
    styled = plain(drawn(grids, 80, styled=True))
    assert styled[: len(plain(drawn(grids, 80)))] == plain(drawn(grids, 80))


def test_square_brackets_in_names_are_no_markup() -> None:
    shown = results("SUN", model="[red]net[/red]", templates=("[bold]{}",))
    assert "[red]net[/red]/laion400m_e31" in plain(drawn(sections(shown, []), 80))
    assert "'[bold]{}'" in drawn(sections(shown, []), None)


def test_each_model_has_a_heading_with_its_own_accuracy() -> None:
    both = [*results("SUN"), *results("SUN", model="Other", pretrained="two", id_accuracy=None)]
    lines = plain(drawn(sections(both, []), None))
    place = lines.index("Other/two")
    assert lines[lines.index("ViT-B-16/laion400m_e31") + 1] == "ID accuracy 67.05"
    assert lines[place + 1] == "ID accuracy –"
    assert [line.split()[0] for line in lines[place + 2 : place + 10 : 2]] == [
        "mcm",
        "mcm:temperature=learned",
        "sigmoid-mcm",
        "max-logit",
    ]


def test_a_heading_is_printed_where_it_changes_and_never_widens_the_table() -> None:
    long = "a photo of a {}, which is a kind of pet, seen from afar, on a day in May, at noon {}"
    shown = [*results("SUN"), *results("SUN", template=long, templates=(long,))]
    lines = plain(drawn(sections(shown, []), 60))
    assert sum(line == "ViT-B-16/laion400m_e31" for line in lines) == 1
    assert "prompt 'a photo of a {}': ID accuracy 67.05" in lines
    assert max(map(len, lines)) <= 60
    assert f"prompt {long!r}: ID accuracy 67.05" in plain(drawn(sections(shown, []), None))


def test_scores_of_another_program_stand_at_the_left_without_a_heading() -> None:
    shown = [replace(FIRST, **BARE, score=name) for name in ("knn", "vim")]
    lines = plain(drawn(sections(shown, []), None))
    assert lines[3:7] == [
        "knn    94.12 30.00",
        "       93.00–95.00",
        "vim    94.12 30.00",
        "       93.00–95.00",
    ]
    assert not any("accuracy" in line for line in lines)


def test_an_interval_stands_below_its_auroc_whatever_stands_beside_it() -> None:
    shown = results("SUN", fpr_at_tpr={"0.95": 0.3, "0.9": 0.2})
    lines = plain(drawn(sections(shown, []), 80))
    row = next(place for place, line in enumerate(lines) if line.startswith("  mcm "))
    assert lines[row].index("80.00") == lines[row + 1].index("79.00–83.00")


def test_a_set_with_a_wide_name_keeps_its_numbers_in_line() -> None:
    lines = plain(drawn(sections(results("日本語の画像データ", "SUN"), []), None))
    assert len({len(line) for line in lines[5:13]}) == 1


def test_further_tables_stand_below_with_a_title_and_their_notes() -> None:
    shown = results("SUN", calibration="not a probability", bootstrap={"fpr95": (0.2, 0.4)})
    lines = plain(drawn(sections(shown, [difference("mcm", "max-logit")]), 80))
    titles = [
        "FPR: 95 % bootstrap intervals, in %",
        "Reliability at an absolute threshold",
        "AUROC behind the best score of the column, in percentage points",
    ]
    assert [line for line in lines if line in titles] == titles
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "--format json has the only pair, with unadjusted p."
