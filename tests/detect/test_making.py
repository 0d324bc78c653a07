"""Claims about which images calibrate, and which score is chosen: none decides about itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import silent
from samples.score.banks import around, unit

from oodcache.cache.errors import InputError
from oodcache.cache.watch import Watch
from oodcache.detect.conformal import Threshold
from oodcache.detect.detector import ScoreChoice, Scorer
from oodcache.detect.making import Calibration, DetectorRequest, half, only, printed
from oodcache.score.inputs.question import Question
from oodcache.score.inputs.selection import select
from oodcache.score.measures.metrics import auroc
from oodcache.score.measures.result import Conventions
from oodcache.score.onepass.variants import parse_all
from oodcache.score.own.function import Function
from oodcache.score.own.loading import of_function
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


def making(
    cache: Path,
    notes: list[str] | None = None,
    *,
    scores: Sequence[str | Function] = ("mcm",),
    alpha: float = 0.05,
    template: str = "a {}",
    select_id: str | None = None,
    seed: int = 0,
    **changes: Any,
) -> Calibration:
    wanted = {"id_set": "inside", "conventions": Conventions(seed=seed), **changes}
    question = Question(cache, ["tiny"], templates=[template], **wanted).asking(scores)
    request = DetectorRequest(question, alpha, select_id=select_id)
    selection = select(request.sets, "tiny")
    texts = only(selection, [template])
    references = open_references(request.sets, selection, [texts], lambda text: None)
    note = [].append if notes is None else notes.append
    return Calibration(request, selection, texts, references, Watch(note, silent))


GRID = ["mcm:temperature=1|0.01", "energy:temperature=1"]


def chosen(
    made: Calibration, scores: list[str]
) -> tuple[ScoreChoice, Scorer, Threshold, list[int]]:
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
        "inside: 100 images, drawn with --seed 7, choose the score; the other 100 calibrate it"
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
    ("changes", "words"),
    [
        (
            {"select_id": "mixed", "scores": GRID, "select_on": "strays"},
            "inside: 50 of 200 images are also in --select-id mixed (equal embeddings), "
            "but images that choose the score must not calibrate it; use another set",
        ),
        (
            {"select_on": "mixed", "scores": GRID},
            "inside: 50 of 200 images are also in --select-on mixed (equal embeddings), "
            "but images that choose the score must not calibrate it; use another set",
        ),
        (
            {"bank": "mixed", "scores": ["knn:k=5"]},
            "inside: 50 of 200 images are also in the bank mixed (equal embeddings); "
            "use a set without them, or another --bank",
        ),
        (
            {"bank": "train", "scores": ["knn:k=5|9"], "select_on": "train"},
            "train: 200 of 200 images are also in the bank train (equal embeddings); "
            "use a set without them, or another --bank",
        ),
        (
            {
                "bank": "others",
                "scores": ["knn:k=5|9"],
                "select_on": "strays",
                "select_id": "others",
            },
            "others: 200 of 200 images are also in the bank others (equal embeddings); use a set "
            "without them, or another --bank",
        ),
    ],
)
def test_images_that_decided_something_must_not_calibrate(
    cache: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError) as refused:
        making(cache, **changes).chosen(parse_all(changes["scores"]))
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
        "holds; limit the images per class, as in --bank train:16"
    )


def near_training(batch: Any, *, k: int = 1) -> Any:
    return np.sort(batch.images @ batch.bank.vectors.T, axis=1)[:, -k]


def nearest_class(batch: Any) -> Any:
    return batch.cosines.max(axis=1)


@pytest.mark.parametrize("function", [near_training, nearest_class])
def test_a_detector_holds_what_a_users_score_has_read(cache: Path, function: Function) -> None:
    calibration = making(cache, scores=[function], bank="train")
    (variant,) = parse_all([function.__name__], {function.__name__: of_function(function)})
    view, _, _ = calibration.chosen([variant])
    scorer, notes = calibration.scorer(variant), list[str]()
    threshold = calibration.threshold(scorer, view)
    kept = scorer.read(notes.append)
    reads = function is near_training
    assert notes == [] if reads else ["--bank train: unused by nearest_class"]
    assert (kept.bank is not None, kept.negatives) == (reads, None)
    again = np.sort(kept.ranked(view.blocks(), len(view.rows)))
    np.testing.assert_array_equal(again, threshold.scores)


def test_several_templates_are_refused(cache: Path) -> None:
    with pytest.raises(InputError) as refused:
        making(cache, template="each")
    assert str(refused.value) == (
        "--template each is 2 templates here, but a detector has one; use --template average, or "
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
    with pytest.raises(InputError, match="same: 50 images cannot be split in two, or all"):
        made.chosen(parse_all(GRID))


def test_a_text_that_is_not_utf8_can_be_held_by_json() -> None:
    assert printed("a\udcffü") == "a\\udcffü"


@given(of_images=st.lists(st.integers(0, 6), min_size=1, max_size=60), seed=st.integers(0, 99))
def test_equal_images_are_on_one_side(of_images: list[int], seed: int) -> None:
    digests = np.array(of_images, np.uint64)
    inside = half(digests, seed)
    assert not set(digests[inside].tolist()) & set(digests[~inside].tolist())
    assert inside.sum() <= len(digests) // 2


@pytest.mark.parametrize("count", [2, 3, 10, 717])
def test_of_images_that_differ_it_is_a_half(count: int) -> None:
    assert half(np.arange(count, dtype=np.uint64), 0).sum() == count // 2


def test_every_image_is_as_likely_as_any_other_to_be_in_it() -> None:
    drawn = sum(half(np.arange(10, dtype=np.uint64), seed).astype(int) for seed in range(4000))
    assert np.abs(drawn / 4000 - 0.5).max() < 4 * 0.5 / np.sqrt(4000)


def test_equal_seeds_draw_equal_halves() -> None:
    of_images = np.random.default_rng(0).integers(0, 99, 99).astype(np.uint64)
    assert np.array_equal(half(of_images, 5), half(of_images, 5))
    assert not np.array_equal(half(of_images, 5), half(of_images, 6))
