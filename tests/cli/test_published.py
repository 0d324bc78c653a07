"""Claims about `oodcache score --published`, run on a made-up cache under the real names."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samples import Outcome, Run
from samples.study.benchmark import NICE, OPENAI, PHOTO, PLAIN, SIGLIP, write_sets, write_words

from oodcache.report.saved import results as saved
from oodcache.study.published import OOD_SETS, rows

SIGLIP_LABEL = "ViT-B-16-SigLIP/webli"
TAIL = [part for name in OOD_SETS for part in ("--ood", name)]
ID = ["--classes", "imagenet", "--id", "imagenet-val"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of OpenAI's weights, of SigLIP's and of SigLIP 2's, and words for negatives."""
    folder = tmp_path_factory.mktemp("cache")
    for label in (OPENAI, SIGLIP_LABEL, "ViT-B-16-SigLIP2/webli"):
        encoding = {} if label == OPENAI else {"encoding": SIGLIP}
        write_sets(folder, label=label)
        write_words(folder, (PLAIN, NICE), label=label, **encoding)
    for name, template, count in (("nouns", NICE, 500), ("adjectives", PHOTO, 400)):
        words = tuple(f"{name} {place}" for place in range(count))
        write_words(folder, (template,), name=name, words=words, seed=count)
    return folder


def scored(
    oodcache: Run, cache: Path, *more: str, model: str = "clip-openai", tail: list[str] = TAIL
) -> Outcome:
    done = oodcache("score", "--cache", cache, "--model", model, *ID, *tail, *more)
    assert done.status == 0, done.err
    return done


def published(done: Outcome) -> dict[tuple[str, str, str | None], dict[str, Any]]:
    found = json.loads(done.out)["published"]
    named = {(one["source"], one["method"], one["fpr_convention"]): one for one in found}
    assert len(named) == len(found)
    return named


MCM = "MCM (Ming et al., NeurIPS 2022)", "MCM", "nearest"
NEGLABEL = "NegLabel (Jiang et al., ICLR 2024)", "NegLabel", "nearest"
JSON = ("--published", "--format", "json")


def test_every_row_of_the_model_is_listed_and_no_other(oodcache: Run, cache: Path) -> None:
    for model, label in (("clip-openai", OPENAI), ("siglip", SIGLIP_LABEL)):
        found = published(scored(oodcache, cache, *JSON, model=model))
        wanted = [row for row in rows() if row.model == label]
        assert [*found] == [(row.source, row.method, row.fpr_convention) for row in wanted]
        assert {one["model"] for one in found.values()} == {label}


def test_own_numbers_are_those_of_the_options_typed(oodcache: Run, cache: Path) -> None:
    typed = json.loads(
        scored(
            *(oodcache, cache, "--score", "mcm", "--template", PLAIN),
            *("--fpr-convention", "nearest", "--format", "json"),
        ).out
    )["results"]
    row = published(scored(oodcache, cache, *JSON))[MCM]
    for measure in ("auroc", "fpr95"):
        own = {name: one["own"] for name, one in row[measure].items()}
        assert own == {one["ood"]: one[measure] for one in typed}
    for one in row["auroc"].values():
        assert one["difference"] == one["own"] - one["published"]


def test_other_options_move_no_own_number(oodcache: Run, cache: Path) -> None:
    plain = published(scored(oodcache, cache, *JSON))
    other = scored(
        *(oodcache, cache, *JSON, "--score", "energy", "--template", NICE, "--tpr", "0.9"),
        *("--fpr-convention", "openood", "--bootstrap", "10", "--reliability"),
    )
    assert published(other) == plain


def test_all_else_is_what_it_is_without_the_option(oodcache: Run, cache: Path) -> None:
    with_it = json.loads(scored(oodcache, cache, *JSON).out)
    without = json.loads(scored(oodcache, cache, "--format", "json").out)
    assert with_it.pop("published")
    for whole in (with_it, without):
        del whole["provenance"]["command"], whole["sha256"]  # The sum is over the command too.
    assert with_it == without
    csv = scored(oodcache, cache, "--published", "--format", "csv").out
    assert csv == scored(oodcache, cache, "--format", "csv").out
    table = scored(oodcache, cache, "--published").out
    assert table.startswith(scored(oodcache, cache).out)


def test_the_table_shows_published_own_and_difference(oodcache: Run, cache: Path) -> None:
    done = scored(oodcache, cache, *JSON)
    row = published(done)[MCM]
    cells = [
        [f"{100 * row[measure][name][key]:{form}}" for name in row["auroc"] for measure in BOTH]
        for key, form in (("published", ".2f"), ("own", ".2f"), ("difference", "+z.2f"))
    ]
    lines = scored(oodcache, cache, "--published").out.splitlines()
    place = lines.index(f"{MCM[0]}, prompt 'a photo of a {{}}', FPR nearest")
    assert [line.split() for line in lines[place + 1 : place + 4]] == [
        ["MCM", *cells[0]],
        *cells[1:],
    ]
    assert lines[place - 1] == OPENAI
    assert lines[-1].endswith("and the study's inputs were not released.")


BOTH = ("auroc", "fpr95")


