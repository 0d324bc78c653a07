"""Claims about runs over shots: each row is what its banks give one by one, and their mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples.score.negatives import unit

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile
from oodcache.cache.watch import Watch
from oodcache.score import scoring
from oodcache.score.evaluation import evaluate
from oodcache.score.formulas.tile import Vectors
from oodcache.score.inputs.question import Question
from oodcache.score.measures.result import MEASURES, Conventions, Result
from oodcache.score.onepass.shot_runs import shot_runs
from oodcache.score.onepass.variants import Variant

CLASSES = unit(4, 1, 8)
LABELS = np.arange(60) % 4
NAMES = tuple(f"class {place}" for place in range(4))
SCORES = ("probe:C=10", "mcm", "tip", "knn:k=1")


def around(seed: int) -> Vectors:
    near = CLASSES[LABELS] + 0.4 * np.random.default_rng(seed).normal(size=(60, 8))
    return (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(autouse=True)
def files(
    write_images: Callable[..., ImageFile], write_texts: Callable[..., TextFile]
) -> Callable[..., ImageFile]:
    write_texts("four", CLASSES, class_names=NAMES)
    for seed, name in enumerate(("inside", "train")):
        write_images(name, around(seed), labels=LABELS, label_names=NAMES)
    write_images("outside", unit(50, 7, 8))
    write_images("others", unit(40, 8, 8))
    return write_images


@pytest.fixture
def asked(tmp_path: Path) -> Callable[..., Question]:
    def ask(*scores: Any, **changes: Any) -> Question:
        question = Question(tmp_path, ["tiny"], "inside", ["outside", "others"])
        return replace(question, **changes).asking(scores or SCORES)

    return ask


def results(question: Question) -> tuple[Result, ...]:
    return evaluate(question, Watch()).results


def label(one: Result) -> str:
    return Variant(one.score, one.parameters).label


def test_rows_of_one_draw_are_those_of_each_bank_alone(asked: Callable[..., Question]) -> None:
    together = results(asked(bank="train:1|4", bank_seed=3))
    for number in (1, 4):
        alone = results(asked(bank=f"train:{number}", bank_seed=3))
        of_number = [one for one in together if one.bank is None or one.shots.per_class == number]
        assert [replace(one, shots=None) for one in of_number] == list(alone)


def test_rows_of_draws_are_means_with_their_range(asked: Callable[..., Question]) -> None:
    rows = [one for one in results(asked(bank="train:2", bank_draws=3, bank_seed=4)) if one.shots]
    alone = [results(asked(bank="train:2", bank_seed=seed)) for seed in (4, 5, 6)]
    assert len(rows) == 9
    for row in rows:
        own = [
            next(one for one in draw if (label(one), one.ood) == (label(row), row.ood))
            for draw in alone
        ]
        assert row.shots is not None and row.shots.ranges is not None
        for measure in MEASURES:
            values = [getattr(one, measure.name) for one in own]
            assert getattr(row, measure.name) == pytest.approx(np.mean(values), abs=1e-12)
            assert row.shots.ranges[measure.name] == (min(values), max(values))
            assert [one[measure.name] for one in row.shots.draws.values()] == values
        assert [*row.shots.draws] == ["4", "5", "6"]
        assert row.fpr_at_tpr["0.95"] == pytest.approx(row.fpr95)
        assert row.auroc_ci is None
    assert any(row.shots.ranges["auroc"][0] < row.shots.ranges["auroc"][1] for row in rows)


def test_rows_stand_by_score_as_typed_and_then_by_number(asked: Callable[..., Question]) -> None:
    rows = [one for one in results(asked(bank="train:1|4")) if one.ood == "average"]
    found = [(label(one), one.shots and one.shots.per_class) for one in rows]
    assert found == [
        *(("probe:C=10", 1), ("probe:C=10", 4), ("mcm", None)),
        *(("tip", 1), ("tip", 4), ("knn:k=1", 1), ("knn:k=1", 4)),
    ]


def test_banks_of_one_seed_are_nested(asked: Callable[..., Question]) -> None:
    seen: list[set[bytes]] = []

    def keeps(batch: Any) -> Any:
        if not seen or len(seen[-1]) != len(batch.bank.vectors):
            seen.append(set(map(bytes, batch.bank.vectors)))
        return batch.images[:, 0]

    results(asked(keeps, bank="train:1|3|9"))
    assert list(map(len, seen)) == [4, 12, 36]
    assert seen[0] < seen[1] < seen[2]


def test_a_users_score_without_the_bank_has_one_row(asked: Callable[..., Question]) -> None:
    def first(batch: Any) -> Any:
        return batch.cosines[:, 0]

    rows = results(asked(first, "knn:k=1", bank="train:1|2", ood_sets=["outside"]))
    assert [(one.score, one.shots and one.shots.per_class) for one in rows] == [
        ("first", None),
        ("knn", 1),
        ("knn", 2),
    ]


def test_scores_without_a_bank_are_scored_once(asked: Callable[..., Question]) -> None:
    runs = shot_runs(asked(bank="train:1|2", bank_draws=2), has_texts=True)
    assert [[one.score for one in run.question.variants] for run in runs] == [
        ["mcm"],
        *[["probe", "tip", "knn"]] * 4,
    ]
    assert [(run.question.bank, run.question.bank_seed) for run in runs] == [
        *((None, 0), ("train:1", 0), ("train:1", 1), ("train:2", 0), ("train:2", 1)),
    ]
    without_texts = shot_runs(asked(bank="train:1|2"), has_texts=False)
    assert [len(run.question.variants) for run in without_texts] == [4, 4]


def test_few_shots_have_default_scores_of_their_own(asked: Callable[..., Question]) -> None:
    question = replace(asked(), bank="train:1|2").asking(())
    assert [one.score for one in question.variants][-3:] == ["probe", "probe-zero-shot", "tip"]


def test_a_note_on_every_draw_is_told_once(asked: Callable[..., Question]) -> None:
    told: list[str] = []
    evaluate(asked("tip", bank="train:99|100", bank_draws=3), Watch(told.append))
    assert told == [
        f"--bank train:{number}: 4 of 4 classes have fewer than {number} images; all of theirs "
        "are used"
        for number in (99, 100)
    ]


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"conventions": Conventions(bootstrap=9)}, "--bootstrap"),
        ({"conventions": Conventions(calibration=True)}, "--reliability"),
        ({"select_on": "others", "ood_sets": ["outside"]}, "--select-on"),
        ({"csid": ["others"], "ood_sets": ["outside"]}, "--csid"),
    ],
)
def test_what_has_no_mean_over_draws_is_rejected_and_fine_with_one(
    asked: Callable[..., Question], changes: dict[str, Any], option: str
) -> None:
    with pytest.raises(InputError) as error:
        asked(bank="train:1|2", bank_draws=2, **changes)
    assert str(error.value) == (
        f"--bank-draws 2: rows are means over draws, which {option} is not defined for; omit "
        f"{option}, or give one draw"
    )
    assert asked(bank="train:1|2", **changes).axis is not None


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("--compare", {"compare_scores": True}),
        ("--save-scores", {"save_scores": Path("a.h5")}),
    ],
)
def test_what_needs_single_images_needs_one_bank(
    asked: Callable[..., Question], option: str, given: dict[str, Any]
) -> None:
    with pytest.raises(InputError) as error:
        scoring.score(asked(bank="train:1|2"), Watch(), command="", **given)
    assert str(error.value) == (
        f"{option}: takes the images' scores with one bank, and there are several; give one N and "
        "one draw, such as --bank train:2"
    )


def test_draws_are_recorded(asked: Callable[..., Question]) -> None:
    question = asked(bank="train:1|2", bank_draws=2, bank_seed=5)
    found = scoring.score(question, Watch(), command="oodcache score").provenance
    assert (found["bank_seed"], found["bank_draws"]) == (5, 2)
    assert len(found["files"]) == len({one["path"] for one in found["files"]}) == 5


def test_a_class_for_a_stream_takes_one_bank(asked: Callable[..., Question]) -> None:
    class Learning:
        def start(self, context: Any) -> None: ...

        def step(self, batch: Any) -> Any:
            return batch.images[:, 0]

    with pytest.raises(InputError, match="learns from the stream with a bank, which may be one"):
        asked(Learning, bank="train:1|2")
