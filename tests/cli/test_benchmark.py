"""Claims about `oodcache benchmark`: from images in their archives' layouts to tables."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from samples import Run, SmallModel, write_image
from samples.study.layouts import write_layout

from oodcache.study.protocols import shipped

CIFAR = shipped.find("openood-cifar10").runs[0]
OWN = """
about = "mine"
id = "pets"
classes = "pets=names.txt"
near = ["wolves"]
far = ["strays"]
[sets]
pets = "photos/pets"
wolves = "photos/wolves"
strays = "strays.txt"
"""
Write = Callable[..., Any]


def unit(count: int, seed: int) -> Any:
    rows = np.random.default_rng(seed).normal(size=(count, 4))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def cached(write_images: Write, write_texts: Write) -> None:
    """A cache in the folder that the test runs in, of all sets of OpenOOD's CIFAR-10 benchmark."""
    names = [f"class {place}" for place in range(10)]
    write_texts("cifar10", unit(10, 0), class_names=names, templates=["a photo of a {}"])
    for seed, (name, role) in enumerate(CIFAR.roles.items(), 1):
        labels = [place % 10 for place in range(20)] if role in ("id", "csid") else None
        given = {"labels": labels, "label_names": names} if labels else {}
        write_images(name, unit(20, seed), **given)


def rows_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["results"]
    return found


def mean_of(rows: list[dict[str, Any]], inside: str, sets: tuple[str, ...]) -> float:
    return fmean(one["auroc"] for one in rows if one["id"] == inside and one["ood"] in sets)


def test_a_cached_benchmark_is_scored_near_far_and_on_the_full_spectrum(
    oodcache: Run, cached: None
) -> None:
    done = oodcache(
        *("benchmark", "run", "openood-cifar10", "--model", "tiny", "--cache", "."),
        *("--score", "mcm", "-o", "r.json"),
    )
    assert done.status == 0, done.err
    rows = rows_of(Path("r.json"))
    kinds = ("cifar10-openood", "csid:cifar10-c", "full-spectrum")
    assert {one["id"] for one in rows} == {*kinds}
    for kind in kinds:
        averages = {one["ood"]: one["auroc"] for one in rows if one["id"] == kind}
        assert averages["average-near"] == pytest.approx(mean_of(rows, kind, CIFAR.near))
        assert averages["average-far"] == pytest.approx(mean_of(rows, kind, CIFAR.far))
        assert averages["average"] == pytest.approx(mean_of(rows, kind, CIFAR.outside))
        assert f"{kind}: accuracy" in done.out
    (line,) = [one for one in done.err.splitlines() if one.startswith("$ ")]
    assert line.startswith("$ oodcache score --model tiny --classes cifar10 --id cifar10-openood")
    assert "--select-on" not in done.err


def test_several_rows_are_told_what_to_pick_on(oodcache: Run, cached: None) -> None:
    command = ("benchmark", "run", "openood-cifar10", "--model", "tiny", "--cache", ".")
    done = oodcache(*command, "--score", "mcm", "--score", "energy")
    assert done.status == 0, done.err
    assert done.err.splitlines()[-1] == (
        "--select-on is an option of score: to pick among these rows, extract "
        "TinyImageNet-cifar10-val, the benchmark's set for it, and add --select-on "
        "TinyImageNet-cifar10-val to the line of score above"
    )


def test_a_grid_is_picked_on_the_benchmarks_own_set(oodcache: Run) -> None:
    command = ("benchmark", "run", "openood-cifar10", "--model", "tiny", "--dry-run", "--score")
    grid = oodcache(*command, "mcm:temperature=1|0.1").out
    assert grid.count("--select-on TinyImageNet-cifar10-val") == 1
    assert grid.splitlines()[0].endswith("cifar10-c TinyImageNet-cifar10-val")
    assert "TinyImageNet-cifar10-val" not in oodcache(*command, "mcm").out


def test_sets_that_are_left_out_are_in_no_line(oodcache: Run) -> None:
    command = ("benchmark", "run", "openood-imagenet", "--model", "m", "--dry-run")
    assert "imagenet-es" in oodcache(*command).out
    done = oodcache(*command, "--without", "imagenet-es", "--without", "NINCO")
    assert "imagenet-es" not in done.out and "NINCO" not in done.out
    assert "--csid imagenet-r" in done.out


