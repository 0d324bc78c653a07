"""Claims about leaks in tables: a column, what it means, and the mark of a diagnostic."""

from __future__ import annotations

import math
from dataclasses import replace

from samples.report.results import FIRST

from oodcache.report.html.lines import columns, lines
from oodcache.report.tables.columns import flat
from oodcache.report.tables.measured import measured
from oodcache.report.tables.notes.caption import caption, short_caption
from oodcache.report.tables.notes.leak_notes import leak_notes, leaks_meaning
from oodcache.score.measures.result import LeakCount, Result


def row(ood: str, leaks: LeakCount | None, score: str = "neglabel") -> Result:
    return replace(FIRST, ood=ood, score=score, parameters={}, leaks=leaks)


KNOWN = LeakCount(9000, 1234, None, None, "spelling")
ROWS = [
    *(row(ood, None, "mcm") for ood in ("SUN", "dtd")),
    row("SUN", replace(KNOWN, names=None)),
    row("dtd", KNOWN),
]
LEFT_OUT = [row(one.ood, one.leaks and replace(one.leaks, left_out=7), one.score) for one in ROWS]


def test_a_column_has_the_leaks_of_each_set() -> None:
    grid = measured(ROWS)
    assert grid.measures == ("AUROC", "FPR95", "leaks")
    shown = {row.score: [cell[0][-1] for cell in row.cells] for row in grid.rows}
    assert shown == {"mcm": ["–", "–"], "neglabel": ["?", "1,234"]}
    assert measured(ROWS[:2]).measures == ("AUROC", "FPR95")


def test_the_first_note_says_how_leaks_were_found_and_that_some_are_not_known() -> None:
    told = "leaks: words that name an OOD class, by spelling; ?: not known"
    assert leaks_meaning(ROWS) == [told]
    assert leaks_meaning(ROWS[:2]) == []
    assert told in caption(ROWS)[0]
    assert leaks_meaning(ROWS[3:]) == [told.partition(";")[0]]


def test_rows_without_leaks_are_marked_and_called_diagnostics_first() -> None:
    assert [row.score for row in measured(LEFT_OUT).rows] == ["mcm", "neglabel [diagnostic]"]
    assert measured(LEFT_OUT).rows[1].labels[-2] == "neglabel [diagnostic]"
    (note,) = leak_notes(LEFT_OUT)
    assert note == (
        "Rows marked [diagnostic] are no zero-shot results: negatives that name classes of these "
        "OOD sets were left out (7 of neglabel); the class names of SUN are not known."
    )
    assert note in caption(LEFT_OUT)
    assert short_caption(LEFT_OUT)[2].startswith(note)
    assert [*leak_notes(ROWS)] == []


def test_each_model_has_a_number_of_its_own() -> None:
    others = [
        replace(one, model="other", leaks=one.leaks and replace(one.leaks, left_out=3))
        for one in LEFT_OUT
    ]
    (note,) = leak_notes([*LEFT_OUT, *others])
    model = f"{FIRST.model}/{FIRST.pretrained}"
    assert f"(7 of neglabel · {model}, 3 of neglabel · other/{FIRST.pretrained})" in note


def test_the_page_marks_them_too() -> None:
    names = [one.name for one in columns(LEFT_OUT)]
    cells = [dict(zip(names, line.cells, strict=True)) for line in lines(LEFT_OUT)]
    assert [one["score"].text for one in cells] == ["mcm"] * 2 + ["neglabel [diagnostic]"] * 2
    assert [one["leaks"].text for one in cells] == ["–", "–", "?", "1,234"]
    assert [one["leaks"].sort for one in cells] == [-1.0, -1.0, -1.0, 1234]
    assert "leaks" not in [one.name for one in columns(ROWS[:2])]


def test_a_data_frame_has_each_number_of_leaks() -> None:
    mcm, _, unknown, known = flat(LEFT_OUT)
    assert (known["negative_words"], known["leaks"], known["leaks_left_out"]) == (9000, 1234, 7)
    assert math.isnan(unknown["leaks"])
    assert math.isnan(known["leak_descendants"])
    assert math.isnan(mcm["negative_words"])
    assert "leaks" not in flat(ROWS[:2])[0]
