"""Claims about `oodcache score`, run on a real cache."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest
from samples import Outcome, Run, write_image
from samples.cache.cuts import cut_all

from oodcache.score.kernel.choice import VARIABLE, in_use, kernel
from oodcache.score.onepass.variants import Variant

BLOCKED = """
import sys
for name in ("torch", "open_clip", "sklearn", "scipy", "PIL", "transformers"):
    sys.modules[name] = None
# Each takes a tenth of a short command's time.
sys.modules["numpy.ma"] = sys.modules["rich.progress"] = sys.modules["webbrowser"] = None
from oodcache.cli.main import main
sys.argv = ["oodcache", *{arguments!r}]
main()
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the first test leaves its cache for the others."""
    return tmp_path_factory.mktemp("made") / "embeddings"


@pytest.fixture
def cached(oodcache: Run, photos: Path, strays: Path, made: Path) -> list[str]:
    """Extract both small models; return the arguments that score them."""
    if not made.exists():
        _extract(oodcache, photos, strays)
        shutil.copytree("embeddings", made)
    shutil.copytree(made, "embeddings", dirs_exist_ok=True)
    return ["--id", "pets", "--ood", "strays", "--ood", "more"]


def _extract(oodcache: Run, photos: Path, strays: Path) -> None:
    for model in ("tiny-clip", "tiny-sigmoid"):
        done = oodcache(
            *("extract", "--model", model, "--classes", f"pets={photos}"),
            *(f"pets={photos}", f"strays={strays}", f"more={strays}"),
        )
        assert done.status == 0, done.err


def results(outcome: Outcome) -> list[dict[str, Any]]:
    assert outcome.status == 0, outcome.err
    rows: list[dict[str, Any]] = json.loads(outcome.out)["results"]
    return rows


@pytest.mark.slow
def test_the_default_scores_are_the_five_of_the_field(oodcache: Run, cached: list[str]) -> None:
    rows = results(oodcache("score", "--model", "tiny-sigmoid", *cached, "--format", "json"))
    scores = dict.fromkeys((row["score"], row["parameters"].get("temperature")) for row in rows)
    assert list(scores) == [
        ("mcm", 1.0),
        ("mcm", "learned"),
        ("sigmoid-mcm", None),
        ("max-logit", None),
        ("energy", "learned"),
    ]
    assert [row["ood"] for row in rows[:3]] == ["strays", "more", "average"]


def test_what_is_still_in_shards_is_scored_as_what_is_merged(
    oodcache: Run, cached: list[str]
) -> None:
    arguments = ("score", "--model", "tiny-clip", *cached, "--format", "json")
    whole = results(oodcache(*arguments))
    cut_all(Path("embeddings"), 5)
    done = oodcache(*arguments)
    assert results(done) == whole
    (pets,) = (
        one for one in json.loads(done.out)["provenance"]["files"] if one["shards"]["count"] == 3
    )
    assert pets["path"] == "embeddings/tiny-clip/demo/images/pets.shards"
    assert not list(Path("embeddings").glob("*/*/*/*.h5"))
    next(Path(pets["path"]).iterdir()).unlink()
    refused = oodcache(*arguments)
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.count("\n") == 1
    assert f"{pets['path']}: 2 of 3 shards exist (missing: " in refused.err


def test_json_says_what_made_it(oodcache: Run, cached: list[str]) -> None:
    printed = oodcache("score", "--model", "tiny-clip", *cached, "--format", "json").out
    provenance = json.loads(printed)["provenance"]
    assert provenance["command"].startswith("oodcache score --model tiny-clip --id pets")
    assert provenance["fpr_convention"] == "strict"
    assert provenance["models"]["tiny-clip/demo"]["logit_bias"] is None
    assert provenance["models"]["tiny-clip/demo"]["logit_scale"] > 1
    assert provenance["scores"] is None
    assert set(provenance["versions"]) >= {"oodcache", "numpy", "h5py"}
    with h5py.File("embeddings/tiny-clip/demo/images/pets.h5") as file:
        identity = json.loads(file["identity"][()])
    (pets,) = (one for one in provenance["files"] if one["path"].endswith("images/pets.h5"))
    assert pets["weights"] == identity["model"]["weights"]
    assert pets["vectors"] == identity["vectors"]


@pytest.fixture
def ask_for(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return a function that asks for a kernel by the environment; what was asked comes back."""

    def asked(value: str) -> None:
        monkeypatch.setenv(VARIABLE, value)
        forget()

    def forget() -> None:
        in_use.cache_clear()
        kernel.cache_clear()

    yield asked
    monkeypatch.undo()
    forget()


