"""The numbers of `evaluate`, on small files of the cache."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit, logsumexp, softmax
from sklearn.metrics import average_precision_score, roc_auc_score

from oodcache.cache.errors import InputError
from oodcache.cache.files.images import ImageFile
from oodcache.cache.files.texts import TextFile
from oodcache.score.evaluation import Evaluated
from oodcache.score.measures.metrics import auroc
from oodcache.score.measures.result import Conventions, Result
from oodcache.score.onepass.variants import parse_all
from oodcache.score.own.function import own_score

Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
WriteImages = Callable[..., ImageFile]
WriteTexts = Callable[..., TextFile]
Score = Callable[..., Evaluated]
MEASURES = ("auroc", "aupr_in", "aupr_out", "fpr95", "ties")


def unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def cloud(rows: int, seed: int, dimension: int = 8) -> Vectors:
    return unit(np.random.default_rng(seed).normal(size=(rows, dimension)))


CLASSES = cloud(5, seed=1)
LABELS = np.arange(300) % 5
INSIDE = unit(CLASSES[LABELS] + 0.35 * np.random.default_rng(2).normal(size=(300, 8)))
OUTSIDE = cloud(90, seed=3)
FARTHER = unit(cloud(40, seed=4) - 0.2 * CLASSES.sum(axis=0))


@pytest.fixture(autouse=True)
def files(write_images: WriteImages, write_texts: WriteTexts) -> None:
    """Files of the arrays above, labels by the names of the classes in another order."""
    turned = ["class 3", "class 1", "class 4", "class 0", "class 2"]
    labels = [turned.index(f"class {label}") for label in LABELS]
    write_texts("five", CLASSES)
    write_images("inside", INSIDE, labels=labels, label_names=turned)
    write_images("outside", OUTSIDE)
    write_images("farther", FARTHER)


def by_label(evaluated: Evaluated, ood: str = "outside") -> dict[str, Result]:
    return {
        f"{one.score} {dict(one.parameters)}": one for one in evaluated.results if one.ood == ood
    }


def shown(vectors: Vectors) -> list[Floats]:
    """Compute the default scores as the papers write them, in float64."""
    cosine = vectors.astype(np.float64) @ CLASSES.astype(np.float64).T
    return [
        softmax(cosine, axis=1).max(axis=1),
        softmax(40 * cosine, axis=1).max(axis=1),
        expit(40 * cosine - 12).max(axis=1),
        cosine.max(axis=1),
        logsumexp(40 * cosine, axis=1),
    ]


def test_measures_are_scikit_learns_on_the_papers_formulas(score: Score) -> None:
    is_id = np.repeat([1, 0], [300, 90])
    pairs = zip(shown(INSIDE), shown(OUTSIDE), score().results, strict=True)
    for id_scores, ood_scores, found in pairs:
        together = np.concatenate([id_scores, ood_scores])
        assert found.auroc == pytest.approx(roc_auc_score(is_id, together), abs=1e-12)
        assert found.aupr_in == pytest.approx(average_precision_score(is_id, together), abs=1e-12)
        assert found.aupr_out == pytest.approx(
            average_precision_score(1 - is_id, -together), abs=1e-12
        )
        threshold = np.sort(id_scores)[300 - 285]
        assert found.fpr95 == np.mean(ood_scores >= threshold)


def test_results_name_what_made_them(score: Score) -> None:
    first = score("mcm").results[0]
    assert (first.model, first.pretrained, first.classes) == ("Tiny", "one", "five")
    assert (first.id, first.ood, first.score) == ("inside", "outside", "mcm")
    assert (first.templates, first.parameters) == (("a {}",), {"temperature": 1.0})
    assert (first.n_id, first.n_ood, first.fpr_convention) == (300, 90, "strict")


def test_accuracy_is_the_share_of_images_nearest_to_their_own_class(score: Score) -> None:
    nearest = (INSIDE.astype(np.float64) @ CLASSES.astype(np.float64).T).argmax(axis=1)
    assert {one.id_accuracy for one in score().results} == {np.mean(nearest == LABELS)}


@pytest.mark.parametrize("scale", ["0.01", "1", "learned", "5000"])
@pytest.mark.parametrize("bias", ["-50", "0", "learned", "20"])
def test_sigmoid_mcm_equals_max_logit_in_every_measure(score: Score, scale: str, bias: str) -> None:
    found = score("max-logit", f"sigmoid-mcm:scale={scale},bias={bias}").results
    for name in MEASURES:
        assert getattr(found[0], name) == getattr(found[1], name)


def test_softmax_scores_are_blind_to_the_bias(
    score: Score, write_images: WriteImages, write_texts: WriteTexts
) -> None:
    before = score("mcm", "mcm:temperature=learned", "energy")
    other = {"pretrained": "two", "requested": "other", "logit_bias": 3.0}
    write_texts("five", CLASSES, **other)
    for name, vectors in (("inside", INSIDE), ("outside", OUTSIDE)):
        write_images(name, vectors, **other)
    after = score("mcm", "mcm:temperature=learned", "energy", model="other")
    for one, two in zip(before.results, after.results, strict=True):
        assert [getattr(one, name) for name in MEASURES] == [
            getattr(two, name) for name in MEASURES
        ]


def test_sigmoid_mcm_of_a_model_without_bias_takes_nil_and_says_so(
    score: Score, write_images: WriteImages, write_texts: WriteTexts
) -> None:
    other = {"pretrained": "two", "requested": "other", "logit_bias": None}
    write_texts("five", CLASSES, **other)
    for name, vectors in (("inside", INSIDE), ("outside", OUTSIDE)):
        write_images(name, vectors, labels=[0] * len(vectors), label_names=["class 0"], **other)
    notes: list[str] = []
    found = score("sigmoid-mcm", "sigmoid-mcm:bias=0", "mcm", model="other", note=notes.append)
    assert notes == ["Tiny/two has no bias: b = 0 is used in sigmoid-mcm"]
    assert found.results[0].auroc == found.results[1].auroc


def test_the_average_row_holds_means_of_measures_and_sums_of_counts(score: Score) -> None:
    near, far, average = score("mcm", ood_sets=["outside", "farther"]).results
    assert (near.ood, far.ood, average.ood) == ("outside", "farther", "average")
    for name in ("auroc", "aupr_in", "aupr_out", "fpr95"):
        expected = (getattr(near, name) + getattr(far, name)) / 2
        assert getattr(average, name) == pytest.approx(expected, abs=1e-15)
    assert (average.n_ood, average.n_id) == (90 + 40, 300)
    assert average.ties == near.ties + far.ties


def test_one_ood_set_has_no_average_row(score: Score) -> None:
    assert [one.ood for one in score("mcm").results] == ["outside"]


def test_ties_are_summed_over_ood_sets(score: Score, write_images: WriteImages) -> None:
    write_images("twins", np.repeat(OUTSIDE[:3], 2, axis=0))
    write_images("triplets", np.repeat(OUTSIDE[:2], 3, axis=0))
    found = score("max-logit", ood_sets=["twins", "triplets"]).results
    assert [one.ties for one in found] == [3, 4, 7]


def test_another_ood_set_does_not_change_a_sets_results(score: Score) -> None:
    assert by_label(score(ood_sets=["farther", "outside"])) == by_label(score())


@pytest.mark.parametrize("rows", [1, 100, 256, 301])
def test_results_are_the_same_whatever_the_read_block(
    score: Score, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = score(ood_sets=["outside", "farther"]).results
    smaller = functools.partialmethod(ImageFile.blocks_with, rows=rows)
    monkeypatch.setattr(ImageFile, "blocks_with", smaller)
    assert score(ood_sets=["outside", "farther"]).results == expected


def test_images_that_could_not_be_decoded_count_nowhere(
    score: Score, write_images: WriteImages
) -> None:
    write_images(
        "holed",
        INSIDE,
        failed=[0, 17, 299],
        labels=LABELS,
        label_names=[f"class {place}" for place in range(5)],
    )
    write_images("whole", np.delete(INSIDE, [0, 17, 299], axis=0))
    write_images("holes", OUTSIDE, failed=range(0, 90, 2))
    write_images("filled", OUTSIDE[1::2])
    holed = score(id_set="holed", ood_sets=["holes"]).results
    whole = score(id_set="whole", ood_sets=["filled"]).results
    for one, two in zip(holed, whole, strict=True):
        assert (one.n_id, one.n_ood) == (297, 45)
        assert [getattr(one, name) for name in MEASURES] == [
            getattr(two, name) for name in MEASURES
        ]
    kept = np.delete(INSIDE, [0, 17, 299], axis=0) @ CLASSES.T
    assert holed[0].id_accuracy == np.mean(kept.argmax(axis=1) == np.delete(LABELS, [0, 17, 299]))


def test_float16_files_score_as_their_renormalised_vectors(
    score: Score, write_images: WriteImages
) -> None:
    write_images("half", INSIDE, dtype=np.float16)
    write_images("single", unit(INSIDE.astype(np.float16).astype(np.float32)))
    half, single = (score(id_set=name).results for name in ("half", "single"))
    for one, two in zip(half, single, strict=True):
        assert one.auroc == pytest.approx(two.auroc, abs=1e-4)


def test_the_templates_asked_for_are_those_of_the_results(
    score: Score, write_texts: WriteTexts
) -> None:
    write_texts("double", CLASSES, cloud(5, seed=9), templates=["a {}", "the {}"])
    alone = score(classes="double", templates=["a {}"]).results
    assert {one.templates for one in alone} == {("a {}",)}
    assert [one.auroc for one in alone] == [one.auroc for one in score(classes="five").results]
    both = score(classes="double").results
    assert {one.templates for one in both} == {("a {}", "the {}")}


def test_each_template_has_rows_of_its_own_and_they_are_those_of_it_alone(
    score: Score, write_texts: WriteTexts
) -> None:
    write_texts("double", CLASSES, cloud(5, seed=9), templates=["a {}", "the {}"])
    wanted = ["each", "average", "cosine-mean"]
    found = score("mcm", classes="double", templates=wanted).results
    assert [one.template for one in found] == ["a {}", "the {}", "average", "cosine-mean"]
    for one in found:
        assert score("mcm", classes="double", templates=[one.template]).results == (one,)


def test_probabilities_are_calibrated_and_nothing_else(score: Score) -> None:
    found = score(conventions=Conventions(calibration=True)).results
    inside, outside = shown(INSIDE), shown(OUTSIDE)
    for place in (0, 1, 2):
        calibration = found[place].calibration
        assert isinstance(calibration, dict)
        assert calibration["kept_id"] == np.mean(inside[place] >= 0.5)
        assert calibration["kept_ood"] == np.mean(outside[place] >= 0.5)
        squares = [(1 - inside[place]) ** 2, outside[place] ** 2]
        assert calibration["brier"] == pytest.approx(np.mean(np.concatenate(squares)), rel=1e-6)
    assert {one.calibration for one in found[3:]} == {"not a probability"}


def test_kept_scores_are_those_that_the_measures_are_computed_from(score: Score) -> None:
    evaluated = score(ood_sets=["outside", "farther"], keep=True)
    for kept, expected in zip(evaluated.kept, evaluated.results[::3], strict=True):
        assert [len(one) for one in kept.scores.values()] == [300, 90, 40]
        assert auroc(kept.scores["inside"], kept.scores["outside"]) == expected.auroc
        assert [len(view.paths()) for view in kept.images.values()] == [300, 90, 40]
    for kept, expected_shown in zip(evaluated.kept, shown(INSIDE), strict=True):
        if kept.variant.score != "energy":
            found = kept.shown(kept.scores["inside"])
            np.testing.assert_allclose(found, expected_shown, rtol=1e-5)
    assert score().kept == ()


def test_a_score_that_is_the_same_for_every_image_is_said(score: Score) -> None:
    own = {
        "same": own_score(lambda batch: np.full(len(batch), 0.5), "same"),
        "some": own_score(lambda batch: np.sign(batch.cosines[:, 0]), "some"),
    }
    notes: list[str] = []
    score(variants=parse_all(["mcm", "same", "some"], own), note=notes.append)
    said = [one for one in notes if "every image" in one]
    assert said == ["same: every image scores 0.5; an AUROC of 50 means nothing"]


def test_images_of_equal_vectors_in_id_and_ood_are_counted_and_said(
    score: Score, write_images: WriteImages
) -> None:
    write_images("mixed", np.concatenate([OUTSIDE, INSIDE[[5, 5, 17]]]))
    notes: list[str] = []
    found = score("mcm", ood_sets=["outside", "mixed"], note=notes.append).results
    assert [one.shared_images for one in found] == [0, 3, 3]
    assert "mixed: 3 images have the same vector as an image of inside" in notes


def test_an_image_of_id_and_ood_scores_the_same_in_both(
    score: Score, write_images: WriteImages
) -> None:
    write_images("mixed", np.concatenate([OUTSIDE, INSIDE[[5, 5, 17]]]))
    for kept in score(ood_sets=["mixed"], keep=True).kept:
        assert kept.scores["mixed"][90:].tolist() == kept.scores["inside"][[5, 5, 17]].tolist()


def test_near_and_far_sets_have_averages_of_their_own(
    score: Score, write_images: WriteImages
) -> None:
    for number, name in enumerate(("SSB-hard", "NINCO", "SUN")):
        write_images(name, cloud(50, seed=20 + number))
    write_images(
        "own", cloud(50, seed=30), source={"name": "own", "fingerprint": "f", "group": "far"}
    )
    sets = ["SSB-hard", "NINCO", "SUN", "own", "outside"]
    found = {one.ood: one for one in score("mcm", ood_sets=sets).results}
    assert [one.group for one in found.values()] == [
        *("near", "near", "far", "far", None),
        *(None, "near", "far"),
    ]
    for group, members in (("near", sets[:2]), ("far", sets[2:4])):
        expected = np.mean([found[name].auroc for name in members])
        assert found[f"average-{group}"].auroc == pytest.approx(expected, abs=1e-15)


def test_a_subset_scores_as_files_of_its_images_and_classes_alone(
    score: Score, write_images: WriteImages, write_texts: WriteTexts, tmp_path: Path
) -> None:
    chosen, others = tmp_path / "chosen.txt", tmp_path / "others.txt"
    chosen.write_text("class 3\nclass 1\n")
    others.write_text("class 0\n")
    cut = score(
        classes="five", id_set=f"inside:@{chosen}", ood_sets=[f"inside:@{others}", "outside"]
    ).results
    wanted = np.isin(LABELS, [1, 3])
    labels = [["class 3", "class 1"].index(f"class {one}") for one in LABELS[wanted]]
    write_texts("two", CLASSES[[3, 1]], class_names=["class 3", "class 1"])
    write_images("part", INSIDE[wanted], labels=labels, label_names=["class 3", "class 1"])
    write_images("rest", INSIDE[LABELS == 0])
    alone = score(classes="two", id_set="part", ood_sets=["rest", "outside"]).results
    for one, two in zip(cut, alone, strict=True):
        assert (one.n_id, one.n_ood, one.id_accuracy) == (two.n_id, two.n_ood, two.id_accuracy)
        assert [getattr(one, name) for name in MEASURES] == [
            getattr(two, name) for name in MEASURES
        ]
    assert (cut[0].id, cut[0].ood) == (f"inside:@{chosen}", f"inside:@{others}")


def test_an_interrupted_bootstrap_stops_at_once(score: Score) -> None:
    asked: list[int] = []

    @contextmanager
    def progress(description: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        def advance(done: int) -> None:
            asked.append(done)
            if unit == "resamples" and len(asked) > 20:
                raise KeyboardInterrupt

        yield advance

    with pytest.raises(KeyboardInterrupt):
        score("mcm", "energy", conventions=Conventions(bootstrap=10**7), progress=progress)
    assert len(asked) < 10**4


def test_accuracy_of_class_numbers_is_by_number_and_unknown_ones_are_said(
    score: Score, write_images: WriteImages, write_texts: WriteTexts
) -> None:
    turned = [3, 1, 9, 0, 2]  # What stands for label 0, 1, …; class 4 is called 9, which is none.
    labels = [turned.index(9 if label == 4 else label) for label in LABELS]
    source = {"name": "numbered", "fingerprint": "f", "labels": "numbers"}
    write_images(
        "numbered", INSIDE, labels=labels, label_names=[str(one) for one in turned], source=source
    )
    said: list[str] = []
    found = score("mcm", id_set="numbered", classes="five", note=said.append).results[0]
    nearest = (INSIDE.astype(np.float64) @ CLASSES.astype(np.float64).T).argmax(axis=1)
    known = LABELS != 4
    assert found.id_accuracy == np.mean(nearest[known] == LABELS[known])
    assert said == [
        "numbered: 60 of 300 images have no label among the classes of five (class numbers 9); "
        "they count as ID, but not in the accuracy"
    ]


def test_a_model_under_two_of_its_names_is_scored_once(score: Score) -> None:
    once, twice = (score("mcm", models=names) for names in (["tiny"], ["tiny", "Tiny/one", "tiny"]))
    assert once.results == twice.results


def test_selective_classification_counts_images_of_another_class_and_all_ood_as_errors(
    score: Score,
) -> None:
    evaluated = score("max-logit", keep=True, conventions=Conventions(selective=True))
    (one,), (kept,) = evaluated.results, evaluated.kept
    assert one.selective is not None
    nearest = (INSIDE.astype(np.float64) @ CLASSES.astype(np.float64).T).argmax(axis=1)
    ids, oods = kept.scores["inside"], kept.scores["outside"]
    for errors, scores, found in (
        (nearest != LABELS, ids, one.selective.id_alone),
        (
            np.append(nearest != LABELS, np.ones(90)),
            np.append(ids, oods),
            one.selective.with_ood,
        ),
    ):
        assert len(np.unique(scores)) == len(scores)
        wrong = np.cumsum(errors[np.argsort(-scores)])
        assert found.aurc == pytest.approx(np.mean(wrong / np.arange(1, len(wrong) + 1)))
        assert found.augrc == pytest.approx(np.mean(wrong / len(wrong)))
        accepted = -(-9 * len(wrong) // 10)
        share = wrong[accepted - 1] / accepted
        assert found.accuracy_at_coverage["0.9"] == pytest.approx(1 - share)
    assert one.selective.images == 300


def test_selective_classification_without_labels_is_an_error(
    score: Score, write_images: WriteImages
) -> None:
    write_images("bare", INSIDE)
    with pytest.raises(InputError) as raised:
        score("mcm", id_set="bare", conventions=Conventions(selective=True))
    assert str(raised.value) == (
        "--selective: no image of bare has a label among the classes, so which are errors is "
        "unknown; use an ID set with labels, or omit --selective"
    )
