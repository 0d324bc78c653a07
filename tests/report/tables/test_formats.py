from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import pytest
from samples.report.results import BARE, FIRST, PLAIN_DIFFERENCE, SETS, difference, results

from oodcache.cache.errors import InputError
from oodcache.cache.json_text import parse_json
from oodcache.report.tables.formats import FORMATS, by_ending, text, to_csv, to_json
from oodcache.report.tables.notes.caption import caption
from oodcache.score.measures.result import (
    Compared,
    Counterpart,
    Difference,
    Pick,
    Result,
    StreamMeasures,
    StreamPath,
)

to_markdown, to_latex = (partial(text, form) for form in ("markdown", "latex"))
CALIBRATION = {
    "kept_id": 0.9,
    "kept_ood": 0.2,
    "prevalence": 0.8,
    "brier": 0.1,
    "ece": 0.1,
    "brier_balanced": 0.2,
    "ece_balanced": 0.2,
}


def documented(name: str) -> list[str]:
    """Return the keys of docs/output/results.md, in the table below the sentence that begins so."""
    page = (Path(__file__).parents[3] / "docs" / "output" / "results.md").read_text(
        encoding="utf-8"
    )
    table = page.split("## JSON")[1].split(f"\nA {name} ")[1].split("\n\n")[1]
    return re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE)


def test_csv_reads_back_as_every_field_of_every_result() -> None:
    shown = [
        replace(FIRST, calibration={"brier": 0.5}, bootstrap={"fpr95": (0.25, 0.5)}),
        replace(FIRST, id_accuracy=None, auroc_ci=None, templates=('a "{}", so', "it's {}")),
        replace(FIRST, **BARE, score="knn", calibration="not a probability"),
    ]
    back = list(csv.DictReader(io.StringIO(to_csv(shown, [], {}))))
    names = [one.name for one in fields(Result)]
    place = names.index("auroc_ci")
    names[place : place + 1] = ["auroc_ci_low", "auroc_ci_high"]
    assert [list(row) for row in back] == [names] * 3
    in_json = ("templates", "parameters", "fpr_at_tpr", "fpr95_by_convention")
    for row, one in zip(back, shown, strict=True):
        for name in ("model", "classes", "template", "id_accuracy", "auroc", "n_id", "distinct"):
            value = getattr(one, name)
            assert row[name] == ("" if value is None else str(value))
        for name in in_json:
            assert json.loads(row[name]) == json.loads(json.dumps(getattr(one, name)))
    assert [(row["auroc_ci_low"], row["auroc_ci_high"]) for row in back] == [
        ("0.93", "0.95"),
        ("", ""),
        ("0.93", "0.95"),
    ]
    assert json.loads(back[0]["bootstrap"]) == {"fpr95": [0.25, 0.5]}
    assert [row["calibration"] for row in back] == ['{"brier": 0.5}', "", '"not a probability"']


def test_json_has_the_keys_of_the_schema_and_no_others() -> None:
    back = json.loads(to_json([FIRST], [PLAIN_DIFFERENCE], {"command": "oodcache score"}))
    assert back["provenance"] == {"command": "oodcache score"}
    rest = ["results", "differences", "provenance", "notes", "sha256"]
    assert list(back) == ["format", "version", *rest]
    assert back["notes"] == caption([FIRST])
    assert (back["format"], back["version"]) == ("oodcache results", 1)
    assert list(back["results"][0]) == documented("RESULT")
    assert list(back["differences"][0]) == documented("DIFFERENCE")


def test_json_has_what_was_published_only_if_asked_for() -> None:
    row = Counterpart(
        *("A paper", "ViT-B-16/openai", "MCM", "mcm", "a {}", "nearest"),
        accuracy=Compared(0.7),
        auroc={"SUN": Compared(0.9, 1 / 3, 1 / 3 - 0.9)},
        fpr95={},
        missing=("asked for less",),
        unlike=(),
        note="",
    )
    back = json.loads(to_json([FIRST], [], {}, [row]))
    assert list(back) == [
        "format",
        "version",
        "results",
        "differences",
        "provenance",
        "published",
        "notes",
        "sha256",
    ]
    assert back["version"] == 1
    (found,) = back["published"]
    assert found["auroc"] == {"SUN": {"published": 0.9, "own": 1 / 3, "difference": 1 / 3 - 0.9}}
    assert found["accuracy"] == {"published": 0.7, "own": None, "difference": None}
    assert found["missing"] == ["asked for less"]
    assert json.loads(to_json([FIRST], [], {}, []))["published"] == []