def test_both_kernels_print_the_same_and_json_names_the_one_in_use(
    oodcache: Run, cached: list[str], ask_for: Callable[[str], None]
) -> None:
    scores = ("mcm", "sigmoid-mcm", "energy", "joint-energy", "entropy", "variance")
    asked = ["score", "--model", "tiny-sigmoid", *cached, *(f"--score={one}" for one in scores)]
    tables, names = [], []
    for one in ("numpy", ""):
        ask_for(one)
        tables.append(oodcache(*asked).out)
        printed = json.loads(oodcache(*asked, "--format", "json").out)
        names.append(printed["provenance"]["kernel"])
    assert tables[0] == tables[1]
    assert names == ["NumPy", in_use().name]


def test_a_kernel_that_there_is_not_is_one_line(
    oodcache: Run, cached: list[str], ask_for: Callable[[str], None]
) -> None:
    ask_for("cuda")
    refused = oodcache("score", "--model", "tiny-sigmoid", *cached)
    told = "oodcache: OODCACHE_KERNEL is 'cuda', not c, avx2 or numpy; correct it, or unset it\n"
    assert (refused.status, refused.out, refused.err) == (1, "", told)


def test_sigmoid_mcm_equals_max_logit_in_every_measure(oodcache: Run, cached: list[str]) -> None:
    score = ["--score", "sigmoid-mcm:scale=learned|1|1000,bias=learned|0|-50"]
    shown = oodcache(
        *("score", "--model", "tiny-sigmoid", *cached, *score),
        *("--score", "max-logit", "--format", "json"),
    )
    rows = results(shown)
    assert len(rows) == 3 * (9 + 1)
    for ood in ("strays", "more", "average"):
        measures = {
            tuple(row[key] for key in ("auroc", "aupr_in", "aupr_out", "fpr95", "ties"))
            for row in rows
            if row["ood"] == ood
        }
        assert len(measures) == 1


def test_several_models_give_one_table(oodcache: Run, cached: list[str]) -> None:
    both = ["--model", "tiny-clip", "--model", "tiny-sigmoid"]
    rows = results(oodcache("score", *both, *cached, "--format", "json"))
    assert {(row["model"], row["pretrained"]) for row in rows} == {
        ("tiny-clip", "demo"),
        ("tiny-sigmoid", "demo"),
    }


def test_a_file_gets_its_format_from_its_ending_and_the_table_is_printed(
    oodcache: Run, cached: list[str]
) -> None:
    arguments = ["score", "--model", "tiny-clip", *cached, "--score", "max-logit"]
    for name in ("r.json", "r.csv", "r.md", "r.tex"):
        done = oodcache(*arguments, "--output", f"out/{name}")
        assert done.status == 0
        assert f"wrote out/{name}" in done.err
        assert "AUROC" in done.out
    assert json.loads(Path("out/r.json").read_text())["results"]
    assert len(list(csv.DictReader(io.StringIO(Path("out/r.csv").read_text())))) == 3
    assert Path("out/r.md").read_text().startswith("| model |")
    assert r"\begin{tabular}" in Path("out/r.tex").read_text()


