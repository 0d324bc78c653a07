from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from oodcache.report.results import (
    FORMATS,
    caption,
    grid,
    table,
    to_csv,
    to_json,
    to_latex,
    to_markdown,
)
from oodcache.score.result import Result

FIRST = Result(
    model="ViT-B-16",
    pretrained="laion400m_e31",
    classes="imagenet",
    template="a photo of a {}",
    templates=("a photo of a {}",),
    id="imagenet-val",
    ood="iNaturalist",
    group="far",
    score="mcm",
    parameters={"temperature": 1.0},
    fpr_convention="strict",
    n_id=50_000,
    n_ood=10_000,
    id_accuracy=0.6705,
    auroc=0.9412345,
    auroc_ci=(0.93, 0.95),
    aupr_in=0.98,
    aupr_out=0.71,
    fpr95=0.3,
    fpr_at_tpr={"0.95": 0.3},
    fpr95_by_convention={"strict": 0.3, "nearest": 0.31, "openood": 0.2, "interpolated": 0.3},
    ties=12,
    distinct=59_988,
    shared_images=0,
    bootstrap=None,
    calibration=None,
)
SETS = ("iNaturalist", "SUN", "Places", "Textures", "average")
VARIANTS: list[tuple[str, dict[str, float | str]]] = [
    ("mcm", {"temperature": 1.0}),
    ("mcm", {"temperature": "learned"}),
    ("sigmoid-mcm", {"scale": "learned", "bias": "learned"}),
    ("max-logit", {}),
]


def results(*sets: str, **changes: Any) -> list[Result]:
    """Return four scores against each of `sets`; every one of their AUROCs is another number."""
    return [
        replace(
            FIRST,
            ood=ood,
            score=score,
            parameters=parameters,
            auroc=0.80 + 0.03 * row + 0.004 * column,
            **changes,
        )
        for row, (score, parameters) in enumerate(VARIANTS)
        for column, ood in enumerate(sets)
    ]


def plain(text: str) -> list[str]:
    """Return a table's lines without its colours."""
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()]


def test_a_table_has_a_row_a_score_and_a_column_a_set() -> None:
    lines = plain(table(results("SUN", "iNaturalist"), {}, None))
    assert lines[:8] == [
        "                                   SUN  iNaturalist",
        "score                      AUROC FPR95  AUROC FPR95",
        "───────────────────────────────────────────────────",
        "ViT-B-16/laion400m_e31",
        "ID accuracy 67.05",
        "  mcm                      80.00 30.00  80.40 30.00",
        "  mcm:temperature=learned  83.00 30.00  83.40 30.00",
        "  sigmoid-mcm              86.00 30.00  86.40 30.00",
    ]


def test_numbers_stand_in_line_where_one_of_them_is_a_hundred() -> None:
    rows = [FIRST, replace(FIRST, score="max-logit", parameters={}, auroc=1.0, fpr95=0.0)]
    cells = [line.split("   ")[-1].strip() for line in plain(table(rows, {}, None))[5:7]]
    assert cells == ["94.12 30.00", "100.00  0.00"]
    assert len({len(line) for line in plain(table(rows, {}, None))[5:7]}) == 1


def test_off_a_terminal_a_table_is_as_wide_as_it_needs_and_bare_of_colours() -> None:
    text = table(results(*(f"set-{number}" for number in range(30))), {}, None)
    assert "\x1b" not in text
    assert not any(line.endswith(" ") for line in text.splitlines())
    assert sum(line.startswith("score") for line in text.splitlines()) == 1
    assert len(text.splitlines()[5]) > 400


@pytest.mark.parametrize("width", [40, 60, 77, 80, 100, 200])
def test_on_a_terminal_every_number_is_there_and_no_line_is_too_long(width: int) -> None:
    shown = results(*SETS)
    lines = plain(table(shown, {}, width))
    assert max(map(len, lines)) <= width
    for one in shown:
        assert f"{100 * one.auroc:.2f} 30.00" in "\n".join(lines)
    for name in SETS:
        assert sum(name in line.split() for line in lines) == 1


