"""Claims about who can read the report: axe-core finds nothing, in either colour scheme."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from samples.report import browser
from samples.report.content import MODELS, sample

from oodcache.report.html.page import page

axe = pytest.importorskip("axe_core_python.selenium", reason="no axe-core-python")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(browser.WHY_NOT), reason=browser.WHY_NOT),
]
SAVED, CONTENT = sample()
# Figures are drawn when they are seen; everything that can be opened is.
OPEN_ALL = """
const done = arguments[0];
(async () => {
  for (const one of document.querySelectorAll(".figure")) {
    one.scrollIntoView({behavior: "instant"});
    for (let turn = 0; turn < 100 && !one.querySelector(".main-svg"); turn += 1) {
      await new Promise((next) => setTimeout(next, 20));
    }
  }
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  [...document.querySelectorAll(".pick")].slice(0, 2).forEach((one) => one.click());
  scrollTo({top: 0, behavior: "instant"});
  requestAnimationFrame(() => requestAnimationFrame(done));
})();
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browser.chromium(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture(scope="module", params=[1, 2])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of one model, or of two and an earlier run of these."""
    wanted = MODELS[: request.param]
    rows = tuple(one for one in CONTENT.rows if one.key[0] in wanted)
    results = tuple(one for one in SAVED.results if f"{one.model}/{one.pretrained}" in wanted)
    path = tmp_path_factory.mktemp("report") / "report.html"
    saved = replace(SAVED, results=results)
    before = [replace(one, auroc=one.auroc - 0.01) for one in results[:-1]]
    earlier = replace(saved, results=tuple(before)) if request.param == 2 else None
    shown = page(saved, replace(CONTENT, rows=rows), earlier=earlier)
    path.write_text(shown, encoding="utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1400])
def test_axe_finds_nothing_to_mend(driver: Any, file: Path, dark: bool, width: int) -> None:
    browser.resize(driver, width)
    browser.dark(driver, dark)
    driver.get(file.as_uri())
    browser.ready(driver)
    driver.execute_async_script(OPEN_ALL)
    found = axe.Axe().run(driver)
    assert len(found["passes"]) > 20
    assert [(one["id"], each["html"]) for one in found["violations"] for each in one["nodes"]] == []


def test_axe_finds_a_control_without_a_name(driver: Any, file: Path) -> None:
    """Otherwise nothing found would say nothing."""
    driver.get(file.as_uri())
    browser.ready(driver)
    driver.execute_script("document.querySelector('label[for=slider]').remove()")
    assert "label" in {one["id"] for one in axe.Axe().run(driver)["violations"]}
