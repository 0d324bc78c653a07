"""Claims about one's own numbers beside published ones, on a made-up cache."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from samples.study.benchmark import (
    IDS,
    IMAGES,
    NICE,
    OPENAI,
    PHOTO,
    PLAIN,
    SIGLIP,
    Vectors,
    write_sets,
    write_words,
)
from sklearn.metrics import roc_auc_score, roc_curve

from oodcache.cache.errors import InputError
from oodcache.cache.files.negatives import write_negatives
from oodcache.cache.watch import Watch
from oodcache.score.inputs.question import Question
from oodcache.score.measures.result import AVERAGE
from oodcache.score.words.miner import MiningRequest, mine
from oodcache.study import published
from oodcache.study.counterparts import Counterpart, counterparts, models_published
from oodcache.study.published import OOD_SETS

Floats = npt.NDArray[np.float64]
EIGHTY = published.templates("openai")
MCM, STUDY = "MCM (Ming et al., NeurIPS 2022)", "the study's README"
SETAR = "SeTAR's rerun (recomputed from its per-image scores)"
LISTED = "open_clip's list of results"
FULL = (
    "image counts differ: imagenet-val 300, not 50,000; iNaturalist 200, not 10,000; "
    "SUN 250, not 10,000; Places 210, not 10,000; Textures 220, not 5,640"
)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Vectors], Vectors]:
    """Return a cache of OpenAI's weights with 82 templates, and its images' and texts' vectors."""
    cache = tmp_path_factory.mktemp("benchmark")
    return cache, write_sets(cache), write_words(cache, (PLAIN, NICE, *EIGHTY))


def beside(cache: Path, model: str = OPENAI, **changes: Any) -> dict[tuple[Any, ...], Counterpart]:
    """Return the counterparts by source, method and FPR convention."""
    given: dict[str, Any] = {"id_set": "imagenet-val", "ood_sets": OOD_SETS, **changes}
    found = counterparts(Question(cache, [model], **given), Watch())
    named = {(one.source, one.method, one.fpr_convention): one for one in found}
    assert len(named) == len(found)
    return named


def largest_probability(images: Vectors, classes: Vectors) -> Floats:
    exponentials = np.exp(images.astype(float) @ classes.astype(float).T)
    found: Floats = exponentials.max(axis=1) / exponentials.sum(axis=1)
    return found


def auroc(inside: Floats, outside: Floats) -> float:
    truth = np.repeat([1, 0], [len(inside), len(outside)])
    return float(roc_auc_score(truth, np.concatenate([inside, outside])))


def nearest(inside: Floats, outside: Floats) -> float:
    """Return the FPR at the score whose share of ID is nearest to 95 %, ties to the lowest."""
    scores = [one for one in [*inside, *outside] if one >= inside.min()]
    gaps = {one: abs(round(np.mean(inside >= one) - 0.95, 12)) for one in scores}
    threshold = min(one for one, gap in gaps.items() if gap == min(gaps.values()))
    return float(np.mean(outside >= threshold))


def openood(inside: Floats, outside: Floats) -> float:
    truth = np.repeat([0, 1], [len(inside), len(outside)])
    lost, found, _ = roc_curve(truth, -np.concatenate([inside, outside]))
    return float(lost[np.argmax(found >= 0.95)])


def by_set(
    measure: Callable[[Floats, Floats], float], images: Mapping[str, Vectors], classes: Vectors
) -> dict[str, float]:
    scores = {name: largest_probability(one, classes) for name, one in images.items()}
    found = {name: measure(scores["imagenet-val"], scores[name]) for name in OOD_SETS}
    return found | {AVERAGE: float(np.mean([*found.values()]))}


def own(compared: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one.own for name, one in compared.items()}


Cached = tuple[Path, dict[str, Vectors], Vectors]


