"""Claims about csid sets: their rows, their accuracies, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.score.evaluation import Evaluated
from oodcache.score.measures.result import Result

Vectors = npt.NDArray[np.float32]
Score = Callable[..., Evaluated]
WriteImages = Callable[..., ImageFile]
NAMES = [f"class {place}" for place in range(4)]
GENERATOR = np.random.default_rng(5)


def unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def around(labels: npt.NDArray[np.integer], spread: float) -> Vectors:
    return unit(CLASSES[labels] + spread * GENERATOR.normal(size=(len(labels), 8)))


CLASSES = unit(GENERATOR.normal(size=(4, 8)))
LABELS, OF_TWO = np.arange(80) % 4, 1 + np.arange(60) % 2
INSIDE, DRAWN = around(LABELS, 0.4), around(OF_TWO, 0.7)
OUTSIDE = {"outside": unit(GENERATOR.normal(size=(50, 8))), "farther": unit(-DRAWN[:30])}


@pytest.fixture(autouse=True)
def files(write_images: WriteImages, write_texts: Callable[..., object]) -> None:
    """`drawn` has two of the four classes, `both` is the ID set and `drawn` by hand."""
    write_texts("four", CLASSES)
    write_images("inside", INSIDE, labels=LABELS, label_names=NAMES)
    write_images("drawn", DRAWN, labels=OF_TWO, label_names=NAMES)
    whole = np.concatenate([INSIDE, DRAWN])
    write_images("both", whole, labels=[*LABELS, *OF_TWO], label_names=NAMES)
    write_images("bare", DRAWN[::-1])
    write_images("others", DRAWN[::-1], labels=OF_TWO, label_names=["x", "y", "z"])
    for name, vectors in OUTSIDE.items():
        write_images(name, vectors)


def rows(evaluated: Evaluated) -> dict[tuple[str, str, str], Result]:
    return {(one.id, one.ood, one.score): one for one in evaluated.results}


def accuracy(vectors: Vectors, labels: npt.NDArray[np.integer], classes: list[int]) -> float:
    """Return the accuracy if only these classes are candidates, in float64."""
    cosine = vectors.astype(float) @ CLASSES[classes].astype(float).T
    return float(np.mean(np.array(classes)[cosine.argmax(axis=1)] == labels))


def test_the_full_spectrum_is_a_dataset_with_the_images_of_both(score: Score) -> None:
    sets, scores = [*OUTSIDE], ("mcm", "energy", "max-logit")
    found = rows(score(*scores, ood_sets=sets, csid=["drawn"]))
    expected = rows(score(*scores, ood_sets=sets, id_set="both"))
    for (_, ood, name), one in expected.items():
        full = found["full-spectrum", ood, name]
        for measure in ("auroc", "aupr_in", "aupr_out", "fpr95", "fpr95_by_convention"):
            assert getattr(full, measure) == getattr(one, measure), (ood, name, measure)
        assert (full.n_id, full.n_ood, full.ties) == (140, one.n_ood, one.ties)
        assert full.id_accuracy == pytest.approx(one.id_accuracy)


def test_a_csid_set_alone_is_measured_as_an_id_set(score: Score) -> None:
    found = rows(score("mcm", csid=["drawn"]))["csid:drawn", "outside", "mcm"]
    expected = rows(score("mcm", id_set="drawn"))["drawn", "outside", "mcm"]
    assert (found.auroc, found.fpr95) == (expected.auroc, expected.fpr95)
    assert found.id_accuracy == expected.id_accuracy


def test_rows_of_the_id_set_do_not_change(score: Score) -> None:
    without = score("mcm", "energy", ood_sets=[*OUTSIDE]).results
    found = score("mcm", "energy", ood_sets=[*OUTSIDE], csid=["drawn"]).results
    assert found[: len(without)] == without
    assert [one.id for one in found[len(without) :: 6]] == ["csid:drawn", "full-spectrum"]


def test_accuracies_are_over_all_classes_and_over_those_of_the_set(score: Score) -> None:
    found = rows(score("mcm", csid=["drawn"]))
    alone, full = (found[name, "outside", "mcm"] for name in ("csid:drawn", "full-spectrum"))
    inside = accuracy(INSIDE, LABELS, [0, 1, 2, 3])
    whole, own = (accuracy(DRAWN, OF_TWO, one) for one in ([0, 1, 2, 3], [1, 2]))
    assert alone.spectrum is not None and full.spectrum is not None and own > whole
    assert (alone.id_accuracy, alone.spectrum.own_accuracy) == (whole, own)
    assert alone.spectrum.classes == full.spectrum.classes == {"drawn": 2}
    assert full.id_accuracy == pytest.approx((80 * inside + 60 * whole) / 140)
    assert full.spectrum.own_accuracy == pytest.approx((80 * inside + 60 * own) / 140)


@pytest.mark.parametrize("name", ["bare", "others"])
def test_csid_images_without_a_class_are_scored_and_have_no_accuracy(
    score: Score, name: str
) -> None:
    notes: list[str] = []
    found = rows(score("mcm", csid=[name], note=notes.append))
    alone, full = (found[one, "outside", "mcm"] for one in (f"csid:{name}", "full-spectrum"))
    assert alone.id_accuracy is None and alone.n_id == 60
    assert full.id_accuracy == found["inside", "outside", "mcm"].id_accuracy
    (note,) = [one for one in notes if "accuracy" in one]
    assert note.startswith(f"{name}: 60 of 60 images have no label among the classes of four")


def test_images_that_two_sets_share_are_told_and_counted(
    score: Score, write_images: WriteImages
) -> None:
    write_images("mixed", np.concatenate([OUTSIDE["outside"][:3], INSIDE[:2], DRAWN[:5]]))
    notes: list[str] = []
    found = rows(score("mcm", csid=["mixed"], note=notes.append))
    assert "outside: 3 images have the same vector as an image of mixed" in notes
    assert (
        "mixed: 2 images have the same vector as an image of inside: the full spectrum counts them "
        "twice" in notes
    )
    shared = [found[name, "outside", "mcm"].shared_images for name in ("inside", "csid:mixed")]
    assert shared == [0, 3] and found["full-spectrum", "outside", "mcm"].shared_images == 3


def test_copies_of_id_images_are_found_by_class_and_file_name(
    score: Score, write_images: WriteImages
) -> None:
    write_images("noisy", around(LABELS, 0.6), labels=LABELS, label_names=NAMES)
    found = rows(score("mcm", csid=["noisy", "bare"]))["full-spectrum", "outside", "mcm"]
    assert found.spectrum is not None
    # The fixture names images 0.png, 1.png, …; those of `bare` have no class.
    assert found.spectrum.with_source == {"noisy": 80, "bare": 0}


def test_parameters_are_picked_on_the_id_set_alone(score: Score) -> None:
    ask: dict[str, Any] = {"ood_sets": ["farther"], "select_on": "outside"}
    (alone,) = score("mcm:temperature=1|0.1", **ask).results
    found = score("mcm:temperature=1|0.1", **ask, csid=["drawn"]).results
    assert [one.picked for one in found] == [alone.picked] * 3
    assert {one.id for one in found} == {"inside", "csid:drawn", "full-spectrum"}


def test_a_csid_set_that_is_missing_is_refused_with_how_to_make_it(score: Score) -> None:
    with pytest.raises(InputError, match="no images 'sketch'.*oodcache extract"):
        score("mcm", csid=["sketch"])


def test_scores_of_csid_images_are_kept(score: Score) -> None:
    (kept,) = score("mcm", csid=["drawn"], keep=True).kept
    assert {name: len(one) for name, one in kept.scores.items()} == {
        "inside": 80,
        "outside": 50,
        "drawn": 60,
    }