def test_options_of_both_commands_are_in_the_lines_as_typed(oodcache: Run) -> None:
    options = ("--batch-size", "8", "--tpr", "0.9", "--tpr", "0.99", "--compare", "--exif")
    options += ("--negatives", "a b", "--bootstrap", "10", "--template", "{}", "--class-names")
    done = oodcache("benchmark", "run", "mos", "--model", "m", "--dry-run", *options, "source")
    extract, score = map(shlex.split, done.out.splitlines())
    assert extract[2:] == [
        *("--model", "m", "--exif", "--batch-size", "8", "--classes", "imagenet"),
        *("--template", "{}", "imagenet-val", "iNaturalist", "SUN", "Places", "Textures"),
    ]
    assert score[score.index("Textures") + 1 :] == [
        *("--template", "{}", "--class-names", "source", "--negatives", "a b", "--tpr", "0.9"),
        *("--tpr", "0.99", "--bootstrap", "10", "--compare"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped.NAMES)
def test_a_benchmark_runs_from_its_archives_images_to_its_table(
    oodcache: Run, small_model: SmallModel, name: str
) -> None:
    write_layout(Path("data"), name)
    options = ("--score", "mcm", "--score", "energy:temperature=1|0.1", "-o", "results/r.json")
    done = oodcache("benchmark", "run", name, *small_model.arguments, *options)
    assert done.status == 0, done.err
    assert "no label" not in done.err
    protocol = shipped.find(name)
    for title, run in zip(protocol.titles(), protocol.runs, strict=True):
        ending = f"-{title}" if len(protocol.runs) > 1 else ""
        rows = rows_of(Path(f"results/r{ending}.json"))
        kinds = {run.id, *(f"csid:{one}" for one in run.csid)}
        assert {one["id"] for one in rows} == kinds | ({"full-spectrum"} if run.csid else set())
        assert {one["score"] for one in rows} == {"mcm", "energy"}
        sets = {one["ood"] for one in rows if not one["ood"].startswith("average")}
        assert sets == {*run.outside}
        assert {"average-near", "average-far"} <= {one["ood"] for one in rows} or not run.near
        assert all(one["id_accuracy"] is not None for one in rows)
        assert f"ID {run.id} (" in done.out
    assert done.out.count("accuracy") >= len(protocol.runs)
    counts = oodcache("benchmark", "check", name)
    assert counts.status == 1  # The archives have more images.
    assert "missing" not in counts.out


@pytest.mark.slow
def test_a_protocol_of_ones_own_runs_and_its_lines_can_be_pasted(
    oodcache: Run, small_model: SmallModel, tmp_path: Path
) -> None:
    for number in range(12):
        folder = ("pets/cat", "pets/dog", "wolves", "strays")[number % 4]
        write_image(tmp_path / "data/photos" / folder / f"{number}.png", number)
    lines = [f"photos/strays/{number}.png -1\n" for number in (3, 7, 11)]
    (tmp_path / "data/strays.txt").write_text("".join(lines))
    (tmp_path / "data/names.txt").write_text("cat\ndog\n")
    (tmp_path / "mine.toml").write_text(OWN)
    command = ("benchmark", "run", "mine.toml", *small_model.arguments, "--score", "mcm")
    printed = oodcache(*command, "--dry-run")
    assert not Path("embeddings").exists()
    outputs = [oodcache(*shlex.split(line)[1:]) for line in printed.out.splitlines()]
    assert [one.status for one in outputs] == [0, 0], outputs
    done = oodcache(*command)
    assert (done.status, done.out) == (0, outputs[-1].out)
    assert oodcache("benchmark", "check", "mine.toml").status == 0


def test_the_list_names_all_and_a_name_prints_its_file(oodcache: Run) -> None:
    listed = oodcache("benchmark", "ls")
    assert all(name in listed.out for name in shipped.NAMES)
    printed = oodcache("benchmark", "ls", "mos").out
    assert 'far = ["iNaturalist", "SUN", "Places", "Textures"]' in printed
    Path("mine.toml").write_text(printed)
    (found,) = json.loads(oodcache("benchmark", "ls", "mine.toml", "--format", "json").out)
    assert (found["name"], found["runs"][0]["id"]) == ("mine.toml", "imagenet-val")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["mos", "--model", "a", "--model", "b"], 2, "--model is given twice; it takes one value"),
        (["mos"], 2, "Missing option '--model'; for example: oodcache benchmark run mos"),
        (["mos", "--model", "tiny"], 1, "neither in the cache nor below data: imagenet-val, iN"),
        (["moss", "--model", "tiny"], 1, "'moss' is not known; did you mean mos?"),
        (["none.toml", "--model", "tiny"], 1, "none.toml: no such file"),
        (["mos", "--model", "tiny", "--score", "mcn"], 1, "mcn"),
        (["mos", "--model", "tiny", "--seed", "1"], 2, "--seed has no effect without"),
        (["mos", "--model", "tiny", "-o", "r.xls"], 1, "r.xls"),
        (
            ["imagenet10-20", "--model", "tiny", "--format", "json"],
            2,
            "--format json: imagenet10-20 has 2 tables: give --output FILE",
        ),
        (
            ["openood-cifar10", "--model", "tiny", "--score", "oodd"],
            1,
            "--csid: oodd learns from a stream",
        ),
        (["mos", "--model", "tiny", "--score", "neglabel"], 1, "needs negatives: give --negatives"),
        (["mos", "--model", "tiny", "--score", "knn"], 1, "knn needs a bank: give --bank NAME"),
        (
            ["mos", "--model", "tiny", "--score", "knn", "--bank", "nosuch"],
            1,
            "--bank nosuch: not in the cache, and no dataset of mos; make it with: oodcache extra",
        ),
        (
            ["mos", "--model", "tiny", "--score", "neglabel", "--negatives", "nosuch"],
            1,
            "--negatives nosuch: not in the cache (there are: none)",
        ),
        (["mos", "--model", "tiny", "--drop", "nofile"], 1, "nofile: No such file"),
        (["mos", "--model", "tiny", "--group", "x=nosuch"], 1, "--group x: 'nosuch': not among"),
        (
            ["mos", "--model", "tiny", "--score", "neglabel", "--leaks-of", "SUN=nofile"],
            1,
            "nofile: No such file",
        ),
        (
            [*("mos", "--model", "tiny", "--negatives", "x"), "--leaks-of", "photos=names.txt"],
            1,
            "--leaks-of photos: no OOD set of this run (iNaturalist, SUN",
        ),
        (
            ["grouped.toml", "--model", "tiny", "--group", "wild=wolves,strays"],
            1,
            "--group wild: the benchmark has a group of this name; choose another",
        ),
    ],
)
def test_mistakes_are_one_line_before_anything_is_extracted(
    oodcache: Run, arguments: list[str], status: int, words: str
) -> None:
    Path("names.txt").write_text("cat\ndog\n")
    groups = '[groups]\nwild = ["wolves", "strays"]\n[sets]'
    Path("grouped.toml").write_text(OWN.replace("[sets]", groups))
    done = oodcache("benchmark", "run", *arguments)
    assert (done.status, done.out) == (status, "")
    assert words in done.err
    assert not Path("embeddings").exists()
    assert len(re.findall("^oodcache: |^Error: ", done.err, re.M)) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--score", "oodd"), "score it in another run, with --without "),
        (("--bank", "x:1", "--bank-draws", "2"), "not defined for; use --without "),
    ],
)
def test_an_error_about_csid_sets_says_how_they_are_left_out_here(
    oodcache: Run, options: tuple[str, ...], words: str
) -> None:
    line = ("benchmark", "run", "openood-cifar10", "--model", "clip", "--dry-run", *options)
    refused = oodcache(*line)
    assert refused.status == 1 and words in refused.err
    (csid,) = CIFAR.csid
    assert f"--without {csid}" in refused.err
    again = oodcache(*line, "--without", csid)
    assert again.status == 0, again.err


def test_help_begins_with_what_every_run_gives_and_has_whole_sentences(oodcache: Run) -> None:
    help_text = oodcache("benchmark", "run", "--help").out
    headings = {one.split(":")[0].strip(): one for one in help_text.split("\n\n")}
    assert re.findall("--[a-z-]+", headings["Model"])[0] == "--model"
    assert re.findall("--[a-z-]+", headings["Sets"])[0] == "--data-root"
    assert "[the protocol's]" in " ".join(help_text.split())
    assert "the only one, or average" not in " ".join(help_text.split())
    assert "…" not in oodcache("benchmark", "--help").out.replace("...", "…").split("Commands:")[1]