def test_own_numbers_have_the_rows_score_prompt_and_convention(sets: Cached) -> None:
    cache, images, texts = sets
    found = beside(cache)
    row = found[MCM, "MCM", "nearest"]
    assert own(row.auroc) == pytest.approx(by_set(auroc, images, texts[0]), abs=1e-4)
    assert own(row.fpr95) == pytest.approx(by_set(nearest, images, texts[0]), abs=1e-9)
    positive = found[SETAR, "MCM", "openood"]
    assert positive.auroc == {}
    wanted = by_set(openood, images, texts[0])[AVERAGE]
    assert own(positive.fpr95) == {AVERAGE: pytest.approx(wanted, abs=1e-9)}
    assert abs(wanted - own(row.fpr95)[AVERAGE]) > 0.001
    assert row.missing == positive.missing == ()


def test_what_was_published_stands_beside_as_it_was(sets: Cached) -> None:
    row = beside(sets[0])[MCM, "MCM", "nearest"]
    assert (row.auroc["SUN"].published, row.fpr95["SUN"].published) == (0.9257, 0.3759)
    assert (row.model, row.score, row.template) == (OPENAI, "mcm", PLAIN)
    assert row.note == "its loader resizes differently"
    for one in (*row.auroc.values(), *row.fpr95.values()):
        assert one.own is not None and one.difference == one.own - one.published


def test_accuracies_are_of_the_rows_own_prompts(sets: Cached) -> None:
    cache, images, texts = sets
    found = beside(cache)

    def accuracy(classes: Vectors) -> float:
        best = (images["imagenet-val"] @ classes.T).argmax(axis=1)
        return float(np.mean(best == np.arange(len(best))))

    study, listed = found[STUDY, "softmax MCM", None], found[LISTED, "zero-shot accuracy", None]
    assert study.accuracy is not None and listed.accuracy is not None
    assert study.accuracy.own == accuracy(texts[0])
    mean = texts[2:].mean(axis=0)
    together = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    assert listed.accuracy.own == accuracy(together)
    assert listed.accuracy.published == 0.683
    assert study.accuracy.own != listed.accuracy.own
    assert own(study.auroc) == {AVERAGE: own(found[MCM, "MCM", "nearest"].auroc)[AVERAGE]}


def test_a_score_that_oodcache_has_not_is_listed_without_own_numbers(sets: Cached) -> None:
    row = beside(sets[0])[SETAR, "GL-MCM", "nearest"]
    assert row.missing == ("not implemented in oodcache",)
    assert row.note == "it needs features of parts of an image, which no cache holds"
    assert row.fpr95["iNaturalist"].published == 0.1534
    assert not any(own(row.auroc).values()) and row.score is None


@pytest.mark.parametrize("id_set", ["imagenet-val:imagenet10", "imagenet-openood"])
def test_rows_are_of_the_whole_id_set(sets: Cached, id_set: str) -> None:
    for row in beside(sets[0], id_set=id_set).values():
        assert row.missing == ("measured on all of imagenet-val; use --id imagenet-val",)


def test_rows_are_of_imagenets_classes(tmp_path: Path) -> None:
    write_sets(tmp_path)
    write_words(tmp_path, name="others")
    found = beside(tmp_path, classes="others")
    assert len(found) == sum(row.model == OPENAI for row in published.rows())
    for row in found.values():
        assert row.missing == ("measured with the classes imagenet; use --classes imagenet",)


def test_sets_that_were_not_asked_for_are_said_and_the_others_measured(sets: Cached) -> None:
    cache, images, texts = sets
    found = beside(cache, ood_sets=["SUN", "Places"])
    row = found[MCM, "MCM", "nearest"]
    absent = ("OOD sets missing: --ood iNaturalist --ood Textures",)
    assert row.missing == absent
    wanted = by_set(auroc, images, texts[0])
    measured = {name: wanted[name] if name in ("SUN", "Places") else None for name in wanted}
    assert own(row.auroc) == {
        name: None if one is None else pytest.approx(one, abs=1e-4)
        for name, one in measured.items()
    }
    study = found[STUDY, "softmax MCM", None]
    assert study.missing == absent and own(study.auroc) == {AVERAGE: None}
    assert study.accuracy is not None and study.accuracy.own is not None
    assert found[LISTED, "zero-shot accuracy", None].missing == ()


