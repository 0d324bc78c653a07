"""Claims about `oodcache metrics`, run on files as other programs write them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import Outcome, Run
from sklearn.metrics import roc_auc_score

from oodcache.score.files.reading import read

WORKED_ID = [*(0.95 - 0.01 * np.arange(18)).round(2).tolist(), 0.60, 0.20]
WORKED_OOD = [0.87, 0.70, 0.65, 0.50, 0.40, 0.30, 0.25, 0.10, 0.09, 0.08]


def results(outcome: Outcome) -> list[dict[str, Any]]:
    assert outcome.status == 0, outcome.err
    rows: list[dict[str, Any]] = json.loads(outcome.out)["results"]
    return rows


@pytest.fixture
def worked(oodcache: Run) -> list[str]:
    """The worked case of docs/measures.md in two files; the arguments that measure it."""
    Path("id.csv").write_text("path,mcm\n" + "".join(f"{v}.png,{v}\n" for v in WORKED_ID))
    np.save("sun.npy", WORKED_OOD)
    return ["metrics", "--id", "id.csv", "--ood", "sun.npy"]


@pytest.mark.parametrize(
    ("convention", "expected"),
    [("strict", 0.3), ("nearest", 0.7), ("interpolated", 0.7), ("openood", 0.6)],
)
def test_the_worked_case_has_the_fpr_of_each_convention(
    oodcache: Run, worked: list[str], convention: str, expected: float
) -> None:
    (row,) = results(oodcache(*worked, "--format", "json", "--fpr-convention", convention))
    assert row["fpr95"] == pytest.approx(expected, abs=1e-12)
    assert row["fpr_convention"] == convention
    assert row["auroc"] == pytest.approx(
        roc_auc_score([1] * 20 + [0] * 10, WORKED_ID + WORKED_OOD), abs=1e-12
    )


def test_a_row_says_what_is_known_and_nothing_else(oodcache: Run, worked: list[str]) -> None:
    (row,) = results(oodcache(*worked, "--format", "json"))
    for name in ("model", "pretrained", "classes", "template", "id_accuracy", "group"):
        assert row[name] is None
    assert (row["id"], row["ood"], row["score"]) == ("id", "sun", "mcm")
    assert (row["n_id"], row["n_ood"], row["parameters"], row["templates"]) == (20, 10, {}, [])


def test_provenance_identifies_the_files(oodcache: Run, worked: list[str]) -> None:
    provenance = json.loads(oodcache(*worked, "--format", "json").out)["provenance"]
    assert provenance["command"] == "oodcache metrics --id id.csv --ood sun.npy --format json"
    assert provenance["files"] == [
        {
            "path": name,
            "sha256": hashlib.sha256(Path(name).read_bytes()).hexdigest(),
            "data_set": Path(name).stem,
            "side": side,
            "columns": columns,
            "rows": count,
        }
        for name, side, columns, count in (
            ("id.csv", "id", ["mcm"], 20),
            ("sun.npy", "ood", [], 10),
        )
    ]
    assert provenance["lower_is_id"] is False
    assert set(provenance["versions"]) == {"oodcache", "numpy"}


def scores_again(provenance: dict[str, Any], row: dict[str, Any], side: str) -> list[Any]:
    """Read the scores of a row's sets again, as provenance says, each turned as it was."""
    found = []
    for one in provenance["files"]:
        if one["side"] != side or one["data_set"] not in (row["id"], row["ood"]):
            continue
        for part in read(Path(one["path"]), one["columns"]):
            model = None if row["model"] is None else f"{row['model']}/{row['pretrained']}"
            if part.data_set in (None, one["data_set"]) and part.model == model:
                scores = part.scores.get(row["score"], next(iter(part.scores.values())))
                found.append(-scores if provenance["lower_is_id"] else scores)
    return found


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ("--id a=saved.csv --ood b=saved.csv --ood c=saved.csv", 2 * 2 * 2 + 2 * 2),
        ("--id a=saved.csv --ood b=saved.csv --column energy --lower-is-id", 2),
        ("--id in=id.csv --ood two.npz --ood one.npz --column mcm --lower-is-id", 3),
        ("--id one.npy --ood bare.csv", 1),
    ],
)
def test_what_provenance_says_reads_every_rows_scores_again(
    oodcache: Run, worked: list[str], options: str, rows: int
) -> None:
    generator = np.random.default_rng(0)
    lines = ["model,template,data_set,path,label,nearest,mcm,mcm shown,energy,energy shown"]
    for model in ("m/one", "m/two"):
        for name in ("a", "b", "c"):
            lines += [
                f"{model},a {{}},{name},{place}.png,,x,{','.join(map(repr, numbers))}"
                for place, numbers in enumerate(generator.normal(size=(7, 4)).tolist())
            ]
    Path("saved.csv").write_text("\n".join(lines) + "\n")
    np.savez("two.npz", mcm=generator.normal(size=9), other=generator.normal(size=9))
    np.savez("one.npz", mcm=generator.normal(size=5))
    np.save("one.npy", generator.normal(size=6))
    Path("bare.csv").write_text("0.5\n0.25\n-1\n")
    whole = json.loads(oodcache("metrics", *options.split(), "--format", "json").out)
    assert len(whole["results"]) == rows
    for row in whole["results"]:
        if row["ood"] != "average":
            (inside,) = scores_again(whole["provenance"], row, "id")
            (outside,) = scores_again(whole["provenance"], row, "ood")
            is_id = np.repeat([1, 0], [len(inside), len(outside)])
            found = roc_auc_score(is_id, np.concatenate([inside, outside]))
            assert row["auroc"] == pytest.approx(found, abs=1e-12)


