"""Claims about `oodcache score --negatives` and `--bank`, run on a real cache."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from samples import Run

WORDS = ("apple", "bridge", "candle", "desert", "engine", "forest", "guitar", "hammer", "island")
SETS = ("--id", "pets", "--ood", "strays", "--model", "tiny-clip", "--classes", "pets")


@pytest.fixture(autouse=True)
def cached(oodcache: Run, photos: Path, strays: Path, tmp_path: Path) -> None:
    """Extract images, classes and words; mine negatives from them."""
    (tmp_path / "words.txt").write_text("\n".join(WORDS))
    for more in (
        (f"pets={photos}", f"strays={strays}", f"train={photos}", "--classes", f"pets={photos}"),
        ("--classes", f"words={tmp_path / 'words.txt'}"),
    ):
        done = oodcache("extract", "--model", "tiny-clip", *more)
        assert done.status == 0, done.err
    mined = ("--model", "tiny-clip", "--classes", "pets", "--words", "words", "--keep", "100%")
    assert oodcache("negatives", *mined, "-o", "far").status == 0


def test_what_is_given_to_fit_to_brings_scores_of_its_own(oodcache: Run) -> None:
    done = oodcache(
        *("score", *SETS, "--negatives", "far", "--score", "neglabel:groups=3", "--score", "mcm"),
        *("--bank", "train", "--score", "knn:k=2", "--format", "json"),
    )
    rows = json.loads(done.out)["results"]
    assert [(one["score"], one["negatives"], one["bank"]) for one in rows] == [
        ("neglabel", "far", None),
        ("mcm", None, None),
        ("knn", None, "train"),
    ]
    files = [Path(one["path"]).stem for one in json.loads(done.out)["provenance"]["files"]]
    assert files == ["pets", "pets", "strays", "far", "words", "train"]
    of_words = json.loads(done.out)["provenance"]["files"][3]
    assert of_words["source"]["keep"] == "100%"
    assert len(of_words["source"]["words"]) == 64
    assert of_words["vectors"] is None


def test_leaks_are_a_column_and_rows_without_them_are_diagnostics(
    oodcache: Run, tmp_path: Path
) -> None:
    (tmp_path / "names.txt").write_text("Candles\nisland\nrock\n")
    asked = ("score", *SETS, "--negatives", "far", "--score", "neglabel:groups=3", "--score", "mcm")
    table = oodcache(*asked)
    assert (table.status, table.out.splitlines()[1].split()[-1]) == (0, "leaks")
    assert "leaks: words that name an OOD class, by spelling; ?: not known." in table.out
    named = (*asked, "--leaks-of", f"strays={tmp_path / 'names.txt'}")
    (counted, _) = json.loads(oodcache(*named, "--format", "json").out)["results"]
    assert (counted["leaks"]["words"], counted["leaks"]["names"]) == (9, 2)
    assert counted["leaks"]["left_out"] is None
    without = json.loads(oodcache(*named, "--without-leaks", "--format", "json").out)
    first, mcm = without["results"]
    assert (first["leaks"]["words"], first["leaks"]["left_out"], mcm["leaks"]) == (7, 2, None)
    assert without["provenance"]["leaks"]["left_out"] == ["candle", "island"]
    table = oodcache(*named, "--without-leaks").out
    assert "neglabel:groups=3 [diagnostic]" in table
    assert "Rows marked [diagnostic] are no zero-shot results" in table
    unknown = oodcache(*asked, "--without-leaks")
    assert (unknown.status, unknown.out) == (1, "")
    assert unknown.err.endswith("give them with --leaks-of strays=FILE\n")


@pytest.mark.slow
def test_the_default_scores_have_those_of_what_is_given(oodcache: Run) -> None:
    many = oodcache("score", *SETS, "--negatives", "far")
    assert many.status == 1
    assert many.err.endswith(
        "oodcache: neglabel: groups=100, but far has only 9 negatives; "
        "use neglabel:groups=9 or fewer\n"
    )
    few = oodcache("score", *SETS, "--bank", "train", "--format", "json")
    assert "bank train has 12 images, fewer than 50: knn:k=6, the size of" in few.err
    assert {"mahalanobis", "vim"} < {one["score"] for one in json.loads(few.out)["results"]}


@pytest.mark.slow
def test_the_line_below_the_table_names_both(oodcache: Run) -> None:
    scores = ("--score", "neglabel:groups=3", "--score", "knn:k=2")
    done = oodcache("score", *SETS, "--negatives", "far", "--bank", "train:2", *scores)
    assert "prompt 'a photo of a {}', negatives far, bank train:2, leaks: words" in done.out
    assert "pets: 4 images have the same vector as an image of the bank train:2" in done.err


@pytest.mark.slow
def test_saved_scores_of_negatives_and_of_a_bank_are_measured_the_same(
    oodcache: Run, tmp_path: Path
) -> None:
    scores = ("--score", "neglabel:groups=3", "--score", "she")
    given = ("--negatives", "far", "--bank", "train", "--format", "json")
    saved = tmp_path / "all.csv"
    first = oodcache("score", *SETS, *given, *scores, "--save-scores", str(saved))
    columns = ("--column", "neglabel:groups=3", "--column", "she")
    again = oodcache(
        *("metrics", "--id", f"pets={saved}", "--ood", f"strays={saved}", *columns),
        *("--format", "json"),
    )
    one, other = (
        [row["auroc"] for row in json.loads(done.out)["results"]] for done in (first, again)
    )
    assert one == other


@pytest.mark.slow
def test_negatives_need_neither_torch_nor_scikit_learn() -> None:
    arguments = ["score", *SETS, "--negatives", "far", "--score", "neglabel:groups=3"]
    code = (
        "import sys\n"
        "for name in ('torch', 'open_clip', 'sklearn', 'scipy', 'PIL', 'transformers'):\n"
        "    sys.modules[name] = None\n"
        "from oodcache.cli.main import main\n"
        f"sys.argv = ['oodcache', *{arguments!r}]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "neglabel:groups=3" in done.stdout


@pytest.mark.slow
def test_neighbours_numpy_is_still_accepted_and_faiss_is_not(oodcache: Run) -> None:
    given = ("--bank", "train", "--score", "knn:k=2", "--format", "csv")
    assert (
        oodcache("score", *SETS, *given, "--neighbours", "numpy").out
        == oodcache("score", *SETS, *given).out
    )
    assert oodcache("score", *SETS, *given, "--neighbours", "faiss").status == 2
