"""Claims about the report in a real browser: headless Chromium, where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from samples.report import browser
from samples.report.content import HOSTILE, MARKUP, MODELS, sample
from samples.report.streams import streamed

from oodcache.report.content import Content, ImageRow
from oodcache.report.html.page import page
from oodcache.report.tables.grid import by_row, key

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser.WHY_NOT), reason=browser.WHY_NOT),
]
SAVED, CONTENT = sample()
Find = Callable[[str], Any]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browser.chromium(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page(SAVED, CONTENT), encoding="utf-8")
    return path


@pytest.fixture
def find(driver: Any, file: Path) -> Iterator[Find]:
    """Open the report, as on a projector, and find by CSS; it is silent and asks for nothing."""
    browser.resize(driver, 1400)
    browser.dark(driver, False)
    browser.requests(driver), browser.complaints(driver)
    driver.get(file.as_uri())
    browser.ready(driver)
    browser.choose_row(driver, 0)
    yield lambda css: driver.find_element("css selector", css)
    assert browser.complaints(driver) == []
    assert browser.requests(driver) == [file.as_uri()]


def column(driver: Any, place: int) -> list[str]:
    """Return the texts of a column's visible cells, from the top down."""
    script = (
        "return [...document.querySelectorAll('#table tbody tr')].filter((one) => !one.hidden)"
        ".map((one) => one.cells[arguments[0]].firstChild.textContent)"
    )
    found: list[str] = driver.execute_script(script, place)
    return found


def headings(driver: Any) -> list[str]:
    buttons = driver.find_elements("css selector", "#table thead button")
    return [one.text.rstrip(" ▲▼") for one in buttons]


def pick(find: Find, css: str, text: str) -> None:
    """Choose an option of a select by what it says."""
    options = find(css).find_elements("css selector", "option")
    next(one for one in options if one.get_property("textContent") == text).click()


def drawn(driver: Any, figure: str) -> list[Any]:
    """Scroll to a figure and return the traces that Plotly drew."""
    element = driver.find_element("id", figure)
    driver.execute_script("arguments[0].scrollIntoView({behavior: 'instant'})", element)
    script = """
        const done = arguments[1], element = document.getElementById(arguments[0]);
        const wait = () => element.querySelector('.main-svg')
          ? done(element.data.map(
            ({x, y, z, name, text, textfont}) => ({x, y, z, name, text, textfont})))
          : setTimeout(wait, 20);
        wait();
    """
    found: list[Any] = driver.execute_async_script(script, figure)
    return found


def compare(driver: Any, place: int, ood: str = "") -> Any:
    """Tick the line of a row on an OOD set, or on the average; return its box."""
    script = """
        const box = [...document.querySelectorAll("#table tbody tr")].find((one) =>
          one.dataset.row === String(arguments[0]) && one.dataset.ood === arguments[1]
        ).querySelector(".pick");
        box.click();
        return box;
    """
    return driver.execute_script(script, place, ood)


def row(place: int = 0) -> ImageRow:
    return CONTENT.rows[place]


def test_a_click_on_a_heading_sorts_and_another_turns_the_order(driver: Any, find: Find) -> None:
    place = headings(driver).index("AUROC")
    buttons = driver.find_elements("css selector", "#table thead button")
    pick(find, "select[data-filter='OOD set']", "all")
    buttons[place].click()
    falling = [float(one) for one in column(driver, place)]
    assert falling == sorted(
        (float(f"{100 * one.auroc:.2f}") for one in SAVED.results), reverse=True
    )
    assert driver.find_elements("css selector", "[aria-sort='descending']")
    buttons[place].click()
    assert [float(one) for one in column(driver, place)] == falling[::-1]
    buttons[0].click()
    scores = column(driver, 0)
    assert scores == sorted(scores) and len(set(scores)) == 4


def test_words_and_choices_filter_the_table(driver: Any, find: Find) -> None:
    place = headings(driver).index("OOD set")
    assert set(column(driver, place)) == {"average"}
    pick(find, "select[data-filter='OOD set']", HOSTILE)
    assert column(driver, place) == [HOSTILE] * 8
    find("#words").send_keys("temperature SIGLIP")
    assert column(driver, 0) == ["mcm:temperature=0.1", "mcm:temperature=learned"]
    assert find("#count").text == "2 of 24 rows"
    find("#words").send_keys(" nothing")
    assert column(driver, 0) == []


