"""Claims about the page's head, tables and print in a real browser, at three widths."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from samples.report import browser
from samples.report.content import sample
from samples.report.results import PLAIN_DIFFERENCE, results

from oodcache.report.content import Content
from oodcache.report.html.page import page
from oodcache.report.saved.results import Saved
from oodcache.report.tables.grid import key
from oodcache.score.measures.result import LeakCount, Result

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser.WHY_NOT), reason=browser.WHY_NOT),
]
LONG = "ViT-SO400M-16-SigLIP2-512-with-a-name-that-is-far-too-long-for-any-cell-of-any-table"
MODELS = ("laion400m_e31", "openai", "webli", "datacomp_xl_s13b_b90k", f"{LONG}-one")
WIDTHS = (1400, 1000, 390)
# Boxes of text that the frame of their table or the window cuts, or that others lie over.
CUT = """
const [table] = arguments, frame = table.closest(".tall").getBoundingClientRect();
const out = [];
for (const cell of table.querySelectorAll("tbody tr:not([hidden]) > *, thead th")) {
  const range = document.createRange();
  range.selectNodeContents(cell);
  for (const box of range.getClientRects()) {
    const own = cell.getBoundingClientRect();
    const shown = box.left >= frame.left && box.right <= Math.min(frame.right + 0.5, innerWidth);
    const inside = box.right <= own.right + 0.5 && box.left >= own.left - 0.5;
    // Of a heading that only screen readers have, nothing is seen.
    if (box.width && own.width > 1 && !(shown && inside)) out.push(cell.textContent);
  }
}
return out;
"""

CELLS = "#table tbody tr:first-child > *"
FIGURES = """
return [...document.querySelectorAll(".figure")].map((one) => [
  one.id, one.querySelectorAll(".main-svg").length, one.layout?.width, one.layout?.font.color,
]);
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browser.chromium(tmp_path_factory.mktemp("profile")) as made:
        yield made


def rows(models: int) -> list[Result]:
    leaks = LeakCount(1200, 7, None, None, "spelling")
    sets = ("SUN", "Places", "a-set-with-a-long-name-of-images-from-the-web", "average")
    return [
        replace(one, pretrained=name, auroc=one.auroc - place / 100, leaks=leaks, n_ood=1_281_167)
        for place, name in enumerate(MODELS[:models])
        for one in results(*sets)
    ]


def show(driver: Any, folder: Path, saved: Saved, width: int, earlier: Saved | None = None) -> None:
    path = folder / "page.html"
    path.write_text(page(saved, Content(()), earlier=earlier), encoding="utf-8")
    browser.resize(driver, width)
    browser.complaints(driver)
    driver.get(path.as_uri())
    browser.ready(driver)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("models", [1, 2, 5])
def test_no_text_of_a_table_is_cut_and_no_frame_is_wider_than_it(
    driver: Any, tmp_path: Path, models: int, width: int
) -> None:
    found = rows(models)
    pair = [key(found[0]), key(found[-1])]
    tested = replace(PLAIN_DIFFERENCE, first=pair[0], second=pair[1], ood="SUN", p=0.0071)
    changed = [replace(one, auroc=one.auroc - 0.01) for one in found]
    earlier = Saved(Path("before.json"), tuple(changed), (), {"models": {LONG: {"weights": "0"}}})
    show(driver, tmp_path, Saved(Path("r.json"), tuple(found), (tested,), {}), width, earlier)
    for name in ("table", "differences", "changed"):
        table = driver.find_element("id", name)
        assert driver.execute_script(CUT, table) == [], name
        frame = driver.execute_script("return arguments[0].closest('.tall')", table)
        inner, outer = (frame.get_property(one) for one in ("scrollWidth", "clientWidth"))
        assert inner == outer, name
        assert outer - table.get_property("offsetWidth") <= 1, name
    wide = "return document.documentElement.scrollWidth"
    assert driver.execute_script(wide) == width
    assert ".007" in driver.find_element("id", "differences").text
    assert browser.complaints(driver) == []


def texts(driver: Any, css: str) -> Sequence[str]:
    return [one.text for one in driver.find_elements("css selector", css)]


