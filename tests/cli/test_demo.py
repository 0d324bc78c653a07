"""Claims about the demo: the whole path, on what comes with the package."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from samples import Run
from samples.report.arrays import data_of
from samples.report.results import FIRST

from oodcache.score.measures.result import Result
from oodcache.study.demo import MODELS, OOD_SETS, conclusion

README = (Path(__file__).parents[2] / "README.md").read_text()


def assert_is_the_readmes(printed: str) -> None:
    """Compare the table with README's but for its digits, of which another processor has others."""
    shown = re.search(r"<!-- demo -->\n```text\n(.*?)```\n<!-- /demo -->", README, re.S)
    assert shown is not None
    table, _, _ = shown[1].partition("\n\n")
    rows = [line for line in table.splitlines() if re.search(r"\d\.\d\d", line)]
    # Scores, and each model's accuracy; an interval stands below its score, without a name.
    assert sum(not row.startswith("   ") for row in rows) == 10 + 2
    for row in rows:
        pattern = re.sub(r"\\?\d+\\?\.\d\d", r"\\d+\\.\\d\\d", re.escape(row))
        assert re.search(pattern, printed), row


def test_the_demo_ends_in_a_table_and_leaves_its_results(oodcache: Run) -> None:
    done = oodcache("demo")
    assert done.status == 0, done.err
    shown = [line[2:] for line in done.err.splitlines() if line.startswith("$ ")]
    assert [shlex.split(line)[:2] for line in shown] == [
        ["oodcache", "extract"],
        ["oodcache", "extract"],
        ["oodcache", "score"],
        ["oodcache", "report"],
    ]
    assert done.err.splitlines()[-1] == "The report (open in a browser): results/demo.html"
    page = Path("results/demo.html").read_text()
    # Each score has 12 images of each set: many of them are the same.
    assert len(data_of(page)["thumbnails"]) > 100 and "There are no curves" not in page
    rows: list[dict[str, Any]] = json.loads(Path("results/demo.json").read_text())["results"]
    assert {row["model"] for row in rows} == {"tiny-clip", "tiny-sigmoid"}
    assert len(rows) == 2 * 5 * 4
    assert all(row["id_accuracy"] >= 0.9 for row in rows)
    # What the models never saw is told apart better than by a coin, by every score.
    assert all(row["auroc"] > 0.6 for row in rows)
    first, second = done.out.splitlines()[-2:]
    best = {name: max(row["auroc"] for row in rows if row["ood"] == name) for name in OOD_SETS}
    photos = f"{100 * best['photos']:.2f}"
    assert f"{float(photos):.0f} of 100 pairs with one of them (AUROC {photos})" in first
    assert f"are the hardest (AUROC {100 * min(best.values()):.2f})." in first
    assert second.endswith("compare them on your own images.")
    assert "next:" not in done.err, "demo types what comes next itself"
    for row in rows:
        if row["score"] == "sigmoid-mcm":
            (same,) = (
                one
                for one in rows
                if one["score"] == "max-logit"
                and (one["model"], one["ood"]) == (row["model"], row["ood"])
            )
            assert [row[key] for key in ("auroc", "fpr95", "aupr_in", "aupr_out")] == [
                same[key] for key in ("auroc", "fpr95", "aupr_in", "aupr_out")
            ]

    started = time.process_time()
    again = oodcache("demo")
    assert again.status == 0
    assert_is_the_readmes(again.out)
    assert "loading" not in again.err
    assert again.err.count("kept ") == 12
    assert again.out == done.out
    # Far from a measurement: it tells seconds from the minutes of an extraction.
    assert time.process_time() - started < 30


def made_up(model: str, ood: str, score: str, auroc: float) -> Result:
    return replace(FIRST, model=model, ood=ood, score=score, parameters={}, auroc=auroc)


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("energy", "The best score differs by model, mcm for tiny-clip and energy for tiny-"),
        ("mcm", "The best score is mcm for both: compare them on your own images, too."),
    ],
)
def test_the_conclusion_is_computed_from_the_results(second: str, said: str) -> None:
    hard = {"eight-nine": 0.9, "photos": 0.8, "textures": 0.85, "average": 0.85}
    shown = [
        made_up(model, ood, score, auroc - 0.1 * (score != best))
        for model, best in zip(MODELS, ("mcm", second), strict=True)
        for ood, auroc in hard.items()
        for score in ("mcm", "energy")
    ]
    first, last = conclusion(shown)
    assert first == (
        "Of the OOD images, eights and nines are the easiest to tell from the ID digits: with the "
        "best score a digit scores higher in 90 of 100 pairs with one of them (AUROC 90.00); "
        "photos are the hardest (AUROC 80.00)."
    )
    assert last.startswith(said)


@pytest.mark.slow
def test_the_commands_that_the_demo_shows_run_as_they_are_shown(
    oodcache: Run, after_demo: Path
) -> None:
    shown = [line[2:] for line in oodcache("demo").err.splitlines() if line.startswith("$ ")]
    result = Path("results/demo.json").read_bytes()
    Path("results/demo.json").unlink()
    for line in shown:
        assert oodcache(*shlex.split(line)[1:]).status == 0
    ours, theirs = (json.loads(one) for one in (result, Path("results/demo.json").read_bytes()))
    assert ours == theirs


@pytest.mark.slow
def test_without_plotly_the_demo_says_what_a_report_needs(
    oodcache: Run, after_demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("results/demo.html").unlink()
    monkeypatch.setitem(sys.modules, "plotly", None)  # type: ignore[arg-type]
    done = oodcache("demo")
    assert done.status == 0 and "mcm" in done.out
    assert (
        done.err.splitlines()[-1]
        == "skipping the report, which needs plotly: type  pip install 'oodcache[report]'"
    )
    assert not Path("results/demo.html").exists()


@pytest.mark.slow
def test_a_half_written_image_folder_is_no_obstacle(
    oodcache: Run, after_demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree("data")
    from oodcache.extract.demo import embedded

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(embedded, "_write_png", interrupted)
        assert oodcache("demo").status == 130
    assert not Path("data/demo/digits").exists()
    assert oodcache("demo").status == 0
