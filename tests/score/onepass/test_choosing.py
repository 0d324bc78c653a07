"""Claims about parameters that are picked on one OOD set and measured on others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import logsumexp, softmax
from sklearn.metrics import roc_auc_score

from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile
from oodcache.score.evaluation import Evaluated
from oodcache.score.measures.result import Conventions, Pick, Result
from oodcache.score.onepass.choosing import picking, picks
from oodcache.score.onepass.variants import parse_all

Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
WriteImages = Callable[..., ImageFile]
WriteTexts = Callable[..., TextFile]
Score = Callable[..., Evaluated]
GRID = ("mcm:temperature=1|0.3|0.05|learned", "energy:temperature=1|0.1|learned", "max-logit")


def unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def cloud(rows: int, seed: int, dimension: int = 8) -> Vectors:
    return unit(np.random.default_rng(seed).normal(size=(rows, dimension)))


def at(*cosines: float, rows: int, seed: int) -> Vectors:
    """Return unit vectors with these cosines with the first five axes, to a hundredth."""
    generator = np.random.default_rng(seed)
    near = np.array(cosines) + generator.uniform(-0.005, 0.005, (rows, 5))
    rest = generator.normal(size=(rows, 3))
    rest *= np.sqrt(1 - (near**2).sum(axis=1))[:, None] / np.linalg.norm(rest, axis=1)[:, None]
    return np.hstack([near, rest]).astype(np.float32)


CLASSES = cloud(5, seed=1)
INSIDE = unit(CLASSES[np.arange(300) % 5] + 0.35 * np.random.default_rng(2).normal(size=(300, 8)))
SETS = {
    "inside": INSIDE,
    "outside": cloud(90, seed=3),
    "farther": unit(cloud(40, seed=4) - 0.2 * CLASSES.sum(axis=0)),
    "tuning": unit(cloud(70, seed=5) + 0.3 * CLASSES[0]),
}


@pytest.fixture(autouse=True)
def files(write_images: WriteImages, write_texts: WriteTexts) -> None:
    write_texts("five", CLASSES)
    labels = {"labels": np.arange(300) % 5, "label_names": [f"class {one}" for one in range(5)]}
    for name, vectors in SETS.items():
        write_images(name, vectors, **(labels if name == "inside" else {}))


def formula(score: str, parameters: Mapping[str, Any], vectors: Vectors) -> Floats:
    """Compute a score as its paper writes it, in float64."""
    cosine = vectors.astype(np.float64) @ CLASSES.astype(np.float64).T
    temperature = parameters.get("temperature")
    temperature = 1 / 40 if temperature == "learned" else temperature
    if score == "mcm":
        shown: Floats = softmax(cosine / temperature, axis=1).max(axis=1)
    elif score == "energy":
        shown = temperature * logsumexp(cosine / temperature, axis=1)
    else:
        shown = cosine.max(axis=1)
    return shown


def area(score: str, parameters: Mapping[str, Any], ood: str) -> float:
    scores = [formula(score, parameters, SETS[name]) for name in ("inside", ood)]
    is_id = np.repeat([1, 0], [len(one) for one in scores])
    return float(roc_auc_score(is_id, np.concatenate(scores)))


def test_of_each_score_the_highest_auroc_is_picked_and_of_equal_ones_the_first() -> None:
    variants = parse_all(["mcm:temperature=1|2", "energy:temperature=1|2|3", "mcm:temperature=3"])
    id_scores = np.array([[1.0, 3.0]] * 6)
    aurocs = {0: 0.5, 1: 0.75, 2: 1.0, 3: 0.0, 4: 1.0, 5: 0.75}
    by_auroc = {0.0: [4.0, 4.0], 0.5: [2.0, 2.0], 0.75: [0.0, 2.0], 1.0: [0.0, 0.0]}
    ood_scores = np.array([by_auroc[one] for one in aurocs.values()])
    found = picks(variants, id_scores, ood_scores, on="far", shared_images={"a": 0, "b": 2})
    assert found == {1: Pick("far", 3, 0.75, {"b": 2}), 2: Pick("far", 3, 1.0, {"b": 2})}
    assert list(found) == [1, 2]


def test_picks_are_those_of_scikit_learns_auroc_on_the_papers_formulas(score: Score) -> None:
    results = score(*GRID, select_on="tuning", ood_sets=["outside"]).results
    assert [one.score for one in results] == ["mcm", "energy", "max-logit"]
    for one in results:
        tried = [variant for variant in parse_all(GRID) if variant.score == one.score]
        on_tuning = [area(one.score, variant.parameters, "tuning") for variant in tried]
        assert one.parameters == tried[int(np.argmax(on_tuning))].parameters
        assert one.picked is not None
        assert (one.picked.on, one.picked.tried) == ("tuning", len(tried))
        assert one.picked.auroc == pytest.approx(max(on_tuning), abs=1e-12)
        assert one.auroc == pytest.approx(area(one.score, one.parameters, "outside"), abs=1e-12)


@pytest.mark.slow
def test_the_set_that_is_named_picks_alone_though_what_it_picks_is_worst_elsewhere(
    score: Score, write_texts: WriteTexts, write_images: WriteImages
) -> None:
    write_texts("axes", np.eye(5, 8, dtype=np.float32))
    write_images("known", at(0.4, 0.3, -0.4, -0.4, -0.4, rows=50, seed=1))
    write_images("doubtful", at(0.45, 0.4, -0.45, -0.45, -0.45, rows=30, seed=2))
    write_images("dim", at(0.3, 0.0, 0.0, 0.0, 0.0, rows=20, seed=3))
    given = {"id_set": "known", "classes": "axes"}
    grid = "mcm:temperature=1|0.01"
    sharp, blunt = {"temperature": 0.01}, {"temperature": 1.0}
    for on, other, best in (("doubtful", "dim", sharp), ("dim", "doubtful", blunt)):
        (found,) = score(grid, select_on=on, ood_sets=[other], **given).results
        assert (found.ood, found.parameters, found.auroc) == (other, best, 0.0)
        assert found.picked == Pick(on, 2, 1.0, {})
        (alone,) = score(grid, select_on=on, ood_sets=["outside"], **given).results
        assert alone.parameters == best


@pytest.mark.parametrize(
    "conventions", [Conventions(), Conventions(bootstrap=50, calibration=True)]
)
def test_results_are_those_of_the_picked_settings_alone(
    score: Score, conventions: Conventions
) -> None:
    sets = ["outside", "farther"]
    both = score(*GRID, select_on="tuning", ood_sets=sets, conventions=conventions).results
    assert [one.ood for one in both[:3]] == ["outside", "farther", "average"]
    labels = [f"{one.score}:temperature={one.parameters['temperature']}" for one in both[:6:3]]
    alone = score(*labels, "max-logit", ood_sets=sets, conventions=conventions).results
    assert tuple(replace(one, picked=None) for one in both) == alone
    assert all(one.picked is not None for one in both)


def test_each_template_picks_for_itself(score: Score, write_texts: WriteTexts) -> None:
    write_texts("double", CLASSES, cloud(5, seed=9), templates=["a {}", "the {}"])
    found = score(*GRID, classes="double", templates=["each"], select_on="tuning").results
    assert [one.template for one in found] == ["a {}"] * 3 + ["the {}"] * 3
    for one in found:
        alone = score(*GRID, classes="double", templates=[one.template], select_on="tuning")
        assert one in alone.results
    assert [one.parameters for one in found[:3]] != [one.parameters for one in found[3:]]


def test_images_that_pick_and_measure_are_counted_and_said(
    score: Score, write_images: WriteImages
) -> None:
    mixed = [SETS["outside"], SETS["tuning"][[4, 4, 9]]]
    write_images("mixed", np.concatenate(mixed))
    write_images("both", np.concatenate([SETS["tuning"], INSIDE[:2]]))
    notes: list[str] = []
    given = {"ood_sets": ["outside", "mixed"], "select_on": "both", "note": notes.append}
    results = score("mcm", **given).results
    assert {one.ood for one in results} == {"outside", "mixed", "average"}
    for one in results:
        assert one.picked is not None
        assert one.picked.shared_images == {"mixed": 3}
        assert one.shared_images == 0
    assert notes == [
        "mixed: 3 images have the same vector as an image of both, which parameters are picked on",
        "both: 2 images have the same vector as an image of inside",
    ]


def test_scores_that_take_a_bank_are_picked_too_and_shared_images_are_said(
    score: Score, write_images: WriteImages
) -> None:
    train = unit(CLASSES[np.arange(60) % 5] + 0.3 * np.random.default_rng(7).normal(size=(60, 8)))
    labels = {"labels": np.arange(60) % 5, "label_names": [f"class {one}" for one in range(5)]}
    write_images("train", train, **labels)
    write_images("near", np.concatenate([SETS["tuning"], train[:3]]))
    notes: list[str] = []
    (found,) = score("knn:k=1|5|20", bank="train", select_on="near", note=notes.append).results
    assert notes == [
        "near: 3 images have the same vector as an image of the bank train: they are no test of "
        "its scores"
    ]
    (alone,) = score(f"knn:k={found.parameters['k']:.0f}", bank="train").results
    # Of the set that picked, too, results tell what is also in the bank.
    assert found.bank_shared_images == {"near": 3}
    assert replace(found, picked=None, bank_shared_images={}) == alone
    on_near = {
        k: score(f"knn:k={k}", bank="train", ood_sets=["near"]).results[0].auroc for k in (1, 5, 20)
    }
    assert found.picked is not None
    assert found.picked.auroc == max(on_near.values()) == on_near[int(found.parameters["k"])]


def test_all_settings_are_kept_and_those_picked_are_told_apart(score: Score) -> None:
    evaluated = score(*GRID, select_on="tuning", keep=True)
    picked = {one.variant.label for one in evaluated.kept if one.picked}
    assert len(evaluated.kept) == 4 + 3 + 1
    assert len(picked) == len(evaluated.results) == 3
    assert {name for one in evaluated.kept for name in one.scores} == {"inside", "outside"}
    assert all(one.picked for one in score(*GRID, keep=True).kept)


def test_files_and_failed_images_of_the_set_are_told(
    score: Score, write_images: WriteImages
) -> None:
    write_images("holed", SETS["tuning"], failed=[1, 2])
    notes: list[str] = []
    evaluated = score("mcm", select_on="holed", note=notes.append)
    assert notes == ["holed: 2 of 70 images could not be decoded"]
    assert [one.path.stem for one in evaluated.files] == ["five", "inside", "outside", "holed"]


def test_provenance_has_one_entry_for_each_score_whatever_the_sets(score: Score) -> None:
    results = score(*GRID, select_on="tuning", ood_sets=["outside", "farther"]).results
    variants = parse_all(GRID)
    found = picking("tuning", variants, results)
    assert found is not None
    assert (found["on"], found["tried"]) == ("tuning", [one.label for one in variants])
    of_sets: list[Result] = [one for one in results if one.ood == "farther"]
    assert found["picked"] == [
        {
            "model": "Tiny/one",
            "template": "a {}",
            "score": one.score,
            "parameters": one.parameters,
            "auroc": one.picked and one.picked.auroc,
        }
        for one in of_sets
    ]
    assert picking(None, variants, results) is None
