"""Claims about names that HTML, JavaScript and Plotly read as something else, and about layout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.report import browser
from samples.report.names import ID, OOD_SETS, Sample, sample

from oodcache.report.content import Content, ShownCurve
from oodcache.report.html.page import page
from oodcache.report.saved.results import Saved

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser.WHY_NOT), reason=browser.WHY_NOT),
]
SAMPLE: Sample = sample()
# As people see them: half of a surrogate pair is written out.
SHOWN = tuple(one.replace("\udcff", "\\udcff") for one in OOD_SETS)
DRAWN = """
const [id, done] = arguments, figure = document.getElementById(id);
figure.scrollIntoView({ behavior: "instant" });
const look = () => figure.querySelector(".main-svg")
  ? requestAnimationFrame(() => requestAnimationFrame(() => done())) : setTimeout(look, 20);
look();
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browser.chromium(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("names"), SAMPLE.saved, SAMPLE.content)


@pytest.fixture
def opened(driver: Any, file: Path) -> Iterator[Any]:
    """Open the report on a projector; it complains of nothing and asks for nothing."""
    show(driver, file)
    yield driver
    assert browser.complaints(driver) == []
    assert browser.requests(driver) == [file.as_uri()]


def written(folder: Path, saved: Saved, content: Content) -> Path:
    path = folder / "report.html"
    path.write_text(page(saved, content), encoding="utf-8")
    return path


def show(driver: Any, file: Path, width: int = 1400) -> None:
    browser.resize(driver, width)
    browser.requests(driver), browser.complaints(driver)
    driver.get(file.as_uri())
    browser.ready(driver)
    browser.choose_row(driver, 0)


def found(driver: Any, script: str, *given: Any) -> Any:
    """Return what a script finds, by way of JSON: a driver takes no half of a surrogate pair."""
    return json.loads(driver.execute_script(f"return JSON.stringify({script})", *given))


def choose(driver: Any, select: str, value: str) -> None:
    driver.execute_script(
        "const one = document.getElementById(arguments[0]); one.value = arguments[1];"
        "one.dispatchEvent(new Event('change'))",
        *(select, value),
    )


def test_each_value_of_each_filter_keeps_the_lines_that_have_it(opened: Any) -> None:
    script = """
      const selects = [...document.querySelectorAll("select[data-filter]")], found = {};
      const pick = (select, value) => {
        select.value = value; select.dispatchEvent(new Event("change"));
      };
      selects.forEach((one) => pick(one, ""));
      for (const one of selects) for (const option of [...one.options].slice(1)) {
        pick(one, option.value);
        found[`${one.dataset.filter}: ${option.textContent}`] =
          [...document.querySelectorAll("#table tbody tr")].filter((row) => !row.hidden).length;
        pick(one, "");
      }
      return JSON.stringify(found);
    """
    kept = json.loads(opened.execute_script(script))
    per_set = len(SAMPLE.content.rows)
    for name in (*SHOWN, "average"):
        assert kept[f"OOD set: {name}"] == per_set
    assert {count for name, count in kept.items() if name.startswith("template: ")} == {
        len(SAMPLE.saved.results) // 2
    }


def test_figures_and_counts_follow_any_name_of_a_set(opened: Any) -> None:
    assert found(opened, "[...document.getElementById('ood').options].map((one) => one.value)") == [
        *SHOWN
    ]
    row = SAMPLE.content.rows[0]
    scores = SAMPLE.scores[row.key]
    threshold = row.curve.ranked[row.threshold]
    counts = [int(np.sum(scores[name] >= threshold)) for name in (ID, *OOD_SETS)]
    rows = "[...document.querySelectorAll('#confusion tbody tr')]"
    cells = f"{rows}.map((one) => one.cells[2].textContent)"
    opened.execute_async_script(DRAWN, "roc")
    for place, name in enumerate(SHOWN):
        choose(opened, "ood", name)
        title = found(opened, "document.getElementById('fooled-ood-title').textContent")
        assert title == f"OOD images scored as in-distribution ({name})"
        assert found(opened, cells) == [f"{one:,}" for one in counts]
        kept = found(opened, "document.getElementById('roc').data[1].x.map((one) => one * 120)")
        assert np.allclose(kept, [0, *row.curve.kept_ood[OOD_SETS[place]]])


def test_a_set_that_a_row_lacks_has_no_number_whatever_it_is_called(
    driver: Any, tmp_path: Path
) -> None:
    results = SAMPLE.saved.results
    lacking = tuple(one for one in results if one.ood != "constructor" or one.score == "mcm")
    saved = replace(SAMPLE.saved, results=lacking, differences=())
    show(driver, written(tmp_path, saved, Content(())))
    driver.execute_async_script(DRAWN, "heat-figure")
    # One trace has black digits, the other white ones.
    black, white = found(driver, "document.getElementById('heat-figure').data")
    lines = zip(black["text"], white["text"], strict=True)
    column = [one[2] + other[2] for one, other in lines]
    assert [bool(one) for one in column] == [key[2].startswith("mcm") for key in SAMPLE.scores]
    assert browser.complaints(driver) == []


