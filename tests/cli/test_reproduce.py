"""Claims about `oodcache reproduce`: the study's tables, from files of its models' real names."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache as cached_result
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import Outcome, Run
from samples.study.benchmark import IMAGES, write_sets
from samples.study.study import write_study
from scipy.special import expit, logsumexp
from sklearn.metrics import roc_auc_score

import oodcache as package
from oodcache.report.saved import results as saved
from oodcache.study.study import PROMPTS

OOD_SETS = ("iNaturalist", "SUN", "Places", "Textures")
SIGLIP = "ViT-B-16-SigLIP/webli"
# What the study's README prints, by hand: accuracy and average AUROC.
STUDY = {"ViT-B-16/openai": (68.3, 85.2), SIGLIP: (75.1, 86.5), "sigmoid": (75.1, 89.8)}


@pytest.fixture(scope="module")
def cached(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study's whole cache, made up."""
    folder = tmp_path_factory.mktemp("study") / "embeddings"
    write_study(folder)
    return folder


@pytest.fixture(scope="module")
def field(cached: Path) -> Outcome:
    """What the command gives of all models, run where their cache is."""
    command = [sys.executable, "-m", "oodcache", "reproduce"]
    done = subprocess.run(command, cwd=cached.parent, capture_output=True, text=True)
    return Outcome(done.returncode, done.stdout, done.stderr)


def lines_of(out: str, heading: str) -> list[str]:
    """Return the lines below the first that is the heading, to the next that is not indented."""
    lines = out.splitlines()
    found = lines[lines.index(heading) + 1 :]
    end = next((place for place, line in enumerate(found) if not line.startswith(" ")), None)
    return found[:end]


@cached_result
def averages(cache: Path, label: str, prompt: int = 0) -> dict[str, float]:
    """Return the average AUROC of each score of a model, by its definition, in percent."""
    opened = package.open(cache)
    texts = opened.texts(label, "imagenet")
    classes = texts.embeddings[prompt].astype(np.float64)
    cosine = {
        name: opened.images(label, name).embeddings @ classes.T
        for name in ("imagenet-val", *OOD_SETS)
    }
    scale, bias = texts.logit_scale, texts.logit_bias or 0.0
    scores: dict[str, Any] = {
        "mcm": lambda c: np.exp(c.max(1) - logsumexp(c, axis=1)),
        "mcm:temperature=learned": lambda c: scale * c.max(1) - logsumexp(scale * c, axis=1),
        "max-logit": lambda c: c.max(1),
        "energy": lambda c: logsumexp(scale * c, axis=1),
        "sigmoid-sum": lambda c: expit(scale * c + bias).sum(1),
        "sigmoid-sum:bias=none": lambda c: expit(scale * c).sum(1),
        "joint-energy": lambda c: np.logaddexp(0, scale * c + bias).sum(1),
        "joint-energy:bias=none": lambda c: np.logaddexp(0, scale * c).sum(1),
    }
    found = {}
    for name, score in scores.items():
        inside = score(cosine["imagenet-val"])
        aurocs = []
        for ood in OOD_SETS:
            outside = score(cosine[ood])
            target = np.repeat([1, 0], [len(inside), len(outside)])
            aurocs.append(roc_auc_score(target, np.concatenate([inside, outside])))
        found[name] = 100 * float(np.mean(aurocs))
    return found


def test_the_three_rows_stand_beside_the_studys_own(field: Outcome, cached: Path) -> None:
    assert field.status == 0, field.err
    for heading, score, labels in (
        (
            "CLIP, softmax MCM",
            "mcm",
            ("ViT-B-16/laion400m_e31", "ViT-B-16/datacomp_xl_s13b_b90k", "ViT-B-16/openai"),
        ),
        ("SigLIP, softmax MCM", "mcm", (SIGLIP, "ViT-B-16-SigLIP2/webli")),
        ("SigLIP, sigmoid MCM", "max-logit", (SIGLIP, "ViT-B-16-SigLIP2/webli")),
    ):
        rows = [line.split() for line in lines_of(field.out, heading)]
        assert [row[0] for row in rows[::2]] == list(labels)
        for row, below in zip(rows[::2], rows[1::2], strict=True):
            own = averages(cached, row[0])[score]
            assert float(row[4]) == pytest.approx(own, abs=0.0051)
            low, high = map(float, below[1].split("–"))
            assert low < own < high
            printed = STUDY.get("sigmoid" if row[0] == SIGLIP and score != "mcm" else row[0])
            if printed is None or "SigLIP2" in row[0]:
                assert (row[2], row[3], row[5], row[6]) == ("–",) * 4
            else:
                assert (float(row[2]), float(row[5])) == printed
                assert float(row[3]) == pytest.approx(float(row[1]) - printed[0], abs=0.011)
                assert float(row[6]) == pytest.approx(float(row[4]) - printed[1], abs=0.011)