def test_the_slider_moves_the_threshold_and_the_counts_follow(driver: Any, find: Find) -> None:
    one = row()

    def shown() -> list[list[str]]:
        lines = driver.find_elements("css selector", "#confusion tbody tr")
        each = [line.find_elements("css selector", "th, td") for line in lines]
        return [[cell.text for cell in cells] for cells in each]

    def wanted(place: int) -> list[list[str]]:
        sides = [("ID: pets", "TPR", one.curve.kept_id[place], one.n_id)]
        sides += [
            (f"OOD: {name}", "FPR", one.curve.kept_ood[name][place], count)
            for name, count in one.n_ood.items()
        ]
        return [
            [name, rate, str(kept), str(total - kept), f"{100 * kept / total:.2f} %"]
            for name, rate, kept, total in sides
        ]

    assert shown() == wanted(one.threshold)
    assert shown()[0][4] == "95.00 %"
    drawn(driver, "histogram")
    script = "return document.getElementById('histogram').layout.shapes.map((one) => one.x0)"
    assert driver.execute_script(script) == [
        pytest.approx(one.curve.ranked[one.threshold], rel=1e-5)
    ]
    slider = find("#slider")
    for _ in range(5):
        slider.send_keys("\ue014")  # The right arrow.
    assert shown() == wanted(one.threshold + 5)
    place = one.curve.ranked[one.threshold + 5]
    assert driver.execute_script(script) == [pytest.approx(place, rel=1e-5)]
    shown_place = one.curve.shown[one.threshold + 5]
    both = f"{place:.3g} on the ranking scale; {shown_place:.3g} as published"
    assert find("#at").text == both
    pick(find, "#form", "as published")
    assert find("#at").text == both
    slider.send_keys("\ue010")  # The end: a threshold that keeps all.
    assert [line[3] for line in shown()] == ["0", "0", "0"]


def test_curves_are_those_of_the_counts(driver: Any, find: Find) -> None:
    _, roc = drawn(driver, "roc")
    one = row()
    assert roc["x"] == pytest.approx([0, *(kept / 400 for kept in one.curve.kept_ood["near"])])
    assert roc["y"] == pytest.approx([0, *(kept / 500 for kept in one.curve.kept_id)])
    compare(driver, 3, HOSTILE)
    compare(driver, 7, HOSTILE)
    pick(find, "#ood", HOSTILE)
    _, *traces = drawn(driver, "pr")
    names = ["mcm · clip/one", "max-logit · clip/one", "max-logit · siglip/&lt;b&gt;two&lt;/b&gt;"]
    assert [trace["name"] for trace in traces] == names
    listed = [one.text for one in driver.find_elements("css selector", "#legend li")]
    assert listed == [name.replace("&lt;", "<").replace("&gt;", ">") for name in names]
    third = row(7).curve
    kept = [*zip(third.kept_id, third.kept_ood[HOSTILE], strict=True)][1:]
    precision = [a / (a + b) for a, b in kept]
    # The first precision holds from recall 0 on, however many images share the highest score.
    assert traces[2]["y"] == pytest.approx([precision[0], *precision])
    assert traces[2]["x"] == pytest.approx([0, *(a / 500 for a, _ in kept)])


def test_a_histogram_shows_either_form_and_a_diagram_only_a_probability(
    driver: Any, find: Find
) -> None:
    inside, outside = drawn(driver, "histogram")
    assert inside["y"] == pytest.approx([count / 500 for count in row().ranked.id])
    pick(find, "#form", "as published")
    inside, outside = drawn(driver, "histogram")
    assert outside["y"] == pytest.approx([count / 400 for count in row().shown.ood["near"]])
    reliability = row().reliability
    assert reliability is not None
    _, points = drawn(driver, "reliability")
    assert points["y"] == pytest.approx(reliability["near"].share, rel=1e-5)
    pick(find, "#row", "max-logit · clip/one")
    assert len(drawn(driver, "reliability")) == 1
    assert "This score is not a probability." in find("#reliability").text


def test_the_heat_map_has_every_result(driver: Any, find: Find) -> None:
    table = by_row(SAVED.results)
    wanted = [[100 * one.auroc for one in each.values()] for each in table.values()]
    for shown, values in zip(heat(driver), wanted, strict=True):
        assert shown == pytest.approx(values)
    pick(find, "#measure", "FPR95, %")
    assert heat(driver)[0][0] == pytest.approx(100 * SAVED.results[0].fpr95)


def heat(driver: Any) -> list[list[float]]:
    """Return the numbers of the heat map; each is either in black or in white."""
    black, white = drawn(driver, "heat-figure")
    assert [one["textfont"]["color"] for one in (black, white)] == ["#000", "#fff"]
    # Digits of one trace do not lie over those of the other.
    for trace in (black, white):
        cells = zip(trace["z"], trace["text"], strict=True)
        assert all((a is None) == (b == "") for one in cells for a, b in zip(*one, strict=True))
    found = []
    for pair in zip(black["z"], white["z"], strict=True):
        assert all((dark is None) != (light is None) for dark, light in zip(*pair, strict=True))
        found.append([light if dark is None else dark for dark, light in zip(*pair, strict=True)])
    return found