@pytest.mark.parametrize("more", [["other"], ["other", *OOD_SETS]])
def test_other_sets_enter_no_average(tmp_path: Path, more: Sequence[str]) -> None:
    images = write_sets(tmp_path)
    texts = write_words(tmp_path)
    write_other(tmp_path)
    row = beside(tmp_path, ood_sets=more)[MCM, "MCM", "nearest"]
    wanted = by_set(auroc, images, texts[0])[AVERAGE] if len(more) > 1 else None
    found = own(row.auroc)[AVERAGE]
    assert found is None if wanted is None else found == pytest.approx(wanted, abs=1e-4)


def write_other(cache: Path) -> None:
    elsewhere = cache / "elsewhere"
    write_sets(elsewhere, sets={"SUN": 90})
    (elsewhere / OPENAI / "images" / "SUN.h5").rename(cache / OPENAI / "images" / "other.h5")


def test_a_prompt_that_is_not_cached_is_said_with_the_line_that_extracts_it(tmp_path: Path) -> None:
    write_sets(tmp_path)
    write_words(tmp_path, ("A photo of a {}", "the {}"))
    found = beside(tmp_path)
    line = (
        "oodcache extract --model ViT-B-16/openai --classes imagenet --template 'A photo of a {}' "
        "--template 'the {}' --template "
    )
    row = found["NegLabel (Jiang et al., ICLR 2024)", "NegLabel", "nearest"]
    assert row.missing == (f"'the nice {{}}' is not cached: {line}'the nice {{}}' --overwrite",)
    row = found[LISTED, "zero-shot accuracy", None]
    assert row.missing == (f"OpenAI's 80 templates are not cached: {line}openai --overwrite",)
    assert found[MCM, "MCM", "nearest"].missing == ()


def test_a_full_stop_is_no_other_prompt_to_siglip_but_one_to_clip(tmp_path: Path) -> None:
    stopped = ("a photo of a {}.", "the {}")
    write_sets(tmp_path)
    write_words(tmp_path, stopped)
    assert "is not cached" in beside(tmp_path)[MCM, "MCM", "nearest"].missing[0]
    siglip = "ViT-B-16-SigLIP/webli"
    images = write_sets(tmp_path, label=siglip)
    texts = write_words(tmp_path, stopped, label=siglip, encoding=SIGLIP)
    found = beside(tmp_path, siglip)
    assert [(method, one.missing) for (_, method, _), one in found.items()] == [
        ("softmax MCM", ()),
        ("sigmoid MCM", ()),
    ]
    wanted = by_set(auroc, images, texts[0])[AVERAGE]
    assert own(found[STUDY, "softmax MCM", None].auroc) == {
        AVERAGE: pytest.approx(wanted, abs=1e-4)
    }


def test_fewer_images_than_the_sources_are_said(sets: Cached) -> None:
    found = beside(sets[0])
    assert found[MCM, "MCM", "nearest"].unlike == (FULL,)
    assert found[LISTED, "zero-shot accuracy", None].unlike == (
        "image counts differ: imagenet-val 300, not 50,000",
    )


def test_a_vocabulary_of_other_classes_under_the_name_is_said(tmp_path: Path) -> None:
    write_sets(tmp_path)
    write_words(tmp_path, words=IDS[:900])
    assert beside(tmp_path)[MCM, "MCM", "nearest"].unlike == (
        "900 classes here, not 1,000",
        FULL,
    )