SAID = (
    "not implemented in oodcache (3 rows, such as SeTAR's rerun (recomputed from its per-image "
    "scores), GL-MCM)",
    "it needs features of parts of an image, which no cache holds (SeTAR's rerun (recomputed from "
    "its per-image scores), GL-MCM)",
    "neglabel needs negatives: give --negatives NAME; make them with: oodcache negatives --model "
    "ViT-B-16/openai --classes imagenet --words nouns -o NAME (NegLabel (Jiang et al., ICLR "
    "2024), NegLabel)",
    "OpenAI's 80 templates are not cached: oodcache extract --model ViT-B-16/openai --classes "
    "imagenet --template 'a photo of a {}' --template 'the nice {}' --template openai --overwrite "
    "(open_clip's list of results, zero-shot accuracy)",
    "its loader resizes differently (MCM (Ming et al., NeurIPS 2022), MCM)",
    "unverified: its inputs were not released; it does not say which weights: 68.3 is what "
    "open_clip lists for these (the study's README, softmax MCM)",
)


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_what_keeps_a_row_from_its_numbers_is_said_to_the_letter(
    oodcache: Run, cache: Path, form: str
) -> None:
    out = scored(oodcache, cache, "--published", "--format", form).out
    plain = re.sub(r"\\([|*`<\[~_])", r"\1", out) if form == "markdown" else out
    assert {*SAID} <= {one.removeprefix("% ") for one in plain.splitlines()}


def test_a_set_that_was_not_asked_for_is_said(oodcache: Run, cache: Path) -> None:
    done = scored(oodcache, cache, "--published", tail=["--ood", "SUN", "--ood", "Places"])
    (line,) = (one for one in done.out.splitlines() if "OOD sets missing" in one)
    assert line == (
        f"OOD sets missing: --ood iNaturalist --ood Textures (3 rows, such as {MCM[0]}, MCM)"
    )


def test_a_part_of_the_id_set_has_no_row_computed(
    oodcache: Run, cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "some.txt").write_text("n00000001\nn00000002\n")
    part = ["--id", "imagenet-val:@some.txt", "--ood", "SUN", "--published"]
    done = oodcache("score", "--cache", cache, "--model", OPENAI, "--classes", "imagenet", *part)
    assert done.status == 0, done.err
    said = "measured on all of imagenet-val; use --id imagenet-val (every row)"
    assert said in done.out.splitlines()


def test_neglabel_is_computed_with_negatives(oodcache: Run, cache: Path, tmp_path: Path) -> None:
    cache = shutil.copytree(cache, tmp_path / "embeddings")
    mined = oodcache(
        *("negatives", "--cache", cache, "--model", "clip-openai", "--classes", "imagenet"),
        *("--words", "nouns", "--words", "adjectives", "--template", NICE, "-o", "paper"),
    )
    assert mined.status == 0, mined.err
    row = published(scored(oodcache, cache, *JSON, "--negatives", "paper"))[NEGLABEL]
    typed = scored(
        *(oodcache, cache, "--score", "neglabel", "--negatives", "paper", "--template", NICE),
        *("--fpr-convention", "nearest", "--format", "json"),
    )
    for measure in BOTH:
        own = {name: one["own"] for name, one in row[measure].items()}
        assert own == {one["ood"]: one[measure] for one in json.loads(typed.out)["results"]}
    assert row["missing"] == []


def test_a_model_without_a_row_is_said_in_one_line(oodcache: Run, cache: Path) -> None:
    done = scored(oodcache, cache, "--published", model="siglip2")
    (line,) = (one for one in done.err.splitlines() if "--published" in one)
    assert line == (
        "--published: no numbers for siglip2; available: ViT-B-16/openai, "
        "ViT-B-32/openai, ViT-B-16-SigLIP/webli, ViT-B-16/laion400m_e31, "
        "ViT-B-16/datacomp_xl_s13b_b90k, ViT-B-16/laion2b_s34b_b88k"
    )
    assert done.out == scored(oodcache, cache, model="siglip2").out
    assert json.loads(scored(oodcache, cache, *JSON, model="siglip2").out)["published"] == []


def test_several_models_have_their_rows_in_the_order_given(oodcache: Run, cache: Path) -> None:
    done = scored(oodcache, cache, "--model", "clip-openai", *JSON, model="siglip")
    found = json.loads(done.out)["published"]
    assert [*dict.fromkeys(one["model"] for one in found)] == [SIGLIP_LABEL, OPENAI]


def test_results_with_published_rows_are_read_back(
    oodcache: Run, cache: Path, tmp_path: Path
) -> None:
    for name, more in (("with.json", ["--published"]), ("without.json", [])):
        scored(oodcache, cache, *more, "--output", name)
    with_it, without = (saved.read(tmp_path / f"{name}.json") for name in ("with", "without"))
    assert "published" in json.loads((tmp_path / "with.json").read_text())
    assert with_it.results == without.results
    drawn = oodcache("plot", "heatmap", "with.json", "-o", "map.svg")
    assert drawn.status == 0, drawn.err


@pytest.mark.slow
def test_the_registry_is_read_only_where_it_is_asked_for(cache: Path) -> None:
    code = (
        "import sys; from oodcache.cli.main import main\n"
        f"sys.argv = ['oodcache', 'score', '--cache', {str(cache)!r}, '--model', 'clip-openai', "
        f"*{[*ID, *TAIL]!r}, *sys.argv[1:]]\n"
        "try:\n main()\nfinally:\n print('study.published' in ' '.join(sys.modules))"
    )
    for more, is_read in (([], "False"), (["--published"], "True")):
        done = subprocess.run(
            [sys.executable, "-c", code, *more], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == is_read