def test_digits_of_the_heat_map_are_readable_on_their_cells(driver: Any, find: Find) -> None:
    for measure in ("AUROC, %", "FPR95, %"):
        pick(find, "#measure", measure)
        black, white = drawn(driver, "heat-figure")
        shares = sorted(share for line in heat(driver) for share in line)
        bright, dim = (
            {one for line in each["z"] for one in line} - {None} for each in (black, white)
        )
        # Bright is better: a high AUROC, a low FPR.
        best, worst = (shares[-1], shares[0]) if measure[0] == "A" else (shares[0], shares[-1])
        assert best in bright and worst in dim
        assert min(bright) > max(dim) if measure[0] == "A" else max(bright) < min(dim)


def test_the_figures_open_on_the_best_row(driver: Any, find: Find, file: Path) -> None:
    browser.requests(driver)
    driver.get(file.as_uri())
    browser.ready(driver)
    average = [one for one in SAVED.results if one.ood == "average"]
    best = max(average, key=lambda one: one.auroc)
    place = [one.key for one in CONTENT.rows].index(key(best))
    assert place > 0
    assert find("#row").get_property("value") == str(place)


def test_a_sweep_follows_the_temperature(driver: Any, find: Find) -> None:
    first, _ = drawn(driver, "sweep-auroc")
    assert first["x"] == [0.02, 0.1, 1]
    by_temperature = {
        one.parameters["temperature"]: one.auroc
        for one in SAVED.results
        if one.model == "clip" and one.ood == "average" and one.score == "mcm"
    }
    wanted = [100 * by_temperature[one] for one in ("learned", 0.1, 1.0)]
    assert first["y"] == pytest.approx(wanted, rel=1e-5)
    assert first["text"] == ["learned", "0.1", "1"]


def test_images_that_fooled_the_score_follow_what_is_chosen(driver: Any, find: Find) -> None:
    pick(find, "#row", f"max-logit · {MODELS[1]}")
    pick(find, "#ood", HOSTILE)
    one = row(7)

    def cards(css: str) -> list[list[str]]:
        found = driver.find_elements("css selector", f"{css} .card")
        return [
            [part.get_property("textContent") for part in card.find_elements("css selector", "p")]
            for card in found
        ]

    at = f"{one.curve.shown[one.threshold]:.3g}"
    kept = one.curve.kept_ood[HOSTILE][one.threshold]
    assert kept >= len(one.fooled_ood[HOSTILE])
    for card, each in zip(cards("#fooled-ood"), one.fooled_ood[HOSTILE], strict=True):
        assert each.score is not None
        words = f"taken for '{each.nearest}', score {each.score:#.3g}, threshold {at}"
        shown, published, _ = card[0].partition(", both as published")
        assert published and shown.rstrip("0") == words.rstrip("0")
        assert card[1:] == [f"own class: {each.label}", each.path]
    for card, each in zip(cards("#fooled-id"), one.fooled_id, strict=True):
        assert card[0].startswith(f"rejected; its nearest class is '{each.nearest}', score 0.")
        assert card[2] == each.path
    # The lowest has a picture, the others have none.
    assert len(driver.find_elements("css selector", "#fooled-id img[src^='data:image/jpeg']")) == 1
    assert len(driver.find_elements("css selector", "#fooled-id .none")) == 11
    lines = driver.find_elements("css selector", "#failing-ood tbody tr")
    told = [[cell.text for cell in line.find_elements("css selector", "th, td")] for line in lines]
    failing = one.failing_ood[HOSTILE][0]
    share = f"{100 * failing.failed / failing.total:.2f} %"
    assert told[0] == [
        *(failing.label, share, str(failing.failed), str(failing.total), failing.nearest)
    ]


def test_names_are_text_whatever_they_hold(driver: Any, find: Find) -> None:
    for figure in ("heat-figure", "roc", "histogram", "sweep-auroc"):
        drawn(driver, figure)
    assert driver.find_elements("css selector", "img[src^=http], script[src], b, iframe") == []
    assert driver.execute_script("return document.querySelectorAll('script').length") == 5
    heat = find("#heat-figure").get_property("textContent")
    assert HOSTILE[:10] in heat and HOSTILE[-10:] in heat
    assert f"OOD: {HOSTILE}" in find("#confusion").text
    options = {one.text for one in driver.find_elements("css selector", "#row option")}
    assert f"mcm · {MODELS[1]}" in options
    words = driver.execute_script("return document.body.textContent")
    assert all(markup in words for markup in MARKUP)