def test_every_key_of_a_counterpart_stands_in_docs_results_md() -> None:
    page = (Path(__file__).parents[3] / "docs" / "output" / "results.md").read_text(
        encoding="utf-8"
    )
    table = page.split("\nA COUNTERPART ")[1].split("\n\n")[1]
    cells = re.findall(r"^\| (`[^|]*`) \|", table, flags=re.MULTILINE)
    names = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert names == [one.name for one in fields(Counterpart)]
    (line,) = re.findall(r"^A COMPARED is `(.*)`", page, flags=re.MULTILINE)
    assert re.findall(r'"(\w+)"', line) == [one.name for one in fields(Compared)]


def test_csv_is_the_same_whatever_was_published() -> None:
    row = Counterpart("A", "b/c", "MCM", None, "a {}", None, Compared(0.7), {}, {}, (), (), "")
    assert to_csv([FIRST], [], {}, [row]) == to_csv([FIRST], [], {})


def test_json_reads_back_to_the_last_digit() -> None:
    shown = [
        replace(FIRST, auroc=1 / 3, fpr95=0.1 + 0.2, auroc_ci=(0.1 + 0.2, 2 / 3)),
        replace(FIRST, auroc_ci=None),
        *results(*SETS),
    ]
    for row, one in zip(json.loads(to_json(shown, [], {}))["results"], shown, strict=True):
        row["auroc_ci"] = row["auroc_ci"] and tuple(row["auroc_ci"])
        assert Result(**row | {"templates": tuple(row["templates"])}) == one


def test_an_interval_in_json_is_a_pair_or_null() -> None:
    one, none = json.loads(to_json([FIRST, replace(FIRST, auroc_ci=None)], [], {}))["results"]
    assert (one["auroc_ci"], none["auroc_ci"]) == ([0.93, 0.95], None)


def test_a_difference_in_json_names_its_rows_and_reads_back() -> None:
    given = difference("mcm", "energy", ci=None, p=1 / 3)
    (back,) = json.loads(to_json([FIRST], [given], {}))["differences"]
    assert back["first"] == ["ViT-B-16/laion400m_e31", "a photo of a {}", "mcm"]
    ends = {name: tuple(back[name]) for name in ("first", "second")}
    assert Difference(**back | ends) == given


def test_a_temperature_in_json_is_the_number_used_or_learned() -> None:
    back = json.loads(to_json(results("SUN"), [], {}))["results"]
    assert [row["score"] for row in back] == ["mcm", "mcm", "sigmoid-mcm", "max-logit"]
    assert back[0]["parameters"] == {"temperature": 1}
    assert back[1]["parameters"] == {"temperature": "learned"}
    assert back[3]["parameters"] == {}


def test_an_accuracy_that_is_not_known_is_null() -> None:
    assert '"id_accuracy": null' in to_json([replace(FIRST, id_accuracy=None)], [], {})


def markdown_cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_markdown_is_one_table_with_a_cell_a_set() -> None:
    lines = to_markdown(results("SUN", "Places"), [], {}).splitlines()
    cells = [markdown_cells(line) for line in lines[:6]]
    assert {len(line) for line in cells} == {5}
    assert cells[0][3:] == ["SUN AUROC / FPR95", "Places AUROC / FPR95"]
    assert cells[1] == ["---", "---", "---:", "---:", "---:"]
    both = ("80.00 / 30.00<br>79.00–83.00", "80.40 / 30.00<br>79.40–83.40")
    assert cells[2] == ["ViT-B-16/laion400m_e31", "mcm", "67.05", *both]
    assert lines[6] == ""
    assert caption(results("SUN"))[0] in lines