def test_every_format_says_the_same_auroc(oodcache: Run, worked: list[str]) -> None:
    (row,) = results(oodcache(*worked, "--format", "json"))
    for form in ("table", "markdown", "latex"):
        shown = oodcache(*worked, "--format", form)
        assert shown.status == 0
        assert f"{100 * row['auroc']:.2f}" in shown.out
    done = oodcache(*worked, "--output", "out/r.csv")
    assert "wrote out/r.csv" in done.err
    assert repr(row["auroc"]) in Path("out/r.csv").read_text()


def test_lower_is_id_turns_the_scores_round(oodcache: Run, worked: list[str]) -> None:
    np.save("negative.npy", -np.array(WORKED_ID))
    np.save("sun.npy", -np.array(WORKED_OOD))
    (turned,) = results(
        oodcache(
            *("metrics", "--id", "negative.npy", "--ood", "sun.npy", "--lower-is-id"),
            *("--format", "json"),
        )
    )
    np.save("sun.npy", WORKED_OOD)
    (plain,) = results(oodcache(*worked, "--format", "json"))
    for name in ("auroc", "aupr_in", "aupr_out", "fpr95", "auroc_ci"):
        assert turned[name] == plain[name]


def test_a_quiet_run_prints_results_and_warnings_only(oodcache: Run, worked: list[str]) -> None:
    quiet = oodcache(*worked, "-q", "-o", "x.json")
    assert (quiet.status, quiet.err) == (0, "")
    flipped = oodcache(*worked, "-q", "-o", "x.json", "--lower-is-id")
    assert flipped.err.count("\n") == 1
    assert "is higher more ID? omit --lower-is-id" in flipped.err


def test_several_sets_and_columns_make_a_row_each_and_an_average(oodcache: Run) -> None:
    random = np.random.default_rng(0)
    for name, shift in (("a", 1.0), ("b", 0.0), ("c", 0.5)):
        np.savez(f"{name}.npz", mcm=random.normal(size=50) + shift, energy=random.normal(size=50))
    sets = ("--id", "pets=a.npz", "--ood", "b.npz", "--ood", "sea=c.npz")
    columns = ("--column", "energy", "--column", "mcm")
    done = oodcache("metrics", *sets, *columns, "--compare", "--format", "json")
    assert [(row["score"], row["ood"]) for row in results(done)] == [
        (score, ood) for score in ("energy", "mcm") for ood in ("b", "sea", "average")
    ]
    assert {row["id"] for row in results(done)} == {"pets"}


def test_other_tprs_and_resamples_are_in_the_results(oodcache: Run, worked: list[str]) -> None:
    more = ("--tpr", "0.5", "--tpr", "1", "--bootstrap", "50", "--format", "json")
    (row,) = results(oodcache(*worked, *more))
    assert {float(tpr) for tpr in row["fpr_at_tpr"]} >= {0.5, 1.0}
    low, high = row["bootstrap"]["auroc"]
    assert low < row["auroc"] < high
    assert results(oodcache(*worked, *more, "--seed", "0")) == [row]
    assert results(oodcache(*worked, *more, "--seed", "1")) != [row]


