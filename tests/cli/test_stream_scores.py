"""Claims about `oodcache score --stream`: rows in stated orders, or one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from samples import Outcome, Run


@pytest.fixture
def streamed(
    oodcache: Run,
    tmp_path: Path,
    write_images: Callable[..., Any],
    write_texts: Callable[..., Any],
) -> Callable[..., Outcome]:
    """Score some ID images against others in given orders."""

    def cloud(rows: int, seed: int) -> npt.NDArray[np.float32]:
        vectors = np.random.default_rng(seed).normal(size=(rows, 8))
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    write_texts("three", cloud(3, 0))
    write_images("inside", cloud(40, 1))
    write_images("outside", cloud(30, 2))

    def run(*more: str, score: str = "oodd:queue=16,batch=8") -> Outcome:
        options = ("--model=tiny", "--id=inside", "--ood=outside", f"--score={score}")
        return oodcache("score", *options, f"--cache={tmp_path}", *more)

    return run


def results(outcome: Outcome) -> list[dict[str, Any]]:
    assert outcome.status == 0, outcome.err
    rows: list[dict[str, Any]] = json.loads(outcome.out)["results"]
    return rows


def test_json_has_every_order_of_a_row(streamed: Callable[..., Outcome]) -> None:
    options = ("--stream=shuffle:2", "--stream=id-first", "--stream-seed=3", "--format=json")
    several, first = results(streamed(*options))
    assert list(several["stream"]["orders"]) == ["shuffle 3", "shuffle 4"]
    assert first["stream"]["order"] == "id-first"
    assert several["stream"]["deviations"]["auroc"] > 0
    assert "adds base and cosine" in first["stream"]["note"]


@pytest.mark.parametrize(
    ("options", "score", "problem"),
    [
        (
            ["--stream=drift"],
            "mcm",
            "--stream drift: no requested score learns from the stream; add one, such as "
            "--score oodd, or omit --stream",
        ),
        (
            ["--stream-seed=3"],
            "mcm",
            "--stream-seed has no effect: no requested score learns from a stream",
        ),
        (
            ["--stream=drft"],
            "oodd",
            "--stream 'drft': use shuffle, shuffle:5, id-first, ood-first, drift, ratio:10 or "
            "file:FILE.csv",
        ),
        (
            ["--stream=shuffle:2", "--save-scores=s.csv"],
            "oodd",
            "--save-scores: a file has one score of an image, and oodd gives one in each stream of "
            "shuffle:2; give one --ood and one order, such as --stream shuffle, or --stream drift",
        ),
        (
            ["--stream=ratio:2", "--save-scores=s.csv"],
            "oodd",
            "--save-scores: ratio:2 keeps only some of the images, and the others have no scores "
            "of oodd; use another --stream, such as shuffle",
        ),
    ],
)
def test_what_cannot_be_replayed_is_one_line(
    streamed: Callable[..., Outcome], options: list[str], score: str, problem: str
) -> None:
    done = streamed(*options, score=score)
    assert (done.status, done.err) == (1, f"oodcache: {problem}\n")


@pytest.fixture
def mine(
    streamed: Callable[..., Outcome], oodcache: Run, write_texts: Callable[..., Any], tmp_path: Path
) -> Callable[..., Outcome]:
    """Mine negatives, called x, from sixty words."""
    words = np.random.default_rng(3).normal(size=(60, 8)).astype(np.float32)
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    write_texts("words", words, class_names=[f"word {at}" for at in range(60)])
    given = ("--model=tiny", "--classes=three", "--words=words", "-ox", f"--cache={tmp_path}")
    return lambda *more: oodcache("negatives", *given, *more)


def test_negatives_without_a_near_end_say_how_to_mine_one(
    mine: Callable[..., Outcome], streamed: Callable[..., Outcome], tmp_path: Path
) -> None:
    assert mine().status == 0
    refused = streamed("--classes=three", "--negatives=x", score="clipscope")
    path = tmp_path / "Tiny/one/negatives/x.json"
    assert (refused.status, refused.err.splitlines()[-1]) == (
        1,
        f"oodcache: {path}: contains no nearest words; mine them with: oodcache negatives --model "
        "tiny --classes three --words words --template 'a {}' --nearest 51 --overwrite -o x; "
        "then use clipscope:near=mined,far=mined",
    )


@pytest.mark.slow
def test_clipscope_is_compared_and_resampled_in_every_order(
    mine: Callable[..., Outcome], streamed: Callable[..., Outcome]
) -> None:
    assert mine("--nearest=10").status == 0
    given = ("--classes=three", "--negatives=x", "--stream=shuffle:2", "--stream=id-first")
    several = "clipscope:near=mined|5,far=mined,form=softmax|sigmoid"
    options = (*given, "--score=neglabel:groups=1", "--compare", "--bootstrap=20", "--format=json")
    rows = results(streamed(*options, score=several))
    own = [one for one in rows if one["score"] == "clipscope"]
    assert len(own) == 8
    assert len({one["auroc"] for one in own}) > 4
    assert {one["stream"]["order"] for one in own} == {"shuffle:2", "id-first"}
    assert all(len(one["bootstrap"]["auroc"]) == 2 for one in own)


def test_help_names_the_scores_of_negatives_and_streams(oodcache: Run) -> None:
    text = " ".join(oodcache("score", "--help").out.split())
    assert "for neglabel, eoe, csp, adaneg, tanl, clipscope." in text
    assert "FILE.py:FUNCTION (or CLASS, for a stream)" in text
