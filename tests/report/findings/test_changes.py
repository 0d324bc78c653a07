"""Claims about what changed between two runs, against cases worked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from samples.report.results import FIRST, MODEL, results

from oodcache.report.findings.changes import ChangedCondition, changes
from oodcache.report.saved.results import Saved
from oodcache.score.measures.result import MEASURES, Result

FILE = {"path": "embeddings/clip/one/images/SUN.h5", "vectors": "aa", "versions": {"torch": "2.1"}}
PROVENANCE: dict[str, Any] = {
    "command": "oodcache score",
    "models": {"clip/one": {"weights": "11", "logit_scale": 100.0, "logit_bias": None}},
    "files": [FILE, 3],
    "versions": {"numpy": "2.1"},
}


def run(rows: Sequence[Result], **provenance: Any) -> Saved:
    return Saved(Path("r.json"), tuple(rows), (), {**PROVENANCE, **provenance})


def test_a_run_against_itself_has_no_change() -> None:
    rows = results("SUN", "average")
    found = changes(run(rows), run(rows))
    same = "that both runs have is the same in both, to the last digit."
    assert found.summary == f"Each of the 8 rows {same}"
    assert not any(one.is_changed for one in found.rows) and len(found.rows) == 8
    assert (found.only_old, found.only_new, found.conditions) == ((), (), ())
    assert changes(run([FIRST]), run([FIRST])).summary == f"The only row {same}"


def test_each_measure_has_its_old_and_new_number_and_their_difference() -> None:
    new = replace(FIRST, auroc=0.95, fpr95=0.25, id_accuracy=None)
    (row,) = changes(run([FIRST]), run([new])).rows
    by_name = {one.heading: one for one in row.measures}
    assert [one.heading for one in row.measures] == [*(one.heading for one in MEASURES), "ID acc"]
    assert by_name["AUROC"].difference == pytest.approx(0.95 - 0.9412345)
    assert by_name["FPR95"].difference == pytest.approx(-0.05)
    assert by_name["AUPR in"].difference == 0
    assert (by_name["ID acc"].old, by_name["ID acc"].difference) == (0.6705, None)
    assert (row.name, row.id, row.ood) == ("mcm", "imagenet-val", "iNaturalist")


def test_the_summary_names_the_largest_change_first_of_averages() -> None:
    old = results("SUN", "average")
    by = {("mcm", "SUN"): -0.2, ("mcm", "average"): 0.01, ("max-logit", "average"): -0.03}
    new = [
        replace(one, auroc=one.auroc + by.get((one.score, one.ood), 0.0))
        for one in old
        if one.parameters != {"temperature": "learned"}
    ]
    found = changes(run(old), run(new))
    assert found.summary == (
        "3 of the 6 rows in both runs changed; most of all the AUROC of max-logit with "
        f"{MODEL} on average, from 89.40 % to 86.40 % (−3.00 points)."
    )
    assert found.rows[0].ood == "SUN"  # The largest change of all.
    assert found.only_old == (
        "mcm:temperature=learned on SUN",
        "mcm:temperature=learned on average",
    )
    assert changes(run(new), run(old)).only_new == found.only_old


def test_changes_of_other_measures_alone_are_told() -> None:
    new = replace(FIRST, aupr_in=0.97)
    summary = changes(run([FIRST]), run([new])).summary
    assert summary == "The only row in both runs changed; no AUROC did."


def test_runs_without_a_row_in_common_say_so() -> None:
    found = changes(run([FIRST]), run([replace(FIRST, ood="SUN")]))
    assert found.summary == "The two runs have no row in common: no score on the same sets."
    assert (found.only_old, found.only_new) == (("mcm on iNaturalist",), ("mcm on SUN",))


def test_fpr95_is_compared_under_one_convention() -> None:
    new = replace(FIRST, fpr_convention="openood", fpr95=0.2)
    found = changes(run([FIRST]), run([new]))
    (row,) = found.rows
    assert found.convention == "openood"
    (fpr95,) = (one for one in row.measures if one.heading == "FPR95")
    assert (fpr95.old, fpr95.new, row.is_changed) == (0.2, 0.2, False)
    assert found.conditions == (ChangedCondition("FPR convention", "strict", "openood"),)
    lacking = replace(FIRST, fpr95_by_convention={})
    (row,) = changes(run([lacking]), run([new])).rows
    assert [one.old for one in row.measures if one.heading == "FPR95"] == [None]


def test_what_the_runs_were_made_of_is_compared() -> None:
    models = {"clip/one": {"weights": "22", "logit_scale": 100.0, "logit_bias": -10.0}}
    other = FILE | {"vectors": "bb", "failed": 2, "versions": {"torch": "2.2"}}
    old = run([FIRST], bank_seed=1)
    new = run(
        [replace(FIRST, n_ood=9_999)],
        models=models,
        files=[other, {"path": 7}],
        versions={"numpy": "2.2"},
        command="oodcache score --ood SUN",
    )
    told = {one.what: (one.old, one.new) for one in changes(old, new).conditions}
    assert told == {
        "images of iNaturalist (OOD)": ("10,000", "9,999"),
        "weights of clip/one": ("11", "22"),
        "logit bias of clip/one": ("null", "-10.0"),
        "undecodable images of clip/one/images/SUN.h5": ("–", "2"),
        "vectors of clip/one/images/SUN.h5": ("aa", "bb"),
        "torch that made the files": ("2.1", "2.2"),
        "bank seed": ("1", "–"),
        "version of numpy": ("2.1", "2.2"),
    }


@pytest.mark.parametrize("odd", [None, 3, "x", [], [None], {"a": 1}])
def test_provenance_of_any_form_is_compared(odd: Any) -> None:
    strange = {"models": odd, "files": odd, "versions": odd, "x": odd}
    assert changes(run([FIRST], **strange), run([FIRST], **strange)).conditions == ()
    assert changes(run([FIRST]), run([FIRST], **strange)).rows


def test_rows_summary_and_conditions_have_the_new_names() -> None:
    new = replace(FIRST, auroc=0.95, n_ood=FIRST.n_ood + 1)
    only = replace(FIRST, score="energy", parameters={}, ood="SUN")
    names = {"mcm": "MCM", "iNaturalist": "iNat", "energy": "E", "SUN": "Suns", MODEL: "CLIP"}
    names |= {"imagenet-val": "val", "clip/one": "One"}
    models = {"clip/one": {"weights": "12"}}
    found = changes(run([FIRST, only]), run([new], models=models), names)
    (row,) = found.rows
    assert (row.name, row.id, row.ood) == ("MCM", "val", "iNat")
    assert found.summary.startswith("The only row in both runs changed; most of all the AUROC of ")
    assert "of MCM with CLIP on iNat, from" in found.summary
    assert found.only_old == ("E on Suns",)
    what = [one.what for one in found.conditions]
    assert {"images of iNat (OOD)", "images of Suns (OOD)", "weights of One"} <= {*what}