def test_four_sets_stand_beside_each_other_in_eighty_columns_and_a_fifth_below() -> None:
    headings = [line.split() for line in plain(table(results(*SETS), {}, 80))]
    assert [*SETS[:4]] in headings
    assert ["average"] in headings
    assert sum(line == ["ViT-B-16/laion400m_e31"] for line in headings) == 2


def test_a_terminal_too_narrow_for_one_set_gets_long_lines_and_whole_numbers() -> None:
    lines = plain(table(results(*SETS), {}, 10))
    assert "  mcm                      80.00 30.00" in lines
    assert not any("…" in line for line in lines)


def test_square_brackets_in_names_are_no_markup() -> None:
    shown = results("SUN", model="[red]net[/red]", templates=("[bold]{}",))
    assert "[red]net[/red]/laion400m_e31" in plain(table(shown, {}, 80))
    assert "'[bold]{}'" in table(shown, {}, None)


def test_each_model_has_a_heading_with_its_own_accuracy() -> None:
    both = [*results("SUN"), *results("SUN", model="Other", pretrained="two", id_accuracy=None)]
    lines = plain(table(both, {}, None))
    place = lines.index("Other/two")
    assert lines[lines.index("ViT-B-16/laion400m_e31") + 1] == "ID accuracy 67.05"
    assert lines[place + 1] == "ID accuracy –"
    assert [line.split()[0] for line in lines[place + 2 : place + 6]] == [
        "mcm",
        "mcm:temperature=learned",
        "sigmoid-mcm",
        "max-logit",
    ]


def test_a_set_that_one_model_lacks_is_a_dash_there() -> None:
    laid = grid([FIRST, replace(FIRST, model="Other", ood="SUN")])
    assert laid.ood_sets == ("iNaturalist", "SUN")
    assert [row.cells for row in laid.rows] == [
        (("94.12", "30.00"), ("–", "–")),
        (("–", "–"), ("94.12", "30.00")),
    ]


def test_temperatures_that_differ_late_keep_a_row_each() -> None:
    close = [replace(FIRST, parameters={"temperature": 0.1 + 1e-9 * one}) for one in range(3)]
    assert len(grid(close).rows) == 3


def test_a_caption_says_images_classes_prompt_and_convention() -> None:
    assert caption([FIRST]) == [
        "ID imagenet-val (50,000 images), classes imagenet, prompt 'a photo of a {}'.",
        "AUROC and FPR95 in %, ID positive. FPR convention: strict "
        "(the highest threshold that keeps at least 95 % of ID).",
    ]


def test_a_caption_says_that_templates_are_averaged() -> None:
    averaged = replace(FIRST, templates=("a {}", "the {}"))
    assert "prompt the average of 2 templates." in caption([averaged])[0]


def test_a_caption_says_why_sigmoid_and_cosine_have_equal_rows() -> None:
    lines = caption([FIRST, replace(FIRST, score="sigmoid-mcm", parameters={})])
    assert lines[2].startswith("sigmoid-mcm rises with the largest cosine: it ranks as max-")
    assert len(caption([FIRST, replace(FIRST, score="max-logit", parameters={})])) == 2


def test_csv_reads_back_as_every_field_of_every_result() -> None:
    shown = [FIRST, replace(FIRST, id_accuracy=None, templates=('a "{}", so', "it's {}"))]
    back = list(csv.DictReader(io.StringIO(to_csv(shown, {}))))
    assert [list(row) for row in back] == [[one.name for one in fields(Result)]] * 2
    for row, one in zip(back, shown, strict=True):
        assert float(row["auroc"]) == one.auroc
        assert int(row["n_id"]) == one.n_id
        assert row["id_accuracy"] == ("" if one.id_accuracy is None else str(one.id_accuracy))
        assert tuple(json.loads(row["templates"])) == one.templates
        assert json.loads(row["parameters"]) == one.parameters


def test_json_has_the_keys_of_the_schema_and_no_others() -> None:
    back = json.loads(to_json([FIRST], {"command": "oodcache score"}))
    assert back["provenance"] == {"command": "oodcache score"}
    assert list(back) == ["results", "provenance"]
    assert list(back["results"][0]) == [
        *("model", "pretrained", "classes", "templates", "id", "ood", "score", "parameters"),
        *("fpr_convention", "n_id", "n_ood", "id_accuracy", "auroc", "aupr_in", "aupr_out"),
        *("fpr95", "ties"),
    ]


