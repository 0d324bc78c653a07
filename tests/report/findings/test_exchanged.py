"""Claims about AUROCs below 50 %: which question they raise, and when none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from samples.report.results import FIRST

from oodcache.report.findings.exchanged import question
from oodcache.report.tables.grid import key
from oodcache.score.measures.result import Result

LOW = replace(FIRST, ood="SUN", auroc=0.2, auroc_ci=(0.15, 0.26))
HIGH = replace(FIRST, ood="Places", auroc=0.9, auroc_ci=(0.85, 0.94))


@pytest.mark.parametrize(
    "one",
    [HIGH, replace(LOW, auroc=0.48, auroc_ci=(0.44, 0.51)), replace(LOW, auroc_ci=None)],
)
def test_an_auroc_that_may_be_chance_or_better_raises_no_question(one: Result) -> None:
    assert question([one], {}) is None


def test_all_below_50_asks_whether_the_sets_are_exchanged_once() -> None:
    others = [replace(LOW, ood="Places", auroc=0.3, auroc_ci=(0.2, 0.4)), HIGH]
    average = replace(LOW, ood="average", auroc=0.01)
    assert question([LOW, *others, average], {}) == (
        "AUROC 20.00 (15.00–26.00) of mcm on SUN is below 50, as is 1 of the other 2: "
        "are --id and --ood exchanged?"
    )


def test_how_many_others_are_below_50_is_said_in_singular_and_plural() -> None:
    for several, words in ((2, "as is the other: "), (4, "as are 3 of the other 3: ")):
        rows = [replace(LOW, ood=f"set-{place}") for place in range(several)]
        assert f" is below 50, {words}" in str(question(rows, {}))


def test_one_of_several_scores_says_what_it_does() -> None:
    assert str(question([LOW, HIGH], {})).endswith(
        "is below 50: that score ranks OOD images as more ID"
    )


def test_of_a_users_own_score_the_sign_is_asked_about_too() -> None:
    mine = replace(LOW, score="gap")
    for rows in ([mine], [mine, HIGH]):
        asked = str(question(rows, {"code": {"gap": {"sha256": None}}}))
        assert asked.endswith("; is lower more ID in your own score? then return its negative")


@pytest.mark.parametrize("code", [None, 5, ["gap"]])
def test_what_is_no_code_in_untrusted_provenance_is_none(code: object) -> None:
    assert not str(question([replace(LOW, score="gap")], {"code": code})).endswith("negative")


@pytest.mark.parametrize(
    ("flipped", "words"),
    [(False, "is lower more ID? use --lower-is-id"), (True, "is higher more ID? omit --lower-is")],
)
def test_scores_of_another_program_may_have_the_other_sign(flipped: bool, words: str) -> None:
    assert words in str(question([LOW], {"lower_is_id": flipped}))


def test_complete_reversal_has_no_interval_and_raises_the_question() -> None:
    whole = replace(LOW, auroc=0.0, auroc_ci=None)
    assert question([whole], {}) == (
        "AUROC 0.00 of mcm on SUN is below 50: are --id and --ood exchanged?"
    )


def test_the_lowest_row_is_named_with_its_model_if_there_are_several() -> None:
    asked = str(question([LOW, replace(HIGH, model="ViT-L-14")], {}))
    assert "of mcm on SUN (ViT-B-16/laion400m_e31) is below 50: " in asked


def test_the_question_has_the_new_names() -> None:
    old = str(question([LOW], {}))
    row = f"{key(LOW)[2]} on {LOW.ood}"
    assert row in old
    new = {key(LOW)[2]: "My score", LOW.ood: "My set"}
    assert question([LOW], {}, new) == old.replace(row, "My score on My set")
