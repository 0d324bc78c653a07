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
            "--stream drift: no requested score learns from the stream; add one, or omit "
            "--stream: --score oodd",
        ),
        (
            ["--stream-seed=3"],
            "mcm",
            "--stream-seed has no effect: no requested score learns from a stream",
        ),
        (
            ["--stream=drft"],
            "oodd",
            "--stream 'drft': use shuffle, shuffle:N, id-first, ood-first, drift, ratio:R or "
            "file:FILE.csv",
        ),
        (
            ["--stream=shuffle:2", "--save-scores=s.csv"],
            "oodd",
            "--save-scores: oodd scores an image anew in each stream of shuffle:2; give one --ood "
            "with one shuffle or order, or --stream drift",
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


def test_help_names_the_scores_of_negatives_and_streams(oodcache: Run) -> None:
    text = " ".join(oodcache("score", "--help").out.split())
    assert "for neglabel, eoe, csp, adaneg, tanl." in text
    assert "FILE.py:FUNCTION (or CLASS, for a stream)" in text