def test_markdown_escapes_pipes_in_every_cell() -> None:
    lines = to_markdown([replace(FIRST, model="a|b", ood="c|d")], [], {}).splitlines()
    assert r"a\|b/laion400m_e31" in lines[2]
    assert [len(markdown_cells(line)) for line in lines[:3]] == [4, 4, 4]


def test_markdown_takes_no_markup_from_a_name() -> None:
    shown = [replace(FIRST, model="<b>*x*", ood="_y_ [z](w) a_b `c`", templates=("<i>{}\\",))]
    written = to_markdown(shown, [], {})
    assert r"\<b>\*x\*/laion400m_e31" in written
    assert r"\_y\_ \[z](w) a_b \`c\` AUROC / FPR95" in written
    assert "prompt '\\<i>{}" in written


def test_markdown_and_latex_have_a_table_for_each_thing_asked_for() -> None:
    shown = results("SUN", calibration=CALIBRATION, bootstrap={"fpr95": (0.2, 0.4)})
    compared = [difference("mcm", "max-logit")]
    assert to_markdown(shown, compared, {}).count("\n| --- |") == 4
    assert "| best |" in to_markdown(shown, compared, {})
    assert "90.00 / 20.00 / 0.1000 / 0.1000<br>0.2000 / 0.2000" in to_markdown(shown, [], {})
    written = to_latex(shown, compared, {})
    assert written.count(r"\begin{tabular}") == written.count(r"\end{tabular}") == 4
    assert r"\textless{}.001" in written
    for tabular in written.split(r"\begin{tabular}")[1:]:
        check_cells(r"\begin{tabular}" + tabular)


def check_cells(text: str) -> None:
    """Check that each line of a tabular has as many cells as there are columns."""
    columns = re.search(r"\\begin\{tabular\}\{(l+r+)\}", text)
    assert columns is not None
    for line in text.splitlines():
        if line.endswith(r"\\"):
            spanned = sum(int(one) - 1 for one in re.findall(r"\\multicolumn\{(\d+)\}", line))
            assert len(re.split(r"(?<!\\)&", line)) + spanned == len(columns[1])


def test_latex_is_a_tabular_with_as_many_cells_in_each_row_as_columns() -> None:
    written = to_latex(results(*SETS), [], {})
    lines = [line for line in written.splitlines() if not line.startswith("%")]
    assert lines[0].startswith(r"\begin{tabular}")
    assert lines[-1] == r"\end{tabular}"
    assert [line for line in lines if line.endswith("rule")] == [
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
    ]
    check_cells(written)
    assert r" &  &  & \multicolumn{2}{c}{\scriptsize 79.00--83.00} & " in written


def test_latex_escapes_what_is_special_to_it() -> None:
    strange = replace(FIRST, model=r"50%_of$#{a}&~^\x", id_accuracy=None)
    written = to_latex([strange], [], {})
    assert (
        r"50\%\_of\$\#\{a\}\&\textasciitilde{}\textasciicircum{}\textbackslash{}x"
        r"/laion400m\_e31 & mcm & -- & 94.12 & 30.00 \\"
    ) in written.splitlines()


def test_latex_has_all_notes_as_comments_and_asks_for_no_more() -> None:
    stream = StreamMeasures("drift", 90, {"drift": {}}, note="adds two")
    # Notes on the bank's images, on ties and on the stream are more than a terminal shows.
    noted = {"bank": "train", "bank_labels": "own", "bank_shared_images": {"SUN": 3}, "ties": 9_999}
    one = replace(FIRST, stream=stream, shared_images=7, **noted)
    written, short = to_latex([one], [], {}), to_markdown([one], [], {})
    assert "Use --explain" in short and "--explain" not in written
    notes = caption([one])
    assert len(notes) > 3
    comments = [line for line in written.splitlines() if line.startswith("%")]
    assert comments == [r"% In the preamble: \usepackage{booktabs}", *(f"% {one}" for one in notes)]


