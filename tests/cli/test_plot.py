"""Claims about `oodcache plot`, run on a real cache."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image
from samples import Run, run_in

from oodcache.report.figures.kinds import ENDINGS, KINDS

SCORE = (
    *("score", "--model", "tiny-clip", "--id", "pets", "--ood", "strays", "--ood", "more"),
    *("--score", "mcm:temperature=1|0.1|learned", "--score", "energy", "--output", "r.json"),
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images of noise, their cache, results and every image's scores."""
    from samples import write_image

    folder = tmp_path_factory.mktemp("plots")
    for name, classes in (("pets", ("cat", "dog")), ("strays", ("x",)), ("more", ("<y>",))):
        for number in range(6):
            for place, label in enumerate(classes):
                write_image(folder / f"data/{name}/{label}/{number}.png", 10 * number + place)
    lines = (
        ["extract", "--model", "tiny-clip", "--classes", "pets=data/pets"],
        [*SCORE, "--save-scores", "all.h5"],
        [*SCORE[:-4], "--score", "oodd", "--stream=shuffle", "--stream=drift", "--output=s.json"],
    )
    lines[0].extend(f"{name}=data/{name}" for name in ("pets", "strays", "more"))
    for line in lines:
        run_in(folder, *line)
    assert (folder / "all.h5").is_file() and (folder / "r.json").is_file()
    return folder


@pytest.fixture
def results(oodcache: Run, prepared: Path) -> None:
    """Copy what was prepared into the folder that the test runs in."""
    shutil.copytree(prepared, Path(), dirs_exist_ok=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_in_every_format(oodcache: Run, results: None, kind: str) -> None:
    for ending in ENDINGS:
        given = "s.json" if KINDS[kind].of_streams else "r.json"
        done = oodcache("plot", kind, given, "-o", f"new/{kind}{ending}")
        assert (done.status, done.out) == (0, "")
        assert done.err.splitlines()[-1] == f"wrote new/{kind}{ending}"
        assert kind == "ranking" or done.err.count("\n") == 1
    with Image.open(f"new/{kind}.png") as image:
        assert image.width == 975
    ElementTree.parse(f"new/{kind}.svg")
    assert Path(f"new/{kind}.pdf").read_bytes().startswith(b"%PDF")
    assert len([*Path("new").iterdir()]) == len(ENDINGS)


@pytest.mark.slow
def test_options_choose_what_is_drawn(oodcache: Run, results: None) -> None:
    done = oodcache(
        *("plot", "roc", "r.json", "-o", "a.svg", "--width", "5", "--model", "tiny-clip"),
        *("--template", "a photo of a {}", "--score", "energy", "--score", "mcm", "--ood", "more"),
    )
    assert done.status == 0, done.err
    root = ElementTree.parse("a.svg").getroot()
    assert root.get("width") == "360pt"
    texts = ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.index("energy") < texts.index("mcm")
    assert "more" in texts and "strays" not in texts
    assert "mcm:temperature=0.1" not in texts


def test_scores_come_from_the_cache_where_none_were_saved(oodcache: Run, results: None) -> None:
    assert oodcache("plot", "roc", "r.json", "-o", "saved.svg").status == 0
    Path("all.h5").rename("elsewhere.h5")
    assert oodcache("plot", "roc", "r.json", "-o", "cache.svg").status == 0
    shutil.rmtree("embeddings")
    assert oodcache("plot", "roc", "r.json", "-o", "x.svg", "--scores", "elsewhere.h5").status == 0
    assert Path("saved.svg").read_bytes() == Path("cache.svg").read_bytes()
    assert Path("saved.svg").read_bytes() == Path("x.svg").read_bytes()


@pytest.mark.parametrize("kind", [name for name, about in KINDS.items() if about.of_images])
def test_without_single_images_it_says_which_command_saves_them(
    oodcache: Run, results: None, kind: str
) -> None:
    Path("all.h5").unlink()
    shutil.rmtree("embeddings")
    done = oodcache("plot", kind, "r.json", "-o", "a.png")
    command = json.loads(Path("r.json").read_text())["provenance"]["command"]
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        "oodcache: r.json: found no file of --save-scores and no cache embeddings. "
        f"Save every image's scores; with the command that the file records: {command}\n"
    )
    assert not Path("a.png").exists()


@pytest.mark.slow
def test_thumbnails_are_looked_for_where_they_are_drawn(oodcache: Run, results: None) -> None:
    Path("data").rename("other")
    roc = oodcache("plot", "roc", "r.json", "-o", "a.svg")
    assert roc.err == "wrote a.svg\n"
    none = oodcache("plot", "fooled", "r.json", "-o", "none.svg")
    assert none.err.startswith("no thumbnails of pets, strays, more: add --data-root FOLDER")
    assert "<image" not in Path("none.svg").read_text()
    typed = oodcache("plot", "fooled", "r.json", "pets=other/pets", "-o", "pets.svg")
    assert typed.err.startswith("no thumbnails of strays, more: ")
    assert Path("pets.svg").read_text().count("<image") == 4
    drawn = oodcache("plot", "fooled", "r.json", "pets=other/pets", "-o", "b.svg", "--ood", "more")
    assert drawn.err.startswith("no thumbnails of more: ")
    both = ("strays=other/strays", "pets=other/pets", "--ood", "more")
    assert oodcache("plot", "fooled", "r.json", *both, "-o", "c.svg").status == 0
    every = oodcache("plot", "fooled", "r.json", "-o", "all.svg", "--data-root", "other")
    assert every.err == "wrote all.svg\n"
    assert Path("all.svg").read_text().count("<image") == 12