@pytest.mark.slow
def test_a_template_can_be_picked_or_averaged(oodcache: Run, photos: Path, strays: Path) -> None:
    two = ["--template", "a photo of a {}", "--template", "the digit {}"]
    oodcache(
        *("extract", "--model", "tiny-clip", "--classes", f"pets={photos}", *two),
        *(f"pets={photos}", f"strays={strays}"),
    )
    base = ["score", "--model", "tiny-clip", "--id", "pets", "--ood", "strays", "--format", "json"]
    by_default = results(oodcache(*base))
    averaged = results(oodcache(*base, "--template", "average"))
    picked = results(oodcache(*base, "--template", "the digit {}"))
    assert by_default == averaged
    assert by_default[0]["templates"] == ["a photo of a {}", "the digit {}"]
    assert picked[0]["templates"] == ["the digit {}"]
    # The oracle: a cache that holds this template and no other.
    alone = ["--template", "the digit {}", "--cache", "alone"]
    oodcache(
        *("extract", "--model", "tiny-clip", "--classes", f"pets={photos}", *alone),
        *(f"pets={photos}", f"strays={strays}"),
    )
    assert picked == results(oodcache(*base, "--cache", "alone"))


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ("--id pets", 2, "--ood"),
        (
            "--id nope --ood strays",
            1,
            "no images 'nope' (there are: more, pets, strays); make "
            "them with: oodcache extract --model tiny-clip nope=FOLDER",
        ),
        ("--id imagenet-val --ood strays", 1, "oodcache extract --model tiny-clip imagenet-val"),
        ("--id pets --ood pets", 1, "is both --id and --ood"),
        ("--id pets --ood more --ood more", 1, "given twice"),
        ("--id pets --ood more --select-on pets", 1, "is both --id and --select-on"),
        (
            "--id pets --ood more --select-on more",
            1,
            "a set that picks a setting cannot measure it",
        ),
        ("--id pets --ood more --select-on nope", 1, "no images 'nope' (there are: more, pets"),
        ("--id pets --ood more --select-on pets:imagenet10", 1, "share images: one contains"),
        (
            "--id pets --ood more --classes imagenet",
            1,
            "no vocabulary 'imagenet' (there are: pets)",
        ),
        ("--id pets --ood more --score mmc", 1, "no score 'mmc'; did you mean mcm?"),
        ("--id pets --ood more --score mcm:temperature=0", 1, "neither a number above 0"),
        ("--id pets --ood more --score mcm:tau=1", 1, "sets no parameter of mcm"),
        ("--id pets --ood more --template nope{}", 1, "has no template 'nope{}'"),
        ("--id pets --ood more --format pdf", 2, "pdf"),
        ("--id pets --ood more --tpr 95", 2, "95 is a percentage; use 0.95"),
        ("--id pets --ood more --seed 1", 2, "--seed has no effect without --bootstrap"),
        (
            "--id pets --ood more --save-scores s.txt",
            1,
            "--save-scores s.txt: ends in '.txt'; use .h5",
        ),
        ("--id pets --ood more --save-scores s.csv --output s.csv", 2, "name the same file"),
        ("--id pets --ood more --score mcm --compare", 1, "--compare needs at least two scores"),
    ],
)
def test_a_mistake_is_one_line(
    oodcache: Run, cached: list[str], arguments: str, status: int, words: str
) -> None:
    refused = oodcache("score", "--model", "tiny-clip", *arguments.split())
    assert refused.status == status
    assert words in refused.err
    assert refused.out == ""
    if status == 1:
        assert refused.err.count("\n") == 1


@pytest.mark.parametrize("name", ["all.h5", "out/all.csv", "all.tsv"])
def test_metrics_of_saved_scores_are_those_of_score_to_the_last_digit(
    oodcache: Run, cached: list[str], name: str
) -> None:
    both = ["--model", "tiny-clip", "--model", "tiny-sigmoid"]
    columns = ["mcm", "joint-energy:scale=1,bias=2", "energy:temperature=learned"]
    typed = [one for column in columns for one in ("--score", column)]
    saved = oodcache("score", *both, *cached, *typed, "--save-scores", name, "--format", "json")
    assert f"wrote {name}: {2 * (12 + 5 + 5)} rows" in saved.err
    expected = results(saved)
    labels = dict.fromkeys(["mcm", "joint-energy:scale=1,bias=2", "energy"])
    again = results(
        oodcache(
            *("metrics", "--id", f"pets={name}", "--ood", f"strays={name}"),
            *("--ood", f"more={name}", "--format", "json"),
            *(one for label in labels for one in ("--column", label)),
        )
    )
    made = {"classes", "templates", "score", "parameters", "id_accuracy", "shared_images"}
    assert len(again) == len(expected) == 2 * 3 * 3
    for one, other in zip(again, expected, strict=True):
        assert {key: one[key] for key in one.keys() - made} == {
            key: other[key] for key in other.keys() - made
        }


