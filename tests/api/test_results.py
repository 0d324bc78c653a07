"""Claims about Results: rows in a sequence, and the tables, files and figures of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from samples import Run
from samples.report.arrays import data_of
from samples.report.results import FIRST, results

import oodcache as package
from oodcache.report.tables.formats import to_json
from oodcache.score.measures.result import Compared, Counterpart

Write = Callable[..., Path]
SCORES = ["mcm:temperature=1|learned", "energy"]
ASKED: dict[str, Any] = {"id": "pets", "ood": "strays"}
COMMAND = ("--id", "pets", "--ood", "strays")


def gap(batch: Any, *, k: int = 1) -> Any:
    ordered = np.sort(batch.cosines, axis=1)
    return ordered[:, -1] - ordered[:, -1 - k]


def made(*rows: Any) -> package.Results:
    return package.Results(tuple(rows), {})


@pytest.fixture
def rows(cache: package.Cache) -> package.Results:
    """Return three scores of one model, compared."""
    return cache.evaluate("one", **ASKED, scores=[*SCORES, gap], compare=True)


def test_results_are_a_sequence_of_rows(rows: package.Results) -> None:
    assert len(rows) == len([*rows]) == 4
    assert isinstance(rows[0], package.Result)
    assert isinstance(rows[1:], package.Results)
    assert rows[1:] == [*rows][1:]
    assert rows != [*rows][1:] and rows != 5
    assert rows[0] in rows and rows.index(rows[2]) == 2
    first = [rows[0]]
    assert rows[:1] + rows[1:] == [*rows] == first + rows[1:]
    assert rows[-1].score == "gap"


def test_a_data_frame_of_the_rows_has_a_column_for_each_field(rows: package.Results) -> None:
    frame = pandas.DataFrame(rows)
    assert frame.shape == (4, len(fields(package.Result)))
    assert frame["auroc"].tolist() == [row.auroc for row in rows]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"model": ["one", "two", "one/demo"]},
        {"template": ["each", "average", "cosine-mean"]},
        {"scores": ["mcm:temperature=1|0.1|learned", gap, "gap:k=2", "energy"]},
        {"scores": ["mcm:temperature=1|0.1", "energy"], "select_on": "others"},
        {"ood": ["strays", "others"], "model": ["one", "two"], "template": "each"},
    ],
)
def test_a_pivot_has_a_cell_for_every_variant(
    cache: package.Cache, write_pets: Write, more: dict[str, Any]
) -> None:
    for model in ("one", "two"):
        path = cache.folder / model / "demo" / "images" / "others.h5"
        write_pets(path, count=30, seed=5, failed=(), requested=model)
    found = cache.evaluate(**{"model": "one", **ASKED, **more})
    table = found.to_pandas().pivot(index="variant", columns="ood", values="auroc")
    assert table.size == len(found)
    assert not table.isna().any().any()


def test_without_pandas_a_line_says_what_to_install(
    rows: package.Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(package.InputError, match="pip install pandas"):
        rows.to_pandas()


def in_words_of_python(text: str) -> str:
    """Return notes below tables with what Results have for options of the command."""
    for typed, ours in (
        ("Use --explain for", "See .notes for"),
        ("--format json has", ".differences has"),
        ("--select-on DATASET", "select_on=DATASET"),
    ):
        text = text.replace(typed, ours)
    return text


@pytest.mark.parametrize("ending", ["json", "csv", "md", "tex", "txt"])
def test_a_saved_file_is_that_of_the_command(
    cache: package.Cache, oodcache: Run, ending: str
) -> None:
    asked = ("score", "--cache", str(cache.folder), "--model", "one", *COMMAND, "--compare")
    typed = [text for one in SCORES for text in ("--score", one)]
    done = oodcache(*asked, *typed, "--bootstrap", "9", "--seed", "4", "-o", f"a.{ending}")
    assert done.status == 0, done.err
    found = cache.evaluate("one", **ASKED, scores=SCORES, compare=True, bootstrap=9, seed=4)
    found.save(f"b.{ending}")
    first, second = Path(f"a.{ending}").read_text(), Path(f"b.{ending}").read_text()
    if ending == "json":
        command = json.loads(second)["provenance"]["command"]
        assert command.startswith(f"oodcache.open({str(cache.folder)!r}).evaluate(['one'], ")
        assert "bootstrap=9, seed=4" in command and command.endswith("compare=True)")
        lines = zip(first.splitlines(), second.splitlines(), strict=True)
        unlike = [one for one, other in lines if one != other]
        assert [one.split('"')[1] for one in unlike] == ["command", "sha256"]
    else:
        assert first == second


def test_the_recorded_call_can_be_typed(cache: package.Cache) -> None:
    def gap(batch: Any) -> Any:
        return batch.cosines[:, 0]

    rows = cache.evaluate("one", **ASKED, scores=["mcm", gap], conventions="openood")
    again = eval(rows.provenance["command"], {"oodcache": package, "gap": gap})
    assert [*again] == [*rows]


def test_what_was_saved_is_loaded(rows: package.Results, tmp_path: Path) -> None:
    rows.save(tmp_path / "a.json")
    loaded = package.Results.load(tmp_path / "a.json")
    assert loaded == rows
    assert loaded.differences == rows.differences
    (tmp_path / "b.json").write_text("[]")
    with pytest.raises(package.InputError, match=r"b\.json: contains no oodcache results"):
        package.Results.load(tmp_path / "b.json")


def test_what_was_published_is_kept_from_file_to_file(tmp_path: Path) -> None:
    row = Counterpart("A", "b/c", "MCM", None, "a {}", None, Compared(0.7), {}, {}, (), (), "")
    before, after = (tmp_path / f"{name}.json" for name in ("before", "after"))
    before.write_text(to_json([FIRST], [], {}, [row]))
    loaded = package.Results.load(before)
    assert loaded.published == (row,)
    loaded.save(after)
    assert after.read_bytes() == before.read_bytes()
    assert "70.00" in loaded.markdown()


def test_tables_in_text_are_those_of_the_command(cache: package.Cache, oodcache: Run) -> None:
    found = cache.evaluate("one", **ASKED, scores="energy")
    for form, text in (("latex", found.latex()), ("markdown", found.markdown())):
        asked = ("score", "--cache", str(cache.folder), "--model", "one", *COMMAND)
        out = oodcache(*asked, "--score", "energy", "--format", form).out
        assert in_words_of_python(out) == text


def test_differences_are_there_if_they_were_asked_for(
    cache: package.Cache, rows: package.Results
) -> None:
    assert [(one.first[2], one.second[2]) for one in rows.differences][:2] == [
        *(("mcm", "mcm:temperature=learned"), ("mcm", "energy"))
    ]
    assert len(rows.differences) == 6
    assert len(rows[:3].differences) == 3
    without = cache.evaluate("one", **ASKED, scores=SCORES)
    with pytest.raises(package.InputError, match=r"use evaluate\(\.\.\., compare=True\)$"):
        without.differences  # noqa: B018


def test_a_shell_and_a_notebook_show_the_table(rows: package.Results) -> None:
    for text in (repr(rows), str(rows), rows._repr_html_()):
        assert f"{100 * rows[0].auroc:.2f}" in text
        assert "gap:k=1" in text and "behind" in text
        assert "\x1b" not in text and "--" not in text
    assert "<table>" in rows._repr_html_()
    assert (repr(rows[:0]), rows[:0]._repr_html_()) == ("no results", "<p>no results</p>")


def test_names_in_a_notebook_are_no_markup() -> None:
    found = made(replace(FIRST, ood="<img src=x onerror=alert(1)>", score="<b>"))
    assert "<img" not in found._repr_html_() and "<b>" not in found._repr_html_()


def test_many_scores_are_counted_instead_of_shown() -> None:
    found = made(*(replace(FIRST, parameters={"temperature": 0.5 + one}) for one in range(70)))
    for text in (repr(found), found._repr_html_()):
        assert "… 10 more of 70 scores" in text
        assert "temperature=59.5" in text and "temperature=60.5" not in text


def test_notes_are_all_those_of_the_file(rows: package.Results, tmp_path: Path) -> None:
    rows.save(tmp_path / "a.json")
    notes = json.loads((tmp_path / "a.json").read_text())["notes"]
    assert rows.notes == [in_words_of_python(one) for one in notes]


def test_findings_are_three_sentences_in_words_of_python(rows: package.Results) -> None:
    best, runner_up, distrust = rows.findings
    highest = max((one for one in rows), key=lambda one: one.auroc)
    assert f"AUROC of {100 * highest.auroc:.2f} %" in best
    assert runner_up.startswith(("The runner-up, ", "The runners-up, ", "No score is behind"))
    assert distrust.startswith("Be careful: ") and "--" not in "".join(rows.findings)
    assert made().findings == []


def test_a_report_has_what_changed_since_an_earlier_run(
    rows: package.Results, tmp_path: Path
) -> None:
    old = replace(made(*(replace(one, aupr_in=0.0) for one in rows)), path=Path("old.json"))
    rows.report(tmp_path / "a.html", earlier=old)
    page = (tmp_path / "a.html").read_text()
    assert "From old.json to results." in page
    assert f"All {len(rows)} rows in both runs changed; no AUROC did." in page


def test_a_figure_is_drawn_with_the_functions_in_memory(rows: package.Results) -> None:
    figure = rows.plot("roc", scores=["energy", gap], width="two")
    assert figure.get_figwidth() == 6.75
    texts = [one.get_text() for one in figure.legends[0].get_texts()]
    assert texts == ["energy", "gap:k=1"]


def test_the_stream_of_a_score_is_drawn_and_others_have_none(
    cache: package.Cache, rows: package.Results
) -> None:
    with pytest.raises(package.InputError, match='evaluate scores="oodd", stream="shuffle"$'):
        rows.plot("stream")
    learning = cache.evaluate("one", **ASKED, scores="oodd:batch=8", stream=["shuffle", "id-first"])
    (legend,) = learning.plot("stream").legends
    assert [one.get_text() for one in legend.get_texts()] == ["shuffle", "id-first"]


@pytest.mark.slow
def test_every_kind_of_figure_is_drawn(rows: package.Results) -> None:
    from oodcache.report.figures.kinds import KINDS, OF_KINDS

    values = {"measure": "fpr95", "form": "ranked", "parameter": "temperature"}
    alone = {kind: about for kind, about in KINDS.items() if not about.of_streams}
    del alone["scatter"]  # It needs the accuracy of models, which these images have not.
    for kind, about in alone.items():
        own = {name: value for name, value in values.items() if kind in OF_KINDS[name]}
        one = {"scores": "mcm"} if about.most_scores == 1 else {}
        assert rows.plot(kind, **own, **one).get_figwidth() == 3.25  # type: ignore[arg-type]
    with pytest.raises(package.InputError, match="scatter needs the ID accuracy of models"):
        rows.plot("scatter")


def test_names_and_fonts_may_be_others(rows: package.Results) -> None:
    figure = rows.plot("results", labels={"mcm": "MCM", "energy": "Energy"}, font="serif")
    names = [one.get_text() for one in figure.axes[0].get_yticklabels()]
    assert {"MCM", "Energy"} < {*names} and "mcm" not in names
    assert figure.axes[0].get_yticklabels()[0].get_fontfamily()[0] == "STIXGeneral"


def test_results_from_a_file_need_the_functions_again(
    cache: package.Cache, rows: package.Results, tmp_path: Path
) -> None:
    rows.save(tmp_path / "a.json")
    loaded = package.Results.load(tmp_path / "a.json", cache=cache.folder)
    with pytest.raises(package.InputError, match="made with 'gap', code of your own; add scores"):
        loaded.plot("roc", scores="gap")
    assert len(loaded.plot("roc", scores=gap).axes) == 1


def test_a_report_has_every_score_and_image(rows: package.Results, tmp_path: Path) -> None:
    notes: list[str] = []
    rows.report(tmp_path / "a.html", note=notes.append)
    page = (tmp_path / "a.html").read_text()
    found = data_of(page)["rows"]
    assert "gap:k=1" in [one["name"] for one in found]
    paths = {image["path"] for image in found[0]["fooled_id"]}
    assert len(paths) == 12 and all(one.endswith(".png") for one in paths)
    assert [note for note in notes if "thumbnails" not in note] == []


def test_a_bank_is_drawn_again_with_its_seed(cache: package.Cache, write_pets: Write) -> None:
    write_pets(cache.folder / "one/demo/images/train.h5", count=30, seed=9, requested="one")
    more: dict[str, Any] = {"bank_labels": "predicted", "bank_seed": 5}
    found = cache.evaluate("one", **ASKED, scores="knn:k=1", bank="train:2", **more)
    assert len(found.plot("roc").axes) == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda rows: rows.plot("rock"), "kind 'rock': there is none; choose one of results, heat"),
        (lambda rows: rows.plot("roc", measure="auroc"), "measure applies to heatmap, ranking, "),
        (lambda rows: rows.plot("roc", font="x"), "font 'x': there is none; choose one of sans, "),
        (lambda rows: rows.plot("roc", labels={"zz": "x"}), "labels 'zz': not in results; there "),
        (lambda rows: rows.plot("heatmap", measure="f1"), "measure 'f1': there is none; choose"),
        (lambda rows: rows.plot("roc", width=99), "width 99 is neither one nor two nor 2 to 20 in"),
        (lambda rows: rows.plot("roc", scores="zz"), "scores 'zz': not in results; there are: mcm"),
        (lambda rows: rows.save("a.pdf"), "a.pdf: "),
        (lambda rows: rows[:0].save("a.json"), "no results to write"),
        (
            lambda rows: rows.report("a.html", images={"cats": "."}),
            "cats=.: the results have no dataset 'cats' (there are: ",
        ),
    ],
)
def test_a_mistake_raises_one_line(
    rows: package.Results, call: Callable[[package.Results], object], words: str
) -> None:
    with pytest.raises(package.InputError) as error:
        call(rows)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_results_of_other_sets_keep_their_own_columns() -> None:
    found = made(*results("SUN", "Places"))
    assert found.to_pandas().pivot(index="variant", columns="ood", values="auroc").shape == (4, 2)