def test_it_says_that_the_studys_accuracy_is_openais_checkpoint(field: Outcome) -> None:
    assert (
        "The study does not name its CLIP weights: its scripts load laion400m_e31 and "
        "datacomp_xl_s13b_b90k, but 68.30 % is what open_clip lists for openai (80 "
        "prompts: laion400m_e31 67.00, openai 68.30, datacomp_xl_s13b_b90k 73.50)."
    ) in field.out
    assert "Its inputs were not released" in field.out


def test_it_says_that_the_sets_here_have_other_numbers_of_images(field: Outcome) -> None:
    assert (
        "Image counts differ: imagenet-val 300, not 50,000; iNaturalist 200, not 10,000; "
        "SUN 250, not 10,000; Places 210, not 10,000; Textures 220, not 5,640; see oodcache data "
        "check\n"
    ) in field.out


def test_each_step_is_one_change_and_they_add_up(field: Outcome, cached: Path) -> None:
    rows = lines_of(field.out, "step by step, to SigLIP with a sigmoid")
    steps = [line.split() for line in rows if ":" in line or "in total" in line]
    said = [" ".join(word for word in one if not word[-1].isdigit()) for one in steps]
    assert [one.split(":")[0] for one in said[:-1]] == [
        *("checkpoint", "checkpoint", "checkpoint", "temperature", "aggregation", "sigmoid", "bias")
    ]
    # Accuracy takes three columns of numbers at the left, each AUROC three more.
    after = [float(one[-14]) for one in steps]
    clip, openai = averages(cached, "ViT-B-16/laion400m_e31"), averages(cached, "ViT-B-16/openai")
    of = averages(cached, SIGLIP)
    expected = [clip["mcm"], openai["mcm"], of["mcm"], of["mcm:temperature=learned"]]
    expected += [of["max-logit"]] * 4
    assert after == pytest.approx(expected, abs=0.0051)
    changes = [float(one[-13]) for one in steps[1:]]
    assert changes == pytest.approx(
        [*np.diff(expected[:-1]), of["max-logit"] - of["mcm"]], abs=0.0051
    )
    assert changes[-3:-1] == [0, 0]


def test_the_bias_and_what_sums_over_classes(field: Outcome, cached: Path) -> None:
    of = averages(cached, SIGLIP)
    (line,) = (
        one
        for one in lines_of(field.out, "bias, from the learned one to none")
        if f"{SIGLIP}, joint-energy" in one
    )
    numbers = line.split()[-15:]
    assert [float(one) for one in numbers[:2]] == pytest.approx(
        [of["joint-energy"], of["joint-energy:bias=none"]], abs=0.0051
    )
    (line,) = (
        one
        for one in lines_of(field.out, "aggregation, from the maximum")
        if f"{SIGLIP}: sig" in one
    )
    assert float(line.split()[-14]) == pytest.approx(of["sigmoid-sum"], abs=0.0051)


@pytest.mark.slow
def test_a_prompt_is_changed_too(field: Outcome, cached: Path) -> None:
    rows = lines_of(field.out, "prompt, from 'a photo of a {}'")
    for model, score in (("ViT-B-16/openai", "mcm"), (SIGLIP, "max-logit")):
        typed = "sigmoid-mcm" if score == "max-logit" else score
        for place, prompt in ((1, "'{}'"), (2, "'the nice {}'")):
            (line,) = (one for one in rows if f"{model}, {typed}: {prompt}" in one)
            before, after = map(float, line.split()[-15:-13])
            assert before == pytest.approx(averages(cached, model)[score], abs=0.0051)
            assert after == pytest.approx(averages(cached, model, place)[score], abs=0.0051)


