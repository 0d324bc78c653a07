"""Claims about `oodcache score --bank NAME:1|2|4` and its curves, run on a real cache."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import Run
from samples.report.arrays import data_of
from samples.score.files import lists, mined, write_images, write_texts
from samples.score.words import CLASSES, NICE, words_of

import oodcache as package
from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.score.evaluation import evaluate
from oodcache.score.inputs.question import Question
from oodcache.score.onepass.variants import parse_all

__all__ = ["lists", "mined", "write_images", "write_texts"]
SETS = ("--model", "tiny", "--classes", "pets", "--id", "pets", "--ood", "strays", "--cache", ".")
SCORES = ("--score", "probe:C=10", "--score", "tip", "--score", "mcm")


@pytest.fixture(autouse=True)
def cached(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write_images: Callable[..., Any],
    write_texts: Callable[..., Any],
) -> None:
    count, dimension = CLASSES.shape
    names = words_of("class", count)
    for seed, name in enumerate(("pets", "strays", "train")):
        labels = np.arange(6 * count) % count
        noise = np.random.default_rng(seed).normal(size=(len(labels), dimension)) / dimension**0.5
        vectors = CLASSES[labels] + noise * (2 if name == "strays" else 0.7)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        write_images(name, vectors.astype(np.float32), labels=labels, label_names=names)
    write_texts("pets", CLASSES, class_names=names, templates=[NICE])
    monkeypatch.chdir(tmp_path)


def test_a_curve_is_scored_read_back_drawn_and_put_on_a_page(oodcache: Run) -> None:
    bank = ("--bank", "train:1|2|4", "--bank-draws", "2", "--bank-seed", "3")
    done = oodcache("score", *SETS, *SCORES, *bank, "-o", "r.json")
    assert done.status == 0, done.err
    for row in ("probe:C=10 (1 shot)", "tip (4 shots)"):
        assert row in done.out
    assert "bank train:1|2|4." in done.out
    assert "means over 2 draws of that many images of each class (seeds 3 to 4)" in done.out
    rows = json.loads(Path("r.json").read_text())["results"]
    assert [one["shots"] and one["shots"]["per_class"] for one in rows] == [1, 2, 4, 1, 2, 4, None]
    drawn = oodcache("plot", "sweep", "r.json", "-o", "r.svg")
    assert drawn.status == 0, drawn.err
    assert "shots" in Path("r.svg").read_text()
    made = oodcache("report", "r.json", "-o", "r.html", "--cache", ".")
    assert made.status == 0, made.err
    assert [one["parameter"] for one in data_of(Path("r.html").read_text())["sweeps"]] == ["shots"]


def test_the_same_rows_come_from_python(oodcache: Run) -> None:
    bank = ("--bank", "train:1|2", "--bank-draws", "2")
    done = oodcache("score", *SETS, *SCORES, *bank, "--format", "json")
    told = json.loads(done.out)["results"]
    rows = package.open(".").evaluate(
        *("tiny",),
        **{"id": "pets", "ood": "strays", "classes": "pets", "bank": "train:1|2"},
        scores=["probe:C=10", "tip", "mcm"],
        bank_draws=2,
        note=lambda text: None,
    )
    assert [one.auroc for one in rows] == [one["auroc"] for one in told]
    assert [one.shots.ranges["auroc"] for one in rows if one.shots] == [
        tuple(one["shots"]["ranges"]["auroc"]) for one in told if one["shots"]
    ]


def test_a_data_frame_has_whole_numbers_of_shots() -> None:
    rows = package.open(".").evaluate(
        *("tiny",),
        **{"id": "pets", "ood": "strays", "classes": "pets", "bank": "train:1|2"},
        scores=["tip", "mcm"],
        note=lambda text: None,
    )
    frame = rows.to_pandas()
    assert [str(frame[name].dtype) for name in ("shots", "bank_draws")] == ["Int64", "Int64"]
    assert frame["shots"].isna().tolist() == [False, False, True]
    assert frame["shots"].dropna().tolist() == [1, 2]


def test_python_is_told_in_its_own_words() -> None:
    cache, sets = package.open("."), {"id": "pets", "ood": "strays", "classes": "pets"}
    with pytest.raises(InputError) as error:
        cache.evaluate("tiny", **sets, bank="train", bank_draws=2)
    assert str(error.value).startswith("bank_draws=2: nothing is drawn, because the bank train is")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--bank", "train:1|x"), "--bank train:1|x: give NAME:N for N images per class, or NAME"),
        (("--bank", "train", "--bank-draws", "2"), "--bank-draws 2: nothing is drawn, because the"),
        (("--bank", "train:1|2", "--compare"), "--compare: takes the images' scores with one bank"),
        (
            ("--bank", "train:1", "--bank-draws", "2", "--bootstrap", "9"),
            "--bank-draws 2: rows are means over draws, which --bootstrap is not defined for",
        ),
        (("--score", "ash"), "--score 'ash': no score 'ash': it is made for activations after a"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    oodcache: Run, more: tuple[str, ...], words: str
) -> None:
    done = oodcache("score", *SETS, *SCORES, *more)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"oodcache: {words}")
    assert done.err.count("\n") == 1


def test_figures_of_single_images_take_the_rows_that_have_them(oodcache: Run) -> None:
    done = oodcache("score", *SETS, *SCORES, "--bank", "train:1|2", "-o", "r.json")
    assert done.status == 0, done.err
    drawn = oodcache("plot", "histogram", "r.json", "-o", "h.svg", "--cache", ".")
    assert drawn.status == 0, drawn.err
    assert "mcm" in Path("h.svg").read_text()
    refused = oodcache(
        *("plot", "histogram", "r.json", "-o", "i.svg", "--cache", ".", "--score", "tip"),
    )
    assert refused.status == 1
    assert "has several banks or draws, and histogram shows single images" in refused.err
    refused = oodcache(
        *("plot", "roc", "r.json", "-o", "i.svg", "--cache", ".", "--score", "probe"),
    )
    again = "score again with one, such as --bank train:1 --output FILE.json, or choose: mcm"
    assert again in refused.err
    drawn = oodcache("plot", "sweep", "r.json", "-o", "i.svg", "--score", "probe")
    assert drawn.status == 0, drawn.err


@pytest.mark.parametrize("score", ["probe:C=10", "probe-zero-shot", "tip", "fdbd"])
def test_a_loaded_detector_of_few_shots_has_the_scores_that_were_measured(
    oodcache: Run, score: str
) -> None:
    sets = ("--model", "tiny", "--classes", "pets", "--id", "pets", "--cache", ".")
    of_bank = ("--score", score, "--bank", "train:4")
    made = oodcache("calibrate", *sets, *of_bank, "--alpha", "0.1", "-o", "d.json")
    assert made.status == 0, made.err
    saved = oodcache("score", *SETS, *of_bank, "--save-scores", "all.csv")
    assert saved.status == 0, saved.err
    with Path("all.csv").open() as file:
        lines = [one for one in csv.DictReader(file) if one["data_set"] == "strays"]
    told = oodcache("detect", "d.json", "strays", "--cache", ".", "--format", "jsonl")
    found = {one["path"]: one["score"] for one in map(json.loads, told.out.splitlines())}
    label = next(name for name in reversed(lines[0]) if name.startswith(score))  # The shown form.
    expected = {one["path"]: float(one[label]) for one in lines}
    assert found.keys() == expected.keys()
    assert [found[one] for one in expected] == pytest.approx([*expected.values()], rel=1e-9)


def test_a_detector_takes_one_bank(oodcache: Run) -> None:
    sets = ("--model", "tiny", "--classes", "pets", "--id", "pets", "--cache", ".")
    of_bank = ("--score", "tip", "--bank", "train:1|2", "--alpha", "0.1")
    done = oodcache("calibrate", *sets, *of_bank, "-o", "d.json")
    assert (done.status, Path("d.json").exists()) == (1, False)
    assert done.err.endswith("--bank train:1|2: give NAME, or NAME:N for N images per class\n")


@pytest.mark.parametrize(
    ("bank", "rows"),
    [("few", {"knn", "mahalanobis", "vim"}), ("few:1", {"probe", "probe-zero-shot", "tip"})],
)
def test_a_bank_of_any_size_needs_no_score_to_be_named(
    oodcache: Run, write_images: Callable[..., Any], bank: str, rows: set[str]
) -> None:
    labels = np.arange(2 * len(CLASSES)) % len(CLASSES)
    names = words_of("class", len(CLASSES))
    write_images("few", CLASSES[labels], labels=labels, label_names=names)
    done = oodcache("score", *SETS, "--bank", bank, "--format", "csv")
    assert done.status == 0, done.err
    found = {one["score"] for one in csv.DictReader(done.out.splitlines())}
    assert rows < found
    told = "bank few has 18 images, fewer than 50: knn:k=2, the size of its smallest class"
    assert (told in done.err) == (bank == "few")


def test_draws_are_told_once_and_only_banks_are_counted() -> None:
    notes: list[str] = []
    totals: list[tuple[int, str]] = []

    @contextmanager
    def progress(what: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        done: list[int] = []
        yield done.append
        if unit == "banks":
            totals.append((total, unit))
            assert sum(done) == total

    variants = parse_all(["mcm", "mahalanobis"])
    question = Question(Path(), ["tiny"], "pets", ["strays"], variants, "pets", bank="train:1")
    evaluate(replace(question, bank_draws=3), Watch(notes.append, progress))
    assert totals == [(3, "banks")]
    of_bank = [one for one in notes if one.startswith("bank train:1")]
    assert len(of_bank) == len({re.sub(r"[\d.]+", "0", one) for one in of_bank}) > 0
