"""Claims about every command that takes a score, run with a score of the user's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from samples import Run
from samples.report.arrays import data_of

CODE = '''"""Scores of my own."""
import numpy as np


def gap(batch, *, k=1):
    """Largest cosine less the k-th next."""
    ordered = np.sort(batch.cosines, axis=1)
    return ordered[:, -1] - ordered[:, -1 - k]


def near(batch, *, k=1):
    """Cosine with the k-th nearest training image."""
    return np.sort(batch.images @ batch.bank.vectors.T, axis=1)[:, -k]


def mean(batch):
    """Depends on its neighbours."""
    return batch.cosines.max(axis=1) - batch.cosines.mean()


def broken(batch):
    return batch.cosines[:, 99]


mean_of_all = lambda batch: mean(batch)
mean_of_all.whole = True
'''
Command = Callable[..., list[str]]


@pytest.fixture
def score(demo: Path, tmp_path: Path) -> Command:
    """Write the code into the folder that the test runs in; return arguments of `score`."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code/mine.py").write_text(CODE)
    (tmp_path / "embeddings").symlink_to(demo / "embeddings")

    def arguments(*scores: str, more: tuple[str, ...] = ()) -> list[str]:
        typed = [text for one in scores for text in ("--score", one)]
        return [
            *("score", "--model", "tiny-clip", "--id", "digits", "--ood", "photos"),
            *(*typed, *more),
        ]

    return arguments


def test_it_stands_in_the_table_beside_the_built_in_ones(oodcache: Run, score: Command) -> None:
    grid = ("--format", "json", "--compare", "--bootstrap", "20", "--save-scores", "all.csv")
    done = oodcache(*score("margin", "code/mine.py:gap", "code/mine.py:gap:k=1|2", more=grid))
    assert done.status == 0, done.err
    whole = json.loads(done.out)
    assert [(row["score"], row["parameters"]) for row in whole["results"]] == [
        ("margin", {}),
        ("mine.py:gap", {"k": 1.0}),
        ("mine.py:gap", {"k": 2.0}),
    ]
    first, second = whole["results"][:2]
    assert second["auroc"] == pytest.approx(first["auroc"], abs=1e-5)
    assert second["bootstrap"]["auroc"] == pytest.approx(first["bootstrap"]["auroc"], abs=1e-5)
    assert {one["second"][2] for one in whole["differences"]} >= {"mine.py:gap:k=2"}
    assert list(whole["provenance"]["code"]) == ["mine.py:gap"]
    columns = Path("all.csv").read_text().splitlines()[0]
    assert columns.endswith("mine.py:gap:k=2,mine.py:gap:k=2 shown")


def test_its_parameters_are_picked_on_another_set(oodcache: Run, score: Command) -> None:
    more = ("--format", "json", "--select-on", "eight-nine")
    done = oodcache(*score("mcm", "code/mine.py:gap:k=1|2|5", more=more))
    assert done.status == 0, done.err
    rows = json.loads(done.out)["results"]
    assert [(row["score"], row["picked"]["tried"]) for row in rows] == [
        ("mcm", 1),
        ("mine.py:gap", 3),
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mean", "code/mine.py, line 16) depends on other images: one image "),
        ("broken", "code/mine.py, line 22) raised IndexError: index 99 is out of bounds"),
        ("near", "mine.py:near needs a bank: give --bank digits-train"),
        ("gip", "code/mine.py: has no function 'gip' (there are: gap, near, mean, broken, mean_o"),
        ("gap:n=1", "'n=1' sets no parameter of mine.py:gap (parameters: k)"),
    ],
)
def test_a_mistake_is_one_line(oodcache: Run, score: Command, name: str, words: str) -> None:
    done = oodcache(*score(f"code/mine.py:{name}"))
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    assert words in done.err
    assert len(done.err.encode()) < 600


def test_a_detector_is_made_and_applied_with_it(oodcache: Run, score: Command) -> None:
    assert score
    made = oodcache(
        *("calibrate", "--model", "tiny-clip", "--id", "digits", "--alpha", "0.1"),
        *("--score", "code/mine.py:near:k=2", "--bank", "digits-train", "-o", "d.json"),
    )
    assert made.status == 0, made.err
    done = oodcache("detect", "d.json", "--score", "code/mine.py:near", "photos")
    assert (done.status, len(done.out.splitlines())) == (3, 320)
    without = oodcache("detect", "d.json", "photos")
    assert (without.status, without.err) == (
        1,
        "oodcache: d.json: made with 'mine.py:near', code of your own; add --score FILE.py:near "
        "(in Python: the function)\n",
    )
    whole = oodcache(
        *("calibrate", "--model", "tiny-clip", "--id", "digits", "--alpha", "0.1"),
        *("--score", "code/mine.py:mean_of_all", "-o", "whole.json"),
    )
    assert (whole.status, "takes all images of a set at once" in whole.err) == (1, True)


def drawn(page: str) -> set[str]:
    """Return the scores that a page has curves of."""
    return {one["key"][2] for one in data_of(Path(page).read_text())["rows"]}


@pytest.mark.slow
def test_its_results_are_reported_and_plotted(oodcache: Run, score: Command) -> None:
    more = ("--output", "r.json")
    assert oodcache(*score("mcm", "code/mine.py:gap:k=1|2", more=more)).status == 0
    code = ("--score", "code/mine.py:gap")
    done = oodcache("report", "r.json", *code)
    assert (done.status, "code of your own" in done.err) == (0, False)
    assert {"mine.py:gap:k=2", "mcm"} < drawn("r.html")  # Code leaves nothing out.
    assert oodcache("report", "r.json", "-o", "m.html", "--score", "mcm").status == 0
    assert drawn("m.html") == {"mcm"}
    without = oodcache("report", "r.json")
    assert without.status == 0
    assert "code of your own; add --score FILE.py:gap" in without.err
    for kind in ("roc", "pr", "histogram", "results", "heatmap"):
        chosen = code if kind != "histogram" else ("--score", "code/mine.py:gap:k=2")
        done = oodcache("plot", kind, "r.json", *chosen, "-o", f"{kind}.svg")
        assert done.status == 0, (kind, done.err)
    assert oodcache("plot", "sweep", "r.json", "-o", "sweep.svg").status == 0
    assert "code of your own" in oodcache("plot", "roc", "r.json", "-o", "again.svg").err


@pytest.mark.parametrize(
    "command", [("report", "r.json"), ("plot", "roc", "r.json", "-o", "x.svg")]
)
def test_results_never_cause_code_to_be_run(
    oodcache: Run, score: Command, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert oodcache(*score("code/mine.py:gap", more=("--output", "r.json"))).status == 0
    Path("stranger.py").write_text("open('mark', 'w')\ndef gap(batch): return batch.nearest\n")
    monkeypatch.syspath_prepend(".")
    for name in ("stranger.py:gap", "stranger:gap", "stranger"):
        whole = json.loads(Path("r.json").read_text())
        whole.pop("sha256", None)
        for row in whole["results"]:
            row["score"] = name
        Path("r.json").write_text(json.dumps(whole))
        assert "code of your own; add --score " in oodcache(*command).err
    assert not Path("mark").exists()