@pytest.mark.slow
def test_the_average_is_of_the_studys_prompts_alone(oodcache: Run, tmp_path: Path) -> None:
    write_study(tmp_path / "embeddings", ["siglip"], templates=[*PROMPTS, "a sketch of a {}"])
    done = oodcache("reproduce", "--model", "siglip")
    assert done.status == 0, done.err
    rows = lines_of(done.out, "prompt, from 'a photo of a {}'")
    (line,) = (one for one in rows if "the average of these" in one)
    cache = package.open(tmp_path / "embeddings")
    mean = cache.texts(SIGLIP, "imagenet").embeddings[:3].astype(np.float64).mean(axis=0)
    classes = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    inside, *outside = (
        (cache.images(SIGLIP, name).embeddings @ classes.T).max(1)
        for name in ("imagenet-val", *OOD_SETS)
    )
    aurocs = [
        roc_auc_score(np.repeat([1, 0], [len(inside), len(one)]), np.concatenate([inside, one]))
        for one in outside
    ]
    assert float(line.split()[-14]) == pytest.approx(100 * np.mean(aurocs), abs=0.0051)


@pytest.mark.slow
def test_everything_is_left_as_results_that_a_report_reads(
    field: Outcome, cached: Path, oodcache: Run
) -> None:
    path = cached.parent / "results/reproduce.json"
    assert field.err.splitlines()[-1] == (
        "wrote results/reproduce.json: oodcache report results/reproduce.json -o reproduce.html"
    )
    read = saved.read(path)
    assert {one.model for one in read.results} == {
        "ViT-B-16",
        "ViT-B-16-SigLIP",
        "ViT-B-16-SigLIP2",
    }
    assert {one.ood for one in read.differences} == {*OOD_SETS, "average"}
    command = json.loads(path.read_text())["provenance"]["command"]
    assert command == "oodcache reproduce"
    done = oodcache("report", path, "--cache", cached, "-o", "reproduce.html")
    assert done.status == 0, done.err


@pytest.mark.slow
def test_some_of_the_models_make_tables_of_those(oodcache: Run, cached: Path) -> None:
    done = oodcache("reproduce", "--cache", cached, "--model", "clip-openai", "--model", "siglip")
    assert done.status == 0, done.err
    assert "laion400m_e31," not in done.out.split("study:")[0]
    assert "checkpoint, from" not in done.out
    alone = oodcache("reproduce", "--cache", cached, "--model", "clip")
    assert alone.status == 0, alone.err
    assert "step by step" not in alone.out and "SigLIP, softmax" not in alone.out


def test_a_cache_with_the_studys_prompt_alone_has_no_prompts_part(
    oodcache: Run, tmp_path: Path
) -> None:
    write_study(tmp_path / "embeddings", ["siglip"], templates=["a photo of a {}"])
    done = oodcache("reproduce", "--model", "siglip")
    assert done.status == 0, done.err
    assert "prompt, from" not in done.out and "step by step" in done.out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "start", "times"),
    [
        ("markdown", "| row | model | ID accuracy here / study / difference |", 1),
        ("latex", r"\begin{tabular}", 3),
    ],
)
def test_tables_for_papers(oodcache: Run, cached: Path, form: str, start: str, times: int) -> None:
    done = oodcache("reproduce", "--cache", cached, "--model", "siglip", "--format", form)
    assert done.status == 0, done.err
    assert sum(line.startswith(start) for line in done.out.splitlines()) == times


@pytest.mark.slow
def test_images_of_another_folder_are_not_compared(oodcache: Run, tmp_path: Path) -> None:
    write_study(tmp_path / "embeddings", ["clip", "siglip"])
    folder = tmp_path / "embeddings" / SIGLIP / "images"
    for name in ("SUN", "imagenet-val"):
        (folder / f"{name}.h5").unlink()
    write_sets(
        tmp_path / "embeddings",
        label=SIGLIP,
        sets={"SUN": 10, "imagenet-val": IMAGES["imagenet-val"]},
    )
    done = oodcache("reproduce", "--model", "clip", "--model", "siglip")
    assert done.status == 1
    assert done.err.splitlines()[-1] == (
        "oodcache: SUN: different images under ViT-B-16-SigLIP/webli and "
        "ViT-B-16/laion400m_e31, but a change is measured on the same ones; extract both from "
        "one folder"
    )


@pytest.mark.slow
def test_the_embedded_benchmark_runs_from_nothing(oodcache: Run) -> None:
    done = oodcache("reproduce", "--model", "tiny")
    assert done.status == 0, done.err
    assert [line.split()[:4] for line in done.err.splitlines() if line.startswith("$")] == [
        ["$", "oodcache", "extract", "--model"]
    ] * 2
    assert "other models and images than the study" in done.out
    assert "ViT-B-16/openai softmax MCM 68.30 and 85.20" in done.out
    bias = lines_of(done.out, "step by step, to SigLIP with a sigmoid")
    assert sum("same ranks" in line for line in bias) == 2
    again = oodcache("reproduce", "--model", "tiny")
    assert again.out == done.out and "extract" not in again.err
