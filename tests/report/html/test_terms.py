"""Claims about the page's terms: each has its line in the docs, and every heading has a term."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from samples.report.results import FIRST

from oodcache.report.html.lines import columns
from oodcache.report.html.terms import SLUGS, TERMS, Term
from oodcache.score.measures.result import LeakCount

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("term", TERMS, ids=lambda one: one.slug)
def test_the_docs_have_the_heading_that_a_term_names(term: Term) -> None:
    lines = (ROOT / term.page).read_text(encoding="utf-8").splitlines()
    assert term.heading in {one.lstrip("# ") for one in lines if one.startswith("#")}


def test_every_heading_of_the_table_has_a_term() -> None:
    leaky = LeakCount(1200, 7, None, None, "spelling")
    rows = [FIRST, replace(FIRST, ood="SUN", leaks=leaky)]
    assert [one.name for one in columns(rows) if not one.term] == []
    assert set(SLUGS.values()) == {one.slug for one in TERMS}


def test_slugs_are_used_once() -> None:
    assert len({one.slug for one in TERMS}) == len(TERMS)
