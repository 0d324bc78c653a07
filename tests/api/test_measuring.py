"""Claims about `oodcache.metrics` and `oodcache.compare`: the commands, for scores in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import Run

import oodcache as package

RNG = np.random.default_rng(1)
ID, SUN = RNG.normal(1, size=80), RNG.normal(0, size=60)
MINE = {"id": ID + RNG.normal(size=80), "SUN": SUN + RNG.normal(size=60)}
BOTH = ({"mcm": ID, "mine": MINE["id"]}, {"SUN": {"mcm": SUN, "mine": MINE["SUN"]}})


def test_rows_are_those_of_the_command(oodcache: Run) -> None:
    np.savez("id.npz", mcm=ID, mine=MINE["id"])
    np.savez("sun.npz", mcm=SUN, mine=MINE["SUN"])
    done = oodcache(
        *("metrics", "--id", "id.npz", "--ood", "SUN=sun.npz", "--column", "mcm"),
        *("--column", "mine", "--bootstrap", "10", "--seed", "2", "--compare"),
        *("--fpr-convention", "openood", "--format", "json"),
    )
    rows = package.compare(
        *BOTH, bootstrap=10, seed=2, conventions=package.Conventions(fpr_convention="openood")
    )
    shown: dict[str, Any] = json.loads(done.out)
    assert json.loads(json.dumps([asdict(row) for row in rows])) == shown["results"]
    assert json.loads(json.dumps([asdict(one) for one in rows.differences])) == shown["differences"]


def test_metrics_are_counted_over_pairs() -> None:
    (row,) = package.metrics([3, 2, 1], [0, 2])
    # Of six pairs five are in order, and one ties.
    assert (row.auroc, row.n_id, row.n_ood, row.score) == (4.5 / 6, 3, 2, "score")


def test_a_score_of_which_lower_is_id_has_its_sign_turned() -> None:
    (row,) = package.metrics(-ID, -SUN, lower_is_id=True)
    assert row.auroc == package.metrics(ID, SUN)[0].auroc


def test_names_of_numpy_are_texts_in_rows() -> None:
    name = np.str_
    (row,) = package.metrics({name("mine"): ID}, {name("SUN"): {name("mine"): SUN}}, id=name("q"))
    assert repr((row.score, row.ood, row.id)) == "('mine', 'SUN', 'q')"


def test_a_wrong_sign_is_asked_about() -> None:
    notes: list[str] = []
    package.metrics(-ID, -SUN, note=notes.append)
    (note,) = notes
    assert note.endswith("is below 50: is lower more ID? use lower_is_id=True")


def test_scores_in_memory_are_drawn_and_reported(tmp_path: Path) -> None:
    rows = package.compare(*BOTH)
    rows.report(tmp_path / "a.html")
    assert "mine" in (tmp_path / "a.html").read_text()
    assert rows[:1].plot("roc", width=3).get_figwidth() == 3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: package.metrics(ID, [[1.0]]), "ood_scores: contains float64 of shape (1, 1)"),
        (lambda: package.metrics(ID, SUN).differences, "use oodcache.compare(id_scores, ood_score"),
        (lambda: package.compare({"a": ID}, {"a": SUN}), "compare needs at least two scores: giv"),
        (
            lambda: package.metrics(ID, [ID, SUN]),
            "ood_scores: is a list of 2 arrays, not of numbers; ood_scores: give an array; {set: a",
        ),
        (lambda: package.metrics(ID, SUN, seed=1), "seed has no effect without bootstrap=N"),
        (
            lambda: package.metrics(
                ID, SUN, bootstrap=5, conventions=package.Conventions(bootstrap=9)
            ),
            "bootstrap is 5, but conventions has 9; give one of them",
        ),
        (
            lambda: package.metrics(ID, SUN, conventions=package.Conventions(selective=True)),
            "unknown; give correct, a list with 1 for a correct one and 0 for another",
        ),
        (lambda: package.metrics(ID, SUN, correct=[1]), "correct has 1 values, but id_scores has"),
        (lambda: package.metrics([3, 2], SUN, correct=[1, 2]), "correct: row 1, from 0, is 2; exp"),
        (
            lambda: package.metrics([3, 2], SUN, correct=[1, 0], csid_scores={"x": [1, 2]}),
            "csid images are not known to be classified correctly",
        ),
        (lambda: package.metrics(ID, SUN, bootstrap=-5), "bootstrap is -5, not a whole number"),
        (
            lambda: package.metrics(ID, SUN).plot("fooled"),
            "fooled shows images, but results does not name any: use results of cache.evaluate",
        ),
    ],
)
def test_a_mistake_raises_one_line(call: Callable[[], object], words: str) -> None:
    with pytest.raises(package.InputError) as error:
        call()
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("correct", [[1, 0, 1], np.array([True, False, True]), (1.0, 0.0, 1.0)])
def test_what_is_correct_adds_selective_classification(correct: object) -> None:
    (row,) = package.metrics([3, 2, 1], [0, 2], correct=correct, bootstrap=10)
    assert row.selective is not None
    assert row.selective.id_alone.aurc == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)
    assert row.bootstrap is not None
    assert "selective_balanced_augrc" in row.bootstrap
    rows = package.compare({"a": [3, 2, 1], "b": [1, 2, 3]}, {"a": [0], "b": [0]}, correct=correct)
    assert [one.selective is None for one in rows] == [False, False]
    assert rows.provenance["command"].endswith("id='id', correct=correct)")
    assert rows.to_pandas()["selective_id_alone_aurc"][0] == row.selective.id_alone.aurc
