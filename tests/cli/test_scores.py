"""Claims about `oodcache scores`, and that docs/scores.md says the same."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
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


def test_the_scores_to_start_with_are_told_with_a_command_that_runs(
    oodcache: Run, write_pets: Callable[..., Path], write_names: Callable[..., Path]
) -> None:
    folder = Path("embeddings/tiny/demo")
    write_names(folder / "texts" / "pets.h5", count=3)
    write_pets(folder / "images" / "strays.h5", names=0, seed=1)
    told = oodcache("scores", "--for", "tiny")
    assert told.status == 0, told.err
    assert told.out.startswith(
        "tiny/demo: scale 10, bias -5; 3 classes of pets; ID unknown: no images have the classes "
        "as labels; no bank, no negatives\n\nmcm\n    why: the baseline"
    )
    assert "0.5 at the cosine 0.5\n" in told.out
    assert "\n\nalso there: oodd; each image's score sees other test images" in told.out
    *_, line = told.out.splitlines()
    assert line.startswith("oodcache score --model tiny/demo --classes pets --id ID --ood OOD ")
    write_pets(folder / "images" / "pets.h5", names=0)
    typed = shlex.split(line.replace("OOD", "strays").replace("ID", "pets"))
    assert oodcache(*typed[1:]).status == 0


def test_starts_are_of_a_model_not_of_a_score(oodcache: Run) -> None:
    assert oodcache("scores", "mcm", "--for", "tiny").status == 2
    alone = oodcache("scores", "--cache", "embeddings")
    assert (alone.status, alone.err.splitlines()[-1]) == (
        2,
        "Error: --cache: is for --for MODEL; omit it, or add --for",
    )
    refused = oodcache("scores", "--for", "tiny")
    assert refused.status == 1
    assert refused.err.startswith("oodcache: embeddings: no embeddings of model 'tiny'")