def test_scores_of_another_program_have_curves_and_no_images(oodcache: Run) -> None:
    for name, scores in (("id", "0.9\n0.8\n0.3\n"), ("ood", "0.1\n0.2\n0.5\n")):
        Path(f"{name}.csv").write_text(f"$x$\n{scores}")
    metrics = ("metrics", "--id", "id.csv", "--ood", "ood.csv", "--output", "m.json")
    assert oodcache(*metrics).status == 0
    for kind in ("results", "heatmap"):
        assert oodcache("plot", kind, "m.json", "-o", f"{kind}.svg").status == 0
        assert ">$x$</text>" in Path(f"{kind}.svg").read_text()
    for kind in ("roc", "pr", "histogram", "threshold"):
        assert oodcache("plot", kind, "m.json", "-o", f"{kind}.png").status == 0
    for kind in ("fooled", "classes"):
        refused = oodcache("plot", kind, "m.json", "-o", f"{kind}.png")
        assert (refused.status, Path(f"{kind}.png").exists()) == (1, False)
        assert refused.err == (
            f"oodcache: {kind} shows images, but m.json does not name any: "
            "use results of oodcache score\n"
        )
    assert oodcache("plot", "reliability", "m.json", "-o", "a.png").err == (
        "oodcache: m.json: reliability needs a score that is a probability, such as mcm\n"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["roc", "r.json", "-o", "a.jpg"], "a.jpg: ends in '.jpg'; use .png, .svg or .pdf"),
        (["roc", "x.json", "-o", "a.png"], "x.json: no such file or directory"),
        (["roc", "all.h5", "-o", "a.png"], "all.h5: not JSON: "),
        (
            ["roc", "r.json", "-o", "a.png", "--score", "knn"],
            "--score 'knn': not in r.json;",
        ),
        (
            ["roc", "r.json", "-o", "data/pets/cat/0.png/a.png"],
            "cannot be written: Not a directory",
        ),
        (
            ["reliability", "r.json", "-o", "a.png", "--score", "energy"],
            "--score energy: not a probability, which reliability needs; there are: mcm, ",
        ),
        (
            ["sweep", "r.json", "-o", "a.png", "--parameter", "bias"],
            "--parameter 'bias': not in r.json; there are: temperature",
        ),
        (["roc", "r.json", "-o", "a.png", "--scores", "none.h5"], "none.h5: "),
    ],
)
def test_a_mistake_is_one_line_and_leaves_no_file(
    oodcache: Run, results: None, arguments: list[str], says: str
) -> None:
    done = oodcache("plot", *arguments)
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    assert says in done.err
    assert not Path("a.png").exists()


@pytest.mark.parametrize(
    ("kind", "option", "says"),
    [
        (
            "roc",
            ["--measure", "fpr95"],
            "--measure applies to heatmap, ranking, scatter, not to roc",
        ),
        ("roc", ["--form", "ranked"], "--form applies to histogram, threshold, fooled, not to roc"),
        ("heatmap", ["--parameter", "bias"], "--parameter applies to sweep, not to heatmap"),
        ("classes", ["pets=data/pets"], "NAME=PATH applies to fooled, not to classes"),
    ],
)
def test_an_option_of_another_kind_is_refused(
    oodcache: Run, kind: str, option: list[str], says: str
) -> None:
    done = oodcache("plot", kind, "r.json", "-o", "a.png", *option)
    assert done.status == 2
    assert f"Error: {says}\n" in done.err


@pytest.mark.parametrize("width", ["three", "1", "21", "nan", "-3"])
def test_a_width_that_is_none_is_refused(oodcache: Run, width: str) -> None:
    done = oodcache("plot", "roc", "r.json", "-o", "a.png", "--width", width)
    assert done.status == 2
    assert f"{width} is neither one nor two nor 2 to 20 inches" in " ".join(done.err.split())


def test_help_lists_every_kind_and_its_examples_are_understood(oodcache: Run) -> None:
    shown = oodcache("plot", "--help").out
    for kind, about in KINDS.items():
        assert re.search(rf"^ +{kind} +{re.escape(about.says)}$", shown, re.M)
    examples = re.findall(r"^  oodcache (plot .*)$", shown.replace("\\\n", ""), re.M)
    assert len(examples) == 4
    for line in examples:
        done = oodcache(*line.split())
        assert done.err == "oodcache: results.json: no such file or directory\n"


def test_other_names_and_a_serif_font_are_drawn(oodcache: Run, results: None) -> None:
    done = oodcache(
        *("plot", "roc", "r.json", "-o", "a.svg", "--font", "serif", "--label", "mcm=MCM"),
        *("--label", "mcm:temperature=0.1=MCM (0.1)", "--label", "strays=Strays"),
    )
    assert (done.status, done.err) == (0, "wrote a.svg\n")
    written = Path("a.svg").read_text()
    assert ">Strays</text>" in written and "MCM (0.1)" in written
    assert "strays" not in written and ">mcm<" not in written
    assert "STIXGeneral" in written
    wrong = oodcache("plot", "roc", "r.json", "-o", "a.svg", "--label", "msp=MSP")
    assert (wrong.status, wrong.err.count("\n")) == (1, 1)
    assert wrong.err.startswith("oodcache: --label 'msp': not in r.json; there are: strays, ")


def test_a_ranking_of_few_sets_says_what_to_type(oodcache: Run, results: None) -> None:
    done = oodcache("plot", "ranking", "r.json", "-o", "a.svg")
    assert done.status == 0
    assert done.err == (
        "2 OOD sets: no test over sets can show a difference among 4 scores at 5 %, which needs 8 "
        "sets; score again with --compare for tests of the images of these sets\nwrote a.svg\n"
    )
    assert oodcache(*SCORE[:-1], "c.json", "--compare").status == 0
    done = oodcache("plot", "ranking", "c.json", "-o", "b.svg")
    assert "bars are by DeLong's tests of the images of these sets" in done.err
