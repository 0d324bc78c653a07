"""Claims about `oodcache scores`, and that docs/scores.md says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from samples import Run

from oodcache.score.formulas.registry import SCORES

PAGE = (Path(__file__).parent.parent.parent / "docs" / "scores.md").read_text()


def test_every_score_is_listed_with_its_formula_and_parameters(oodcache: Run) -> None:
    shown = " ".join(oodcache("scores").out.split())
    for name, score in SCORES.items():
        assert f"{name} formula: {score.formula}" in shown
    assert "parameters: temperature = learned, gamma = 0.1, top = 100" in shown


@pytest.mark.parametrize("name", SCORES)
def test_one_score_is_told_in_full(oodcache: Run, name: str) -> None:
    shown = oodcache("scores", name).out
    for fact in SCORES[name].facts.values():
        assert fact in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= 92


def test_a_score_that_is_none_is_told_what_is_near(oodcache: Run) -> None:
    done = oodcache("scores", "join-energy")
    assert (done.status, done.err) == (
        1,
        "oodcache: no score 'join-energy'; did you mean joint-energy?\n",
    )


@pytest.mark.parametrize("name", SCORES)
def test_the_page_has_a_section_and_a_row_with_the_same_defaults(name: str) -> None:
    section = re.search(rf"^## `{name}`\n(.*?)(?=^## )", PAGE, re.M | re.S)
    assert section is not None
    for heading in ("Formula", "Ranks by", "Source", "Default", "Use it", "Limits"):
        assert f"**{heading}**" in section[1]
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| [`{name}`](#{name})"))
    assert row.endswith(f"| {SCORES[name].facts['parameters']} |")