def test_the_policy_lets_nothing_else_run_or_load(driver: Any, file: Path) -> None:
    driver.get(file.as_uri())
    browser.ready(driver)
    script = """
        const done = arguments[0], told = [];
        const tell = (event) => told.push(event.effectiveDirective);
        document.addEventListener('securitypolicyviolation', tell);
        const markup = '<img src="http://127.0.0.1:9/x.png"><p onclick="document.title = 1">x</p>';
        document.body.insertAdjacentHTML('beforeend', markup);
        document.body.lastElementChild.click();
        setTimeout(() => done([told, document.title]), 300);
    """
    told, title = driver.execute_async_script(script)
    assert "img-src" in told and "script-src-attr" in told
    assert title != "1"
    assert all("Content Security Policy" in one for one in browser.complaints(driver))


def test_colours_follow_the_system_and_the_button(driver: Any, find: Find) -> None:
    def paper() -> str:
        found: str = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        return found

    drawn(driver, "roc")
    assert paper() == "rgb(255, 255, 255)"
    browser.dark(driver, True)
    driver.execute_script("return new Promise((done) => setTimeout(done, 100))")
    assert paper() == "rgb(21, 23, 27)"
    ink = "return document.getElementById('roc').layout.font.color"
    assert driver.execute_script(ink) == "#e8eaed"
    driver.execute_script("window.scrollTo({top: 0, behavior: 'instant'})")
    find("#theme").click()
    assert paper() == "rgb(255, 255, 255)"


@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_is_as_wide_as_its_window(driver: Any, find: Find, width: int) -> None:
    browser.resize(driver, width)
    for figure in ("heat-figure", "roc", "pr", "histogram", "reliability", "sweep-fpr95"):
        drawn(driver, figure)
    assert driver.execute_script("return document.documentElement.scrollWidth") == width


def test_without_images_there_is_what_results_alone_show(driver: Any, tmp_path: Path) -> None:
    path = tmp_path / "bare.html"
    path.write_text(page(SAVED, Content((), missing=f"Type {HOSTILE}")), encoding="utf-8")
    browser.requests(driver)
    driver.get(path.as_uri())
    browser.ready(driver)
    assert f"Type {HOSTILE}" in driver.find_element("css selector", ".note").text
    assert drawn(driver, "heat-figure") and drawn(driver, "sweep-fpr95")
    assert driver.find_elements("css selector", "#roc, #slider, #fooled-id") == []
    assert browser.complaints(driver) == []
    assert browser.requests(driver) == [path.as_uri()]


def test_streams_are_drawn_with_gaps_and_a_point_for_each_order(
    driver: Any, tmp_path: Path
) -> None:
    saved = streamed(SAVED)
    rows = [  # In one order a stream has images of other sets, too.
        replace(one, stream=replace(one.stream, images=one.n_id + one.n_ood + 1))
        if one.stream and one.stream.order == "id-first" and not one.is_average
        else one
        for one in saved.results
    ]
    shared = replace(saved, results=tuple(rows))
    (tmp_path / "r.html").write_text(page(shared, CONTENT), encoding="utf-8")
    browser.resize(driver, 390)
    browser.requests(driver), browser.complaints(driver)
    driver.get((tmp_path / "r.html").as_uri())
    browser.ready(driver)

    def find(css: str) -> Any:
        return driver.find_element("css selector", css)

    two = drawn(driver, "stream-auroc")
    assert [one["name"] for one in two] == ["shuffle:2", "id-first"]
    for one in two:
        assert (one["x"], one["y"]) == ([200, 225, 250, 275, 300], [50, None, 62.5, 75, 87.5])
    assert not find("#stream-id").is_displayed()  # oodd has no ID memory.
    assert find("#stream-ood-side").is_displayed()
    assert not find("#stream-threshold").is_displayed()
    points = drawn(driver, "strip-auroc")
    assert [one["y"] for one in points] == [[0, 0, 1, 1], [0, 1]]
    pick(find, "#stream-method", "tanl")
    assert drawn(driver, "stream-id_share")[0]["y"] == [None, 25, 75, 100]
    assert drawn(driver, "stream-threshold")[0]["y"] == [0.5, 0.25, 0.25, 0.5]
    assert "the latest 200 images" in find("#stream-window").text
    first = "Of shuffle:2 the line is the first of 2 shuffles, with seed 0."
    assert first in find("#stream-window").text
    assert "In id-first the memory counts images of every OOD set." in find("#stream-window").text
    pick(find, "#stream-ood", "average")
    assert not find("#stream-auroc").is_displayed()
    assert len(drawn(driver, "strip-fpr95")[0]["x"]) == 4
    width = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    assert driver.execute_script(width) == [390, 390]
    assert browser.complaints(driver) == []