def test_json_reads_back_to_the_last_digit() -> None:
    shown = [replace(FIRST, auroc=1 / 3, fpr95=0.1 + 0.2), *results(*SETS)]
    for row, one in zip(json.loads(to_json(shown, {}))["results"], shown, strict=True):
        assert Result(**row | {"templates": tuple(row["templates"])}) == one


def test_a_temperature_in_json_is_the_number_used_or_learned() -> None:
    back = json.loads(to_json(results("SUN"), {}))["results"]
    assert [row["score"] for row in back] == ["mcm", "mcm", "sigmoid-mcm", "max-logit"]
    assert back[0]["parameters"] == {"temperature": 1}
    assert back[1]["parameters"] == {"temperature": "learned"}
    assert back[3]["parameters"] == {}


def test_an_accuracy_that_is_not_known_is_null() -> None:
    assert '"id_accuracy": null' in to_json([replace(FIRST, id_accuracy=None)], {})


def markdown_cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_markdown_is_one_table_with_a_cell_a_set() -> None:
    lines = to_markdown(results("SUN", "Places"), {}).splitlines()
    cells = [markdown_cells(line) for line in lines[:6]]
    assert {len(line) for line in cells} == {5}
    assert cells[0][3:] == ["SUN AUROC / FPR95", "Places AUROC / FPR95"]
    assert cells[1] == ["---", "---", "---:", "---:", "---:"]
    assert cells[2] == ["ViT-B-16/laion400m_e31", "mcm", "67.05", "80.00 / 30.00", "80.40 / 30.00"]
    assert lines[6] == ""
    assert caption(results("SUN"))[0] in lines


def test_markdown_escapes_pipes_in_every_cell() -> None:
    lines = to_markdown([replace(FIRST, model="a|b", ood="c|d")], {}).splitlines()
    assert r"a\|b/laion400m_e31" in lines[2]
    assert [len(markdown_cells(line)) for line in lines[:3]] == [4, 4, 4]


def test_latex_is_a_tabular_with_as_many_cells_in_each_row_as_columns() -> None:
    text = to_latex(results(*SETS), {})
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    columns = re.fullmatch(r"\\begin\{tabular\}\{(l+r+)\}", lines[0])
    assert columns is not None
    assert lines[-1] == r"\end{tabular}"
    assert [line for line in lines if line.endswith("rule")] == [
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
    ]
    for line in lines:
        if line.endswith(r"\\"):
            spanned = sum(int(one) - 1 for one in re.findall(r"\\multicolumn\{(\d)\}", line))
            assert len(re.split(r"(?<!\\)&", line)) + spanned == len(columns[1])


def test_latex_escapes_what_is_special_to_it() -> None:
    strange = replace(FIRST, model=r"50%_of$#{a}&~^\x", id_accuracy=None)
    text = to_latex([strange], {})
    assert (
        r"50\%\_of\$\#\{a\}\&\textasciitilde{}\textasciicircum{}\textbackslash{}x"
        r"/laion400m\_e31 & mcm & -- & 94.12 & 30.00 \\"
    ) in text.splitlines()


def test_no_template_breaks_a_line_of_a_caption() -> None:
    shown = [replace(FIRST, templates=("a {}\n\\end{document}",))]
    for line in to_latex(shown, {}).splitlines()[:2]:
        assert line.startswith("%")


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_ends_its_last_line_and_is_the_same_each_time(form: str) -> None:
    text = FORMATS[form](results(*SETS), {"command": "oodcache score"})
    assert text.endswith("\n")
    assert text == FORMATS[form](results(*SETS), {"command": "oodcache score"})


def test_every_field_of_a_result_stands_in_docs_conventions_md() -> None:
    page = (Path(__file__).parents[2] / "docs" / "conventions.md").read_text(encoding="utf-8")
    section = page.split("## JSON")[1].split("\n#")[0]
    explained = re.findall(r"^\| `(\w+)`", section, flags=re.MULTILINE)
    assert explained == [one.name for one in fields(Result)]