@pytest.mark.parametrize("option", ["--reliability", "--calibration"])
def test_a_score_of_another_program_is_no_probability(
    oodcache: Run, worked: list[str], option: str
) -> None:
    (row,) = results(oodcache(*worked, option, "--format", "json"))
    assert row["calibration"] == "not a probability"


def test_the_old_name_of_reliability_is_hidden(oodcache: Run) -> None:
    for command in ("score", "metrics"):
        shown = oodcache(command, "--help").out
        assert "--reliability" in shown and "--calibration" not in shown


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ("--id id.csv", 2, "--ood"),
        ("--id none.csv --ood sun.npy", 1, "none.csv: cannot be read: No such file"),
        ("--id id.csv --ood id.csv", 1, "two datasets are named 'id'; use another name"),
        ("--id id.csv --ood b=id.csv", 1, "id.csv: given as both 'id' and 'b'"),
        ("--id id.csv --ood average=sun.npy", 1, "'average' is reserved for averages in results"),
        ("--id id.csv --ood =sun.npy", 1, "write NAME=FILE or FILE"),
        ("--id id.csv --ood b=", 1, "--ood b=: names no file (is a shell variable unset?)"),
        ("--id id.csv --ood sun.npy --column energy", 1, "has no column 'energy'; there are: "),
        ("--id id.csv --ood sun.npy --compare", 1, "--compare needs at least two scores"),
        ("--id id.csv --ood energy.csv", 1, "its columns are energy, but those of id.csv"),
        ("--id id.csv --ood sun.npy --tpr 95", 2, "95 is a percentage; use 0.95"),
        ("--id id.csv --ood sun.npy --tpr 95%", 2, "95% is a percentage; use 0.95"),
        ("--id id.csv --ood sun.npy --tpr 0", 2, "0 is not a share above 0 and at most 1"),
        ("--id id.csv --ood sun.npy --tpr nan", 2, "nan is not a share"),
        ("--id id.csv --ood sun.npy --tpr high", 2, "high is not a share"),
        ("--id id.csv --ood sun.npy --bootstrap -1", 2, "-1 is not in the range"),
        ("--id id.csv --ood sun.npy --seed 1", 2, "--seed has no effect without --bootstrap"),
        ("--id id.csv --ood sun.npy --fpr-convention lax", 2, "lax"),
    ],
)
def test_a_mistake_is_one_line(
    oodcache: Run, worked: list[str], arguments: str, status: int, words: str
) -> None:
    Path("energy.csv").write_text("energy\n1\n2\n")
    refused = oodcache("metrics", *arguments.split())
    assert refused.status == status
    assert words in refused.err
    assert refused.out == ""
    if status == 1:
        assert refused.err.count("\n") == 1


def test_equals_signs_may_be_in_names_of_files_and_of_sets(
    oodcache: Run, worked: list[str]
) -> None:
    Path("lr=0.1").mkdir()
    Path("id.csv").rename("lr=0.1/a=b.csv")
    (row,) = results(
        oodcache(
            *("metrics", "--id", "lr=0.1/a=b.csv", "--ood", "x=sun.npy", "--format", "json"),
        )
    )
    assert (row["id"], row["ood"]) == ("a=b", "x")
    (row,) = results(
        oodcache(
            *("metrics", "--id", "p=lr=0.1/a=b.csv", "--ood", "sun.npy", "--format", "json"),
        )
    )
    assert row["id"] == "p"


SAVED = (
    "model,template,data_set,path,label,nearest,mcm\n"
    "m/a,t,pets,1.png,,x,1\nm/a,t,strays,1.png,,x,0\nm/b,t,pets,1.png,,x,1\nm/b,t,strays,1.png,,y,2\n"
)