def test_no_template_breaks_a_line_of_a_caption() -> None:
    shown = [replace(FIRST, templates=("a {}\n\\end{document}",))]
    for line in to_latex(shown, [], {}).splitlines()[:2]:
        assert line.startswith("%")


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_ends_its_last_line_and_is_the_same_each_time(form: str) -> None:
    written = text(form, results(*SETS), [], {"command": "oodcache score"})
    assert written.endswith("\n")
    assert written == text(form, results(*SETS), [], {"command": "oodcache score"})


@pytest.mark.parametrize(("name", "kind"), [("RESULT", Result), ("DIFFERENCE", Difference)])
def test_every_field_stands_in_docs_results_md_and_no_other(name: str, kind: type) -> None:
    assert documented(name) == [one.name for one in fields(kind)]


def test_every_key_of_a_pick_stands_in_docs_results_md() -> None:
    page = (Path(__file__).parents[3] / "docs" / "output" / "results.md").read_text(
        encoding="utf-8"
    )
    (cell,) = re.findall(r"^\| `picked` \| [^|]* \| (.*) \|$", page, flags=re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", cell)) == {one.name for one in fields(Pick)}


def test_every_key_of_calibration_stands_in_docs_results_md() -> None:
    page = (Path(__file__).parents[3] / "docs" / "output" / "results.md").read_text(
        encoding="utf-8"
    )
    (cell,) = re.findall(r"^\| `calibration` \| [^|]* \| (.*) \|$", page, flags=re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", cell)) == {
        *("kept_id", "kept_ood", "prevalence", "brier", "ece", "brier_balanced", "ece_balanced")
    }


def test_an_ending_names_its_format_and_others_are_refused() -> None:
    names = ("a.csv", "a.JSON", "a.md", "a.tex", "a.html", "a.txt", "a")
    expected = ["csv", "json", "markdown", "latex", "html", "table", "table"]
    assert [by_ending(Path(name)) for name in names] == expected
    with pytest.raises(InputError) as refused:
        by_ending(Path("r.xlsx"))
    known = ".txt, .csv, .json, .md, .tex or .html"
    assert str(refused.value) == f"r.xlsx: ends in '.xlsx'; use {known}, or give --format"


def test_names_of_files_that_are_not_utf8_are_escaped_in_json() -> None:
    files = {"command": "a\udcff", "files": [{"path": "b\udcfe.csv", "rows": 3}]}
    found = parse_json(to_json([FIRST], [], files))["provenance"]
    assert found == {"command": "a\\xff", "files": [{"path": "b\\xfe.csv", "rows": 3}]}


def test_a_spreadsheet_runs_no_name_as_a_formula() -> None:
    hostile = replace(FIRST, id="=cmd|' /C calc'!A0", ood="@SUM(1)", score="mcm", model="'x")
    (row,) = csv.DictReader(io.StringIO(FORMATS["spreadsheet"].whole([hostile], [], {})))
    assert (row["id"], row["ood"], row["model"]) == ("'=cmd|' /C calc'!A0", "'@SUM(1)", "''x")
    assert float(row["auroc"]) == FIRST.auroc
    (plain,) = csv.DictReader(io.StringIO(to_csv([hostile], [], {})))
    assert (plain["id"], plain["ood"], plain["model"]) == (hostile.id, hostile.ood, hostile.model)


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_passes_on_the_escape_codes_of_a_name(form: str) -> None:
    hostile = replace(FIRST, ood="a\x1b[2Jb", classes="c\x9b1m")
    shown = text(form, [hostile], [], {})
    assert not {"\x1b", "\x9b"} & set(shown) or form == "json"
    assert "\x1b" not in shown


def test_csv_leaves_out_the_path_of_a_stream_and_json_has_it() -> None:
    path = StreamPath("drift", 9, (9,), {"auroc": (0.5,)}, (9,), None, None, None, None, None)
    stream = StreamMeasures("drift", 90, {"drift": {}}, path=path)
    learning = replace(FIRST, stream=stream)
    (row,) = csv.DictReader(io.StringIO(to_csv([learning], [], {})))
    assert json.loads(row["stream"])["images"] == 90
    assert json.loads(row["stream"])["path"] is None
    (whole,) = json.loads(to_json([learning], [], {}))["results"]
    assert whole["stream"]["path"]["ends"] == [9]