def test_the_page_begins_with_findings_then_the_picture_then_the_table(
    driver: Any, tmp_path: Path
) -> None:
    show(driver, tmp_path, Saved(Path("r.json"), tuple(rows(2)), (), {}), 1400)
    parts = driver.find_elements("css selector", "#findings p, .forest, #table")
    assert [one.tag_name.upper() for one in parts] == ["P", "P", "P", "FIGURE", "TABLE"]
    assert texts(driver, "#findings p")[0].startswith("The best score is max-logit with ViT-B-16/")
    values = [float(one) for one in texts(driver, ".forest .value strong")]
    assert values == sorted(values, reverse=True) and len(values) == 8
    marks = driver.find_elements("css selector", ".forest .point")
    points = [one.rect["x"] for one in marks]
    assert points == sorted(points, reverse=True)


def test_a_name_that_is_cut_is_whole_on_focus_and_found_by_all_letters(
    driver: Any, tmp_path: Path
) -> None:
    show(driver, tmp_path, Saved(Path("r.json"), tuple(rows(5)), (), {}), 1400)
    cut = driver.find_element("css selector", "#table tr:not([hidden]) td .cut")
    assert "…" in cut.text and cut.get_attribute("title") == f"ViT-B-16/{MODELS[4]}"
    # A window without a screen has no focus of its own.
    driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    driver.execute_script("arguments[0].focus()", cut)
    shown = "return getComputedStyle(arguments[0], '::after').content"
    assert MODELS[4] in driver.execute_script(shown, cut)
    driver.find_element("id", "words").send_keys("far-too-long-for-any-cell")
    assert driver.find_element("id", "count").text == "4 of 80 rows"


def test_a_question_mark_leads_to_the_term(driver: Any, tmp_path: Path) -> None:
    show(driver, tmp_path, Saved(Path("r.json"), tuple(rows(1)), (), {}), 1400)
    link = driver.find_element("css selector", "a[aria-label='What FPR95 means']")
    driver.execute_script("document.documentElement.style.scrollBehavior = 'auto'")
    link.send_keys("\ue007")
    term = driver.find_element("css selector", "#terms dt:target")
    assert term.text == "FPR95"
    links = driver.find_elements("css selector", "a[href^='#']")
    targets = {one.get_attribute("href").partition("#")[2] for one in links}
    assert all(driver.find_elements("id", one) for one in targets)


def test_a_phone_sorts_by_a_choice(driver: Any, tmp_path: Path) -> None:
    show(driver, tmp_path, Saved(Path("r.json"), tuple(rows(1)), (), {}), 390)
    choices = driver.find_elements("css selector", "#sort option")
    next(one for one in choices if one.text == "AUROC").click()
    cells = driver.find_elements("css selector", CELLS)
    labels = [one.get_attribute("data-label") for one in cells]
    headings = driver.find_elements("css selector", "#table thead button")
    assert labels == [one.get_property("textContent") for one in headings]
    found = [float(one.split("\n")[0]) for one in texts(driver, "#table tr:not([hidden]) td.auroc")]
    assert found == sorted(found, reverse=True) and len(found) == 4


def test_print_has_every_figure_in_light_colours_and_no_controls(
    driver: Any, tmp_path: Path
) -> None:
    saved, content = sample()
    path = tmp_path / "page.html"
    path.write_text(page(saved, content), encoding="utf-8")
    browser.resize(driver, 1400)
    browser.dark(driver, True)
    driver.get(path.as_uri())
    try:
        dark = [{"name": "prefers-color-scheme", "value": "dark"}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": dark})
        driver.execute_script("window.dispatchEvent(new Event('beforeprint'))")
        drawn = driver.execute_script(FIGURES)
        assert len(drawn) == 7
        for name, count, width, ink in drawn:
            assert count > 0 and width <= 690 and ink == "#1b1d21", name
        hidden = driver.find_elements("css selector", "nav, .controls, #panel, #slider, #theme")
        assert hidden and not any(one.is_displayed() for one in hidden)
        driver.execute_script("window.dispatchEvent(new Event('afterprint'))")
        assert driver.execute_script("return document.documentElement.dataset.theme") == "dark"
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        browser.dark(driver, False)
    printed = driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pdf = base64.b64decode(printed["data"])
    # A4 is 210 mm by 297 mm: 595 by 842 points.
    assert b"/MediaBox [0 0 594.95996 841.91998]" in pdf or b"/MediaBox [0 0 595" in pdf
