"""Claims about the study's tables, on results made up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from samples.report.results import FIRST, LABELS, MODEL, PLAIN_DIFFERENCE, SETS, results

from oodcache.report.tables.grid import Key
from oodcache.study.published import Published
from oodcache.study.tables import Part, Step, StudyRow, by_step, contributions, study_rows, summary

PROMPT = "a photo of a {}"
STUDY = Published(
    source="the study's README",
    model=MODEL,
    score="mcm",
    method="softmax MCM",
    template=PROMPT,
    fpr_convention=None,
    accuracy=0.683,
    auroc={"average": 0.852},
    fpr95={},
    note="",
)


def key(score: str) -> Key:
    return MODEL, PROMPT, score


def change(ood: str, **changes: object) -> object:
    first, second = key("max-logit"), key("mcm")
    return replace(PLAIN_DIFFERENCE, ood=ood, first=first, second=second, **changes)  # type: ignore[arg-type]


def test_a_row_stands_beside_what_the_study_printed() -> None:
    shown = [StudyRow("CLIP, softmax MCM", key("mcm"), STUDY)]
    made = study_rows(results(*SETS), shown, ["a note"])
    assert made.ood_sets == ("ID accuracy", "average AUROC")
    assert made.measures == ("here", "study", "difference")
    (row,) = made.rows
    assert (row.heading, row.score) == (("CLIP, softmax MCM",), MODEL)
    # By hand: 67.05 % of 50,000 images is 67.05 ± 0.41 by Wilson's formula; AUROC .8 + 4 * .004.
    assert row.cells == (
        (("67.05", "68.30", "-1.25"), ("66.64–67.46",)),
        (("81.60", "85.20", "-3.60"), ("80.60–84.60",)),
    )
    assert made.notes == ("a note",)


def test_a_row_that_the_study_has_not_has_dashes() -> None:
    shown = [StudyRow("CLIP", key("mcm"), STUDY), StudyRow("SigLIP", key("max-logit"), None)]
    made = study_rows(results(*SETS), shown, [])
    assert made.rows[1].cells[1][0] == ("90.60", "–", "–")


def test_without_any_of_the_studys_rows_there_are_no_columns_for_it() -> None:
    made = study_rows(results(*SETS), [StudyRow("tiny", key("mcm"), None)], [])
    assert made.measures == ("here",)
    assert made.rows[0].cells[0][0] == ("67.05",)


def test_with_one_ood_set_its_auroc_is_the_average() -> None:
    made = study_rows(results("SUN"), [StudyRow("CLIP", key("mcm"), None)], [])
    assert made.rows[0].cells[1][0] == ("80.00",)


def test_a_change_has_what_was_before_and_after_and_its_interval() -> None:
    found = [
        change("average", difference=0.09, ci=(0.06, 0.11)),
        change("SUN", difference=0.0, ci=(0.0, 0.0)),
        change("iNaturalist", difference=-0.001, ci=None),
    ]
    parts = [
        Part(
            "aggregation",
            (Step("mcm", None, key("mcm")), Step("max-logit", key("mcm"), key("max-logit"))),
        )
    ]
    rows = results("iNaturalist", "SUN", "average")
    made = by_step(rows, found, parts, ["said"])  # type: ignore[arg-type]
    assert made.ood_sets == ("ID accuracy", "average", "iNaturalist", "SUN")
    start, after = made.rows
    assert start.cells[:2] == ((("–", "67.05", "–"),), (("–", "80.80", "–"),))
    assert after.cells == (
        (("67.05", "67.05", "+0.00"),),
        (("80.80", "89.80", "+9.00"), ("[+6.00, +11.00]",)),
        (("80.00", "89.00", "-0.10"), ("not estimable",)),
        (("80.40", "89.40", "+0.00"), ("same ranks",)),
    )
    assert made.notes[-1] == "said"


def test_the_steps_shares_are_the_differences_and_their_sum() -> None:
    learned: dict[str, float | str] = {"scale": "learned", "bias": "learned"}
    scores: list[tuple[str, dict[str, float | str], float]] = [
        ("mcm", {"temperature": 1.0}, 0.865),
        ("mcm", {"temperature": "learned"}, 0.855),
        ("max-logit", {}, 0.898),
        ("sigmoid-mcm", {**learned, "bias": "none"}, 0.898),
        ("sigmoid-mcm", learned, 0.898),
    ]
    rows = [
        replace(FIRST, ood=ood, score=score, parameters=parameters, auroc=auroc - below)
        for score, parameters, auroc in scores
        for ood, below in (("SUN", 0.3), ("average", 0.0))
    ]
    assert contributions(rows, key("mcm")) == (
        f"Of the +3.30 points from the softmax of {MODEL} to its sigmoid, the temperature "
        "contributes -1.00, the maximum instead of a softmax +4.30, the sigmoid +0.00 and the bias "
        "+0.00."
    )


def test_a_summary_has_the_four_numbers_of_each_set() -> None:
    made = summary([one for one in results("SUN", "Places") if one.score == "max-logit"])
    assert made.measures == ("ACC", "AUROC", "AUPR", "FPR95")
    assert [row.score for row in made.rows] == ["SUN", "Places"]
    assert made.rows[0].cells == ((("67.05", "89.00", "98.00", "30.00"),),)
    assert made.title == f"{MODEL}, max-logit, in %"


def test_an_accuracy_that_is_not_known_is_a_dash() -> None:
    made = summary([replace(FIRST, id_accuracy=None)])
    assert made.rows[0].cells[0][0][0] == "–"
    rows = results(*SETS, id_accuracy=None)
    shown = study_rows(rows, [StudyRow("x", key(LABELS[0]), STUDY)], [])
    assert shown.rows[0].cells[0][0] == ("–", "68.30", "–")


@pytest.mark.parametrize("before", [None, "mcm"])
def test_a_change_without_accuracies_has_dashes_for_them(before: str | None) -> None:
    step = Step("x", None if before is None else key(before), key("max-logit"))
    made = by_step(
        results("SUN", id_accuracy=None),
        [change("SUN")],  # type: ignore[list-item]
        [Part("p", (step,))],
        [],
    )
    assert made.rows[0].cells[0][0] == ("–", "–", "–")