def test_as_many_images_as_the_sources_are_not(
    sets: Cached, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, count in IMAGES.items():
        monkeypatch.setitem(published.IMAGES, name, count)
    assert {one.unlike for one in beside(sets[0]).values()} == {()}


def test_images_without_labels_have_no_accuracy(tmp_path: Path) -> None:
    write_sets(tmp_path, labels=False)
    write_words(tmp_path)
    row = beside(tmp_path)[STUDY, "softmax MCM", None]
    assert row.missing == ("no accuracy: no image of imagenet-val has a label among the classes",)
    assert row.accuracy is not None and row.accuracy.own is None
    assert own(row.auroc)[AVERAGE] is not None


def test_openais_weights_are_the_same_under_the_name_with_quick_gelu(tmp_path: Path) -> None:
    label = "ViT-B-16-quickgelu/openai"
    write_sets(tmp_path, label=label)
    write_words(tmp_path, label=label)
    row = beside(tmp_path, label)[MCM, "MCM", "nearest"]
    assert row.model == label and row.auroc["SUN"].own is not None


@pytest.mark.parametrize(
    "label", ["ViT-B-16-quickgelu/laion400m_e31", "ViT-L-14/openai", "ViT-B-16-SigLIP2/webli"]
)
def test_other_models_have_no_rows(tmp_path: Path, label: str) -> None:
    write_sets(tmp_path, label=label)
    write_words(tmp_path, label=label)
    assert beside(tmp_path, label) == {}


def test_the_models_of_the_registry_stand_in_docs_published_md() -> None:
    docs = Path(__file__).parents[2] / "docs"
    page = (docs / "study" / "published.md").read_text(encoding="utf-8")
    (models,) = re.findall(r"It covers these models: ([^.]*)\.", page)
    assert tuple(re.findall(r"`([^`]*)`", models)) == models_published()


def test_every_score_and_convention_of_the_registry_stands_in_docs_published_md() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "study", "published.md").read_text("utf-8")
    measured = [row for row in published.rows() if row.auroc or row.fpr95]
    columns = {"score": "score", "FPR convention": "fpr_convention"}
    for heading, field in columns.items():
        table = page.split(f"\n| {heading} |")[1].split("\n\n")[0]
        named = re.findall(r"^\| `([^`]*)`", table, flags=re.MULTILINE)
        found = {getattr(row, field) for row in measured} - {None}
        assert sorted(named) == sorted(found)


def test_the_models_of_the_registry_are_named_once() -> None:
    assert models_published() == (
        *("ViT-B-16/openai", "ViT-B-32/openai", "ViT-B-16-SigLIP/webli"),
        *("ViT-B-16/laion400m_e31", "ViT-B-16/datacomp_xl_s13b_b90k"),
        "ViT-B-16/laion2b_s34b_b88k",
    )


def write_negative_words(
    cache: Path, *, keep: str, percentile: float | None, template: str = NICE
) -> None:
    nouns, adjectives = (
        tuple(f"{kind}{place}" for place in range(count))
        for kind, count in (("noun", 500), ("adjective", 400))
    )
    write_words(cache, (template,), name="nouns", words=nouns, seed=7)
    write_words(cache, (PHOTO,), name="adjectives", words=adjectives, seed=8)
    request = MiningRequest(
        *(cache, OPENAI, "mined", "imagenet", ["nouns", "adjectives"]),
        template=template,
        keep=keep,
        percentile=percentile,
    )
    found = mine(request, Watch())
    write_negatives(found.path, found)


NEGLABEL = "NegLabel (Jiang et al., ICLR 2024)", "NegLabel", "nearest"


@pytest.fixture
def with_negatives(tmp_path: Path) -> Path:
    write_sets(tmp_path)
    write_words(tmp_path, (PLAIN, NICE))
    return tmp_path


def test_neglabel_is_what_its_options_give(with_negatives: Path) -> None:
    from oodcache.score.evaluation import evaluate

    write_negative_words(with_negatives, keep="15%", percentile=None)
    row = beside(with_negatives, classes="imagenet", negatives="mined")[NEGLABEL]
    assert row.missing == () and row.unlike == (FULL,)
    question = Question(
        *(with_negatives, [OPENAI], "imagenet-val", OOD_SETS),
        classes="imagenet",
        templates=[NICE],
        negatives="mined",
    )
    typed = evaluate(question.asking(["neglabel"]), Watch())
    assert own(row.auroc) == {one.ood: one.auroc for one in typed.results}
    nearest_of = {one.ood: one.fpr95_by_convention["nearest"] for one in typed.results}
    assert own(row.fpr95) == nearest_of
    assert 0.5 < own(row.auroc)[AVERAGE] < 1


