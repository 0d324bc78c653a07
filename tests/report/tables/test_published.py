"""Claims about the tables of published numbers."""

from __future__ import annotations

import re
from dataclasses import replace

from samples.report.results import FIRST, plain

from oodcache.report.tables.formats import text
from oodcache.report.tables.published import BELOW, CLAIM, published_tables
from oodcache.report.tables.sections import sections
from oodcache.report.tables.terminal import drawn
from oodcache.score.measures.result import Compared, Counterpart

MODEL = "ViT-B-16/openai"
MEASURED = Counterpart(
    source="A paper",
    model=MODEL,
    method="MCM",
    score="mcm",
    template="a photo of a {}",
    fpr_convention="nearest",
    accuracy=None,
    auroc={"SUN": Compared(0.925, 0.92, -0.005), "average": Compared(0.9, 0.90004, 0.00004)},
    fpr95={"SUN": Compared(0.375, 0.38, 0.005), "average": Compared(0.42)},
    missing=(),
    unlike=("300 images here",),
    note="it resizes",
)
ACCURATE = replace(
    MEASURED,
    source="A list",
    method="accuracy",
    score=None,
    template="openai",
    fpr_convention=None,
    accuracy=Compared(0.683, 0.67, -0.013),
    auroc={},
    fpr95={},
    unlike=("300 images here",),
    note="",
)
MISSING = replace(
    MEASURED,
    source="Another",
    auroc={"SUN": Compared(0.95)},
    fpr95={},
    fpr_convention=None,
    missing=("not cached: oodcache extract",),
    unlike=(),
    note="",
)


def test_own_and_the_signed_gap_stand_below_what_was_published() -> None:
    (grid,) = published_tables([MEASURED])
    assert (grid.measures, grid.ood_sets) == (("AUROC", "FPR95"), ("SUN", "average"))
    (row,) = grid.rows
    assert row.cells == (
        (("92.50", "37.50"), ("92.00", "38.00"), ("-0.50", "+0.50")),
        (("90.00", "42.00"), ("90.00", "–"), ("+0.00", "–")),
    )
    assert (grid.row_name, row.score) == ("method", "MCM")


def test_a_gap_that_rounds_to_nothing_has_no_minus() -> None:
    near = replace(MEASURED, auroc={"SUN": Compared(0.9, 0.89999, -0.00001)}, fpr95={})
    (grid,) = published_tables([near])
    assert grid.rows[0].cells == ((("90.00", "–"), ("90.00", "–"), ("+0.00", "–")),)


def test_a_row_without_own_numbers_is_listed_all_the_same() -> None:
    (grid,) = published_tables([MISSING, MEASURED])
    assert grid.rows[0].cells == ((("95.00", "–"),), (("–", "–"),))
    assert "not cached: oodcache extract (Another, MCM)" in grid.notes


def test_accuracies_have_a_table_before_the_others() -> None:
    accuracy, measured = published_tables([MEASURED, ACCURATE])
    assert (accuracy.measures, accuracy.ood_sets) == (("accuracy",), ("ID",))
    assert [row.cells for row in accuracy.rows] == [((("68.30",), ("67.00",), ("-1.30",)),)]
    # Once, below the last table.
    assert (accuracy.notes, measured.notes[0]) == ((), BELOW)
    assert [row.score for row in measured.rows] == ["MCM"]


def test_a_row_with_both_is_in_both_tables() -> None:
    both = replace(MEASURED, accuracy=Compared(0.7))
    accuracy, measured = published_tables([both])
    assert accuracy.rows[0].cells == ((("70.00",),),)
    assert measured.rows[0].cells == published_tables([MEASURED])[0].rows[0].cells


def test_headings_say_source_prompt_and_convention() -> None:
    accuracy, measured = published_tables([MEASURED, ACCURATE])
    heading = "A paper, prompt 'a photo of a {}', FPR nearest"
    assert measured.rows[0].heading == (MODEL, heading)
    assert accuracy.rows[0].heading == (MODEL, "A list, prompt OpenAI's 80 templates")
    assert measured.labels == ("model", "source", "prompt", "FPR", "method")
    assert measured.rows[0].labels == (MODEL, "A paper", "'a photo of a {}'", "nearest", "MCM")


def test_what_is_said_of_several_rows_is_said_once() -> None:
    *_, grid = published_tables([MEASURED, ACCURATE, MISSING])
    assert grid.notes == (
        BELOW,
        "300 images here (A paper, MCM; A list, accuracy)",
        "it resizes (A paper, MCM)",
        "not cached: oodcache extract (Another, MCM)",
        CLAIM,
    )
    *_, grid = published_tables([MEASURED, ACCURATE])
    assert grid.notes[1] == "300 images here (every row)"
    third = replace(MEASURED, method="energy")
    *_, grid = published_tables([MEASURED, ACCURATE, third, MISSING])
    assert grid.notes[1] == "300 images here (3 rows, such as A paper, MCM)"


def test_two_rows_of_one_name_are_named_once() -> None:
    other = replace(MEASURED, fpr_convention="openood", note="")
    (grid,) = published_tables([MEASURED, other, MISSING])
    assert grid.notes[1] == "300 images here (A paper, MCM)"


def test_models_are_named_where_there_are_several() -> None:
    other = replace(MEASURED, model="ViT-B-32/openai", unlike=(), note="")
    (grid,) = published_tables([MEASURED, other])
    assert grid.notes[1] == f"300 images here (A paper, MCM on {MODEL})"
    assert [row.heading[0] for row in grid.rows] == [MODEL, "ViT-B-32/openai"]


def test_nothing_published_is_no_table() -> None:
    assert published_tables([]) == []
    assert len(sections([FIRST], [])) == len(sections([FIRST], [], [])) == 1


def test_the_claim_is_that_no_more_is_claimed() -> None:
    assert "quoted, not verified" in CLAIM and "loaders differ" in CLAIM
    assert "MCM's own resizes differently" in CLAIM and "were not released" in CLAIM


def test_a_terminal_shows_them_below_the_table_of_measures() -> None:
    lines = plain(drawn(sections([FIRST], [], [MEASURED, ACCURATE]), None))
    place = lines.index("Published: AUROC and FPR95")
    assert lines.index("Published: ID accuracy") < place
    assert [line.split() for line in lines[place + 7 : place + 10]] == [
        ["MCM", "92.50", "37.50", "90.00", "42.00"],
        ["92.00", "38.00", "90.00", "–"],
        ["-0.50", "+0.50", "+0.00", "–"],
    ]


def test_markdown_and_latex_have_them_as_further_tables() -> None:
    markdown = text("markdown", [FIRST], [], {}, [MEASURED, ACCURATE])
    assert markdown.count("\n| --- |") == 3
    assert "| 92.50 / 37.50<br>92.00 / 38.00<br>-0.50 / +0.50 |" in markdown
    latex = text("latex", [FIRST], [], {}, [MEASURED, ACCURATE])
    assert latex.count(r"\begin{tabular}") == 3
    assert re.search(r"^ &  &  &  &  & \$-\$0.50 & \+0.50 & \+0.00 & --", latex, re.MULTILINE)
    assert f"% {CLAIM}" in latex