def test_comparing_pairs_scores_and_models_that_saw_the_same_images(
    oodcache: Run, cached: list[str]
) -> None:
    both = ["--model", "tiny-clip", "--model", "tiny-sigmoid", "--score", "mcm"]
    shown = oodcache("score", *both, *cached, "--score", "energy", "--compare", "--format", "json")
    rows = results(shown)
    pairs = json.loads(shown.out)["differences"]
    assert len(pairs) == 2 * 6
    by_row = {
        (f"{row['model']}/{row['pretrained']}", row["template"], row["score"], row["ood"]): row
        for row in rows
    }
    for pair in pairs:
        first, second = (by_row[(*pair[name], pair["ood"])] for name in ("first", "second"))
        assert pair["difference"] == pytest.approx(first["auroc"] - second["auroc"], abs=1e-12)
        assert pair["p"] <= pair["p_holm"] <= 1


def test_a_model_that_saw_other_images_is_compared_with_itself(
    oodcache: Run, cached: list[str], strays: Path
) -> None:
    (strays / "4.jpg").unlink()
    redone = oodcache("extract", "--model", "tiny-clip", "--overwrite", f"strays={strays}")
    assert redone.status == 0, redone.err
    both = ["--model", "tiny-clip", "--model", "tiny-sigmoid", "--score", "mcm"]
    shown = oodcache("score", *both, *cached, "--compare", "--format", "json")
    assert "pets and strays: different images under tiny-clip/demo; tiny-sigmoid/demo" in shown.err
    assert [pair["ood"] for pair in json.loads(shown.out)["differences"]] == ["more"]


def test_options_of_measuring_reach_the_results(oodcache: Run, cached: list[str]) -> None:
    arguments = ["score", "--model", "tiny-clip", *cached, "--score", "mcm", "--format", "json"]
    more = ["--fpr-convention", "openood", "--tpr", "0.5", "--bootstrap", "20", "--reliability"]
    for row in results(oodcache(*arguments, *more)):
        assert row["fpr_convention"] == "openood"
        assert "0.5" in row["fpr_at_tpr"]
        assert set(row["bootstrap"]) >= {"auroc", "fpr95"}
        assert row["calibration"] is not None or row["ood"] == "average"


def test_an_ablation_file_adds_scores_and_templates_to_those_typed(
    oodcache: Run, cached: list[str]
) -> None:
    Path("grid.toml").write_text(
        'templates = "each"\n[[scores]]\nscore = ["mcm", "gen"]\ntemperature = [1, "learned"]\n'
    )
    base = ["score", "--model", "tiny-clip", *cached, "--format", "json", "--ablation", "grid.toml"]
    alone, added = results(oodcache(*base)), results(oodcache(*base, "--score", "margin"))
    wanted = [("mcm", 1.0), ("mcm", "learned"), ("gen", 1.0), ("gen", "learned")]
    assert [(row["score"], row["parameters"]["temperature"]) for row in alone[::3]] == wanted
    assert {row["template"] for row in alone} == {"a photo of a {}"}
    assert [row["score"] for row in added[::3]] == ["margin", *(score for score, _ in wanted)]


SELECTED = (
    "--score",
    "mcm:temperature=1|0.1|0.01|learned",
    "--score",
    "energy:temperature=10|1|0.1|0.001",
)


@pytest.fixture
def tuned(oodcache: Run, cached: list[str], tmp_path: Path) -> list[str]:
    """Add a set to pick parameters on; return the arguments that score both models with it."""
    for number in range(9):
        write_image(tmp_path / "others" / f"{number}.png", 5000 + number)
    for model in ("tiny-clip", "tiny-sigmoid"):
        assert oodcache("extract", "--model", model, f"others={tmp_path / 'others'}").status == 0
    return ["--model", "tiny-clip", "--model", "tiny-sigmoid", *cached, "--select-on", "others"]


