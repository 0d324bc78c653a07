"""Claims about the page as a file; browser/ has what a browser makes of it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from samples.report.arrays import data_of, unzipped
from samples.report.content import HOSTILE, MARKUP, sample
from samples.report.results import PLAIN_DIFFERENCE, results
from samples.report.streams import streamed

from oodcache.report.content import Content
from oodcache.report.html.page import missing_libraries, page
from oodcache.report.saved.results import Saved
from oodcache.score.measures.selective.selective import RiskMeasures, Selective

SAVED, CONTENT = sample()
STREAMED = streamed(SAVED)
TEXT = page(SAVED, CONTENT)


class Parsed(HTMLParser):
    """The elements of a page, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words, self.in_script = "", False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.in_script = tag == "script"
        if self.in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.in_script = False

    def handle_data(self, data: str) -> None:
        if self.in_script:
            self.scripts[-1] += data
        else:
            self.words += data


@pytest.fixture(scope="module")
def parsed() -> Parsed:
    return Parsed(TEXT)


def test_it_asks_for_nothing(parsed: Parsed) -> None:
    for tag, attributes in parsed.tags:
        for name in ("src", "srcset", "action", "data", "poster", "background"):
            assert name not in attributes, tag
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        assert (attributes.get("href") or "#").startswith("#")
    style = page(SAVED, CONTENT).partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style and "@import" not in style