@pytest.mark.slow
def test_negatives_mined_otherwise_than_in_the_paper_are_said(with_negatives: Path) -> None:
    write_negative_words(with_negatives, keep="200", percentile=50)
    row = beside(with_negatives, classes="imagenet", negatives="mined")[NEGLABEL]
    assert row.missing == ()
    assert row.unlike == (
        FULL,
        "--negatives mined has percentile 50, not 95; keep 200, not 15%",
    )
    assert beside(with_negatives, classes="imagenet", negatives="mined")[
        MCM, "MCM", "nearest"
    ].unlike == (FULL,)


def test_without_negatives_the_row_says_what_it_needs(with_negatives: Path) -> None:
    assert beside(with_negatives)[NEGLABEL].missing == (
        "neglabel needs negatives: give --negatives NAME; make them with: oodcache negatives "
        "--model ViT-B-16/openai --classes imagenet --words nouns -o NAME",
    )
    (why,) = beside(with_negatives, negatives="none")[NEGLABEL].missing
    assert "no negatives 'none' (there are: none)" in why


RENEG, LOG = "ReNeg's rerun", "OpenOOD-VLM's log"
STOPPED, PHOTOS = "The nice {}.", "a photo of a {}."


def test_scores_of_other_parameters_are_not_mixed_up(tmp_path: Path) -> None:
    images = write_sets(tmp_path, sets={"imagenet-val": 40, "SUN": 30})
    texts = write_words(tmp_path, (PHOTOS,))
    found = beside(tmp_path, ood_sets=["SUN"])
    plain = found[RENEG, "MCM", "openood"]
    sharp = found[LOG, "MCM, its temperature searched", "openood"]
    cosines = {name: one.astype(float) @ texts[0].astype(float).T for name, one in images.items()}
    for row, scale in ((plain, 1), (sharp, 50)):
        powers = {name: np.exp(scale * one) for name, one in cosines.items()}
        scores = {name: one.max(axis=1) / one.sum(axis=1) for name, one in powers.items()}
        wanted = auroc(scores["imagenet-val"], scores["SUN"])
        assert row.auroc["SUN"].own == pytest.approx(wanted, abs=1e-4)
    assert plain.auroc["SUN"].own != sharp.auroc["SUN"].own


def test_a_score_that_learns_from_the_stream_is_replayed_only_if_it_was_asked_for(
    tmp_path: Path,
) -> None:
    from oodcache.score.evaluation import evaluate

    write_sets(tmp_path, sets={"imagenet-val": 40, "SUN": 30})
    write_words(tmp_path, (STOPPED,), words=IDS[:50])
    write_negative_words(tmp_path, keep="100", percentile=None, template=STOPPED)
    question = Question(
        *(tmp_path, [OPENAI], "imagenet-val", ["SUN"]),
        negatives="mined",
        classes="imagenet",
        templates=[STOPPED],
        streams=["shuffle:3"],
    ).asking(["adaneg"])
    found = beside(
        *(tmp_path, OPENAI),
        **{"ood_sets": ["SUN"], "negatives": "mined", "classes": "imagenet"},
        variants=question.variants,
    )
    row = found[RENEG, "AdaNeg, float32", "openood"]
    (typed,) = evaluate(question, Watch()).results
    assert row.auroc["SUN"].own == typed.auroc
    assert row.fpr95["SUN"].own == typed.fpr95_by_convention["openood"]
    strict = found[RENEG, "AdaNeg, float32", "strict"]
    assert strict.fpr95["SUN"].own == typed.fpr95_by_convention["strict"]
    # One shuffle is another measurement than the mean of three.
    assert found[LOG, "AdaNeg", "openood"].auroc["SUN"].own not in (None, typed.auroc)
    for key, score in (
        ((LOG, "AdaNeg, sample-adaptive proxies", "openood"), "adaneg:proxies=sample"),
        ((RENEG, "TANL (paper's settings), float32", "strict"), "tanl:settings=paper"),
    ):
        why = f"it learns from the stream, which takes a replay: add --score {score}"
        assert found[key].missing == (why,)
        assert not any(own(found[key].auroc).values())


