"""Claims about which images calibrate, and which score is chosen: none decides about itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import silent
from samples.score.banks import around, unit

from oodcache.cache.errors import InputError
from oodcache.detect.conformal import Threshold
from oodcache.detect.detector import Choice, Scorer
from oodcache.detect.making import Making, Wish, only, printed
from oodcache.score.inputs.selection import select
from oodcache.score.measures.metrics import auroc
from oodcache.score.onepass.variants import parse_all
from oodcache.score.references import open_references

CLASSES = unit(5, 4, 1000)
LABELS = np.arange(200) % 5
INSIDE, TRAINING, OTHERS = (around(CLASSES, LABELS, seed) for seed in (1, 2, 3))
STRAYS = unit(150, 4, 4)
NAMES = [f"class {place}" for place in range(5)]


@pytest.fixture
def cache(
    tmp_path: Path, write_texts: Callable[..., Any], write_images: Callable[..., Any]
) -> Path:
    """Write classes, ID images, others, training images, which some ID images are among, strays."""
    write_texts("pets", CLASSES, CLASSES[::-1], templates=("a {}", "the {}"), class_names=NAMES)
    sets = {"inside": INSIDE, "others": OTHERS, "train": TRAINING}
    sets["mixed"] = np.concatenate([TRAINING[:150], INSIDE[:50]])
    for name, rows in sets.items():
        write_images(name, rows, labels=LABELS, label_names=NAMES)
    write_images("strays", STRAYS)
    return tmp_path


def making(cache: Path, notes: list[str] | None = None, **changes: Any) -> Making:
    given: dict[str, Any] = {
        "cache": cache,
        "model": "tiny",
        "classes": None,
        "id_set": "inside",
        "scores": ["mcm"],
        "alpha": 0.05,
        "template": "a {}",
        **changes,
    }
    wish = Wish(**given)
    others = [one for one in (wish.select_on, wish.select_id) if one]
    selection = select(cache, "tiny", classes=None, id_set=wish.id_set, ood_sets=others)
    references = open_references(
        *(cache, selection, parse_all(wish.scores)),
        templates=["a {}"],
        negatives=None,
        bank=wish.bank,
        bank_labels=wish.bank_labels,
        seed=wish.seed,
        note=lambda text: None,
    )
    note = [].append if notes is None else notes.append
    return Making(wish, selection, only(selection, wish.template), references, note, silent)


GRID = ["mcm:temperature=1|0.01", "energy:temperature=1"]


def chosen(made: Making, scores: list[str]) -> tuple[Choice, Scorer, Threshold, list[int]]:
    view, choice, variant = made.chosen(parse_all(scores))
    assert choice is not None
    scorer = made.scorer(variant)
    return choice, scorer, made.threshold(scorer, view), view.rows.tolist()


def test_one_score_is_calibrated_on_all_images(cache: Path) -> None:
    made = making(cache)
    view, choice, variant = made.chosen(parse_all(["mcm"]))
    threshold = made.threshold(made.scorer(variant), view)
    assert (choice, threshold.n, threshold.k) == (None, 200, 10)


def test_a_random_half_chooses_and_the_other_calibrates(cache: Path) -> None:
    notes: list[str] = []
    made = making(cache, notes, scores=GRID, select_on="strays", seed=7)
    choice, scorer, threshold, rows = chosen(made, GRID)
    assert notes == [
        "inside: 100 images, drawn by --seed 7, choose the score, the other 100 calibrate it"
    ]
    assert (choice.selecting, threshold.n, choice.is_half, choice.seed) == (100, 100, True, 7)
    assert [one.score for one in choice.tried] == [
        *("mcm", "mcm:temperature=0.01", "energy:temperature=1")
    ]
    selecting = sorted(set(range(200)) - set(rows))
    for one in choice.tried:
        (variant,) = parse_all([one.score])
        alone = Scorer(scorer.model, scorer.texts, variant)
        inside = alone.ranked([INSIDE[selecting]], 100)
        assert one.auroc == pytest.approx(auroc(inside, alone.ranked([STRAYS], 150)), abs=1e-12)
    best = max(choice.tried, key=lambda one: one.auroc)
    assert scorer.variant.label == best.score
    assert np.allclose(np.sort(scorer.ranked([INSIDE[rows]], 100)), threshold.scores, atol=1e-12)


def test_equal_vectors_are_never_on_both_sides(
    cache: Path, write_images: Callable[..., Any]
) -> None:
    write_images("twice", np.concatenate([INSIDE[:100], INSIDE[:100]]))
    made = making(cache, id_set="twice", scores=GRID, select_on="strays")
    *_, rows = chosen(made, GRID)
    assert len(rows) == 100
    assert {(row + 100) % 200 for row in rows} == set(rows)


def test_another_set_may_choose(cache: Path) -> None:
    made = making(cache, scores=GRID, select_on="strays", select_id="others")
    choice, _, threshold, rows = chosen(made, GRID)
    assert (choice.inside, choice.outside, choice.is_half) == ("others", "strays", False)
    assert (choice.selecting, threshold.n, rows) == (200, 200, list(range(200)))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"select_id": "mixed", "scores": GRID, "select_on": "strays"},
            "inside: 50 of 200 images have the very vector of an image of --select-id mixed: "
            "images that choose the score must not calibrate it; give another set",
        ),
        (
            {"select_on": "mixed", "scores": GRID},
            "inside: 50 of 200 images have the very vector of an image of --select-on mixed: "
            "images that choose the score must not calibrate it; give another set",
        ),
        (
            {"bank": "mixed", "scores": ["knn:k=5"]},
            "inside: 50 of 200 images have the very vector of an image of the bank mixed, and "
            "score as no new image does: give a set without them, or another --bank",
        ),
        (
            {"bank": "train", "scores": ["knn:k=5|9"], "select_on": "train"},
            "train: 200 of 200 images have the very vector of an image of the bank train, and "
            "score as no new image does: give a set without them, or another --bank",
        ),
        (
            {
                "bank": "others",
                "scores": ["knn:k=5|9"],
                "select_on": "strays",
                "select_id": "others",
            },
            "others: 200 of 200 images have the very vector of an image of the bank others, and "
            "score as no new image does: give a set without them, or another --bank",
        ),
    ],
)
def test_images_that_decided_something_must_not_calibrate(
    cache: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as refused:
        making(cache, **given).chosen(parse_all(given["scores"]))
    assert str(refused.value) == words


def test_a_drawn_bank_refuses_only_what_was_drawn(cache: Path) -> None:
    notes: list[str] = []
    made = making(cache, notes, id_set="others", bank="train:4", scores=["knn:k=5"])
    view, _, variant = made.chosen(parse_all(["knn:k=5"]))
    scorer = made.scorer(variant)
    assert scorer.bank is not None
    assert (scorer.bank.name, scorer.bank.vectors.shape) == ("train:4", (20, 4))
    assert sorted(scorer.bank.labels.tolist()) == sorted([*range(5)] * 4)
    assert made.threshold(scorer, view).n == 200


def test_a_bank_too_large_for_a_file_is_refused(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oodcache.detect.making.LARGEST", 799)
    with pytest.raises(InputError) as refused:
        making(cache, bank="train", scores=["knn:k=5"])
    assert str(refused.value) == (
        "--bank train: 200 images of 4 numbers are more than the 799 numbers that a detector "
        "holds: take so many of each class, as in --bank train:16"
    )


def test_several_templates_are_refused(cache: Path) -> None:
    with pytest.raises(InputError) as refused:
        making(cache, template="each")
    assert str(refused.value) == (
        "--template each is 2 templates here, and a detector has one: give --template average, or "
        "one of them"
    )


def test_too_few_images_name_their_set(cache: Path) -> None:
    made = making(cache, alpha=0.001)
    view, _, variant = made.chosen(parse_all(["mcm"]))
    with pytest.raises(InputError, match="inside: 200 images are too few .* at least 999"):
        made.threshold(made.scorer(variant), view)


def test_one_vector_cannot_be_cut_in_two(cache: Path, write_images: Callable[..., Any]) -> None:
    write_images("same", np.repeat(INSIDE[:1], 50, axis=0))
    made = making(cache, id_set="same", scores=GRID, select_on="strays")
    with pytest.raises(InputError, match="same: 50 images cannot be cut in two, or all have one"):
        made.chosen(parse_all(GRID))


def test_a_text_that_is_not_utf8_can_be_held_by_json() -> None:
    assert printed("a\udcffü") == "a\\udcffü"