def test_plotly_is_in_it_once_and_only_its_own_scripts_may_run(parsed: Parsed) -> None:
    *packed, script = parsed.scripts
    assert len(packed) == 3
    plotly = unzipped(packed[2]).decode()
    assert plotly.count("plotly.js v") == 1 and len(plotly) > 1_000_000
    (policy,) = (
        attributes["content"] or ""
        for tag, attributes in parsed.tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    sums = [
        base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in (plotly, script)
    ]
    assert f"script-src 'sha256-{sums[0]}' 'sha256-{sums[1]}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe-eval" not in policy and "script-src 'unsafe-inline'" not in policy
    assert not [
        name for _, attributes in parsed.tags for name in attributes if name.startswith("on")
    ]


def test_names_are_text_whatever_they_hold(parsed: Parsed) -> None:
    assert len(parsed.scripts) == 4
    assert "img" not in {tag for tag, _ in parsed.tags}
    assert HOSTILE in parsed.words
    data = data_of(TEXT)
    assert data["ood"] == ["near", HOSTILE, "average"]
    assert {one["label"] for one in data["rows"][0]["fooled_id"]} <= {HOSTILE, *MARKUP, "größer"}
    for packed in parsed.scripts[:3]:
        assert re.fullmatch("[A-Za-z0-9+/]+=*", packed)


def test_bytes_that_are_no_text_can_be_written_and_read(tmp_path: Path) -> None:
    odd = [replace(one, ood="a\udcff\u2028") for one in SAVED.results[:1]]
    text = page(replace(SAVED, results=tuple(odd)), Content(()))
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    assert "a\\udcff" in text.partition("<table")[2]


def test_differences_have_a_table_and_results_their_caption() -> None:
    saved = Saved(Path("r.json"), tuple(results("SUN")), (PLAIN_DIFFERENCE,), {})
    words = Parsed(page(saved, Content(()))).words
    assert "Differences between scores" in words
    assert f"{100 * PLAIN_DIFFERENCE.difference:+.2f}" in words
    assert PLAIN_DIFFERENCE.ci is not None
    low, high = PLAIN_DIFFERENCE.ci
    assert f"{100 * low:+.2f} to {100 * high:+.2f}" in words
    assert "FPR convention: strict" in words
    assert "Next to each AUROC: 95 % DeLong intervals" in words
    assert "Parameter sweep" in words  # mcm at two temperatures


def test_more_than_forty_pairs_are_said_to_be_cut_in_print_and_p_to_be_of_all() -> None:
    def words(count: int) -> str:
        pairs = (PLAIN_DIFFERENCE,) * count
        saved = Saved(Path("r.json"), tuple(results("SUN")), pairs, {})
        return Parsed(page(saved, Content(()))).words

    assert "Printed: the first 40 of 41 pairs." in words(41)
    few = words(40)
    assert "Printed:" not in few
    assert "p (Holm) is adjusted over all pairs" in few and "Intervals are not adjusted" in few


def test_without_images_the_page_says_why(parsed: Parsed) -> None:
    words = Parsed(page(SAVED, Content((), missing="Type this & that."))).words
    assert "There are no curves, thresholds or images here: Type this & that." in words
    assert "Threshold explorer" not in words and "Threshold explorer" in parsed.words


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_libraries() == ""
    monkeypatch.setitem(__import__("sys").modules, "plotly", None)  # type: ignore[arg-type]
    assert missing_libraries() == "plotly: type  pip install 'oodcache[report]'"


def find(parsed: Parsed, tag: str) -> list[dict[str, Any]]:
    return [attributes for one, attributes in parsed.tags if one == tag]


def test_every_heading_is_a_button_and_every_box_has_a_label(parsed: Parsed) -> None:
    buttons = page(SAVED, CONTENT).partition('id="table"')[2].partition("</thead>")[0]
    assert buttons.count("<th ") == buttons.count("<button ") == 11  # Names that do not differ.
    assert {one.get("scope") for one in find(parsed, "th")} == {"col", "row"}
    assert find(parsed, "html") == [{"lang": "en"}]
    assert {one["id"] for one in find(parsed, "input")} == {"words", "slider", "log", "prevalence"}


def test_streams_have_a_section_and_their_numbers_are_in_the_data(parsed: Parsed) -> None:
    assert "Along the stream" not in parsed.words
    assert data_of(TEXT)["streams"] == []
    text = page(STREAMED, Content(()))
    learning = Parsed(text)
    assert "Along the stream" in learning.words and "An earlier version" not in learning.words
    found = data_of(text)["streams"]
    rows = [one for one in STREAMED.results if one.stream]
    assert [(one["order"], one["ood"]) for one in found] == [
        (one.stream.order, one.ood) for one in rows if one.stream
    ]
    for course, one in zip(found, rows, strict=True):
        assert one.stream is not None
        assert course["orders"].keys() == one.stream.orders.keys()
        assert (course["path"] is None) == one.is_average
    assert found[0]["path"]["measured"]["auroc"] == [0.5, None, 0.625, 0.75, 0.875]


def test_streams_without_paths_say_how_to_get_them() -> None:
    learning = [(one, one.stream) for one in STREAMED.results if one.stream]
    old = [replace(one, stream=replace(stream, path=None)) for one, stream in learning]
    words = Parsed(page(replace(STREAMED, results=tuple(old)), Content(()))).words
    rows = "oodd (shuffle:2), oodd (id-first), tanl (shuffle:2), tanl (id-first)"
    assert f"without paths along their streams: {rows}. Score again, with --output FILE.j" in words


def test_clean_numbers_and_selective_classification_are_tables_with_names_escaped() -> None:
    measures = RiskMeasures(0.1, 0.05, {"0.8": 0.9}, {"0.95": 0.75})
    found = Selective(40, measures, measures, measures)
    rows = tuple(
        replace(one, ood=HOSTILE, selective=found, clean=replace(one, ood=HOSTILE, auroc=0.5))
        for one in SAVED.results
        if one.ood == HOSTILE
    )
    text = page(replace(SAVED, results=rows, differences=()), replace(CONTENT, rows=()))
    shown = Parsed(text)
    assert "All images, and without those of --drop" in shown.words
    assert "Selective classification, in %" in shown.words
    assert shown.words.count(HOSTILE) >= 2
    assert HOSTILE not in text.partition("Further tables")[2].partition("</section>")[0]
    assert "Further tables" not in page(SAVED, CONTENT)
