"""Claims about links: every relative one of README, CONTRIBUTING and docs leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("api", "extract", "cache", "score", "report", "detect", "study", "cli", "tests", "bench")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def anchors(page: Path) -> set[str]:
    """Return what GitHub calls the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.S | re.M)
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def links(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```|`[^`\n]*`\(", "", page.read_text(), flags=re.S | re.M)
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    return {one for one in found if not re.match(r"[a-z]+:", one)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links(page):
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_every_page_of_the_docs_is_linked_from_the_readme() -> None:
    linked = {link.partition("#")[0] for link in links(ROOT / "README.md")}
    assert {page.relative_to(ROOT).as_posix() for page in (ROOT / "docs").rglob("*.md")} <= linked


def test_a_page_that_the_code_names_is_there() -> None:
    code = [ROOT / "Makefile", *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]
    page = re.compile(r"\bdocs/[\w/-]+\.md\b")
    named = {name for path in code for name in page.findall(path.read_text())}
    assert len(named) > 3
    for name in named:
        assert (ROOT / name).is_file(), name