def test_parameters_are_picked_on_a_set_that_no_result_has(oodcache: Run, tuned: list[str]) -> None:
    done = oodcache("score", *tuned, *SELECTED, "--compare", "--format", "json")
    rows = results(done)
    assert [row["ood"] for row in rows] == ["strays", "more", "average"] * 4
    whole = json.loads(done.out)
    names = {(*one["first"], one["ood"]) for one in whole["differences"]}
    assert {name[2].partition(":")[0] for name in names} == {"mcm", "energy"}
    assert len(whole["differences"]) == 2 * (4 * 3 // 2)
    selection = whole["provenance"]["selection"]
    assert selection["on"] == "others"
    assert len(selection["tried"]) == 4 + 4
    assert [(one["model"], one["score"]) for one in selection["picked"]] == [
        *(("tiny-clip/demo", "mcm"), ("tiny-clip/demo", "energy")),
        *(("tiny-sigmoid/demo", "mcm"), ("tiny-sigmoid/demo", "energy")),
    ]
    # What the same scores have on that set, measured as any other.
    on_it = [one if one != "strays" else "others" for one in tuned[:-2]]
    measured = results(oodcache("score", *on_it, *SELECTED, "--format", "json"))
    for one, row in zip(selection["picked"], rows[::3], strict=True):
        of_score = [
            each
            for each in measured
            if each["ood"] == "others"
            and (f"{each['model']}/{each['pretrained']}", each["score"])
            == (one["model"], one["score"])
        ]
        best = max(of_score, key=lambda each: float(each["auroc"]))
        assert (one["parameters"], one["auroc"]) == (best["parameters"], best["auroc"])
        assert (row["parameters"], row["picked"]["auroc"]) == (best["parameters"], best["auroc"])
        assert row["picked"]["tried"] == 4
    read = [Path(one["path"]).stem for one in whole["provenance"]["files"]]
    assert read.count("others") == 2


def test_without_a_set_to_pick_on_none_is_said(oodcache: Run, cached: list[str]) -> None:
    done = oodcache("score", "--model", "tiny-clip", *cached, "--format", "json")
    assert json.loads(done.out)["provenance"]["selection"] is None
    assert {row["picked"] for row in results(done)} == {None}


def test_every_key_of_the_selection_stands_in_docs_results_md(
    oodcache: Run, tuned: list[str]
) -> None:
    done = oodcache("score", *tuned, "--format", "json")
    selection = json.loads(done.out)["provenance"]["selection"]
    page = (Path(__file__).parents[2] / "docs" / "output" / "results.md").read_text()
    (said,) = re.findall(r"`selection` \((.*?)\)", page, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", said)) == {*selection, *selection["picked"][0]}


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "csv"])
def test_every_format_says_what_was_picked(oodcache: Run, tuned: list[str], form: str) -> None:
    shown = oodcache("score", *tuned, *SELECTED, "--format", form)
    assert shown.status == 0, shown.err
    if form == "csv":
        for row in csv.DictReader(io.StringIO(shown.out)):
            assert json.loads(row["picked"])["on"] == "others"
    else:
        assert "Parameters were picked by AUROC on others (no column here; same ID" in shown.out
        assert "out of 4 settings" in shown.out
        assert "is chosen on the test images" not in shown.out


@pytest.mark.parametrize("name", ["all.h5", "all.csv"])
def test_saved_scores_have_what_any_row_picked_and_no_image_that_picked(
    oodcache: Run, tuned: list[str], name: str
) -> None:
    saved = oodcache("score", *tuned, *SELECTED, "--save-scores", name, "--format", "json")
    rows = results(saved)
    assert f"wrote {name}: {2 * (12 + 5 + 5)} rows" in saved.err
    sets = ["--id", f"pets={name}", "--ood", f"strays={name}", "--ood", f"more={name}"]
    again = results(oodcache("metrics", *sets, "--format", "json"))
    labels = dict.fromkeys(
        Variant(row["score"], row["parameters"]).label for row in rows if row["ood"] == "strays"
    )
    assert len(labels) > 2, "both models pick the same, and this shows nothing"
    assert {row["score"] for row in again} == set(labels)
    measured = {(row["model"], row["score"], row["ood"]): row["auroc"] for row in again}
    for row in rows:
        label = Variant(row["score"], row["parameters"]).label
        assert measured[row["model"], label, row["ood"]] == row["auroc"]
    refused = oodcache("metrics", "--id", f"pets={name}", "--ood", f"others={name}")
    assert "contains scores of the datasets pets, strays, more" in refused.err


