"""Claims about clean numbers: those of the images that a list does not drop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.score.evaluation import Evaluated
from oodcache.score.measures.result import Conventions, Result

Vectors = npt.NDArray[np.float32]
Score = Callable[..., Evaluated]
NAMES = [f"class {place}" for place in range(4)]
GENERATOR = np.random.default_rng(8)


def unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


CLASSES = unit(GENERATOR.normal(size=(4, 8)))
LABELS = {"inside": np.arange(70) % 4, "drawn": np.arange(40) % 4}


def around(labels: npt.NDArray[np.integer]) -> Vectors:
    return unit(CLASSES[labels] + 0.5 * GENERATOR.normal(size=(len(labels), 8)))


SETS = {
    **{name: around(labels) for name, labels in LABELS.items()},
    "outside": unit(GENERATOR.normal(size=(40, 8))),
    "farther": unit(GENERATOR.normal(size=(30, 8))),
}
DROPPED = {"inside": [0, 5, 6, 69], "drawn": [3], "outside": [*range(10)], "farther": []}


@pytest.fixture(autouse=True)
def files(write_images: Callable[..., ImageFile], write_texts: Callable[..., object]) -> None:
    """Each set whole, and as "NAME-cut" without what is dropped; an image of each is bad."""
    write_texts("four", CLASSES)
    for name, vectors in SETS.items():
        kept = np.delete(np.arange(len(vectors)), DROPPED[name])
        for called, rows in ((name, np.arange(len(vectors))), (f"{name}-cut", kept)):
            labels = LABELS[name][rows] if name in LABELS else None
            failed = np.flatnonzero(rows == 12).tolist()
            write_images(*(called, vectors[rows]), labels=labels, label_names=NAMES, failed=failed)


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    lines = [f"{name}:{row}.png" for name, rows in DROPPED.items() for row in rows]
    (tmp_path / "drop.txt").write_text("\n".join(lines))
    return tmp_path / "drop.txt"


def fields(row: Result, *without: str) -> dict[str, Any]:
    names = {"id", "ood", "average_of", "clean", "spectrum", *without}
    return {name: value for name, value in asdict(row).items() if name not in names}


HOW = Conventions(tprs=(0.95, 0.8), selective=True)


def test_clean_rows_are_those_of_sets_that_never_had_the_images(score: Score, drop: Path) -> None:
    lines = [one for one in drop.read_text().split("\n") if not one.startswith("drawn")]
    drop.write_text("\n".join(lines))
    sets = ["outside", "farther"]
    found = score("mcm", "energy", ood_sets=sets, drop=drop, conventions=HOW).results
    cut = [f"{name}-cut" for name in sets]
    wanted = score("mcm", "energy", ood_sets=cut, id_set="inside-cut", conventions=HOW).results
    whole = score("mcm", "energy", ood_sets=sets, conventions=HOW).results
    assert len(found) == len(wanted) == 6
    for one, clean, alone in zip(found, wanted, whole, strict=True):
        assert one.clean is not None
        assert fields(one.clean) == fields(clean)
        assert (one.clean.id, one.clean.ood) == (one.id, one.ood)
        assert fields(one) == fields(alone)
        assert one.clean.clean is None


def test_a_full_spectrum_is_cleaned_with_its_accuracy(score: Score, drop: Path) -> None:
    found = score("mcm", csid=["drawn"], drop=_without(drop, "farther"), conventions=HOW).results
    cut_sets = {"id_set": "inside-cut", "ood_sets": ["outside-cut"], "csid": ["drawn-cut"]}
    wanted = score("mcm", conventions=HOW, **cut_sets).results
    assert [one.id for one in found] == ["inside", "csid:drawn", "full-spectrum"]
    for one, clean in zip(found, wanted, strict=True):
        assert one.clean is not None
        assert fields(one.clean, "auroc_ci") == fields(clean, "auroc_ci")
    full, cut = found[-1].clean, wanted[-1]
    assert full is not None
    assert full.spectrum is not None
    assert cut.spectrum is not None
    assert full.spectrum.own_accuracy == cut.spectrum.own_accuracy


def _without(drop: Path, name: str) -> Path:
    lines = [one for one in drop.read_text().split("\n") if not one.startswith(name)]
    drop.write_text("\n".join(lines))
    return drop


def test_images_shared_with_a_bank_are_counted_again(
    score: Score, drop: Path, write_images: Callable[..., ImageFile]
) -> None:
    bank = np.concatenate([SETS["inside"][:8], SETS["outside"][20:22], CLASSES, CLASSES])
    labels = [*LABELS["inside"][:8], 0, 1, *range(4), *range(4)]
    write_images("bank", bank, labels=labels, label_names=NAMES)
    drop = _without(drop, "drawn")
    (one,) = score("knn:k=2", bank="bank", drop=drop).results
    assert one.clean is not None
    assert one.bank_shared_images == {"inside": 8, "outside": 2}
    assert one.clean.bank_shared_images == {"inside": 5, "outside": 2}


def test_the_clean_row_has_no_bootstrap(score: Score, drop: Path) -> None:
    drop = _without(drop, "drawn")
    (one,) = score("mcm", drop=drop, conventions=Conventions(bootstrap=5)).results
    assert one.clean is not None
    assert (one.bootstrap is None, one.clean.bootstrap) == (False, None)


def refused(score: Score, drop: Path, lines: Sequence[str], **changes: Any) -> str:
    drop.write_text("\n".join(lines))
    with pytest.raises(InputError) as raised:
        score("mcm", drop=drop, **changes)
    return str(raised.value)


def test_a_set_without_any_image_left_is_an_error(score: Score, drop: Path) -> None:
    lines = [f"outside:{row}.png" for row in range(40)]
    assert refused(score, drop, lines) == (
        f"--drop {drop}: lists all 39 images of outside; shorten the list, or omit the set"
    )


def test_an_image_that_is_not_scored_is_noted_and_alone_an_error(score: Score, drop: Path) -> None:
    assert refused(score, drop, ["inside:12.png"]) == (
        f"--drop {drop}: lists no image that is scored: all of them are outside the subset, or "
        "could not be decoded"
    )
    notes: list[str] = []
    drop.write_text("inside:12.png\ninside:1.png\n")
    (one,) = score("mcm", drop=drop, note=notes.append).results
    assert f"--drop {drop}: 1 listed image would not be scored anyway" in notes
    assert one.clean is not None
    assert one.n_id - one.clean.n_id == 1


def test_a_set_that_is_not_measured_is_in_no_set(score: Score, drop: Path) -> None:
    assert "line 1: 'farther:0.png' is in no set of this run ('inside', 'outside')" in refused(
        score, drop, ["farther:0.png"], select_on="farther"
    )


def test_an_image_in_two_subsets_of_a_dataset_is_one_listed_image(
    score: Score, drop: Path, tmp_path: Path
) -> None:
    for name, classes in (("one", "class 0\nclass 1\n"), ("other", "class 1\nclass 2\n")):
        (tmp_path / f"{name}.txt").write_text(classes)
    sets = [f"drawn:@{tmp_path / name}.txt" for name in ("one", "other")]
    drop.write_text("drawn:1.png\ndrawn:5.png\ndrawn:3.png\n")  # 3 is of a class in neither.
    notes: list[str] = []
    score("mcm", ood_sets=sets, drop=drop, note=notes.append)
    assert f"--drop {drop}: 1 listed image would not be scored anyway" in notes
