"""Claims about grids as HTML: every number is in its column, and no text is markup."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

from samples.report.results import FIRST, SETS, results

from oodcache.report.tables.hypertext import to_html
from oodcache.report.tables.sections import sections

HOSTILE = "<script>alert('1')</script>&amp;\x1b[31m\n"


def tables(html: str) -> list[list[list[str]]]:
    """Return the texts of each table's rows, a spanned cell once for each column or line."""
    found = []
    for table in ElementTree.fromstring(html).iter("table"):
        waiting: dict[int, tuple[str, int]] = {}
        rows = []
        for row in table.iter("tr"):
            cells, texts = iter(row), []
            while True:
                place = len(texts)
                if waiting.get(place, ("", 0))[1]:
                    text, left = waiting[place]
                    waiting[place] = (text, left - 1)
                    texts.append(text)
                    continue
                cell = next(cells, None)
                if cell is None:
                    break
                text = "".join(cell.itertext())
                waiting[place] = (text, int(cell.get("rowspan", "1")) - 1)
                texts += [text] * int(cell.get("colspan", "1"))
            rows.append(texts)
        found.append(rows)
    return found


def test_every_line_has_a_cell_for_every_column() -> None:
    (table,) = tables(to_html(sections(results(*SETS), [])))
    groups, above, headings, *lines = table
    assert {len(line) for line in table} == {len(headings)}
    assert "far OOD" in groups
    first = results(*SETS)[0]
    place = next(at for at, name in enumerate(above) if name == first.ood)
    assert headings[place] == "AUROC ↑"
    assert lines[0][place] == f"{100 * first.auroc:.2f}"
    assert first.auroc_ci is not None
    assert lines[1][place] == "–".join(f"{100 * one:.2f}" for one in first.auroc_ci)


def test_no_name_is_markup() -> None:
    one = replace(FIRST, ood=HOSTILE, score=HOSTILE, template=HOSTILE, model=HOSTILE)
    html = to_html(sections([one], []))
    assert "<script" not in html and "\x1b" not in html
    (table,) = tables(html)
    assert "<script>alert('1')</script>&amp;\\x1b[31m\\n" in table[1]


def test_a_measure_that_is_missing_leaves_its_row_whole() -> None:
    shown = [replace(FIRST, calibration="not a probability"), *results(*SETS)[1:]]
    *_, table = tables(to_html(sections(shown, [])))
    assert {len(line) for line in table} == {len(table[1])}
    assert "not a probability" in table[2]