def test_templates_that_are_cut_to_one_text_are_two_points_of_a_sweep(
    driver: Any, tmp_path: Path
) -> None:
    long = [f"{'a photo of ' * 3}one {word} that is {'very ' * 5}{{}}" for word in ("cat", "dog")]
    first = SAMPLE.saved.results[0]
    results = tuple(
        replace(first, template=one, templates=(one,), auroc=0.6 + place / 10)
        for place, one in enumerate(long)
    )
    saved = replace(SAMPLE.saved, results=results, differences=())
    show(driver, written(tmp_path, saved, Content(())))
    driver.execute_async_script(DRAWN, "sweep-auroc")
    (line,) = found(driver, "document.getElementById('sweep-auroc').data.map(({x, y}) => ({x, y}))")
    assert len(set(line["x"])) == 2
    assert np.allclose(sorted(line["y"]), [60, 70])
    points = "[...document.querySelectorAll('#sweep-auroc .point')]"
    marks = found(driver, f"{points}.map((one) => one.getBoundingClientRect().x)")
    assert len(set(marks)) == 2


def test_infinite_thresholds_and_scores_have_their_sign(driver: Any, tmp_path: Path) -> None:
    row = SAMPLE.content.rows[0]
    curve = ShownCurve(
        (None, 1.0, None), (None, 1.0, None), (0, 200, 300), dict.fromkeys(OOD_SETS, (0, 9, 120))
    )
    lowest = (replace(row.fooled_id[0], score=None, ranked=None),)
    highest = {
        name: (replace(one[0], score=None, ranked=None),) for name, one in row.fooled_ood.items()
    }
    odd = replace(row, curve=curve, threshold=1, fooled_id=lowest, fooled_ood=highest)
    show(driver, written(tmp_path, SAMPLE.saved, replace(SAMPLE.content, rows=(odd,))))
    said = []
    for place in (0, 1, 2):
        driver.execute_script(
            "const one = document.getElementById('slider'); one.value = arguments[0];"
            "one.dispatchEvent(new Event('input'))",
            place,
        )
        said.append(found(driver, "document.getElementById('at').textContent"))
    assert said == ["∞", "1", "−∞"]
    cards = [
        found(driver, f"document.getElementById('{one}').innerText")
        for one in ("fooled-id", "fooled-ood")
    ]
    assert ["−∞" in one for one in cards] == [True, False] and "∞" in cards[1]


@pytest.mark.parametrize("section", ["curves", "threshold", "sweeps", "fooled", "made"])
def test_a_jump_shows_the_heading_of_its_section(opened: Any, section: str) -> None:
    opened.execute_script(
        "document.documentElement.style.scrollBehavior = 'auto'; location.hash = arguments[0]",
        section,
    )
    seen = """(() => {
      const heading = document.querySelector(`#${location.hash.slice(1)} h2`);
      const { left, top, height } = heading.getBoundingClientRect();
      return document.elementFromPoint(left + 5, top + height / 2) === heading;
    })()"""
    assert found(opened, seen)


@pytest.mark.parametrize("width", [400, 1400])
def test_a_sweeps_legend_leaves_its_axis_readable(driver: Any, file: Path, width: int) -> None:
    show(driver, file, width)
    driver.execute_async_script(DRAWN, "sweep-auroc")
    legend, title = found(
        driver,
        "['.legend', '.xtitle'].map((one) => document.querySelector(`#sweep-auroc ${one}`)"
        ".getBoundingClientRect())",
    )
    assert legend["top"] >= title["bottom"] - 1


def test_on_a_phone_every_row_of_the_heat_map_has_another_name(driver: Any, file: Path) -> None:
    show(driver, file, 400)
    driver.execute_async_script(DRAWN, "heat-figure")
    names = found(
        driver,
        "[...document.querySelectorAll('#heat-figure .ytick text')].map((one) => one.textContent)",
    )
    assert len(set(names)) == len(names) == len(SAMPLE.scores)


def test_intervals_sort_by_their_lower_end(opened: Any) -> None:
    script = """
      const heads = [...document.querySelectorAll("#table thead th")];
      const place = heads.findIndex((one) => one.textContent.startsWith("interval"));
      heads[place].querySelector("button").click();
      return JSON.stringify([...document.querySelectorAll("#table tbody tr")]
        .map((one) => one.cells[place].textContent));
    """
    texts = json.loads(opened.execute_script(script))
    lower = [float(one.partition("–")[0]) for one in texts if one != "not estimable"]
    assert lower == sorted(lower, reverse=True)
    assert texts[len(lower) :] == ["not estimable"] * (len(texts) - len(lower))
