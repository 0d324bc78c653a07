"""Claims about curves, thresholds, single images and the map of a report in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from samples.report import browser
from samples.report.content import HOSTILE, sample
from samples.report.images import thumbnail

from oodcache.report.content import Content, EmbeddingMap, ImageRow, ShownBand, SimilarImage
from oodcache.report.html.page import page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser.WHY_NOT), reason=browser.WHY_NOT),
]
SAVED, PLAIN = sample()
BAND = ShownBand((0.0, 0.01, 0.5, 1.0), (0.0, 0.1, 0.6, 1.0), (0.2, 0.4, 0.9, 1.0))
POINTS = 30


def pictured() -> Content:
    """Return the sample with a pair of equal curves, a band, a similar image and a map."""
    first, second, *others = PLAIN.rows
    lowest, *rest = first.fooled_id
    similar = SimilarImage("pets", f"{HOSTILE}/similar.png", "größer", 0.875, 1)
    first = replace(
        first,
        bands={"near": BAND},
        fooled_id=(replace(lowest, similar=similar), *rest),
        on_map=tuple(0.1 * place for place in range(POINTS)),
    )
    second = replace(second, curve=first.curve, same=first.same)
    chart = EmbeddingMap(
        *("clip/one", ("pets", "near"), 1),
        set_of=tuple(place % 2 for place in range(POINTS)),
        paths=tuple(f"{HOSTILE}/{place}.png" for place in range(POINTS)),
        x=tuple(map(float, range(POINTS))),
        y=tuple(float(place**2) for place in range(POINTS)),
        explained=(0.5, 0.25),
        images=99,
        thumbnails=tuple(1 if place in (3, 8) else None for place in range(POINTS)),
    )
    small = (*PLAIN.thumbnails, thumbnail((10, 200, 10)))
    return replace(PLAIN, rows=(first, second, *others), thumbnails=small, maps=(chart,))


CONTENT = pictured()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page(SAVED, CONTENT), encoding="utf-8")
    with browser.chromium(tmp_path_factory.mktemp("profile")) as made:
        yield made, path


@pytest.fixture
def driver(opened: tuple[Any, Path]) -> Iterator[Any]:
    """Open the report; it is silent and asks for nothing."""
    made, path = opened
    browser.resize(made, 1400)
    browser.requests(made), browser.complaints(made)
    made.get(path.as_uri())
    browser.ready(made)
    browser.choose_row(made, 0)
    yield made
    assert browser.complaints(made) == []
    assert browser.requests(made) == [path.as_uri()]


def drawn(driver: Any, figure: str, what: str = "data") -> Any:
    """Scroll to a figure, wait until it is drawn, and return what Plotly has of it."""
    script = """
        const [id, what, done] = arguments, element = document.getElementById(id);
        element.scrollIntoView({behavior: 'instant'});
        const wait = () => element.querySelector('.main-svg')
          ? done(JSON.parse(JSON.stringify(element[what]))) : setTimeout(wait, 20);
        wait();
    """
    return driver.execute_async_script(script, figure, what)


def tick(driver: Any, place: int, ood: str) -> Any:
    """Press the space bar on the box of a row on an OOD set; return the box."""
    script = """
        const box = [...document.querySelectorAll("#table tbody tr")].find((one) =>
          one.dataset.row === String(arguments[0]) && one.dataset.ood === arguments[1]
        ).querySelector(".pick");
        box.closest("tr").hidden = false;
        return box;
    """
    box = driver.execute_script(script, place, ood)
    box.send_keys(" ")
    return box


def texts(driver: Any, css: str) -> list[str]:
    return [one.text for one in driver.find_elements("css selector", css)]


def row(place: int = 0) -> ImageRow:
    return CONTENT.rows[place]


def test_scores_with_one_curve_are_one_line_of_the_legend(driver: Any) -> None:
    tick(driver, 1, "near")
    tick(driver, 3, "near")
    names = ["mcm = mcm:temperature=0.1 · clip/one", "max-logit · clip/one"]
    assert texts(driver, "#legend li") == names
    _, band, *traces = drawn(driver, "roc")
    assert len(traces) == 2 and band["fill"] == "toself"
    assert band["x"] == [*BAND.fpr, *BAND.fpr[::-1]] and band["y"] == [*BAND.high, *BAND.low[::-1]]
    assert "95 % bootstrap band" in texts(driver, "#band-note")[0]
    # Their histograms differ: each has its own, below the other.
    histograms = drawn(driver, "histogram")
    assert [one.get("xaxis") for one in histograms] == ["x", "x", "x2", "x2", "x3", "x3"]
    for place, one in zip((0, 1, 3), histograms[::2], strict=True):
        assert one["y"] == pytest.approx([count / 500 for count in row(place).ranked.id])


def test_rows_of_several_sets_are_compared_and_taken_back(driver: Any) -> None:
    box = tick(driver, 0, HOSTILE)
    drawn(driver, "roc")
    names = texts(driver, "#legend li")
    assert names == ["mcm · clip/one on near", f"mcm · clip/one on {HOSTILE}"]
    (chip,) = driver.find_elements("css selector", ".chip")
    strokes = driver.execute_script(
        "return [...document.querySelectorAll('.chip line, #legend line')].map((one) => "
        "one.getAttribute('stroke') + one.getAttribute('stroke-dasharray'))"
    )
    assert len(set(strokes)) == 2 and strokes[0] == strokes[2]
    chip.send_keys("\ue007")
    assert texts(driver, "#legend li") == ["mcm · clip/one"]
    assert not box.is_selected()
    assert texts(driver, "#picked-count") == ["Tick rows of the results table to compare them."]


def test_the_roc_is_square_and_its_fpr_can_be_logarithmic(driver: Any) -> None:
    drawn(driver, "roc")
    size = driver.execute_script(
        "const {w, h} = document.getElementById('roc')._fullLayout._size; return [w, h];"
    )
    assert size[0] == pytest.approx(size[1], abs=1)
    driver.find_element("id", "log").send_keys(" ")
    *_, roc = drawn(driver, "roc")
    layout = drawn(driver, "roc", "layout")
    assert layout["xaxis"]["type"] == "log" and layout["xaxis"]["range"][0] == -3  # Of 400.
    curve = row().curve
    points = [*zip((0, *curve.kept_ood["near"]), (0, *curve.kept_id), strict=True)]
    above = [(ood / 400, inside / 500) for ood, inside in points if ood]
    first = max(inside for ood, inside in points if ood == 0) / 500
    assert [*zip(roc["x"], roc["y"], strict=True)] == [
        pytest.approx(one) for one in ((0.001, first), *above)
    ]


def test_counts_to_expect_follow_the_share_that_is_typed(driver: Any) -> None:
    one = row()
    kept, kept_ood = one.curve.kept_id[one.threshold], one.curve.kept_ood["near"][one.threshold]
    box = driver.find_element("id", "prevalence")
    for typed, share in (("1", 0.01), ("25", 0.25), ("100", 1.0)):
        box.clear()
        box.send_keys(typed)
        inside, outside = 1000 * (1 - share), 1000 * share
        a, b = inside * kept / 500, outside * kept_ood / 400
        counts = [a, inside - a, inside, b, outside - b, outside, a + b, 1000 - a - b, 1000.0]
        found = texts(driver, "#expected tbody td")
        assert [float(one.replace(",", "")) for one in found] == pytest.approx(counts, abs=0.051)
        alarms = 100 * (outside - b) / (1000 - a - b)
        assert texts(driver, "#alarms")[0].startswith(f"{alarms:.2f} % of the rejected images")
    box.send_keys("1")
    assert texts(driver, "#alarms") == ["Type a share from 0 to 100 %."]
    assert not driver.find_element("id", "expected").is_displayed()
    assert box.get_attribute("aria-invalid") == "true"


def test_an_image_and_the_similar_one_are_large_and_larger_by_key(driver: Any) -> None:
    first = driver.find_element("css selector", "#fooled-id .card")
    images = first.find_elements("css selector", "img")
    assert len(images) == 2 and all(one.rect["width"] >= 160 for one in images)
    assert "most similar ID image: größer, cosine 0.875" in first.text
    first.find_element("css selector", "button").send_keys("\ue007")  # Enter.
    dialog = driver.find_element("id", "enlarged")
    assert dialog.is_displayed() and f"{HOSTILE}/similar.png" in dialog.text
    large = dialog.find_elements("css selector", "img")
    assert all(one.rect["width"] > 300 for one in large) and len(large) == 2
    driver.switch_to.active_element.send_keys("\ue00c")  # Escape.
    assert not dialog.is_displayed()
    focused = driver.execute_script("return document.activeElement.closest('.card') !== null")
    assert focused


def test_the_map_shows_every_point_and_images_by_key(driver: Any) -> None:
    inside, outside, _ = drawn(driver, "map-figure")
    chart = CONTENT.maps[0]
    assert inside["x"] == pytest.approx(chart.x[::2]) and outside["y"] == pytest.approx(
        chart.y[1::2]
    )
    assert "30 of 99 images" in texts(driver, "#map-note")[0]
    driver.find_element("id", "map-next").send_keys(" ")
    assert texts(driver, "#map-point p") == [
        *("OOD: near", "score about 0.3 (ranking scale)", f"{HOSTILE}/3.png")
    ]
    driver.find_element("id", "map-next").send_keys(" ")
    assert texts(driver, "#map-point p")[-1] == f"{HOSTILE}/8.png"
    assert drawn(driver, "map-figure")[-1]["x"] == [8]
    driver.find_element("id", "map-back").send_keys(" ")
    assert driver.find_elements("css selector", "#map-point img[src^='data:image/jpeg']")
    driver.execute_script(
        "const one = document.getElementById('map-colour'); one.value = 'score';"
        "one.dispatchEvent(new Event('change'));"
    )
    inside, *_ = drawn(driver, "map-figure")
    assert inside["marker"]["color"] == pytest.approx(row().on_map[::2], abs=0.006)
    driver.execute_script(
        "const one = document.getElementById('row'); one.value = '5';"
        "one.dispatchEvent(new Event('change'));"
    )
    assert texts(driver, "#map-note") == ["The embeddings of this model are not cached."]
    assert not driver.find_element("id", "map-shown").is_displayed()


def test_figures_and_boxes_have_the_names_that_replace_those_of_the_results(
    driver: Any, tmp_path: Path
) -> None:
    named = {"near": "Near", "pets": "Pets", "clip/one": "CLIP", "max-logit": "Max"}
    named["average"] = "Mean"
    path = tmp_path / "named.html"
    path.write_text(page(SAVED, CONTENT, named, SAVED), encoding="utf-8")
    back = driver.current_url
    driver.get(path.as_uri())
    browser.ready(driver)
    browser.choose_row(driver, 0)
    place = next(at for at, one in enumerate(CONTENT.rows) if one.key[2] == "max-logit")
    assert tick(driver, place, "Near").get_attribute("aria-label").startswith("Compare Max")
    assert any(one.startswith("Max · CLIP") for one in texts(driver, "#legend li"))
    assert {one["name"] for one in drawn(driver, "histogram")} == {"ID: Pets", "OOD: Near"}
    assert [one["name"] for one in drawn(driver, "map-figure")[:2]] == ["ID: Pets", "OOD: Near"]
    assert " images, evenly spread over each set, by CLIP:" in texts(driver, "#map-note")[0]
    assert texts(driver, "#findings p")[0].startswith("Each of the ")
    shown = driver.execute_script(
        "return [...document.querySelectorAll('#ood option, #table td, #changed td, .forest *')]"
        ".map((one) => one.textContent)"
    )
    assert not {"near", "average", "clip/one"} & set(shown) and {"Near", "Mean"} <= set(shown)
    assert browser.requests(driver) == [back, path.as_uri()]
    driver.get(back)