def test_a_saved_file_is_measured_by_model_and_data_set(oodcache: Run) -> None:
    Path("s.csv").write_text(SAVED)
    sets = ("--id", "pets=s.csv", "--ood", "strays=s.csv", "--format", "json")
    rows = results(oodcache("metrics", *sets))
    assert [(row["model"], row["pretrained"], row["template"]) for row in rows] == [
        ("m", "a", "t"),
        ("m", "b", "t"),
    ]
    assert [row["auroc"] for row in rows] == [1, 0]
    for source in ("s.csv", "birds=s.csv"):
        refused = oodcache("metrics", "--id", source, "--ood", "strays=s.csv")
        assert refused.status == 1
        assert "contains scores of the datasets pets, strays; name one, as in --id pets=s.csv" in (
            refused.err
        )


@pytest.mark.parametrize(
    ("template", "templates", "words"),
    [
        ("a {}", ["a {}"], "prompt 'a {}'."),
        ("average", [], "prompt the average of its templates."),
        ("cosine-mean", [], "prompt the mean cosine over its templates."),
    ],
)
def test_a_saved_files_template_is_said(
    oodcache: Run, template: str, templates: list[str], words: str
) -> None:
    Path("s.csv").write_text(SAVED.replace(",t,", f",{template},"))
    sets = ("metrics", "--id", "pets=s.csv", "--ood", "strays=s.csv")
    assert words in oodcache(*sets).out
    for row in results(oodcache(*sets, "--format", "json")):
        assert (row["template"], row["templates"]) == (template, templates)


def test_a_saved_file_and_another_programs_are_not_mixed(oodcache: Run) -> None:
    Path("s.csv").write_text(SAVED)
    Path("t.csv").write_text("mcm\n1\n")
    refused = oodcache("metrics", "--id", "pets=s.csv", "--ood", "t.csv")
    assert refused.status == 1
    assert (
        "t.csv: scores of another program, but s.csv has scores of m/a with 't', m/b with 't'"
        in (refused.err)
    )


BLOCKED = """
import sys
for name in ("torch", "open_clip", "sklearn", "scipy", "PIL", "transformers"):
    sys.modules[name] = None
from oodcache.cli.main import main
sys.argv = ["oodcache", *{arguments!r}]
main()
"""


def test_fifty_thousand_rows_take_seconds_and_no_heavy_library(oodcache: Run) -> None:
    scores = np.random.default_rng(0).normal(size=50_000)
    for name in ("id", "sun"):
        lines = (f"{name}/{row}.png,{value!r}\n" for row, value in enumerate(scores.tolist()))
        Path(f"{name}.csv").write_text("path,mcm\n" + "".join(lines))
    arguments = ["metrics", "--id", "id.csv", "--ood", "sun.csv"]
    code = BLOCKED.format(arguments=arguments)
    before = os.times()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    after = os.times()
    # Of the processor: other programs may take the rest.
    seconds = sum(after[2:4]) - sum(before[2:4])
    assert done.returncode == 0, done.stderr
    assert "50.00" in done.stdout
    assert seconds < 10  # Two on a machine that does nothing else.


def test_explain_prints_every_note_and_a_table_without_it_three(oodcache: Run) -> None:
    Path("id.csv").write_text("path,a,b\n" + "".join(f"{v},1,2\n" for v in range(9)))
    Path("sun.csv").write_text("path,a,b\n" + "".join(f"{v},0,1\n" for v in range(9)))
    command = ["metrics", "--id", "id.csv", "--ood", "sun.csv", "--column", "a", "--column", "b"]
    notes = json.loads(oodcache(*command, "--format", "json").out)["notes"]
    assert oodcache(*command, "--explain").out.split("\n\n")[-1].splitlines() == notes
    assert len(notes) == 5
    short = oodcache(*command).out.split("\n\n")[-1].splitlines()
    assert len(short) == 3 and short[-1].endswith(" Use --explain for 1 more note.")