def test_templates_repeat_and_each_has_its_rows(oodcache: Run, photos: Path, strays: Path) -> None:
    two = ["--template", "a photo of a {}", "--template", "the digit {}"]
    oodcache(
        *("extract", "--model", "tiny-clip", "--classes", f"pets={photos}", *two),
        *(f"pets={photos}", f"strays={strays}"),
    )
    shown = oodcache(
        *("score", "--model", "tiny-clip", "--id", "pets", "--ood", "strays", "--score", "margin"),
        *("--template", "cosine-mean", "--template", "each", "--format", "json"),
    )
    found = [(row["template"], len(row["templates"])) for row in results(shown)]
    assert found == [("cosine-mean", 2), ("a photo of a {}", 1), ("the digit {}", 1)]


def test_a_subset_by_its_sources_names_says_how_to_make_them(
    oodcache: Run, cached: list[str]
) -> None:
    sets = ["--id", "pets:imagenet10", "--ood", "strays"]
    done = oodcache("score", "--model", "tiny-clip", *sets, "--class-names", "source")
    assert done.status == 1
    assert done.err == (
        "oodcache: embeddings/tiny-clip/demo: no vocabulary 'imagenet10' (there are: pets); "
        "make it with: oodcache extract --model tiny-clip --classes imagenet10\n"
    )


def test_an_unknown_model_or_an_empty_cache_says_what_to_do(
    oodcache: Run, cached: list[str]
) -> None:
    unknown = oodcache("score", "--model", "siglip2", *cached)
    assert unknown.status == 1
    assert "there are: tiny-clip/demo, tiny-sigmoid/demo" in unknown.err
    assert "oodcache extract --model siglip2" in unknown.err
    empty = oodcache("score", "--model", "siglip2", *cached, "--cache", "elsewhere")
    assert empty.status == 1
    assert "there are: none" in empty.err


def test_files_of_other_weights_are_never_mixed(oodcache: Run, cached: list[str]) -> None:
    foreign = Path("embeddings/tiny-sigmoid/demo/images/strays.h5").read_bytes()
    Path("embeddings/tiny-clip/demo/images/strays.h5").write_bytes(foreign)
    refused = oodcache("score", "--model", "tiny-clip", *cached)
    assert refused.status == 1
    assert "scores cannot mix them" in refused.err


def test_nan_in_a_file_is_refused_with_its_row(oodcache: Run, cached: list[str]) -> None:
    with h5py.File("embeddings/tiny-clip/demo/images/strays.h5", "r+") as file:
        file["embeddings"][3, 5] = float("nan")
    refused = oodcache("score", "--model", "tiny-clip", *cached)
    assert refused.status == 1
    assert "strays.h5: row 3 of 'embeddings' holds a value that is not finite" in refused.err
    assert "(rule F5)" in refused.err


def test_a_missing_bias_is_said_and_is_no_error(oodcache: Run, cached: list[str]) -> None:
    done = oodcache("score", "--model", "tiny-clip", *cached, "--score", "sigmoid-mcm")
    assert done.status == 0
    assert "tiny-clip/demo has no bias: b = 0 is used in sigmoid-mcm" in done.err


@pytest.mark.parametrize("command", ["score", "scores", "cache ls", "cache verify"])
def test_scoring_needs_none_of_the_heavy_libraries(cached: list[str], command: str) -> None:
    arguments = command.split()
    if command == "score":
        arguments += ["--model", "tiny-clip", *cached]
    code = BLOCKED.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("command", ["extract", "demo"])
