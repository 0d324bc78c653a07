"""Claims about `oodcache report`, run on a real cache."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest
from samples import Run, run_in, write_photos, write_strays
from samples.report.arrays import data_of

BLOCKED = """
import sys
for name in {names!r}:
    sys.modules[name] = None
from oodcache.cli.main import main
sys.argv = ["oodcache", "report", "r.json"]
main()
"""

# scikit-learn asks whether torch is among the modules: it is hidden from imports only.
WITHOUT_TORCH = """
import sys
from importlib.abc import MetaPathFinder
HIDDEN = {"torch", "open_clip", "transformers"}
class Hiding(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hiding())
from oodcache.cli.main import oodcache
oodcache(["report", "r.json"], standalone_mode=False)
print(sorted(HIDDEN & sys.modules.keys()))
"""

# It notes what it is to open, next to itself, and whether that is there.
BROWSER = """
from pathlib import Path
from urllib.parse import unquote, urlparse
page = sys.argv[1]
there = Path(unquote(urlparse(page).path)).is_file()
Path(__file__).with_name("opened").write_text(f"{page} {there}")
"""


def score_pets(folder: Path) -> None:
    """Score a small model on two sets, as r.json."""
    write_photos(folder / "photos")
    write_strays(folder / "strays")
    sets = ("pets=photos", "strays=strays")
    run_in(folder, "extract", "--model", "tiny-clip", "--classes", sets[0], *sets)
    model = ("--model", "tiny-clip", "--id", "pets", "--ood", "strays")
    run_in(folder, "score", *model, "--output", "r.json")


@pytest.fixture
def scored(oodcache: Run, made_once: Callable[..., Path], tmp_path: Path) -> None:
    """Copy the scored sets into the folder that the test runs in."""
    shutil.copytree(made_once(score_pets), tmp_path, dirs_exist_ok=True)


def test_the_page_stands_beside_the_results_or_where_it_is_wanted(
    oodcache: Run, scored: None
) -> None:
    done = oodcache("report", "r.json", "pets=photos", "strays=strays")
    assert (done.status, done.out) == (0, "")
    assert done.err.splitlines()[-1] == "wrote r.html"
    assert oodcache("report", "r.json", "-o", "pages/one.html").status == 0
    page = Path("r.html").read_text()
    assert page.startswith("<!doctype html>")
    # Twelve pets and five strays fooled some score.
    assert len(data_of(page)["thumbnails"]) == 17
    assert data_of(Path("pages/one.html").read_text())["thumbnails"] == []


def test_rows_are_chosen_and_names_replaced(oodcache: Run, scored: None) -> None:
    chosen = ("--model", "tiny-clip", "--score", "energy", "--score", "mcm", "--label", "mcm=MCM")
    done = oodcache("report", "r.json", *chosen, "--label", "strays=Strays")
    assert (done.status, done.err.splitlines()[-1]) == (0, "wrote r.html")
    page = Path("r.html").read_text()
    data = data_of(page)
    assert [one["name"] for one in data["heat"]] == ["energy", "MCM"]
    assert [one["name"] for one in data["rows"]] == ["energy", "MCM"]
    assert data["ood"] == ["Strays"] == list(data["heat"][0]["cells"])
    assert list(data["rows"][1]["curve"]["kept_ood"]) == ["Strays"]
    assert "<h1>pets against Strays</h1>" in page
    assert ">max-logit</" not in page
    wrong = oodcache("report", "r.json", "--model", "clip-x")
    assert (wrong.status, wrong.err.count("\n")) == (1, 1)
    assert wrong.err.startswith("oodcache: --model 'clip-x': not in r.json; there are: tiny-clip")


def test_two_results_are_compared_on_a_page_of_the_second(oodcache: Run, scored: None) -> None:
    whole = json.loads(Path("r.json").read_text())
    del whole["sha256"]
    for row in whole["results"]:
        row["aupr_in"] /= 2
    Path("new.json").write_text(json.dumps(whole))
    done = oodcache("report", "r.json", "new.json", "pets=photos")
    assert (done.status, done.err.splitlines()[-1]) == (0, "wrote r-new.html")
    page = Path("r-new.html").read_text()
    count = len(whole["results"])
    assert f"All {count} rows in both runs changed; no AUROC did." in page
    assert "From r.json to new.json." in page
    assert len(data_of(page)["thumbnails"]) == 12
    assert not Path("r.html").exists()


def test_a_file_of_results_may_have_an_equals_sign_in_its_path(oodcache: Run, scored: None) -> None:
    Path("lr=0.1").mkdir()
    shutil.copy("r.json", "lr=0.1/new.json")
    done = oodcache("report", "r.json", "lr=0.1/new.json")
    assert (done.status, done.err.splitlines()[-1]) == (0, "wrote r-new.html")


def test_choices_and_new_names_are_of_both_results(oodcache: Run, scored: None) -> None:
    shutil.copy("r.json", "new.json")
    chosen = ("--score", "mcm", "--score", "energy", "--label", "mcm=MCM", "--label", "strays=Odd")
    assert oodcache("report", "r.json", "new.json", *chosen).status == 0
    page = Path("r-new.html").read_text().partition('id="made"')[0]
    assert "Each of the 2 rows that both runs have is the same in both" in page
    changed = page.partition('id="changed"')[2].partition("</table>")[0]
    assert changed.count("<tr>") == 3 and ">MCM</th>" in changed and ">Odd</td>" in changed
    assert "MCM with tiny-clip" in page.partition('id="findings"')[2].partition("</section>")[0]
    assert "only in " not in page and "max-logit" not in page
    whole = json.loads(Path("new.json").read_text())
    del whole["sha256"]
    whole["results"] = [one for one in whole["results"] if one["score"] != "mcm"]
    Path("less.json").write_text(json.dumps(whole))
    wrong = oodcache("report", "less.json", "r.json", *chosen)
    assert (wrong.status, wrong.err.count("\n")) == (1, 1)
    assert wrong.err.startswith("oodcache: --score 'mcm': not in less.json; there are: ")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("photos", "photos: is a folder, not results; for images type NAME=photos"),
        ("pets", "pets: no such file of results; for images type NAME=pets"),
        (("r.json", "r.json"), "r.json: a third file of results; report compares two at most"),
    ],
)
def test_what_is_no_second_run_is_one_line(
    oodcache: Run, scored: None, typed: str | tuple[str, ...], words: str
) -> None:
    done = oodcache("report", "r.json", *([typed] if isinstance(typed, str) else typed))
    assert (done.status, done.err) == (1, f"oodcache: {words}\n")
    assert not Path("r.html").exists()


def test_the_page_is_opened_once_it_is_written(
    oodcache: Run, scored: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f"#!{sys.executable}\nimport sys\n" + BROWSER)
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.setattr(webbrowser, "_tryorder", None)  # It looks for browsers once.
    done = oodcache("report", "r.json", "--open")
    assert (done.status, done.err.splitlines()[-1]) == (0, "wrote r.html")
    assert (tmp_path / "opened").read_text() == f"{Path('r.html').resolve().as_uri()} True"


def test_without_a_browser_a_line_says_where_the_page_is(
    oodcache: Run, scored: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", "false %s")
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    done = oodcache("report", "r.json", "--open")
    last = "found no browser to open the page: open r.html yourself, or set BROWSER"
    assert (done.status, done.err.splitlines()[-1]) == (0, last)
    assert Path("r.html").exists()


def test_an_ending_of_another_format_is_refused(oodcache: Run) -> None:
    done = oodcache("report", "r.json", "-o", "r.pdf")
    words = "r.pdf: ends in '.pdf'; use .html or .htm; oodcache plot writes .pdf, .png and .svg"
    assert (done.status, done.err) == (1, f"oodcache: {words}\n")


def test_equal_results_give_equal_pages(oodcache: Run, scored: None) -> None:
    for name in ("one", "two"):
        assert oodcache("report", "r.json", "-o", f"{name}.html").status == 0
    assert Path("one.html").read_bytes() == Path("two.html").read_bytes()


def test_results_without_scores_make_a_page_that_says_what_to_type(
    oodcache: Run, scored: None
) -> None:
    done = oodcache("report", "r.json", "--cache", "nowhere")
    assert done.status == 0
    what, wrote = done.err.splitlines()
    none = "the page has no curves and no images: "
    assert what.startswith(f"{none}r.json: found no file of --save-scores and no cache nowhere. ")
    assert what.endswith("--save-scores r.h5")
    assert wrote == "wrote r.html"
    assert "--save-scores r.h5" in Path("r.html").read_text()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 9}, "r.json: results of version 9, but this oodcache reads version 1; score"),
        ({"format": "oodcache detector"}, "r.json: contains no oodcache results; score again"),
    ],
)
def test_what_is_no_file_of_results_is_one_line(
    oodcache: Run, scored: None, changes: dict[str, object], words: str
) -> None:
    whole = json.loads(Path("r.json").read_text())
    Path("r.json").write_text(json.dumps(whole | changes))
    done = oodcache("report", "r.json")
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    assert words in done.err
    assert not Path("r.html").exists()


def test_a_file_that_is_not_there_is_one_line(oodcache: Run, scored: None) -> None:
    assert oodcache("report", "no.json").err == "oodcache: no.json: no such file or directory\n"
    done = oodcache("report", "r.json", "--scores", "no.h5")
    assert done.status == 1 and done.err.startswith("oodcache: no.h5: ")
    assert done.err.count("\n") == 1


def test_without_its_libraries_it_says_what_to_install(oodcache: Run, scored: None) -> None:
    code = BLOCKED.format(names=["plotly", "jinja2", "PIL"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "oodcache: a report needs jinja2, plotly, PIL: type  pip install 'oodcache[report]'\n"
    )


@pytest.mark.slow
def test_it_needs_no_torch(oodcache: Run, scored: None) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "[]\n")
    assert done.stderr.splitlines()[-1] == "wrote r.html"