def test_csid_files_count_as_id_alone_and_in_the_full_spectrum(oodcache: Run) -> None:
    for name, values in (("id", (5, 6, 8)), ("drawn", (1, 4)), ("sun", (0, 2, 3))):
        Path(f"{name}.csv").write_text("path,a\n" + "".join(f"{v}.png,{v}\n" for v in values))
    command = ["metrics", "--id", "id.csv", "--ood", "sun.csv", "--csid", "drawn.csv"]
    done = oodcache(*command, "-o", "r.json")
    assert "full spectrum 5 images, each of equal weight" in done.out, done.err
    rows = json.loads(Path("r.json").read_text())["results"]
    # Pairs that the ID image wins: 9 of 9, 4 of 6, 13 of 15.
    assert [(one["id"], one["auroc"]) for one in rows] == [
        *(("id", 1.0), ("csid:drawn", 4 / 6), ("full-spectrum", 13 / 15)),
    ]
    assert rows[-1]["spectrum"]["drop"]["auroc"]["value"] == 1 - 13 / 15
    refused = oodcache(*command, "--csid", "sun.csv")
    assert refused.status == 1 and "two datasets are named 'sun'" in refused.err


@pytest.mark.slow
def test_a_report_has_curves_of_every_kind_of_positives(oodcache: Run) -> None:
    for name, values in (("id", (5, 6, 8)), ("drawn", (1, 4)), ("sun", (0, 2, 3))):
        Path(f"{name}.csv").write_text("path,a\n" + "".join(f"{v}.png,{v}\n" for v in values))
    command = ["metrics", "--id", "id.csv", "--ood", "sun.csv", "--csid", "drawn.csv"]
    assert oodcache(*command, "-o", "r.json").status == 0
    done = oodcache("report", "r.json", "-o", "r.html")
    assert done.status == 0 and "no curves" not in done.err
    assert "full-spectrum" in Path("r.html").read_text()


def test_own_groups_have_averages_beside_the_one_over_all(oodcache: Run, worked: list[str]) -> None:
    np.save("far.npy", [0.1, 0.05])
    np.save("near.npy", [0.9, 0.3])
    asked = [*worked, "--ood", "far.npy", "--ood", "near.npy", "--group", "mine=sun,far"]
    rows = {one["ood"]: one for one in results(oodcache(*asked, "--format", "json"))}
    assert [*rows] == ["sun", "far", "near", "average", "average-mine"]
    assert rows["average-mine"]["auroc"] == (rows["sun"]["auroc"] + rows["far"]["auroc"]) / 2
    assert (rows["average-mine"]["average_of"], rows["sun"]["average_of"]) == (["sun", "far"], None)
    table = oodcache(*asked, "-o", "results.json").out
    assert "average-mine" in table
    assert oodcache("plot", "heatmap", "results.json", "-o", "map.svg").status == 0


def test_a_group_of_sets_that_are_not_measured_is_one_line(
    oodcache: Run, worked: list[str]
) -> None:
    done = oodcache(*worked, "--group", "mine=sun,moon")
    assert done.status == 1
    expected = "--group mine: 'moon': not among the OOD sets; the OOD sets are 'sun'"
    assert done.err == f"oodcache: {expected}\n"


@pytest.fixture
def judged(oodcache: Run) -> list[str]:
    """Scores with a column of right and wrong; the arguments that measure them."""
    rows = [(0.9, 1), (0.8, 0), (0.7, 1), (0.2, 1)]
    Path("id.csv").write_text("mcm,right\n" + "".join(f"{a},{b}\n" for a, b in rows))
    np.save("sun.npy", [0.75, 0.1])
    return ["metrics", "--id", "id.csv", "--ood", "sun.npy", "--column", "mcm", "--selective"]


def test_selective_classification_is_worked_by_hand(oodcache: Run, judged: list[str]) -> None:
    (row,) = results(oodcache(*judged, "--correct", "right", "--format", "json"))
    found = row["selective"]
    assert found["images"] == 4
    assert found["id_alone"]["aurc"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert found["id_alone"]["augrc"] == pytest.approx((0 + 1 + 1 + 1) / 16)
    # From the top: right, wrong, OOD, right, right, OOD.
    wrong = [0, 1, 2, 2, 2, 3]
    risks = [count / place for place, count in enumerate(wrong, 1)]
    assert found["with_ood"]["aurc"] == pytest.approx(sum(risks) / 6)
    assert found["with_ood"]["augrc"] == pytest.approx(sum(wrong) / 36)
    # At 95 % TPR all ID images and the higher OOD image are kept; at 1:1 that weighs as two.
    assert found["with_ood"]["accuracy_at_tpr"] == {"0.95": pytest.approx(3 / 5)}
    assert found["balanced"]["accuracy_at_tpr"] == {"0.95": pytest.approx(3 / 6)}
    flipped = oodcache(*judged, "--correct", "right", "--format", "json", "--lower-is-id")
    assert results(flipped)[0]["selective"]["images"] == 4


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ([], "--selective: which ID images are classified correctly is unknown; give --correct"),
        (["--correct", "wrong"], "id.csv: has no column 'wrong'; there are: 'mcm', 'right'"),
        (["--correct", "mcm"], "id.csv: column 'mcm': row 0, from 0, is 0.9; expected 1 for a"),
        (["--correct", "right", "--csid", "more.csv"], "csid images are not known to be classi"),
    ],
)
def test_errors_that_are_unknown_are_one_line(
    oodcache: Run, judged: list[str], typed: list[str], words: str
) -> None:
    Path("more.csv").write_text("mcm\n0.5\n0.6\n")
    refused = oodcache(*judged, *typed)
    assert (refused.status, refused.out, refused.err.count("\n")) == (1, "", 1)
    assert words in refused.err