def test_a_word_list_of_ones_own_is_used_for_rows_that_name_none(tmp_path: Path) -> None:
    write_sets(tmp_path, sets={"imagenet-val": 40, "SUN": 30})
    write_words(tmp_path, (STOPPED,), words=IDS[:50])
    question = Question(tmp_path, [OPENAI], "imagenet-val", ["SUN"], classes="imagenet")
    typed = question.asking(["tanl:corpus=verbs,settings=paper"]).variants
    found = beside(tmp_path, ood_sets=["SUN"], classes="imagenet", variants=typed)
    (why,) = found[RENEG, "TANL (paper's settings), float32", "strict"].missing
    assert "verbs" in why and "--score" not in why


def test_orders_and_prompts_that_cannot_be_had_are_said(sets: Cached) -> None:
    found = beside(sets[0], ood_sets=["SUN"])
    drift = found[RENEG, "TANL (paper's settings), drift I-S-P-T", "openood"]
    assert drift.missing == ("no --stream makes its order, which the JSON describes",)
    assert drift.stream is not None and "(I-S-P-T)" in drift.stream
    csp = found["CSP (Chen et al., NeurIPS 2024), second-hand", "CSP", "nearest"]
    assert csp.missing == ("its prompts are not in the registry",)
    lapt = found[LOG, "LAPT", "openood"]
    assert lapt.missing == ("not implemented in oodcache",)


def test_where_numbers_stand_and_how_they_were_made_is_kept(sets: Cached) -> None:
    row = beside(sets[0], ood_sets=["SUN"])[RENEG, "AdaNeg, float16", "openood"]
    assert (row.stream, row.precision) == ("shuffle:3", "float16")
    assert row.settings.startswith("mean of three shuffles, seeds 0 to 2; batches of 256")
    assert row.where.startswith("NabilRafi/ReNeg at 715a169, results/baselines/")


def test_a_model_that_is_not_cached_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no embeddings of model 'clip-openai'"):
        beside(tmp_path, "clip-openai")


def test_negatives_that_were_mined_in_another_prompt_are_said_with_what_to_type(
    tmp_path: Path,
) -> None:
    write_sets(tmp_path, sets={"imagenet-val": 40, "SUN": 30})
    write_words(tmp_path, (STOPPED, NICE), words=IDS[:50])
    write_negative_words(tmp_path, keep="100", percentile=None, template=NICE)
    asked: dict[str, Any] = {"negatives": "mined", "classes": "imagenet", "ood_sets": ["SUN"]}
    again = (
        "to mine in it: oodcache extract --model ViT-B-16/openai --classes nouns-again=FILE "
        "--template 'The nice {}.' && oodcache extract --model ViT-B-16/openai --classes "
        "adjectives-again=FILE --template 'This is a {} photo.' && oodcache negatives --model "
        "ViT-B-16/openai --classes imagenet --words nouns-again --words adjectives-again "
        "--template 'The nice {}.' --keep 100 -o mined-again"
    )
    row = beside(tmp_path, **asked)[RENEG, "NegLabel", "openood"]
    assert own(row.auroc)["SUN"] is not None
    assert row.unlike[-1] == (
        "--negatives mined was mined with the classes in 'the nice {}', and is scored here in "
        f"'The nice {{}}.'; {again}"
    )
    # So has the hint for a prompt that is not cached.
    write_words(tmp_path, (NICE,), words=IDS[:50])
    (why,) = beside(tmp_path, **asked)[RENEG, "NegLabel", "openood"].missing
    assert why.startswith("'The nice {}.' is not cached: oodcache extract")
    assert why.endswith(f" --overwrite; {again}")
