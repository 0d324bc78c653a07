"""Claims about stream scores in a run: a row for each order, on the sets it was replayed on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import roc_auc_score

from oodcache.cache.errors import InputError
from oodcache.score.evaluation import Evaluated
from oodcache.score.measures.result import Conventions, Result

Score = Callable[..., Evaluated]
Vectors = npt.NDArray[np.float32]
pytestmark = pytest.mark.usefixtures("tally", "files")


def cloud(rows: int, seed: int) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(rows, 8))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


CLASSES = cloud(5, 1)
SETS = {"inside": cloud(60, 2) + 0.3 * CLASSES[0], "outside": cloud(30, 3), "farther": cloud(20, 4)}
SETS = {
    name: (one / np.linalg.norm(one, axis=1, keepdims=True)).astype(np.float32)
    for name, one in SETS.items()
}


@pytest.fixture
def files(write_images: Callable[..., Any], write_texts: Callable[..., Any]) -> None:
    write_texts("five", CLASSES)
    for name, vectors in SETS.items():
        write_images(name, vectors)


def base(vectors: Vectors) -> npt.NDArray[np.float64]:
    """Return mcm as its paper writes it."""
    cosine = vectors.astype(np.float64) @ CLASSES.astype(np.float64).T
    return np.exp(cosine).max(axis=1) / np.exp(cosine).sum(axis=1)


def tallied(order: npt.NDArray[np.intp], *sets: str, batch: int = 4) -> npt.NDArray[np.float64]:
    """Return the scores of `tally` by place, image by image."""
    own = np.concatenate([base(SETS[name]) for name in sets])
    scores = np.full(len(own), np.nan)
    for position, place in enumerate(order):
        seen = order[: position // batch * batch]
        before = own[seen].mean() if len(seen) else 0.0
        scores[place] = own[place] * (1 + before) - before
    return scores


def auroc(scores: npt.NDArray[np.float64]) -> float:
    is_id = np.arange(len(scores)) < 60
    there = np.isfinite(scores)
    return float(roc_auc_score(is_id[there], scores[there]))


def rows(found: Evaluated, ood: str) -> dict[str, Result]:
    return {str(one.stream and one.stream.order): one for one in found.results if one.ood == ood}


def test_a_shuffle_is_the_default_order(score: Score) -> None:
    (found,) = score("tally").results
    order = np.random.default_rng(0).permutation(90)
    assert found.auroc == pytest.approx(auroc(tallied(order, "inside", "outside")), abs=1e-12)
    assert found.stream is not None
    assert (found.stream.order, found.stream.images) == ("shuffle", 90)
    assert found.stream.orders.keys() == {"shuffle 0"}
    assert found.stream.deviations is None
    assert found.stream.orders["shuffle 0"]["auroc"] == found.auroc
    assert (found.n_id, found.n_ood) == (60, 30)


def test_a_row_follows_its_first_stream(score: Score) -> None:
    typed = ["shuffle:2", "drift"]
    found = score("tally", "mcm", streams=typed, stream_seed=4, ood_sets=("outside", "farther"))
    near, both = (rows(found, name) for name in ("outside", "average"))
    assert near["None"].stream is None
    assert all(one.stream is None or one.stream.path is None for one in both.values())
    shuffled, drifted = (one.stream and one.stream.path for one in map(near.get, typed) if one)
    assert shuffled and drifted
    assert (shuffled.order, shuffled.window, shuffled.ends) == ("shuffle 4", 90, (90,))
    stream = near["shuffle:2"].stream
    assert stream is not None
    for name, values in shuffled.measured.items():
        assert values == (pytest.approx(stream.orders["shuffle 4"][name], abs=6e-6),)
    assert (drifted.order, drifted.ends) == ("drift", (110,))
    assert drifted.measured["auroc"] == (pytest.approx(near["drift"].auroc, abs=6e-6),)
    # Batches of 4 of 90 images, two at a time: the higher half of the base scores so far is held.
    order = np.random.default_rng(4).permutation(90)
    assert shuffled.moments == (*range(8, 90, 8), 90)
    own = np.concatenate([base(SETS["inside"]), base(SETS["outside"])])[order]
    assert shuffled.id_share is not None
    assert shuffled.ood_held == tuple(end // 2 for end in shuffled.moments)
    for end, share in zip(shuffled.moments, shuffled.id_share, strict=True):
        upper = np.argsort(own[:end])[end // 2 :]
        assert share == pytest.approx(np.mean(order[upper] < 60), abs=6e-6)


def test_several_shuffles_have_a_mean_and_a_deviation(score: Score) -> None:
    (found,) = score("tally:batch=9", streams=["shuffle:3"], stream_seed=7).results
    each = [
        auroc(tallied(np.random.default_rng(seed).permutation(90), "inside", "outside", batch=9))
        for seed in (7, 8, 9)
    ]
    assert found.auroc == pytest.approx(mean(each), abs=1e-12)
    assert found.stream is not None and found.stream.deviations is not None
    assert found.stream.deviations["auroc"] == pytest.approx(stdev(each), abs=1e-12)
    assert [one["auroc"] for one in found.stream.orders.values()] == pytest.approx(each, abs=1e-12)


def test_each_order_has_a_row_of_its_own_in_each_set_and_in_the_average(score: Score) -> None:
    typed = ["id-first", "ood-first", "shuffle:2"]
    found = score("tally", "mcm", streams=typed, ood_sets=("outside", "farther"))
    far, near, both = (rows(found, name) for name in ("farther", "outside", "average"))
    assert list(far) == list(both) == [*typed, "None"]
    for name, one in (("outside", near), ("farther", far)):
        count = len(SETS[name])
        inside, outside = np.arange(60), np.arange(60, 60 + count)
        for label, order in (("id-first", [inside, outside]), ("ood-first", [outside, inside])):
            expected = auroc(tallied(np.concatenate(order), "inside", name))
            assert one[label].auroc == pytest.approx(expected, abs=1e-12)
    for label in typed:
        average = (near[label].auroc + far[label].auroc) / 2
        assert both[label].auroc == pytest.approx(average, abs=1e-12)
        assert both[label].n_ood == 50
    several, outer, farther = (one["shuffle:2"].stream for one in (both, near, far))
    assert several is not None and outer is not None and farther is not None
    each = [
        (outer.orders[name]["fpr95"] + farther.orders[name]["fpr95"]) / 2
        for name in ("shuffle 0", "shuffle 1")
    ]
    assert several.deviations is not None
    assert several.deviations["fpr95"] == pytest.approx(stdev(each), abs=1e-12)


def test_drift_keeps_its_memory_from_one_set_to_the_next(score: Score) -> None:
    found = score("tally", streams=["drift"], ood_sets=("outside", "farther"), keep=True)
    (kept,) = found.kept
    assert kept.label == "tally (drift)"
    scores = np.concatenate([kept.scores[name] for name in SETS])
    # In the parts of the drift, an image's memory has all images before it.
    assert kept.stream is not None
    lengths = {run.length for runs in kept.stream.runs.values() for run in runs}
    assert lengths == {110}
    assert rows(found, "farther")["drift"].auroc == pytest.approx(
        auroc(np.concatenate([scores[:60], scores[90:]])), abs=1e-12
    )


def test_a_ratio_measures_the_images_that_it_drew(score: Score) -> None:
    (found,) = score("tally", streams=["ratio:6"]).results
    assert (found.n_id, found.n_ood) == (60, 10)
    assert found.stream is not None and found.stream.images == 70


def test_parameters_are_picked_on_a_shuffle_with_the_tuning_set(score: Score) -> None:
    (found,) = score("tally:batch=1|50", select_on="farther", streams=["id-first"]).results
    order = np.random.default_rng(0).permutation(80)
    each = {batch: auroc(tallied(order, "inside", "farther", batch=batch)) for batch in (1, 50)}
    best = max(each, key=each.__getitem__)
    assert found.picked is not None
    assert (found.parameters["batch"], found.picked.tried) == (best, 2)
    assert found.picked.auroc == pytest.approx(each[best], abs=1e-12)
    inside, outside = np.arange(60), np.arange(60, 90)
    expected = auroc(tallied(np.concatenate([inside, outside]), "inside", "outside", batch=best))
    assert found.auroc == pytest.approx(expected, abs=1e-12)


def test_a_file_of_the_order_of_a_shuffle_gives_its_numbers(score: Score, tmp_path: Path) -> None:
    order = np.random.default_rng(5).permutation(90)
    names = [f"inside,{row}.png" for row in range(60)] + [f"outside,{r}.png" for r in range(30)]
    lines = [names[place] for place in order]
    file = tmp_path / "order.csv"
    file.write_text("\n".join(["dataset,path", *lines]) + "\n")
    found = score("tally", streams=[f"file:{file}", "shuffle:1"], stream_seed=5).results
    assert found[0].stream is not None and found[1].stream is not None
    assert [*found[0].stream.orders.values()] == [*found[1].stream.orders.values()]
    assert found[0].auroc_ci == found[1].auroc_ci


def test_a_file_of_one_ood_set_has_a_row_on_that_set_alone(score: Score, tmp_path: Path) -> None:
    file = tmp_path / "order.csv"
    lines = [*(f"farther,{row}.png" for row in range(20)), *(f"inside,{r}.png" for r in range(60))]
    file.write_text("\n".join(["dataset,path", *lines]))
    both, told = ("outside", "farther"), list[str]()
    found = score("tally", streams=[f"file:{file}"], ood_sets=both, note=told.append).results
    assert [one.ood for one in found] == ["farther"]
    assert told[0].endswith("order.csv: no row for outside, of which the file has no image")
    order = np.concatenate([np.arange(60, 80), np.arange(60)])
    assert found[0].auroc == pytest.approx(auroc(tallied(order, "inside", "farther")), abs=1e-12)


def test_a_file_of_several_ood_sets_is_one_stream_and_that_is_said(
    score: Score, tmp_path: Path
) -> None:
    file, told = tmp_path / "order.csv", list[str]()
    lines = [f"{name},{row}.png" for name in SETS for row in range(len(SETS[name]))]
    file.write_text("\n".join(["dataset,path", *lines]))
    both = ("outside", "farther")
    found = score("tally", streams=[f"file:{file}"], ood_sets=both, note=told.append)
    assert [one.ood for one in found.results] == ["outside", "farther", "average"]
    assert told[0].endswith("one stream of 2 OOD sets: the memory is kept from one to the next")


def test_a_stream_of_one_id_image_and_fewer_images_than_a_batch_is_scored(
    score: Score, write_images: Callable[..., Any]
) -> None:
    write_images("one", SETS["inside"][:1])
    told: list[str] = []
    (found,) = score("tally:batch=64", id_set="one", note=told.append).results
    assert found.n_id == 1
    assert "tally:batch=64: a stream of 31 images is one batch, of 64" in told
    expected = np.mean(base(SETS["inside"][:1]) > base(SETS["outside"]))
    assert found.auroc == pytest.approx(expected, abs=1e-12)


def test_progress_counts_every_replayed_image(score: Score) -> None:
    told: dict[str, list[int]] = {}

    class Bar:
        def __init__(self, description: str, total: int, unit: str) -> None:
            self.counts = told.setdefault(description, [total])

        def __enter__(self) -> Callable[[int], None]:
            return self.counts.append

        def __exit__(self, *error: object) -> None:
            return None

    score("tally", streams=["shuffle:2", "id-first"], progress=Bar)
    total, *counts = told["replay tally"]
    assert total == sum(counts) == 3 * 90


def test_halves_of_a_score_without_memory_vary_as_delong_says(score: Score) -> None:
    conventions = Conventions(bootstrap=300, tprs=(0.95, 0.8))
    given = {"conventions": conventions, "streams": ["shuffle:2"]}
    (found,) = score("tally:weight=0,batch=200", **given).results
    assert found.bootstrap is not None and found.auroc_ci is not None
    assert set(found.bootstrap) == {"auroc", "aupr_in", "aupr_out", "fpr95", "fpr_at_tpr_0.8"}
    low, high = found.bootstrap["auroc"]
    assert low < found.auroc < high
    width = found.auroc_ci[1] - found.auroc_ci[0]
    # 300 resamples tell a width to about 7 %.
    assert high - low == pytest.approx(width, rel=0.2)


def test_halves_are_the_same_again_and_their_average_shares_its_id_images(score: Score) -> None:
    conventions = Conventions(bootstrap=10, seed=3)
    given = {"conventions": conventions, "streams": ["id-first"]}
    both = score("tally", ood_sets=("outside", "farther"), **given)
    alone = score("tally", **given).results[0]
    near, average = (rows(both, name)["id-first"] for name in ("outside", "average"))
    assert near.bootstrap == alone.bootstrap
    assert average.bootstrap is not None and near.bootstrap is not None


def test_a_base_that_needs_negatives_says_so(score: Score) -> None:
    with pytest.raises(InputError, match="^tally:base=neglabel needs negatives: "):
        score("tally:base=neglabel")