def test_the_column_of_right_and_wrong_is_no_score(oodcache: Run, judged: list[str]) -> None:
    typed = [one for one in judged if one not in ("--column", "mcm")]
    (row,) = results(oodcache(*typed, "--correct", "right", "--format", "json"))
    wanted = results(oodcache(*judged, "--correct", "right", "--format", "json"))[0]
    assert (row["auroc"], row["selective"]) == (wanted["auroc"], wanted["selective"])


@pytest.mark.parametrize("cell", ["", "nan", "yes"])
def test_an_answer_that_is_no_number_says_what_is_expected(
    oodcache: Run, judged: list[str], cell: str
) -> None:
    Path("id.csv").write_text(f"mcm,right\n0.9,1\n0.8,{cell}\n")
    refused = oodcache(*judged, "--correct", "right")
    assert refused.status == 1
    assert refused.err == (
        "oodcache: id.csv: line 3, column 'right' is empty or not a number: 1 or 0 is expected\n"
    )


def test_a_csid_set_is_not_called_like_the_rows_of_all(oodcache: Run) -> None:
    for name in ("a", "b", "c"):
        np.save(f"{name}.npy", [0.1, 0.2, len(name)])
    typed = ("metrics", "--id", "a.npy", "--ood", "b.npy", "--csid", "full-spectrum=c.npy")
    refused = oodcache(*typed)
    assert refused.status == 1
    assert "--csid 'full-spectrum' is reserved for rows on csid images; use another" in refused.err


def test_a_list_without_columns_has_none_of_right_and_wrong(
    oodcache: Run, judged: list[str]
) -> None:
    np.save("id.npy", [1.0, 0.0])
    typed = ["metrics", "--id", "id.npy", "--ood", "sun.npy", "--selective", "--correct", "right"]
    refused = oodcache(*typed)
    assert "id.npy: has no columns, so no --correct right; use .csv or .npz" in refused.err
    unused = oodcache(*judged[:-1], "--correct", "right")
    assert unused.status == 2
    assert "--correct has no effect without --selective" in unused.err


def test_columns_are_picked_for_tables_alone(oodcache: Run) -> None:
    for name, scores in (("id", "s\n0.9\n0.8\n0.3\n"), ("ood", "s\n0.1\n0.2\n0.5\n")):
        Path(f"{name}.csv").write_text(scores)
    base = ("metrics", "--id", "id.csv", "--ood", "ood.csv")
    shown = oodcache(*base, "--columns", "fpr,auroc", "--format", "latex")
    assert r"score & FPR95 $\downarrow$ & AUROC $\uparrow$ \\" in shown.out
    assert "scriptsize" not in shown.out
    saved = oodcache(*base, "--columns", "aupr-out", "-o", "a.html")
    assert saved.status == 0
    assert "<th>AUPR out ↑</th>" in Path("a.html").read_text(encoding="utf-8")
    assert "AUPR out" in saved.out and "AUROC " not in saved.out.splitlines()[1]
    none = oodcache(*base, "--columns", "auroc", "--format", "csv")
    assert none.status == 2
    assert "--columns applies to tables; csv always has every measure" in none.err
    wrong = oodcache(*base, "--columns", "accuracy")
    assert wrong.status == 2
    assert "'accuracy' has no measure; add one of" in " ".join(wrong.err.split())