def test_without_torch_extraction_says_what_to_install(tmp_path: Path, command: str) -> None:
    # A finder that hides torch, as in an installation that never had it.
    code = (
        "import sys, importlib.util\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'torch' else find(name)\n"
        "sys.modules['torch'] = None\n"
        "from oodcache.cli.main import main\n"
        f"sys.argv = ['oodcache', {command!r}]\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    assert "pip install 'oodcache[extract]'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_clean_numbers_stand_beside_all_and_the_list_in_the_provenance(
    oodcache: Run, cached: list[str]
) -> None:
    done = oodcache("score", "--model", "tiny-clip", *cached, "--save-scores", "all.csv")
    assert done.status == 0, done.err
    with Path("all.csv").open(newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file) if row["data_set"] == "pets"]
    Path("drop.txt").write_text(f"pets:{paths[0]}\n{paths[1]}\n")
    typed = ["score", "--model", "tiny-clip", *cached, "--score", "mcm", "--drop", "drop.txt"]
    whole = json.loads(oodcache(*typed, "--selective", "--format", "json").out)
    for row in whole["results"]:
        assert row["clean"]["n_id"] == row["n_id"] - 2
        assert row["clean"]["n_ood"] == row["n_ood"]
        assert row["clean"]["selective"]["images"] == row["selective"]["images"] - 2
    assert whole["provenance"]["drop"]["path"] == "drop.txt"
    table = oodcache(*typed).out
    assert "All images, and without those of --drop" in table
    assert f"Dropped: 2 of {row['n_id']} images of pets." in table


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("nothing.png\n", "drop.txt: line 1: 'nothing.png' is in no set of this run ('pets', "),
        ("\n", "drop.txt: lists no image; write one path per line"),
        (None, "drop.txt: No such file or directory; a list of images is one path per line"),
    ],
)
def test_a_list_that_names_nothing_is_one_line(
    oodcache: Run, cached: list[str], lines: str | None, words: str
) -> None:
    if lines is not None:
        Path("drop.txt").write_text(lines)
    typed = ["score", "--model", "tiny-clip", *cached, "--score", "mcm", "--drop", "drop.txt"]
    refused = oodcache(*typed)
    assert (refused.status, refused.out, refused.err.count("\n")) == (1, "", 1)
    assert words in refused.err


def test_scores_that_learn_from_a_stream_are_not_measured_without_images(
    oodcache: Run, cached: list[str]
) -> None:
    Path("drop.txt").write_text("x.png\n")
    refused = oodcache(
        "score", "--model", "tiny-clip", *cached, "--score", "oodd", "--drop", "drop.txt"
    )
    assert refused.status == 1
    assert refused.err == (
        "oodcache: --drop: oodd scores an image by other images, so its numbers without some need "
        "scores of their own; score it in another run, without --drop\n"
    )


def test_a_list_of_duplicates_is_a_list_to_drop(oodcache: Run, cached: list[str]) -> None:
    found = oodcache(
        *("cache", "duplicates", "strays", "more", "--model", "tiny-clip", "--threshold", "1"),
        *("--limit", "1", "--drop-file", "drop.txt", "-o", "pairs.json"),
    )
    assert found.status == 0, found.err
    pairs = json.loads(Path("pairs.json").read_text())
    first, second, last = found.out.splitlines()
    assert first == f"1.0000  strays:{pairs[0]['first_path']}"
    assert second == f"        more:{pairs[0]['second_path']}"
    assert last == f"{len(pairs)} pairs with a cosine of at least 1; --limit 0 shows all"
    # `more` has the images of `strays`, so all of them would be dropped.
    typed = ["score", "--model", "tiny-clip", *cached, "--score", "mcm", "--drop", "drop.txt"]
    assert "images of more; shorten the list, or omit the set" in oodcache(*typed).err
    lines = Path("drop.txt").read_text().splitlines()
    Path("drop.txt").write_text("\n".join(lines[1:]))
    assert oodcache(*typed).status == 0


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["pets", "dogs"], "no images 'dogs'; "),
        (["pets", "pets"], "'pets' is given twice; give it alone to search within it"),
        (["pets", "-o", "pairs.txt"], "pairs.txt: ends in '.txt'; use .csv or .json"),
        (["pets", "--threshold", "95"], "95 is a percentage; use 0.95"),
        (
            ["pets", "--threshold", "1.0000001"],
            "1.0000001 is not a share above 0 and at most 1; for example: 0.95",
        ),
        (
            ["pets", "-o", "d.csv", "--drop-file", "./d.csv"],
            "--output and --drop-file name the same file; use two",
        ),
    ],
)
def test_duplicates_of_what_is_not_there_are_one_line(
    oodcache: Run, cached: list[str], typed: list[str], words: str
) -> None:
    refused = oodcache("cache", "duplicates", *typed, "--model", "tiny-clip")
    assert refused.status in (1, 2)
    assert words in " ".join(refused.err.split())
